//! `deskconnctl secret`, at a terminal and in a pipe.

use crate::screen::Terminal;
use crate::stage::{Running, ended, program};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_not_seen_and_typed_twice() {
    for (second, said) in [
        ("open sesame\n", "stored_key"),
        ("open says me\n", "the two are different"),
    ] {
        let mut terminal = Terminal::of(program(&["secret", "joe"]));
        terminal.shows("Password:").await;
        terminal.press("open sesame\n");
        terminal.shows("Again:").await;
        terminal.press(second);
        terminal.shows(said).await;
        assert!(!terminal.raw().contains("open"), "{}", terminal.text());
    }
}

#[tokio::test]
async fn of_a_password_that_comes_through_a_pipe_what_the_configuration_keeps_is_printed() {
    let secret = async |arguments: &[&str], typed: &str| {
        let mut running = Running::of(program(arguments));
        running.type_line(typed).await;
        running.end_of_typing();
        running.ended().await
    };
    let made = secret(&["secret", "joe", "--method", "wampcra", "--role", "sensor"], "open").await;
    let lines: Vec<_> = made.result.lines().collect();
    assert_eq!(lines[0], "[[realm.principal]]", "{made:?}");
    for line in ["authid = \"joe\"", "role = \"sensor\"", "method = \"wampcra\""] {
        assert!(lines.contains(&line), "{made:?}");
    }
    assert!(!made.result.contains("open"), "{made:?}");
    let made = secret(&["--json", "secret", "joe", "--kdf", "pbkdf2"], "open").await;
    let made: serde_json::Value = serde_json::from_str(&made.result).unwrap();
    assert_eq!((&made["kdf"], &made["authid"]), (&"pbkdf2".into(), &"joe".into()));
    assert_eq!(made["stored_key"].as_str().unwrap().len(), 44);
    let longest = "x".repeat(1_023);
    assert_eq!(
        secret(&["secret", "joe", "--method", "wampcra"], &longest).await.status,
        Some(0)
    );
    for wrong in [String::new(), format!("{longest}x")] {
        let refused = secret(&["secret", "joe"], &wrong).await;
        refused.failed(1, "a password has 1 to 1023 bytes");
    }
    ended(program(&["secret", "joe"])).await.failed(1, "no password");
}
