//! Pages of the manual from the definitions of the arguments: one for the program, one for each command.

use std::io;

use clap::Command;
use clap_mangen::Man;
use roff::{Inline, Roff, bold, italic, roman};

use crate::args::{command, examples};

/// The section of programs (man-pages(7)).
const SECTION: &str = "1";
/// The date of this version, which a page has in its foot.
const DATE: &str = "2026-11-21";
const PROGRAM: &str = "deskconnctl";

/// What an exit status means.
const STATUSES: [(&str, &str); 4] = [
    ("0", "It is done."),
    (
        "1",
        "It was refused, or failed; a message on the standard error says why, and what to do next.",
    ),
    ("2", "The arguments make no sense."),
    ("3", "No desktop was found."),
];

const FILES: [(&str, &str); 5] = [
    (
        "$XDG_RUNTIME_DIR/deskconn/deskconn.sock",
        "The socket of this user's desktop.",
    ),
    (
        "/run/deskconn/deskconn.sock",
        "The socket of the system's desktop, where this user has none.",
    ),
    (
        "~/.local/share/deskconn/desktops.json",
        "The desktops that this command line was paired with by join, with their pins.",
    ),
    (
        "~/.local/share/deskconn/client.key",
        "The keys of this command line for them. Nobody else may read it.",
    ),
    (
        "~/.local/share/deskconn/ctl.key",
        "The key of keygen, for desktops that are named with --at.",
    ),
];

const ENVIRONMENT: [(&str, &str); 5] = [
    (
        "XDG_RUNTIME_DIR",
        "Where the socket of this user's desktop is looked for.",
    ),
    ("XDG_DATA_HOME", "Where the files are, in place of ~/.local/share."),
    ("NO_COLOR", "No colours, if it is not empty."),
    (
        "CLICOLOR_FORCE",
        "Colours in a pipe too, if it is neither empty nor 0. CLICOLOR=0 means none.",
    ),
    (
        "TERM",
        "With dumb, or without it, nothing moves and nothing has a colour.",
    ),
];

/// A page, and the name of its file.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) file: String,
    pub(crate) text: Vec<u8>,
}

/// Every page, that of the program first.
pub(crate) fn pages() -> io::Result<Vec<Page>> {
    let mut pages = Vec::new();
    add(&command(), &[], &mut pages)?;
    Ok(pages)
}

fn add(command: &Command, path: &[&str], pages: &mut Vec<Page>) -> io::Result<()> {
    pages.push(page(command, path)?);
    for sub in command.get_subcommands().filter(|sub| is_shown(sub)) {
        let path = [path, &[sub.get_name()]].concat();
        add(sub, &path, pages)?;
    }
    Ok(())
}

fn is_shown(command: &Command) -> bool {
    !command.is_hide_set() && command.get_name() != "help"
}

/// The page of the command at this path; the name that is none, if there is none.
pub(crate) fn page_of<'a>(path: &[&'a str]) -> Result<io::Result<Page>, (&'a str, Vec<String>)> {
    let root = command();
    let mut found = &root;
    for name in path {
        let subs = || found.get_subcommands().filter(|sub| is_shown(sub));
        let unknown = || (*name, subs().map(|sub| sub.get_name().to_owned()).collect());
        found = subs().find(|sub| sub.get_name() == *name).ok_or_else(unknown)?;
    }
    Ok(page(found, path))
}

fn page(command: &Command, path: &[&str]) -> io::Result<Page> {
    let words = [&[PROGRAM], path].concat();
    let name = words.join("-");
    let command = command
        .clone()
        .bin_name(words.join(" "))
        .display_name(name.clone())
        .disable_help_subcommand(true);
    let command = named(command, &name);
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let man = Man::new(command.about(about.trim_end_matches(':').to_owned()))
        .title(name.to_uppercase())
        .section(SECTION)
        .date(DATE)
        .source(concat!("deskconn ", env!("CARGO_PKG_VERSION")))
        .manual("deskconn");
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    let has_subcommands = has_subcommands(path);
    if has_subcommands {
        man.render_subcommands_section(&mut text)?;
    }
    own_sections(path).to_writer(&mut text)?;
    Ok(Page {
        file: format!("{name}.{SECTION}"),
        text: joined(&String::from_utf8_lossy(&text)).into_bytes(),
    })
}

