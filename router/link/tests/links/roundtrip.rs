//! Every message over every link, in every serializer, in both directions.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use deskconn_link::{BounceReason, Link};
use wamp::codec::Serializer;
use wamp::id::{PublicationId, SubscriptionId};
use wamp::limits::Bounds;
use wamp::message::{Event, EventDetails, Message};
use wamp::outgoing::{Outgoing, Shared};
use wamp::payload::Payload;
use wamp::value::{Dict, Value};

use crate::samples;
use crate::support::{TRANSPORTS, call, combinations, link, receive, soon};

#[tokio::test]
async fn every_message_arrives_as_it_was_sent_in_both_directions() {
    for (transport, socket, serializer) in combinations() {
        let (mut client, mut router) = link(transport, socket, serializer, Bounds::JOINED).await;
        assert_eq!(client.writer.serializer(), Some(serializer));
        let messages = samples::all(serializer);
        assert!(messages.len() >= 25, "every message of the protocol");
        let mut batch: VecDeque<Outgoing> = messages.iter().cloned().map(Outgoing::from).collect();
        let mut bounced = Vec::new();
        soon(client.writer.send_all(&mut batch, &mut bounced)).await.unwrap();
        assert!(batch.is_empty() && bounced.is_empty());
        for message in &messages {
            assert_eq!(
                &receive(&mut router).await,
                message,
                "{transport:?} {socket:?} {serializer:?}"
            );
        }
        for message in &messages {
            router.writer.send(message.clone()).await.unwrap();
            assert_eq!(
                &receive(&mut client).await,
                message,
                "{transport:?} {socket:?} {serializer:?}"
            );
        }
    }
}

#[tokio::test]
async fn messages_of_all_sizes_up_to_the_limit_arrive() {
    let bounds = Bounds {
        message_bytes: 1 << 19,
        ..Bounds::JOINED
    };
    let sizes = [
        0, 60, 70, 80, 90, 100, 126, 1000, 16_300, 16_400, 65_480, 65_500, 65_536, 70_000, 131_072, 500_000,
    ];
    for (transport, socket, serializer) in combinations() {
        let (mut client, mut router) = link(transport, socket, serializer, bounds).await;
        let messages = sizes.map(|size| call(serializer, size));
        let mut batch: VecDeque<Outgoing> = messages.iter().cloned().map(Outgoing::from).collect();
        let mut bounced = Vec::new();
        let send = async {
            client.writer.send_all(&mut batch, &mut bounced).await.unwrap();
        };
        let take = async {
            for message in &messages {
                assert!(receive(&mut router).await == *message);
            }
        };
        soon(async { tokio::join!(send, take) }).await;
        // The other direction is not hidden by a mask.
        for message in &messages {
            let (sent, received) =
                soon(async { tokio::join!(router.writer.send(message.clone()), client.reader.next()) }).await;
            sent.unwrap();
            assert!(received.unwrap().as_ref() == Some(message));
        }
    }
}

#[tokio::test]
async fn an_event_for_many_reaches_each_in_its_own_serializer() {
    let payload = samples::payload(Serializer::Cbor);
    let shared = Shared::new(Event {
        subscription: SubscriptionId::FIRST,
        publication: PublicationId::FIRST,
        details: EventDetails::default(),
        payload: payload.clone(),
    });
    for (transport, socket, serializer) in combinations() {
        let (mut client, mut router) = link(transport, socket, serializer, Bounds::JOINED).await;
        let mut batch = VecDeque::from([
            Outgoing::Shared(Arc::clone(&shared)),
            Outgoing::Shared(Arc::clone(&shared)),
        ]);
        soon(router.writer.send_all(&mut batch, &mut Vec::new())).await.unwrap();
        for _ in 0..2 {
            let Message::Event(event) = receive(&mut client).await else {
                panic!()
            };
            assert_eq!(event.payload.serializer(), serializer);
            assert_eq!(event.payload.to_values(), payload.to_values());
        }
    }
}

