//! What is written down and what is merely counted: a value that knows neither files nor the time.
//!
//! Whoever can reach the daemon can fail to log in as fast as the network carries it, and an action may be done each second. Each
//! subject (a device, an address, an action) gets so many entries of a kind in a span, all subjects together so many more; the
//! rest becomes one line. All moments are the time since the daemon started.

use std::collections::HashMap;
use std::time::Duration;

use time::OffsetDateTime;

use super::entry::{Entry, Kind, Record};

/// How many entries of a kind are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ration {
    /// The span in which entries are counted …
    pub span: Duration,
    /// … and its name.
    pub name: &'static str,
    /// Entries that one subject gets in a span.
    pub per_subject: u32,
    /// Entries in a span, whoever causes them.
    pub per_kind: u32,
}

/// Of what anybody on the network can cause. Ten are enough to see what somebody is at. An attacker with many addresses must not
/// drive the record of who was paired out of the log: at 200 bytes an entry and with six such kinds the log lasts an hour and a
/// half under full attack.
pub const OF_STRANGERS: Ration = Ration {
    span: Duration::from_secs(60),
    name: "a minute",
    per_subject: 10,
    per_kind: 50,
};

/// Of what the owner's actions do, day after day. With every action that there may be done each second the log lasts two days;
/// with ten, two weeks.
pub const OF_ACTIONS: Ration = Ration {
    span: Duration::from_secs(3_600),
    name: "an hour",
    per_subject: 4,
    per_kind: 64,
};

/// In how short a time entries get times one behind the other: a millisecond has room for a thousand of them.
const AT_ONCE: time::Duration = time::Duration::MILLISECOND;

/// The longest of the spans.
pub const LONGEST_SPAN: Duration = OF_ACTIONS.span;

/// Subjects of a kind that are counted apart in a span. Further ones are counted together, so that memory stays bounded.
pub const MAX_SUBJECTS: usize = 256;

/// Bytes of one file …
pub const MAX_FILE: u64 = 1 << 20;

/// … and how many files there are: the newest, and four before it.
pub const FILES: usize = 5;

/// The counts.
#[derive(Debug, Default)]
pub struct Ledger {
    shares: HashMap<Kind, Share>,
    last: Option<OffsetDateTime>,
    /// How often each kind of thing happened, whether it was written or not.
    happened: HashMap<Kind, u64>,
}

/// What a kind has had of its ration.
#[derive(Debug)]
struct Share {
    ration: Ration,
    whole: Window,
    subjects: HashMap<String, Window>,
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

    fn is_over(&self, ration: Ration, now: Duration) -> bool {
        now.saturating_sub(self.began) >= ration.span
    }
}

impl Share {
    /// Whether an entry about this subject is written; one that is not is counted.
    fn takes(&mut self, subject: &str, now: Duration) -> bool {
        let ration = self.ration;
        let is_apart = self.subjects.contains_key(subject) || self.subjects.len() < MAX_SUBJECTS;
        let subject = if is_apart { subject } else { "" };
        if self.whole.is_over(ration, now) {
            self.whole = Window::new(now);
        }
        // One that is over and has left something out stays until `expire` has told that.
        let window = self.subjects.entry(subject.to_owned()).or_insert(Window::new(now));
        if window.is_over(ration, now) && window.left_out == 0 {
            *window = Window::new(now);
        }
        let has_room = window.written < ration.per_subject && self.whole.written < ration.per_kind;
        if has_room {
            window.written += 1;
            self.whole.written += 1;
        } else {
            window.left_out += 1;
        }
        has_room
    }
}

impl Ledger {
    /// Gives an entry its time, if it is to be written at all.
    pub fn admit(&mut self, entry: Entry, now: Duration, time: OffsetDateTime) -> Option<Record> {
        *self.happened.entry(entry.kind).or_default() += 1;
        let is_written = entry.kind.ration().is_none_or(|ration| {
            let share = self.shares.entry(entry.kind).or_insert_with(|| Share {
                ration,
                whole: Window::new(now),
                subjects: HashMap::new(),
            });
            share.takes(entry.subject(), now)
        });
        is_written.then(|| self.record(entry, time))
    }

    /// How often something happened since the daemon started, whether it was written or not.
    #[must_use]
    pub fn happened(&self, kind: Kind) -> u64 {
        self.happened.get(&kind).copied().unwrap_or_default()
    }

    /// An entry with its time, which no other entry has: that is how a reader tells two of them apart.
    pub fn record(&mut self, entry: Entry, time: OffsetDateTime) -> Record {
        let time = time.to_offset(time::UtcOffset::UTC).truncate_to_microsecond();
        // Several may come in one microsecond. A clock that was put back by more than they take is believed.
        let taken = self
            .last
            .filter(|last| (time..=time.saturating_add(AT_ONCE)).contains(last));
        let time = taken.map_or(time, |last| last.saturating_add(time::Duration::MICROSECOND));
        self.last = Some(time);
        Record { time, entry }
    }

    /// Ends the spans that are over; gives an entry for each in which something was left out.
    pub fn expire(&mut self, now: Duration) -> Vec<Entry> {
        let mut told: Vec<Entry> = Vec::new();
        self.shares.retain(|kind, share| {
            let ration = share.ration;
            share.subjects.retain(|subject, window| {
                let is_over = window.is_over(ration, now);
                if is_over && window.left_out > 0 {
                    let detail = format!("and {} more within {}", window.left_out, ration.name);
                    told.push(Entry::new(*kind).about(subject).detail(detail));
                }
                !is_over
            });
            !(share.subjects.is_empty() && share.whole.is_over(ration, now))
        });
        told.sort_by(|a, b| a.subject().cmp(b.subject()));
        told
    }

    /// When [`Ledger::expire`] has something to tell next.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let ends = self.shares.values().flat_map(|share| {
            let left_out = share.subjects.values().filter(|window| window.left_out > 0);
            left_out.map(|window| window.began + share.ration.span)
        });
        ends.min()
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
