//! What a journal gives back, whatever happened to its file.

use std::fs;
use std::io::{Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::super::Store;
use super::*;

fn open(state: &Path) -> Result<(FileJournal, Vec<Vec<u8>>), StoreError> {
    FileJournal::open(Arc::new(Store::journals_at(state).unwrap()), "realm1", Arc::default())
}

fn home() -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let state = home.path().join("state");
    (home, state)
}

fn file(state: &Path) -> PathBuf {
    let mut names = fs::read_dir(state).unwrap().map(|entry| entry.unwrap().path());
    names
        .find(|path| path.extension().is_none() && path.file_name().unwrap().to_string_lossy().starts_with("journal-"))
        .unwrap()
}

/// Where a damaged journal is put aside.
fn aside(state: &Path) -> PathBuf {
    file(state).with_extension("damaged")
}

/// Writes a journal of these records in which the byte at an offset from the beginning of the record of this number is
/// another one, and gives what is in the file then.
fn damaged(state: &Path, records: &[&[u8]], number: usize, offset: usize) -> Vec<u8> {
    written(state, records);
    let before: usize = records[..number].iter().map(|record| HEAD + record.len()).sum();
    let mut content = fs::read(file(state)).unwrap();
    content[MAGIC.len() + before + offset] ^= 1;
    fs::write(file(state), &content).unwrap();
    content
}

fn written(state: &Path, records: &[&[u8]]) {
    let (mut journal, _) = open(state).unwrap();
    records.iter().for_each(|record| journal.append(record).unwrap());
}

