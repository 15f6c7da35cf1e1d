//! Whether a firewall keeps phones out. Rules are only looked at.

use std::path::Path;

use serde_json::{Value, json};

use super::nft::{Ruleset, Way};
use super::packet::Packet;
use super::system::{property, words};
use super::{Check, iptables};

const CHECK: &str = "firewall";
/// The port of mDNS.
pub(super) const MDNS: u16 = 5353;

/// The ports that others use.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ports {
    pub(super) tcp: u16,
    /// On UDP, where the daemon answers QUIC.
    pub(super) quic: Option<u16>,
}

/// Something for each of the ways in.
#[derive(Debug)]
struct Each<T> {
    tcp: T,
    mdns: T,
    /// `None` where the daemon answers no QUIC.
    quic: Option<T>,
}

#[derive(Debug)]
pub(super) struct Facts {
    rules: Rules,
    /// Who writes the rules, as far as that is known; that is what has to be told.
    tool: Tool,
    /// What firewalld lets in, which it tells every user.
    firewalld: Option<Each<bool>>,
}

/// The rules of the kernel.
#[derive(Debug)]
enum Rules {
    /// The kernel has no packet filter loaded.
    None,
    /// What happens to a packet.
    Seen(Each<Way>),
    /// They can be seen by root alone.
    Hidden,
    /// This program is missing, or failed.
    Unreadable,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tool {
    Ufw,
    Firewalld,
    Other,
}

pub(super) async fn look(ports: Ports, interfaces: &[String]) -> Facts {
    let ufw = std::fs::read_to_string("/etc/ufw/ufw.conf").unwrap_or_default();
    let is_ufw = property(&ufw, "ENABLED").is_some_and(|value| value.eq_ignore_ascii_case("yes"));
    let is_firewalld = words("firewall-cmd", &["--state"])
        .await
        .is_some_and(|(is_running, _)| is_running);
    let firewalld = if is_firewalld { firewalld(ports).await } else { None };
    let tool = match (is_firewalld, is_ufw) {
        (true, _) => Tool::Firewalld,
        (false, true) => Tool::Ufw,
        (false, false) => Tool::Other,
    };
    Facts {
        rules: rules(ports, interfaces).await,
        tool,
        firewalld,
    }
}

async fn firewalld(ports: Ports) -> Option<Each<bool>> {
    let (tcp, _) = words("firewall-cmd", &[&format!("--query-port={}/tcp", ports.tcp)]).await?;
    let (mdns, _) = words("firewall-cmd", &["--query-service=mdns"]).await?;
    let quic = match ports.quic {
        Some(port) => Some(words("firewall-cmd", &[&format!("--query-port={port}/udp")]).await?.0),
        None => None,
    };
    Some(Each { tcp, mdns, quic })
}

/// What there is of rules: those of nft, and those of iptables, which nft shows in part or, of the old one, not at all.
async fn rules(ports: Ports, interfaces: &[String]) -> Rules {
    // Asking would load them.
    if !may_be_there("nf_tables") && !may_be_there("ip_tables") {
        return Rules::None;
    }
    let nft = words("nft", &["--json", "list", "ruleset"]).await;
    let Some((true, text)) = &nft else {
        let is_root = rustix::process::geteuid().is_root();
        return if is_root { Rules::Unreadable } else { Rules::Hidden };
    };
    let Ok(json) = serde_json::from_str::<Value>(text) else {
        return Rules::Unreadable;
    };
    let mut objects: Vec<Value> = json
        .get("nftables")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    if objects.iter().any(is_of_iptables)
        && let Some((true, saved)) = words("iptables-nft-save", &[]).await
    {
        objects.retain(|object| !is_of_iptables(object));
        objects.extend(iptables::objects(&saved));
    }
    let legacy = std::fs::read_to_string("/proc/net/ip_tables_names").unwrap_or_default();
    if !legacy.trim().is_empty()
        && let Some((true, saved)) = words("iptables-legacy-save", &[]).await
    {
        objects.extend(iptables::objects(&saved));
    }
    let json = json!({ "nftables": objects });
    let ruleset = Ruleset::new(&json);
    Rules::Seen(Each {
        tcp: ruleset.way_of(&Packet::tcp(ports.tcp, interfaces)),
        mdns: ruleset.way_of(&Packet::mdns(MDNS, interfaces)),
        quic: ports.quic.map(|port| ruleset.way_of(&Packet::udp(port, interfaces))),
    })
}

/// Whether a module of the kernel is loaded, is a part of the kernel, or cannot be told to be neither.
fn may_be_there(module: &str) -> bool {
    if Path::new("/sys/module").join(module).exists() {
        return true;
    }
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let builtin = std::fs::read_to_string(format!("/lib/modules/{release}/modules.builtin"));
    builtin.map_or(true, |builtin| builtin.contains(&format!("/{module}.ko")))
}

/// Whether it is in a table that iptables keeps by way of nft.
fn is_of_iptables(object: &Value) -> bool {
    let bodies = object.as_object().into_iter().flat_map(|object| object.values());
    let has = |body: &Value, key: &str, names: &[&str]| {
        body.get(key)
            .and_then(Value::as_str)
            .is_some_and(|it| names.contains(&it))
    };
    bodies
        .into_iter()
        .any(|body| has(body, "family", &["ip"]) && has(body, "table", &["filter", "mangle", "raw", "security", "nat"]))
}

impl Tool {
    /// How a port is opened; `place` is the chain that closes it.
    fn opens(self, port: u16, protocol: &str, place: Option<&str>) -> String {
        match self {
            Self::Ufw => format!("sudo ufw allow {port}/{protocol}"),
            Self::Firewalld => {
                format!("sudo firewall-cmd --permanent --add-port={port}/{protocol} && sudo firewall-cmd --reload")
            }
            Self::Other if place.is_some_and(|place| place.starts_with("iptables ")) => {
                format!(
                    "sudo iptables -I INPUT -p {protocol} --dport {port} -j ACCEPT, and save it as the firewall does"
                )
            }
            Self::Other => {
                let place = place.unwrap_or("inet filter input");
                format!(
                    "sudo nft insert rule {place} {protocol} dport {port} accept, and write it into the firewall's file"
                )
            }
        }
    }
}

pub(super) fn judge(facts: &Facts, ports: Ports) -> Vec<Check> {
    match &facts.rules {
        Rules::Seen(ways) => judge_ways(facts.tool, ways, ports),
        Rules::None => vec![Check::ok(CHECK, "the kernel has no packet filter loaded")],
        Rules::Hidden | Rules::Unreadable => match &facts.firewalld {
            Some(told) => judge_ways(Tool::Firewalld, &told_by_firewalld(told), ports),
            None => vec![unseen(facts, ports.tcp)],
        },
    }
}

fn judge_ways(tool: Tool, ways: &Each<Way>, ports: Ports) -> Vec<Check> {
    let quic = ways.quic.as_ref().zip(ports.quic);
    let quic = quic.map(|(way, port)| judge_way(tool, "firewall quic", way, port, "udp"));
    [
        judge_way(tool, CHECK, &ways.tcp, ports.tcp, "tcp"),
        judge_way(tool, "firewall mdns", &ways.mdns, MDNS, "udp"),
    ]
    .into_iter()
    .chain(quic)
    .collect()
}

fn judge_way(tool: Tool, check: &str, way: &Way, port: u16, protocol: &str) -> Check {
    let upper = protocol.to_uppercase();
    match way {
        Way::Open => Check::ok(check, format!("{upper} port {port} is let in")),
        Way::Closed { by, chain } => {
            let found = format!("{upper} port {port} is shut: {by} of the chain {chain}");
            let mend = tool.opens(port, protocol, Some(chain));
            // A desktop can be reached without being found, and on TCP without QUIC.
            if protocol == "tcp" {
                Check::failed(check, found, mend)
            } else {
                Check::warning(check, found, mend)
            }
        }
        Way::Unclear { by, chain } => {
            let found = format!("it depends on {by} of the chain {chain} whether {upper} port {port} is let in");
            Check::warning(check, found, tool.opens(port, protocol, Some(chain)))
        }
    }
}

fn told_by_firewalld(told: &Each<bool>) -> Each<Way> {
    let way = |is_open| match is_open {
        true => Way::Open,
        false => Way::Closed {
            by: "the zone".to_owned(),
            chain: "of firewalld".to_owned(),
        },
    };
    Each {
        tcp: way(told.tcp),
        mdns: way(told.mdns),
        quic: told.quic.map(way),
    }
}

fn unseen(facts: &Facts, port: u16) -> Check {
    let again = "sudo deskconnctl doctor";
    match (&facts.rules, facts.tool) {
        (Rules::Unreadable, _) => Check::unknown(
            CHECK,
            "the kernel has a packet filter, and nothing here can read its rules",
            "sudo apt install nftables, or the package of the distribution that has nft",
        ),
        (_, Tool::Ufw) => Check::unknown(
            CHECK,
            "ufw is on, and only root may see what it lets in",
            format!("{again} looks; {} opens the port", Tool::Ufw.opens(port, "tcp", None)),
        ),
        (_, Tool::Firewalld | Tool::Other) => {
            Check::unknown(CHECK, "only root may see the rules of the packet filter", again)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    fn facts(rules: Rules, tool: Tool) -> Facts {
        Facts {
            rules,
            tool,
            firewalld: None,
        }
    }

    const PORTS: Ports = Ports { tcp: 5020, quic: None };

    const fn seen(tcp: Way, mdns: Way) -> Rules {
        Rules::Seen(Each { tcp, mdns, quic: None })
    }

    fn shut() -> Way {
        Way::Closed {
            by: "the policy".to_owned(),
            chain: "inet filter input".to_owned(),
        }
    }

    #[test]
    fn a_shut_port_fails_with_the_command_of_the_tool_in_use() {
        for (tool, mend) in [
            (Tool::Ufw, "sudo ufw allow 5020/tcp"),
            (Tool::Firewalld, "--add-port=5020/tcp"),
            (Tool::Other, "nft insert rule inet filter input tcp dport 5020 accept"),
        ] {
            let checks = judge(&facts(seen(shut(), Way::Open), tool), PORTS);
            assert_eq!(checks[0].state, State::Failed);
            assert!(checks[0].mend.as_ref().unwrap().contains(mend), "{checks:?}");
            assert_eq!(checks[1].state, State::Ok);
        }
    }

    #[test]
    fn shut_mdns_is_a_warning_because_an_address_can_be_typed() {
        let checks = judge(&facts(seen(Way::Open, shut()), Tool::Ufw), PORTS);
        assert_eq!(checks[1].state, State::Warning);
        assert_eq!(checks[1].mend.as_deref(), Some("sudo ufw allow 5353/udp"));
    }

    #[test]
    fn no_packet_filter_is_fine() {
        assert_eq!(judge(&facts(Rules::None, Tool::Other), PORTS)[0].state, State::Ok);
    }

    #[test]
    fn rules_that_cannot_be_seen_are_not_called_fine() {
        for rules in [Rules::Hidden, Rules::Unreadable] {
            let checks = judge(&facts(rules, Tool::Other), PORTS);
            assert_eq!(checks[0].state, State::Unknown, "{checks:?}");
        }
        let checks = judge(&facts(Rules::Hidden, Tool::Ufw), PORTS);
        assert!(
            checks[0].mend.as_ref().unwrap().contains("sudo ufw allow 5020/tcp"),
            "{checks:?}"
        );
    }

    #[test]
    fn firewalld_tells_every_user() {
        let told = Facts {
            firewalld: Some(Each {
                tcp: false,
                mdns: true,
                quic: Some(false),
            }),
            ..facts(Rules::Hidden, Tool::Firewalld)
        };
        let ports = Ports {
            quic: Some(5021),
            ..PORTS
        };
        let checks = judge(&told, ports);
        let states: Vec<State> = checks.iter().map(|check| check.state).collect();
        assert_eq!(states, [State::Failed, State::Ok, State::Warning]);
        assert!(checks[2].mend.as_ref().unwrap().contains("--add-port=5021/udp"));
    }

    #[test]
    fn where_quic_is_answered_its_port_is_looked_at_on_udp() {
        let ports = Ports {
            quic: Some(5020),
            ..PORTS
        };
        let of = |quic| {
            let ways = Each {
                tcp: Way::Open,
                mdns: Way::Open,
                quic: Some(quic),
            };
            judge(&facts(Rules::Seen(ways), Tool::Ufw), ports).pop().unwrap()
        };
        let check = of(shut());
        assert_eq!((check.check.as_str(), check.state), ("firewall quic", State::Warning));
        assert_eq!(check.mend.as_deref(), Some("sudo ufw allow 5020/udp"));
        assert_eq!(of(Way::Open).found, "UDP port 5020 is let in");
    }
}
