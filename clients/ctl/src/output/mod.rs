//! All that this program prints, and nothing else prints. A person at a terminal gets colours, tables and a countdown; a
//! pipe gets plain lines; `--json` gives one JSON value a line, in a form that stays.
//!
//! What comes from the network never reaches a terminal as it is: characters that a terminal obeys are replaced.

mod fold;
mod question;
mod safe;
mod style;
mod table;
mod wait;

use std::cell::{Cell as Mutable, RefCell};
use std::io::{self, Write as _};

use serde::Serialize;

use self::fold::folded;
use self::question::Question;
pub(crate) use self::safe::one_line;
use self::safe::{for_a_pipe, for_a_terminal};
use self::style::Stream;
pub(crate) use self::style::{Color, Meaning};
pub(crate) use self::table::{Cell, shortened};
pub(crate) use self::wait::left;
use crate::failure::Failure;
use crate::system;

/// To the beginning of the line, and away with what stands there (ECMA-48 §8.3.41).
const CLEAR_LINE: &str = "\r\u{1b}[K";

/// The column of the values of [`Output::fields`]: behind a name of twelve.
const FIELD_INDENT: usize = 13;

/// Where results and remarks go.
#[derive(Debug)]
pub(crate) struct Output {
    is_json: bool,
    is_quiet: bool,
    results: Stream,
    remarks: Stream,
    /// A line stands there that the next thing replaces.
    has_passing_line: Mutable<bool>,
    /// Somebody else's output stopped in the middle of a line.
    is_within_line: Mutable<bool>,
    open_question: RefCell<Option<Question>>,
}

impl Output {
    pub(crate) fn new(is_json: bool, is_quiet: bool, color: Color) -> Self {
        Self {
            is_json,
            is_quiet,
            results: Stream::of(&io::stdout(), color),
            remarks: Stream::of(&io::stderr(), color),
            has_passing_line: Mutable::new(false),
            is_within_line: Mutable::new(false),
            open_question: RefCell::new(None),
        }
    }

    pub(crate) const fn is_json(&self) -> bool {
        self.is_json
    }

    /// A result: `value` for programs, `text` for people. Several lines of text are several lines; no text is none.
    pub(crate) fn result(&self, value: &impl Serialize, text: impl FnOnce() -> String) -> Result<(), Failure> {
        if self.is_json {
            return self.json(value);
        }
        let text = text();
        if text.is_empty() {
            return Ok(());
        }
        self.print(&self.harmless(&text))
    }

    /// A result of several named values: for people with their names in front, one below the other.
    pub(crate) fn fields(&self, value: &impl Serialize, fields: &[(&str, Cell)]) -> Result<(), Failure> {
        if self.is_json {
            return self.json(value);
        }
        fields.iter().try_for_each(|(name, cell)| {
            let text = self.below_itself(&cell.text, FIELD_INDENT);
            let name = self.results.paint(Some(Meaning::Dim), &format!("{name:<12}"));
            self.print(format!("{name} {}", self.results.paint(cell.meaning, &text)).trim_end())
        })
    }

    /// One line, which on a terminal goes on below itself where it is too long.
    pub(crate) fn below_itself(&self, text: &str, indent: usize) -> String {
        let text = one_line_for(self.results, text);
        match Self::columns().filter(|_| self.results.is_terminal) {
            Some(columns) => folded(&text, indent, columns),
            None => text,
        }
    }

    /// A result with a word in front that stands out.
    #[cfg(target_os = "linux")]
    pub(crate) fn headed(&self, value: &impl Serialize, head: &Cell, text: &str) -> Result<(), Failure> {
        if self.is_json {
            return self.json(value);
        }
        let head = self.results.paint(head.meaning, &self.harmless(&head.text));
        self.print(&format!("{head} {}", self.harmless(text)))
    }

