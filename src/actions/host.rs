//! The figures of this machine that a threshold can be on.

use std::time::Duration;

use components::backends::host::Report;

use crate::config::action::Reading;

/// How often the machine is measured while an action is about it: a disk that fills up is noticed in time, and reading some
/// files of `/proc` costs less than a millisecond.
pub(super) const INTERVAL: Duration = Duration::from_secs(15);

/// A measurement.
#[derive(Debug)]
pub(super) struct Measured(pub(super) Report);

impl Measured {
    /// One figure of it, if the machine tells it.
    #[allow(
        clippy::cast_precision_loss,
        reason = "a threshold of bytes is not about single ones"
    )]
    pub(super) fn get(&self, reading: &Reading) -> Option<f64> {
        let report = &self.0;
        let percent = |part: u64, all: u64| (all > 0).then(|| part as f64 * 100.0 / all as f64);
        let disk = |mount: &str| report.disks.iter().find(|disk| disk.mount == mount);
        match reading {
            Reading::Load(place) => report.load?.get(usize::from(*place)).copied(),
            Reading::MemoryPercent => {
                let memory = report.memory?;
                percent(memory.total.saturating_sub(memory.available), memory.total)
            }
            Reading::MemoryAvailable => report.memory.map(|memory| memory.available as f64),
            Reading::DiskPercent(mount) => {
                let disk = disk(mount)?;
                percent(disk.total.saturating_sub(disk.free), disk.total)
            }
            Reading::DiskFree(mount) => disk(mount).map(|disk| disk.free as f64),
            Reading::Temperature(None) => report.temperatures.iter().map(|it| it.celsius).reduce(f64::max),
            Reading::Temperature(Some(name)) => report
                .temperatures
                .iter()
                .find(|it| it.name == *name)
                .map(|it| it.celsius),
        }
    }
}

#[cfg(test)]
mod tests {
    use components::backends::host::{Disk, Memory, Temperature};

    use super::*;

    #[test]
    fn every_figure_is_found_and_what_is_not_told_is_none() {
        let temperature = |name: &str, celsius| Temperature {
            name: name.into(),
            celsius,
        };
        let measured = Measured(Report {
            load: Some([1.0, 2.0, 3.0]),
            memory: Some(Memory {
                total: 200,
                available: 50,
            }),
            disks: vec![Disk {
                mount: "/".into(),
                total: 1_000,
                free: 100,
            }],
            temperatures: vec![temperature("a", 40.0), temperature("b", 60.0)],
            ..Report::default()
        });
        let root = || "/".to_owned();
        for (reading, expected) in [
            (Reading::Load(2), Some(3.0)),
            (Reading::MemoryPercent, Some(75.0)),
            (Reading::MemoryAvailable, Some(50.0)),
            (Reading::DiskPercent(root()), Some(90.0)),
            (Reading::DiskFree(root()), Some(100.0)),
            (Reading::DiskFree("/mnt".into()), None),
            (Reading::Temperature(None), Some(60.0)),
            (Reading::Temperature(Some("a".into())), Some(40.0)),
            (Reading::Temperature(Some("c".into())), None),
        ] {
            assert_eq!(measured.get(&reading), expected, "{reading}");
        }
    }
}
