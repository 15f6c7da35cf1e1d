//! Commands that run until somebody ends them, while the desktop goes and comes back.

use std::sync::Arc;

use client::Value;
use router::Role;

use crate::stage::{Running, Stage, soon};

/// A session is seen by the program only when it listens again: publishes until it prints something.
async fn publish_until_seen(stage: &Stage, running: &mut Running) -> String {
    let publisher = stage.session().await;
    let mut pause = tokio::time::interval(std::time::Duration::from_millis(20));
    let seen = async {
        loop {
            tokio::select! {
                biased;
                line = running.line() => return line,
                _ = pause.tick() => {
                    publisher.publish_acknowledged("com.example.x", [Value::from("seen")]).await.unwrap();
                }
            }
        }
    };
    soon(seen).await
}

#[tokio::test]
async fn a_subscriber_goes_on_after_the_desktop_was_started_anew() {
    let stage = Stage::new();
    let mut running = stage.start(&["subscribe", "--match", "prefix", "com.example."]);
    running.remark("subscribed to com.example.").await;
    let stage = stage.restarted().await;
    running.remark("the desktop is away; waiting until it is back").await;
    stage.open();
    running.remark("the desktop is back in a new session").await;
    assert_eq!(publish_until_seen(&stage, &mut running).await, "seen");
    running.interrupt();
    assert_eq!(running.ended().await.status, Some(0));
}

#[tokio::test]
async fn a_procedure_is_offered_again_after_the_desktop_was_started_anew() {
    let stage = Stage::new();
    let mut running = stage.start(&["register", "com.example.twice", "echo there"]);
    running.remark("com.example.twice is offered").await;
    let stage = stage.restarted().await;
    running.remark("the desktop is away").await;
    stage.open();
    running.remark("the desktop is back in a new session").await;
    stage.run(&["call", "com.example.twice"]).await.gave("there\n");
    running.interrupt();
    assert_eq!(running.ended().await.status, Some(0));
}

#[tokio::test]
async fn a_right_that_is_lost_is_told_and_a_procedure_that_is_taken_away_ends_the_command() {
    let stage = Stage::new();
    let mut running = stage.start(&["register", "com.example.twice", "echo there"]);
    running.remark("com.example.twice is offered").await;
    let realm = stage.router.realm("deskconn").unwrap();
    let nothing = Arc::new(Role::new("owner", Vec::new()).unwrap());
    realm.set_role(&nothing, |_| true);
    running
        .remark("the desktop refuses this now, and is asked for it again from time to time: com.example.twice")
        .await;
    running.interrupt();
    assert_eq!(running.ended().await.status, Some(0));

    let mut running = stage.start(&["register", "com.example.twice", "echo there"]);
    running.remark("com.example.twice is offered").await;
    let other = stage.session().await;
    let uri = [Value::from("com.example.twice")];
    let registration = other.call("wamp.registration.lookup", uri).await.unwrap().into_value();
    let callees = other
        .call("wamp.registration.list_callees", [registration.clone()])
        .await;
    let callee = callees.unwrap().into_value().as_list().unwrap()[0].clone();
    other
        .call("wamp.registration.remove_callee", [registration, callee])
        .await
        .unwrap();
    running
        .ended()
        .await
        .failed(1, "the desktop has ended it: com.example.twice");
}

#[tokio::test]
async fn ctrl_c_ends_a_command_that_waits_for_the_desktop() {
    let stage = Stage::new();
    let mut running = stage.start(&["subscribe", "com.example.x"]);
    running.remark("subscribed to com.example.x").await;
    let _stage = stage.restarted().await;
    running.remark("the desktop is away").await;
    running.interrupt();
    assert_eq!(running.ended().await.status, Some(0));
}
