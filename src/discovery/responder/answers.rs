//! Our records on one interface, and the answers made of them: to whom, how soon and how often (RFC 6762 §5 to §7).
//!
//! It does not ask whether the names are ours; [`super`] does, before anything is answered.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use client::discovery::wire::{Message, Record, kind};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::time::Instant;

use super::packets::{add, asks_for, is_known, responses};
use super::{Output, PORT};

/// The least time between two multicasts of a record, and that in defence against a probe (§6).
const RATE: Duration = Duration::from_secs(1);
const DEFENCE_RATE: Duration = Duration::from_millis(250);

/// The delay of answers that several hosts may give, in milliseconds (§6), and after a question whose known answers
/// go on in another packet (§7.2).
const SHARED_DELAY: std::ops::Range<u64> = 20..120;
const TRUNCATED_DELAY: std::ops::Range<u64> = 400..500;

/// How long a program that is not a responder may keep an answer (§6.7).
const LEGACY_TTL: u32 = 10;

/// A record with what is known of its multicasts.
#[derive(Clone, Debug)]
struct Own {
    record: Record,
    /// When it was sent to everybody the last time.
    sent_at: Option<Instant>,
    /// When it is due to be sent to everybody.
    due: Option<Instant>,
}

/// Records by their positions.
type Picked = BTreeSet<usize>;

/// What we have to say.
#[derive(Debug)]
pub(super) struct Answers {
    own: Vec<Own>,
    random: StdRng,
}

impl Answers {
    pub(super) fn new(records: Vec<Record>, seed: u64) -> Self {
        let mut answers = Self {
            own: Vec::new(),
            random: StdRng::seed_from_u64(seed),
        };
        answers.replace(records);
        answers
    }

    /// Other records, of which nothing was sent yet.
    pub(super) fn replace(&mut self, records: Vec<Record>) {
        self.own = records
            .into_iter()
            .map(|record| Own {
                record,
                sent_at: None,
                due: None,
            })
            .collect();
    }

    pub(super) fn records(&self) -> impl Iterator<Item = &Record> {
        self.own.iter().map(|own| &own.record)
    }

    /// The records that nobody else may have.
    pub(super) fn unique(&self) -> impl Iterator<Item = &Record> {
        self.records().filter(|record| record.is_unique)
    }

    /// A moment up to so many milliseconds from now.
    pub(super) fn some_time_in(&mut self, milliseconds: u64, now: Instant) -> Instant {
        now + Duration::from_millis(self.random.random_range(0..milliseconds))
    }

    /// When anything was sent to everybody the last time.
    pub(super) fn last_sent(&self) -> Option<Instant> {
        self.own.iter().filter_map(|own| own.sent_at).max()
    }

