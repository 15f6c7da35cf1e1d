//! The files of the audit log: lines are appended, a full file is moved aside, and the newest lines are read back.
//!
//! It blocks, so it is used where blocking is allowed. Nothing is confirmed by the disk line by line: a power cut may
//! take the last seconds, a crash of the daemon takes nothing.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};

use super::entry::Record;
use super::ledger::{FILES, MAX_FILE, file_name, is_full};
use crate::store::{StateDir, StoreError};

/// Bytes of a file that are read; one line may go past the bound of what is written.
const MAX_READ: u64 = 2 * MAX_FILE;

/// What one reading gives at most in bytes of lines: half of the longest message that a client takes.
pub const MAX_ANSWER: usize = 512 << 10;

/// The log in its directory.
#[derive(Debug)]
pub(super) struct Log {
    directory: StateDir,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    size: u64,
}

impl Log {
    /// The log in this directory; nothing is opened before something is written.
    pub(super) const fn new(directory: StateDir) -> Self {
        Self { directory, open: None }
    }

    /// Appends lines, moving full files aside.
    ///
    /// # Errors
    /// How many lines were not written, and why.
    pub(super) fn append(&mut self, records: &[Record]) -> Result<(), (usize, StoreError)> {
        for (written, record) in records.iter().enumerate() {
            if let Err(error) = self.append_one(&record.line()) {
                // What is left of a line ends with the next opening.
                self.open = None;
                return Err((records.len() - written, error));
            }
        }
        Ok(())
    }

    fn append_one(&mut self, line: &str) -> Result<(), StoreError> {
        if self
            .open
            .as_ref()
            .is_some_and(|open| is_full(open.size, line.len() as u64))
        {
            self.open = None;
            self.rotate()?;
        }
        if self.open.is_none() {
            self.open = Some(self.reopen(line.len() as u64)?);
        }
        let open = self.open.as_mut().expect("it has just been opened");
        open.file
            .write_all(line.as_bytes())
            .map_err(|error| self.directory.failed("write", &file_name(0), error))?;
        open.size += line.len() as u64;
        Ok(())
    }

    fn reopen(&self, next: u64) -> Result<Open, StoreError> {
        let name = file_name(0);
        let (mut file, mut size) = self.directory.append(&name)?;
        if is_full(size, next) {
            self.rotate()?;
            (file, size) = self.directory.append(&name)?;
        }
        let mut last = [b'\n'];
        let failed = |error| self.directory.failed("read", &name, error);
        if size > 0 {
            file.seek(SeekFrom::End(-1)).map_err(failed)?;
            file.read_exact(&mut last).map_err(failed)?;
        }
        if last != [b'\n'] {
            // Half a line from a crash or a full disk must not spoil the next one.
            file.write_all(b"\n").map_err(failed)?;
            size += 1;
        }
        Ok(Open { file, size })
    }

    /// Makes room: each file gets the name of the next older one, and the oldest goes.
    fn rotate(&self) -> Result<(), StoreError> {
        (1..FILES)
            .rev()
            .try_for_each(|age| self.directory.move_if_there(&file_name(age - 1), &file_name(age)))
    }

    /// The newest entries, the oldest of them first: at most `limit`, of this device, by its id or the name that it had, or of this address, if one
    /// is named.
    ///
    /// # Errors
    /// A file is there and cannot be read.
    pub(super) fn newest(&self, limit: usize, device: Option<&str>) -> Result<Vec<Record>, StoreError> {
        let mut newest = Vec::new();
        let mut bytes = 0;
        for age in 0..FILES {
            let Some(text) = self.directory.read(&file_name(age), MAX_READ)? else {
                continue;
            };
            for line in text.rsplit(|byte| *byte == b'\n') {
                // A line that was cut short by a crash is left out.
                let Ok(record) = serde_json::from_slice::<Record>(line) else {
                    continue;
                };
                let entry = &record.entry;
                let is_meant = |wanted: &str| {
                    [&entry.device, &entry.name, &entry.address]
                        .into_iter()
                        .flatten()
                        .any(|it| it == wanted)
                };
                if device.is_some_and(|wanted| !is_meant(wanted)) {
                    continue;
                }
                bytes += line.len();
                if newest.len() >= limit || bytes > MAX_ANSWER {
                    newest.reverse();
                    return Ok(newest);
                }
                newest.push(record);
            }
        }
        newest.reverse();
        Ok(newest)
    }
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
