//! Which port the daemon listens on, and who else has it.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::Path;

use procfs::ProcResult;
use procfs::net::{TcpNetEntry, TcpState};
use procfs::process::{FDInfo, FDTarget, Process};

use super::Check;
use super::firewall;
use super::network;
use super::snap;
use super::system::Peer;
use crate::connect::PORT;

const CHECK: &str = "port";
/// What is answered at an address of `[metrics] listen` (`src/metrics/exposition.rs`).
const FIGURES: &str = "figures are at /metrics\n";
/// The ports that the kernel lends to sockets that ask for none, where it does not say (ip(7), `ip_local_port_range`).
const LENT: RangeInclusive<u16> = 32_768..=60_999;

#[derive(Debug)]
pub(super) struct Facts {
    listening: Listening,
    /// Where it answers QUIC, on UDP.
    quic: Vec<SocketAddr>,
}

/// What is known about the daemon's port.
#[derive(Debug)]
enum Listening {
    /// The daemon listens on these.
    Here(Vec<SocketAddr>),
    /// It runs as another user, so its sockets cannot be told from others.
    Hidden,
    /// This program is confined, as in a snap, so that even its user's own processes do not show their sockets.
    Confined,
    /// It does not run, and its port is free.
    Free,
    /// It does not run, and somebody else has its port.
    Taken(String),
}

impl Facts {
    /// The port that devices use.
    pub(super) fn port(&self) -> u16 {
        self.reachable().first().map_or(PORT, SocketAddr::port)
    }

    /// The port of QUIC, where others can reach it.
    pub(super) fn quic(&self) -> Option<u16> {
        let reachable = self.quic.iter().find(|address| !address.ip().is_loopback());
        reachable.map(SocketAddr::port)
    }

    /// Where others than this computer can reach the daemon, as far as its own sockets go.
    pub(super) fn reachable(&self) -> Vec<SocketAddr> {
        match &self.listening {
            Listening::Here(addresses) => {
                let addresses = addresses.iter().copied();
                addresses.filter(|address| !address.ip().is_loopback()).collect()
            }
            Listening::Hidden | Listening::Confined | Listening::Free | Listening::Taken(_) => Vec::new(),
        }
    }
}

pub(super) async fn look(daemon: Option<&Peer>) -> Facts {
    let sockets = listening();
    let Some(daemon) = daemon else {
        let taken = sockets.iter().find(|socket| socket.local_address.port() == PORT);
        let listening = taken.map_or(Listening::Free, |socket| Listening::Taken(holder(socket)));
        return Facts {
            listening,
            quic: Vec::new(),
        };
    };
    let own = daemon.process().and_then(|process| inodes(&process));
    let quic = own.as_ref().map(quic_of).unwrap_or_default();
    let listening = match own {
        Some(own) => {
            let all = addresses(&sockets, |socket| own.contains(&socket.inode));
            Listening::Here(without_figures(all).await)
        }
        // The kernel says of every socket whose it is, but not of which process.
        None => match addresses(&sockets, |it| it.uid == daemon.uid && it.local_address.port() == PORT) {
            guessed if guessed.is_empty() => unseen(daemon.uid, rustix::process::geteuid().as_raw()),
            guessed => Listening::Here(guessed),
        },
    };
    Facts { listening, quic }
}

