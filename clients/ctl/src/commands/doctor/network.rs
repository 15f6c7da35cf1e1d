//! The machine's interfaces, and whether the daemon answers at their addresses.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Check;

/// How long an own address may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// So many addresses are tried; a desktop has a few.
const MAX_ADDRESSES: usize = 8;
/// An answer of `/healthz` is shorter.
const MAX_ANSWER: u64 = 4096;
/// Flags of an interface (`include/uapi/linux/if.h`).
const UP: u32 = 0x1;
const LOOPBACK: u32 = 0x8;
const MULTICAST: u32 = 0x1000;

#[derive(Debug)]
pub(super) struct Facts {
    interfaces: Vec<Interface>,
    /// What came of asking the daemon at the own addresses; empty when it is not known where it listens.
    answers: Vec<(SocketAddr, Result<(), String>)>,
}

/// An interface that leads elsewhere.
#[derive(Debug, Clone)]
struct Interface {
    name: String,
    is_up: bool,
    has_multicast: bool,
    addresses: Vec<IpAddr>,
}

impl Facts {
    /// The interfaces that devices come by.
    pub(super) fn names(&self) -> Vec<String> {
        let usable = self.interfaces.iter().filter(|it| it.is_usable());
        usable.map(|it| it.name.clone()).collect()
    }
}

impl Interface {
    fn is_usable(&self) -> bool {
        self.is_up && !self.addresses.is_empty()
    }
}

pub(super) async fn look(listening: &[SocketAddr]) -> Facts {
    let interfaces = interfaces();
    let mut answers = Vec::new();
    let own = interfaces
        .iter()
        .filter(|it| it.is_up)
        .flat_map(|it| it.addresses.iter().copied());
    for ip in own.take(MAX_ADDRESSES) {
        let port = listening
            .iter()
            .find(|it| it.ip() == ip || (it.ip().is_unspecified() && it.is_ipv4() == ip.is_ipv4()));
        if let Some(port) = port {
            let address = SocketAddr::new(ip, port.port());
            answers.push((address, health(address).await));
        }
    }
    Facts { interfaces, answers }
}

/// Such an address means nothing without its interface, and every interface that is up has one (RFC 4291 §2.5.6). That of
/// IPv4 is one that devices on a cable use.
const fn is_of_one_link(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local())
}

fn interfaces() -> Vec<Interface> {
    let addresses = if_addrs::get_if_addrs().unwrap_or_default();
    let Ok(listing) = std::fs::read_dir("/sys/class/net") else {
        return Vec::new();
    };
    let names = listing
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok());
    let mut interfaces: Vec<Interface> = names
        .filter_map(|name| {
            let flags = flags(&name).filter(|flags| flags & LOOPBACK == 0)?;
            let own = addresses.iter().filter(|it| it.name == name);
            Some(Interface {
                is_up: flags & UP != 0,
                has_multicast: flags & MULTICAST != 0,
                addresses: own
                    .map(if_addrs::Interface::ip)
                    .filter(|ip| !is_of_one_link(*ip))
                    .collect(),
                name,
            })
        })
        .collect();
    interfaces.sort_by(|a, b| a.name.cmp(&b.name));
    interfaces
}

fn flags(name: &str) -> Option<u32> {
    let text = std::fs::read_to_string(Path::new("/sys/class/net").join(name).join("flags")).ok()?;
    u32::from_str_radix(text.trim().strip_prefix("0x")?, 16).ok()
}

/// Asks as a phone's browser would.
async fn health(address: SocketAddr) -> Result<(), String> {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.take(MAX_ANSWER).read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    match timeout(PATIENCE, exchange).await {
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
        Ok(Err(error)) => Err(error.to_string()),
        Ok(Ok(answer)) if answer.starts_with("HTTP/1.1 200") => Ok(()),
        Ok(Ok(answer)) => Err(format!("it answers {:?}", answer.lines().next().unwrap_or_default())),
    }
}

pub(super) fn judge(facts: &Facts) -> Vec<Check> {
    let mut checks = vec![network(facts), multicast(facts)];
    checks.extend(reachable(facts));
    checks
}

fn network(facts: &Facts) -> Check {
    const CHECK: &str = "network";
    let usable: Vec<String> = facts
        .interfaces
        .iter()
        .filter(|it| it.is_usable())
        .map(|it| {
            let addresses: Vec<String> = it.addresses.iter().map(IpAddr::to_string).collect();
            format!("{} ({})", it.name, addresses.join(", "))
        })
        .collect();
    if !usable.is_empty() {
        return Check::ok(CHECK, usable.join(", "));
    }
    let (found, mend) = match facts.interfaces.first() {
        None => (
            "this computer has no network interface".to_owned(),
            "plug one in".to_owned(),
        ),
        Some(it) if !it.is_up => (
            format!("{} is down", it.name),
            format!("sudo ip link set {} up", it.name),
        ),
        Some(it) => (
            format!("{} has no address", it.name),
            "connect to the network of the phone (nmcli device)".to_owned(),
        ),
    };
    Check::failed(CHECK, found, mend)
}

