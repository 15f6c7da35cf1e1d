//! The network interfaces, and a socket for each of them and each family.
//!
//! It understands no packet. The sockets are bound to the groups of mDNS and not to this machine, so they hear what is
//! sent to everybody and nothing that is sent to another mDNS program of this machine.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket as StdSocket};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use client::discovery::Interfaces;
use client::discovery::wire::MAX_PACKET;
use if_addrs::IfAddr;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with, sockopt};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::responder::PORT;

/// The groups of mDNS (RFC 6762 §3).
const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);

/// Packets leave with the largest TTL, by which they are known to come from this link (RFC 6762 §11).
const TTL: u8 = 255;

/// An interface that is up, with its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Nic {
    pub(super) name: String,
    pub(super) index: u32,
    /// Addresses with the lengths of their networks, in a fixed order.
    pub(super) addresses: Vec<(IpAddr, u8)>,
}

impl Nic {
    /// The interfaces that take part, by number.
    pub(super) fn all(interfaces: &Interfaces) -> io::Result<BTreeMap<u32, Self>> {
        let mut nics: BTreeMap<u32, Self> = BTreeMap::new();
        let tentative = tentative(&std::fs::read_to_string("/proc/net/if_inet6").unwrap_or_default());
        for found in if_addrs::get_if_addrs()? {
            let Some(index) = found.index else { continue };
            let is_usable = found.is_oper_up() && !tentative.contains(&found.ip());
            if !is_usable || !interfaces.uses(&found.name, found.is_p2p) {
                continue;
            }
            let address = match found.addr {
                IfAddr::V4(v4) => (IpAddr::V4(v4.ip), prefix(u32::from(v4.netmask).leading_ones())),
                IfAddr::V6(v6) => (IpAddr::V6(v6.ip), prefix(u128::from(v6.netmask).leading_ones())),
            };
            let name = found.name;
            nics.entry(index)
                .or_insert_with(|| Self {
                    name,
                    index,
                    addresses: Vec::new(),
                })
                .addresses
                .push(address);
        }
        for nic in nics.values_mut() {
            nic.addresses.sort_unstable();
        }
        Ok(nics)
    }

    /// The addresses alone.
    pub(super) fn ips(&self) -> Vec<IpAddr> {
        self.addresses.iter().map(|(ip, _)| *ip).collect()
    }

    /// Whether a packet from there comes from this link (RFC 6762 §11). It also tells which of several interfaces a
    /// packet came in by: an IPv4 socket hears the group on all of them.
    pub(super) fn has_on_link(&self, from: IpAddr) -> bool {
        let is_link_local = matches!(from, IpAddr::V6(v6) if v6.is_unicast_link_local());
        is_link_local
            || self
                .addresses
                .iter()
                .any(|(own, length)| is_same_network(*own, from, *length))
    }

    fn has_v6(&self) -> bool {
        self.addresses.iter().any(|(ip, _)| ip.is_ipv6())
    }

    fn v4(&self) -> Option<Ipv4Addr> {
        self.addresses.iter().find_map(|(ip, _)| match ip {
            IpAddr::V4(v4) => Some(*v4),
            IpAddr::V6(_) => None,
        })
    }
}

/// The IPv6 addresses in the kernel's list that it is still asking about, or that somebody else has (RFC 4862 §5.4):
/// nothing can be sent from them. A line is the address, the interface, the length, the scope, the flags and the name.
fn tentative(list: &str) -> Vec<IpAddr> {
    const TENTATIVE_OR_FAILED: u32 = 0x48;
    let read = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let flags = u32::from_str_radix(fields.get(4)?, 16).ok()?;
        let address = u128::from_str_radix(fields.first()?, 16).ok()?;
        (flags & TENTATIVE_OR_FAILED != 0).then(|| IpAddr::V6(Ipv6Addr::from(address)))
    };
    list.lines().filter_map(read).collect()
}

fn prefix(ones: u32) -> u8 {
    u8::try_from(ones).unwrap_or(128)
}

