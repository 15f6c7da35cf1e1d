//! The daemon's page of the manual.

use std::io::Write as _;
use std::process::{Command, Stdio};

#[test]
fn a_formatter_has_nothing_to_say_against_the_page_of_the_daemon() {
    let page = Command::new(env!("CARGO_BIN_EXE_deskconnd"))
        .arg("--man")
        .output()
        .unwrap();
    assert!(page.status.success());
    let text = String::from_utf8(page.stdout).unwrap();
    for part in [
        "SYNOPSIS",
        "EXIT STATUS",
        "FILES",
        "ENVIRONMENT",
        "EXAMPLES",
        "SEE ALSO",
        "config.toml",
        "check",
    ] {
        assert!(text.contains(part), "{part}");
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
