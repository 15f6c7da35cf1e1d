//! What moves while nothing comes: a spinner, a bar, a countdown. Each stands on a line that the next thing replaces, and
//! only where a person sits at a terminal that can go back.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::Output;

/// What ends sooner needs nothing that moves.
const PATIENCE: Duration = Duration::from_millis(300);
/// Between two pictures.
const BEAT: Duration = Duration::from_millis(100);
/// The pictures: dots of braille, which every font for terminals has.
const PICTURES: [char; 8] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠇'];
/// After so long it is said how long it has taken.
const LONG: Duration = Duration::from_secs(5);
/// Characters of a bar.
const BAR: usize = 20;

impl Output {
    /// Does something, and shows that it goes on when it takes longer than a moment.
    pub(crate) async fn while_waiting<T>(&self, text: &str, work: impl Future<Output = T>) -> T {
        let line = |picture: char, elapsed: Duration| {
            let time = if elapsed < LONG {
                String::new()
            } else {
                format!(" {} s", elapsed.as_secs())
            };
            format!("{picture} {text} …{time}")
        };
        self.animated(work, line).await
    }

    /// Does something that is known to take so long.
    pub(crate) async fn while_passing<T>(&self, text: &str, whole: Duration, work: impl Future<Output = T>) -> T {
        let line = |_: char, elapsed: Duration| format!("{} {text}", bar(elapsed, whole));
        self.animated(work, line).await
    }

    async fn animated<T>(&self, work: impl Future<Output = T>, line: impl Fn(char, Duration) -> String) -> T {
        if !self.has_passing() {
            return work.await;
        }
        let mut work = pin!(work);
        let begin = Instant::now();
        let mut beat = interval_at(begin + PATIENCE, BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
        for picture in PICTURES.iter().cycle() {
            tokio::select! {
                biased;
                done = &mut work => {
                    self.passing("");
                    return done;
                }
                _ = beat.tick() => self.passing(&line(*picture, begin.elapsed())),
            }
        }
        work.await
    }
}

fn bar(elapsed: Duration, whole: Duration) -> String {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "it is between 0 and the length of the bar"
    )]
    let full = ((elapsed.as_secs_f64() / whole.as_secs_f64().max(0.001)).min(1.0) * BAR as f64) as usize;
    format!("{}{}", "█".repeat(full), "░".repeat(BAR - full))
}

/// Minutes and seconds that are left, rounded: who looks once a second, a little late, sees each once.
pub(crate) fn left(until: Instant) -> String {
    const HALF: Duration = Duration::from_millis(500);
    let left = (until.saturating_duration_since(Instant::now()) + HALF).as_secs();
    format!("{}:{:02}", left / 60, left % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fills_with_the_time_and_stays_full() {
        let seconds = Duration::from_secs;
        assert_eq!(bar(seconds(0), seconds(2)), "░".repeat(20));
        assert_eq!(bar(seconds(1), seconds(2)), "█".repeat(10) + &"░".repeat(10));
        assert_eq!(bar(seconds(3), seconds(2)), "█".repeat(20));
        assert_eq!(bar(seconds(0), seconds(0)), "░".repeat(20));
    }
}