fn is_same_network(own: IpAddr, other: IpAddr, length: u8) -> bool {
    let (own, other, bits) = match (own, other) {
        (IpAddr::V4(own), IpAddr::V4(other)) => (u128::from(u32::from(own)), u128::from(u32::from(other)), 32),
        (IpAddr::V6(own), IpAddr::V6(other)) => (u128::from(own), u128::from(other), 128),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
    };
    (own ^ other)
        .checked_shr(bits - u32::from(length).min(bits))
        .unwrap_or(0)
        == 0
}

/// A packet and the interface whose socket heard it.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) index: u32,
    pub(super) from: SocketAddr,
    pub(super) packet: Vec<u8>,
}

/// The sockets of one interface; they are closed with this value.
#[derive(Debug)]
pub(super) struct Sockets {
    v4: Option<Arc<UdpSocket>>,
    v6: Option<Arc<UdpSocket>>,
    index: u32,
    readers: Vec<JoinHandle<()>>,
}

impl Sockets {
    /// Opens a socket for each family the interface has. What is heard goes to `heard`; a queue that is full makes
    /// the kernel drop packets, which mDNS expects.
    pub(super) fn open(nic: &Nic, heard: &mpsc::Sender<Heard>) -> io::Result<Self> {
        let v4 = nic.v4().map(|_| open_v4(nic.index)).transpose()?.map(Arc::new);
        let mut sockets = Self {
            readers: Vec::new(),
            v4,
            v6: None,
            index: nic.index,
        };
        sockets
            .readers
            .extend(sockets.v4.iter().map(|socket| reader(nic.index, socket, heard)));
        sockets.open_missing(nic, heard);
        Ok(sockets)
    }

    /// Opens what could not be opened before: a machine with IPv6 switched off half-way still has IPv4, and one that had no
    /// file descriptor left may have one now.
    pub(super) fn open_missing(&mut self, nic: &Nic, heard: &mpsc::Sender<Heard>) {
        if self.v6.is_none() && nic.has_v6() {
            self.v6 = open_v6(nic.index).ok().map(Arc::new);
            let (index, readers) = (self.index, self.v6.iter());
            self.readers.extend(readers.map(|socket| reader(index, socket, heard)));
        }
    }

    /// Sends to everybody in both families.
    pub(super) async fn multicast(&self, packet: &[u8]) {
        if let Some(v4) = &self.v4 {
            report(v4.send_to(packet, (GROUP_V4, PORT)).await);
        }
        if let Some(v6) = &self.v6 {
            report(
                v6.send_to(packet, SocketAddrV6::new(GROUP_V6, PORT, 0, self.index))
                    .await,
            );
        }
    }

    /// Sends to one host.
    pub(super) async fn unicast(&self, packet: &[u8], to: SocketAddr) {
        let socket = if to.is_ipv4() { &self.v4 } else { &self.v6 };
        if let Some(socket) = socket {
            report(socket.send_to(packet, to).await);
        }
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        for reader in &self.readers {
            reader.abort();
        }
    }
}

/// An interface that is just going down refuses; the next look at the interfaces notices.
fn report(sent: io::Result<usize>) {
    if let Err(error) = sent {
        tracing::debug!(%error, "an mDNS packet was not sent");
    }
}

fn reader(index: u32, socket: &Arc<UdpSocket>, heard: &mpsc::Sender<Heard>) -> JoinHandle<()> {
    tokio::spawn(listen(index, Arc::clone(socket), heard.clone()))
}

async fn listen(index: u32, socket: Arc<UdpSocket>, heard: mpsc::Sender<Heard>) {
    // One byte more than is read, so that a longer packet is known to be longer.
    let mut buffer = vec![0; MAX_PACKET + 1];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else {
            // An error that an earlier packet came back with; the socket is as good as before.
            tokio::task::yield_now().await;
            continue;
        };
        let packet = buffer.get(..length).unwrap_or_default().to_vec();
        if heard.send(Heard { index, from, packet }).await.is_err() {
            return;
        }
    }
}

