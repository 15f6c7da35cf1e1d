//! The pages of the manual, as formatters take them.

use std::process::Command;

use crate::stage::{ended, program};

#[tokio::test]
async fn formatters_have_nothing_to_say_against_any_page() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("man1");
    let written = ended(program(&["man", "--write", path.to_str().unwrap()])).await;
    assert_eq!(written.status, Some(0), "{written:?}");
    let files: Vec<&str> = written.result.lines().collect();
    assert!(files.len() > 40 && files[0].ends_with("/deskconnctl.1"), "{written:?}");
    let lint = Command::new("mandoc")
        .args(["-Tlint", "-W", "warning"])
        .args(&files)
        .output()
        .expect("mandoc is there; tests/run.sh installs it");
    let complaints = String::from_utf8(lint.stdout).unwrap();
    assert!(lint.status.success() && complaints.is_empty(), "{complaints}");
    for name in ["deskconnctl", "deskconnctl-pair", "deskconnctl-devices-grant"] {
        let file = path.join(format!("{name}.1"));
        let shown = Command::new("man")
            .args(["--warnings", "-Tutf8", "-l"])
            .arg(&file)
            .env("LC_ALL", "C.UTF-8")
            .env("MANWIDTH", "80")
            .output()
            .expect("man is there; tests/run.sh installs it");
        assert_eq!(String::from_utf8(shown.stderr).unwrap(), "", "{name}");
        let text = without_overprinting(&String::from_utf8(shown.stdout).unwrap());
        assert!(
            text.contains("EXIT STATUS") && text.contains("EXAMPLES"),
            "{name}: {text}"
        );
    }
}

#[tokio::test]
async fn a_page_that_is_not_there_is_answered_with_those_that_are() {
    let ended = ended(program(&["man", "devices", "grunt"])).await;
    ended.failed(2, "there is no command \"grunt\"; there are \"grant\"");
    ended.failed(2, "did you mean \"grant\"?");
}

/// A letter that is printed twice in one place, with a backspace between, is a bold one.
fn without_overprinting(text: &str) -> String {
    let mut plain = String::new();
    for c in text.chars() {
        if c == '\u{8}' {
            plain.pop();
        } else {
            plain.push(c);
        }
    }
    plain
}
