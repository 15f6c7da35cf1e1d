//! The journal of a realm: an append-only file of records, each with its length and checksum.
//!
//! A record is one write(2), so whatever ends the daemon takes no record that was confirmed; the disk is not waited for, so
//! a power cut may take the last ones. It knows nothing of what records say.

use std::fs::File;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use router::{Journal, NotWritten};
use sha2::{Digest as _, Sha256};

use super::losses::Repeated;
use super::{StateDir, StoreError};

/// What every journal begins with. Another form of it would get another number.
const MAGIC: &[u8] = b"deskconn journal 1\n";

/// Bytes before a record: its length in four, the lowest first, and the beginning of its SHA-256.
const HEAD: usize = 4 + SUM;
const SUM: usize = 8;

/// Bytes of a journal that are read: a realm whose histories all are as long as they may be writes fewer.
const MAX_JOURNAL: u64 = 4 << 30;

/// A journal in the state directory.
#[derive(Debug)]
pub(crate) struct FileJournal {
    place: Arc<StateDir>,
    name: String,
    /// None when it must be opened again.
    file: Option<File>,
    /// Where the next record goes: the end, unless a write broke off.
    length: u64,
    /// Whether a part of a record may stand behind `length`.
    is_torn: bool,
    /// Records that could not be written.
    lost: Arc<AtomicU64>,
    appending: Repeated,
    rewriting: Repeated,
}

/// The records of a journal, and where the last whole one ends.
fn read(content: &[u8]) -> (Vec<Vec<u8>>, usize) {
    let mut records = Vec::new();
    let mut good = MAGIC.len();
    while let Some((head, rest)) = content.get(good..).and_then(|rest| rest.split_at_checked(HEAD)) {
        let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
        let record = usize::try_from(length).ok().and_then(|length| rest.get(..length));
        let Some(record) = record.filter(|record| head[4..] == checksum(record)) else {
            break;
        };
        records.push(record.to_vec());
        good += HEAD + record.len();
    }
    (records, good)
}

fn checksum(record: &[u8]) -> [u8; SUM] {
    let sum = Sha256::digest(record);
    let mut first = [0; SUM];
    first.copy_from_slice(&sum[..SUM]);
    first
}

/// A record as it stands in the file; `None` for one that no length can say.
fn framed(record: &[u8], out: &mut Vec<u8>) -> Option<()> {
    out.extend_from_slice(&u32::try_from(record.len()).ok()?.to_le_bytes());
    out.extend_from_slice(&checksum(record));
    out.extend_from_slice(record);
    Some(())
}

impl FileJournal {
    /// Opens the journal of a realm, making it if need be, and gives what is in it. A record that was cut short, and
    /// whatever stands behind it, is cut off. `lost` counts the records that cannot be written.
    ///
    /// # Errors
    /// The file cannot be read or written, is not safe, or is no journal.
    pub(crate) fn open(
        place: Arc<StateDir>,
        realm: &str,
        lost: Arc<AtomicU64>,
    ) -> Result<(Self, Vec<Vec<u8>>), StoreError> {
        // Names of realms may have any length and most characters; a file's may not.
        let name = format!("journal-{}", hex::encode(checksum(realm.as_bytes())));
        let content = place.read(&name, MAX_JOURNAL)?.unwrap_or_default();
        if !content.starts_with(MAGIC) && !MAGIC.starts_with(&content) {
            return Err(StoreError::NoJournal(place.path_of(&name)));
        }
        let (records, good) = read(&content);
        let (file, length) = place.append(&name)?;
        let mut journal = Self {
            place,
            name,
            file: Some(file),
            length,
            is_torn: false,
            lost,
            appending: Repeated::new(["events are not kept", "events are kept again"]),
            rewriting: Repeated::new([
                "a journal keeps what it should forget, and grows",
                "a journal forgets again what it should",
            ]),
        };
        if content.len() < MAGIC.len() {
            journal.rewrite(&mut std::iter::empty())?;
        } else if good < content.len() {
            let path = journal.place.path_of(&journal.name);
            tracing::warn!(
                bytes = content.len() - good,
                "the end of {} was cut short and is dropped",
                path.display()
            );
            journal.length = good as u64;
            journal.is_torn = true;
            journal.ready()?;
        }
        Ok((journal, records))
    }

    /// The file, without what a broken write left in it.
    fn ready(&mut self) -> Result<&mut File, StoreError> {
        if self.file.is_none() {
            let (file, length) = self.place.append(&self.name)?;
            (self.file, self.length, self.is_torn) = (Some(file), length, false);
        }
        let file = self.file.as_mut().expect("it has just been opened");
        if self.is_torn {
            let cut = file.set_len(self.length);
            cut.map_err(|error| self.place.failed("shorten", &self.name, error))?;
            self.is_torn = false;
        }
        Ok(file)
    }

    fn write(&mut self, record: &[u8]) -> Result<(), StoreError> {
        let mut frame = Vec::with_capacity(HEAD + record.len());
        let framed = framed(record, &mut frame);
        let too_long = || std::io::Error::from(std::io::ErrorKind::FileTooLarge);
        let written = match framed {
            Some(()) => self.ready()?.write_all(&frame),
            None => Err(too_long()),
        };
        self.is_torn = written.is_err();
        written.map_err(|error| self.place.failed("write", &self.name, error))?;
        self.length += frame.len() as u64;
        Ok(())
    }

    fn rewrite(&mut self, records: &mut dyn Iterator<Item = Vec<u8>>) -> Result<(), StoreError> {
        let mut content = MAGIC.to_vec();
        // What has no length was never appended either.
        for record in records {
            let _ = framed(&record, &mut content);
        }
        self.place.replace_soon(&self.name, &content)?;
        self.file = None;
        self.ready().map(drop)
    }
}

impl Journal for FileJournal {
    fn append(&mut self, record: &[u8]) -> Result<(), NotWritten> {
        let written = self.write(record);
        if written.is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        self.appending.note(&written);
        written.map_err(|_| NotWritten)
    }

    fn replace(&mut self, records: &mut dyn Iterator<Item = Vec<u8>>) -> Result<(), NotWritten> {
        let written = self.rewrite(records);
        self.rewriting.note(&written);
        written.map_err(|_| NotWritten)
    }
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
