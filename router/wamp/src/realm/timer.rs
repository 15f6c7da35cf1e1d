//! What must happen at some time, if nothing else happens before.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::id::{PublicationId, RequestId, SessionId};

/// What is due. Whoever sets one keeps its time, to take it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// The invocation of this callee with this number takes longer than its caller wants to wait.
    Invocation(SessionId, RequestId),
    /// The subscribers of this publication take longer to say that they have it than a publisher waits.
    Delivery(PublicationId),
}

/// Tells the time. A realm asks only where something depends on it: a message that says when, a call that may not take
/// for ever.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// The time of day.
    pub time_of_day: fn() -> SystemTime,
    /// The time since some moment, always the same one; it never goes back.
    pub elapsed: fn() -> Duration,
}

/// A time as RFC 3339 text in universal time; `None` for a clock beyond the year 9999.
pub(super) fn rfc3339(time: SystemTime) -> Option<String> {
    OffsetDateTime::from(time).format(&Rfc3339).ok()
}

/// A time as such text, to the millisecond: `yyyy-MM-ddThh:mm:ss.SSSZ`.
pub(super) fn timestamp(time: SystemTime) -> Option<String> {
    let time = OffsetDateTime::from(time);
    let seconds = time.replace_nanosecond(0).ok()?.format(&Rfc3339).ok()?;
    let seconds = seconds.strip_suffix('Z')?;
    Some(format!("{seconds}.{:03}Z", time.millisecond()))
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
