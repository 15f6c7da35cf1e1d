//! All that this program prints, and nothing else prints. A person at a terminal gets colours, tables and a countdown; a
//! pipe gets plain lines; `--json` gives one JSON value a line, in a form that stays.
//!
//! What comes from the network never reaches a terminal as it is: characters that a terminal obeys are replaced.

use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;

use crate::failure::Failure;

const BOLD: &str = "\u{1b}[1m";
const RED: &str = "\u{1b}[31m";
const PLAIN: &str = "\u{1b}[0m";
/// To the beginning of the line, and away with what stands there (ECMA-48 §8.3.41).
const CLEAR_LINE: &str = "\r\u{1b}[K";

/// Where results and remarks go.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Output {
    is_json: bool,
    is_quiet: bool,
    /// Results are read by a person.
    is_terminal: bool,
    /// Remarks are.
    has_remarks_terminal: bool,
    has_colours: bool,
}

impl Output {
    pub(crate) fn new(is_json: bool, is_quiet: bool) -> Self {
        // https://no-color.org: any value that is not empty.
        let has_colours = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            is_json,
            is_quiet,
            is_terminal: io::stdout().is_terminal(),
            has_remarks_terminal: io::stderr().is_terminal(),
            has_colours,
        }
    }

    pub(crate) const fn is_json(&self) -> bool {
        self.is_json
    }

    /// A result: `value` for programs, `text` for people. Several lines of text are several lines; no text is none.
    pub(crate) fn result(&self, value: &impl Serialize, text: impl FnOnce() -> String) -> Result<(), Failure> {
        if self.is_json {
            let line = serde_json::to_string(value)
                .map_err(|error| Failure::failed(format!("the result has no form in JSON: {error}")))?;
            return print(&line);
        }
        let text = text();
        if text.is_empty() {
            return Ok(());
        }
        print(&if self.is_terminal { safe(&text) } else { text })
    }

    /// A piece of somebody else's output, without an end of line of its own. An error output goes to ours.
    pub(crate) fn piece(&self, value: &impl Serialize, text: &str, is_error: bool) -> Result<(), Failure> {
        if self.is_json {
            return self.result(value, String::new);
        }
        if is_error {
            let text = if self.has_remarks_terminal {
                safe(text)
            } else {
                text.to_owned()
            };
            let _ = io::stderr().lock().write_all(text.as_bytes());
            return Ok(());
        }
        let text = if self.is_terminal { safe(text) } else { text.to_owned() };
        bytes(text.as_bytes())
    }

    /// Results of one kind: for people a table with a head, for a pipe lines of fields with tabs between them.
    pub(crate) fn table<T: Serialize>(
        &self,
        values: &[T],
        head: &[&str],
        row: impl Fn(&T) -> Vec<String>,
    ) -> Result<(), Failure> {
        if self.is_json {
            return values.iter().try_for_each(|value| self.result(value, String::new));
        }
        let rows: Vec<Vec<String>> = values.iter().map(row).collect();
        if !self.is_terminal {
            return rows.iter().try_for_each(|row| print(&plain_row(row)));
        }
        if rows.is_empty() {
            return Ok(());
        }
        let rows: Vec<Vec<String>> = rows
            .iter()
            .map(|row| row.iter().map(|field| one_line(field)).collect())
            .collect();
        let widths = widths(head, &rows);
        let head: Vec<String> = head.iter().map(|name| (*name).to_owned()).collect();
        print(&self.paint(BOLD, &aligned(&head, &widths)))?;
        rows.iter().try_for_each(|row| print(&aligned(row, &widths)))
    }

    /// Text that should be seen at once.
    pub(crate) fn loud(&self, text: &str) -> Result<(), Failure> {
        let text = if self.is_terminal {
            self.paint(BOLD, &safe(text))
        } else {
            text.to_owned()
        };
        print(&text)
    }

    /// Whether results are read by a person, who can look at a picture.
    pub(crate) const fn is_for_eyes(&self) -> bool {
        self.is_terminal && !self.is_json
    }

    pub(crate) const fn has_colours(&self) -> bool {
        self.has_colours
    }

    /// How many characters fit on a line of the terminal, where it says so.
    pub(crate) fn columns() -> Option<usize> {
        let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
        Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
    }

    /// A picture of this program's own making, with the colours that are in it; only for a terminal.
    pub(crate) fn picture(&self, picture: &str) -> Result<(), Failure> {
        if self.is_for_eyes() { print(picture) } else { Ok(()) }
    }

    /// Something that must not be overlooked, whatever else is asked for.
    pub(crate) fn alarm(&self, sentence: &str) {
        let text = format!("ALARM: {}", one_line(sentence));
        if self.has_remarks_terminal {
            // The bell (ECMA-48 8.3.3) calls whoever looks elsewhere.
            self.say(&format!("\u{7}{}", self.paint(&format!("{BOLD}{RED}"), &text)));
        } else {
            self.say(&text);
        }
    }

    /// Something beside the results, for people.
    pub(crate) fn remark(&self, text: &str) {
        if !self.is_quiet {
            self.say(&safe(text));
        }
    }

    /// A question, behind which the answer is typed.
    pub(crate) fn question(&self, text: &str) {
        let mut stderr = io::stderr().lock();
        let clear = if self.has_remarks_terminal { CLEAR_LINE } else { "" };
        let _ = write!(stderr, "{clear}{} ", safe(text));
        let _ = stderr.flush();
    }

    /// A line that the next one replaces; only a terminal gets it.
    pub(crate) fn passing(&self, text: &str) {
        if self.has_remarks_terminal && !self.is_quiet && !self.is_json {
            let mut stderr = io::stderr().lock();
            let _ = write!(stderr, "{CLEAR_LINE}{}", one_line(text));
            let _ = stderr.flush();
        }
    }

    /// Why the command failed.
    pub(crate) fn failure(&self, failure: &Failure) {
        let name = if self.has_remarks_terminal {
            self.paint(RED, "deskconnctl:")
        } else {
            "deskconnctl:".to_owned()
        };
        self.say(&format!("{name} {}", safe(&failure.to_string())));
    }

    fn say(&self, text: &str) {
        let clear = if self.has_remarks_terminal { CLEAR_LINE } else { "" };
        // If nobody can be told, there is nobody to tell that.
        let _ = writeln!(io::stderr().lock(), "{clear}{text}");
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.has_colours {
            format!("{colour}{text}{PLAIN}")
        } else {
            text.to_owned()
        }
    }
}

