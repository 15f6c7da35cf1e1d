//! The kernel's devices: keys, backlights, monitors on I²C, GPIO chips, and whether the daemon may use them.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use super::Check;
use super::snap;
use super::system::{Peer, Person};

/// The rule that packages install, and where rules are (udev(7)).
const RULE: &str = "70-deskconn.rules";
const RULES: [&str; 5] = [
    "/etc/udev/rules.d",
    "/run/udev/rules.d",
    "/usr/local/lib/udev/rules.d",
    "/usr/lib/udev/rules.d",
    "/lib/udev/rules.d",
];
const KEYS: &str = "keys";
const MONITORS: &str = "monitors";
const GPIO: &str = "gpio";
/// Kinds of connectors that are the computer's own panel (`drm_connector_enum_list` of the kernel).
const PANELS: [&str; 3] = ["-eDP-", "-LVDS-", "-DSI-"];

#[derive(Debug)]
pub(super) struct Facts {
    uinput: Option<Node>,
    has_rule: bool,
    backlights: Vec<String>,
    /// Connected monitors that are not the computer's own panel.
    monitors: Vec<String>,
    i2c: Vec<Node>,
    gpio: Vec<Node>,
    /// What lets the person type keys, if the program runs in its sources.
    command: Option<String>,
}

/// A device.
#[derive(Debug, Clone)]
struct Node {
    path: PathBuf,
    /// Whether the daemon may use it; `None` when it runs as somebody whose rights cannot be tried.
    is_usable: Option<bool>,
    /// The group of the device, when it has rights of its own.
    group: Option<String>,
}

pub(super) fn look(person: &Person, daemon: Option<&Peer>) -> Facts {
    let uid = daemon.map_or(person.uid, |daemon| daemon.uid);
    let node = |path: PathBuf| node(path, uid);
    Facts {
        uinput: Some(PathBuf::from("/dev/uinput"))
            .filter(|path| path.exists())
            .map(node),
        has_rule: RULES.iter().any(|directory| Path::new(directory).join(RULE).exists()),
        backlights: names("/sys/class/backlight", ""),
        monitors: monitors(),
        i2c: nodes("i2c-").into_iter().map(node).collect(),
        gpio: nodes("gpiochip").into_iter().map(node).collect(),
        command: components::uinput_command(),
    }
}

fn names(directory: &str, beginning: &str) -> Vec<String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name.starts_with(beginning)).collect();
    names.sort();
    names
}

fn nodes(beginning: &str) -> Vec<PathBuf> {
    let names = names("/dev", beginning).into_iter();
    names.map(|name| Path::new("/dev").join(name)).collect()
}

fn monitors() -> Vec<String> {
    let connectors = names("/sys/class/drm", "card").into_iter();
    let is_connected = |name: &String| {
        let status = Path::new("/sys/class/drm").join(name).join("status");
        std::fs::read_to_string(status).is_ok_and(|status| status.trim() == "connected")
    };
    let outside = |name: &String| PANELS.iter().all(|panel| !name.contains(panel));
    connectors.filter(outside).filter(is_connected).collect()
}

fn node(path: PathBuf, uid: u32) -> Node {
    // Never opened: that alone loads a module, or takes the device.
    let is_usable = if uid == 0 {
        Some(true)
    } else if uid == rustix::process::geteuid().as_raw() {
        Some(access(&path, Access::READ_OK | Access::WRITE_OK).is_ok())
    } else {
        None
    };
    let metadata = path.metadata().ok();
    let group = metadata.filter(|it| it.gid() != 0 && it.mode() & 0o060 == 0o060);
    Node {
        group: group.and_then(|it| group_name(&std::fs::read_to_string("/etc/group").ok()?, it.gid())),
        is_usable,
        path,
    }
}

/// By the lines of group(5).
fn group_name(groups: &str, gid: u32) -> Option<String> {
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == gid.to_string()).then(|| name.to_owned())
    })
}

pub(super) fn judge(facts: &Facts, snap: Option<&snap::Facts>) -> Vec<Check> {
    match snap {
        Some(snap) => vec![
            by_plug(KEYS, "/dev/uinput", "uinput", snap),
            backlight(facts),
            monitor_of_snap(facts),
            gpio_of_snap(facts, snap),
        ],
        None => vec![keys(facts), backlight(facts), monitor(facts), gpio(facts)],
    }
}

/// Plugs decide in a snap: the daemon is root there, and this program does not even see what the daemon may use.
fn by_plug(check: &str, shown: &str, plug: &str, snap: &snap::Facts) -> Check {
    let mend = snap.command(plug);
    match snap.is_connected(plug) {
        Some(true) => Check::ok(check, format!("{shown}, by the plug {plug}")),
        Some(false) => Check::warning(
            check,
            format!("the daemon may not open {shown}: the plug {plug} is not connected"),
            mend,
        ),
        None => Check::unknown(check, format!("whether the daemon may open {shown}"), mend),
    }
}