#[tokio::test]
async fn a_message_without_a_form_in_the_serializer_bounces_and_those_behind_it_wait() {
    for (transport, socket) in TRANSPORTS {
        let (mut client, mut router) = link(transport, socket, Serializer::Json, Bounds::JOINED).await;
        let infinite = Payload::from_values(Serializer::Cbor, &[Value::Float(f64::INFINITY)], &Dict::new()).unwrap();
        let bad = Message::Abort(wamp::message::Abort {
            details: Dict::new(),
            reason: wamp::error::CANCELED,
            payload: infinite,
        });
        let good = call(Serializer::Json, 10);
        let mut batch = VecDeque::from([good.clone(), bad.clone(), good.clone()].map(Outgoing::from));
        let mut bounced = Vec::new();
        soon(router.writer.send_all(&mut batch, &mut bounced)).await.unwrap();
        assert!(matches!(&bounced[..], [(Outgoing::One(one), BounceReason::Unconvertible(_))] if *one == bad));
        assert_eq!(batch.len(), 1, "what stands behind it may not make sense any more");
        assert_eq!(receive(&mut client).await, good);
        soon(router.writer.send_all(&mut batch, &mut Vec::new())).await.unwrap();
        assert_eq!(receive(&mut client).await, good);
        assert!(router.writer.send(bad).await.is_err());
    }
}

#[tokio::test]
async fn a_batch_larger_than_the_buffers_arrives_whole_and_in_order() {
    const COUNT: usize = 3_000;
    for (transport, socket) in TRANSPORTS {
        let (mut client, mut router) = link(transport, socket, Serializer::MessagePack, Bounds::JOINED).await;
        let sizes = (0..COUNT).map(|i| i * 7 % 1_900);
        let mut batch: VecDeque<Outgoing> = sizes
            .clone()
            .map(|size| call(Serializer::MessagePack, size).into())
            .collect();
        let mut bounced = Vec::new();
        let send = async { client.writer.send_all(&mut batch, &mut bounced).await.unwrap() };
        let take = async {
            for size in sizes {
                assert!(receive(&mut router).await == call(Serializer::MessagePack, size));
            }
        };
        soon(async { tokio::join!(send, take) }).await;
    }
}

#[tokio::test]
async fn what_was_taken_out_of_a_batch_by_a_dropped_send_goes_out_with_the_next() {
    use futures_util::FutureExt as _;
    for (transport, socket) in TRANSPORTS {
        let (mut client, mut router) = link(transport, socket, Serializer::Json, Bounds::JOINED).await;
        let message = |size| call(Serializer::Json, size);
        let mut batch: VecDeque<Outgoing> = (0..200).map(|size| message(size + 50_000).into()).collect();
        let mut bounced = Vec::new();
        // Nobody reads: the sockets fill up, and sending cannot end.
        assert!(
            client
                .writer
                .send_all(&mut batch, &mut bounced)
                .now_or_never()
                .is_none()
        );
        assert!(!batch.is_empty());
        let send = async { client.writer.send_all(&mut batch, &mut bounced).await.unwrap() };
        let take = async {
            for size in 0..200 {
                assert!(receive(&mut router).await == message(size + 50_000), "{size}");
            }
        };
        soon(async { tokio::join!(send, take) }).await;
    }
}

#[tokio::test]
async fn whoever_asks_for_a_sign_of_life_gets_one_over_every_transport_in_both_directions() {
    for (transport, socket) in TRANSPORTS {
        let (mut client, mut router) = link(transport, socket, Serializer::Json, Bounds::JOINED).await;
        soon(asks(&mut client, &mut router)).await;
        soon(asks(&mut router, &mut client)).await;
    }
}

/// One end asks the other, which is read too.
async fn asks(near: &mut Link, far: &mut Link) {
    let before = near.reader.heard();
    near.reader.ping();
    while !near.reader.heard().is_more_than(before) {
        let reading = async { tokio::join!(near.reader.next(), far.reader.next()) };
        let read = tokio::time::timeout(Duration::from_millis(5), reading).await;
        assert!(read.is_err(), "nobody said anything: {read:?}");
    }
    assert!(!near.reader.heard().is_more_than_pongs(before));
    // The connection is as good as before.
    let message = call(Serializer::Json, 10);
    far.writer.send(message.clone()).await.unwrap();
    assert_eq!(receive(near).await, message);
    assert!(near.reader.heard().is_more_than_pongs(before));
}
