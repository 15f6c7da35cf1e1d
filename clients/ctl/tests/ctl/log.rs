//! `deskconnctl log` against a stand-in for the desktop's log.

use std::sync::{Arc, Mutex};

use client::{Session, Value};
use tokio::sync::Notify;

use crate::stage::{Stage, soon};

/// A log that a test fills.
struct Log {
    session: Session,
    entries: Arc<Mutex<Vec<Value>>>,
    asked: Arc<Notify>,
}

fn entry(time: u8, device: &str) -> Value {
    let text = format!(
        r#"{{"time":"2026-01-01T00:00:{time:02}Z","kind":"login.ok","device":"{device}","name":"Pixel\t9","address":"192.0.2.7"}}"#
    );
    serde_json::from_str(&text).unwrap()
}

impl Log {
    async fn new(stage: &Stage) -> Self {
        let session = stage.session().await;
        let entries = Arc::<Mutex<Vec<Value>>>::default();
        let asked = Arc::<Notify>::default();
        let (served, noted) = (Arc::clone(&entries), Arc::clone(&asked));
        let get = move |mut call: client::Invocation| {
            let limit = call.kwargs.remove("limit").and_then(|limit| limit.as_u64()).unwrap();
            let device = call.kwargs.remove("device");
            let mut entries = served.lock().unwrap().clone();
            entries.retain(|entry| device.is_none() || entry.as_dict().unwrap().get("device") == device.as_ref());
            noted.notify_one();
            let first = entries.len().saturating_sub(usize::try_from(limit).unwrap());
            async move { Ok(Value::List(entries.split_off(first)).into()) }
        };
        session.register("org.deskconn.audit.get", get).await.unwrap();
        Self {
            session,
            entries,
            asked,
        }
    }

    /// Waits until somebody asks for entries.
    async fn asked(&self) {
        soon(self.asked.notified()).await;
    }

    async fn write(&self, entry: Value) {
        self.entries.lock().unwrap().push(entry.clone());
        let published = self
            .session
            .publish_acknowledged("org.deskconn.audit.on_entry", [entry]);
        published.await.unwrap();
    }
}

#[tokio::test]
async fn the_newest_entries_are_lines_for_people_and_json_for_programs() {
    let stage = Stage::new();
    let log = Log::new(&stage).await;
    for second in 1..=3 {
        log.write(entry(second, if second == 2 { "d_b" } else { "d_a" })).await;
    }
    let line = |second, device| format!("2026-01-01T00:00:0{second}Z\tlogin.ok\t{device} Pixel 9\t192.0.2.7\t\t\n");
    stage
        .run(&["log", "--limit", "2"])
        .await
        .gave(&(line(2, "d_b") + &line(3, "d_a")));
    stage.run(&["log", "--device", "d_b"]).await.gave(&line(2, "d_b"));
    let ended = stage.run(&["log", "--json", "--limit", "1"]).await;
    assert_eq!(serde_json::from_str::<Value>(&ended.result).unwrap(), entry(3, "d_a"));
}

#[tokio::test]
async fn none_of_the_entries_is_wrong_usage_unless_those_that_come_are_wanted() {
    let stage = Stage::new();
    let log = Log::new(&stage).await;
    log.write(entry(1, "d_a")).await;
    stage
        .run(&["log", "--limit", "0"])
        .await
        .failed(2, "it takes 1 or more");
    let mut running = stage.start(&["log", "--follow", "--limit", "0", "--json"]);
    // Whoever asks for entries has subscribed before.
    log.asked().await;
    log.write(entry(2, "d_a")).await;
    assert!(running.line().await.contains("00:00:02Z"));
    running.interrupt();
    let ended = running.ended().await;
    assert!(!ended.remarks.contains("nothing is written"), "{ended:?}");
}

#[tokio::test]
async fn following_shows_each_entry_once_until_ctrl_c() {
    let stage = Stage::new();
    let log = Log::new(&stage).await;
    log.write(entry(1, "d_a")).await;
    let mut running = stage.start(&["log", "-f", "--json", "--device", "d_a"]);
    assert_eq!(running.line().await.matches("00:00:01Z").count(), 1);
    log.write(entry(2, "d_b")).await;
    log.write(entry(3, "d_a")).await;
    assert!(
        running.line().await.contains("00:00:03Z"),
        "that of another device is not shown"
    );
    running.interrupt();
    assert_eq!(running.ended().await.status, Some(0));
}

#[tokio::test]
async fn following_goes_on_with_a_desktop_that_comes_back() {
    let stage = Stage::new();
    let log = Log::new(&stage).await;
    log.write(entry(1, "d_a")).await;
    let mut running = stage.start(&["log", "-f", "--json", "--limit", "1"]);
    assert!(running.line().await.contains("00:00:01Z"));
    let entries = Arc::clone(&log.entries);
    drop(log);
    let stage = soon(stage.restarted()).await;
    let log = Log::new(&stage).await;
    // What was shown before the restart, and two that were written meanwhile.
    entries.lock().unwrap().extend([entry(2, "d_a"), entry(3, "d_a")]);
    log.entries.lock().unwrap().clone_from(&entries.lock().unwrap());
    stage.open();
    assert!(running.line().await.contains("00:00:02Z"));
    assert!(running.line().await.contains("00:00:03Z"));
    log.write(entry(4, "d_a")).await;
    assert!(running.line().await.contains("00:00:04Z"));
    running.interrupt();
    assert_eq!(running.ended().await.status, Some(0));
}
