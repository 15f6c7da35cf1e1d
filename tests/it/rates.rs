//! How fast a peer may be: messages of a session, and logins that fail.

use std::time::{Duration, Instant};

use client::{Error, Options, Serializer};

use crate::support::{Desk, OPEN_REALM, Way, key, refusal, soon};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_sends_too_fast_is_read_more_slowly_and_loses_nothing() {
    const BURST: u32 = 50;
    const PER_SECOND: u32 = 100;
    const MORE: u32 = 60;
    let limits = format!("[limits]\nmessages_per_s = {PER_SECOND}\nmessages_burst = {BURST}\n");
    let desk = Desk::with(&format!("{OPEN_REALM}{limits}")).await;
    let listener = desk.join(Way::Unix, Serializer::MessagePack, "realm1").await;
    let mut events = listener.subscribe("com.t").await.unwrap();
    let session = desk.join(Way::WebSocket, Serializer::Json, "realm1").await;
    let start = Instant::now();
    for number in 0..BURST + MORE {
        session.publish("com.t", [u64::from(number).into()]).await.unwrap();
    }
    for number in 0..BURST + MORE {
        let event = soon("the event", events.next()).await.unwrap();
        assert_eq!(event.args.into_value().as_u64(), Some(u64::from(number)));
    }
    // A batch that is read at once may overdraw the meter; the time it costs is waited for before the next.
    let least = Duration::from_secs(1) / PER_SECOND * (MORE - 32);
    assert!(start.elapsed() >= least, "{:?} is too fast", start.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn programs_on_the_unix_socket_are_as_fast_as_they_like() {
    let limits = "[limits]\nmessages_per_s = 1\nmessages_burst = 1\n";
    let desk = Desk::with(&format!("{OPEN_REALM}{limits}")).await;
    let session = desk.join(Way::Unix, Serializer::MessagePack, "realm1").await;
    // At one a second this would take minutes.
    let publish = async {
        for _ in 0..200 {
            session.publish_acknowledged("com.t", ()).await.unwrap();
        }
    };
    soon("the acknowledgements", publish).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_five_failed_logins_the_address_must_wait_and_open_sessions_go_on() {
    let desk = Desk::start().await;
    let session = desk.join(Way::WebSocket, Serializer::Json, "realm1").await;
    let stranger = |seed| Options {
        key: Some(key(seed)),
        ..Options::new("deskconn")
    };
    for seed in 0..5 {
        let refused = desk.try_join(Way::WebSocket, stranger(seed)).await;
        assert_eq!(refusal(refused), "wamp.error.authentication_failed");
    }
    for way in [Way::WebSocket, Way::RawSocket] {
        let refused = desk.try_join(way, stranger(9)).await;
        assert_eq!(refusal(refused), "wamp.error.authentication_denied");
    }
    session.publish_acknowledged("com.t", ()).await.unwrap();
    desk.owner().await.call("org.deskconn.info.get", ()).await.unwrap();
    let nobody = session.call("com.nobody", ()).await;
    assert!(matches!(nobody, Err(Error::Request(error)) if error.uri == "wamp.error.no_such_procedure"));
}