fn gpio_of_snap(facts: &Facts, snap: &snap::Facts) -> Check {
    if facts.gpio.is_empty() {
        return gpio(facts);
    }
    by_plug(GPIO, &shown(&facts.gpio), "gpio-control", snap)
}

fn monitor_of_snap(facts: &Facts) -> Check {
    if facts.monitors.is_empty() {
        return monitor(facts);
    }
    let monitors = facts.monitors.join(", ");
    Check::warning(
        MONITORS,
        format!("{monitors}: no plug of the snap reaches what is connected from outside"),
        "to dim it, install the package for the system instead of the snap",
    )
}

fn shown(nodes: &[Node]) -> String {
    let paths: Vec<String> = nodes.iter().map(|node| node.path.display().to_string()).collect();
    paths.join(", ")
}

fn keys(facts: &Facts) -> Check {
    let Some(node) = &facts.uinput else {
        let by_hand = "sudo modprobe uinput; for every start: echo uinput | sudo tee /etc/modules-load.d/uinput.conf";
        let mend = of_sources(facts, by_hand);
        return Check::failed(
            KEYS,
            "there is no /dev/uinput, through which slide keys are typed",
            mend,
        );
    };
    let shown = node.path.display();
    match (node.is_usable, facts.has_rule) {
        (Some(true), _) => Check::ok(KEYS, shown.to_string()),
        (Some(false), true) => Check::failed(
            KEYS,
            format!("the daemon may not open {shown}, though {RULE} gives it to whoever sits at the machine"),
            "log in at the machine; after the rule was installed: sudo udevadm control --reload && sudo udevadm trigger \
             /dev/uinput",
        ),
        (Some(false), false) => Check::failed(
            KEYS,
            format!("the daemon may not open {shown}"),
            of_sources(
                facts,
                &format!(
                    "install the package, or its packaging/udev/{RULE}: sudo cp {RULE} /etc/udev/rules.d/ && sudo udevadm \
                     control --reload && sudo udevadm trigger {shown}"
                ),
            ),
        ),
        (None, _) => Check::unknown(
            KEYS,
            format!("whether the daemon may open {shown}"),
            "run doctor as its user",
        ),
    }
}

/// The one command of the sources where the program runs in them, before what does the same by hand.
fn of_sources(facts: &Facts, by_hand: &str) -> String {
    match &facts.command {
        Some(command) => format!("{command}, or by hand: {by_hand}"),
        None => by_hand.to_owned(),
    }
}

fn backlight(facts: &Facts) -> Check {
    const CHECK: &str = "backlight";
    if facts.backlights.is_empty() {
        return Check::ok(CHECK, "there is no built-in display");
    }
    Check::ok(CHECK, facts.backlights.join(", "))
}

fn monitor(facts: &Facts) -> Check {
    if facts.monitors.is_empty() {
        return Check::ok(MONITORS, "none is connected from outside");
    }
    let shown = facts.monitors.join(", ");
    if facts.i2c.is_empty() {
        let mend = "sudo modprobe i2c-dev; for every start: echo i2c-dev | sudo tee /etc/modules-load.d/i2c-dev.conf";
        return Check::warning(
            MONITORS,
            format!("{shown}: there is no /dev/i2c-*, by which they are dimmed"),
            mend,
        );
    }
    let rule = "install packaging/udev/70-deskconn.rules: sudo cp 70-deskconn.rules /etc/udev/rules.d/ && sudo udevadm \
                control --reload && sudo udevadm trigger --subsystem-match=i2c-dev; and be logged in at the machine";
    usable(MONITORS, &facts.i2c, &format!("{shown} by "), rule)
}

fn gpio(facts: &Facts) -> Check {
    if facts.gpio.is_empty() {
        return Check::ok(GPIO, "this computer has no GPIO chip");
    }
    let rule = "install packaging/udev/70-deskconn.rules, make the group it names (sudo groupadd --system gpio), put this \
                user into it (sudo usermod -aG gpio $USER), and start the machine anew";
    usable(GPIO, &facts.gpio, "", rule)
}

