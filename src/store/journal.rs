//! The journal of a realm: an append-only file of records (`records.rs`), and what is done when the disk has damaged it.
//!
//! A record is one write(2), so whatever ends the daemon takes no record that was confirmed; the disk is not waited for, so
//! a power cut may take the last ones. It knows nothing of what records say.

use std::fs::File;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use router::{Journal, NotWritten};

use super::losses::Repeated;
use super::records::{self, Damage, HEAD, MAGIC, checksum, framed};
use super::{StateDir, StoreError};

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

impl FileJournal {
    /// Opens the journal of a realm, making it if need be, and gives what is in it. A last record that was cut short is cut
    /// off. What else cannot be read is left out: damaged records that have whole ones behind them stay in the file until it
    /// is written anew, and all behind the last whole one is cut off. Before that the file is put aside as
    /// `<name>.damaged`. `lost` counts the records that cannot be written.
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
        let found = records::read(&content);
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
        } else {
            let bytes = content.len().saturating_sub(found.good);
            if let Some(damage) = &found.damage {
                journal.put_aside(&content, damage);
            } else if bytes > 0 {
                let path = journal.place.path_of(&journal.name);
                tracing::warn!(bytes, "the end of {} was cut short and is dropped", path.display());
            }
            if bytes > 0 {
                journal.length = found.good as u64;
                journal.is_torn = true;
                journal.ready()?;
            }
        }
        Ok((journal, found.records))
    }

    /// Puts the file aside as it is, and says what of it cannot be read. There is one such copy of a journal, so that a
    /// disk that fails again and again is not filled: a later one takes the place of an earlier one, which the log has told
    /// of, and of which the later one has whatever could still be read. The daemon starts without it, too.
    fn put_aside(&self, content: &[u8], damage: &Damage) {
        let aside = format!("{}.damaged", self.name);
        let kept = self.place.replace(&aside, content, false);
        let Damage { at, skipped, bytes } = *damage;
        tracing::error!(at, skipped, bytes, "{}", self.told(&aside, &kept));
    }

    /// What the log says of a damaged journal.
    fn told(&self, aside: &str, kept: &Result<(), StoreError>) -> String {
        let path = self.place.path_of(&self.name);
        let path = path.display();
        match kept {
            Ok(()) => {
                let aside = self.place.path_of(aside);
                let aside = aside.display();
                format!(
                    "{path} is damaged: what of it cannot be read is left out, and the file as it was is kept as {aside}"
                )
            }
            Err(error) => {
                format!(
                    "{path} is damaged: what of it cannot be read is lost, since the file could not be put aside: {error}"
                )
            }
        }
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
