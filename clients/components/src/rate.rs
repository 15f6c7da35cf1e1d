//! How often something may happen that a person at the desktop sees: so many at once, and from then on one each period
//! (the generic cell rate algorithm: one moment is all there is to remember).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::Refusal;

/// What has happened so far, as far as it still counts.
#[derive(Debug)]
pub(crate) struct Rate {
    burst: u32,
    period: Duration,
    /// When all that has happened is paid for.
    paid: Mutex<Instant>,
}

impl Rate {
    /// So many at once after a pause, and one more each period.
    pub(crate) fn new(burst: u32, period: Duration) -> Self {
        Self {
            burst,
            period,
            paid: Mutex::new(Instant::now()),
        }
    }

    /// Counts one, or says when there may be one again. `what` are those that are too many: "messages".
    pub(crate) fn count(&self, what: &str) -> Result<(), Refusal> {
        let now = Instant::now();
        let mut paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
        let then = (*paid).max(now) + self.period;
        let excess = then.duration_since(now).saturating_sub(self.period * self.burst);
        if excess.is_zero() {
            *paid = then;
            return Ok(());
        }
        let wait = excess.as_secs_f64().ceil();
        Err(Refusal::Busy(format!(
            "too many {what} at once; the next may come in {wait} s"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn so_many_may_come_at_once_and_then_one_at_a_time() {
        let rate = Rate::new(3, Duration::from_secs(2));
        for _ in 0..3 {
            assert_eq!(rate.count("calls"), Ok(()));
        }
        let refusal = rate.count("calls").unwrap_err();
        assert_eq!(refusal.uri(), "org.deskconn.error.busy");
        assert_eq!(refusal.to_string(), "too many calls at once; the next may come in 2 s");
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(rate.count("calls"), Ok(()));
        assert!(rate.count("calls").is_err());
        tokio::time::advance(Duration::from_secs(200)).await;
        for _ in 0..3 {
            assert_eq!(rate.count("calls"), Ok(()));
        }
        assert!(rate.count("calls").is_err(), "a long pause saves no more");
    }
}
