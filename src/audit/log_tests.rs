//! Tests of the log's files, with real files.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use time::OffsetDateTime;

use super::*;
use crate::audit::entry::{Entry, Kind};
use crate::audit::ledger::Ledger;
use crate::store::Store;

/// A log in a state directory of its own, which a store holds as it does in a daemon.
struct Place {
    home: TempDir,
    store: Store,
    ledger: Ledger,
}

impl Place {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(&home.path().join("state")).unwrap();
        Self {
            home,
            store,
            ledger: Ledger::default(),
        }
    }

    fn log(&self) -> Log {
        Log::new(self.store.place().unwrap())
    }

    fn path(&self, age: usize) -> PathBuf {
        self.home.path().join("state").join(file_name(age))
    }

    fn record(&mut self, detail: &str) -> Record {
        let entry = Entry::new(Kind::Denied).id("d_00000000").detail(detail);
        self.ledger.record(entry, OffsetDateTime::UNIX_EPOCH)
    }
}

fn details(records: &[Record]) -> Vec<&str> {
    records
        .iter()
        .map(|record| record.entry.detail.as_deref().unwrap())
        .collect()
}

#[test]
fn lines_are_json_in_a_file_for_its_owner_alone() {
    let mut place = Place::new();
    let record = place.record("call com.x");
    place.log().append(&[record]).unwrap();
    assert_eq!(
        fs::read_to_string(place.path(0)).unwrap(),
        "{\"time\":\"1970-01-01T00:00:00.000000Z\",\"kind\":\"action.denied\",\"device\":\"d_00000000\",\"detail\":\"call com.x\"}\n"
    );
    assert_eq!(fs::metadata(place.path(0)).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn a_full_file_is_moved_aside_and_the_oldest_goes() {
    let mut place = Place::new();
    let mut log = place.log();
    let long = "x".repeat(200);
    let length = place.record(&format!("000000{long}")).line().len() as u64;
    let per_file = MAX_FILE / length;
    for number in 0..(per_file + 1) * FILES as u64 + 10 {
        let record = place.record(&format!("{number:06}{long}"));
        log.append(&[record]).unwrap();
    }
    let size = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
    for age in 1..FILES {
        let size = size(&place.path(age));
        assert!(size <= MAX_FILE && size > MAX_FILE - 2 * length, "{age}: {size}");
    }
    assert!(size(&place.path(0)) <= MAX_FILE);
    assert!(!place.path(FILES).exists());
    let newest = log.newest(3, None).unwrap();
    let numbers: Vec<u64> = details(&newest)
        .iter()
        .map(|text| text.trim_end_matches('x').parse().unwrap())
        .collect();
    let last = (per_file + 1) * FILES as u64 + 9;
    assert_eq!(numbers, [last - 2, last - 1, last]);
    assert!(
        log.newest(usize::MAX, None).unwrap().len() * 200 <= MAX_ANSWER,
        "an answer has a bound"
    );
}

#[test]
fn the_newest_are_read_over_the_borders_of_files_and_of_one_device_if_that_is_asked() {
    let mut place = Place::new();
    let mut log = place.log();
    let records: Vec<_> = (0..4).map(|number| place.record(&number.to_string())).collect();
    log.append(&records[..2]).unwrap();
    fs::rename(place.path(0), place.path(1)).unwrap();
    let mut log = place.log();
    log.append(&records[2..]).unwrap();
    assert_eq!(details(&log.newest(3, None).unwrap()), ["1", "2", "3"]);
    assert_eq!(
        details(&log.newest(9, Some("d_00000000")).unwrap()),
        ["0", "1", "2", "3"]
    );
    assert!(log.newest(9, Some("d_11111111")).unwrap().is_empty());
    assert!(log.newest(0, None).unwrap().is_empty());
    let named = Entry {
        name: Some("Pixel".to_owned()),
        ..Entry::new(Kind::Revoked).id("d_22222222").detail("4")
    };
    log.append(&[place.ledger.record(named, OffsetDateTime::UNIX_EPOCH)])
        .unwrap();
    assert_eq!(details(&log.newest(9, Some("Pixel")).unwrap()), ["4"]);
}

#[test]
fn half_a_line_spoils_no_other() {
    let mut place = Place::new();
    let first = place.record("first");
    fs::write(place.path(0), format!("{}{{\"time\":\"19", first.line())).unwrap();
    fs::set_permissions(place.path(0), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let mut log = place.log();
    let second = place.record("second");
    log.append(&[second]).unwrap();
    assert_eq!(details(&log.newest(9, None).unwrap()), ["first", "second"]);
}

#[test]
fn links_and_files_of_others_are_not_written_to() {
    let mut place = Place::new();
    let target = place.home.path().join("target");
    fs::write(&target, "precious").unwrap();
    std::os::unix::fs::symlink(&target, place.path(0)).unwrap();
    let record = place.record("x");
    let (missing, error) = place.log().append(std::slice::from_ref(&record)).unwrap_err();
    assert!(
        missing == 1 && error.to_string().contains("not an ordinary file"),
        "{error}"
    );
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
    fs::remove_file(place.path(0)).unwrap();
    fs::write(place.path(0), "").unwrap();
    fs::set_permissions(place.path(0), std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let (_, error) = place.log().append(&[record]).unwrap_err();
    assert!(error.to_string().contains("chmod 600"), "{error}");
}
