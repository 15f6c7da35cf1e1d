//! The machine's interfaces, and whether the daemon answers at their addresses.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Check, snap};

/// How long an own address may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// So many addresses are tried; a desktop has a few.
const MAX_ADDRESSES: usize = 8;
/// An answer of `/healthz` is shorter.
const MAX_ANSWER: u64 = 4096;
/// Where the kernel has a directory for each interface (`Documentation/ABI/testing/sysfs-class-net`).
const INTERFACES: &str = "/sys/class/net";
const CHECK: &str = "network";
/// Flags of an interface (`include/uapi/linux/if.h`).
const UP: u32 = 0x1;
const LOOPBACK: u32 = 0x8;
const MULTICAST: u32 = 0x1000;

#[derive(Debug)]
pub(super) struct Facts {
    /// `None` when this program may not see them.
    interfaces: Option<Vec<Interface>>,
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
        let usable = self.interfaces.iter().flatten().filter(|it| it.is_usable());
        usable.map(|it| it.name.clone()).collect()
    }
}

impl Interface {
    fn is_usable(&self) -> bool {
        self.is_up && !self.addresses.is_empty()
    }
}

pub(super) async fn look(listening: &[SocketAddr]) -> Facts {
    let interfaces = interfaces().ok();
    let mut answers = Vec::new();
    let own = interfaces
        .iter()
        .flatten()
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

fn interfaces() -> io::Result<Vec<Interface>> {
    let addresses = if_addrs::get_if_addrs().unwrap_or_default();
    let listing = std::fs::read_dir(INTERFACES).map(|listing| {
        let names = listing.flatten().map(|entry| entry.file_name());
        names.filter_map(|name| name.into_string().ok()).collect()
    });
    gather(listing, &addresses, flags)
}

/// A snap may look at an interface by its name, and not at the list of them.
fn gather(
    listing: io::Result<BTreeSet<String>>,
    addresses: &[if_addrs::Interface],
    flags: impl Fn(&str) -> io::Result<u32>,
) -> io::Result<Vec<Interface>> {
    let names = match &listing {
        Ok(names) => names.clone(),
        Err(_) => addresses.iter().map(|it| it.name.clone()).collect(),
    };
    let mut interfaces = Vec::new();
    for name in names {
        let flags = match flags(&name) {
            Ok(flags) => flags,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Err(error),
            // It was taken out in the meantime, or is a file beside them, as of drivers that join several to one.
            Err(_) => continue,
        };
        if flags & LOOPBACK != 0 {
            continue;
        }
        let own = addresses.iter().filter(|it| it.name == name);
        let own = own.map(if_addrs::Interface::ip).filter(|ip| !is_of_one_link(*ip));
        interfaces.push(Interface {
            is_up: flags & UP != 0,
            has_multicast: flags & MULTICAST != 0,
            addresses: own.collect(),
            name,
        });
    }
    match listing {
        // There may be one without an address.
        Err(error) if interfaces.is_empty() => Err(error),
        _ => Ok(interfaces),
    }
}

fn flags(name: &str) -> io::Result<u32> {
    let text = std::fs::read_to_string(Path::new(INTERFACES).join(name).join("flags"))?;
    let digits = text.trim().trim_start_matches("0x");
    u32::from_str_radix(digits, 16).map_err(io::Error::other)
}

/// Asks as a phone's browser would.
async fn health(address: SocketAddr) -> Result<(), String> {
    let answer = healthz(address).await?;
    if answer.starts_with("HTTP/1.1 200") {
        return Ok(());
    }
    Err(format!("it answers {:?}", answer.lines().next().unwrap_or_default()))
}

/// What is answered to a request for `/healthz`, head and body.
pub(super) async fn healthz(address: SocketAddr) -> Result<String, String> {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.take(MAX_ANSWER).read_to_string(&mut answer).await?;
        Ok::<_, io::Error>(answer)
    };
    match timeout(PATIENCE, exchange).await {
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
        Ok(answer) => answer.map_err(|error| error.to_string()),
    }
}

pub(super) fn judge(facts: &Facts, snap: Option<&snap::Facts>) -> Vec<Check> {
    let Some(interfaces) = &facts.interfaces else {
        let mend = snap.map_or_else(
            || "outside of the sandbox: ip address".to_owned(),
            |snap| snap.command(snap::NETWORK),
        );
        let found = "which networks there are: this program is confined, and may not see that";
        return vec![Check::unknown(CHECK, found, mend)];
    };
    let mut checks = vec![network(interfaces), multicast(interfaces)];
    checks.extend(reachable(facts));
    checks
}

fn network(interfaces: &[Interface]) -> Check {
    let usable: Vec<String> = interfaces
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
    let (found, mend) = match interfaces.first() {
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

fn multicast(interfaces: &[Interface]) -> Check {
    const CHECK: &str = "multicast";
    let usable = interfaces.iter().filter(|it| it.is_usable());
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
            interfaces: Some(vec![interface]),
            answers: Vec::new(),
        }
    }

    #[test]
    fn an_interface_with_an_address_is_a_network() {
        let facts = of(wlan());
        assert!(judge(&facts, None).iter().all(|check| check.state == State::Ok));
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
            let interfaces = [interface];
            let check = network(&interfaces);
            assert!(
                check.state == State::Failed && check.mend.as_ref().unwrap().contains(mend),
                "{check:?}"
            );
            assert_eq!(multicast(&interfaces).state, State::Unknown);
        }
        assert_eq!(network(&[]).state, State::Failed);
    }

    fn denied<T>() -> io::Result<T> {
        Err(io::ErrorKind::PermissionDenied.into())
    }

    #[test]
    fn interfaces_that_may_not_be_seen_are_not_taken_for_none() {
        let loopback = if_addrs::get_if_addrs().unwrap();
        let loopback: Vec<_> = loopback.into_iter().filter(|it| it.name == "lo").collect();
        let of_list = |names: &[&str]| Ok(names.iter().map(|name| (*name).to_owned()).collect());
        assert!(gather(denied(), &[], |_| denied()).is_err());
        assert!(gather(of_list(&["lo", "wlan0"]), &[], |_| denied()).is_err());
        assert!(gather(denied(), &loopback, |_| Ok(UP | LOOPBACK)).is_err());
        let found = gather(of_list(&["lo", "gone", "wlan0"]), &[], |name| match name {
            "lo" => Ok(UP | LOOPBACK),
            "wlan0" => Ok(UP),
            _ => Err(io::ErrorKind::NotFound.into()),
        });
        assert_eq!(found.unwrap().first().map(|it| it.name.as_str()), Some("wlan0"));
        let facts = Facts {
            interfaces: None,
            answers: Vec::new(),
        };
        let check = judge(&facts, Some(&snap::Facts::with(&[]))).pop().unwrap();
        assert_eq!(check.state, State::Unknown);
        assert_eq!(check.mend.unwrap(), "sudo snap connect deskconn:network-observe");
    }

    #[test]
    fn an_interface_with_an_address_is_found_where_the_list_may_not_be_seen() {
        let addresses = if_addrs::get_if_addrs().unwrap();
        let found = gather(denied(), &addresses, |_| Ok(UP)).unwrap();
        assert!(found.iter().any(|it| it.name == "lo" && it.is_usable()), "{found:?}");
    }

    #[test]
    fn the_kernel_tells_of_the_loopback_that_it_is_one() {
        assert!(flags("lo").unwrap() & LOOPBACK != 0);
    }

    #[test]
    fn an_interface_without_multicast_fails_with_the_command_that_mends_it() {
        let check = multicast(&[Interface {
            has_multicast: false,
            ..wlan()
        }]);
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
