//! A process seen from outside: what the kernel says of it (proc_pid_status(5)).

use std::fs;

/// One look at it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// Its own memory, KiB: `RssAnon` of `/proc/PID/status`.
    pub(crate) own_kib: u64,
    pub(crate) descriptors: u64,
    pub(crate) threads: u64,
}

impl Sample {
    /// How it is now.
    pub(crate) fn of(pid: u32) -> Self {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the daemon is alive");
        let figure = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("0");
            line.split_whitespace()
                .next()
                .and_then(|it| it.parse().ok())
                .unwrap_or(0)
        };
        Self {
            own_kib: figure("RssAnon:"),
            threads: figure("Threads:"),
            descriptors: fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, |all| all.count() as u64),
        }
    }
}
