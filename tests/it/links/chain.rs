//! Three routers in a row: what is published at one end arrives at the other, once, in its order and as it was sent.

use client::{Args, PublishOptions, Serializer, Session, Subscription, Value};

use super::{ALL, address, alone, link, linked, listen, next, numbers_to, program, publish, realm, up};
use crate::support::{Desk, soon};

/// Events of one publisher.
const MANY: u64 = 500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_go_through_a_chain_in_both_directions_once_and_in_their_order() {
    let c = alone().await;
    let b = linked(&[&c], ALL).await;
    let a = linked(&[&b], ALL).await;
    through(&a, &b, &c).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_does_not_matter_which_router_dials() {
    // The one in the middle is dialled by both ends.
    let b = alone().await;
    let a = linked(&[&b], ALL).await;
    let c = up(Desk::with(&realm(&super::link_as("south", "b", &[address(&b)], ALL))).await).await;
    through(&a, &b, &c).await;
}

async fn through(a: &Desk, b: &Desk, c: &Desk) {
    let at_a = program(a, Serializer::Json).await;
    let at_b = program(b, Serializer::MessagePack).await;
    let at_c = program(c, Serializer::Cbor).await;
    let (mut hears_a, mut hears_b, mut hears_c) = (listen(&at_a).await, listen(&at_b).await, listen(&at_c).await);
    for number in 1..=MANY {
        publish(&at_a, "com.from.a", number).await;
    }
    let expected: Vec<u64> = (1..=MANY).collect();
    assert_eq!(numbers_to(&mut hears_b, MANY).await, expected);
    assert_eq!(numbers_to(&mut hears_c, MANY).await, expected);
    publish(&at_c, "com.from.c", 7_000).await;
    publish(&at_b, "com.from.b", 8_000).await;
    // Nothing of its own comes back to the publisher, and nothing twice to anybody.
    assert_eq!(next(&mut hears_b).await, 7_000);
    let mut both = [next(&mut hears_a).await, next(&mut hears_a).await];
    both.sort_unstable();
    assert_eq!(both, [7_000, 8_000]);
    assert_eq!(next(&mut hears_c).await, 8_000);
    publish(&at_a, "com.last", 9_000).await;
    assert_eq!((next(&mut hears_b).await, next(&mut hears_c).await), (9_000, 9_000));
    publish(&at_c, "com.last", 9_001).await;
    assert_eq!((next(&mut hears_b).await, next(&mut hears_a).await), (9_001, 9_001));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_in_both_directions_holds_up_neither() {
    /// More than wait anywhere between the two for their answers.
    const FLOOD: u64 = 6_000;
    let b = alone().await;
    let a = linked(&[&b], ALL).await;
    let (at_a, at_b) = (program(&a, Serializer::Json).await, program(&b, Serializer::Cbor).await);
    let (mut hears_a, mut hears_b) = (listen(&at_a).await, listen(&at_b).await);
    let flood = async |from: &Session| {
        for number in 1..=FLOOD {
            publish(from, "com.flood", number).await;
        }
    };
    // All come, in order; what the hearer's own queue had no room for, it has counted.
    let heard = async |events: &mut Subscription| {
        let (mut last, mut count) = (0, 0);
        while count + events.dropped() < FLOOD {
            let number = next(events).await;
            assert!(number > last, "{number} after {last}");
            (last, count) = (number, count + 1);
        }
        assert_eq!(count + events.dropped(), FLOOD);
    };
    tokio::join!(flood(&at_a), flood(&at_b), heard(&mut hears_a), heard(&mut hears_b));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_arrives_as_it_was_sent_with_its_publisher_in_every_serializer() {
    let c = alone().await;
    let b = linked(&[&c], ALL).await;
    let a = linked(&[&b], ALL).await;
    for (from, to) in [
        (Serializer::Json, Serializer::Cbor),
        (Serializer::Cbor, Serializer::MessagePack),
        (Serializer::MessagePack, Serializer::Json),
    ] {
        let publisher = program(&a, from).await;
        let mut events = listen(&program(&c, to).await).await;
        let args = Args {
            args: vec![
                Value::Bytes(vec![0, 255, 7]),
                "é\u{0}x".into(),
                Value::Float(0.5),
                Value::Null,
            ],
            kwargs: [("key".to_owned(), Value::List(vec![true.into(), u64::MAX.into()]))].into(),
        };
        let options = PublishOptions {
            disclose_me: true,
            ..PublishOptions::default()
        };
        publisher.publish_with("com.t", args.clone(), options).await.unwrap();
        let event = soon("the event", events.next()).await.unwrap();
        assert_eq!(event.args, args, "{from:?} to {to:?}");
        assert_eq!(event.topic.unwrap().as_str(), "com.t");
        let told = event.publisher.unwrap();
        assert_eq!((told.session, &*told.authrole), (publisher.id(), "anonymous"));
        // Who does not want to be known is not.
        publisher.publish("com.t", ()).await.unwrap();
        let event = soon("the event", events.next()).await.unwrap();
        assert_eq!(event.publisher, None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publisher_that_waits_for_delivery_waits_for_the_far_end() {
    let c = alone().await;
    let b = linked(&[&c], ALL).await;
    let a = linked(&[&b], ALL).await;
    let publisher = program(&a, Serializer::Json).await;
    let (_far, mut events) = super::bare(&c).await;
    let subscribe = |request| {
        wamp::message::Message::Subscribe(wamp::message::Subscribe {
            request,
            options: wamp::message::SubscribeOptions::default(),
            topic: "com.t".into(),
        })
    };
    _far.pass_request(subscribe).await.unwrap();
    soon("the subscription", events.recv()).await.unwrap();
    let options = PublishOptions {
        acknowledge: true,
        delivered: true,
        ..PublishOptions::default()
    };
    let published = tokio::spawn(async move { publisher.publish_with("com.t", (), options).await });
    let event = soon("the event", events.recv()).await.unwrap().message;
    let wamp::message::Message::Event(event) = event else {
        panic!("{event:?}")
    };
    assert!(event.details.acknowledge && !published.is_finished());
    let publication = event.publication;
    let received = wamp::message::Message::EventReceived(wamp::message::EventReceived { publication });
    _far.pass(received).await.unwrap();
    soon("the delivery", published).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_retained_is_retained_everywhere_and_the_newest_wins() {
    let b = alone().await;
    let before = program(&b, Serializer::Json).await;
    before.publish_retained("com.state.old", [1_u64.into()]).await.unwrap();
    let a = up(Desk::with(&realm(&link("b", &[address(&b)], ALL))).await).await;
    let at_a = program(&a, Serializer::Cbor).await;
    let retained = |uri: &'static str| {
        let (a, b) = (&a, &b);
        async move {
            let mut found = Vec::new();
            for desk in [a, b] {
                let session = program(desk, Serializer::MessagePack).await;
                let mut events = session.subscribe_retained(uri, client::Match::Exact).await.unwrap();
                let event = soon("what is retained", events.next()).await.unwrap();
                found.push((
                    event.args.args[0].as_u64().unwrap(),
                    event.retained.unwrap().published_at,
                ));
            }
            found
        }
    };
    // What was there before the link comes over it.
    let mut watch = at_a.subscribe("com.done").await.unwrap();
    before.publish("com.done", [0_u64.into()]).await.unwrap();
    next(&mut watch).await;
    let [first, second] = &retained("com.state.old").await[..] else {
        panic!()
    };
    assert_eq!((first.0, first), (1, second), "the same, of the same time");
    at_a.publish_retained("com.state.new", [2_u64.into()]).await.unwrap();
    let mut watch = before.subscribe("com.done").await.unwrap();
    at_a.publish("com.done", [0_u64.into()]).await.unwrap();
    next(&mut watch).await;
    let [first, second] = &retained("com.state.new").await[..] else {
        panic!()
    };
    assert_eq!((first.0, first), (2, second));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_forgotten_in_one_router_is_forgotten_in_all() {
    let c = alone().await;
    let b = up(Desk::with(&realm(&link("c", &[address(&c)], ALL))).await).await;
    let a = up(Desk::with(&realm(&link("b", &[address(&b)], ALL))).await).await;
    let (at_a, at_c) = (program(&a, Serializer::Cbor).await, program(&c, Serializer::Json).await);
    let mut watch = at_c.subscribe_matching("com.", client::Match::Prefix).await.unwrap();
    for topic in ["com.state.old", "com.state.other"] {
        at_a.publish_retained(topic, [1_u64.into()]).await.unwrap();
        next(&mut watch).await;
    }
    // Not by the one that published it, and at the other end.
    let mut seen = at_a.subscribe("com.state.old").await.unwrap();
    at_c.forget_retained("com.state.old", [Value::Null]).await.unwrap();
    let told = soon("the event that forgets", seen.next()).await.unwrap();
    assert_eq!((told.args.into_value(), told.retained), (Value::Null, None));
    for desk in [&a, &b, &c] {
        let session = program(desk, Serializer::MessagePack).await;
        let mut kept = session
            .subscribe_retained("com.state.", client::Match::Prefix)
            .await
            .unwrap();
        let event = soon("what is retained", kept.next()).await.unwrap();
        assert_eq!(event.topic.as_ref().map(client::Uri::as_str), Some("com.state.other"));
        session.publish_with("com.state.end", (), to_oneself()).await.unwrap();
        let event = soon("the end", kept.next()).await.unwrap();
        assert_eq!(event.topic.as_ref().map(client::Uri::as_str), Some("com.state.end"));
    }
}

fn to_oneself() -> PublishOptions {
    PublishOptions {
        exclude_me: false,
        ..PublishOptions::default()
    }
}