    /// One of many results that come as they happen: for a pipe with tabs between the fields.
    pub(crate) fn row(&self, value: &impl Serialize, cells: &[Cell]) -> Result<(), Failure> {
        if self.is_json {
            return self.json(value);
        }
        if !self.results.is_terminal {
            return self.print(&self.plain_row(cells));
        }
        let cells = cells.iter().filter(|cell| !cell.text.is_empty());
        let cells: Vec<String> = cells
            .map(|cell| self.results.paint(cell.meaning, &one_line(&cell.text)))
            .collect();
        self.print(&cells.join("  "))
    }

    /// A piece of somebody else's output, without an end of line of its own. An error output goes to ours.
    pub(crate) fn piece(&self, value: &impl Serialize, text: &str, is_error: bool) -> Result<(), Failure> {
        if self.is_json {
            return self.json(value);
        }
        self.clear_passing();
        self.is_within_line.set(!text.is_empty() && !text.ends_with('\n'));
        if is_error {
            put(&for_stream(self.remarks, text));
            return Ok(());
        }
        bytes(self.harmless(text).as_bytes())
    }

    /// Somebody else's output has come to its end: on a terminal what follows begins on a line of its own.
    pub(crate) fn end_line(&self) {
        if self.is_within_line.take() && self.results.is_terminal {
            let _ = bytes(b"\n");
        }
    }

    /// Results of one kind: for people a table with a head, for a pipe lines of fields with tabs between them.
    pub(crate) fn table<T: Serialize>(
        &self,
        values: &[T],
        head: &[&str],
        row: impl Fn(&T) -> Vec<Cell>,
    ) -> Result<(), Failure> {
        if self.is_json {
            return values.iter().try_for_each(|value| self.json(value));
        }
        let rows: Vec<Vec<Cell>> = values.iter().map(row).collect();
        if !self.results.is_terminal {
            return rows.iter().try_for_each(|row| self.print(&self.plain_row(row)));
        }
        if rows.is_empty() {
            return Ok(());
        }
        let lines = table::lines(head, &rows, Self::columns(), self.results);
        lines.iter().try_for_each(|line| self.print(line))
    }

    /// Text that should be seen at once.
    pub(crate) fn loud(&self, text: &str) -> Result<(), Failure> {
        self.print(&self.results.paint(Some(Meaning::Strong), &self.harmless(text)))
    }

    /// Whether results are read by a person, who can look at a picture.
    pub(crate) const fn is_for_eyes(&self) -> bool {
        self.results.is_terminal && !self.is_json
    }

    /// Whether the whole screen can be drawn on.
    pub(crate) const fn has_screen(&self) -> bool {
        self.results.can_go_back && !self.is_json
    }

    pub(crate) const fn has_colours(&self) -> bool {
        self.results.has_colours
    }

    /// The lines of a table, for a screen that is drawn anew again and again.
    pub(crate) fn table_lines(&self, head: &[&str], rows: &[Vec<Cell>], columns: usize) -> Vec<String> {
        table::lines(head, rows, Some(columns), self.results)
    }

    /// A piece of a result in its colour.
    pub(crate) fn paint(&self, meaning: Meaning, text: &str) -> String {
        self.results.paint(Some(meaning), text)
    }

    /// How many characters fit on a line of the terminal, where it says so.
    pub(crate) fn columns() -> Option<usize> {
        let (columns, _) = system::terminal_size()?;
        Some(columns).filter(|columns| *columns > 0)
    }

    /// A picture of this program's own making, with the colours that are in it; only for a terminal.
    pub(crate) fn picture(&self, picture: &str) -> Result<(), Failure> {
        if self.is_for_eyes() {
            self.print(picture)
        } else {
            Ok(())
        }
    }

    /// Something that must not be overlooked, whatever else is asked for.
    pub(crate) fn alarm(&self, sentence: &str) {
        let text = format!("ALARM: {}", one_line(sentence));
        if self.remarks.is_terminal {
            // The bell (ECMA-48 8.3.3) calls whoever looks elsewhere.
            self.say(&format!("\u{7}{}", self.remarks.paint(Some(Meaning::Bad), &text)));
        } else {
            self.say(&text);
        }
    }

    /// Something beside the results, for people, on one line: what others chose in it can say nothing on a line of its own.
    pub(crate) fn remark(&self, text: &str) {
        if !self.is_quiet {
            self.say(&one_line_for(self.remarks, text));
        }
    }