    /// When an answer is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.own.iter().filter_map(|own| own.due).min()
    }

    /// Everything, to everybody.
    pub(super) fn announce(&mut self, now: Instant) -> Vec<Output> {
        self.mark_sent(&(0..self.own.len()).collect(), now);
        responses(self.records().cloned())
            .iter()
            .map(|message| Output::Multicast(message.write()))
            .collect()
    }

    /// The answers that are due, with what will be asked for next.
    pub(super) fn poll(&mut self, now: Instant) -> Vec<Output> {
        let due = self.pick(|own| own.due.is_some_and(|due| due <= now));
        let is_fresh = |own: &Own| own.sent_at.is_some_and(|sent| now < sent + RATE);
        let additional = &self.additional(&due) - &self.pick(is_fresh);
        let mut messages = responses(self.picked(&due));
        add(&mut messages, self.picked(&additional));
        self.mark_sent(&due, now);
        self.mark_sent(&additional, now);
        messages
            .iter()
            .map(|message| Output::Multicast(message.write()))
            .collect()
    }

    /// Hears a question. What goes to the asker alone is given back; the rest comes by [`Answers::poll`].
    pub(super) fn hear(&mut self, message: &Message, from: SocketAddr, now: Instant) -> Vec<Output> {
        if message.questions.is_empty() {
            self.forget_known(&message.answers);
            return Vec::new();
        }
        let (mut alone, mut everybody) = (Picked::new(), Picked::new());
        for question in &message.questions {
            let is_asked = |own: &Own| asks_for(question, &own.record) && !is_known(&message.answers, &own.record);
            let answers = self.pick(is_asked);
            if question.wants_unicast {
                alone.extend(answers);
            } else {
                everybody.extend(answers);
            }
        }
        if from.port() != PORT {
            return self.legacy(message, &(&alone | &everybody), from).into_iter().collect();
        }
        let is_probe = !message.authority.is_empty();
        // Whoever probes is answered by multicast as well: a machine with two responders gets unicast in one of them
        // only. And what was not sent to everybody for a while is sent to everybody now (§5.4).
        let is_rare = |own: &Own| own.sent_at.is_none_or(|sent| now >= sent + quarter(&own.record));
        everybody.extend(&alone & &self.pick(|own| is_probe || is_rare(own)));
        self.schedule(&everybody, message.is_truncated, is_probe, now);
        let mut messages = responses(self.picked(&alone));
        add(&mut messages, self.picked(&self.additional(&alone)));
        messages
            .iter()
            .map(|message| Output::Unicast(from, message.write()))
            .collect()
    }

    fn schedule(&mut self, answers: &Picked, is_truncated: bool, is_probe: bool, now: Instant) {
        let shared = Duration::from_millis(self.random.random_range(SHARED_DELAY));
        let truncated = Duration::from_millis(self.random.random_range(TRUNCATED_DELAY));
        let rate = if is_probe { DEFENCE_RATE } else { RATE };
        for (_, own) in self
            .own
            .iter_mut()
            .enumerate()
            .filter(|(index, _)| answers.contains(index))
        {
            let delay = match (is_truncated, own.record.is_unique) {
                (true, _) => truncated,
                (false, true) => Duration::ZERO,
                (false, false) => shared,
            };
            let at = own.sent_at.map_or(now + delay, |sent| (now + delay).max(sent + rate));
            own.due = Some(own.due.map_or(at, |due| due.min(at)));
        }
    }

    /// The rest of somebody's known answers (§7.2).
    fn forget_known(&mut self, known: &[Record]) {
        for own in self.own.iter_mut().filter(|own| is_known(known, &own.record)) {
            own.due = None;
        }
    }

    /// §6.7: the question is repeated, records live ten seconds at most and replace nothing.
    fn legacy(&self, message: &Message, answers: &Picked, from: SocketAddr) -> Option<Output> {
        let plain = |record: Record| Record {
            is_unique: false,
            ttl: record.ttl.min(LEGACY_TTL),
            ..record
        };
        let mut messages = responses(self.picked(answers).map(plain));
        messages.truncate(1);
        add(&mut messages, self.picked(&self.additional(answers)).map(plain));
        let mut response = messages.pop()?;
        response.id = message.id;
        response.questions.clone_from(&message.questions);
        Some(Output::Unicast(from, response.write()))
    }

    /// RFC 6763 §12: with a pointer the server and text of its instance, with a server the addresses of its host.
    fn additional(&self, answers: &Picked) -> Picked {
        let mut more = Picked::new();
        for pointer in self.picked(answers).filter(|record| record.kind == kind::PTR) {
            more.extend(self.pick(|own| own.record.is_unique && own.record.name.bytes() == pointer.data));
        }
        if self.picked(&(answers | &more)).any(|record| record.kind == kind::SRV) {
            more.extend(self.pick(|own| matches!(own.record.kind, kind::A | kind::AAAA)));
        }
        &more - answers
    }

    fn pick(&self, is_it: impl Fn(&Own) -> bool) -> Picked {
        self.own
            .iter()
            .enumerate()
            .filter(|(_, own)| is_it(own))
            .map(|(index, _)| index)
            .collect()
    }

    fn picked(&self, picked: &Picked) -> impl Iterator<Item = Record> {
        picked
            .iter()
            .filter_map(|index| self.own.get(*index))
            .map(|own| own.record.clone())
    }

    fn mark_sent(&mut self, sent: &Picked, now: Instant) {
        for (_, own) in self
            .own
            .iter_mut()
            .enumerate()
            .filter(|(index, _)| sent.contains(index))
        {
            (own.sent_at, own.due) = (Some(now), None);
        }
    }
}

/// A quarter of the time a record lives.
fn quarter(record: &Record) -> Duration {
    Duration::from_secs(u64::from(record.ttl / 4))
}
