//! How it stands with a link: whether it is up, since when and why, and what it has forwarded.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use client::Status;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use wamp::value::{Dict, Value, dict};

use super::end::Side;

/// With this the session here says how it stands, for `wamp.session.get`.
pub(super) const MODIFY: &str = "wamp.session.modify_details";

/// What was forwarded, and what was not, since the daemon started.
#[derive(Debug, Default)]
pub(super) struct Counters {
    events: [AtomicU64; 2],
    calls: [AtomicU64; 2],
    dropped: [AtomicU64; 2],
    /// Events that were put into the queue on disk.
    pub(super) queued: AtomicU64,
}

impl Counters {
    pub(super) fn event(&self, from: Side) {
        self.events[from as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn call(&self, from: Side) {
        self.calls[from as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Notes lost events; says how many there were before.
    pub(super) fn drop(&self, from: Side, events: u64) -> u64 {
        self.dropped[from as usize].fetch_add(events, Ordering::Relaxed)
    }
}

/// In which state a link is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stand {
    pub(super) state: State,
    /// Since when it is up, or is not.
    pub(super) since: SystemTime,
    /// Why it is not up, a sentence.
    pub(super) why: Option<String>,
}

/// The state in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Events and calls are forwarded.
    Up,
    /// The other router is looked for, or will be soon.
    Down,
    /// The other router says no.
    Refused,
}

impl State {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Refused => "refused",
        }
    }
}

impl Default for Stand {
    fn default() -> Self {
        Self {
            state: State::Down,
            since: SystemTime::now(),
            why: None,
        }
    }
}

impl Stand {
    /// Takes the state of the connection, and why the session there serves nothing if it does not. `true` if it is news.
    pub(super) fn take(&mut self, status: &Status, unfit: Option<&str>, is_ready: bool) -> bool {
        // The reason for which it is tried again stays until it is up. Of states that follow each other quickly only the last is
        // seen: that it waits, and for what, may not be.
        let still = match self.state {
            State::Up => (State::Down, Some("the connection was lost")),
            State::Down | State::Refused => (State::Down, self.why.as_deref()),
        };
        let (state, why) = match status {
            Status::Open(_) => match unfit {
                None if is_ready => (State::Up, None),
                None => still,
                Some(why) => (State::Refused, Some(why)),
            },
            Status::Connecting { .. } => still,
            Status::Waiting { reason, .. } => (State::Down, Some(reason.as_str())),
            Status::Refused { reason, .. } => (State::Refused, Some(reason.as_str())),
            Status::Closed => (
                State::Down,
                Some("it is ended here: the daemon stops, or its configuration has changed"),
            ),
        };
        let since = if state == self.state {
            self.since
        } else {
            SystemTime::now()
        };
        let new = Self {
            state,
            since,
            why: why.map(str::to_owned),
        };
        let is_news = new != *self;
        *self = new;
        is_news
    }
}

/// How it stands with a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The realm here.
    pub realm: String,
    /// The link.
    pub name: String,
    /// `up`, `down` or `refused`.
    pub state: &'static str,
    /// Since when.
    pub since: SystemTime,
    /// Why it is not up, a sentence.
    pub why: Option<String>,
    /// Where the other router was found last.
    pub address: Option<String>,
    /// Events that went to the other router, and came from it.
    pub events: [u64; 2],
    /// Calls that were made there for callers here, and here for callers there.
    pub calls: [u64; 2],
    /// Events that should have gone there or come from there and did not.
    pub dropped: [u64; 2],
    /// Events that wait on disk for the other router.
    pub waiting: u64,
    /// Calls that are open now.
    pub open_calls: u64,
    /// What one of the two routers does not let the link have.
    pub missing: Vec<String>,
}

impl Report {
    pub(super) fn figures(&mut self, counters: &Counters) {
        let read = |pair: &[AtomicU64; 2]| [0, 1].map(|at| pair[at].load(Ordering::Relaxed));
        self.events = read(&counters.events);
        self.calls = read(&counters.calls);
        self.dropped = read(&counters.dropped);
        // What was queued and waits no more is there.
        let queued = counters.queued.load(Ordering::Relaxed);
        self.events[0] += queued.saturating_sub(self.waiting);
    }

    /// The same for a procedure to answer with.
    #[must_use]
    pub fn to_dict(&self) -> Dict {
        let since = OffsetDateTime::from(self.since).format(&Rfc3339).ok();
        let missing = self.missing.iter().map(|it| Value::from(it.as_str())).collect();
        let pairs: [(&str, Value); 14] = [
            ("realm", self.realm.as_str().into()),
            ("name", self.name.as_str().into()),
            ("state", self.state.into()),
            ("since", since.into()),
            ("why", self.why.clone().into()),
            ("address", self.address.clone().into()),
            ("events_out", self.events[0].into()),
            ("events_in", self.events[1].into()),
            ("calls_out", self.calls[0].into()),
            ("calls_in", self.calls[1].into()),
            ("dropped_out", self.dropped[0].into()),
            ("dropped_in", self.dropped[1].into()),
            ("waiting", self.waiting.into()),
            ("missing", Value::List(missing)),
        ];
        dict(pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_was_up_says_why_it_is_not_though_nobody_saw_it_wait() {
        let mut stand = Stand {
            state: State::Up,
            ..Stand::default()
        };
        let connecting = Status::Connecting { attempt: 1 };
        assert!(stand.take(&connecting, None, false));
        assert_eq!(
            (stand.state, stand.why.as_deref()),
            (State::Down, Some("the connection was lost"))
        );
        assert!(!stand.take(&connecting, None, false), "that is no news");
    }
}
