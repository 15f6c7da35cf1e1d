//! What the router keeps of events: histories and retained events, in memory and through the death of the daemon.

use client::{Args, Client, Match, Options, PublishOptions, Queue, Serializer, Session, Value};
use wamp::id::PublicationId;
use wamp::message::Queued;

use crate::apart::Apart;
use crate::support::{Desk, OPEN_REALM, Way, over_every_link, soon};

const HISTORY: &str = "[[realm.history]]\nuri = \"com.t\"\nkeep = 3\n";
const ON_DISK: &str = "[[realm.history]]\nuri = \"com.\"\nmatch = \"prefix\"\nkeep = 100\nstore = \"disk\"\n\
                       [[realm.retained]]\nuri = \"com.state.\"\nmatch = \"prefix\"\nstore = \"disk\"\n";

/// The first argument and the publication of each event of a history.
async fn events(session: &Session, subscription: u64) -> Vec<(Value, u64)> {
    let found = session
        .call("wamp.subscription.get_events", [subscription.into()])
        .await
        .unwrap();
    assert_eq!(found.kwargs["is_limit_reached"], Value::from(false));
    let row = |event: &Value| {
        let event = event.as_dict().unwrap();
        (
            event["args"].as_list().unwrap()[0].clone(),
            event["publication"].as_u64().unwrap(),
        )
    };
    found.args[0].as_list().unwrap().iter().map(row).collect()
}

over_every_link!(a_history_is_told_as_its_events_were_published);

async fn a_history_is_told_as_its_events_were_published(way: Way, serializer: Serializer) {
    let desk = Desk::with(&format!("{OPEN_REALM}{HISTORY}")).await;
    let publisher = desk.join(way, serializer, "realm1").await;
    let sent = [
        1_u64.into(),
        Value::Bytes(vec![0, 7]),
        "two".into(),
        Value::List(vec![3_u64.into()]),
    ];
    let mut publications = Vec::new();
    for value in sent.clone() {
        publications.push(publisher.publish_acknowledged("com.t", [value]).await.unwrap().get());
    }
    let expected: Vec<_> = sent.into_iter().zip(publications).skip(1).collect();
    for serializer in Serializer::ALL {
        let late = desk.join(Way::WebSocket, serializer, "realm1").await;
        assert_eq!(
            events(&late, 1).await,
            expected,
            "the last three, to {}",
            serializer.name()
        );
    }
}

/// Publishes events that are acknowledged, and gives their ids.
async fn publish(session: &Session, count: u64) -> Vec<PublicationId> {
    let mut publications = Vec::new();
    for number in 0..count {
        publications.push(session.publish_acknowledged("com.t", [number.into()]).await.unwrap());
    }
    publications
}

async fn join(daemon: &Apart) -> Session {
    let target = format!("ws://{}/ws", daemon.address).parse().unwrap();
    Session::connect(&target, Options::new("realm1")).await.unwrap()
}

