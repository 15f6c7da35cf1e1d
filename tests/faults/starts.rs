//! Starts with little of what a program needs: it serves, or ends with what is wrong.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use crate::desk::Desk;
use crate::judge::{Judge, until};

/// Limits of prlimit(1): from less than the runtime needs to as much as a desktop does. Of address space, MiB.
const LITTLE: [(&str, &str, [u64; 6]); 2] = [
    ("nofile", "descriptors", [8, 12, 20, 30, 40, 64]),
    ("as", "memory", [28, 32, 36, 48, 64, 128]),
];
/// What is said of it. A memory that has come to its end leaves a program no choice.
const SAID: [&str; 4] = [
    "Too many open files",
    "does not let this program run",
    "memory allocation of",
    "Cannot allocate memory",
];
/// A start has come to an end, good or bad, by then.
const STARTS: Duration = Duration::from_secs(10);

/// Starts it, again and again.
pub(crate) async fn with_little(desk: &Desk) {
    for (limit, name, amounts) in LITTLE {
        let judge = Judge(name);
        let (mut is_so, mut seen) = (true, Vec::new());
        for amount in amounts {
            let most = if limit == "as" { amount << 20 } else { amount };
            let (is_clear, ended) = start(desk, &format!("--{limit}={most}")).await;
            is_so &= is_clear;
            seen.push(format!("{amount}: {ended}"));
        }
        judge.hears(
            "a start with little of it serves, or ends with what is wrong",
            is_so,
            seen.join("\n"),
        );
    }
}

/// Whether it serves or says why not, and what it came to.
async fn start(desk: &Desk, limit: &str) -> (bool, String) {
    let log = desk.home.join("log-of-start");
    let mut daemon = desk.daemon(&["prlimit", limit]);
    let mut daemon = daemon
        .stderr(Stdio::from(fs::File::create(&log).unwrap()))
        .spawn()
        .unwrap();
    let said = || fs::read_to_string(&log).unwrap();
    let status = tokio::select! {
        status = daemon.wait() => Some(status.unwrap()),
        _ = until(STARTS, async || said().contains(" ready ")) => None,
    };
    let _ = daemon.kill().await;
    let said = said();
    // Where a thread has no memory tokio panics, and the program ends: it must not serve without it.
    let panics = said.contains("panicked") && (status.is_none() || !limit.starts_with("--as"));
    let (is_clear, ended) = match status {
        None if said.contains(" ready ") => (true, "serves".to_owned()),
        None => (false, "neither serves nor ends".to_owned()),
        Some(status) => (SAID.iter().any(|words| said.contains(words)), status.to_string()),
    };
    let told = said.lines().rfind(|line| SAID.iter().any(|words| line.contains(words)));
    (is_clear && !panics, format!("{ended} {}", told.unwrap_or_default()))
}
