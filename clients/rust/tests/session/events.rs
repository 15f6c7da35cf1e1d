//! Subscriptions and publications.

use deskconn_client::{Args, Error, Event, Match, QUEUE, Serializer, SubscribeOptions, Value};
use tokio::sync::mpsc;

use crate::support::{Stage, Way, soon, until};

#[tokio::test]
async fn events_arrive_in_order_with_their_arguments_over_every_link() {
    let stage = Stage::new();
    let publisher = stage.session().await;
    for way in [Way::WebSocket, Way::RawSocket, Way::Unix, Way::Local] {
        let subscriber = stage.session_by(way, Serializer::Cbor).await;
        let mut events = subscriber.subscribe("com.example.news").await.unwrap();
        for number in 0..20_u64 {
            publisher
                .publish("com.example.news", Args::from([number.into()]).with("key", "value"))
                .await
                .unwrap();
        }
        for number in 0..20 {
            let event = soon(events.next()).await.unwrap();
            assert_eq!(
                event.args,
                Args::from([Value::UInt(number)]).with("key", "value"),
                "{way:?}"
            );
        }
        subscriber.leave().await;
        assert_eq!(soon(events.next()).await, None);
    }
}

#[tokio::test]
async fn two_subscriptions_of_one_session_to_the_same_topic_both_get_every_event() {
    let stage = Stage::new();
    let (publisher, subscriber) = (stage.session().await, stage.session().await);
    let mut first = subscriber.subscribe("com.example.news").await.unwrap();
    let mut second = subscriber.subscribe("com.example.news").await.unwrap();
    publisher
        .publish_acknowledged("com.example.news", [1_u64.into()])
        .await
        .unwrap();
    assert_eq!(soon(first.next()).await, soon(second.next()).await);
    drop(first);
    publisher
        .publish_acknowledged("com.example.news", [2_u64.into()])
        .await
        .unwrap();
    assert_eq!(soon(second.next()).await.unwrap().args.into_value().as_u64(), Some(2));
}

#[tokio::test]
async fn a_pattern_tells_the_topic() {
    let stage = Stage::new();
    let (publisher, subscriber) = (stage.session().await, stage.session().await);
    let mut events = subscriber
        .subscribe_matching("com..news", Match::Wildcard)
        .await
        .unwrap();
    publisher.publish("com.example.news", ()).await.unwrap();
    let event = soon(events.next()).await.unwrap();
    assert_eq!(event.topic.unwrap().as_str(), "com.example.news");
}

#[tokio::test]
async fn a_subscriber_that_takes_nothing_loses_the_newest_events_and_learns_how_many() {
    let stage = Stage::new();
    let (publisher, subscriber) = (stage.session().await, stage.session().await);
    let mut idle = subscriber.subscribe("com.example.news").await.unwrap();
    for number in 0..QUEUE as u64 + 10 {
        publisher
            .publish_acknowledged("com.example.news", [number.into()])
            .await
            .unwrap();
    }
    until(|| idle.dropped() == 10).await;
    for number in 0..QUEUE as u64 {
        assert_eq!(
            soon(idle.next()).await.unwrap().args.into_value().as_u64(),
            Some(number)
        );
    }
}

#[tokio::test]
async fn a_dropped_subscription_is_ended_at_the_router() {
    let stage = Stage::new();
    let subscriber = stage.session().await;
    // A session may hold 256 subscriptions: more than that in a row shows that each was given back.
    for number in 0..300 {
        let subscription = soon(subscriber.subscribe(&format!("com.example.topic{number}")))
            .await
            .unwrap();
        drop(subscription);
    }
}

#[tokio::test]
async fn a_publication_to_a_topic_of_the_router_is_refused_when_it_is_acknowledged() {
    let stage = Stage::new();
    let session = stage.session().await;
    assert!(
        soon(session.publish_acknowledged("wamp.session.on_join", ()))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_function_that_panics_at_one_event_is_called_with_the_next() {
    let stage = Stage::new();
    let (publisher, subscriber) = (stage.session().await, stage.session().await);
    let (taken, mut heard) = mpsc::unbounded_channel();
    let take = move |event: Event| {
        let number = event.args.into_value().as_u64().unwrap();
        assert!(number != 0, "this panic belongs to the test");
        let taken = taken.clone();
        async move {
            assert!(number != 1, "and this one");
            taken.send(number).unwrap();
        }
    };
    let listening = subscriber.listen("com.example.news", SubscribeOptions::default(), take);
    listening.await.unwrap();
    for number in 0..4_u64 {
        publisher
            .publish("com.example.news", Value::from(number))
            .await
            .unwrap();
    }
    assert_eq!(soon(heard.recv()).await, Some(2));
    assert_eq!(soon(heard.recv()).await, Some(3));
}

#[tokio::test]
async fn what_is_published_to_no_topic_fails_though_no_router_would_answer() {
    let stage = Stage::new();
    let publisher = stage.session().await;
    for topic in ["", "com..news", "com.example.my news"] {
        let error = publisher.publish(topic, ()).await.unwrap_err();
        assert!(
            matches!(&error, Error::Request(it) if it.uri == "wamp.error.invalid_uri"),
            "{error:?}"
        );
    }
    publisher.publish("com.example.news", ()).await.unwrap();
}
