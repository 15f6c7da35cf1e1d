//! Commands that run until somebody ends them, while the desktop goes and comes back.

use client::Value;

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
async fn ctrl_c_ends_a_command_that_waits_for_the_desktop() {
    let stage = Stage::new();
    let mut running = stage.start(&["subscribe", "com.example.x"]);
    running.remark("subscribed to com.example.x").await;
    let _stage = stage.restarted().await;
    running.remark("the desktop is away").await;
    running.interrupt();
    assert_eq!(running.ended().await.status, Some(0));
}
