//! What has to be so for a while: a condition that begins to hold, holds long enough, and triggers once.

use std::time::Duration;

/// For how long.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Terms {
    /// It has to be so; zero is at once.
    pub(super) held: Duration,
    /// Nobody may be silent about it.
    pub(super) stale: Option<Duration>,
}

/// Whether something is so, since when, and whether that has triggered. Times are spans since the daemon began.
#[derive(Debug, Clone, Default)]
pub(super) struct Hold {
    since: Option<Duration>,
    /// When it was last heard of.
    seen: Duration,
    has_triggered: bool,
}

impl Hold {
    /// One that is so already, and is to trigger only when it has not been so in between.
    pub(super) const fn known(is_so: bool, now: Duration) -> Self {
        Self {
            since: if is_so { Some(now) } else { None },
            seen: now,
            has_triggered: is_so,
        }
    }

    /// Notes whether it is so now; `true` if that triggers at once.
    pub(super) fn note(&mut self, is_so: bool, terms: Terms, now: Duration) -> bool {
        if self.is_stale(terms, now) {
            *self = Self::default();
        }
        self.seen = now;
        if !is_so {
            self.since = None;
            self.has_triggered = false;
            return false;
        }
        self.since.get_or_insert(now);
        self.look(terms, now)
    }

    /// Whether it is time; `true` once.
    pub(super) fn look(&mut self, terms: Terms, now: Duration) -> bool {
        if self.due(terms).is_none_or(|due| now < due) {
            return false;
        }
        if self.is_stale(terms, now) {
            *self = Self::default();
            return false;
        }
        self.has_triggered = true;
        true
    }

    /// When to look again.
    pub(super) fn due(&self, terms: Terms) -> Option<Duration> {
        let since = self.since.filter(|_| !self.has_triggered)?;
        Some(since.saturating_add(terms.held))
    }

    /// Since when it is so.
    pub(super) const fn since(&self) -> Option<Duration> {
        self.since
    }

    fn is_stale(&self, terms: Terms, now: Duration) -> bool {
        terms.stale.is_some_and(|stale| now.saturating_sub(self.seen) > stale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    const TEN: Terms = Terms {
        held: Duration::from_secs(600),
        stale: None,
    };

    #[test]
    fn it_triggers_once_when_it_has_been_so_for_long_enough() {
        let mut hold = Hold::default();
        assert!(!hold.note(true, TEN, s(10)));
        assert_eq!(hold.due(TEN), Some(s(610)));
        assert!(!hold.note(true, TEN, s(300)), "hearing of it again does not begin anew");
        assert!(!hold.look(TEN, s(609)));
        assert!(hold.look(TEN, s(610)));
        assert_eq!(hold.due(TEN), None);
        assert!(!hold.look(TEN, s(700)) && !hold.note(true, TEN, s(1_300)), "once");
    }

    #[test]
    fn it_begins_anew_when_it_was_not_so_in_between() {
        let mut hold = Hold::default();
        hold.note(true, TEN, s(0));
        hold.note(false, TEN, s(599));
        assert_eq!(hold.due(TEN), None);
        hold.note(true, TEN, s(601));
        assert!(!hold.look(TEN, s(1_200)));
        assert!(hold.look(TEN, s(1_201)));
        hold.note(false, TEN, s(1_300));
        hold.note(true, TEN, s(1_400));
        assert!(hold.look(TEN, s(2_000)), "a second time after a pause");
    }

    #[test]
    fn without_a_time_it_triggers_at_once_and_only_on_a_change() {
        let terms = Terms::default();
        let mut hold = Hold::default();
        assert!(hold.note(true, terms, s(1)));
        assert!(!hold.note(true, terms, s(2)));
        assert!(!hold.note(false, terms, s(3)));
        assert!(hold.note(true, terms, s(4)));
        let mut known = Hold::known(true, s(0));
        assert!(!known.note(true, terms, s(1)), "it was so before");
        known.note(false, terms, s(2));
        assert!(known.note(true, terms, s(3)));
    }

    #[test]
    fn what_nobody_speaks_of_any_more_does_not_hold() {
        let terms = Terms {
            stale: Some(s(120)),
            ..TEN
        };
        let mut silent = Hold::default();
        silent.note(true, terms, s(0));
        silent.note(true, terms, s(100));
        assert!(!silent.look(terms, s(600)), "it fell silent at 100");
        assert_eq!(silent.due(terms), None);
        let mut back = Hold::default();
        back.note(true, terms, s(0));
        back.note(true, terms, s(121));
        assert_eq!(back.due(terms), Some(s(721)), "it began anew after the silence");
        let mut steady = Hold::default();
        for second in (0..=600).step_by(120) {
            steady.note(true, terms, s(second));
        }
        assert!(steady.has_triggered, "a word every two minutes is enough");
    }
}
