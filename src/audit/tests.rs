//! Tests of the log as its users see it: nothing waits, nothing is lost unnoticed.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::store::Store;

fn place() -> (TempDir, Store, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let state = home.path().join("state");
    let store = Store::open(&state).unwrap();
    (home, store, state.join(file_name(0)))
}

fn revoked(id: &str) -> Entry {
    Entry::new(Kind::Revoked).id(id)
}

async fn ids(audit: &Audit) -> Vec<String> {
    let records = audit.recent(MAX_RECENT, None).await.unwrap();
    records
        .into_iter()
        .map(|record| record.entry.device.unwrap_or_default())
        .collect()
}

#[tokio::test]
async fn what_is_noted_can_be_read_at_once_and_after_a_restart() {
    let (_home, store, file) = place();
    let audit = Audit::start(store.place());
    for id in ["one", "two"] {
        audit.note(revoked(id));
    }
    assert_eq!(ids(&audit).await, ["one", "two"]);
    audit.note(revoked("three"));
    audit.close().await;
    assert_eq!(fs::read_to_string(file).unwrap().lines().count(), 3);
    assert!(audit.recent(1, None).await.unwrap_err().contains("closed"));
    let audit = Audit::start(store.place());
    assert_eq!(ids(&audit).await, ["one", "two", "three"]);
}

#[tokio::test]
async fn a_follower_hears_entries_in_the_order_of_the_file() {
    let (_home, store, _file) = place();
    let audit = Audit::start(store.place());
    let mut follower = audit.follow();
    audit.note(revoked("one"));
    audit.note(revoked("two"));
    assert_eq!(follower.recv().await.unwrap().entry, revoked("one"));
    assert_eq!(follower.recv().await.unwrap().entry, revoked("two"));
}

#[tokio::test]
async fn a_flood_is_counted_and_the_count_is_written_at_the_end_of_the_daemon() {
    let (_home, store, file) = place();
    let audit = Audit::start(store.place());
    let failed = Entry::new(Kind::LoginFailed).address(Some("192.0.2.7"));
    for _ in 0..10_000 {
        audit.note(failed.clone());
    }
    audit.note(revoked("one"));
    audit.close().await;
    let text = fs::read_to_string(file).unwrap();
    assert_eq!(text.lines().count(), OF_STRANGERS.per_subject as usize + 2, "{text}");
    assert!(
        text.contains("and 9990 more within a minute") && text.contains("\"one\""),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_count_is_written_when_the_minute_is_over() {
    let (_home, store, _file) = place();
    let audit = Audit::start(store.place());
    let mut follower = audit.follow();
    for _ in 0..=OF_STRANGERS.per_subject {
        audit.note(Entry::new(Kind::Limit).address(Some("192.0.2.7")));
    }
    for _ in 0..OF_STRANGERS.per_subject {
        follower.recv().await.unwrap();
    }
    let begun = Instant::now();
    let told = follower.recv().await.unwrap();
    assert_eq!(told.entry.detail.as_deref(), Some("and 1 more within a minute"));
    assert!(begun.elapsed() >= OF_STRANGERS.span);
}

#[tokio::test]
async fn entries_that_the_disk_does_not_take_are_counted_and_that_is_an_entry_when_it_does() {
    let (_home, store, file) = place();
    let audit = Audit::start(store.place());
    // A directory where the file belongs: no user can write to it, not even root.
    fs::create_dir(&file).unwrap();
    let mut follower = audit.follow();
    for id in ["one", "two", "three"] {
        audit.note(revoked(id));
        // One by one, so that the loss is also carried from batch to batch.
        while follower.recv().await.unwrap().entry != revoked(id) {}
    }
    fs::remove_dir(&file).unwrap();
    audit.note(revoked("four"));
    audit.close().await;
    let text = fs::read_to_string(file).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(
        lines[0].contains("audit.lost") && lines[0].contains("before this one: 3"),
        "{text}"
    );
    assert!(lines[1].contains("\"four\""), "{text}");
}

#[tokio::test]
async fn a_full_queue_loses_entries_counts_them_and_never_waits() {
    let (_home, store, file) = place();
    let audit = Audit::start(store.place());
    // On this one thread the writer gets no turn before the queue is full.
    for _ in 0..QUEUE + 5 {
        audit.note(revoked("one"));
    }
    audit.close().await;
    let text = fs::read_to_string(file).unwrap();
    assert_eq!(text.lines().count(), QUEUE + 1, "each that fitted, and the count");
    assert!(text.contains("before this one: 5"), "the loss is told");
}

#[tokio::test]
async fn without_a_place_nothing_is_read_and_followers_still_hear() {
    let audit = Audit::start(Err("the disk is away".to_owned()));
    let mut follower = audit.follow();
    audit.note(revoked("one"));
    assert_eq!(follower.recv().await.unwrap().entry, revoked("one"));
    assert_eq!(audit.recent(1, None).await.unwrap_err(), "the disk is away");
    audit.close().await;
}
