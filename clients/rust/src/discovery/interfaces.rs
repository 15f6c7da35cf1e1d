//! Which network interfaces take part in discovery.
//!
//! Containers, bridges of virtual machines and tunnels have addresses that a phone on the home network cannot reach;
//! a desktop that shows itself there is found at the wrong address first. It opens nothing and asks no interface for
//! its addresses.

/// The beginnings of names that are left out unless the user allows them.
const UNWANTED: [&str; 15] = [
    "docker",
    "br-",
    "veth",
    "virbr",
    "lxc",
    "lxd",
    "tun",
    "tap",
    "wg",
    "tailscale",
    "zt",
    "cni",
    "flannel",
    "podman",
    "vnet",
];

/// `IFF_MULTICAST` of netdevice(7): without it nothing sent to a group leaves the interface.
const MULTICAST: u32 = 0x1000;

/// The user's choice. Entries are names, or beginnings with `*` at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interfaces {
    /// If there are any, these and no others.
    pub allow: Vec<String>,
    /// Never these.
    pub deny: Vec<String>,
}

impl Interfaces {
    /// Whether an interface takes part.
    #[must_use]
    pub fn uses(&self, name: &str, is_point_to_point: bool) -> bool {
        if self.deny.iter().any(|pattern| covers(pattern, name)) {
            return false;
        }
        if !self.allow.is_empty() {
            return self.allow.iter().any(|pattern| covers(pattern, name));
        }
        let is_unwanted = name == "lo" || UNWANTED.iter().any(|start| name.starts_with(start));
        !is_unwanted && !is_point_to_point && can_multicast(name)
    }
}

fn covers(pattern: &str, name: &str) -> bool {
    pattern
        .strip_suffix('*')
        .map_or(pattern == name, |start| name.starts_with(start))
}

/// Asks the kernel's description of the interface; where that cannot be read, sending decides.
fn can_multicast(name: &str) -> bool {
    let text = std::fs::read_to_string(format!("/sys/class/net/{name}/flags")).unwrap_or_default();
    let flags = text
        .trim()
        .strip_prefix("0x")
        .and_then(|hex| u32::from_str_radix(hex, 16).ok());
    flags.is_none_or(|flags| flags & MULTICAST != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(allow: &[&str], deny: &[&str]) -> Interfaces {
        let own = |list: &[&str]| list.iter().map(|&name| name.to_owned()).collect();
        Interfaces {
            allow: own(allow),
            deny: own(deny),
        }
    }

    #[test]
    fn real_interfaces_take_part_and_virtual_ones_do_not() {
        let all = Interfaces::default();
        for name in ["eth0", "enp3s0", "wlan0", "wlp2s0", "br0", "bond0"] {
            assert!(all.uses(name, false), "{name}");
        }
        for name in [
            "lo",
            "docker0",
            "br-1234",
            "veth12",
            "virbr0",
            "tun0",
            "wg0",
            "tailscale0",
            "podman1",
            "vnet3",
        ] {
            assert!(!all.uses(name, false), "{name}");
        }
        assert!(!all.uses("ppp0", true));
    }

    #[test]
    fn an_allow_list_is_all_there_is_and_beats_the_built_in_list() {
        let some = choice(&["docker0", "wl*"], &[]);
        assert!(some.uses("docker0", false) && some.uses("wlan0", false) && some.uses("wlx1", true));
        assert!(!some.uses("eth0", false) && !some.uses("docker1", false));
    }

    #[test]
    fn a_deny_list_beats_everything() {
        let some = choice(&["eth*"], &["eth1"]);
        assert!(some.uses("eth0", false) && !some.uses("eth1", false));
        assert!(!choice(&[], &["en*"]).uses("enp3s0", false));
    }

    #[test]
    fn the_loopback_interface_of_this_machine_has_no_multicast_flag() {
        // Loopback is IFF_UP | IFF_LOOPBACK | IFF_RUNNING on Linux; an unknown name leaves it open.
        assert!(!can_multicast("lo"));
        assert!(can_multicast("no-such-interface"));
    }
}