fn multicast(facts: &Facts) -> Check {
    const CHECK: &str = "multicast";
    let usable = facts.interfaces.iter().filter(|it| it.is_usable());
    let (with, without): (Vec<_>, Vec<_>) = usable.partition(|it| it.has_multicast);
    if let Some(first) = with.first() {
        return Check::ok(CHECK, format!("{} carries it", first.name));
    }
    match without.first() {
        Some(it) => Check::failed(
            CHECK,
            format!("{} does not carry it: no phone finds this desktop by itself", it.name),
            format!("sudo ip link set {} multicast on", it.name),
        ),
        None => Check::unknown(CHECK, "there is no network to carry it", "mend the network first"),
    }
}

fn reachable(facts: &Facts) -> Option<Check> {
    const CHECK: &str = "reachable";
    let answering = facts.answers.iter().filter(|(_, answer)| answer.is_ok());
    let shown: Vec<String> = answering.map(|(address, _)| address.to_string()).collect();
    let silent = facts
        .answers
        .iter()
        .find_map(|(address, answer)| Some((address, answer.as_ref().err()?)));
    Some(match silent {
        Some((address, sentence)) => {
            let found = format!("the daemon does not answer at {address}: {sentence}");
            let mend = "see the firewall below; if there is none, start the daemon anew";
            if shown.is_empty() {
                Check::failed(CHECK, found, mend)
            } else {
                Check::warning(CHECK, format!("{found}; it does at {}", shown.join(", ")), mend)
            }
        }
        None if shown.is_empty() => return None,
        None => Check::ok(CHECK, format!("the daemon answers at {}", shown.join(", "))),
    })
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    fn wlan() -> Interface {
        Interface {
            name: "wlan0".to_owned(),
            is_up: true,
            has_multicast: true,
            addresses: vec![[192, 168, 1, 5].into()],
        }
    }

    fn of(interface: Interface) -> Facts {
        Facts {
            interfaces: vec![interface],
            answers: Vec::new(),
        }
    }

    #[test]
    fn an_interface_with_an_address_is_a_network() {
        let facts = of(wlan());
        assert!(judge(&facts).iter().all(|check| check.state == State::Ok));
        assert_eq!(facts.names(), ["wlan0"]);
    }

    #[test]
    fn what_keeps_an_interface_from_being_a_network_is_named() {
        for (interface, mend) in [
            (Interface { is_up: false, ..wlan() }, "sudo ip link set wlan0 up"),
            (
                Interface {
                    addresses: Vec::new(),
                    ..wlan()
                },
                "connect to the network",
            ),
        ] {
            let facts = of(interface);
            let check = network(&facts);
            assert!(
                check.state == State::Failed && check.mend.as_ref().unwrap().contains(mend),
                "{check:?}"
            );
            assert_eq!(multicast(&facts).state, State::Unknown);
        }
        let none = Facts {
            interfaces: Vec::new(),
            answers: Vec::new(),
        };
        assert_eq!(network(&none).state, State::Failed);
    }

    #[test]
    fn an_interface_without_multicast_fails_with_the_command_that_mends_it() {
        let check = multicast(&of(Interface {
            has_multicast: false,
            ..wlan()
        }));
        assert_eq!(check.state, State::Failed);
        assert_eq!(check.mend.unwrap(), "sudo ip link set wlan0 multicast on");
    }

    #[test]
    fn silence_at_every_own_address_fails_and_at_one_is_a_warning() {
        let (good, bad) = ("10.0.0.1:5020".parse().unwrap(), "10.0.0.2:5020".parse().unwrap());
        let silent = || Err("no answer".to_owned());
        let mut facts = of(wlan());
        assert_eq!(reachable(&facts), None, "nothing was asked");
        facts.answers = vec![(bad, silent())];
        assert_eq!(reachable(&facts).unwrap().state, State::Failed);
        facts.answers = vec![(good, Ok(())), (bad, silent())];
        let check = reachable(&facts).unwrap();
        assert!(
            check.state == State::Warning && check.found.contains("10.0.0.2"),
            "{check:?}"
        );
        facts.answers = vec![(good, Ok(()))];
        assert_eq!(reachable(&facts).unwrap().state, State::Ok);
    }

    #[tokio::test]
    async fn a_daemon_that_is_not_there_or_is_something_else_is_noticed() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let other = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut question = [0; 256];
            assert!(stream.read(&mut question).await.unwrap() > 0);
            stream.write_all(b"HTTP/1.1 404 Not Found\r\n\r\n").await.unwrap();
        });
        assert!(health(address).await.unwrap_err().contains("404"));
        other.await.unwrap();
        assert!(health(address).await.is_err(), "nobody listens any more");
    }
}
