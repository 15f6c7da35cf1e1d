//! The responder of mDNS (RFC 6762) on one interface, as a value: packets and moments in, packets out.
//!
//! It opens no socket, reads no clock and does not choose names: a conflict is told to [`super::publisher`], which
//! renames on all interfaces at once. Sections named here are those of RFC 6762.

mod answers;
mod packets;

use std::net::SocketAddr;
use std::time::Duration;

use client::discovery::wire::{Message, Name, Question, Record, kind};
use tokio::time::Instant;

use answers::Answers;
use packets::{is_same, responses};

/// The port of mDNS. Questions from other ports come from programs that know nothing of it (§6.7).
pub(super) const PORT: u16 = 5353;

/// Probes before a name is taken, the time between them, and the milliseconds within which the first is sent, so that
/// machines switched on together do not ask together (§8.1).
const PROBES: u8 = 3;
const PROBE_EVERY: Duration = Duration::from_millis(250);
const PROBE_START: u64 = 250;

/// The pause of the one who loses against somebody who probes for the same name (§8.2).
const TIE_PAUSE: Duration = Duration::from_secs(1);

/// Announcements and the time between them (§8.3). It is more than the second that is demanded: a record that is
/// replaced within a second of its arrival stays in caches beside the new one (§10.2).
const ANNOUNCEMENTS: u8 = 2;
const ANNOUNCE_AGAIN: Duration = Duration::from_millis(1150);

/// The least time between two changes. A cache keeps a replaced record for a second (§10.2), and some take it up again
/// when the old content comes back meanwhile, without telling anybody.
const CHANGE_AGAIN: Duration = Duration::from_millis(2300);

/// The time for which an established name is not probed for again, so that one packet a second cannot keep it from
/// being shown.
const REPROBE_PAUSE: Duration = Duration::from_secs(10);

/// What is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// To everybody on the interface.
    Multicast(Vec<u8>),
    /// To one host.
    Unicast(SocketAddr, Vec<u8>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Asking whether anybody has our names.
    Probing { sent: u8, at: Instant },
    /// Telling everybody.
    Announcing { sent: u8, at: Instant },
    /// Answering.
    Established,
}

/// One interface.
#[derive(Debug)]
pub(super) struct Responder {
    answers: Answers,
    phase: Phase,
    /// When everybody was told of these records first; `None` while these names were never told.
    announced_at: Option<Instant>,
    /// When an established name was challenged the last time.
    challenged_at: Option<Instant>,
    /// Records that are no longer ours and have to be taken back with the next announcement.
    leaving: Vec<Record>,
}

impl Responder {
    /// Begins to probe for the names of these records.
    pub(super) fn new(records: Vec<Record>, seed: u64, now: Instant) -> Self {
        let mut answers = Answers::new(records, seed);
        let at = answers.some_time_in(PROBE_START, now);
        let phase = Phase::Probing { sent: 0, at };
        Self {
            answers,
            phase,
            announced_at: None,
            challenged_at: None,
            leaving: Vec::new(),
        }
    }

    /// Shows other records under the same names: told as soon as caches can follow, without asking for the names again.
    pub(super) fn update(&mut self, records: Vec<Record>, now: Instant) {
        let sent = self.answers.last_sent().map(|at| at + ANNOUNCE_AGAIN);
        let changed = self.announced_at.map(|at| at + CHANGE_AGAIN);
        if self.is_announced() {
            // What is replaced by a record of its kind is flushed by that one (§10.2); what is not has to be taken back.
            let is_replaced = |own: &&Record| records.iter().any(|new| new.name == own.name && new.kind == own.kind);
            let gone = self.answers.unique().filter(|own| !is_replaced(own));
            self.leaving = gone
                .map(|record| Record {
                    ttl: 0,
                    ..record.clone()
                })
                .collect();
        }
        self.answers.replace(records);
        if !matches!(self.phase, Phase::Probing { .. }) {
            let at = [sent, changed].into_iter().flatten().fold(now, Instant::max);
            self.phase = Phase::Announcing { sent: 0, at };
        }
    }

    /// Shows records under other names, for which it has to ask first.
    pub(super) fn restart(&mut self, records: Vec<Record>, now: Instant) {
        self.answers.replace(records);
        self.announced_at = None;
        self.phase = Phase::Probing { sent: 0, at: now };
    }

    /// Whether it has told everybody at least once.
    pub(super) fn is_announced(&self) -> bool {
        self.announced_at.is_some()
    }