#[test]
fn records_come_back_in_their_order() {
    let (_home, state) = home();
    written(&state, &[b"one", b"", &[7; 100_000]]);
    written(&state, &[b"four"]);
    let (_, records) = open(&state).unwrap();
    assert_eq!(
        records,
        [b"one".to_vec(), Vec::new(), vec![7; 100_000], b"four".to_vec()]
    );
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(file(&state)).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_record_that_was_cut_short_is_cut_off_wherever_that_happened_and_new_ones_follow() {
    let (_home, state) = home();
    written(&state, &[b"one"]);
    let whole = fs::read(file(&state)).unwrap();
    written(&state, &[b"two"]);
    let both = fs::read(file(&state)).unwrap();
    for length in whole.len() + 1..both.len() {
        fs::write(file(&state), &both[..length]).unwrap();
        let (mut journal, records) = open(&state).unwrap();
        assert_eq!(records, [b"one".to_vec()], "{length}");
        journal.append(b"three").unwrap();
        drop(journal);
        assert_eq!(
            open(&state).unwrap().1,
            [b"one".to_vec(), b"three".to_vec()],
            "{length}"
        );
    }
    for length in 0..MAGIC.len() {
        fs::write(file(&state), &both[..length]).unwrap();
        assert!(open(&state).unwrap().1.is_empty(), "{length}");
    }
}

#[test]
fn a_changed_byte_is_noticed() {
    let (_home, state) = home();
    written(&state, &[b"one", b"two"]);
    let good = fs::read(file(&state)).unwrap();
    for place in MAGIC.len()..good.len() {
        let mut bad = good.clone();
        bad[place] ^= 1;
        fs::write(file(&state), &bad).unwrap();
        let (_, records) = open(&state).unwrap();
        let (length, first) = (MAGIC.len() + 4, MAGIC.len() + HEAD + 3);
        let whole: &[&[u8]] = match place {
            place if place < length => &[],
            place if place < first => &[b"two"],
            _ => &[b"one"],
        };
        assert_eq!(records, whole, "{place}");
        // A last record whose length says more than there is cannot be told from one that was cut short.
        let seems_cut = (first + 1..first + 4).contains(&place);
        let kept = aside(&state).exists().then(|| fs::read(aside(&state)).unwrap());
        assert_eq!(kept, (!seems_cut).then_some(bad), "{place}");
        let _ = fs::remove_file(aside(&state));
    }
}

#[test]
fn a_damaged_record_in_the_middle_takes_no_other_with_it_and_the_file_is_put_aside() {
    let (_home, state) = home();
    let bad = damaged(&state, &[b"one", b"two", b"three", b"four"], 1, HEAD + 1);
    let (mut journal, records) = open(&state).unwrap();
    assert_eq!(records, [&b"one"[..], b"three", b"four"]);
    assert_eq!(fs::read(aside(&state)).unwrap(), bad);
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(aside(&state)).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    journal.append(b"five").unwrap();
    drop(journal);
    let (mut journal, records) = open(&state).unwrap();
    assert_eq!(records, [&b"one"[..], b"three", b"four", b"five"]);
    // As the realm does when it has read all.
    journal.replace(&mut records.into_iter()).unwrap();
    drop(journal);
    fs::remove_file(aside(&state)).unwrap();
    assert_eq!(open(&state).unwrap().1.len(), 4);
    assert!(!aside(&state).exists(), "nothing is damaged any more");
}

#[test]
fn behind_a_damaged_length_nothing_is_believed_and_all_of_it_is_put_aside() {
    // Too short by one; too long by 256, which runs over the end as a record that was cut short does.
    for byte in [0, 1] {
        let (_home, state) = home();
        let bad = damaged(&state, &[b"one", b"two", b"three"], 1, byte);
        let (mut journal, records) = open(&state).unwrap();
        assert_eq!(records, [b"one"], "{byte}");
        assert_eq!(fs::read(aside(&state)).unwrap(), bad, "{byte}");
        journal.append(b"four").unwrap();
        drop(journal);
        assert_eq!(open(&state).unwrap().1, [&b"one"[..], b"four"], "{byte}");
    }
}

#[test]
fn the_last_copy_of_a_damaged_journal_is_the_one_that_stays() {
    let (_home, state) = home();
    damaged(&state, &[b"one", b"two"], 1, HEAD);
    assert_eq!(open(&state).unwrap().1, [b"one"]);
    let bad = damaged(&state, &[b"three", b"four"], 1, HEAD);
    assert_eq!(open(&state).unwrap().1, [&b"one"[..], b"four"]);
    assert_eq!(fs::read(aside(&state)).unwrap(), bad);
    let copies = fs::read_dir(&state).unwrap().filter(|entry| {
        let path = entry.as_ref().unwrap().path();
        path.extension().is_some()
    });
    assert_eq!(copies.count(), 1);
}

#[test]
fn a_journal_that_cannot_be_put_aside_is_read_all_the_same_and_that_is_said() {
    let (_home, state) = home();
    damaged(&state, &[b"one", b"two", b"three"], 2, HEAD);
    fs::create_dir(aside(&state)).unwrap();
    let (mut journal, records) = open(&state).unwrap();
    assert_eq!(records, [b"one", b"two"]);
    journal.append(b"four").unwrap();
    drop(journal);
    let (journal, records) = open(&state).unwrap();
    assert_eq!(records, [&b"one"[..], b"two", b"four"]);
    let (path, full) = (file(&state), std::io::Error::from(std::io::ErrorKind::StorageFull));
    let failed = journal.place.failed("write", "a file", full);
    let told = journal.told("a.damaged", &Err(failed));
    assert!(
        told.starts_with(&format!("{} is damaged: ", path.display())) && told.contains("is lost"),
        "{told}"
    );
    let told = journal.told("a.damaged", &Ok(()));
    assert!(
        told.ends_with(&format!("kept as {}", state.join("a.damaged").display())),
        "{told}"
    );
}

#[test]
fn a_record_that_was_cut_short_is_no_damage_and_nothing_is_put_aside() {
    let (_home, state) = home();
    written(&state, &[b"one", b"a record of some length"]);
    let whole = fs::read(file(&state)).unwrap();
    let second = MAGIC.len() + HEAD + 3;
    for length in second..whole.len() {
        // Once the file ends there, once it is as long as if more were written, and all of that is zero.
        for zeros in [0, whole.len() - length, 5_000] {
            let mut cut = whole[..length].to_vec();
            cut.resize(length + zeros, 0);
            fs::write(file(&state), &cut).unwrap();
            assert_eq!(open(&state).unwrap().1, [b"one"], "{length} {zeros}");
            assert!(!aside(&state).exists(), "{length} {zeros}");
            assert_eq!(fs::metadata(file(&state)).unwrap().len(), second as u64);
        }
    }
}

#[test]
fn what_is_no_journal_is_left_as_it_is() {
    let (_home, state) = home();
    written(&state, &[]);
    fs::write(file(&state), "something else that is long enough").unwrap();
    let error = open(&state).unwrap_err().to_string();
    assert!(error.contains("is no journal"), "{error}");
    assert!(fs::read(file(&state)).unwrap().starts_with(b"something"));
}

#[test]
fn a_journal_that_is_written_anew_holds_the_new_records_and_goes_on() {
    let (_home, state) = home();
    let (mut journal, _) = open(&state).unwrap();
    journal.append(b"one").unwrap();
    journal
        .replace(&mut [b"two".to_vec(), b"three".to_vec()].into_iter())
        .unwrap();
    journal.append(b"four").unwrap();
    drop(journal);
    assert_eq!(
        open(&state).unwrap().1,
        [b"two".to_vec(), b"three".to_vec(), b"four".to_vec()]
    );
}

#[test]
fn when_it_cannot_be_written_anew_the_old_records_stay_and_it_goes_on() {
    let (_home, state) = home();
    let (mut journal, _) = open(&state).unwrap();
    journal.append(b"one").unwrap();
    let in_the_way = file(&state).with_extension("new");
    fs::create_dir(&in_the_way).unwrap();
    assert_eq!(journal.replace(&mut std::iter::empty()), Err(NotWritten));
    journal.append(b"two").unwrap();
    drop(journal);
    assert_eq!(open(&state).unwrap().1, [b"one".to_vec(), b"two".to_vec()]);
}

#[test]
fn what_a_broken_write_left_is_gone_before_the_next_record() {
    let (_home, state) = home();
    let (mut journal, _) = open(&state).unwrap();
    journal.append(b"one").unwrap();
    // As a full disk leaves it: a part of a record that was refused.
    let mut file = journal.file.as_ref().unwrap();
    file.seek(SeekFrom::End(0)).unwrap();
    file.write_all(b"\x09\0\0\0half").unwrap();
    journal.is_torn = true;
    journal.append(b"two").unwrap();
    drop(journal);
    assert_eq!(open(&state).unwrap().1, [b"one".to_vec(), b"two".to_vec()]);
}

#[test]
fn a_record_that_cannot_be_written_is_refused_and_counted_and_the_next_one_is_written() {
    let (_home, state) = home();
    let (mut journal, _) = open(&state).unwrap();
    journal.append(b"one").unwrap();
    // Nothing can be written through it.
    journal.file = Some(File::open(file(&state)).unwrap());
    assert_eq!(journal.append(b"two"), Err(NotWritten));
    assert_eq!(journal.lost.load(Ordering::Relaxed), 1);
    journal.file = None;
    journal.append(b"three").unwrap();
    assert_eq!(journal.lost.load(Ordering::Relaxed), 1);
    drop(journal);
    assert_eq!(open(&state).unwrap().1, [b"one".to_vec(), b"three".to_vec()]);
}

#[test]
fn realms_have_journals_of_their_own_whatever_their_names() {
    let (_home, state) = home();
    let place = Arc::new(Store::journals_at(&state).unwrap());
    for name in ["a", "a/b", &"x".repeat(255)] {
        let (mut journal, records) = FileJournal::open(Arc::clone(&place), name, Arc::default()).unwrap();
        assert!(records.is_empty(), "{name}");
        journal.append(name.as_bytes()).unwrap();
    }
    assert_eq!(
        FileJournal::open(place, "a/b", Arc::default()).unwrap().1,
        [b"a/b".to_vec()]
    );
}
