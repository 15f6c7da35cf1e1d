//! How often an action is done.
//!
//! With `at_most` the owner says so, and what is more is left out. Without, an action that runs [`USUAL`] times triggers
//! itself in all likelihood (it calls something that publishes what it listens to), and pauses.

use std::collections::VecDeque;
use std::time::Duration;

use crate::config::action::Rate;

/// What an action may do when nothing is said. More than once a second for a minute is a loop, or has an `at_most`.
pub const USUAL: Rate = Rate {
    count: 60,
    period: Duration::from_secs(60),
};

/// How long an action pauses that does more: a loop is as good as stopped, and a busy hour ends by itself.
pub const PAUSE: Duration = Duration::from_secs(600);

/// Whether an action may be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Run,
    /// It has been done as often as it may.
    TooOften,
    /// It has just begun to pause.
    BeginsPause,
    /// It pauses.
    Pauses,
}

/// When an action was done lately.
#[derive(Debug)]
pub(super) struct Limiter {
    rate: Option<Rate>,
    runs: VecDeque<Duration>,
    paused_until: Option<Duration>,
}

impl Limiter {
    pub(super) const fn new(rate: Option<Rate>) -> Self {
        Self {
            rate,
            runs: VecDeque::new(),
            paused_until: None,
        }
    }

    /// Asks, and counts it if it may be.
    pub(super) fn ask(&mut self, now: Duration) -> Verdict {
        if self.paused_until.is_some_and(|until| now < until) {
            return Verdict::Pauses;
        }
        self.paused_until = None;
        let rate = self.rate.unwrap_or(USUAL);
        while self
            .runs
            .front()
            .is_some_and(|run| now.saturating_sub(*run) >= rate.period)
        {
            self.runs.pop_front();
        }
        if self.runs.len() < rate.count as usize {
            self.runs.push_back(now);
            return Verdict::Run;
        }
        if self.rate.is_some() {
            return Verdict::TooOften;
        }
        self.paused_until = Some(now + PAUSE);
        self.runs.clear();
        Verdict::BeginsPause
    }

    /// Until when it pauses, if it does.
    pub(super) fn paused_until(&self, now: Duration) -> Option<Duration> {
        self.paused_until.filter(|until| now < *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn so_many_in_any_period_and_not_one_more() {
        let rate = Rate {
            count: 2,
            period: s(600),
        };
        let mut limiter = Limiter::new(Some(rate));
        let asked: Vec<_> = [0, 300, 599, 600, 899, 900].map(|second| limiter.ask(s(second))).into();
        use Verdict::{Run, TooOften};
        assert_eq!(asked, [Run, Run, TooOften, Run, TooOften, Run]);
    }

    #[test]
    fn an_action_that_triggers_itself_pauses_and_comes_back() {
        let mut limiter = Limiter::new(None);
        for _ in 0..USUAL.count {
            assert_eq!(limiter.ask(s(1)), Verdict::Run);
        }
        assert_eq!(limiter.ask(s(2)), Verdict::BeginsPause);
        assert_eq!(limiter.paused_until(s(2)), Some(s(602)));
        assert_eq!(limiter.ask(s(601)), Verdict::Pauses);
        assert_eq!(limiter.ask(s(602)), Verdict::Run);
        assert_eq!(limiter.paused_until(s(602)), None);
    }

    #[test]
    fn once_a_second_for_ever_is_no_loop() {
        let mut limiter = Limiter::new(None);
        for second in 0..1_000 {
            assert_eq!(limiter.ask(s(second)), Verdict::Run, "{second}");
        }
    }
}
