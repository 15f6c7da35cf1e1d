//! `deskconnctl top` against the daemon itself, in a pipe and on a terminal.

use client::{Options, Session, Target};
use serde_json::Value;

use crate::home::{Desk, Home};
use crate::screen::Terminal;
use crate::stage::soon;

async fn owner(desk: &Desk) -> Session {
    let socket = desk.daemon.socket().unwrap().to_owned();
    soon(Session::connect(&Target::Unix(socket), Options::new("deskconn")))
        .await
        .unwrap()
}

fn visitors(snapshot: &Value) -> Vec<&Value> {
    let sessions = snapshot["sessions"].as_array().unwrap().iter();
    sessions.filter(|it| it["transport"] != "local").collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn snapshots_are_lines_with_rates_from_the_second_one_on() {
    let desk = Desk::start("Attic").await;
    let busy = owner(&desk).await;
    let mut top = desk.begin(&["top", "--json", "--interval", "0.1"]);
    let first = top.json().await;
    let id = busy.id().get();
    let of = |snapshot: &Value| {
        let row = visitors(snapshot).into_iter().find(|it| it["id"] == id).cloned();
        row.unwrap()
    };
    assert_eq!(visitors(&first).len(), 2);
    assert_eq!(of(&first)["calls_per_s"], Value::Null);
    assert_eq!(of(&first)["role"], "owner");
    for _ in 0..20 {
        busy.call("org.deskconn.slides.next", ()).await.unwrap();
    }
    let mut rate = 0.0;
    while rate == 0.0 {
        let next = top.json().await;
        rate = of(&next)["calls_per_s"].as_f64().unwrap();
        let health = &next["health"];
        assert!(health["memory_bytes"].as_u64() > Some(1 << 20), "{health}");
        assert!(rate == 0.0 || health["half_within_s"].as_f64() > Some(0.0), "{health}");
        assert!(next["uptime_ms"].as_u64() > first["uptime_ms"].as_u64());
    }
    top.interrupt();
    assert_eq!(top.ended().await.status, Some(0));

    let plain = desk.run(&["top", "--count", "2", "--interval", "0.1"]).await;
    let lines: Vec<&str> = plain.result.lines().collect();
    assert_eq!(lines.len(), 2, "{plain:?}");
    assert!(lines[0].contains("\t2 sessions\t- calls/s\t"), "{plain:?}");
    assert!(
        lines[1].contains("\t2 sessions\t") && !lines[1].contains("- calls/s"),
        "{plain:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_owner_may_look_and_the_interval_has_a_least() {
    let (desk, home) = (Desk::start("Attic").await, Home::new());
    home.pair(&desk, &["--role", "full"]).await;
    let ended = home.run(&["--desktop", "Attic", "top", "--count", "1"]).await;
    ended.failed(1, "not_authorized");
    ended.failed(1, "that is for the owner of the desktop");
    assert_eq!(
        desk.run(&["top", "--count", "1", "--interval", "0.1"]).await.status,
        Some(0)
    );
    desk.run(&["top", "--count", "1", "--interval", "0.09"])
        .await
        .failed(2, "--interval must be 0.1 or more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_screen_is_drawn_sorted_and_left_as_it_was() {
    let (desk, home) = (Desk::start("Attic").await, Home::new());
    home.pair(&desk, &["--role", "full"]).await;
    let mut quiet = home.start(&["--desktop", "Attic", "subscribe", "org.deskconn.screen.on_locked"]);
    quiet.remark("subscribed").await;
    let busy = owner(&desk).await;
    let mut terminal = Terminal::sized(desk.command(&["top", "--interval", "0.2"]), 140, 30);
    terminal.shows("sessions: 3").await;
    terminal.shows("CPU ").await;
    assert!(terminal.screen().alternate_screen() && terminal.screen().hide_cursor());
    assert!(!terminal.is_cooked());
    terminal.shows("websocket tls").await;
    terminal.shows("Laptop").await;

    // Who calls stands above who does not.
    let caller = tokio::spawn(async move {
        loop {
            busy.call("org.deskconn.info.get", ()).await.unwrap();
        }
    });
    let order = |screen: &vt100::Screen| {
        let text = screen.contents();
        let place = |name: &str| text.lines().position(|line| line.starts_with(name));
        Some(place("uid_")?.cmp(&place("Laptop")?))
    };
    terminal
        .until("who calls above", |screen| {
            order(screen) == Some(std::cmp::Ordering::Less)
        })
        .await;
    terminal.press("r");
    terminal
        .until("the other way round", |screen| {
            order(screen) == Some(std::cmp::Ordering::Greater)
        })
        .await;
    terminal.press("n");
    terminal.shows("by name: q quit").await;
    terminal
        .until("by name", |screen| order(screen) == Some(std::cmp::Ordering::Greater))
        .await;
    terminal.press("i");
    terminal.shows("local").await;
    terminal.press("i");

    for (columns, lines) in [(60, 12), (120, 30)] {
        terminal.resize(columns, lines);
        terminal
            .until("the keys stand on the last line", |screen| {
                let last = screen.contents_between(lines - 1, 0, lines - 1, columns);
                let title = screen.contents_between(0, 0, 0, columns);
                last.starts_with("by name: ") && title.starts_with("deskconn at")
            })
            .await;
    }
    caller.abort();
    terminal.press("q");
    assert_eq!(terminal.ended().await, Some(0));
    assert!(!terminal.screen().alternate_screen() && !terminal.screen().hide_cursor());
    assert!(terminal.is_cooked());
    assert_eq!(terminal.lines(), ["<the end>"], "nothing is left behind");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_and_the_end_of_the_desktop_give_the_terminal_back_too() {
    let desk = Desk::start("Attic").await;
    let mut terminal = Terminal::of(desk.command(&["top"]));
    terminal.shows("sessions").await;
    terminal.press("\u{3}");
    assert_eq!(terminal.ended().await, Some(0));
    assert!(terminal.is_cooked() && !terminal.screen().alternate_screen());

    let mut terminal = Terminal::of(desk.command(&["top", "--interval", "0.1"]));
    terminal.shows("sessions").await;
    soon(desk.daemon.stop()).await;
    assert_eq!(terminal.ended().await, Some(1));
    assert!(terminal.is_cooked() && !terminal.screen().alternate_screen());
    assert!(terminal.text().contains("the session has ended"), "{}", terminal.text());
}
