//! A restart under load: clients go on, and nothing that was acknowledged is lost.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use client::{Client, Options, Session, Target, Value};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::apart::Apart;
use crate::support::{OPEN_REALM, soon};

const ON_DISK: &str = "[[realm.history]]\nuri = \"com.\"\nmatch = \"prefix\"\nkeep = 100000\nstore = \"disk\"\n\
                       [[realm.retained]]\nuri = \"com.state.\"\nmatch = \"prefix\"\nstore = \"disk\"\n";

/// What each of two programs gets done between two ends of the daemon.
const WORK: usize = 50;

async fn client(target: &Target) -> Client {
    let builder = Client::builder(Options::new("realm1")).at(target.clone());
    let builder = builder.pauses(Duration::from_millis(1), Duration::from_millis(10));
    soon("the session", builder.open()).await.unwrap()
}

/// Does something over and over, and tells how often that succeeded. Gives what came of it when nobody looks any more.
fn go_on<T, F>(mut work: impl FnMut(u64) -> F + Send + 'static) -> (watch::Receiver<usize>, JoinHandle<Vec<T>>)
where
    T: Send + 'static,
    F: Future<Output = Option<T>> + Send,
{
    let (done, looked_at) = watch::channel(0);
    let task = tokio::spawn(async move {
        let mut came = Vec::new();
        for number in 0.. {
            came.extend(work(number).await);
            if done.send(came.len()).is_err() {
                break;
            }
        }
        came
    });
    (looked_at, task)
}

/// Waits until so much more was done.
async fn more(done: &mut watch::Receiver<usize>) {
    let before = *done.borrow();
    soon("the work", done.wait_for(|done| *done >= before + WORK))
        .await
        .unwrap();
}

/// The publications of the history, and the state that is retained.
async fn kept(target: &Target) -> (BTreeSet<u64>, Value) {
    let session = Session::connect(target, Options::new("realm1")).await.unwrap();
    let found = session
        .call("wamp.subscription.get_events", [1_u64.into()])
        .await
        .unwrap();
    let id = |event: &Value| event.as_dict().unwrap()["publication"].as_u64().unwrap();
    let events = found.args[0].as_list().unwrap().iter().map(id).collect();
    let mut retained = session
        .subscribe_retained("com.state.lamp", client::Match::Exact)
        .await
        .unwrap();
    let event = soon("the retained event", retained.next()).await.unwrap();
    (events, event.args.into_value())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_go_on_through_a_restart_and_a_kill_and_nothing_that_was_acknowledged_is_lost() {
    let configuration =
        format!("[desktop]\ncomponents = []\n{OPEN_REALM}{ON_DISK}[limits]\nmessages_per_s = \"unlimited\"\n");
    let daemon = Apart::start(&configuration);
    let address = daemon.address;
    let target: Target = format!("rs://{address}").parse().unwrap();
    let state = client(&target).await;
    let session = state.session().await.unwrap();
    session.publish_retained("com.state.lamp", ["on".into()]).await.unwrap();
    let callee = client(&target).await;
    let double = |call: client::Invocation| async move {
        let number = call.args.first().and_then(Value::as_u64).unwrap_or_default();
        Ok(Value::from(2 * number).into())
    };
    callee.register("com.double", double).await.unwrap();
    let (publisher, caller) = (client(&target).await, client(&target).await);
    let (mut published, publications) = go_on(move |number| {
        let publisher = publisher.clone();
        async move { publisher.publish_acknowledged("com.t", [number.into()]).await.ok() }
    });
    let (mut called, results) = go_on(move |number| {
        let caller = caller.clone();
        async move {
            let result = caller.call("com.double", [number.into()]).await.ok()?;
            Some((number, result.into_value().as_u64()))
        }
    });
    more(&mut published).await;
    more(&mut called).await;
    // As systemd does it, and as the kernel does.
    let home = daemon.ended();
    let daemon = Apart::start_again(home, &configuration, address);
    more(&mut published).await;
    more(&mut called).await;
    let home: Arc<_> = daemon.killed();
    let _daemon = Apart::start_again(home, &configuration, address);
    more(&mut published).await;
    more(&mut called).await;
    drop((published, called));
    let publications = soon("the last publication", publications).await.unwrap();
    let results = soon("the last call", results).await.unwrap();
    assert!(results.iter().all(|(number, result)| *result == Some(2 * number)));
    let (events, lamp) = kept(&target).await;
    let lost: Vec<_> = publications.iter().filter(|id| !events.contains(&id.get())).collect();
    assert!(
        lost.is_empty(),
        "of {} acknowledged ones {} are lost",
        publications.len(),
        lost.len()
    );
    assert_eq!(lamp.as_str(), Some("on"));
}
