//! Which monitors are attached, and on which buses they listen: the connectors of the graphics cards, as the kernel lays
//! them out below `/sys/class/drm`. So no bus is touched that is no monitor's.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Connectors of displays that are built in: their brightness is a backlight's.
const BUILT_IN: [&str; 4] = ["eDP", "LVDS", "DSI", "DPI"];

/// A monitor on a connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attached {
    /// The connector's name, as desktops have it: `DP-1`. With its card's before it where another card has one of that name.
    pub(super) id: String,
    /// What the monitor calls itself.
    pub(super) name: String,
    /// Its bus: `i2c-5`.
    pub(super) bus: String,
    /// Who it is, to notice another one on the same connector.
    pub(super) edid: Vec<u8>,
}

/// The monitors that are attached, in the order of their connectors. Blocks.
pub(super) fn attached(root: &Path) -> Vec<Attached> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let mut directories: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    directories.sort();
    let mut found = BTreeMap::new();
    for directory in directories {
        let Some(mut monitor) = monitor(&directory) else {
            continue;
        };
        // Two cards may have a connector of the same name: the second one is called by its card too, "card1-DP-1".
        if found.contains_key(&monitor.id)
            && let Some(name) = directory.file_name()
        {
            monitor.id = name.to_string_lossy().into_owned();
        }
        found.insert(monitor.id.clone(), monitor);
    }
    found.into_values().collect()
}

fn monitor(directory: &Path) -> Option<Attached> {
    // "card0-DP-1"; "card0" and "renderD128" are no connectors.
    let (_, id) = directory.file_name()?.to_str()?.split_once('-')?;
    if BUILT_IN.iter().any(|kind| id.starts_with(kind)) {
        return None;
    }
    let status = fs::read_to_string(directory.join("status")).ok()?;
    if status.trim() != "connected" {
        return None;
    }
    let edid = fs::read(directory.join("edid")).unwrap_or_default();
    Some(Attached {
        id: id.to_owned(),
        name: name(&edid).unwrap_or_else(|| format!("Monitor at {id}")),
        bus: bus(directory)?,
        edid,
    })
}

/// The bus that the driver names with a link, or else the one below the connector, which DisplayPort has.
fn bus(directory: &Path) -> Option<String> {
    let is_bus = |name: &str| {
        name.strip_prefix("i2c-")
            .is_some_and(|rest| rest.parse::<u32>().is_ok())
    };
    let link = fs::canonicalize(directory.join("ddc")).ok();
    let named = link.and_then(|path| Some(path.file_name()?.to_str()?.to_owned()));
    let mut below = fs::read_dir(directory).ok()?.flatten();
    named.filter(|name| is_bus(name)).or_else(|| {
        below.find_map(|entry| {
            entry
                .file_name()
                .to_str()
                .filter(|name| is_bus(name))
                .map(str::to_owned)
        })
    })
}

/// The product's name of an EDID: the descriptor 0xFC (VESA E-EDID 1.4, section 3.10.3).
fn name(edid: &[u8]) -> Option<String> {
    let mut descriptors = edid.get(54..126)?.chunks_exact(18);
    let text = descriptors.find_map(|it| it.strip_prefix(&[0, 0, 0, 0xFC, 0]))?;
    let text = text.split(|byte| *byte == b'\n').next()?;
    let is_text = text.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    let name = std::str::from_utf8(text).ok().filter(|_| is_text)?.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An EDID of a monitor with that name.
    fn edid(name: &str) -> Vec<u8> {
        let mut edid = vec![0; 128];
        edid[72..77].copy_from_slice(&[0, 0, 0, 0xFC, 0]);
        edid[77..90].copy_from_slice(b"\n            ");
        edid[77..77 + name.len()].copy_from_slice(name.as_bytes());
        edid[77 + name.len()] = b'\n';
        edid
    }

    /// A connector with a monitor on it, as the kernel lays it out.
    pub(in crate::backends::ddc) fn plug(root: &Path, connector: &str, name: &str, bus: u32) -> PathBuf {
        let directory = root.join(connector);
        fs::create_dir_all(directory.join(format!("i2c-{bus}"))).unwrap();
        fs::write(directory.join("status"), "connected\n").unwrap();
        fs::write(directory.join("edid"), edid(name)).unwrap();
        directory
    }

    #[test]
    fn monitors_are_found_with_their_names_and_buses_and_nothing_else_is() {
        let root = tempfile::tempdir().unwrap();
        plug(root.path(), "card0-DP-2", "", 7);
        let linked = plug(root.path(), "card0-HDMI-A-1", "U2719DC", 9);
        fs::create_dir_all(root.path().join("adapters/i2c-3")).unwrap();
        std::os::unix::fs::symlink("../adapters/i2c-3", linked.join("ddc")).unwrap();
        plug(root.path(), "card0-eDP-1", "Panel", 4);
        let away = plug(root.path(), "card0-DP-3", "Away", 5);
        fs::write(away.join("status"), "disconnected\n").unwrap();
        fs::create_dir_all(root.path().join("card0")).unwrap();
        let found = attached(root.path());
        let found: Vec<_> = found
            .iter()
            .map(|it| (it.id.as_str(), it.name.as_str(), it.bus.as_str()))
            .collect();
        assert_eq!(
            found,
            [("DP-2", "Monitor at DP-2", "i2c-7"), ("HDMI-A-1", "U2719DC", "i2c-3")]
        );
        assert_eq!(attached(Path::new("/nowhere")), []);
    }

    #[test]
    fn a_monitor_on_the_second_card_is_not_hidden_by_one_on_the_first() {
        let root = tempfile::tempdir().unwrap();
        plug(root.path(), "card1-DP-1", "Right", 8);
        plug(root.path(), "card0-DP-1", "Left", 7);
        let found = attached(root.path());
        let found: Vec<_> = found.iter().map(|it| (it.id.as_str(), it.name.as_str())).collect();
        assert_eq!(found, [("DP-1", "Left"), ("card1-DP-1", "Right")]);
    }
}
