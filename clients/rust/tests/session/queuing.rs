//! Publications that wait on disk arrive once, whatever fails on the way.

use std::time::Duration;

use deskconn_client::{Client, Delivered, Options, PublishOptions, Queue, Serializer, Status, Subscription, Value};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use router::Limits;
use tempfile::{TempDir, tempdir};

use crate::relay::Relay;
use crate::support::{Stage, Way, soon};

const TOPIC: &str = "com.example.kept";

fn client(relay: &Relay) -> Client {
    let target = format!("rs://{}", relay.address).parse().unwrap();
    let pauses = (Duration::from_millis(1), Duration::from_millis(2));
    let builder = Client::builder(Options::new("realm1")).at(target);
    builder.pauses(pauses.0, pauses.1).start()
}

fn push(queue: &Queue, numbers: std::ops::Range<u64>) {
    for number in numbers {
        queue
            .push(TOPIC, Value::from(number), PublishOptions::default())
            .unwrap();
    }
}

/// Events in their order, each once, and nothing behind them.
async fn expect(stage: &Stage, heard: &mut Subscription, numbers: std::ops::Range<u64>) {
    let publisher = stage.session().await;
    publisher.publish(TOPIC, Value::from("last")).await.unwrap();
    for number in numbers {
        let event = soon(heard.next()).await.unwrap();
        assert_eq!(event.args.into_value(), Value::from(number));
    }
    assert_eq!(soon(heard.next()).await.unwrap().args.into_value(), Value::from("last"));
}

async fn deliver(queue: &Queue, client: &Client) -> Delivered {
    let emptied = async {
        while !queue.is_empty() {
            tokio::task::yield_now().await;
        }
        client.close().await;
    };
    let (delivered, ()) = soon(async { tokio::join!(queue.deliver(client, |it| panic!("{it}")), emptied) }).await;
    delivered.unwrap()
}

/// A router where a session ends with its connection, so that each cut leaves a publication of which nobody knows.
fn forgetful() -> Stage {
    Stage::with(Limits {
        resume: None,
        ..Limits::default()
    })
}

#[tokio::test]
async fn what_was_pushed_before_there_was_a_network_arrives_when_there_is_one() {
    let stage = Stage::new();
    let mut heard = stage.session().await.subscribe(TOPIC).await.unwrap();
    let relay = Relay::to(stage.address).await;
    relay.lead_to(None);
    let folder = tempdir().unwrap();
    let queue = Queue::open(folder.path()).unwrap();
    push(&queue, 0..20);
    let client = client(&relay);
    let mut status = client.status();
    soon(status.wait_for(|status| matches!(status, Status::Waiting { .. })))
        .await
        .unwrap();
    relay.lead_to(Some(stage.address));
    assert_eq!(deliver(&queue, &client).await, Delivered { taken: 20, refused: 0 });
    expect(&stage, &mut heard, 0..20).await;
}

#[tokio::test]
async fn what_is_pushed_while_it_delivers_follows() {
    let stage = Stage::new();
    let mut heard = stage.session().await.subscribe(TOPIC).await.unwrap();
    let relay = Relay::to(stage.address).await;
    let folder = tempdir().unwrap();
    let queue = Queue::open(folder.path()).unwrap();
    let client = client(&relay);
    let more = async {
        for number in 0..10 {
            push(&queue, number..number + 1);
            let event = heard.next().await.unwrap();
            assert_eq!(event.args.into_value(), Value::from(number));
        }
        client.close().await;
    };
    let (delivered, ()) = soon(async { tokio::join!(queue.deliver(&client, |it| panic!("{it}")), more) }).await;
    assert_eq!(delivered.unwrap().taken, 10);
}

#[tokio::test]
async fn wherever_the_connection_is_cut_each_arrives_once() {
    for seed in 0..5 {
        let stage = forgetful();
        let mut heard = stage.session().await.subscribe(TOPIC).await.unwrap();
        let relay = Relay::to(stage.address).await;
        let mut random = StdRng::seed_from_u64(seed);
        relay.cut_after(move || random.random_range(1..4_000));
        let folder = tempdir().unwrap();
        let queue = Queue::open(folder.path()).unwrap();
        push(&queue, 0..60);
        let client = client(&relay);
        deliver(&queue, &client).await;
        assert!(relay.accepted() > 5, "it was hardly cut");
        expect(&stage, &mut heard, 0..60).await;
    }
}

/// A client that is ended after so many turns, with its queue.
async fn deliver_for(turns: u32, folder: &TempDir, relay: &Relay) -> usize {
    let queue = Queue::open(folder.path()).unwrap();
    let client = client(relay);
    let ended = async {
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        () = ended => {}
        delivered = queue.deliver(&client, |it| panic!("{it}")) => panic!("{delivered:?}"),
    }
    queue.len()
}

#[tokio::test]
async fn whenever_the_client_is_ended_each_arrives_once() {
    let stage = forgetful();
    let mut heard = stage.session().await.subscribe(TOPIC).await.unwrap();
    let relay = Relay::to(stage.address).await;
    let folder = tempdir().unwrap();
    push(&Queue::open(folder.path()).unwrap(), 0..60);
    let mut random = StdRng::seed_from_u64(1);
    let mut ends = 0;
    let all = async {
        while deliver_for(random.random_range(1..20), &folder, &relay).await > 0 {
            ends += 1;
        }
    };
    soon(all).await;
    assert!(ends > 5, "it was hardly ended: {ends} times");
    expect(&stage, &mut heard, 0..60).await;
}

#[tokio::test]
async fn what_the_router_does_not_want_is_told_and_the_rest_follows() {
    let stage = Stage::new();
    let mut heard = stage.session().await.subscribe(TOPIC).await.unwrap();
    let folder = tempdir().unwrap();
    let queue = Queue::open(folder.path()).unwrap();
    push(&queue, 0..1);
    queue.push("wamp.own", (), PublishOptions::default()).unwrap();
    push(&queue, 1..2);
    let mut refused = Vec::new();
    let session = stage.session().await;
    let delivered = queue.flush(&session, |it| refused.push(it.to_string())).await.unwrap();
    assert_eq!(delivered, Delivered { taken: 2, refused: 1 });
    assert!(refused[0].starts_with("wamp.own: "), "{refused:?}");
    expect(&stage, &mut heard, 0..2).await;
}

#[tokio::test]
async fn a_publication_that_is_too_long_is_refused_and_does_not_keep_back_those_behind_it() {
    let stage = Stage::new();
    let mut heard = stage.session().await.subscribe(TOPIC).await.unwrap();
    let folder = tempdir().unwrap();
    let queue = Queue::open(folder.path()).unwrap();
    let long = Value::Bytes(vec![0; Limits::default().joined.message_bytes]);
    queue.push(TOPIC, long, PublishOptions::default()).unwrap();
    push(&queue, 0..2);
    // Over WebSocket a router has no way to say what it takes but WELCOME.
    let speaker = stage.session_by(Way::WebSocket, Serializer::MessagePack).await;
    let mut refused = Vec::new();
    let delivered = soon(queue.flush(&speaker, |it| refused.push(it.error.uri.to_string()))).await;
    assert_eq!(delivered.unwrap(), Delivered { taken: 2, refused: 1 });
    assert_eq!(refused, ["wamp.error.payload_size_exceeded"]);
    expect(&stage, &mut heard, 0..2).await;
}
