//! Connections that cannot be accepted, mostly because file descriptors have run out: when to try again, and how often to say so.

use std::io;
use std::time::Duration;

use rustix::io::Errno;
use tokio::time::Instant;

/// Pause after accept failed, doubled up to [`LONGEST_PAUSE`]: out of file descriptors, the next try fails as well.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How often it is said at most: whoever takes all descriptors must not fill the log as well.
const SAID_EVERY: Duration = Duration::from_secs(60);

/// What a listener remembers of the connections that it could not accept.
#[derive(Debug)]
pub struct Unaccepted {
    pause: Duration,
    said: Option<Instant>,
    /// Tries that failed since it was said.
    failed: u64,
}

impl Default for Unaccepted {
    fn default() -> Self {
        Self {
            pause: FIRST_PAUSE,
            said: None,
            failed: 0,
        }
    }
}

impl Unaccepted {
    /// A connection was accepted.
    pub fn accepted(&mut self) {
        self.pause = FIRST_PAUSE;
    }

    /// One was not: says so, if that was not said a minute ago, and waits before the next try.
    pub async fn wait(&mut self, error: &io::Error) {
        let now = Instant::now();
        if let Some(tries) = self.note(now) {
            tracing::warn!(tries, "a connection could not be accepted: {error}{}", mend(error));
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    /// Counts a try that failed; the count if it is time to say it.
    fn note(&mut self, now: Instant) -> Option<u64> {
        self.failed += 1;
        if self.said.is_some_and(|said| now < said + SAID_EVERY) {
            return None;
        }
        self.said = Some(now);
        Some(std::mem::take(&mut self.failed))
    }
}

/// What helps, where the program knows it.
fn mend(error: &io::Error) -> &'static str {
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::MFILE) => {
            "; sessions that are open go on. Let the program have more file descriptors: LimitNOFILE= of its service, or ulimit -n"
        }
        #[cfg(not(windows))]
        Some(Errno::NFILE) => "; the whole system has none left: sysctl fs.file-max",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_said_once_a_minute_with_how_often_it_happened() {
        let mut unaccepted = Unaccepted::default();
        let begin = Instant::now();
        assert_eq!(unaccepted.note(begin), Some(1));
        let last = SAID_EVERY - Duration::from_nanos(1);
        assert!((0..50).all(|_| unaccepted.note(begin + last).is_none()));
        assert_eq!(unaccepted.note(begin + SAID_EVERY), Some(51));
    }

    #[tokio::test(start_paused = true)]
    async fn the_pause_grows_to_a_second_and_is_short_again_after_a_connection() {
        let mut unaccepted = Unaccepted::default();
        let error = io::Error::from(Errno::MFILE);
        let mut pauses = Vec::new();
        for _ in 0..10 {
            let before = Instant::now();
            unaccepted.wait(&error).await;
            pauses.push(before.elapsed().as_millis());
        }
        assert_eq!(pauses, [10, 20, 40, 80, 160, 320, 640, 1_000, 1_000, 1_000]);
        unaccepted.accepted();
        let before = Instant::now();
        unaccepted.wait(&error).await;
        assert_eq!(before.elapsed(), FIRST_PAUSE);
    }

    #[test]
    fn out_of_descriptors_the_mend_is_named() {
        assert!(mend(&io::Error::from(Errno::MFILE)).contains("LimitNOFILE="));
        #[cfg(not(windows))]
        assert!(mend(&io::Error::from(Errno::NFILE)).contains("fs.file-max"));
        assert_eq!(mend(&io::Error::from(Errno::CONNABORTED)), "");
    }
}
