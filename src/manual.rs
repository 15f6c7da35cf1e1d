//! `deskconnd --man`: the page of the manual, from the definitions of the arguments; `--man config`: that of the configuration,
//! from its reference.

use std::io::{self, Write};

use clap::Command;
use clap_mangen::Man;
use deskconnd::config::Effect;
use deskconnd::config::reference::{Absent, Key, Reference, reference};
use roff::{Inline, Roff, bold, italic, roman};

/// The date of this version, which the page has in its foot.
const DATE: &str = "2026-11-21";

const STATUSES: [(&str, &str); 2] = [
    (
        "0",
        "It was asked to end, by SIGTERM or SIGINT; or the configuration is right, with --check.",
    ),
    (
        "1",
        "It cannot start, and says why on the standard error. 2 stands for arguments that make no sense.",
    ),
];

const FILES: [(&str, &str); 6] = [
    (
        "~/.config/deskconn/config.toml",
        "The configuration. It need not be there; every key has a default.",
    ),
    (
        "~/.local/share/deskconn/",
        "The state: keys, paired devices, the audit log. Nobody else may read it.",
    ),
    (
        "$XDG_RUNTIME_DIR/deskconn/deskconn.sock",
        "The socket for programs of the same user.",
    ),
    (
        "/etc/deskconn/config.toml",
        "The configuration of the system's service, which root runs.",
    ),
    ("/var/lib/deskconn/", "Its state."),
    (
        "/run/deskconn/deskconn.sock",
        "Its socket, for whoever sits at the machine.",
    ),
];

const ENVIRONMENT: [(&str, &str); 3] = [
    (
        "XDG_CONFIG_HOME, XDG_DATA_HOME, XDG_RUNTIME_DIR",
        "Where a user's configuration, state and socket are.",
    ),
    (
        "CONFIGURATION_DIRECTORY, STATE_DIRECTORY, RUNTIME_DIRECTORY",
        "The same of the system's service, as systemd sets them.",
    ),
    ("SNAP_COMMON", "Below this all of them are, in a snap."),
];

const EXAMPLES: [(&str, &str); 3] = [
    ("deskconnd", "Run in a terminal, until Ctrl-C."),
    (
        "systemctl --user enable --now deskconnd",
        "Run from now on, with every login.",
    ),
    ("deskconnd --check", "See whether the configuration is right."),
];

/// Which page.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Page {
    /// deskconnd(1).
    Program,
    /// deskconn.toml(5).
    Config,
}

/// Writes a page; that of the program has these arguments.
///
/// # Errors
/// The output takes no more.
pub(crate) fn write(page: Page, command: Command, out: &mut dyn Write) -> io::Result<()> {
    match page {
        Page::Program => write_program(command, out),
        Page::Config => write_config(&reference().map_err(io::Error::other)?, out),
    }
}

fn write_config(reference: &Reference, out: &mut dyn Write) -> io::Result<()> {
    let mut roff = Roff::new();
    let source = concat!("deskconn ", env!("CARGO_PKG_VERSION"));
    roff.control("TH", ["deskconn.toml", "5", DATE, source, "deskconn"]);
    roff.control("SH", ["NAME"]);
    roff.text([roman("deskconn.toml - the configuration of deskconnd(1)")]);
    roff.control("SH", ["DESCRIPTION"]);
    roff.text([roman(
        "A file in TOML, of which every key may be left out but those that are needed. It is \
         ~/.config/deskconn/config.toml for the daemon of a user, /etc/deskconn/config.toml for the service of the system, \
         or what deskconnd --config names.",
    )]);
    for table in &reference.tables {
        let heading = match table.heading.as_str() {
            "" => "BEFORE THE TABLES",
            heading => heading,
        };
        roff.control("SH", [heading]);
        if !table.about.is_empty() {
            roff.text([roman(table.about.as_str())]);
        }
        for key in &table.keys {
            key_of(&mut roff, key);
        }
    }
    roff.control("SH", ["SEE ALSO"]);
    roff.text([bold("deskconnd"), roman("(1), "), bold("deskconnctl"), roman("(1)")]);
    roff.to_writer(out)
}

fn key_of(roff: &mut Roff, key: &Key) {
    let absent = match &key.absent {
        Absent::Default(value) => format!("Default: {value}."),
        Absent::Nothing(value) => format!("No default; for example {value}."),
        Absent::Refused => "Needed.".to_owned(),
    };
    let effect = match key.effect {
        Effect::Reload => "A change counts on reload.",
        Effect::Restart(_) => "A change counts after a restart.",
    };
    roff.control("TP", []);
    roff.text([bold(key.name.as_str())]);
    roff.text([roman(format!("{} Takes {}. {absent} {effect}", key.about, key.takes))]);
}

fn write_program(command: Command, out: &mut dyn Write) -> io::Result<()> {
    let man = Man::new(command.name("deskconnd"))
        .title("DESKCONND")
        .date(DATE)
        .source(concat!("deskconn ", env!("CARGO_PKG_VERSION")))
        .manual("deskconn");
    let mut text = Vec::new();
    man.render(&mut text)?;
    let mut roff = Roff::new();
    section(&mut roff, "EXIT STATUS", &STATUSES, bold);
    section(&mut roff, "FILES", &FILES, italic);
    section(&mut roff, "ENVIRONMENT", &ENVIRONMENT, bold);
    section(&mut roff, "EXAMPLES", &EXAMPLES, bold);
    roff.control("SH", ["SEE ALSO"]);
    roff.text([bold("deskconnctl"), roman("(1), "), bold("deskconn.toml"), roman("(5)")]);
    roff.to_writer(&mut text)?;
    // What was begun a second time is defined already, and a formatter complains about spaces that end a line.
    for (number, line) in String::from_utf8_lossy(&text).lines().enumerate() {
        if number < 2 || !(line.starts_with(".ie ") || line.starts_with(".el ")) {
            writeln!(out, "{}", line.trim_end())?;
        }
    }
    Ok(())
}

fn section(roff: &mut Roff, name: &str, rows: &[(&str, &str)], style: impl Fn(String) -> Inline) {
    roff.control("SH", [name]);
    for (term, what) in rows {
        roff.control("TP", []);
        roff.text([style((*term).to_owned())]);
        roff.text([roman(*what)]);
    }
}
