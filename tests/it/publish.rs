//! Publish and subscribe over every link and serializer.

use client::{Args, Error, Match, Serializer, Value};

use crate::support::{Desk, Way, over_every_link, soon};

over_every_link!(events_reach_every_subscriber_in_order);

async fn events_reach_every_subscriber_in_order(way: Way, serializer: Serializer) {
    let desk = Desk::start().await;
    let publisher = desk.join(way, serializer, "realm1").await;
    let mut subscriptions = Vec::new();
    for _ in 0..3 {
        let subscriber = desk.join(way, serializer, "realm1").await;
        subscriptions.push(subscriber.subscribe("com.t").await.unwrap());
    }
    for number in 0..100_u64 {
        publisher
            .publish("com.t", Args::from([number.into()]).with("n", number))
            .await
            .unwrap();
    }
    for subscription in &mut subscriptions {
        for number in 0..100_u64 {
            let event = soon("an event", subscription.next()).await.unwrap();
            assert_eq!(event.args, Args::from([number.into()]).with("n", number));
        }
    }
}

over_every_link!(a_subscription_that_is_dropped_gets_nothing_more);

async fn a_subscription_that_is_dropped_gets_nothing_more(way: Way, serializer: Serializer) {
    let desk = Desk::start().await;
    let publisher = desk.join(way, serializer, "realm1").await;
    let subscriber = desk.join(way, serializer, "realm1").await;
    let dropped = subscriber.subscribe("com.t").await.unwrap();
    let mut kept = subscriber.subscribe("com.t").await.unwrap();
    assert_eq!(dropped.id(), kept.id(), "both are one to the router");
    drop(dropped);
    publisher.publish_acknowledged("com.t", [1_u64.into()]).await.unwrap();
    assert_eq!(
        soon("the event", kept.next()).await.unwrap().args,
        Args::from([1_u64.into()])
    );
    drop(kept);
    // What follows in the same session comes after the UNSUBSCRIBE.
    let mut other = subscriber.subscribe("com.other").await.unwrap();
    publisher.publish_acknowledged("com.t", ()).await.unwrap();
    publisher.publish_acknowledged("com.other", ()).await.unwrap();
    assert!(soon("the other event", other.next()).await.is_some());
}

over_every_link!(a_refused_publication_is_told_to_who_wants_to_know);

async fn a_refused_publication_is_told_to_who_wants_to_know(way: Way, serializer: Serializer) {
    let desk = Desk::start().await;
    let session = desk.join(way, serializer, "realm1").await;
    for topic in ["com..t", "wamp.session.on_join", "com.a b"] {
        let Err(Error::Request(error)) = session.publish_acknowledged(topic, ()).await else {
            panic!("{topic}")
        };
        assert_eq!(error.uri, "wamp.error.invalid_uri");
        // Nobody would hear it from the router; the client says what it can see by itself.
        let published = session.publish(topic, ()).await;
        assert_eq!(published.is_ok(), topic == "wamp.session.on_join", "{topic}");
    }
    session.publish_acknowledged("com.t", ()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn patterns_match_as_the_specification_says() {
    let desk = Desk::start().await;
    let publisher = desk.join(Way::WebSocket, Serializer::Json, "realm1").await;
    let session = desk.join(Way::WebSocket, Serializer::Cbor, "realm1").await;
    let mut prefix = session.subscribe_matching("com.door", Match::Prefix).await.unwrap();
    let mut wildcard = session
        .subscribe_matching("com..opened", Match::Wildcard)
        .await
        .unwrap();
    for topic in [
        "com.door.opened",
        "com.window.opened",
        "com.door",
        "com.door.opened.now",
    ] {
        publisher.publish_acknowledged(topic, [topic.into()]).await.unwrap();
    }
    for topic in ["com.door.opened", "com.door", "com.door.opened.now"] {
        let event = soon("an event", prefix.next()).await.unwrap();
        assert_eq!(
            (event.topic.unwrap().as_str(), event.args.into_value()),
            (topic, Value::from(topic))
        );
    }
    for topic in ["com.door.opened", "com.window.opened"] {
        assert_eq!(
            soon("an event", wildcard.next()).await.unwrap().args.into_value(),
            Value::from(topic)
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_reaches_subscribers_of_every_serializer() {
    let desk = Desk::start().await;
    for from in Serializer::ALL {
        let publisher = desk.join(Way::WebSocket, from, "realm1").await;
        let mut subscriptions = Vec::new();
        for to in Serializer::ALL {
            let subscriber = desk.join(Way::WebSocket, to, "realm1").await;
            subscriptions.push(subscriber.subscribe("com.t").await.unwrap());
        }
        let args = Args::from([vec![0_u8, 255].into(), u64::MAX.into(), "é".into()]).with("k", Value::Null);
        publisher.publish_acknowledged("com.t", args.clone()).await.unwrap();
        for subscription in &mut subscriptions {
            assert_eq!(soon("the event", subscription.next()).await.unwrap().args, args);
        }
    }
}
