//! The figures of this process, as the kernel has them (proc(5)).

use std::fs;

use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};

/// What the kernel says of this process.
#[derive(Debug)]
pub(super) struct Process {
    /// Time of user and system, in seconds.
    pub(super) cpu_s: f64,
    /// When it started, in seconds since 1970.
    pub(super) started: f64,
    /// Bytes of memory in use.
    pub(super) resident: u64,
    /// Bytes of address space.
    pub(super) virtual_bytes: u64,
    pub(super) open_files: u64,
    /// How many there may be; `None` for any number.
    pub(super) most_files: Option<u64>,
}

impl Process {
    /// None where there is no /proc.
    pub(super) fn of_this() -> Option<Self> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        let boot = boot_time(&fs::read_to_string("/proc/stat").ok()?)?;
        let open_files = fs::read_dir("/proc/self/fd").ok()?.count() as u64;
        let mut process = Self::parse(&stat, boot, clock_ticks_per_second(), page_size() as u64)?;
        // One of them reads the list.
        process.open_files = open_files.saturating_sub(1);
        process.most_files = getrlimit(Resource::Nofile).current;
        Some(process)
    }

    /// From the text of `/proc/self/stat`. The name of the program stands in parentheses, and may have any characters.
    fn parse(stat: &str, boot: u64, ticks: u64, page: u64) -> Option<Self> {
        let (_, fields) = stat.rsplit_once(") ")?;
        // The first of these is the third of the manual page.
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        let seconds = |number: u64| number as f64 / ticks as f64;
        Some(Self {
            cpu_s: seconds(field(14)? + field(15)?),
            started: boot as f64 + seconds(field(22)?),
            virtual_bytes: field(23)?,
            resident: field(24)? * page,
            open_files: 0,
            most_files: None,
        })
    }
}

/// When the machine started, in seconds since 1970.
fn boot_time(stat: &str) -> Option<u64> {
    stat.lines()
        .find_map(|line| line.strip_prefix("btime "))?
        .trim()
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_line_is_read_whatever_the_program_is_called() {
        let stat =
            "42 (a) b (c) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 4 0 1000 4096000 300 18446744073709551615";
        let process = Process::parse(stat, 1_000_000, 100, 4_096).expect("a whole line");
        assert!((process.cpu_s - 3.0).abs() < 1e-9 && (process.started - 1_000_010.0).abs() < 1e-6);
        assert_eq!((process.virtual_bytes, process.resident), (4_096_000, 300 * 4_096));
        assert!(Process::parse("42 (a) S 1", 0, 100, 4_096).is_none());
        assert_eq!(
            boot_time("cpu 1 2\nbtime 1700000000\nprocesses 7\n"),
            Some(1_700_000_000)
        );
    }

    #[test]
    fn this_process_has_plausible_figures() {
        let process = Process::of_this().expect("Linux has /proc");
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .expect("after 1970");
        assert!(
            process.started > 1e9 && process.started <= now.as_secs_f64() + 2.0,
            "{process:?}"
        );
        assert!(
            process.resident > 100_000 && process.virtual_bytes >= process.resident,
            "{process:?}"
        );
        assert!(process.open_files >= 3, "{process:?}");
    }
}
