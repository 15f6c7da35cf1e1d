//! The audit log of a whole daemon: what is written for what happens, who may read it, and what never stands in it.

use client::{Args, Dict, Options, Serializer, Session, Value};

use crate::support::{Desk, Way, key, public, refusal, soon};
use crate::window::Window;

/// The entries of the log, the newest last.
async fn entries(owner: &Session, args: Args) -> Vec<Dict> {
    let entries = owner.call("org.deskconn.audit.get", args).await.unwrap().into_value();
    let entries = entries.as_list().unwrap().iter();
    entries.map(|entry| entry.as_dict().unwrap().clone()).collect()
}

fn text<'a>(entry: &'a Dict, key: &str) -> &'a str {
    entry.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn kinds(entries: &[Dict]) -> Vec<&str> {
    entries.iter().map(|entry| text(entry, "kind")).collect()
}

/// Pairs a device by its code and gives the code.
async fn pair(desk: &Desk, owner: &Session, seed: u8) -> String {
    let args = Args::default().with("legacy", true).with("name", "Pixel 9");
    let mut window = Window::of(owner.clone(), args).await;
    let stranger = desk.join(Way::WebSocket, Serializer::Json, "deskconn").await;
    window.let_in(&stranger, &key(seed)).await;
    window.code
}

async fn log_in(desk: &Desk, seed: u8) -> Session {
    let options = Options {
        key: Some(key(seed)),
        ..Options::new("deskconn")
    };
    desk.try_join(Way::WebSocket, options).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_leaves_its_trace_from_pairing_to_revocation_and_no_secret() {
    let desk = Desk::start().await;
    let owner = desk.owner().await;
    let code = pair(&desk, &owner, 1).await;
    let session = log_in(&desk, 1).await;
    let id = session.detail("authid").unwrap().to_owned();
    assert!(session.call("org.deskconn.devices.list", ()).await.is_err());
    session
        .publish("org.deskconn.elsewhere", [Value::from("canary-payload")])
        .await
        .unwrap();
    assert!(session.subscribe("org.deskconn.audit.on_entry").await.is_err());
    let by_id = |more: &[&str]| -> Vec<Value> { [id.as_str()].iter().chain(more).map(|it| (*it).into()).collect() };
    owner
        .call("org.deskconn.devices.rename", by_id(&["Om's phone"]))
        .await
        .unwrap();
    owner
        .call("org.deskconn.devices.set_role", by_id(&["slides"]))
        .await
        .unwrap();
    owner.call("org.deskconn.devices.revoke", by_id(&[])).await.unwrap();
    let all = entries(&owner, Args::default()).await;
    assert_eq!(
        kinds(&all),
        [
            "pairing.opened",
            "pairing.granted",
            "pairing.closed",
            "login.ok",
            "action.denied",
            "action.denied",
            "action.denied",
            "device.renamed",
            "device.role",
            "device.revoked",
        ]
    );
    let granted = &all[1];
    assert_eq!(
        (
            text(granted, "device"),
            text(granted, "name"),
            text(granted, "role"),
            text(granted, "address")
        ),
        (id.as_str(), "Pixel 9", "remote", "127.0.0.1")
    );
    assert_eq!(text(&all[4], "detail"), "call org.deskconn.devices.list");
    assert_eq!(text(&all[5], "detail"), "publish org.deskconn.elsewhere");
    assert_eq!(text(&all[6], "detail"), "subscribe org.deskconn.audit.on_entry");
    assert_eq!(text(&all[8], "role"), "slides");
    let of_device = entries(&owner, Args::default().with("device", id.as_str()).with("limit", 2_u64)).await;
    assert_eq!(kinds(&of_device), ["device.role", "device.revoked"]);

    let file = std::fs::read_to_string(desk.home.path().join("state/audit.jsonl")).unwrap();
    assert_eq!(file.lines().count(), all.len());
    let digits = code.replace('-', "");
    for secret in [code.as_str(), &digits, "canary-payload", &public(&key(1))] {
        assert!(!file.contains(secret), "{secret}: {file}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_kept_out_is_written_down_until_it_is_too_much() {
    let desk = Desk::start().await;
    let owner = desk.owner().await;
    for number in 0..30 {
        let options = Options {
            key: Some(key(9)),
            ..Options::new("deskconn")
        };
        // After five its key is not even looked at.
        let how = if number < 5 { "failed" } else { "denied" };
        let refused = refusal(desk.try_join(Way::WebSocket, options).await);
        assert_eq!(refused, format!("wamp.error.authentication_{how}"));
    }
    let all = entries(&owner, Args::default().with("device", "127.0.0.1")).await;
    assert_eq!(all.len(), 10, "{all:?}");
    assert!(all.iter().all(|entry| text(entry, "kind") == "login.failed"));
    assert!(
        text(&all[0], "detail").starts_with("wamp.error.authentication_failed: "),
        "{all:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_codes_and_limits_are_written_down() {
    let desk = Desk::start().await;
    let owner = desk.owner().await;
    let mut follower = owner.subscribe("org.deskconn.audit.on_entry").await.unwrap();
    let legacy = Args::default().with("legacy", true);
    owner.call("org.deskconn.pairing.open", legacy).await.unwrap();
    let stranger = desk.join(Way::WebSocket, Serializer::Json, "deskconn").await;
    for _ in 0..3 {
        let arguments = ["nonsense".into(), public(&key(1)).into()];
        let paired = stranger.call("org.deskconn.pair", arguments).await.unwrap();
        assert_eq!(paired.into_value(), Value::Bool(false));
    }
    let mut heard = Vec::new();
    while heard.last().map(String::as_str) != Some("pairing.closed") {
        let entry = soon("an entry", follower.next()).await.unwrap().args.into_value();
        heard.push(text(entry.as_dict().unwrap(), "kind").to_owned());
    }
    assert_eq!(
        heard,
        [
            "pairing.opened",
            "pairing.failed",
            "pairing.failed",
            "pairing.failed",
            "pairing.closed"
        ]
    );

    // A fifth connection that says nothing.
    let mut held = Vec::new();
    let limit = loop {
        held.push(tokio::net::TcpStream::connect(desk.address()).await.unwrap());
        assert!(held.len() < 50);
        if let Ok(event) = tokio::time::timeout(std::time::Duration::from_millis(50), follower.next()).await {
            break event.unwrap().args.into_value();
        }
    };
    let limit = limit.as_dict().unwrap();
    assert_eq!(
        (text(limit, "kind"), text(limit, "address")),
        ("limit.reached", "127.0.0.1")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_goes_on_after_a_restart() {
    let desk = Desk::start().await;
    pair(&desk, &desk.owner().await, 1).await;
    let Desk { daemon, home, .. } = desk;
    daemon.stop().await;
    let desk = Desk::at(home, "").await;
    log_in(&desk, 1).await;
    let all = entries(&desk.owner().await, Args::default()).await;
    assert_eq!(
        kinds(&all),
        ["pairing.opened", "pairing.granted", "pairing.closed", "login.ok"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_cannot_be_written_stops_nothing() {
    let desk = Desk::start().await;
    std::fs::create_dir(desk.home.path().join("state/audit.jsonl")).unwrap();
    let owner = desk.owner().await;
    pair(&desk, &owner, 1).await;
    let session = log_in(&desk, 1).await;
    session.call("org.deskconn.slides.next", ()).await.unwrap();
    assert!(owner.call("org.deskconn.audit.get", ()).await.is_err(), "it says so");
    std::fs::remove_dir(desk.home.path().join("state/audit.jsonl")).unwrap();
    log_in(&desk, 1).await;
    let all = entries(&owner, Args::default()).await;
    assert_eq!(kinds(&all), ["audit.lost", "login.ok"]);
    assert_eq!(text(&all[0], "detail"), "entries lost before this one: 4");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_arguments_are_told() {
    let desk = Desk::start().await;
    let owner = desk.owner().await;
    for args in [
        Args::default().with("limit", "many"),
        Args::default().with("device", 5_u64),
        Args::default().with("nonsense", true),
        Args::from([Value::from(1_u64)]),
    ] {
        let error = owner.call("org.deskconn.audit.get", args).await.unwrap_err();
        assert!(error.to_string().contains("bad_argument"), "{error}");
    }
    assert!(entries(&owner, Args::default().with("limit", 0_u64)).await.is_empty());
    assert!(
        entries(&owner, Args::default().with("limit", u64::MAX))
            .await
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_action_does_is_written_down_until_it_is_too_often() {
    const TOPIC: &str = "org.deskconn.app.test";
    let action = format!(
        "[[action]]\nname = \"lamp\"\nwhen = {{ topic = \"{TOPIC}\" }}\n\
         then = {{ publish = \"{TOPIC}.lamp\", args = [\"canary-payload\"] }}\n"
    );
    let desk = Desk::with(&action).await;
    let owner = desk.owner().await;
    let mut runs = owner.subscribe("org.deskconn.actions.on_run").await.unwrap();
    for _ in 0..6 {
        owner.publish_acknowledged(TOPIC, ()).await.unwrap();
        soon("the run", runs.next()).await.unwrap();
    }
    let all = entries(&owner, Args::default()).await;
    assert_eq!(kinds(&all), ["actions.done"; 4]);
    assert_eq!(
        (text(&all[0], "action"), text(&all[0], "detail")),
        ("lamp", "topic: publish org.deskconn.app.test.lamp")
    );
    desk.daemon.stop().await;
    let file = std::fs::read_to_string(desk.home.path().join("state/audit.jsonl")).unwrap();
    assert!(
        file.ends_with("\"action\":\"lamp\",\"detail\":\"and 2 more within an hour\"}\n"),
        "{file}"
    );
    assert!(!file.contains("canary-payload"), "{file}");
}
