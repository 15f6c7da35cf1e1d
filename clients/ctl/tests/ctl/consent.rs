//! Grants and calls that wait for somebody's consent, with the daemon itself.

use client::Reply;
use serde_json::Value;

use crate::home::{Desk, Home};
use crate::screen::Terminal;
use crate::stage::{Running, Stage, soon};

/// A desktop, and a machine that is paired with it for slides.
async fn paired() -> (Desk, Home) {
    let (desk, home) = (Desk::start("Attic").await, Home::new());
    home.pair(&desk, &["--role", "slides"]).await;
    (desk, home)
}

/// The same, where the laptop may read the brightness after a yes each time.
async fn paired_with_a_question() -> (Desk, Home) {
    let (desk, home) = paired().await;
    let granted = ["devices", "grant", "Laptop", "org.deskconn.brightness.get", "--confirm"];
    assert_eq!(desk.run(&granted).await.status, Some(0));
    (desk, home)
}

async fn device(desk: &Desk) -> Value {
    let shown = desk.run(&["--json", "devices", "show", "Laptop"]).await;
    serde_json::from_str(&shown.result).unwrap()
}

/// Starts `approve`, and waits until it hears.
async fn approve(desk: &Desk, arguments: &[&str]) -> Running {
    let mut running = desk.begin(&[&["approve", "--json"], arguments].concat());
    running.remark("waiting for calls").await;
    running
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grant_is_shown_with_its_limits_holds_and_is_taken_back() {
    let (desk, home) = paired().await;
    let id = device(&desk).await["id"].as_str().unwrap().to_owned();
    let lock = ["--desktop", "Attic", "screen", "status"];
    home.run(&lock).await.failed(1, "not_authorized");
    let uri = "org.deskconn.screen.";
    let prefix = id.get(..6).unwrap();
    let given = desk
        .run(&[
            "devices",
            "grant",
            prefix,
            uri,
            "--allow",
            "call,subscribe",
            "--for",
            "2h",
        ])
        .await;
    assert!(
        given
            .result
            .contains("call, subscribe org.deskconn.screen. (prefix), until 2"),
        "{given:?}"
    );
    assert_eq!(home.run(&lock).await.status, Some(0));
    let shown = desk.run(&["devices", "show", &id]).await;
    assert!(
        shown.result.contains("holds now") && shown.result.contains("fingerprint"),
        "{shown:?}"
    );
    let taken = desk.run(&["devices", "deny", "Laptop", uri]).await;
    taken.gave("Laptop has no grants beside its role slides now\n");
    home.run(&lock).await.failed(1, "not_authorized");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grant_for_an_unlocked_screen_follows_the_screen() {
    let (desk, home) = paired().await;
    desk.machine.report_lock(Some(true));
    let uri = "org.deskconn.brightness.get";
    assert_eq!(
        desk.run(&["devices", "grant", "Laptop", uri, "--while-unlocked"])
            .await
            .status,
        Some(0)
    );
    let grant = &device(&desk).await["grants"][0];
    assert_eq!(
        (&grant["while_unlocked"], &grant["allow"][0]),
        (&true.into(), &"call".into())
    );
    for (is_locked, status) in [(true, 1), (false, 0), (true, 1)] {
        desk.machine.report_lock(Some(is_locked));
        // The daemon hears of it a moment later.
        let heard = async { while device(&desk).await["grants"][0]["holds"] != Value::Bool(!is_locked) {} };
        soon(heard).await;
        let ended = home.run(&["--desktop", "Attic", "brightness"]).await;
        assert_eq!(ended.status, Some(status), "{ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_condition_for_what_the_role_allows_anyway_is_said_to_add_nothing() {
    let (desk, _home) = paired().await;
    let grant = async |uri| desk.run(&["devices", "grant", "Laptop", uri, "--confirm"]).await.result;
    let told = grant("org.deskconn.slides.next").await;
    let adds_nothing = "org.deskconn.slides.next, asking each time - adds nothing: the role allows that as it is";
    assert!(told.contains(adds_nothing), "{told}");
    let told = grant("org.deskconn.brightness.get").await;
    assert!(
        told.contains("org.deskconn.brightness.get, asking each time - holds now"),
        "{told}"
    );
    let grants = device(&desk).await["grants"].clone();
    assert_eq!(
        (&grants[0]["by_role"], &grants[1]["by_role"]),
        (&true.into(), &false.into())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_grant_and_no_device_is_refused_with_a_sentence() {
    let (desk, _home) = paired().await;
    let grant = |rest: &[&'static str]| [&["devices", "grant", "Laptop"], rest].concat();
    for (rest, status, words) in [
        (&["org.deskconn.x", "--match", "prefix"][..], 1, "must end with a dot"),
        (
            &["org.deskconn.x", "--allow", "publish", "--confirm"],
            1,
            "only calls can wait",
        ),
        (&["org.deskconn.x", "--allow", "fly"], 2, "possible values"),
        (
            &["org.deskconn.x", "--until", "2001-01-01T00:00:00Z"],
            2,
            "over already",
        ),
        (&["org.deskconn.x", "--for", "1w"], 2, "30d"),
        (
            &["org.deskconn.x", "--for", "1h", "--until", "2h"],
            2,
            "cannot be used with",
        ),
    ] {
        desk.run(&grant(rest)).await.failed(status, words);
    }
    desk.run(&["devices", "deny", "Laptop", "org.deskconn.x"])
        .await
        .failed(1, "org.deskconn.x");
    desk.run(&["devices", "show", "d_uu"])
        .await
        .failed(1, "there is no device \"d_uu\"; there is \"Laptop\"");
    desk.run(&["devices", "revoke"]).await.failed(2, "required");
    desk.run(&["devices", "expire", "Laptop"]).await.failed(2, "required");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_expires_or_does_not_and_all_are_revoked_at_once() {
    let (desk, home) = paired().await;
    let other = Home::new();
    other.pair(&desk, &["--name", "Tablet"]).await;
    let until = desk.run(&["devices", "expire", "Laptop", "2037-01-31T12:00:00Z"]).await;
    until.gave("Laptop may come until 2037-01-31T12:00:00Z\n");
    assert_eq!(
        desk.run(&["devices", "expire", "Laptop", "--in", "30d"]).await.status,
        Some(0)
    );
    assert!(device(&desk).await["expires"].is_string());
    desk.run(&["devices", "expire", "Laptop", "never"])
        .await
        .gave("Laptop may come for ever\n");
    assert_eq!(device(&desk).await["expires"], Value::Null);
    let revoked = desk.run(&["devices", "revoke", "--all"]).await;
    assert_eq!(
        (revoked.status, revoked.result.lines().count()),
        (Some(0), 2),
        "{revoked:?}"
    );
    desk.run(&["devices", "--json"]).await.gave("");
    for home in [home, other] {
        home.run(&["--desktop", "Attic", "slides", "next"])
            .await
            .failed(1, "deskconnctl pair");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_waits_until_somebody_says_yes_or_no() {
    let (desk, home) = paired().await;
    let given = desk
        .run(&["devices", "grant", "Laptop", "org.deskconn.brightness.get", "--confirm"])
        .await;
    assert!(given.result.contains("asking each time"), "{given:?}");
    let mut approve = approve(&desk, &[]).await;
    for (typed, is_allowed) in [("y", true), ("n", false), ("", false)] {
        let call = home.start(&["--desktop", "Attic", "brightness"]);
        let asked = approve.json().await;
        assert_eq!(
            (&asked["event"], &asked["procedure"]),
            (&"asked".into(), &"org.deskconn.brightness.get".into())
        );
        approve.type_line(typed).await;
        let mut ends = [approve.json().await, approve.json().await];
        // The answer and the end of the question come on ways of their own.
        ends.sort_by_key(|event| event["event"].to_string());
        assert_eq!(
            (&ends[0]["event"], &ends[0]["allowed"]),
            (&"answered".into(), &is_allowed.into())
        );
        assert_eq!(
            (&ends[1]["event"], &ends[1]["request"]),
            (&"closed".into(), &asked["request"])
        );
        let ended = call.ended().await;
        if is_allowed {
            assert_eq!(ended.status, Some(0), "{ended:?}");
        } else {
            ended.failed(1, "refused at the desktop");
            assert!(!ended.remarks.contains("devices grant"), "{ended:?}");
        }
    }
    approve.interrupt();
    assert_eq!(approve.ended().await.status, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_is_named_beforehand_is_not_asked_about_and_nobody_at_all_is_an_error() {
    let (desk, home) = paired_with_a_question().await;
    let mut trusting = approve(&desk, &["--yes-to", "Laptop"]).await;
    trusting.end_of_typing();
    assert_eq!(home.run(&["--desktop", "Attic", "brightness"]).await.status, Some(0));
    assert_eq!(trusting.json().await["event"], "asked");
    trusting.interrupt();
    assert_eq!(trusting.ended().await.status, Some(0));
    let mut alone = approve(&desk, &[]).await;
    alone.end_of_typing();
    let call = home.start(&["--desktop", "Attic", "brightness"]);
    alone.ended().await.failed(1, "nobody is there to answer");
    call.interrupt();
    desk.run(&["approve", "--yes-to", "Nobody"])
        .await
        .failed(1, "there is no device \"Nobody\"");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_waits_already_is_asked_about_by_who_comes_then() {
    let (desk, home) = paired_with_a_question().await;
    let mut first = approve(&desk, &[]).await;
    let call = home.start(&["--desktop", "Attic", "brightness"]);
    let asked = first.json().await;
    // What else the device may do is another matter.
    let other = ["devices", "grant", "Laptop", "org.deskconn.battery.get"];
    assert_eq!(desk.run(&other).await.status, Some(0));
    let mut second = approve(&desk, &[]).await;
    let again = second.json().await;
    assert_eq!(
        (&again["event"], &again["request"]),
        (&"asked".into(), &asked["request"])
    );
    second.type_line("y").await;
    assert_eq!(call.ended().await.status, Some(0));
    for running in [first, second] {
        running.interrupt();
        assert_eq!(running.ended().await.status, Some(0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_word_that_is_neither_yes_nor_no_is_asked_for_again() {
    let (desk, home) = paired_with_a_question().await;
    let mut approve = approve(&desk, &[]).await;
    let call = home.start(&["--desktop", "Attic", "brightness"]);
    assert_eq!(approve.json().await["event"], "asked");
    approve.type_line("maybe").await;
    approve.type_line("yes").await;
    assert_eq!(call.ended().await.status, Some(0));
    approve.interrupt();
    let ended = approve.ended().await;
    assert_eq!(ended.status, Some(0));
    assert!(ended.remarks.contains("\"maybe\" is neither yes nor no"), "{ended:?}");
}

/// A desktop at which the call of this number waits.
async fn waits(stage: &Stage, request: u64) -> client::Session {
    let session = stage.session().await;
    let question = client::Value::dict([
        ("request", request.into()),
        ("device", "d_a".into()),
        ("procedure", "org.deskconn.screen.lock".into()),
        ("expires_s", 60_u64.into()),
    ]);
    let serve = move |_| {
        let waiting = client::Value::List(vec![question.clone()]);
        async move { Ok(Reply::from(waiting)) }
    };
    session.register("org.deskconn.consent.waiting", serve).await.unwrap();
    session
}

#[tokio::test]
async fn a_desktop_that_was_started_anew_is_asked_what_waits_there() {
    let stage = Stage::new();
    let session = waits(&stage, 7).await;
    let mut approve = stage.start(&["approve", "--json"]);
    let event = approve.json().await;
    assert_eq!((&event["event"], &event["request"]), (&"asked".into(), &7.into()));
    drop(session);
    let stage = soon(stage.restarted()).await;
    let session = waits(&stage, 3).await;
    stage.open();
    let event = approve.json().await;
    assert_eq!((&event["event"], &event["request"]), (&"closed".into(), &7.into()));
    let event = approve.json().await;
    assert_eq!((&event["event"], &event["request"]), (&"asked".into(), &3.into()));
    // And it hears what comes there then.
    let other = client::Value::dict([("request", 4_u64.into()), ("expires_s", 60_u64.into())]);
    session.publish("org.deskconn.consent.on_asked", [other]).await.unwrap();
    let event = approve.json().await;
    assert_eq!((&event["event"], &event["request"]), (&"asked".into(), &4.into()));
    approve.interrupt();
    assert_eq!(approve.ended().await.status, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grant_for_what_looks_like_a_slip_is_asked_about() {
    let (desk, _home) = paired().await;
    let grant = async |uri: &str| desk.run(&["devices", "grant", "Laptop", uri]).await;
    for (uri, question) in [
        (
            "org.deskconn.brightnes.set",
            "did you mean \"org.deskconn.brightness.set\"?",
        ),
        ("org.deskconn.brightnes.", "did you mean \"org.deskconn.brightness.\"?"),
    ] {
        let granted = grant(uri).await;
        assert_eq!(granted.status, Some(0), "{granted:?}");
        assert!(granted.remarks.contains(question), "{granted:?}");
        let undo = format!(
            "`deskconnctl devices deny {} {uri}`",
            device(&desk).await["id"].as_str().unwrap()
        );
        assert!(granted.remarks.contains(&undo), "{granted:?}");
    }
    let beginning = [
        "devices",
        "grant",
        "Laptop",
        "org.deskconn.brightness.se",
        "--match",
        "exact",
    ];
    let granted = desk.run(&beginning).await;
    assert!(granted.remarks.contains("org.deskconn.brightness.set"), "{granted:?}");
    assert!(granted.remarks.contains("brightness.se --match exact`"), "{granted:?}");
    for uri in [
        "org.deskconn.brightness.set",
        "org.deskconn.brightness.",
        "org.deskconn.screen.on_locked",
        "org.deskconn.devices.list",
        "org.deskconn..set",
        "org.deskconn.",
        "org.deskconn.app.lamp.on",
        "com.example.lamp",
    ] {
        let granted = grant(uri).await;
        assert_eq!((granted.status, granted.remarks.as_str()), (Some(0), ""), "{uri}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_asked_before_all_devices_are_shut_out_and_a_program_is_not() {
    let (desk, _home) = paired().await;
    for (typed, status) in [("\r", 1), ("n\r", 1), ("y\r", 0)] {
        let mut terminal = Terminal::of(desk.command(&["devices", "revoke", "--all"]));
        terminal
            .shows("there is \"Laptop\"; whoever is shut out has to be paired anew")
            .await;
        terminal.shows("Shut all 1 out? [y/N]").await;
        terminal.press(typed);
        assert_eq!(terminal.ended().await, Some(status), "{}", terminal.text());
        let devices = desk.run(&["devices"]).await.result;
        assert_eq!(devices.contains("Laptop"), status == 1, "{devices}");
    }
    let again = Home::new();
    again.pair(&desk, &[]).await;
    let mut unasked = Terminal::of(desk.command(&["devices", "revoke", "--all", "--yes"]));
    assert_eq!(unasked.ended().await, Some(0), "{}", unasked.text());
    again.pair(&desk, &[]).await;
    assert_eq!(desk.run(&["devices", "revoke", "--all"]).await.status, Some(0));
    assert_eq!(desk.run(&["devices"]).await.result, "");
}
