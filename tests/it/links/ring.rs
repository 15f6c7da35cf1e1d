//! Three routers in a ring: an event reaches each of them on two ways, and everybody once; a call that nobody serves ends.

use client::{Error, PublishOptions, Serializer, Value};

use super::{ALL, alone, linked, links_when, listen, next, numbers_to, program, publish};
use crate::support::{Desk, soon};

const MANY: u64 = 300;

/// Three routers, each linked to both others.
async fn ring() -> Vec<Desk> {
    let c = alone().await;
    let b = linked(&[&c], ALL).await;
    let a = linked(&[&b, &c], ALL).await;
    vec![a, b, c]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_subscriber_of_a_ring_gets_each_event_once_in_the_order_of_its_publisher() {
    let ring = ring().await;
    let mut programs = Vec::new();
    let mut hearers = Vec::new();
    for (desk, serializer) in ring
        .iter()
        .zip([Serializer::Json, Serializer::Cbor, Serializer::MessagePack])
    {
        programs.push(program(desk, serializer).await);
        hearers.push(listen(&program(desk, serializer).await).await);
    }
    // All at once, so that copies overtake each other.
    let publishing = programs.iter().enumerate().map(|(who, session)| async move {
        let topic = format!("com.from.{who}");
        for number in 1..=MANY {
            publish(session, &topic, number).await;
        }
    });
    futures_util::future::join_all(publishing).await;
    for events in &mut hearers {
        let mut last = [0; 3];
        while last != [MANY; 3] {
            let event = soon("an event", events.next()).await.unwrap();
            let who: usize = event
                .topic
                .unwrap()
                .as_str()
                .strip_prefix("com.from.")
                .unwrap()
                .parse()
                .unwrap();
            let number = event.args.args[0].as_u64().unwrap();
            assert_eq!(number, last[who] + 1, "from {who}");
            last[who] = number;
        }
    }
    // Copies that are still on their way would come before these.
    for (who, session) in programs.iter().enumerate() {
        let options = PublishOptions {
            acknowledge: true,
            ..PublishOptions::default()
        };
        session
            .publish_with("com.end", [(MANY + who as u64 + 1).into()], options)
            .await
            .unwrap();
    }
    for events in &mut hearers {
        let mut ends = [next(events).await, next(events).await, next(events).await];
        ends.sort_unstable();
        assert_eq!(ends, [MANY + 1, MANY + 2, MANY + 3]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_nobody_serves_ends_and_one_that_somebody_serves_is_served_once() {
    let ring = ring().await;
    for desk in &ring {
        let caller = program(desk, Serializer::Json).await;
        let nobody = soon("the end", caller.call("com.nobody", ())).await;
        let Err(Error::Request(error)) = nobody else {
            panic!("{nobody:?}")
        };
        assert_eq!(error.uri.as_str(), "wamp.error.no_such_procedure");
    }
    let served = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let callee = program(&ring[1], Serializer::Cbor).await;
    let count = std::sync::Arc::clone(&served);
    let answer = move |_| {
        let count = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        async move { Ok(Value::from(count).into()) }
    };
    callee.register("com.somebody", answer).await.unwrap();
    for (number, desk) in (0..).zip(&ring) {
        let caller = program(desk, Serializer::MessagePack).await;
        let result = soon("the result", caller.call("com.somebody", ())).await.unwrap();
        assert_eq!(result.into_value().as_u64(), Some(number));
    }
    assert_eq!(served.load(std::sync::atomic::Ordering::Relaxed), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ring_with_one_router_stopped_goes_on_on_the_other_way() {
    // Either may be asked first for a call: the one that is down lets the other one have it.
    for stops in [1, 2] {
        let mut ring = ring().await;
        let stopped = ring.remove(stops);
        let [a, other] = &ring[..] else { panic!() };
        let (here, there) = (
            program(a, Serializer::Json).await,
            program(other, Serializer::Json).await,
        );
        there
            .register("com.p", |_| async { Ok(Value::from(7).into()) })
            .await
            .unwrap();
        let mut hears = listen(&there).await;
        soon("the stop", stopped.daemon.stop()).await;
        let is_down = |links: &[wamp::value::Dict]| links[stops - 1]["state"].as_str() == Some("down");
        let links = links_when(a, "down to one", is_down).await;
        assert_eq!(links[2 - stops]["state"].as_str(), Some("up"));
        assert!(links[stops - 1]["why"].as_str().is_some(), "{links:?}");
        for number in 1..=MANY {
            publish(&here, "com.t", number).await;
        }
        assert_eq!(numbers_to(&mut hears, MANY).await, (1..=MANY).collect::<Vec<_>>());
        let result = soon("the result", here.call("com.p", ())).await.unwrap();
        assert_eq!(result.into_value().as_u64(), Some(7));
    }
}
