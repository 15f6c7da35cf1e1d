//! What is written down and what is merely counted: a value that knows neither files nor the time.
//!
//! Whoever can reach the daemon can fail to log in as fast as the network carries it. Each subject (a device or an
//! address) gets so many entries of a kind a minute, all subjects together so many more; the rest becomes one line.
//! All moments are the time since the daemon started.

use std::collections::HashMap;
use std::time::Duration;

use time::OffsetDateTime;

use super::entry::{Entry, Kind, Record};

/// The span in which entries are counted.
pub const SPAN: Duration = Duration::from_secs(60);

/// Entries of one kind that one subject gets in a span: enough to see what somebody is at.
pub const PER_SUBJECT: u32 = 10;

/// Entries of one kind in a span, whoever causes them: an attacker with many addresses must not drive the record of who
/// was paired out of the log. At 200 bytes an entry and with six such kinds the log then lasts an hour and a half under
/// full attack.
pub const PER_KIND: u32 = 50;

/// Subjects that are counted apart in a span. Further ones are counted together, so that memory stays bounded.
pub const MAX_SUBJECTS: usize = 256;

/// Bytes of one file …
pub const MAX_FILE: u64 = 1 << 20;

/// … and how many files there are: the newest, and four before it.
pub const FILES: usize = 5;

/// The counts.
#[derive(Debug, Default)]
pub struct Ledger {
    windows: HashMap<(Kind, String), Window>,
    kinds: HashMap<Kind, Window>,
    last: Option<OffsetDateTime>,
    /// How often each kind of thing happened, whether it was written or not.
    happened: HashMap<Kind, u64>,
}

#[derive(Debug)]
struct Window {
    began: Duration,
    written: u32,
    left_out: u64,
}

impl Window {
    const fn new(began: Duration) -> Self {
        Self {
            began,
            written: 0,
            left_out: 0,
        }
    }

    fn is_over(&self, now: Duration) -> bool {
        now.saturating_sub(self.began) >= SPAN
    }
}

impl Ledger {
    /// Gives an entry its time, if it is to be written at all.
    pub fn admit(&mut self, entry: Entry, now: Duration, time: OffsetDateTime) -> Option<Record> {
        *self.happened.entry(entry.kind).or_default() += 1;
        if entry.kind.is_rationed() && !self.has_room(&entry, now) {
            return None;
        }
        Some(self.record(entry, time))
    }

    /// How often something happened since the daemon started, whether it was written or not.
    #[must_use]
    pub fn happened(&self, kind: Kind) -> u64 {
        self.happened.get(&kind).copied().unwrap_or_default()
    }

    /// An entry with its time, which no other entry has: that is how a reader tells two of them apart.
    pub fn record(&mut self, entry: Entry, time: OffsetDateTime) -> Record {
        let time = time.to_offset(time::UtcOffset::UTC).truncate_to_microsecond();
        let taken = self.last == Some(time);
        let time = if taken {
            time.saturating_add(time::Duration::MICROSECOND)
        } else {
            time
        };
        self.last = Some(time);
        Record { time, entry }
    }

    fn has_room(&mut self, entry: &Entry, now: Duration) -> bool {
        let mut key = (entry.kind, entry.subject().to_owned());
        if !self.windows.contains_key(&key) && self.windows.len() >= MAX_SUBJECTS {
            key.1.clear();
        }
        let of_kind = self.kinds.entry(entry.kind).or_insert(Window::new(now));
        if of_kind.is_over(now) {
            *of_kind = Window::new(now);
        }
        // One that is over and has left something out stays until `expire` has told that.
        let window = self.windows.entry(key).or_insert(Window::new(now));
        if window.is_over(now) && window.left_out == 0 {
            *window = Window::new(now);
        }
        let has_room = window.written < PER_SUBJECT && of_kind.written < PER_KIND;
        if has_room {
            window.written += 1;
            of_kind.written += 1;
        } else {
            window.left_out += 1;
        }
        has_room
    }

    /// Ends the spans that are over; gives an entry for each in which something was left out.
    pub fn expire(&mut self, now: Duration) -> Vec<Entry> {
        let mut told: Vec<Entry> = Vec::new();
        self.windows.retain(|(kind, subject), window| {
            if window.is_over(now) && window.left_out > 0 {
                let detail = format!("and {} more within a minute", window.left_out);
                told.push(Entry::new(*kind).about(subject).detail(detail));
            }
            !window.is_over(now)
        });
        self.kinds.retain(|_, window| !window.is_over(now));
        told.sort_by(|a, b| a.subject().cmp(b.subject()));
        told
    }

    /// When [`Ledger::expire`] has something to tell next.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let left_out = self.windows.values().filter(|window| window.left_out > 0);
        left_out.map(|window| window.began + SPAN).min()
    }
}

/// Whether a file of `size` bytes is full for a line of `next` bytes. An empty file takes any line.
#[must_use]
pub const fn is_full(size: u64, next: u64) -> bool {
    size > 0 && size + next > MAX_FILE
}

/// The name of the log after `age` rotations.
#[must_use]
pub fn file_name(age: usize) -> String {
    match age {
        0 => "audit.jsonl".to_owned(),
        age => format!("audit.jsonl.{age}"),
    }
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
