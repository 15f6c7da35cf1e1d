//! The backlights below one directory, as the kernel lays them out
//! (`Documentation/ABI/stable/sysfs-class-backlight`). Reads and writes files
//! and blocks while it does; `backlight` calls it from a thread of its own.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Display, DisplayKind};

/// One backlight that can be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Panel {
    pub(super) id: String,
    directory: PathBuf,
    preference: Preference,
    max: u32,
}

/// Several interfaces may drive the same panel. The kernel's documentation says
/// which to prefer: firmware, then platform, then raw. Among equals, the one
/// whose connector has a display.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Preference {
    interface: Interface,
    is_unconnected: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Interface {
    Firmware,
    Platform,
    Raw,
}

/// The panels below `root`, the best first. Only the best sort of interface is
/// listed: the others are the same panels again. An unreadable entry, or one
/// that cannot be set because its maximum is 0, is left out.
pub(super) fn panels(root: &Path) -> io::Result<Vec<Panel>> {
    let mut panels: Vec<Panel> = fs::read_dir(root)?
        .flatten()
        .filter_map(|entry| Panel::open(&entry.path()))
        .collect();
    panels.sort_by(|a, b| (a.preference, &a.id).cmp(&(b.preference, &b.id)));
    if let Some(best) = panels.first().map(|panel| panel.preference.interface) {
        panels.retain(|panel| panel.preference.interface == best);
    }
    Ok(panels)
}

impl Panel {
    fn open(directory: &Path) -> Option<Self> {
        let interface = match read(&directory.join("type")).ok()?.as_str() {
            "firmware" => Interface::Firmware,
            "platform" => Interface::Platform,
            "raw" => Interface::Raw,
            _ => return None,
        };
        let max = number(&directory.join("max_brightness")).ok().filter(|max| *max > 0)?;
        let connector = read(&directory.join("device/status"));
        Some(Self {
            id: directory.file_name()?.to_str()?.to_owned(),
            directory: directory.to_owned(),
            preference: Preference {
                interface,
                is_unconnected: connector.is_ok_and(|status| status != "connected"),
            },
            max,
        })
    }

    /// The raw value nearest to a percentage. Never 0, which is dark on many
    /// panels: a person could not see how to undo it.
    pub(super) fn raw(&self, percent: u8) -> u32 {
        let raw = (u64::from(percent) * u64::from(self.max) + 50) / 100;
        u32::try_from(raw).unwrap_or(self.max).clamp(1, self.max)
    }

    fn percent(&self, raw: u32) -> u8 {
        let max = u64::from(self.max);
        let percent = (u64::from(raw) * 100 + max / 2) / max;
        u8::try_from(percent).map_or(100, |percent| percent.min(100))
    }

    /// What was last asked for.
    pub(super) fn requested(&self) -> io::Result<u32> {
        number(&self.directory.join("brightness"))
    }

    /// Sets it directly, which only root may.
    pub(super) fn write(&self, raw: u32) -> io::Result<()> {
        fs::write(self.directory.join("brightness"), raw.to_string())
    }

    /// What the display shows: the hardware's own word where it gives one, since
    /// brightness keys may change it without the kernel.
    pub(super) fn display(&self) -> io::Result<Display> {
        let raw = number(&self.directory.join("actual_brightness")).or_else(|_| self.requested())?;
        Ok(Display {
            id: self.id.clone(),
            name: "Built-in display".into(),
            kind: DisplayKind::Internal,
            percent: self.percent(raw),
        })
    }

    /// The files whose change means another brightness.
    pub(super) fn watched(&self) -> [PathBuf; 2] {
        ["brightness", "actual_brightness"].map(|name| self.directory.join(name))
    }
}

fn read(path: &Path) -> io::Result<String> {
    Ok(fs::read_to_string(path)?.trim().to_owned())
}

fn number(path: &Path) -> io::Result<u32> {
    read(path)?
        .parse()
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(max: u32) -> Panel {
        Panel {
            id: "test".into(),
            directory: PathBuf::new(),
            preference: Preference {
                interface: Interface::Raw,
                is_unconnected: false,
            },
            max,
        }
    }

    #[test]
    fn every_percentage_comes_back_where_the_panel_has_a_hundred_steps_or_more() {
        for max in [100, 101, 127, 150, 199, 255, 937, 1515, 65_535, 96_000, u32::MAX] {
            let panel = panel(max);
            for percent in 1..=100 {
                assert_eq!(panel.percent(panel.raw(percent)), percent, "max {max}");
            }
        }
    }

    #[test]
    fn a_coarse_panel_takes_the_nearest_step_but_never_darkness() {
        assert_eq!(panel(1).raw(1), 1);
        let panel = panel(10);
        for (percent, raw) in [(1, 1), (14, 1), (15, 2), (44, 4), (45, 5), (94, 9), (95, 10), (100, 10)] {
            assert_eq!(panel.raw(percent), raw, "{percent} %");
        }
        assert_eq!(panel.percent(0), 0);
    }

    #[test]
    fn a_value_beyond_the_maximum_reads_as_a_hundred() {
        assert_eq!(panel(10).percent(11), 100);
        assert_eq!(panel(10).percent(u32::MAX), 100);
    }
}
