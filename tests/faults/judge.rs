//! What has to hold, as sentences that pass or fail; and how long is waited for it.

use std::fmt::Display;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::desk::Desk;
use crate::process::Sample;
use crate::users::Season;

/// Memory of its own may be so much more after a fault than before: an allocator does not give back at once, and buffers that
/// a fault filled stay where they are.
const MORE_KIB: u64 = 4 << 10;
/// Connections that end are closed a moment later, and the bus and discovery open theirs again when they need them.
const MORE_DESCRIPTORS: u64 = 4;
/// The runtime starts threads for work that blocks, and keeps each for ten seconds after the last.
const MORE_THREADS: u64 = 4;
/// How long a daemon may take to be as it was.
const RECOVERS: Duration = Duration::from_secs(10);
/// Lines of the log that a fault may cost: what is lost, each kind of it once or twice, and that it is over.
const MOST_LINES: usize = 12;
/// How often it is looked again.
const LOOK: Duration = Duration::from_millis(50);

static FAILED: AtomicUsize = AtomicUsize::new(0);
static HELD: AtomicUsize = AtomicUsize::new(0);

/// Judges one fault.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Judge(pub(crate) &'static str);

impl Judge {
    /// Says whether it is so, with what was seen.
    pub(crate) fn hears(self, sentence: &str, is_so: bool, seen: impl Display) {
        let seen = seen.to_string();
        let seen = seen.trim();
        if is_so {
            HELD.fetch_add(1, Ordering::Relaxed);
            let seen: Vec<String> = seen.lines().map(|line| line.chars().take(160).collect()).collect();
            println!("ok   {}: {sentence} [{}]", self.0, seen.join("; "));
        } else {
            FAILED.fetch_add(1, Ordering::Relaxed);
            println!("FAIL {}: {sentence}: {seen}", self.0);
        }
    }

    /// Whether everybody who used it meanwhile was served.
    pub(crate) fn served(self, season: &Season) {
        let is_so = season.wrong.is_empty() && season.calls > 0 && season.events > 0 && season.visits > 0;
        self.hears("calls, events and a paired device's requests go on", is_so, season);
    }

    /// Whether it said so little in the log, and all of these words.
    pub(crate) fn logged(self, desk: &Desk, mark: usize, words: &[&str]) {
        let log = desk.log_from(mark);
        let missing: Vec<_> = words.iter().filter(|word| !log.contains(**word)).collect();
        // Who comes and goes is those who ask here.
        let lines = log.lines().filter(|line| !line.contains(" session{")).count();
        let is_so = missing.is_empty() && lines <= MOST_LINES && !log.contains("panicked");
        let seen = if is_so {
            format!("{lines} lines")
        } else {
            format!("{lines} lines, without {missing:?}:\n{log}")
        };
        self.hears("the log says what is wrong, and little", is_so, seen);
    }

    /// Whether the daemon is as it was before.
    pub(crate) async fn recovered(self, desk: &mut Desk, before: &Sample) {
        let is_well = |now: &Sample| {
            now.own_kib <= before.own_kib + MORE_KIB
                && now.descriptors <= before.descriptors + MORE_DESCRIPTORS
                && now.threads <= before.threads + MORE_THREADS
        };
        let well = until(RECOVERS, async || is_well(&desk.sample())).await;
        let is_so = well.is_some() && desk.is_alive();
        let now = desk.sample();
        let seen = format!(
            "{} → {} KiB, {} → {} descriptors, {} → {} threads",
            before.own_kib, now.own_kib, before.descriptors, now.descriptors, before.threads, now.threads
        );
        self.hears("memory, descriptors and threads are as before", is_so, seen);
    }
}

/// Waits until it is so, for so long at most; says how long it took.
pub(crate) async fn until(limit: Duration, is_so: impl AsyncFn() -> bool) -> Option<Duration> {
    let began = Instant::now();
    loop {
        if is_so().await {
            return Some(began.elapsed());
        }
        if began.elapsed() >= limit {
            return None;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// How many sentences hold, and how many do not.
pub(crate) fn verdict() -> (usize, usize) {
    (HELD.load(Ordering::Relaxed), FAILED.load(Ordering::Relaxed))
}
