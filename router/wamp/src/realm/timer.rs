//! What must happen at some time, if nothing else happens before.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::id::{RequestId, SessionId};

/// What is due. Whoever sets one keeps its time, to take it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// The invocation of this callee with this number takes longer than its caller wants to wait.
    Invocation(SessionId, RequestId),
}

/// The deadlines of a realm, by [`super::Clock::elapsed`].
#[derive(Debug, Default)]
pub(super) struct Timer(BTreeSet<(Duration, Due)>);

impl Timer {
    pub(super) fn set(&mut self, at: Duration, due: Due) {
        self.0.insert((at, due));
    }

    /// Takes one back that is not due any more.
    pub(super) fn cancel(&mut self, at: Duration, due: Due) {
        self.0.remove(&(at, due));
    }

    pub(super) fn first(&self) -> Option<Duration> {
        self.0.first().map(|(at, _)| *at)
    }

    /// The next one that is due.
    pub(super) fn take_due(&mut self, now: Duration) -> Option<Due> {
        let first = self.0.first().copied().filter(|(at, _)| *at <= now)?;
        self.0.remove(&first);
        Some(first.1)
    }

    /// Whether nothing waits for its time.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
