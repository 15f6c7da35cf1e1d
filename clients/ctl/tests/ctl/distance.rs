//! Every command for the functions of a desktop, on another machine's: it works over the pinned connection, and without the
//! right pin no command is sent.

use components::backends::Key;

use crate::home::{Desk, Home};
use crate::stage::Ended;

/// What the desktop offers beside what it has anyway.
pub(crate) const CONFIGURATION: &str = r#"
[[components.command]]
name = "greet"
run = ["/bin/echo", "hello"]
[[components.gpio.line]]
name = "lamp"
chip = "fake"
line = 3
direction = "out"
"#;

/// What no role has.
const GRANTS: [&str; 3] = [
    "org.deskconn.command.",
    "org.deskconn.power.",
    "org.deskconn.screen.unlock",
];

/// Each command with what it prints the first time; it is done a second time with --json. `None` where that is the machine's to say.
const COMMANDS: [(&[&str], Option<&str>); 31] = [
    (&["slides", "start"], Some("")),
    (&["slides", "next"], Some("")),
    (&["screen", "lock"], Some("locked\n")),
    (&["screen", "status"], Some("locked\n")),
    (&["screen", "unlock"], Some("not locked\n")),
    (&["brightness"], Some("50\n")),
    (&["brightness", "set", "40"], Some("40\n")),
    (&["brightness", "up", "5", "--display", "panel"], Some("45\n")),
    (&["brightness", "down", "5"], Some("45\n")),
    (
        &["brightness", "displays"],
        Some("panel\tDisplay panel\tinternal\t40\nmonitor\tDisplay monitor\texternal\t50\n"),
    ),
    (&["pointer", "move", "3", "-4"], Some("")),
    (&["pointer", "click", "right"], Some("")),
    (&["pointer", "scroll", "1"], Some("")),
    (&["keyboard", "press", "ctrl+t", "enter"], Some("")),
    (&["keyboard", "type", "hello"], Some("")),
    (&["media"], None),
    (&["media", "next"], Some("")),
    (&["volume"], None),
    (&["volume", "set", "30"], Some("30\n")),
    (&["volume", "mute"], Some("30 muted\n")),
    (&["notify", "Tea", "It is ready"], Some("")),
    (&["open", "https://example.org"], Some("")),
    (&["battery"], None),
    (&["host"], None),
    (&["gpio"], Some("lamp\tfake\t3\tout\toff\n")),
    (&["gpio", "set", "lamp", "on"], Some("on\n")),
    (&["gpio", "get", "lamp"], Some("on\n")),
    (&["command"], Some("greet\tgreet\n")),
    (&["command", "run", "greet"], Some("hello\n")),
    (&["power"], None),
    (&["call", "org.deskconn.brightness.get", "monitor"], Some("50\n")),
];

async fn pair(desk: &Desk, home: &Home) {
    let mut arguments = vec!["--role", "full"];
    arguments.extend(GRANTS.iter().flat_map(|uri| ["--grant", uri]));
    home.pair(desk, &arguments).await;
}

async fn there(home: &Home, arguments: &[&str]) -> Ended {
    home.run(&[&["--desktop", "Attic"], arguments].concat()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_function_works_from_another_machine_over_the_pinned_connection() {
    let (desk, home) = (Desk::with("Attic", CONFIGURATION).await, Home::new());
    pair(&desk, &home).await;
    for (arguments, expected) in COMMANDS {
        let ended = there(&home, arguments).await;
        assert_eq!(ended.status, Some(0), "{arguments:?}: {ended:?}");
        if let Some(expected) = expected {
            assert_eq!(ended.result, expected, "{arguments:?}");
        }
        let json = there(&home, &[&["--json"], arguments].concat()).await;
        assert_eq!(json.status, Some(0), "{arguments:?}: {json:?}");
        for line in json.result.lines() {
            let value: Result<serde_json::Value, _> = serde_json::from_str(line);
            assert!(value.is_ok(), "{arguments:?}: {line}");
        }
    }
    assert_eq!(desk.machine.taps(), [Key::F5, Key::F5, Key::PageDown, Key::PageDown]);
    assert_eq!(desk.machine.shown().len(), 2);
    assert_eq!(desk.machine.opener.opened(), ["https://example.org/"; 2]);
    assert!(desk.machine.gpio.is_on(3));
    assert!(!desk.machine.input.motions().is_empty() && !desk.machine.input.strokes().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_another_key_gets_none_of_these_commands() {
    let (desk, other) = (Desk::start("Attic").await, Desk::with("Attic", CONFIGURATION).await);
    let (home, elsewhere) = (Home::new(), Home::new());
    pair(&desk, &home).await;
    // The other one serves whoever has paired with it, so that nothing but the pin is in the way.
    pair(&other, &elsewhere).await;
    assert_eq!(there(&elsewhere, &["slides", "next"]).await.status, Some(0));
    home.change_port(other.daemon.addresses()[0].port());
    for (arguments, _) in COMMANDS {
        let ended = there(&home, arguments).await;
        ended.failed(1, "ALARM: whoever answers at");
        assert_eq!(ended.result, "", "{arguments:?}");
    }
    assert_eq!(other.machine.taps(), [Key::PageDown], "only that of its own device");
    assert!(other.machine.writes().is_empty() && other.machine.shown().is_empty());
    assert!(other.machine.opener.opened().is_empty() && other.machine.input.strokes().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_that_says_nothing_keeps_nobody_from_the_next() {
    let (desk, home) = (Desk::with("Attic", CONFIGURATION).await, Home::new());
    pair(&desk, &home).await;
    let port = desk.daemon.addresses()[0].port();
    // It takes the connection and never answers.
    let silent = std::net::TcpListener::bind(("127.0.0.2", port)).unwrap();
    home.change_hosts(&["127.0.0.2", "127.0.0.1"]);
    assert_eq!(there(&home, &["slides", "next"]).await.status, Some(0));
    assert!(silent.accept().is_ok(), "it was tried first");
    // Where nobody else is, that is said.
    home.change_hosts(&["127.0.0.3"]);
    let ended = there(&home, &["slides", "next"]).await;
    ended.failed(3, "Attic was not found (tried 127.0.0.3");
}