    /// Several lines of this program's own words.
    pub(crate) fn page(&self, text: &str) {
        self.say(text);
    }

    /// A remark that somebody should heed.
    pub(crate) fn warn(&self, text: &str) {
        if !self.is_quiet {
            let text = one_line_for(self.remarks, text);
            self.say(&self.remarks.paint(Some(Meaning::Warning), &text));
        }
    }

    /// Whether lines that the next ones replace are seen.
    pub(crate) const fn has_passing(&self) -> bool {
        self.remarks.can_go_back && !self.is_quiet && !self.is_json
    }

    /// A line that the next one replaces; only a terminal gets it.
    pub(crate) fn passing(&self, text: &str) {
        if !self.has_passing() || self.is_within_line.get() {
            return;
        }
        if text.is_empty() {
            return self.clear_passing();
        }
        // A line that wraps could not be taken back.
        let text = shortened(&one_line(text), Self::columns().unwrap_or(80).saturating_sub(1));
        let text = self.remarks.paint(Some(Meaning::Dim), &text);
        put(&format!("{CLEAR_LINE}{text}"));
        self.has_passing_line.set(true);
    }

    /// Why the command failed, and what helps.
    pub(crate) fn failure(&self, failure: &Failure) {
        let name = self.remarks.paint(Some(Meaning::Bad), "deskconnctl:");
        self.say(&format!("{name} {}", one_line(&failure.to_string())));
        for hint in failure.hints() {
            let word = self.remarks.paint(Some(Meaning::Good), "hint:");
            self.say(&format!("  {word} {}", one_line(hint)));
        }
    }

    fn json(&self, value: &impl Serialize) -> Result<(), Failure> {
        let line = serde_json::to_string(value)
            .map_err(|error| Failure::failed(format!("the result has no form in JSON: {error}")))?;
        self.print(&line)
    }

    fn harmless(&self, text: &str) -> String {
        for_stream(self.results, text)
    }

    fn plain_row(&self, row: &[Cell]) -> String {
        let field = |cell: &Cell| {
            let text = for_a_pipe(&cell.text).replace(['\n', '\t'], " ");
            self.results.paint(cell.meaning, &text)
        };
        row.iter().map(field).collect::<Vec<_>>().join("\t")
    }

    fn clear_passing(&self) {
        if self.has_passing_line.take() {
            put(CLEAR_LINE);
        }
    }

    fn print(&self, text: &str) -> Result<(), Failure> {
        let line = format!("{}\n", text.strip_suffix('\n').unwrap_or(text));
        // In a pipe it is in nobody's way.
        if !self.results.is_terminal {
            return bytes(line.as_bytes());
        }
        self.above(|| bytes(line.as_bytes()))
    }

    fn say(&self, text: &str) {
        self.above(|| put(&format!("{text}\n")));
    }

    /// Says something where a passing line or a question stands, and asks again below.
    fn above<T>(&self, say: impl FnOnce() -> T) -> T {
        self.clear_passing();
        let question = self.interrupt_question();
        let said = say();
        if let Some(question) = question {
            self.ask(question);
        }
        said
    }
}

/// Puts text on the error output, in one piece: what is typed meanwhile must not come into its middle.
fn put(text: &str) {
    // If nobody can be told, there is nobody to tell that.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

fn for_stream(stream: Stream, text: &str) -> String {
    if stream.is_terminal {
        for_a_terminal(text)
    } else {
        for_a_pipe(text)
    }
}

fn one_line_for(stream: Stream, text: &str) -> String {
    for_stream(stream, text).replace(['\n', '\t'], " ")
}

/// Puts bytes of this program's own making on the standard output, such as the completions of a shell.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_cannot_make_a_line_or_a_column_of_its_own() {
        let output = Output::new(false, false, Color::Never);
        assert_eq!(
            output.plain_row(&["a\tb\nc".into(), "d\u{1b}[2J".into()]),
            "a b c\td\u{fffd}[2J"
        );
    }
}
