//! Returns that are not granted, and sessions to which nobody returns.

use link::Link;
use wamp::codec::Serializer;
use wamp::error::CLOSE_NORMAL;
use wamp::joiner::JoinOptions;
use wamp::message::{Goodbye, Message, Received, Welcome};
use wamp::resumption::{Granted, Outcome, Return};
use wamp::value::Value;

use super::client::{Client, Road, anonymous, join, payload, publish, register, subscribe};
use super::{detached, is_detached, limited};
use crate::support::{PATIENCE, Way, soon, until};
use crate::vault::Vault;

const WAY: Way = Way::RawSocket;
const SERIALIZER: Serializer = Serializer::MessagePack;

async fn client(vault: &Vault) -> Client {
    Client::join(Road::to(vault, WAY, SERIALIZER)).await
}

/// Tries to return with this ticket: another session, and why.
async fn refused(client: &Client, ticket: Return) -> (Link, Welcome, String) {
    let (link, welcome) = soon("the answer", client.try_return(ticket)).await.unwrap();
    assert_ne!(welcome.session, client.session);
    let granted = Granted::of_welcome(&welcome).unwrap();
    assert_ne!(granted.token, client.granted.token);
    let Outcome::Refused(why) = granted.outcome else {
        panic!("{:?}", granted.outcome)
    };
    (link, welcome, why)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_too_late_gets_another_session_and_is_told_why() {
    let vault = limited(|limits| limits.resume = Some(std::time::Duration::from_millis(50)));
    let mut client = client(&vault).await;
    let realm = vault.router.realm("realm1").unwrap();
    client.cut();
    until("the session to end", || realm.session_count() == 0).await;
    let (_link, _, why) = refused(&client, client.ticket()).await;
    assert_eq!(why, "the session has ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_token_is_refused_and_the_session_goes_on() {
    let vault = limited(|limits| limits.failed_logins = Some(4));
    let mut client = client(&vault).await;
    detached(&vault, &mut client).await;
    let mut wrong = client.ticket();
    wrong
        .token
        .replace_range(63.., if wrong.token.ends_with('0') { "1" } else { "0" });
    let (_link, _, why) = refused(&client, wrong.clone()).await;
    assert_eq!(why, "the token is not that of the session");
    for token in ["", "x", &wrong.token.repeat(2)] {
        let ticket = Return {
            token: token.to_owned(),
            ..wrong.clone()
        };
        refused(&client, ticket).await;
    }
    // They count as failed logins, of which there were enough.
    assert!(client.try_return(client.ticket()).await.is_none());
    assert!(is_detached(&vault, &client));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_principal_cannot_go_on_with_a_session_even_with_its_token() {
    let vault = Vault::start();
    let mut client = client(&vault).await;
    detached(&vault, &mut client).await;
    let ticket = client.ticket();
    client.options.authid = Some("somebody".to_owned());
    let (_link, _, why) = refused(&client, ticket).await;
    assert!(why.contains("another principal"), "{why}");
    client.options.authid = None;
    client.back().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_count_that_cannot_be_ends_the_session_of_whoever_has_its_token() {
    let vault = Vault::start();
    let mut client = client(&vault).await;
    detached(&vault, &mut client).await;
    let ticket = Return {
        received: 1,
        ..client.ticket()
    };
    let (_link, _, why) = refused(&client, ticket).await;
    assert!(why.contains("cannot have arrived"), "{why}");
    let (_link, _, why) = refused(&client, client.ticket()).await;
    assert_eq!(why, "the session has ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_returns_after_goodbye() {
    let vault = Vault::start();
    let mut client = client(&vault).await;
    client
        .send(Message::Goodbye(Goodbye::new(CLOSE_NORMAL, "that was all")))
        .await;
    assert!(matches!(client.next().await, Message::Goodbye(_)));
    client.cut();
    let (_link, _, why) = refused(&client, client.ticket()).await;
    assert_eq!(why, "the session has ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_returns_to_a_session_that_was_ended_while_its_client_was_away() {
    let vault = Vault::start();
    let mut client = client(&vault).await;
    detached(&vault, &mut client).await;
    let realm = vault.router.realm("realm1").unwrap();
    let ended = realm.end_sessions(&Goodbye::new(CLOSE_NORMAL, "enough"), |_| true);
    assert_eq!((ended, realm.session_count()), (1, 0));
    let (_link, _, why) = refused(&client, client.ticket()).await;
    assert_eq!(why, "the session has ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_broke_the_protocol_is_over() {
    let vault = Vault::start();
    let mut client = client(&vault).await;
    client.send(Message::Received(Received { count: 1 })).await;
    let Message::Abort(abort) = client.next().await else {
        panic!()
    };
    let sentence = abort.details["message"].as_str().unwrap();
    assert!(
        sentence.contains("1 messages cannot have arrived: 0 were sent"),
        "{sentence}"
    );
    client.cut();
    let (_link, _, why) = refused(&client, client.ticket()).await;
    assert_eq!(why, "the session has ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn received_breaks_the_protocol_in_a_session_that_ends_with_its_connection() {
    let vault = Vault::start();
    let mut link = Road::to(&vault, WAY, SERIALIZER).connect().await.unwrap();
    let welcome = join(&mut link, anonymous()).await.unwrap();
    assert_eq!(Granted::of_welcome(&welcome), None);
    let received = Message::Received(Received { count: 0 });
    link.writer.send(received).await.unwrap();
    let answer = soon("the answer", link.reader.next()).await.unwrap();
    assert!(matches!(answer, Some(Message::Abort(_))), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_sessions_are_not_kept_nothing_is_offered_and_they_end_with_their_connections() {
    let vault = limited(|limits| limits.resume = None);
    let mut link = Road::to(&vault, WAY, SERIALIZER).connect().await.unwrap();
    let options = JoinOptions {
        resumption: Some(wamp::resumption::Wanted::Resumable),
        ..anonymous()
    };
    let welcome = join(&mut link, options).await.unwrap();
    assert_eq!(Granted::of_welcome(&welcome), None);
    drop(link);
    let realm = vault.router.realm("realm1").unwrap();
    until("the session to end", || realm.session_count() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_returns_takes_the_place_of_a_connection_that_is_still_there() {
    let vault = limited(|limits| limits.sessions = 1);
    let mut client = client(&vault).await;
    let request = client.request();
    client.send(subscribe(request, "com.t")).await;
    assert!(matches!(client.next().await, Message::Subscribed(_)));
    let mut old = client.link.take().unwrap();
    client.back().await;
    // The old one is closed without a word, and what it says does not count.
    let late = publish(client.request(), "com.other", payload(SERIALIZER, 1), true);
    let _ = old.writer.send(late).await;
    let ended = soon("the end of the old connection", old.reader.next()).await;
    assert!(matches!(ended, Ok(None) | Err(link::ReadError::Io(_))), "{ended:?}");
    let request = client.request();
    client.send(register(request, "com.p")).await;
    let Message::Registered(registered) = client.next().await else {
        panic!()
    };
    assert_eq!(registered.request, request);
    let realm = vault.router.realm("realm1").unwrap();
    assert_eq!(realm.session_count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_returns_at_once_the_later_one_has_the_session() {
    let vault = Vault::start();
    let mut client = client(&vault).await;
    for _ in 0..20 {
        detached(&vault, &mut client).await;
        let ticket = client.ticket();
        let (first, second) = tokio::join!(client.try_return(ticket.clone()), client.try_return(ticket.clone()));
        let mut open = 0;
        for (mut link, welcome) in [first, second].into_iter().flatten() {
            assert_eq!(welcome.session, client.session);
            let message = tokio::time::timeout(std::time::Duration::from_millis(50), link.reader.next()).await;
            open += usize::from(message.is_err());
        }
        assert_eq!(open, 1);
        client.back().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_router_stops_without_waiting_for_anybody_to_return() {
    let vault = Vault::start();
    let mut client = client(&vault).await;
    detached(&vault, &mut client).await;
    let stopped = tokio::time::Instant::now();
    vault.router.stop(PATIENCE).await;
    assert!(stopped.elapsed() < PATIENCE / 2);
    assert_eq!(vault.router.realm("realm1").unwrap().session_count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_sees_that_a_session_waits_for_its_client() {
    let vault = Vault::start();
    let mut client = client(&vault).await;
    let mut other = Client::join(Road::to(&vault, WAY, SERIALIZER)).await;
    let mut transport = async |session: wamp::id::SessionId| {
        let request = other.request();
        let session = payload(SERIALIZER, session.get());
        other
            .send(super::client::call(request, "wamp.session.get", session))
            .await;
        let message = other.next().await;
        let (args, _) = message.payload().unwrap().to_values().unwrap();
        args[0].as_dict().unwrap()["transport"].as_dict().unwrap().clone()
    };
    assert_eq!(transport(client.session).await.get("detached"), None);
    detached(&vault, &mut client).await;
    let told = transport(client.session).await;
    assert_eq!(told["detached"], Value::from(true));
    assert_eq!(told["type"], Value::from("rawsocket"));
    client.road = Road::to(&vault, Way::Wss, Serializer::Cbor);
    client.back().await;
    let told = transport(client.session).await;
    assert_eq!(told.get("detached"), None);
    let values = ["type", "channel", "serializer"].map(|key| told[key].as_str().unwrap().to_owned());
    assert_eq!(values, ["websocket", "tls", "cbor"]);
}

/// A client that says this in each attempt to open a session.
async fn opening(vault: &Vault, opening: &str) -> Client {
    let options = JoinOptions {
        opening: Some(opening.to_owned()),
        ..anonymous()
    };
    Client::join_as(Road::to(vault, WAY, SERIALIZER), options).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_whose_welcome_was_lost_makes_room_for_the_next_attempt() {
    const OPENING: &str = "0123456789abcdef";
    let vault = limited(|limits| limits.sessions_per_address = 1);
    let realm = vault.router.realm("realm1").unwrap();
    // What has arrived at the client makes no difference to the router: it cannot know.
    for _ in 0..3 {
        let mut lost = opening(&vault, OPENING).await;
        detached(&vault, &mut lost).await;
        assert_eq!(realm.session_count(), 1);
    }
    let client = opening(&vault, OPENING).await;
    assert_eq!(realm.session_count(), 1);
    assert!(!is_detached(&vault, &client));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_ends_no_session_that_may_be_known_or_is_of_somebody_else() {
    const OPENING: &str = "0123456789abcdef";
    let vault = Vault::start();
    let realm = vault.router.realm("realm1").unwrap();
    let mut heard = opening(&vault, OPENING).await;
    let request = heard.request();
    heard.send(subscribe(request, "com.t")).await;
    assert!(matches!(heard.next().await, Message::Subscribed(_)));
    detached(&vault, &mut heard).await;
    // Its client may know it: there is something in it that was asked for.
    let mut resumed = opening(&vault, OPENING).await;
    assert_eq!(realm.session_count(), 2);
    heard.back().await;
    // It is known: its client has returned to it.
    detached(&vault, &mut resumed).await;
    resumed.back().await;
    let mut other = opening(&vault, OPENING).await;
    assert_eq!(realm.session_count(), 3);
    detached(&vault, &mut other).await;
    // Another says the same, or nothing that counts.
    let named = JoinOptions {
        opening: Some(OPENING.to_owned()),
        authid: Some("somebody".to_owned()),
        ..anonymous()
    };
    let _named = Client::join_as(Road::to(&vault, WAY, SERIALIZER), named).await;
    assert_eq!(realm.session_count(), 4);
    for wrong in [15, 65].map(|length| "x".repeat(length)) {
        let mut first = opening(&vault, &wrong).await;
        detached(&vault, &mut first).await;
        let _second = opening(&vault, &wrong).await;
        assert!(is_detached(&vault, &first), "{wrong}");
    }
}