    /// When [`Responder::poll`] has something to do.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let phase = match self.phase {
            Phase::Probing { at, .. } | Phase::Announcing { at, .. } => Some(at),
            Phase::Established => None,
        };
        self.answers.deadline().into_iter().chain(phase).min()
    }

    /// What is due.
    pub(super) fn poll(&mut self, now: Instant) -> Vec<Output> {
        let mut out = match self.phase {
            Phase::Probing { sent, at } if at <= now && sent < PROBES => {
                self.phase = Phase::Probing {
                    sent: sent + 1,
                    at: now + PROBE_EVERY,
                };
                self.probes()
            }
            Phase::Probing { at, .. } if at <= now => self.announce(0, now),
            Phase::Announcing { sent, at } if at <= now => self.announce(sent, now),
            Phase::Probing { .. } | Phase::Announcing { .. } | Phase::Established => Vec::new(),
        };
        out.extend(self.answers.poll(now));
        out
    }

    /// Takes back every record (§10.1).
    pub(super) fn goodbye(&self) -> Vec<Output> {
        if !self.is_announced() {
            return Vec::new();
        }
        let gone = self.answers.records().map(|record| Record {
            ttl: 0,
            ..record.clone()
        });
        responses(gone)
            .iter()
            .map(|message| Output::Multicast(message.write()))
            .collect()
    }

    /// Hears a packet. `ours` are the addresses of this machine on every interface, which may all speak for its host.
    /// The name that is given back belongs to somebody else.
    pub(super) fn receive(
        &mut self,
        message: &Message,
        from: SocketAddr,
        ours: &[Vec<u8>],
        now: Instant,
    ) -> (Vec<Output>, Option<Name>) {
        match (message.is_response, self.phase) {
            // Only responders answer, and they do it from their port (§6).
            (true, _) if from.port() == PORT => (Vec::new(), self.check_response(message, ours, now)),
            (true, _) => (Vec::new(), None),
            (false, Phase::Probing { .. }) => {
                self.break_tie(message, ours, now);
                (Vec::new(), None)
            }
            (false, Phase::Announcing { .. } | Phase::Established) => (self.answers.hear(message, from, now), None),
        }
    }

    fn announce(&mut self, sent: u8, now: Instant) -> Vec<Output> {
        if sent == 0 {
            self.announced_at = Some(now);
        }
        let next = Phase::Announcing {
            sent: sent + 1,
            at: now + ANNOUNCE_AGAIN,
        };
        self.phase = if sent + 1 < ANNOUNCEMENTS {
            next
        } else {
            Phase::Established
        };
        let mut out: Vec<Output> = responses(self.leaving.drain(..))
            .iter()
            .map(|message| Output::Multicast(message.write()))
            .collect();
        out.extend(self.answers.announce(now));
        out
    }

    /// One packet for each name, with all that is to be claimed for it, for the tie-break (§8.2). The answer is asked
    /// for by multicast: the sockets hear nothing else, so that an avahi beside us keeps its unicast.
    fn probes(&self) -> Vec<Output> {
        let mut names: Vec<&Name> = Vec::new();
        for record in self.answers.unique() {
            if !names.contains(&&record.name) {
                names.push(&record.name);
            }
        }
        let probe = |name: &Name| {
            let question = Question {
                name: name.clone(),
                kind: kind::ANY,
                wants_unicast: false,
            };
            let claims = self.answers.unique().filter(|record| record.name == *name);
            let authority = claims
                .map(|record| Record {
                    is_unique: false,
                    ..record.clone()
                })
                .collect();
            Output::Multicast(
                Message {
                    questions: vec![question],
                    authority,
                    ..Message::default()
                }
                .write(),
            )
        };
        names.into_iter().map(probe).collect()
    }

    /// A name of ours in somebody's answer with another content: while probing it is his; afterwards we ask again.
    fn check_response(&mut self, message: &Message, ours: &[Vec<u8>], now: Instant) -> Option<Name> {
        let mut records = message
            .answers
            .iter()
            .chain(&message.additional)
            .filter(|record| record.ttl > 0);
        let foreign = records.find(|record| self.is_foreign(record, ours))?;
        if let Phase::Probing { .. } = self.phase {
            return Some(foreign.name.clone());
        }
        if self.challenged_at.is_none_or(|at| now >= at + REPROBE_PAUSE) {
            self.challenged_at = Some(now);
            self.phase = Phase::Probing { sent: 0, at: now };
        }
        None
    }

    /// The server record tells desktops apart, for its host has the desktop's id in it; the text may differ because
    /// an older packet of our own comes back from a reflector.
    fn is_foreign(&self, record: &Record, ours: &[Vec<u8>]) -> bool {
        let is_address = |kind: u16| matches!(kind, kind::A | kind::AAAA);
        let mut same = self.answers.unique().filter(|own| own.name == record.name);
        match record.kind {
            kind::SRV => {
                let servers: Vec<&Record> = same.filter(|own| own.kind == kind::SRV).collect();
                !servers.is_empty() && !servers.iter().any(|own| is_same(record, own))
            }
            kind if is_address(kind) => same.any(|own| is_address(own.kind)) && !ours.contains(&record.data),
            _ => false,
        }
    }

    /// Somebody asks for the same name at the same time: the one whose records come later in the order of bytes has
    /// it, the other one waits and asks again (§8.2).
    fn break_tie(&mut self, message: &Message, ours: &[Vec<u8>], now: Instant) {
        let is_lost = |question: &Question| {
            let theirs = claims(message.authority.iter().filter(|record| record.name == question.name));
            let own = claims(self.answers.unique().filter(|record| record.name == question.name));
            let is_this_machine = theirs.iter().all(|(_, data)| ours.iter().any(|ours| ours == data));
            !own.is_empty() && !is_this_machine && theirs > own
        };
        if message.questions.iter().any(is_lost) {
            self.phase = Phase::Probing {
                sent: 0,
                at: now + TIE_PAUSE,
            };
        }
    }
}

/// Records in the order in which they are compared.
fn claims<'a>(records: impl Iterator<Item = &'a Record>) -> Vec<(u16, &'a [u8])> {
    let mut claims: Vec<(u16, &[u8])> = records.map(|record| (record.kind, record.data.as_slice())).collect();
    claims.sort_unstable();
    claims
}

#[cfg(test)]
mod tests;
