//! What is kept for a client that is away, and for one that does not say what it got, is bounded; what is lost is told.

use wamp::codec::Serializer;
use wamp::error::CLOSE_NORMAL;
use wamp::limits::{ACKNOWLEDGED_MESSAGES, UNACKNOWLEDGED_MESSAGES};
use wamp::message::{Message, Yield, YieldOptions};
use wamp::payload::Payload;

use super::client::{Client, Road, call, number, payload, publish, register, subscribe};
use super::{detached, limited};
use crate::support::{Way, soon, until};
use crate::vault::Vault;

const SERIALIZER: Serializer = Serializer::MessagePack;

async fn client(vault: &Vault) -> Client {
    Client::join(Road::to(vault, Way::RawSocket, SERIALIZER)).await
}

async fn subscribed(client: &mut Client, topic: &str) {
    let request = client.request();
    client.send(subscribe(request, topic)).await;
    assert!(matches!(client.next().await, Message::Subscribed(_)));
}

/// Publishes numbers and waits until all of them are published.
async fn publish_all(publisher: &mut Client, numbers: std::ops::Range<u64>) {
    for number in numbers {
        let request = publisher.request();
        let news = publish(request, "com.t", payload(SERIALIZER, number), true);
        publisher.send(news).await;
        assert!(matches!(publisher.next().await, Message::Published(_)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_beyond_the_queue_are_lost_and_told() {
    const QUEUE: u64 = 100;
    let vault = limited(|limits| limits.queue_messages = 100);
    let mut away = client(&vault).await;
    subscribed(&mut away, "wamp.session.on_overflow").await;
    subscribed(&mut away, "com.t").await;
    let mut publisher = client(&vault).await;
    // As many as there is room for.
    detached(&vault, &mut away).await;
    publish_all(&mut publisher, 0..QUEUE).await;
    away.back().await;
    for expected in 0..QUEUE {
        assert_eq!(number(&away.next().await), expected);
    }
    // And some more.
    detached(&vault, &mut away).await;
    publish_all(&mut publisher, 0..QUEUE + 7).await;
    away.back().await;
    for expected in 0..QUEUE {
        assert_eq!(number(&away.next().await), expected);
    }
    let told = away.next().await;
    let (args, _) = told.payload().unwrap().to_values().unwrap();
    assert_eq!(
        (args[0].as_u64(), args[1].as_u64()),
        (Some(away.session.get()), Some(7))
    );
    assert_eq!(vault.router.realm("realm1").unwrap().dropped_events(), 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_to_a_callee_that_is_away_and_has_a_full_queue_fails_and_an_answer_that_finds_no_room_ends_the_session()
{
    const QUEUE_BYTES: usize = 2_000;
    let vault = limited(|limits| {
        limits.queue_messages = 2;
        limits.queue_bytes = QUEUE_BYTES;
    });
    let mut away = client(&vault).await;
    let mut other = client(&vault).await;
    for (callee, procedure) in [(&mut away, "com.away"), (&mut other, "com.other")] {
        let request = callee.request();
        callee.send(register(request, procedure)).await;
        assert!(matches!(callee.next().await, Message::Registered(_)));
    }
    // A call of the one that will be away waits for its answer.
    let request = away.request();
    away.send(call(request, "com.other", payload(SERIALIZER, 1))).await;
    let Message::Invocation(invocation) = other.next().await else {
        panic!()
    };
    detached(&vault, &mut away).await;
    for number in 0..3 {
        let request = other.request();
        other.send(call(request, "com.away", payload(SERIALIZER, number))).await;
    }
    let Message::Error(error) = other.next().await else {
        panic!()
    };
    assert_eq!(error.error, "wamp.error.unavailable");
    let answer = Yield {
        request: invocation.request,
        options: YieldOptions::default(),
        // Of answers the bytes count alone.
        payload: Payload::sentence(&"x".repeat(QUEUE_BYTES)),
    };
    other.send(Message::Yield(answer)).await;
    // Its callers learn that it is gone.
    for _ in 0..2 {
        assert!(matches!(other.next().await, Message::Error(_)));
    }
    let realm = vault.router.realm("realm1").unwrap();
    until("the session to end", || realm.session_count() == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_does_not_say_what_it_got_gets_no_more_until_it_does() {
    let vault = Vault::start();
    let mut silent = client(&vault).await;
    subscribed(&mut silent, "com.t").await;
    let mut publisher = client(&vault).await;
    let most = UNACKNOWLEDGED_MESSAGES as u64;
    publish_all(&mut publisher, 0..most + 10).await;
    let link = silent.link.as_mut().unwrap();
    let mut got = 0;
    // SUBSCRIBED counts too, and RECEIVED does not.
    while got < most - 1 {
        let message = soon("an event", link.reader.next()).await.unwrap().unwrap();
        if !matches!(message, Message::Received(_)) {
            assert_eq!(number(&message), got);
            silent.inbound.arrived(&message);
            got += 1;
        }
    }
    // The answer to this waits behind what may not be sent.
    let request = wamp::id::RequestId::new(2).unwrap();
    link.writer.send(subscribe(request, "com.other")).await.unwrap();
    let more = tokio::time::timeout(std::time::Duration::from_millis(200), async {
        loop {
            let message = link.reader.next().await.unwrap().unwrap();
            if !matches!(message, Message::Received(_)) {
                return message;
            }
        }
    });
    assert!(more.await.is_err());
    link.writer.send(silent.inbound.acknowledge()).await.unwrap();
    for expected in got..most + 10 {
        assert_eq!(number(&silent.next().await), expected);
    }
    assert!(matches!(silent.next().await, Message::Subscribed(_)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_router_says_what_arrived_after_so_many_messages_and_after_the_last() {
    let vault = Vault::start();
    let mut client = client(&vault).await;
    for number in 0..ACKNOWLEDGED_MESSAGES + 2 {
        let request = client.request();
        let news = publish(request, "com.t", payload(SERIALIZER, number), false);
        client.send(news).await;
    }
    let mut counts = Vec::new();
    while counts.last() != Some(&(ACKNOWLEDGED_MESSAGES + 2)) {
        let link = client.link.as_mut().unwrap();
        match soon("RECEIVED", link.reader.next()).await {
            Ok(Some(Message::Received(received))) => counts.push(received.count),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(counts, [ACKNOWLEDGED_MESSAGES, ACKNOWLEDGED_MESSAGES + 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_whose_keys_are_used_up_returns_with_others_and_hears_no_goodbye() {
    let vault = limited(|limits| limits.noise_session = std::time::Duration::from_millis(200));
    let mut client = Client::join(Road::to(&vault, Way::Noise, SERIALIZER)).await;
    for _ in 0..3 {
        subscribed(&mut client, "com.t").await;
        assert_eq!(soon("the end of the connection", client.try_next()).await, None);
        client.back().await;
    }
    let goodbye = wamp::message::Goodbye::new(CLOSE_NORMAL, "that was all");
    client.send(Message::Goodbye(goodbye)).await;
    assert!(matches!(client.next().await, Message::Goodbye(_)));
}
