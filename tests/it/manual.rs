//! The daemon's pages of the manual: of the program and of its configuration.

use std::io::Write as _;
use std::process::{Command, Stdio};

#[test]
fn a_formatter_has_nothing_to_say_against_the_pages_of_the_daemon() {
    let program = [
        "SYNOPSIS",
        "EXIT STATUS",
        "FILES",
        "ENVIRONMENT",
        "EXAMPLES",
        "SEE ALSO",
        "config.toml",
        "check",
    ];
    is_well_formed(&["--man"], &program);
    let config = [
        "NAME",
        "DESCRIPTION",
        "[limits]",
        "[[realm.role]]",
        "queue_bytes",
        "from 4 to 128",
        "Default: 32.",
    ];
    is_well_formed(&["--man", "config"], &config);
}

#[test]
fn the_pages_of_both_programs_have_one_date() {
    let date = |file: &str| {
        let text = std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        let line = text.lines().find(|line| line.starts_with("const DATE: &str = "));
        line.unwrap().to_owned()
    };
    assert_eq!(date("src/manual.rs"), date("clients/ctl/src/manual.rs"));
}

/// Whether what the daemon prints is a page with these parts.
fn is_well_formed(arguments: &[&str], parts: &[&str]) {
    let page = Command::new(env!("CARGO_BIN_EXE_deskconnd"))
        .args(arguments)
        .output()
        .unwrap();
    assert!(page.status.success());
    let text = String::from_utf8(page.stdout).unwrap();
    // A hyphen that must stay one is written with a backslash.
    let plain = text.replace("\\-", "-");
    for part in parts {
        assert!(plain.contains(part), "{part}");
    }
    let mut lint = Command::new("mandoc")
        .args(["-Tlint", "-W", "warning"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("mandoc is there; tests/run.sh installs it");
    lint.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let lint = lint.wait_with_output().unwrap();
    let complaints = String::from_utf8_lossy(&lint.stdout);
    assert!(lint.status.success() && complaints.is_empty(), "{complaints}");
}