/// The sections as one text: each was begun with the same definitions, some lines end with spaces, and breaks stand in
/// rows of which a formatter takes one and complains about the others.
fn joined(text: &str) -> String {
    let is_definition = |line: &str| line.starts_with(".ie ") || line.starts_with(".el ");
    let is_break = |line: &str| line.is_empty() || line == ".br";
    let mut joined = String::new();
    let mut breaks: Vec<&str> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_end();
        if is_break(line) {
            breaks.push(line);
        } else if number < 2 || !is_definition(line) {
            if !breaks.is_empty() {
                joined += if breaks.contains(&"") { ".sp\n" } else { ".br\n" };
                breaks.clear();
            }
            joined += line;
            joined.push('\n');
        }
    }
    joined
}

/// With the subcommands called as their pages are.
fn named(command: Command, name: &str) -> Command {
    let subs: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    subs.into_iter().fold(command, |command, sub| {
        let display = format!("{name}-{sub}");
        command.mut_subcommand(sub, |sub| sub.display_name(display))
    })
}

fn has_subcommands(path: &[&str]) -> bool {
    let root = command();
    let found = path.iter().try_fold(&root, |found, name| found.find_subcommand(name));
    found.is_some_and(|found| found.get_subcommands().any(is_shown))
}

/// What clap knows nothing of.
fn own_sections(path: &[&str]) -> Roff {
    let mut roff = Roff::new();
    if !path.is_empty() {
        roff.control("PP", []);
        roff.text([
            roman("The options of "),
            bold(PROGRAM),
            roman("(1), such as "),
            bold("--desktop"),
            roman(" and "),
            bold("--json"),
            roman(", may stand here too."),
        ]);
    }
    roff.control("SH", ["EXIT STATUS"]);
    list(&mut roff, &STATUSES, bold);
    if path.is_empty() {
        roff.control("SH", ["FILES"]);
        list(&mut roff, &FILES, italic);
        roff.control("SH", ["ENVIRONMENT"]);
        list(&mut roff, &ENVIRONMENT, bold);
    }
    roff.control("SH", ["EXAMPLES"]);
    for (index, (line, what)) in examples::of(path).into_iter().enumerate() {
        let line = bold(format!("{PROGRAM} {line}"));
        match (what, index) {
            // A section begins a paragraph itself.
            ("", 0) => {}
            ("", _) => drop(roff.control("PP", [])),
            _ => drop(roff.control("TP", [])),
        }
        roff.text([line]);
        if !what.is_empty() {
            roff.text([roman(what)]);
        }
    }
    roff.control("SH", ["SEE ALSO"]);
    let mut others: Vec<Inline> = Vec::new();
    if !path.is_empty() {
        others.extend([bold(PROGRAM), roman("(1), ")]);
    }
    others.extend([bold("deskconnd"), roman("(1)")]);
    roff.text(others);
    roff
}

fn list(roff: &mut Roff, rows: &[(&str, &str)], style: impl Fn(String) -> Inline) {
    for (name, what) in rows {
        roff.control("TP", []);
        roff.text([style((*name).to_owned())]);
        roff.text([roman(*what)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_with_all_its_sections() {
        let pages = pages().unwrap();
        let names: Vec<&str> = pages.iter().map(|page| page.file.as_str()).collect();
        assert_eq!(names[0], "deskconnctl.1");
        for name in ["deskconnctl-pair.1", "deskconnctl-devices-grant.1", "deskconnctl-top.1"] {
            assert!(names.contains(&name), "{name}");
        }
        for page in &pages {
            let text = std::str::from_utf8(&page.text).unwrap();
            for section in [
                "NAME",
                "SYNOPSIS",
                "DESCRIPTION",
                "OPTIONS",
                "EXIT STATUS",
                "EXAMPLES",
                "SEE ALSO",
            ] {
                let head = if section.contains(' ') {
                    format!(".SH \"{section}\"")
                } else {
                    format!(".SH {section}")
                };
                assert!(text.contains(&head), "{}: {section}", page.file);
            }
        }
        let text = String::from_utf8(pages.into_iter().next().unwrap().text).unwrap();
        assert!(text.contains(".SH FILES") && text.contains(".SH ENVIRONMENT"));
    }

    #[test]
    fn a_page_is_found_by_the_words_of_its_command() {
        let page = page_of(&["devices", "grant"]).unwrap().unwrap();
        assert_eq!(page.file, "deskconnctl-devices-grant.1");
        let (name, known) = page_of(&["devices", "grunt"]).unwrap_err();
        assert_eq!(name, "grunt");
        assert!(known.contains(&"grant".to_owned()), "{known:?}");
    }
}
