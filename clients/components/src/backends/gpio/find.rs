//! Which chip and line are meant: looked for anew each time, by what does not change from start to start.

use std::path::{Path, PathBuf};

use gpiocdev::{Chip, chip};

use super::chardev::missing;
use super::{LineId, Wanted};
use crate::backends::Missing;

/// Where a line is.
pub(super) struct Place {
    pub(super) path: PathBuf,
    pub(super) label: String,
    pub(super) offset: u32,
}

impl std::fmt::Debug for Place {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}:{}", self.path.display(), self.offset)
    }
}

/// The one chip and line that are meant.
pub(super) fn find(wanted: &Wanted) -> Result<Place, Missing> {
    let paths = chip::chips().map_err(|error| missing(error.to_string(), NO_CHIP))?;
    let mut found = Vec::new();
    let mut labels = Vec::new();
    let mut unreadable = None;
    for path in paths {
        let opened = Chip::from_path(&path).and_then(|chip| chip.info().map(|info| (chip, info)));
        let (chip, info) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                unreadable = Some(missing(format!("{}: {error}", path.display()), &permission()));
                continue;
            }
        };
        let is_meant = wanted
            .chip
            .as_deref()
            .is_none_or(|asked| asked == info.label || asked == info.name || Path::new(asked) == path);
        labels.push(info.label.clone());
        if !is_meant {
            continue;
        }
        let offset = match &wanted.line {
            LineId::Offset(offset) => Some(*offset).filter(|offset| *offset < info.num_lines),
            LineId::Name(name) => chip.find_line_info(name).map(|info| info.offset),
        };
        if let Some(offset) = offset {
            found.push(Place {
                path,
                label: info.label,
                offset,
            });
        }
    }
    if found.len() > 1 {
        let paths: Vec<_> = found.iter().map(|place| place.path.display().to_string()).collect();
        let reason = format!("{} chips have it: {}", paths.len(), paths.join(", "));
        return Err(missing(reason, "name the chip by its path in the configuration"));
    }
    found.pop().ok_or_else(|| {
        unreadable.unwrap_or_else(|| {
            let there = if labels.is_empty() {
                "none".into()
            } else {
                labels.join(", ")
            };
            let reason = format!("no chip has {}; the chips here are: {there}", described(wanted));
            missing(
                reason,
                "correct it in the configuration; gpioinfo lists chips and lines",
            )
        })
    })
}

fn described(wanted: &Wanted) -> String {
    let chip = wanted
        .chip
        .as_deref()
        .map(|chip| format!(" on \"{chip}\""))
        .unwrap_or_default();
    match &wanted.line {
        LineId::Offset(offset) => format!("a line {offset}{chip}"),
        LineId::Name(name) => format!("a line \"{name}\"{chip}"),
    }
}

const NO_CHIP: &str = "a machine without a GPIO chip needs nothing; otherwise load the chip's driver";

/// What lets this program open a chip.
fn permission() -> String {
    crate::snap_connect("gpio-control").unwrap_or_else(|| {
        "let this program open it: install packaging/udev/70-deskconn.rules into /etc/udev/rules.d, run `sudo groupadd -rf \
         gpio && sudo usermod -aG gpio $USER`, and start the machine anew"
            .to_owned()
    })
}
