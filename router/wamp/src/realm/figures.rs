//! What a realm counts and what it holds, in figures. Counts only grow: whoever wants rates looks twice.

use std::time::Duration;

use super::Realm;
use super::member::Requests;
use crate::id::SessionId;
use crate::uri::Uri;

/// Up to how many microseconds an answer may take to count in each of the [`Latencies`]: from what a program on the same
/// machine needs to what a person who is asked does.
const BOUNDS_US: [u64; 14] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000, 30_000_000,
];

/// How long callees took: from the INVOCATION to the YIELD or ERROR that ends it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Latencies {
    /// Of each bound, and of those beyond the last.
    counts: [u64; BOUNDS_US.len() + 1],
    sum_us: u64,
}

impl Latencies {
    fn count(&mut self, took: u64) {
        let bound = BOUNDS_US.iter().position(|bound| took <= *bound);
        self.counts[bound.unwrap_or(BOUNDS_US.len())] += 1;
        self.sum_us = self.sum_us.saturating_add(took);
    }

    /// How many took no longer than each bound, in its order, and last how many there were.
    pub fn cumulative(&self) -> impl Iterator<Item = (Option<Duration>, u64)> {
        let bounds = BOUNDS_US.iter().map(|bound| Some(Duration::from_micros(*bound)));
        let mut sum = 0;
        bounds.chain([None]).zip(self.counts).map(move |(bound, count)| {
            sum += count;
            (bound, sum)
        })
    }

    /// All of them together.
    #[must_use]
    pub const fn sum(&self) -> Duration {
        Duration::from_micros(self.sum_us)
    }
}

/// What a realm holds now, and how long its callees took.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Topics and patterns that somebody subscribed to, or whose history is kept.
    pub subscriptions: usize,
    /// Procedures and patterns that somebody registered.
    pub registrations: usize,
    /// Invocations that are not answered.
    pub invocations: usize,
    /// Events that are retained, and the bytes that they hold.
    pub retained: (usize, usize),
    /// Events in histories, and the bytes that they hold.
    pub recorded: (usize, usize),
    /// How long callees took.
    pub latencies: Latencies,
}

impl Realm {
    /// Says that the messages that follow came together: of their time the clock is asked once, if at all.
    pub const fn begin(&mut self) {
        self.moment = None;
    }

    /// When the messages came that are being routed, in microseconds of [`super::Clock::elapsed`].
    #[inline]
    pub(super) fn moment(&mut self) -> u64 {
        match self.moment {
            Some(moment) => moment,
            None => self.ask_the_clock(),
        }
    }

    #[cold]
    fn ask_the_clock(&mut self) -> u64 {
        let now = (self.clock.elapsed)();
        let moment = now.as_secs() * 1_000_000 + u64::from(now.subsec_micros());
        self.moment = Some(moment);
        moment
    }

    /// A callee has answered what it was given at `since`.
    #[inline]
    pub(super) fn count_answer(&mut self, since: u64) {
        let took = self.moment().saturating_sub(since);
        self.latencies.count(took);
    }

    /// What the realm holds.
    #[must_use]
    pub fn figures(&self) -> Figures {
        Figures {
            subscriptions: self.broker.len(),
            registrations: self.dealer.len(),
            invocations: self.open_invocations,
            retained: self.broker.retained_size(),
            recorded: self.broker.recorded_size(&self.settings.history),
            latencies: self.latencies.clone(),
        }
    }

    /// Whether anybody would get an event of this topic now.
    #[must_use]
    pub fn has_audience(&self, topic: &Uri) -> bool {
        self.broker.has_audience(topic)
    }

    /// How many sessions there are.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.members.len()
    }

    /// What a session has asked for since it joined.
    #[must_use]
    pub fn requests_of(&self, session: SessionId) -> Option<Requests> {
        self.members.get(session).map(|member| member.requests)
    }

    /// What all sessions have asked for, those that left too.
    #[must_use]
    pub const fn requests(&self) -> Requests {
        self.requests
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latency_counts_in_the_first_bound_that_it_does_not_pass() {
        let mut latencies = Latencies::default();
        for took in [0, 100, 101, 30_000_000, 30_000_001] {
            latencies.count(took);
        }
        let counts: Vec<_> = latencies.cumulative().collect();
        assert_eq!(counts[0], (Some(Duration::from_micros(100)), 2));
        assert_eq!(counts[1], (Some(Duration::from_micros(250)), 3));
        assert_eq!(counts[BOUNDS_US.len() - 1], (Some(Duration::from_secs(30)), 4));
        assert_eq!(counts[BOUNDS_US.len()], (None, 5));
        assert_eq!(latencies.sum(), Duration::from_micros(60_000_202));
    }
}
