//! What of a queue is in its files.

use std::fs;

use tempfile::{TempDir, tempdir};

use super::*;
use crate::args::Args;

const MANY: usize = 100;

fn open(folder: &TempDir) -> Result<Files, QueueError> {
    Files::open(folder.path(), MANY, MAX_WAITING_BYTES)
}

fn payload(args: &Args) -> Payload {
    args.encode(Serializer::MessagePack).unwrap()
}

fn push(files: &mut Files, number: u64) -> Result<(), QueueError> {
    files.push(
        "com.t",
        payload(&Args::from([number.into()])),
        PublishOptions::default(),
    )
}

/// The first argument of the first that waits, which is taken away.
fn pop(files: &mut Files) -> Option<u64> {
    let number = files.first()?;
    let publish = files.read(number).unwrap();
    assert!(publish.options.acknowledge && publish.options.queued().unwrap().number == number);
    files.remove(number).unwrap();
    let (args, _) = publish.payload.to_values().unwrap();
    args[0].as_u64()
}

#[test]
fn what_was_pushed_is_there_again_in_its_order() {
    let folder = tempdir().unwrap();
    let mut files = open(&folder).unwrap();
    for number in 1..=12 {
        push(&mut files, number).unwrap();
    }
    assert_eq!(pop(&mut files), Some(1));
    drop(files);
    let mut files = open(&folder).unwrap();
    let rest: Vec<_> = std::iter::from_fn(|| pop(&mut files)).collect();
    assert_eq!(rest, (2..=12).collect::<Vec<_>>());
    assert_eq!((files.len(), files.first()), (0, None));
}

#[test]
fn a_publication_keeps_its_options() {
    let folder = tempdir().unwrap();
    let mut files = open(&folder).unwrap();
    let options = PublishOptions {
        retain: true,
        exclude_me: false,
        ..PublishOptions::default()
    };
    files.push("com.t", payload(&Args::default()), options).unwrap();
    let publish = files.read(1).unwrap();
    assert!(publish.options.retain && !publish.options.exclude_me && publish.topic == "com.t");
}

#[test]
fn a_number_is_given_once_though_nothing_waits_any_more() {
    let folder = tempdir().unwrap();
    for number in 1..=3 {
        let mut files = open(&folder).unwrap();
        push(&mut files, number).unwrap();
        assert_eq!(files.first(), Some(number));
        assert_eq!(pop(&mut files), Some(number));
    }
}

#[test]
fn every_queue_has_a_name_of_its_own_and_keeps_it() {
    let (folder, other) = (tempdir().unwrap(), tempdir().unwrap());
    let name = |folder: &TempDir| {
        let mut files = open(folder).unwrap();
        push(&mut files, 0).unwrap();
        let number = files.first().unwrap();
        files.read(number).unwrap().options.queued().unwrap().name.clone()
    };
    let first = name(&folder);
    assert_eq!(first, name(&folder));
    assert_ne!(first, name(&other));
}

#[test]
fn two_programs_do_not_have_it_open() {
    let folder = tempdir().unwrap();
    let _files = open(&folder).unwrap();
    assert!(matches!(open(&folder), Err(QueueError::Taken(_))));
}

#[test]
fn the_last_for_which_there_is_room_is_taken_and_the_next_is_refused() {
    let folder = tempdir().unwrap();
    let mut files = Files::open(folder.path(), 2, MAX_WAITING_BYTES).unwrap();
    push(&mut files, 1).unwrap();
    push(&mut files, 2).unwrap();
    assert!(matches!(push(&mut files, 3), Err(QueueError::Full(2, _))));
    pop(&mut files);
    push(&mut files, 3).unwrap();
    drop(files);
    let folder = tempdir().unwrap();
    let mut files = open(&folder).unwrap();
    push(&mut files, 1).unwrap();
    let bytes = fs::metadata(folder.path().join("0000000000000001.publish"))
        .unwrap()
        .len();
    drop(files);
    let mut files = Files::open(folder.path(), MANY, 2 * bytes).unwrap();
    push(&mut files, 2).unwrap();
    assert!(matches!(push(&mut files, 3), Err(QueueError::Full(2, _))));
}

#[test]
fn what_was_not_written_to_its_end_is_none() {
    let folder = tempdir().unwrap();
    push(&mut open(&folder).unwrap(), 1).unwrap();
    fs::write(folder.path().join("0000000000000002.part"), b"half").unwrap();
    let mut files = open(&folder).unwrap();
    assert!(!folder.path().join("0000000000000002.part").exists());
    push(&mut files, 2).unwrap();
    assert_eq!([pop(&mut files), pop(&mut files)], [Some(1), Some(2)]);
}

#[test]
fn what_is_none_of_a_queue_is_named() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("0000000000000001.publish"), b"\x01").unwrap();
    let files = open(&folder).unwrap();
    let error = files.read(1).unwrap_err().to_string();
    assert!(error.contains("0000000000000001.publish is none of a queue"), "{error}");
    drop(files);
    fs::write(folder.path().join("queue"), b"something else").unwrap();
    let error = open(&folder).unwrap_err().to_string();
    assert!(error.contains("queue is none of a queue"), "{error}");
    // As the error says, the rest is there without it.
    fs::remove_file(folder.path().join("0000000000000001.publish")).unwrap();
    fs::remove_file(folder.path().join("queue")).unwrap();
    let mut files = open(&folder).unwrap();
    push(&mut files, 5).unwrap();
    assert_eq!(pop(&mut files), Some(5));
}

#[test]
fn what_cannot_be_written_is_not_in_the_queue_and_takes_no_room() {
    let folder = tempdir().unwrap();
    let mut files = open(&folder).unwrap();
    let place = folder.path().join("0000000000000001.publish");
    fs::create_dir(&place).unwrap();
    assert!(matches!(push(&mut files, 1), Err(QueueError::Io(..))));
    assert!(!place.with_extension("part").exists());
    fs::remove_dir(&place).unwrap();
    push(&mut files, 7).unwrap();
    assert_eq!((files.len(), pop(&mut files)), (1, Some(7)));
}

#[test]
fn a_topic_that_is_none_is_refused_at_once() {
    let folder = tempdir().unwrap();
    let mut files = open(&folder).unwrap();
    let refused = files.push("com..t", payload(&Args::default()), PublishOptions::default());
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("\"com..t\": the URI has an empty component"), "{error}");
    assert_eq!(files.len(), 0);
}
