//! `org.deskconn.router.sessions`: who is connected and what each did, as the owner sees it and nobody else.

use client::{Args, Dict, Error, Invocation, Match, Serializer, Session, Value};

use crate::slow_peer::{SMALL_QUEUE, deaf};
use crate::support::{Desk, OPEN_REALM, Way, soon, until};

async fn report(owner: &Session, args: Args) -> Dict {
    let report = owner.call("org.deskconn.router.sessions", args).await.unwrap();
    report.into_value().as_dict().unwrap().clone()
}

fn rows<'a>(report: &'a Dict, key: &str) -> &'a [Value] {
    report[key].as_list().unwrap()
}

fn number(row: &Value, key: &str) -> u64 {
    row.as_dict().unwrap()[key]
        .as_u64()
        .unwrap_or_else(|| panic!("{key}: {row:?}"))
}

fn text<'a>(row: &'a Value, key: &str) -> Option<&'a str> {
    row.as_dict().unwrap()[key].as_str()
}

/// The row of this session.
fn of<'a>(report: &'a Dict, session: &Session) -> &'a Value {
    let rows = rows(report, "sessions");
    rows.iter().find(|row| number(row, "id") == session.id().get()).unwrap()
}

fn realm<'a>(report: &'a Dict, name: &str) -> &'a Value {
    let realms = rows(report, "realms");
    realms.iter().find(|row| text(row, "name") == Some(name)).unwrap()
}

fn figures(row: &Value) -> [u64; 5] {
    ["calls", "publications", "invocations", "events", "dropped"].map(|key| number(row, key))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_owner_sees_every_session_with_what_it_did() {
    let desk = Desk::with(OPEN_REALM).await;
    let owner = desk.owner().await;
    let callee = desk.join(Way::WebSocket, Serializer::Cbor, "realm1").await;
    let caller = desk.join(Way::Wss, Serializer::Json, "realm1").await;
    let answer = |_: Invocation| async { Ok(Value::Null.into()) };
    callee.register("com.example.answer", answer).await.unwrap();
    let mut events = callee.subscribe_matching("com.example.", Match::Prefix).await.unwrap();
    for number in 0..3_u64 {
        caller.call("com.example.answer", ()).await.unwrap();
        caller
            .publish_acknowledged("com.example.topic", [number.into()])
            .await
            .unwrap();
        events.next().await.unwrap();
    }
    let _ = caller.call("com.example.nobody", ()).await.unwrap_err();

    let now = report(&owner, Args::default()).await;
    assert_eq!(figures(of(&now, &caller)), [4, 3, 0, 0, 0]);
    assert_eq!(figures(of(&now, &callee)), [0, 0, 3, 3, 0]);
    assert_eq!(figures(realm(&now, "realm1")), [4, 3, 3, 3, 0]);
    assert_eq!(number(realm(&now, "realm1"), "sessions"), 2);
    let words = |row| ["realm", "transport", "channel", "serializer", "role"].map(|key| text(row, key));
    assert_eq!(
        words(of(&now, &caller)),
        ["realm1", "websocket", "tls", "json", "anonymous"].map(Some)
    );
    assert_eq!(
        words(of(&now, &callee)),
        ["realm1", "websocket", "plain", "cbor", "anonymous"].map(Some)
    );
    assert_eq!(
        words(of(&now, &owner)),
        ["deskconn", "unix", "plain", "msgpack", "owner"].map(Some)
    );
    assert!(text(of(&now, &caller), "address").unwrap().starts_with("127.0.0.1:"));
    assert_eq!(text(of(&now, &owner), "address"), None);
    assert!(text(of(&now, &owner), "since").unwrap().ends_with('Z'));
    let is_inside = |row: &&Value| text(row, "transport") == Some("local") && text(row, "name") == Some("slides");
    assert_eq!(rows(&now, "sessions").iter().filter(is_inside).count(), 1);
    assert_eq!(now["left_off"], Value::UInt(0));

    // What was counted stays counted when its session leaves.
    caller.leave().await;
    let inside = desk.daemon.router().realm("realm1").unwrap();
    until("the caller has left", || inside.session_count() == 1).await;
    let later = report(&owner, Args::default()).await;
    assert_eq!(figures(realm(&later, "realm1")), [4, 3, 3, 3, 0]);
    assert!(later["uptime_ms"].as_u64() >= now["uptime_ms"].as_u64());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_leaves_sessions_off_and_says_how_many() {
    let desk = Desk::start().await;
    let owner = desk.owner().await;
    let all = report(&owner, Args::default()).await;
    let count = rows(&all, "sessions").len() as u64;
    assert!(count > 2, "the daemon's own are there");
    let two = report(&owner, Args::default().with("limit", 2_u64)).await;
    assert_eq!(rows(&two, "sessions").len(), 2);
    assert_eq!(two["left_off"], Value::UInt(count - 2));
    assert!(
        owner
            .call("org.deskconn.router.sessions", Args::default().with("limit", 1_000_u64))
            .await
            .is_ok()
    );
    let past = owner
        .call("org.deskconn.router.sessions", Args::default().with("limit", 1_001_u64))
        .await;
    let Err(Error::Request(error)) = past else {
        panic!("{past:?}")
    };
    assert_eq!(error.uri.as_str(), "org.deskconn.error.bad_argument");
    assert!(error.sentence().unwrap().contains("1000"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_does_not_read_is_seen_by_its_queue_and_by_what_it_lost() {
    let desk = Desk::with(&format!("{OPEN_REALM}{SMALL_QUEUE}")).await;
    let owner = desk.owner().await;
    let _deaf = deaf(&desk, r#"[32,1,{},"com.t"]"#).await;
    let publisher = desk.join(Way::WebSocket, Serializer::Json, "realm1").await;
    let inside = desk.daemon.router().realm("realm1").unwrap();
    let text = "x".repeat(4096);
    let fill = async {
        while inside.dropped_events() < 3 {
            publisher
                .publish_acknowledged("com.t", [text.as_str().into()])
                .await
                .unwrap();
        }
    };
    soon("a full queue", fill).await;
    let now = report(&owner, Args::default()).await;
    let is_deaf = |row: &&Value| text_of(row, "transport") == "rawsocket";
    let rows: Vec<&Value> = rows(&now, "sessions").iter().filter(is_deaf).collect();
    assert_eq!(rows.len(), 1);
    assert_eq!(number(rows[0], "dropped"), 3);
    assert_eq!(number(realm(&now, "realm1"), "dropped"), 3);
    let (queued, limit) = (number(rows[0], "queued_bytes"), number(rows[0], "queued_bytes_limit"));
    assert_eq!(limit, 65_536);
    assert!(queued > limit / 2 && queued <= limit, "{queued}");
    assert!(number(rows[0], "queued_messages") > 0);
    // Whoever publishes is not held up by that.
    assert_eq!(number(of(&now, &publisher), "queued_bytes"), 0);
}

fn text_of<'a>(row: &'a Value, key: &str) -> &'a str {
    text(row, key).unwrap_or_default()
}
