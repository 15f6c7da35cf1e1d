//! What must happen at some time, if nothing else happens before.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Realm, Refusal};
use crate::id::{PublicationId, QuestionId, RequestId, SessionId};
use crate::outgoing::Delivery;

/// What is due. Whoever sets one keeps its time, to take it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// The invocation of this callee with this number takes longer than its caller wants to wait.
    Invocation(SessionId, RequestId),
    /// The call of this session with this number waits for its authorizer for longer than it wants to wait.
    Held(SessionId, RequestId),
    /// The call that waits for this consent does.
    Consent(QuestionId),
    /// The subscribers of this publication take longer to say that they have it than a publisher waits.
    Delivery(PublicationId),
}

impl Realm {
    /// When [`Realm::expire`] has something to do, by [`Clock::elapsed`]. Ask again after whatever changed the realm.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.timer.first()
    }

    /// Ends what has lasted as long as it may. Says of which sessions less waits for an authorizer than before.
    pub fn expire(&mut self, now: Duration, out: &mut Vec<Delivery>) -> Vec<SessionId> {
        let mut relieved = Vec::new();
        while let Some(due) = self.timer.take_due(now) {
            match due {
                Due::Invocation(callee, request) => self.time_out(callee, request, out),
                Due::Delivery(publication) => self.delivery_is_late(publication, out),
                Due::Consent(question) => self.withdraw(question, Refusal::UNDECIDED, out),
                Due::Held(session, request) => {
                    self.end_held(session, request, Refusal::UNDECIDED, out);
                    relieved.push(session);
                }
            }
        }
        relieved
    }
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

/// What is left of a call's time at `now`, in milliseconds: at least one, because none at all would be for ever.
pub(super) fn left(until: Duration, now: Duration) -> u32 {
    let left = until.saturating_sub(now).as_millis();
    u32::try_from(left).unwrap_or(u32::MAX).max(1)
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