/// A line with a name in front, for [`Output::result`].
pub(crate) fn field(name: &str, value: &str) -> String {
    format!("{name:<12} {value}\n")
}

/// Puts bytes on the standard output, such as the completions of a shell.
pub(crate) fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
    written.map_err(|error| {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Failure::NobodyReads
        } else {
            Failure::failed(format!("the result cannot be written: {error}"))
        }
    })
}

fn print(text: &str) -> Result<(), Failure> {
    bytes(format!("{}\n", text.strip_suffix('\n').unwrap_or(text)).as_bytes())
}

/// Without what a terminal obeys, and without what turns the direction of writing (Unicode Standard Annex 9, section 2).
fn safe(text: &str) -> String {
    let is_unsafe = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    let replace = |c: char| if is_unsafe(c) { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().map(replace).collect()
}

fn one_line(text: &str) -> String {
    safe(text).replace(['\n', '\t'], " ")
}

fn plain_row(row: &[String]) -> String {
    let fields: Vec<String> = row.iter().map(|field| field.replace(['\n', '\t'], " ")).collect();
    fields.join("\t")
}

fn widths(head: &[&str], rows: &[Vec<String>]) -> Vec<usize> {
    let length = |column: usize| move |row: &Vec<String>| row.get(column).map_or(0, |field| field.chars().count());
    let widest = |column: usize| rows.iter().map(length(column)).max().unwrap_or(0);
    let of = |(column, name): (usize, &&str)| widest(column).max(name.chars().count());
    head.iter().enumerate().map(of).collect()
}

fn aligned(row: &[String], widths: &[usize]) -> String {
    let fields: Vec<String> = row
        .iter()
        .zip(widths)
        .map(|(field, width)| format!("{field:<width$}"))
        .collect();
    fields.join("  ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_replaced() {
        assert_eq!(
            safe("a\u{1b}[2Jb\u{202e}c\u{9b}d\r"),
            "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d\u{fffd}"
        );
        assert_eq!(safe("two\nlines\tand a tab, é 電話"), "two\nlines\tand a tab, é 電話");
        assert_eq!(one_line("two\nlines"), "two lines");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_field() {
        let rows = [["é", "22"], ["long name", "1"]].map(|row| row.map(str::to_owned).to_vec());
        let widths = widths(&["NAME", "PORT"], &rows);
        assert_eq!(widths, [9, 4]);
        assert_eq!(aligned(&rows[0], &widths), "é          22");
    }

    #[test]
    fn a_field_cannot_make_a_line_or_a_column_of_its_own() {
        assert_eq!(plain_row(&["a\tb\nc".to_owned(), "d".to_owned()]), "a b c\td");
    }
}
