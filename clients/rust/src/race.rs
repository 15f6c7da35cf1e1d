//! Trying several places, each with a lead over the next: one that says nothing, behind a DNS that does not answer or an address
//! of another network, keeps nobody from the next (RFC 8305 §5).

use std::collections::VecDeque;
use std::panic::resume_unwind;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// The lead that each place has over the next (RFC 8305 §8 recommends this much).
pub(crate) const HEAD_START: Duration = Duration::from_millis(250);
/// A connection that has waited for so long for its turn is made anew: at its end nobody waits for ever for a first word
/// (ours five seconds).
const FRESH: Duration = Duration::from_secs(2);

/// When something was connected.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Since(Instant);

impl Since {
    pub(crate) fn now() -> Self {
        Self(Instant::now())
    }

    /// Whether it waited for too long.
    pub(crate) fn is_stale(self) -> bool {
        self.0.elapsed() >= FRESH
    }
}

/// Attempts at several places, of which any number goes on at once.
///
/// What is done side by side must be harmless where two of the places are the same machine: connections, not logins.
#[derive(Debug)]
pub(crate) struct Race<P, T> {
    places: VecDeque<P>,
    /// `None`: each place is tried when the one before it has come to its end.
    lead: Option<Duration>,
    attempts: JoinSet<(P, T)>,
}

impl<P, T> Race<P, T>
where
    P: Clone + Send + 'static,
    T: Send + 'static,
{
    pub(crate) fn new(places: impl IntoIterator<Item = P>, lead: Option<Duration>) -> Self {
        Self {
            places: places.into_iter().collect(),
            lead,
            attempts: JoinSet::new(),
        }
    }

    /// Tries no further places; those that are being tried go on.
    pub(crate) fn begin_no_more(&mut self) {
        self.places.clear();
    }

    /// The next attempt that has come to its end, and what came of it; `None` after the last. What goes on when the race is
    /// dropped ends with it.
    pub(crate) async fn next<F>(&mut self, attempt: impl Fn(P) -> F) -> Option<(P, T)>
    where
        F: Future<Output = T> + Send + 'static,
    {
        loop {
            if (self.lead.is_some() || self.attempts.is_empty())
                && let Some(place) = self.places.pop_front()
            {
                let trying = attempt(place.clone());
                self.attempts.spawn(async move { (place, trying.await) });
            }
            let next_begins = async {
                match self.lead {
                    Some(lead) if !self.places.is_empty() => sleep(lead).await,
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                ended = self.attempts.join_next() => match ended? {
                    Ok(ended) => return Some(ended),
                    Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
                    Err(_) => {}
                },
                () = next_begins => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::time::Instant;

    use super::*;

    /// Takes so many milliseconds, and notes when it began.
    fn after(
        began: &Mutex<Vec<(u64, u128)>>,
        start: Instant,
        millis: u64,
    ) -> impl Future<Output = u64> + Send + 'static {
        began.lock().unwrap().push((millis, start.elapsed().as_millis()));
        async move {
            sleep(Duration::from_millis(millis)).await;
            millis
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_place_has_a_lead_over_the_next_and_whoever_is_first_is_told_first() {
        let (began, start) = (Mutex::new(Vec::new()), Instant::now());
        let mut race = Race::new([5_000, 100, 20], Some(HEAD_START));
        assert_eq!(race.next(|it| after(&began, start, it)).await, Some((100, 100)));
        // The one that ended makes room for the next at once.
        assert_eq!(race.next(|it| after(&began, start, it)).await, Some((20, 20)));
        assert_eq!(*began.lock().unwrap(), [(5_000, 0), (100, 250), (20, 350)]);
        assert_eq!(race.next(|it| after(&began, start, it)).await, Some((5_000, 5_000)));
        assert_eq!(start.elapsed().as_millis(), 5_000);
        assert_eq!(race.next(|it| after(&began, start, it)).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_lead_one_follows_the_other() {
        let (began, start) = (Mutex::new(Vec::new()), Instant::now());
        let mut race = Race::new([700, 100], None);
        assert_eq!(race.next(|it| after(&began, start, it)).await, Some((700, 700)));
        assert_eq!(race.next(|it| after(&began, start, it)).await, Some((100, 100)));
        assert_eq!(race.next(|it| after(&began, start, it)).await, None);
        assert_eq!(*began.lock().unwrap(), [(700, 0), (100, 700)]);
    }

    #[tokio::test]
    async fn without_places_nothing_is_tried() {
        let mut race = Race::<u64, u64>::new([], Some(HEAD_START));
        assert_eq!(race.next(std::future::ready).await, None);
    }
}