fn open_v4(index: u32) -> io::Result<UdpSocket> {
    let socket = shared(AddressFamily::INET)?;
    sockopt::set_ip_multicast_if_with_ifindex(&socket, &Ipv4Addr::UNSPECIFIED, &Ipv4Addr::UNSPECIFIED, index)?;
    sockopt::set_ip_multicast_ttl(&socket, u32::from(TTL))?;
    sockopt::set_ip_ttl(&socket, u32::from(TTL))?;
    bind(&socket, &SocketAddr::from((GROUP_V4, PORT)))?;
    sockopt::set_ip_add_membership_with_ifindex(&socket, &GROUP_V4, &Ipv4Addr::UNSPECIFIED, index)?;
    finish(socket)
}

fn open_v6(index: u32) -> io::Result<UdpSocket> {
    let socket = shared(AddressFamily::INET6)?;
    sockopt::set_ipv6_v6only(&socket, true)?;
    sockopt::set_ipv6_multicast_if(&socket, index)?;
    sockopt::set_ipv6_multicast_hops(&socket, u32::from(TTL))?;
    sockopt::set_ipv6_unicast_hops(&socket, Some(TTL))?;
    // The number of the interface in a link-local address binds the socket to that interface (ipv6(7)).
    bind(&socket, &SocketAddr::V6(SocketAddrV6::new(GROUP_V6, PORT, 0, index)))?;
    sockopt::set_ipv6_add_membership(&socket, &GROUP_V6, index)?;
    finish(socket)
}

/// A socket that shares its port with every other mDNS program.
fn shared(family: AddressFamily) -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family, SocketType::DGRAM, flags, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    sockopt::set_socket_reuseport(&socket, true)?;
    Ok(socket)
}

fn finish(socket: OwnedFd) -> io::Result<UdpSocket> {
    UdpSocket::from_std(StdSocket::from(socket))
}

/// Whether the port can be shared at all.
pub(super) fn check_port() -> io::Result<()> {
    let attempt = |family, any: IpAddr| -> io::Result<()> {
        let socket = shared(family)?;
        if family == AddressFamily::INET6 {
            sockopt::set_ipv6_v6only(&socket, true)?;
        }
        Ok(bind(&socket, &SocketAddr::new(any, PORT))?)
    };
    match attempt(AddressFamily::INET, Ipv4Addr::UNSPECIFIED.into()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(error),
        // A kernel without IPv4 may have IPv6.
        Err(_) => attempt(AddressFamily::INET6, Ipv6Addr::UNSPECIFIED.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_the_kernel_is_not_sure_of_are_left_out() {
        let list = "fe80000000000000005056fffec00008 02 40 20 80     eth0\n\
                    fe80000000000000005056fffec00009 03 40 20 c0     eth1\n\
                    20010db8000000000000000000000001 03 40 00 08     eth1\n\
                    broken\n";
        assert_eq!(tentative(list), [ip("fe80::50:56ff:fec0:9"), ip("2001:db8::1")]);
    }

    #[test]
    fn what_is_on_the_link_follows_from_the_networks_of_the_interface() {
        let addresses = vec![(ip("192.168.1.9"), 24), (ip("2001:db8:1::9"), 64), (ip("10.0.0.1"), 32)];
        let nic = Nic {
            name: "eth0".into(),
            index: 2,
            addresses,
        };
        for near in ["192.168.1.1", "192.168.1.255", "2001:db8:1::1", "fe80::1", "10.0.0.1"] {
            assert!(nic.has_on_link(ip(near)), "{near}");
        }
        for far in ["192.168.2.1", "8.8.8.8", "2001:db8:2::1", "10.0.0.2"] {
            assert!(!nic.has_on_link(ip(far)), "{far}");
        }
        let anything = Nic {
            addresses: vec![(ip("0.0.0.0"), 0)],
            ..nic
        };
        assert!(anything.has_on_link(ip("8.8.8.8")) && !anything.has_on_link(ip("2001:db8::1")));
    }
}
