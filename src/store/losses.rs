//! What a full or failing disk costs: counted for figures, and said in the log when it begins, now and then, and when it is over.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::StoreError;

/// How often it is said at most: a full disk must not fill the log too.
const SAID_EVERY: Duration = Duration::from_secs(60);

/// Records that could not be written, by the realm whose they are.
#[derive(Clone, Debug, Default)]
pub(super) struct Losses(Arc<Mutex<BTreeMap<String, Arc<AtomicU64>>>>);

impl Losses {
    /// The count of a realm.
    pub(super) fn of(&self, realm: &str) -> Arc<AtomicU64> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(counts.entry(realm.to_owned()).or_default())
    }

    /// How many there were since the daemon began, of each realm that keeps something on disk.
    pub(super) fn read(&self) -> Vec<(String, u64)> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let read = |(realm, count): (&String, &Arc<AtomicU64>)| (realm.clone(), count.load(Ordering::Relaxed));
        counts.iter().map(read).collect()
    }
}

/// A failure that repeats itself, as the log has it.
#[derive(Debug)]
pub(super) struct Repeated {
    /// What does not happen, and what happens again.
    words: [&'static str; 2],
    /// Failures since it was last said that all is well.
    failed: u64,
    said: Option<Instant>,
    /// Whether the log does not know yet that it is over.
    is_told: bool,
}

impl Repeated {
    pub(super) const fn new(words: [&'static str; 2]) -> Self {
        Self {
            words,
            failed: 0,
            said: None,
            is_told: false,
        }
    }

    /// Notes how a try went, and says what is new.
    pub(super) fn note(&mut self, tried: &Result<(), StoreError>) {
        let now = Instant::now();
        let [lost, again] = self.words;
        match tried {
            Err(error) if self.fails(now) => tracing::error!(failed = self.failed, "{lost}: {error}"),
            Ok(()) if self.is_told => {
                tracing::info!(failed = self.failed, "{again}");
                (self.failed, self.is_told) = (0, false);
            }
            Ok(()) | Err(_) => {}
        }
    }

    /// Counts a failure; whether it is time to say so.
    fn fails(&mut self, now: Instant) -> bool {
        self.failed += 1;
        let is_time = self.said.is_none_or(|said| now >= said + SAID_EVERY);
        if is_time {
            (self.said, self.is_told) = (Some(now), true);
        }
        is_time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_said_at_once_and_then_once_a_minute() {
        let mut repeated = Repeated::new(["lost", "again"]);
        let begin = Instant::now();
        assert!(repeated.fails(begin));
        let last = SAID_EVERY - Duration::from_nanos(1);
        assert!((0..1_000).all(|_| !repeated.fails(begin + last)));
        assert!(repeated.fails(begin + SAID_EVERY));
        assert_eq!(repeated.failed, 1_002);
    }

    #[test]
    fn a_disk_that_now_takes_something_and_now_does_not_is_spoken_of_once_a_minute() {
        let mut repeated = Repeated::new(["lost", "again"]);
        repeated.note(&Err(StoreError::ReadOnly("full".to_owned())));
        assert!(repeated.is_told);
        repeated.note(&Ok(()));
        assert!(!repeated.is_told && repeated.failed == 0, "that it is over is said");
        repeated.note(&Err(StoreError::ReadOnly("full".to_owned())));
        assert!(
            !repeated.is_told && repeated.failed == 1,
            "within the minute nothing is said"
        );
    }

    #[test]
    fn each_realm_has_a_count_of_its_own() {
        let losses = Losses::default();
        losses.of("a").fetch_add(2, Ordering::Relaxed);
        losses.of("b");
        losses.clone().of("a").fetch_add(1, Ordering::Relaxed);
        assert_eq!(losses.read(), [("a".to_owned(), 3), ("b".to_owned(), 0)]);
    }
}
