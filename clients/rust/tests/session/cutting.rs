//! The connection is cut after any byte, again and again, while calls, events and invocations go both ways: nothing is
//! lost, nothing comes twice, the order stays.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use deskconn_client::{
    Args, CallOptions, Client, Invocation, Opened, Options, Serializer, Session, Status, Target, Value,
};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::relay::Relay;
use crate::support::{Stage, soon};

/// Messages of each kind: enough for some hundred cuts.
const MANY: u64 = 200;
/// Rounds, each with cuts of its own.
const SEEDS: u64 = 9;
/// Bytes that a connection lives at most: logging in takes some two thousand, both ways together.
const LONGEST: i64 = 6_000;

async fn client(stage: &Stage, serializer: Serializer, seed: u64) -> (Client, Relay) {
    let relay = Relay::to(stage.address).await;
    // Both transports, in turns.
    let text = match seed % 2 {
        0 => format!("ws://{}/ws", relay.address),
        _ => format!("rs://{}", relay.address),
    };
    let target: Target = text.parse().unwrap();
    let options = Options {
        serializers: vec![serializer],
        ..Options::new("realm1")
    };
    let client = Client::builder(options)
        .at(target)
        .pauses(Duration::from_millis(1), Duration::from_millis(2));
    let client = soon(client.open()).await.unwrap();
    let mut random = StdRng::seed_from_u64(seed);
    relay.cut_after(move || random.random_range(1..LONGEST));
    relay.cut();
    (client, relay)
}

fn number(args: &Args) -> u64 {
    args.args.first().and_then(Value::as_u64).unwrap()
}

/// Everything at once over a network that fails all the time. Gives how many connections it took.
async fn survive(stage: &Stage, serializer: Serializer, seed: u64) -> usize {
    let (client, relay) = client(stage, serializer, seed).await;
    let id = client.session().await.unwrap().id();
    let other = stage.session().await;
    let topics = [format!("com.example.up{seed}"), format!("com.example.down{seed}")];
    let served = Arc::<Mutex<Vec<u64>>>::default();
    let noted = Arc::clone(&served);
    let serve = move |call: Invocation| {
        noted.lock().unwrap().push(number(&Args::from(call.args)));
        async move {
            if let Some(progress) = call.progress {
                for part in 0..5_u64 {
                    progress.send(Value::from(part)).await.unwrap();
                }
            }
            Ok(Value::from("done").into())
        }
    };
    let served_at = format!("com.example.serve{seed}");
    client.register(&served_at, serve).await.unwrap();
    let mut down = client.subscribe(&topics[1]).await.unwrap();
    let mut up = other.subscribe(&topics[0]).await.unwrap();

    let publish_up = async {
        for sent in 0..MANY {
            client.publish(&topics[0], [sent.into()]).await.unwrap();
        }
    };
    let publish_down = async {
        for sent in 0..MANY {
            other.publish_acknowledged(&topics[1], [sent.into()]).await.unwrap();
        }
    };
    let hear_up = async {
        for expected in 0..MANY {
            assert_eq!(number(&up.next().await.unwrap().args), expected, "seed {seed}");
        }
    };
    let hear_down = async {
        for expected in 0..MANY {
            assert_eq!(number(&down.next().await.unwrap().args), expected, "seed {seed}");
        }
    };
    let call_down = call_each(&other, &served_at);
    let call_up = async {
        let session = client.session().await.unwrap();
        call_each(&session, "com.example.echo").await;
    };
    let all = async { tokio::join!(publish_up, publish_down, hear_up, hear_down, call_down, call_up) };
    soon(Box::pin(all)).await;
    assert_eq!(
        *served.lock().unwrap(),
        (0..MANY).collect::<Vec<_>>(),
        "each call was served once, in its order"
    );
    assert_eq!(client.session().await.unwrap().id(), id, "it is the same session still");
    let connections = relay.accepted();
    relay.heal();
    client.close().await;
    other.leave().await;
    connections
}

/// Calls one after the other, with intermediate results.
async fn call_each(session: &Session, procedure: &str) {
    for sent in 0..MANY {
        let options = CallOptions {
            receive_progress: true,
            ..CallOptions::default()
        };
        let mut call = session.start_call(procedure, [sent.into()], options).await.unwrap();
        let mut expected = 0;
        while let Some(part) = call.next().await {
            assert_eq!(number(&part), expected, "{procedure}");
            expected += 1;
        }
        assert_eq!(expected, 5, "{procedure}");
        assert_eq!(call.result().await.unwrap().into_value().as_str(), Some("done"));
    }
}

async fn echo(call: Invocation) -> Result<deskconn_client::Reply, deskconn_client::RequestError> {
    let progress = call.progress.unwrap();
    for part in 0..5_u64 {
        progress.send(Value::from(part)).await.unwrap();
    }
    Ok(Value::from("done").into())
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_wherever_the_connection_is_cut() {
    let stage = Stage::new();
    let callee = stage.session().await;
    callee.register("com.example.echo", echo).await.unwrap();
    for (seed, serializer) in (1..=SEEDS).zip(Serializer::ALL.into_iter().cycle()) {
        let connections = survive(&stage, serializer, seed).await;
        assert!(connections > 10, "{connections} connections only");
        let count = soon(callee.call("wamp.session.count", ())).await.unwrap();
        assert_eq!(number(&count), 1, "the router keeps nothing of what said goodbye");
    }
}

#[tokio::test]
async fn a_loss_is_over_before_anybody_notices() {
    let stage = Stage::new();
    let (client, relay) = client(&stage, Serializer::MessagePack, 1).await;
    relay.heal();
    let mut status = client.status();
    soon(status.wait_for(|status| matches!(status, Status::Open(Opened::Resumed))))
        .await
        .unwrap();
    client.close().await;
}

#[tokio::test]
async fn a_client_that_is_closed_while_its_connection_is_away_sends_the_rest_and_says_goodbye() {
    let stage = Stage::new();
    let other = stage.session().await;
    let mut events = other.subscribe("com.example.last").await.unwrap();
    let (client, relay) = client(&stage, Serializer::MessagePack, 1).await;
    relay.heal();
    for sent in 0..10_u64 {
        client.publish("com.example.last", [sent.into()]).await.unwrap();
    }
    soon(client.close()).await;
    for expected in 0..10 {
        assert_eq!(number(&soon(events.next()).await.unwrap().args), expected);
    }
    let count = soon(other.call("wamp.session.count", ())).await.unwrap();
    assert_eq!(number(&count), 1);
}

#[tokio::test]
async fn nothing_is_left_of_sessions_whose_welcome_was_lost() {
    const STEP: i64 = 100;
    let stage = Stage::new();
    let other = stage.session().await;
    let relay = Relay::to(stage.address).await;
    // The connection is cut a little later each time: within HELLO, then within WELCOME.
    let mut budget = 0;
    relay.cut_after(move || {
        budget += STEP;
        budget
    });
    let client = Client::builder(Options::new("realm1"))
        .at(format!("rs://{}", relay.address).parse().unwrap())
        .pauses(Duration::from_millis(1), Duration::from_millis(2))
        .start();
    let session = soon(client.session()).await.unwrap();
    assert!(relay.accepted() > 10, "{} connections only", relay.accepted());
    relay.heal();
    let count = soon(session.call("wamp.session.count", ())).await.unwrap();
    assert_eq!(number(&count), 2, "this one and the other");
    client.close().await;
    other.leave().await;
}