async fn what_was_acknowledged_is_there_after_the_daemon_was_killed(configuration: &str) {
    let configuration = format!("{configuration}{OPEN_REALM}{ON_DISK}");
    let daemon = Apart::start(&configuration);
    let session = join(&daemon).await;
    let published = publish(&session, 20).await;
    for on in [true, false] {
        session.publish_retained("com.state.lamp", [on.into()]).await.unwrap();
    }
    session.publish_retained("com.other", [1_u64.into()]).await.unwrap();
    session.publish_retained("com.state.gone", [true.into()]).await.unwrap();
    session.forget_retained("com.state.gone", [false.into()]).await.unwrap();
    let home = daemon.killed();
    let daemon = Apart::start_at(home, &configuration);
    let session = join(&daemon).await;
    let found = events(&session, 1).await;
    let numbers: Vec<_> = published
        .iter()
        .zip(0_u64..)
        .map(|(id, number)| (Value::from(number), id.get()))
        .collect();
    assert_eq!(found[..20], numbers);
    assert_eq!(
        found.len(),
        25,
        "the retained ones are events too, and so is the one that forgets"
    );
    let mut retained = session.subscribe_retained("com.", Match::Prefix).await.unwrap();
    let event = soon("the retained event", retained.next()).await.unwrap();
    assert_eq!(
        (event.topic.as_ref().map(client::Uri::as_str), event.args),
        (Some("com.state.lamp"), Args::from([false.into()]))
    );
    let publisher = join(&daemon).await;
    publisher.publish_acknowledged("com.t", [99_u64.into()]).await.unwrap();
    let event = soon("the next event", retained.next()).await.unwrap();
    assert_eq!(
        event.args,
        Args::from([99_u64.into()]),
        "com.other was kept in memory alone"
    );
    assert_eq!(events(&session, 1).await.len(), 26);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_plain_router_acknowledged_is_there_after_it_was_killed() {
    what_was_acknowledged_is_there_after_the_daemon_was_killed("[desktop]\nenabled = false\n").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_desktop_acknowledged_is_there_after_it_was_killed() {
    what_was_acknowledged_is_there_after_the_daemon_was_killed("[desktop]\ncomponents = []\n").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_moment_a_daemon_is_killed_at_nothing_acknowledged_is_lost() {
    let configuration = format!("[desktop]\nenabled = false\n{OPEN_REALM}{ON_DISK}");
    let mut home = std::sync::Arc::new(tempfile::tempdir().unwrap());
    let mut known = Vec::new();
    for round in 1..=5_u64 {
        let daemon = Apart::start_at(home, &configuration);
        let session = join(&daemon).await;
        // Some that nobody waits for are on their way when the end comes.
        for id in publish(&session, round).await {
            known.push(id.get());
        }
        for _ in 0..50 {
            session.publish("com.hasty", ["x".into()]).await.unwrap();
        }
        home = daemon.killed();
    }
    let daemon = Apart::start_at(home, &configuration);
    let found = events(&join(&daemon).await, 1).await;
    let found: Vec<u64> = found.into_iter().map(|(_, id)| id).collect();
    // A hundred are kept, and at most fifty hasty ones came after the last acknowledged one.
    let kept = &known[known.len() - 5..];
    assert!(kept.iter().all(|id| found.contains(id)), "{kept:?} of {found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_testament_is_published_when_its_connection_breaks() {
    let desk = Desk::start().await;
    let listener = desk.join(Way::WebSocket, Serializer::Json, "realm1").await;
    let mut events = listener.subscribe("com.gone").await.unwrap();
    let leaving = desk.join(Way::WebSocket, Serializer::Cbor, "realm1").await;
    let args: Vec<Value> = vec!["com.gone".into(), Value::List(vec![7_u64.into()])];
    leaving.call("wamp.session.add_testament", args).await.unwrap();
    drop(leaving);
    let event = soon("the testament", events.next()).await.unwrap();
    assert_eq!(event.args, Args::from([7_u64.into()]));
}

/// Delivers what waits in a queue until so many are left.
async fn deliver_until(left: usize, queue: &Queue, address: std::net::SocketAddr) {
    let target = format!("ws://{address}/ws").parse().unwrap();
    let client = Client::builder(Options::new("realm1")).at(target).start();
    let few_left = async {
        while queue.len() > left {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = few_left => {}
        delivered = queue.deliver(&client, |it| panic!("{it}")) => panic!("{delivered:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_moment_a_daemon_is_killed_at_what_waits_in_a_queue_is_published_once() {
    const MANY: u64 = 60;
    let configuration = format!("[desktop]\nenabled = false\n{OPEN_REALM}{ON_DISK}");
    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::open(folder.path()).unwrap();
    for number in 0..MANY {
        queue
            .push("com.t", Value::from(number), PublishOptions::default())
            .unwrap();
    }
    let mut home = std::sync::Arc::new(tempfile::tempdir().unwrap());
    for left in [55, 47, 31, 12, 3] {
        let daemon = Apart::start_at(home, &configuration);
        // One more is on its way, and has arrived or not.
        soon("some of them", deliver_until(left, &queue, daemon.address)).await;
        home = daemon.killed();
    }
    let daemon = Apart::start_at(home, &configuration);
    soon("all of them", deliver_until(0, &queue, daemon.address)).await;
    let found = events(&join(&daemon).await, 1).await;
    let found: Vec<Value> = found.into_iter().map(|(number, _)| number).collect();
    assert_eq!(found, (0..MANY).map(Value::from).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_desktop_that_was_killed_knows_what_it_has_taken_from_a_queue() {
    let configuration = "[desktop]\ncomponents = []\n";
    let place = |number| {
        let queued = Queued {
            name: "q".into(),
            number,
        };
        PublishOptions {
            acknowledge: true,
            special: Some(Box::new(queued.into())),
            ..PublishOptions::default()
        }
    };
    let publish = |session: Session, number| async move {
        session
            .publish_with("org.deskconn.app.t", (), place(number))
            .await
            .unwrap()
    };
    let daemon = Apart::start(configuration);
    let first = publish(daemon.owner().await, 1).await;
    let daemon = Apart::start_at(daemon.killed(), configuration);
    assert_eq!(publish(daemon.owner().await, 1).await, first);
    assert_ne!(publish(daemon.owner().await, 2).await, first);
}
