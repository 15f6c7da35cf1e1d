//! Whether the clock on the wall has gone on as time has: it can be set, and it goes on while the machine sleeps.

use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::Instant;

/// What a clock may differ by without a word: the network corrects clocks by seconds.
const UNNOTICED: time::Duration = time::Duration::MINUTE;

/// Both clocks, as they were at the last look.
#[derive(Debug)]
pub(crate) struct Watch {
    wall: OffsetDateTime,
    steady: Instant,
}

impl Watch {
    pub(crate) fn new() -> Self {
        Self {
            wall: OffsetDateTime::now_utc(),
            steady: Instant::now(),
        }
    }

    /// Says in the log that the clock jumped since the last look, if it did, and what follows it.
    pub(crate) fn look(&mut self, follows: &str) {
        let (wall, passed) = (OffsetDateTime::now_utc(), self.steady.elapsed());
        if let Some(jump) = jump(wall - self.wall, passed) {
            let (way, by) = if jump.is_negative() {
                ("back", -jump)
            } else {
                ("forward", jump)
            };
            tracing::info!(
                by_s = by.as_seconds_f64().round(),
                "the clock went {way}: it was set, or the machine slept; {follows} follow it"
            );
        }
        *self = Self::new();
    }
}

/// By how much the clock went on otherwise than time did, if that is to be spoken of.
fn jump(wall: time::Duration, passed: Duration) -> Option<time::Duration> {
    let passed = time::Duration::try_from(passed).unwrap_or(time::Duration::MAX);
    let jump = wall.saturating_sub(passed);
    (jump.abs() > UNNOTICED).then_some(jump)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_goes_as_time_does_is_no_news_and_one_that_jumps_is() {
        let passed = Duration::from_secs(30);
        let wall = time::Duration::seconds;
        assert_eq!(jump(wall(30), passed), None);
        assert_eq!(jump(wall(90), passed), None, "at the bound");
        assert_eq!(jump(wall(91), passed), Some(wall(61)));
        assert_eq!(jump(wall(-30), passed), None, "at the bound");
        assert_eq!(jump(wall(-31), passed), Some(wall(-61)));
        assert_eq!(jump(wall(3_630), passed), Some(time::Duration::HOUR));
        assert_eq!(jump(wall(-86_370), passed), Some(-time::Duration::DAY));
    }
}