/// Of devices of which one may be enough.
fn usable(check: &str, nodes: &[Node], before: &str, otherwise: &str) -> Check {
    let shown = format!("{before}{}", shown(nodes));
    if nodes.iter().any(|node| node.is_usable == Some(true)) {
        return Check::ok(check, shown);
    }
    if nodes.iter().any(|node| node.is_usable.is_none()) {
        return Check::unknown(
            check,
            format!("{shown}: whether the daemon may use that"),
            "run doctor as its user",
        );
    }
    let mend = match nodes.iter().find_map(|node| node.group.as_ref()) {
        Some(group) => format!("sudo usermod -aG {group} $USER, and log in again"),
        None => otherwise.to_owned(),
    };
    Check::warning(check, format!("{shown}: the daemon may not use that"), mend)
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    fn at(path: &str, is_usable: Option<bool>) -> Node {
        Node {
            path: path.into(),
            is_usable,
            group: None,
        }
    }

    fn facts() -> Facts {
        Facts {
            uinput: Some(at("/dev/uinput", Some(true))),
            has_rule: false,
            backlights: vec!["intel_backlight".to_owned()],
            monitors: vec!["card0-HDMI-A-1".to_owned()],
            i2c: vec![at("/dev/i2c-1", Some(false)), at("/dev/i2c-2", Some(true))],
            gpio: Vec::new(),
            command: None,
        }
    }

    #[test]
    fn what_can_be_used_or_is_not_there_is_fine() {
        assert!(judge(&facts(), None).iter().all(|check| check.state == State::Ok));
        let bare = Facts {
            backlights: Vec::new(),
            monitors: Vec::new(),
            i2c: Vec::new(),
            ..facts()
        };
        assert!(
            judge(&bare, None).iter().all(|check| check.state == State::Ok),
            "a server has no display"
        );
    }

    #[test]
    fn keys_fail_without_the_device_and_without_the_right_to_it() {
        let of = |uinput: Option<Node>, has_rule| {
            keys(&Facts {
                uinput,
                has_rule,
                ..facts()
            })
        };
        let shut = || Some(at("/dev/uinput", Some(false)));
        for (check, mend) in [
            (of(None, true), "sudo modprobe uinput"),
            (of(shut(), false), "packaging/udev/70-deskconn.rules"),
            (of(shut(), true), "udevadm trigger"),
        ] {
            assert!(
                check.state == State::Failed && check.mend.as_ref().unwrap().contains(mend),
                "{check:?}"
            );
        }
        assert_eq!(of(Some(at("/dev/uinput", None)), true).state, State::Unknown);
        for uinput in [None, shut()] {
            let check = keys(&Facts {
                uinput,
                command: Some("sudo /src/packaging/uinput.sh".to_owned()),
                ..facts()
            });
            let mend = check.mend.unwrap();
            assert!(
                mend.starts_with("sudo /src/packaging/uinput.sh, or by hand: "),
                "{mend}"
            );
        }
    }

    #[test]
    fn a_monitor_without_a_bus_or_without_the_right_to_it_is_a_warning() {
        let no_bus = monitor(&Facts {
            i2c: Vec::new(),
            ..facts()
        });
        assert!(no_bus.state == State::Warning && no_bus.mend.unwrap().contains("modprobe i2c-dev"));
        let shut = vec![at("/dev/i2c-1", Some(false))];
        let check = monitor(&Facts { i2c: shut, ..facts() });
        assert!(check.state == State::Warning && check.mend.unwrap().contains("subsystem-match=i2c-dev"));
    }

    #[test]
    fn the_group_of_a_device_is_the_way_to_it() {
        let mut chip = at("/dev/gpiochip0", Some(false));
        chip.group = Some("gpio".to_owned());
        let check = gpio(&Facts {
            gpio: vec![chip],
            ..facts()
        });
        assert!(check.state == State::Warning && check.mend.unwrap().contains("usermod -aG gpio"));
        let bare = gpio(&Facts {
            gpio: vec![at("/dev/gpiochip0", Some(false))],
            ..facts()
        });
        assert!(bare.mend.unwrap().contains("groupadd --system gpio"));
    }

    #[test]
    fn in_a_snap_plugs_decide_and_no_rule_is_named() {
        let facts = || Facts {
            uinput: None,
            gpio: vec![at("/dev/gpiochip0", Some(true))],
            ..facts()
        };
        let mends = |connected: &[&str]| -> Vec<String> {
            let checks = judge(&facts(), Some(&snap::Facts::with(connected)));
            checks.into_iter().filter_map(|check| check.mend).collect()
        };
        let instead = "to dim it, install the package for the system instead of the snap";
        let expected = [
            "sudo snap connect deskconn:uinput",
            instead,
            "sudo snap connect deskconn:gpio-control",
        ];
        assert_eq!(mends(&[]), expected);
        assert_eq!(mends(&["uinput", "gpio-control"]), [instead]);
    }

    #[test]
    fn groups_are_found_by_their_number() {
        let groups = "root:x:0:\ngpio:x:997:joe\nwrong\n";
        assert_eq!(group_name(groups, 997).as_deref(), Some("gpio"));
        assert_eq!(group_name(groups, 99), None);
    }
}