/// Without those of `[metrics] listen`, where no device is let in: they say where their figures are, whatever else is asked for.
async fn without_figures(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let mut left = Vec::new();
    for address in addresses {
        let mut near = address;
        if near.ip().is_unspecified() {
            near.set_ip(match near.ip() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        let answer = network::healthz(near).await;
        if !answer.is_ok_and(|answer| answer.ends_with(FIGURES)) {
            left.push(address);
        }
    }
    left
}

/// The sockets on UDP among these on which clients are waited for. They look as those from which a link to another router was
/// dialled, but for their ports, which somebody has chosen; mDNS has its own.
fn quic_of(own: &HashSet<u64>) -> Vec<SocketAddr> {
    let lent = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let mut bounds = lent.split_whitespace().filter_map(|bound| bound.parse::<u16>().ok());
    let lent = bounds
        .next()
        .zip(bounds.next())
        .map_or(LENT, |(least, most)| least..=most);
    let entries = [procfs::net::udp(), procfs::net::udp6()]
        .into_iter()
        .flatten()
        .flatten();
    let is_chosen = |port: u16| port != firewall::MDNS && !lent.contains(&port);
    entries
        .filter(|entry| own.contains(&entry.inode) && entry.remote_address.port() == 0)
        .map(|entry| entry.local_address)
        .filter(|address| is_chosen(address.port()))
        .collect()
}

/// Why the sockets of that user's process do not show.
const fn unseen(owner: u32, own: u32) -> Listening {
    if own == 0 || own == owner {
        Listening::Confined
    } else {
        Listening::Hidden
    }
}

fn listening() -> Vec<TcpNetEntry> {
    let tables = [procfs::net::tcp(), procfs::net::tcp6()]
        .into_iter()
        .flatten()
        .flatten();
    tables.filter(|entry| entry.state == TcpState::Listen).collect()
}

fn addresses(sockets: &[TcpNetEntry], is_wanted: impl Fn(&TcpNetEntry) -> bool) -> Vec<SocketAddr> {
    let wanted = sockets.iter().filter(|socket| is_wanted(socket));
    wanted.map(|socket| socket.local_address).collect()
}

/// The sockets of a process, unless this program may not see them.
fn inodes(process: &Process) -> Option<HashSet<u64>> {
    sockets(process.fd().ok()?)
}

/// A confined program may list the descriptors and not look at a single one: `procfs` leaves out what it may not look at.
/// Whoever is asked about has some socket, so that none at all means that they do not show.
fn sockets(descriptors: impl Iterator<Item = ProcResult<FDInfo>>) -> Option<HashSet<u64>> {
    let own: HashSet<u64> = descriptors.flatten().filter_map(|it| socket(&it.target)).collect();
    (!own.is_empty()).then_some(own)
}

const fn socket(target: &FDTarget) -> Option<u64> {
    if let FDTarget::Socket(inode) = target {
        Some(*inode)
    } else {
        None
    }
}

/// Whose a socket is, as exactly as this user may know.
fn holder(socket: &TcpNetEntry) -> String {
    let processes = procfs::process::all_processes().into_iter().flatten().flatten();
    for process in processes {
        if inodes(&process).is_some_and(|own| own.contains(&socket.inode)) {
            let name = process.stat().map_or_else(|_| "a program".to_owned(), |stat| stat.comm);
            return format!("{name} (process {})", process.pid);
        }
    }
    format!("a program of user {}", socket.uid)
}

pub(super) fn judge(facts: &Facts, config: &Path, snap: Option<&snap::Facts>) -> Vec<Check> {
    let config = config.display();
    let open = format!("set `tcp = [\"0.0.0.0:{PORT}\", \"[::]:{PORT}\"]` below [listen] in {config}");
    let check = match &facts.listening {
        Listening::Free => Check::ok(CHECK, format!("{PORT} is free")),
        Listening::Taken(holder) => Check::failed(
            CHECK,
            format!("{holder} has port {PORT}"),
            "end that program, or choose another port: deskconnd --port PORT",
        ),
        Listening::Hidden => Check::unknown(
            CHECK,
            "the daemon runs as another user, whose sockets cannot be seen",
            "sudo deskconnctl doctor",
        ),
        Listening::Confined => Check::unknown(
            CHECK,
            "this program is confined, and may not see the daemon's sockets",
            snap.map_or_else(
                || "outside of the sandbox: sudo ss -ltnp | grep deskconnd".to_owned(),
                |snap| snap.command(snap::NETWORK),
            ),
        ),
        Listening::Here(addresses) if addresses.is_empty() => Check::failed(
            CHECK,
            "the daemon listens on no port: only programs here reach it",
            open,
        ),
        Listening::Here(addresses) => {
            let shown: Vec<String> = addresses.iter().map(SocketAddr::to_string).collect();
            let shown = shown.join(", ");
            if facts.reachable().is_empty() {
                Check::failed(CHECK, format!("only this computer can reach {shown}"), open)
            } else {
                Check::ok(CHECK, format!("the daemon listens on {shown}"))
            }
        }
    };
    vec![check]
}

#[cfg(test)]
mod tests {
    use procfs::ProcError;

    use super::super::State;
    use super::*;

    const fn facts(listening: Listening) -> Facts {
        Facts {
            listening,
            quic: Vec::new(),
        }
    }

    fn only(listening: Listening) -> Check {
        judge(&facts(listening), Path::new("/etc/x.toml"), None).pop().unwrap()
    }

    fn here(addresses: &[&str]) -> Listening {
        Listening::Here(addresses.iter().map(|it| it.parse().unwrap()).collect())
    }

    #[test]
    fn a_port_that_others_reach_is_fine_and_a_free_one_is() {
        assert_eq!(only(here(&["127.0.0.1:5020", "[::]:5020"])).state, State::Ok);
        assert_eq!(only(Listening::Free).state, State::Ok);
    }

    #[test]
    fn a_port_of_loopback_or_none_fails_and_names_the_configuration() {
        for listening in [here(&["127.0.0.1:5020", "[::1]:5020"]), here(&[])] {
            let check = only(listening);
            assert_eq!(check.state, State::Failed);
            assert!(check.mend.unwrap().contains("[listen] in /etc/x.toml"));
        }
    }

    #[test]
    fn who_has_the_port_is_named() {
        let check = only(Listening::Taken("nginx (process 7)".to_owned()));
        assert_eq!(
            (check.state, check.found.as_str()),
            (State::Failed, "nginx (process 7) has port 5020")
        );
        assert!(check.mend.unwrap().contains("--port"));
    }

    #[test]
    fn what_cannot_be_seen_is_not_called_fine() {
        for listening in [Listening::Hidden, Listening::Confined] {
            assert_eq!(only(listening).state, State::Unknown);
        }
        assert!(matches!(unseen(1000, 1001), Listening::Hidden));
        assert!(matches!(unseen(1000, 1000), Listening::Confined));
        assert!(matches!(unseen(1000, 0), Listening::Confined));
        let facts = facts(Listening::Confined);
        let check = judge(&facts, Path::new("/x"), Some(&snap::Facts::with(&[])))
            .pop()
            .unwrap();
        assert_eq!(check.mend.unwrap(), "sudo snap connect deskconn:network-observe");
    }

    #[test]
    fn sockets_that_may_not_be_looked_at_are_not_taken_for_none() {
        let descriptor = |target| Ok(FDInfo { fd: 3, mode: 0, target });
        let file = || descriptor(FDTarget::Path("/dev/null".into()));
        let closed = || Err(ProcError::NotFound(None));
        let readable = [file(), descriptor(FDTarget::Socket(7)), closed()];
        assert_eq!(sockets(readable.into_iter()), Some(HashSet::from([7])));
        assert_eq!(sockets([file(), closed()].into_iter()), None);
        assert_eq!(sockets(std::iter::empty()), None);
    }

    #[test]
    fn of_the_sockets_on_udp_the_one_on_a_chosen_port_is_that_of_quic() {
        let chosen = (20_000..21_000).find_map(|port| std::net::UdpSocket::bind(("127.0.0.1", port)).ok());
        let chosen = chosen.unwrap();
        let _lent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let connected = (21_000..22_000).find_map(|port| std::net::UdpSocket::bind(("127.0.0.1", port)).ok());
        connected
            .as_ref()
            .unwrap()
            .connect(chosen.local_addr().unwrap())
            .unwrap();
        let own = inodes(&Process::myself().unwrap()).unwrap();
        let quic = quic_of(&own);
        assert_eq!(quic, [chosen.local_addr().unwrap()]);
        let at = |addresses: &[&str]| Facts {
            quic: addresses.iter().map(|it| it.parse().unwrap()).collect(),
            ..facts(Listening::Free)
        };
        assert_eq!(at(&["127.0.0.1:7"]).quic(), None, "others do not reach it");
        assert_eq!(at(&["127.0.0.1:7", "[::]:8"]).quic(), Some(8));
    }

    #[test]
    fn the_holder_of_a_real_port_is_found() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap();
        let socket = listening().into_iter().find(|it| it.local_address == own).unwrap();
        let pid = std::process::id();
        assert!(
            holder(&socket).ends_with(&format!("(process {pid})")),
            "{}",
            holder(&socket)
        );
    }
}
