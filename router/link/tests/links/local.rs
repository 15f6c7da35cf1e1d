//! The link inside one process.

use std::collections::VecDeque;

use deskconn_link::local;
use futures_util::FutureExt as _;
use wamp::codec::Serializer;
use wamp::outgoing::Outgoing;

use crate::samples;
use crate::support::{call, closed, receive, soon};

#[tokio::test]
async fn messages_move_and_are_not_encoded() {
    let (mut near, mut far) = local::pair(32);
    assert_eq!(near.writer.serializer(), None);
    for message in samples::all(Serializer::Cbor) {
        near.writer.send(message.clone()).await.unwrap();
        assert_eq!(receive(&mut far).await, message);
        far.writer.send(message.clone()).await.unwrap();
        assert_eq!(receive(&mut near).await, message);
    }
}

#[tokio::test]
async fn a_full_link_makes_its_writer_wait_and_loses_nothing() {
    let (mut near, mut far) = local::pair(3);
    let message = |size| call(Serializer::Json, size);
    let mut batch: VecDeque<Outgoing> = (0..5).map(|size| message(size).into()).collect();
    let mut bounced = Vec::new();
    assert!(near.writer.send_all(&mut batch, &mut bounced).now_or_never().is_none());
    assert_eq!(batch.len(), 2, "three fit");
    assert_eq!(receive(&mut far).await, message(0));
    let rest = async { near.writer.send_all(&mut batch, &mut bounced).await.unwrap() };
    let take = async {
        for size in 1..5 {
            assert_eq!(receive(&mut far).await, message(size));
        }
    };
    soon(async { tokio::join!(rest, take) }).await;
}

#[tokio::test]
async fn the_end_of_one_side_is_seen_by_the_other() {
    let (mut near, mut far) = local::pair(3);
    near.writer.send(call(Serializer::Json, 1)).await.unwrap();
    near.writer.close().await.unwrap();
    receive(&mut far).await;
    closed(&mut far).await;
    assert!(near.writer.send(call(Serializer::Json, 1)).await.is_err());
    drop(near);
    assert!(far.writer.send(call(Serializer::Json, 1)).await.is_err());
}
