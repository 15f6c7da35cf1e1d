//! Two machines that pair: `pair` at the desktop, `join` at the other one, and what `--desktop` reaches from then on.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use components::backends::Key;
use serde_json::{Value, json};

use crate::home::{Desk, Home};
use crate::screen::Terminal;

fn text<'a>(event: &'a Value, key: &str) -> &'a str {
    event[key].as_str().unwrap_or_else(|| panic!("{key}: {event}"))
}

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_pairs_two_machines_and_slides_move_over_pinned_tls() {
    let (desk, home) = (Desk::start("Attic").await, Home::new());
    let (mut pair, open) = desk.pair(&["--role", "slides"]).await;
    let mut join = home.join(&desk, text(&open, "code")).await;
    let (asked, waiting) = (pair.json().await, join.json().await);
    assert_eq!(
        (text(&asked, "name"), text(&asked, "kind"), text(&asked, "role")),
        ("Laptop", "cli", "slides")
    );
    assert_eq!(
        (text(&waiting, "event"), text(&waiting, "desktop")),
        ("waiting", "Attic")
    );
    assert_eq!(text(&waiting, "fingerprint"), text(&asked, "fingerprint"));
    pair.type_line("y").await;
    let (joined, paired) = (join.json().await, pair.json().await);
    assert_eq!((text(&joined, "event"), text(&joined, "role")), ("joined", "slides"));
    assert_eq!(joined["device"], paired["device"]["id"]);
    assert_eq!(
        (pair.ended().await.status, join.ended().await.status),
        (Some(0), Some(0))
    );

    home.run(&["--desktop", "attic", "slides", "next"]).await.gave("");
    let id = text(&joined, "id").get(..6).unwrap().to_owned();
    home.run(&["slides", "previous", "--desktop", &id]).await.gave("");
    assert_eq!(desk.machine.taps(), [Key::PageDown, Key::PageUp]);
    let status = home.run(&["--desktop", "Attic", "status"]).await;
    assert!(
        status.result.contains("Attic") && status.result.contains("slides"),
        "{status:?}"
    );
    // It asks for nothing that this role may not: the log is for those who do.
    let log = desk.run(&["log", "--device", text(&paired["device"], "name")]).await;
    assert!(
        log.result.contains("login.ok") && !log.result.contains("action.denied"),
        "{log:?}"
    );
    home.run(&["--desktop", "Attic", "screen", "lock"])
        .await
        .failed(1, "not_authorized");
    let listed = home.run(&["desktops"]).await;
    assert!(
        listed
            .result
            .contains(&format!("\tAttic\tslides\t\t{}", desk.address())),
        "{listed:?}"
    );

    let state = home.state();
    assert_eq!(mode(&state), 0o700);
    for name in ["desktops.json", "client.key", "desktops.lock"] {
        assert_eq!(mode(&state.join(name)), 0o600, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_that_was_typed_is_not_asked_for_again() {
    let (desk, home) = (Desk::start("Attic").await, Home::new());
    let (mut pair, open) = desk.pair(&[]).await;
    let mut join = Terminal::of(home.command(&["join", &desk.address()]));
    join.shows("shows:").await;
    join.press("12\n");
    join.shows("like 1234-5678").await;
    join.shows("shows:").await;
    join.press(&format!("{}\n", open["code"].as_str().unwrap()));
    join.shows("waiting for a yes").await;
    assert_eq!(pair.json().await["event"], "asked");
    pair.type_line("y").await;
    assert_eq!(join.ended().await, Some(0));
    // Once for what was no code, and once for the code.
    assert_eq!(join.text().matches("shows:").count(), 2, "{}", join.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_is_pasted_pairs_and_the_owner_may_choose_another_role() {
    let (desk, home) = (Desk::start("Attic").await, Home::new());
    let (mut pair, open) = desk.pair(&["--role", "full"]).await;
    let mut join = home.start(&["join", "-", "--json", "--want", "remote"]);
    join.type_line(text(&open, "link")).await;
    assert_eq!(text(&join.json().await, "event"), "waiting");
    let asked = pair.json().await;
    assert_eq!((text(&asked, "wants"), text(&asked, "role")), ("remote", "remote"));
    // A role that is none is asked for again.
    pair.type_line("slidse").await;
    pair.type_line("slides").await;
    assert_eq!(text(&join.json().await, "role"), "slides");
    assert_eq!(text(&pair.json().await["device"], "role"), "slides");
    let (join, pair) = tokio::join!(join.ended(), pair.ended());
    assert_eq!((join.status, pair.status), (Some(0), Some(0)));
    assert!(pair.remarks.contains("there is no role slidse"), "{pair:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_code_is_said_on_both_sides_and_the_right_one_still_works() {
    let (desk, home) = (Desk::start("Attic").await, Home::new());
    let (mut pair, open) = desk.pair(&["--yes"]).await;
    let code = text(&open, "code");
    let wrong = if code == "1111-1111" { "1111-1112" } else { "1111-1111" };
    home.join(&desk, wrong).await.ended().await.failed(
        1,
        "the code was wrong, or somebody is in between; type it again, and if it is wrong again, get a new code",
    );
    let failed = pair.json().await;
    assert_eq!(text(&failed, "event"), "failed");
    assert!(text(&failed, "address").starts_with("127.0.0.1"), "{failed}");
    assert!(!home.state().join("desktops.json").exists());
    assert_eq!(home.join(&desk, code).await.ended().await.status, Some(0));
    assert_eq!(pair.ended().await.status, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_wrong_codes_end_the_window_at_the_desktop() {
    let (desk, home) = (Desk::start("Attic").await, Home::new());
    let (mut pair, open) = desk.pair(&[]).await;
    let wrong = if text(&open, "code") == "1111-1111" {
        "1111-1112"
    } else {
        "1111-1111"
    };
    for attempt in 1..=3 {
        home.join(&desk, wrong)
            .await
            .ended()
            .await
            .failed(1, "the code was wrong");
        // Until the desktop has noticed it, somebody is at it.
        if attempt < 3 {
            assert_eq!(text(&pair.json().await, "event"), "failed");
        }
    }
    pair.ended().await.failed(1, "too many wrong codes");
    home.join(&desk, text(&open, "code"))
        .await
        .ended()
        .await
        .failed(1, "does not wait for a device");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_is_refused_keeps_nothing_and_what_it_had_before_stays() {
    let (desk, home) = (Desk::start("Attic").await, Home::new());
    for before in [false, true] {
        let list = home.state().join("desktops.json");
        let had = fs::read(&list).ok();
        assert_eq!(had.is_some(), before);
        let (mut pair, open) = desk.pair(&[]).await;
        let join = home.join(&desk, text(&open, "code")).await;
        assert_eq!(text(&pair.json().await, "event"), "asked");
        pair.type_line("n").await;
        join.ended().await.failed(1, "was not approved at the desktop");
        pair.ended().await.failed(1, "refused at the desktop");
        assert_eq!(fs::read(&list).ok(), had);
        home.pair(&desk, &[]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn joining_again_replaces_and_forgetting_forgets() {
    let (desk, home) = (Desk::start("Attic").await, Home::new());
    home.pair(&desk, &["--role", "slides"]).await;
    home.pair(&desk, &["--role", "remote", "--expires", "2h"]).await;
    let listed = home.run(&["--json", "desktops", "list"]).await;
    let listed: Value = serde_json::from_str(&listed.result).unwrap();
    assert_eq!((text(&listed, "role"), text(&listed, "realm")), ("remote", "deskconn"));
    assert!(listed["expires"].is_string());
    home.run(&["--desktop", "Attic", "slides", "next"]).await.gave("");
    home.run(&["desktops", "forget", "Attic"])
        .await
        .gave("Attic is forgotten\n");
    home.run(&["desktops"]).await.gave("");
    home.run(&["--desktop", "Attic", "status"])
        .await
        .failed(3, "deskconnctl join");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_desktops_are_told_apart() {
    let (attic, cellar, home) = (Desk::start("Attic").await, Desk::start("Cellar").await, Home::new());
    home.pair(&attic, &[]).await;
    home.pair(&cellar, &[]).await;
    home.run(&["--desktop", "Cellar", "slides", "start"]).await.gave("");
    assert_eq!((attic.machine.taps().len(), cellar.machine.taps()), (0, vec![Key::F5]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_with_another_certificate_is_an_alarm_and_gets_no_command() {
    let (desk, other, home) = (Desk::start("Attic").await, Desk::start("Attic").await, Home::new());
    home.pair(&desk, &[]).await;
    home.change_port(other.daemon.addresses()[0].port());
    let ended = home.run(&["--desktop", "Attic", "slides", "next"]).await;
    ended.failed(1, "ALARM: whoever answers at");
    ended.failed(1, "Somebody may be in between, or Attic was installed anew");
    assert!(other.machine.taps().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_desktop_that_is_gone_is_3_and_one_that_revoked_this_device_says_so() {
    let (desk, home) = (Desk::start("Attic").await, Home::new());
    home.pair(&desk, &[]).await;
    assert_eq!(desk.run(&["devices", "revoke", "Laptop"]).await.status, Some(0));
    home.run(&["--desktop", "Attic", "status"])
        .await
        .failed(1, "deskconnctl pair");
    desk.daemon.stop().await;
    home.run(&["--desktop", "Attic", "status"])
        .await
        .failed(3, "Attic was not found");
    home.run(&["--desktop", "Cellar", "status"]).await.failed(
        3,
        "no desktop named \"Cellar\" is paired with this command line; there is \"Attic\"",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paired_desktop_is_used_where_the_command_says_that_it_is_and_never_in_the_clear() {
    let (desk, home) = (Desk::start("Attic").await, Home::new());
    home.pair(&desk, &[]).await;
    let address = desk.daemon.addresses()[0];
    home.change_port(1);
    for at in [
        address.to_string(),
        format!("rss://{address}"),
        format!("quic://{}", desk.daemon.quic_addresses()[0]),
    ] {
        home.run(&["--desktop", "Attic", "--at", &at, "slides", "next"])
            .await
            .gave("");
    }
    assert_eq!(desk.machine.taps(), [Key::PageDown; 3]);
    home.run(&[
        "--desktop",
        "Attic",
        "--at",
        &format!("ws://{address}"),
        "slides",
        "next",
    ])
    .await
    .failed(2, "is not encrypted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_closes_the_window() {
    let (desk, home) = (Desk::start("Attic").await, Home::new());
    let (pair, open) = desk.pair(&[]).await;
    pair.interrupt();
    pair.ended().await.failed(1, "the code is void");
    home.join(&desk, text(&open, "code"))
        .await
        .ended()
        .await
        .failed(1, "does not wait for a device");
    // And nothing is in the way of the next one.
    home.pair(&desk, &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_gets_grants_and_an_end() {
    let (desk, home) = (Desk::start("Attic").await, Home::new());
    let grants = [
        "--role",
        "slides",
        "--grant",
        "org.deskconn.screen.",
        "--grant",
        "org.deskconn.brightness.get",
    ];
    home.pair(&desk, &[&grants[..], &["--expires", "2h", "--name", "Guest"]].concat())
        .await;
    let device = desk.run(&["--json", "devices", "show", "Guest"]).await;
    let device: Value = serde_json::from_str(&device.result).unwrap();
    let granted: Vec<_> = device["grants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (&it["uri"], &it["match"]))
        .collect();
    let expected = [
        json!(["org.deskconn.screen.", "prefix"]),
        json!(["org.deskconn.brightness.get", "exact"]),
    ];
    for row in expected {
        assert!(granted.contains(&(&row[0], &row[1])), "{row}: {granted:?}");
    }
    assert!(device["expires"].is_string());
    assert_eq!(home.run(&["--desktop", "Attic", "brightness"]).await.status, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_a_desktop_or_a_code_is_wrong_usage_or_not_found() {
    let (desk, home) = (Desk::start("Attic").await, Home::new());
    home.run(&["join"]).await.failed(3, "no desktop on this network waits");
    // Before anything is typed.
    home.run(&["join", "127.0.0.1:1"]).await.failed(3, "cannot connect");
    home.run(&["join", &desk.address()])
        .await
        .failed(1, "does not wait for a device now");
    let _pair = desk.pair(&[]).await;
    let mut join = home.start(&["join", &desk.address()]);
    for _ in 0..3 {
        join.type_line("0123-4567").await;
    }
    join.ended().await.failed(2, "eight digits");
    home.run(&["join", &desk.address()])
        .await
        .failed(2, "nothing was typed");
    let link = "http://127.0.0.1:1/#p=1.4OHi4-Tl5ufo6err7O3u73ykkaTtfyc0eKywUTmkcz8AAAAA";
    let mut join = home.start(&["join", "-"]);
    join.type_line(link).await;
    join.ended().await.failed(1, "no longer good");
    home.run(&["join", link]).await.failed(2, "can see the arguments");
    home.run(&["join", "1234-5678"])
        .await
        .failed(2, "can see the arguments");
    home.run(&["join", "--at", "x", "y"]).await.failed(2, "behind `join`");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_of_nothing_is_refused_before_a_window_opens_or_a_code_is_asked_for() {
    let (desk, home) = (Desk::start("Attic").await, Home::new());
    for name in ["", "  ", "\u{202e}"] {
        let words = "a name needs at least one letter";
        desk.run(&["pair", "--name", name]).await.failed(2, words);
        home.run(&["join", &desk.address(), "--name", name])
            .await
            .failed(2, words);
        let named = format!("name={name}");
        let refused = desk.run(&["call", "org.deskconn.pairing.open", &named]).await;
        refused.failed(1, "a device's name needs at least one visible character");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_pairs_again_is_asked_about_with_what_it_is_already() {
    let (desk, home) = (Desk::start("Attic").await, Home::new());
    home.pair(&desk, &["--role", "slides"]).await;
    let (mut pair, open) = desk.pair(&[]).await;
    let join = home.join(&desk, text(&open, "code")).await;
    let asked = pair.json().await;
    assert_eq!((text(&asked, "event"), text(&asked, "role")), ("asked", "remote"));
    let known = &asked["replaces"];
    assert_eq!((text(known, "name"), text(known, "role")), ("Laptop", "slides"));
    pair.type_line("y").await;
    let paired = pair.json().await;
    assert_eq!(
        text(&paired["device"], "id"),
        text(known, "id"),
        "it is the same device"
    );
    assert_eq!(join.ended().await.status, Some(0));
}
