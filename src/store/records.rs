//! Records as they stand in a journal, and what of them can be read whatever the disk did to it.
//!
//! It knows bytes alone: neither what records say nor where they are kept.

use sha2::{Digest as _, Sha256};

/// What every journal begins with. Another form of it would get another number.
pub(super) const MAGIC: &[u8] = b"deskconn journal 1\n";

/// Bytes before a record: its length in four, the lowest first, and the beginning of its SHA-256.
pub(super) const HEAD: usize = 4 + SUM;
const SUM: usize = 8;

/// Bytes of which checksums are made in search of a whole record behind one that seems cut short: about a second on a
/// slow machine. Without a bound a payload could be such that the start takes hours.
const SEARCHED: usize = 64 << 20;

/// What a checksum costs at least, in bytes: SHA-256 goes by blocks of so many.
const BLOCK: usize = 64;

/// What is in a journal.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// The records that are whole, in their order.
    pub(super) records: Vec<Vec<u8>>,
    /// Bytes from the beginning up to the end of the last whole record: nothing behind it can be read.
    pub(super) good: usize,
    /// What the disk did to it, beside a last record that was cut short.
    pub(super) damage: Option<Damage>,
}

/// What of a journal cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Damage {
    /// Bytes before the first record that is damaged.
    pub(super) at: usize,
    /// Damaged records with whole ones behind them.
    pub(super) skipped: usize,
    /// Bytes of these, and of all that stands behind the last whole record.
    pub(super) bytes: usize,
}

/// A record and what its head says of it.
struct Framed<'a> {
    sum: &'a [u8],
    record: &'a [u8],
}

impl<'a> Framed<'a> {
    /// What stands at the beginning of these bytes; `None` when it would run over their end.
    fn first(bytes: &'a [u8]) -> Option<Self> {
        let (head, rest) = bytes.split_at_checked(HEAD)?;
        let record = rest.get(..length(head)?)?;
        Some(Self {
            sum: &head[4..],
            record,
        })
    }

    fn is_whole(&self) -> bool {
        self.sum == checksum(self.record)
    }

    /// Bytes with the head.
    const fn len(&self) -> usize {
        HEAD + self.record.len()
    }
}

/// The length that a head says, in bytes.
fn length(head: &[u8]) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(*head.first_chunk()?)).ok()
}

/// The records of a journal, which begins with [`MAGIC`].
///
/// A record whose checksum is wrong is left out and the next one read, if there is a whole one where its length says:
/// no checksum covers the length, so it is believed only then. Otherwise nothing behind it is read. Records are not looked
/// for further on: a payload may hold bytes that look like one.
pub(super) fn read(content: &[u8]) -> Found {
    let mut found = Found {
        good: MAGIC.len(),
        ..Found::default()
    };
    let (mut first, mut skipped, mut bytes) = (None, 0, 0);
    let behind = |at: usize| content.get(at..).unwrap_or_default();
    while let Some(framed) = Framed::first(behind(found.good)) {
        let end = found.good + framed.len();
        if framed.is_whole() {
            found.records.push(framed.record.to_vec());
        } else if Framed::first(behind(end)).is_some_and(|next| next.is_whole()) {
            first = first.or(Some(found.good));
            skipped += 1;
            bytes += framed.len();
        } else {
            break;
        }
        found.good = end;
    }
    let rest = behind(found.good);
    if !is_cut_short(rest) {
        first = first.or(Some(found.good));
    }
    found.damage = first.map(|at| Damage {
        at,
        skipped,
        bytes: bytes + rest.len(),
    });
    found
}

/// Whether these bytes at the end of a journal are nothing, or a record of which the end was never written. Zero bytes at
/// the end count as not written: some file systems give them after a power cut, since the file's length is on the disk
/// before its content. A length that was damaged runs over the end as well, and betrays itself by records behind it.
fn is_cut_short(rest: &[u8]) -> bool {
    let written = rest.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let is_over = Framed::first(rest).is_none_or(|framed| framed.len() > written);
    is_over && !holds_whole_record(&rest[..written])
}

/// Whether a record that is whole stands anywhere behind the first byte. When it takes too long to say, then yes: whoever
/// asks is the more careful for it.
fn holds_whole_record(bytes: &[u8]) -> bool {
    let mut left = SEARCHED;
    for at in 1..bytes.len() {
        let Some(framed) = Framed::first(&bytes[at..]).filter(|framed| !framed.record.is_empty()) else {
            continue;
        };
        let cost = framed.record.len().max(BLOCK);
        if cost > left || framed.is_whole() {
            return true;
        }
        left -= cost;
    }
    false
}

/// The beginning of the SHA-256 of some bytes.
pub(super) fn checksum(record: &[u8]) -> [u8; SUM] {
    let sum = Sha256::digest(record);
    let mut first = [0; SUM];
    first.copy_from_slice(&sum[..SUM]);
    first
}

/// A record as it stands in the file; `None` for one that no length can say.
pub(super) fn framed(record: &[u8], out: &mut Vec<u8>) -> Option<()> {
    out.extend_from_slice(&u32::try_from(record.len()).ok()?.to_le_bytes());
    out.extend_from_slice(&checksum(record));
    out.extend_from_slice(record);
    Some(())
}

#[cfg(test)]
#[path = "records_tests.rs"]
mod tests;
