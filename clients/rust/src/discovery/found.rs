//! What was found, cleaned: whatever comes from the network may be anybody's invention.
//!
//! It asks nothing and keeps nothing; see [`super::Browser`].

use std::fmt;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};

use mdns_sd::{ResolvedService, ScopedIp};
use pairing::name::visible;
use serde::{Serialize, Serializer};

use crate::connect::Target;

/// Bytes of keys and values that are kept of one TXT record, the most that fits in a packet (RFC 6763 §6.2).
pub const MAX_TXT: usize = 1300;

/// Addresses that are kept of one service: several interfaces with an address of each kind.
pub const MAX_ADDRESSES: usize = 16;

/// The longest label of DNS (RFC 1035 §2.3.4).
const MAX_INSTANCE: usize = 63;

/// The longest name of DNS, from the same place.
const MAX_HOST: usize = 255;

/// Hexadecimal digits of a desktop's id.
const ID_DIGITS: usize = 16;

/// A service on the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The name, safe to show.
    pub name: String,
    /// The name as it was sent, to compare with; not safe to show.
    #[serde(skip)]
    pub instance: String,
    /// The type, like `_deskconn._tcp`.
    #[serde(rename = "type")]
    pub service_type: String,
    /// The host, like `deskconn-9f2c1a0b.local`.
    pub host: String,
    /// Where to try, the likeliest first.
    pub addresses: Vec<Address>,
    /// The port.
    pub port: u16,
    /// The priority of the SRV record; `None` when nobody told it.
    pub priority: Option<u16>,
    /// The weight of the SRV record; `None` when nobody told it.
    pub weight: Option<u16>,
    /// The TXT record in its order; a key without a value has an empty one.
    pub txt: Vec<(String, String)>,
    /// The id a desktop claims, if it is well formed. It proves nothing.
    pub id: Option<String>,
}

impl Found {
    /// Where to connect to with a pin, the likeliest place first.
    #[must_use]
    pub fn targets(&self) -> Vec<Target> {
        let path = self.txt("path").unwrap_or("/ws");
        let target = |address: &Address| Target::SecureWebSocket {
            host: address.with_port(self.port).to_string(),
            path: path.to_owned(),
        };
        self.addresses.iter().map(target).collect()
    }

    /// The value of a TXT key.
    #[must_use]
    pub fn txt(&self, key: &str) -> Option<&str> {
        self.txt
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(key))
            .map(|(_, value)| value.as_str())
    }
}

/// An address with the interface behind which it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// The address.
    pub ip: IpAddr,
    /// The name of the interface.
    pub interface: String,
    /// Its number, 0 when unknown.
    pub index: u32,
}

impl Address {
    /// The address to connect to. A link-local address means nothing without its interface.
    #[must_use]
    pub fn with_port(&self, port: u16) -> SocketAddr {
        match self.ip {
            IpAddr::V6(ip) if is_link_local(self.ip) => SocketAddr::V6(SocketAddrV6::new(ip, port, 0, self.index)),
            ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => SocketAddr::new(ip, port),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ip {
            IpAddr::V6(ip) if is_link_local(self.ip) => write!(out, "{ip}%{}", self.interface),
            ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => write!(out, "{ip}"),
        }
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Cleans what the library resolved; `None` for another type or a name of nothing.
pub(super) fn read(resolved: &ResolvedService, service_type: &str) -> Option<Found> {
    let instance = instance_of(&resolved.fullname, service_type)?;
    let txt = read_txt(resolved);
    let id = txt
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case("id"))
        .map(|(_, value)| value.to_lowercase());
    Some(Found {
        name: visible(&instance, MAX_INSTANCE).trim().to_owned(),
        instance,
        service_type: service_type.to_owned(),
        host: visible(resolved.host.trim_end_matches('.'), MAX_HOST),
        addresses: read_addresses(resolved),
        port: resolved.port,
        priority: None,
        weight: None,
        id: id.filter(|id| id.len() == ID_DIGITS && id.bytes().all(|byte| byte.is_ascii_hexdigit())),
        txt,
    })
}

/// The first label of `<instance>.<type>.local.`; the library writes it without escapes, dots and all.
pub(super) fn instance_of(fullname: &str, service_type: &str) -> Option<String> {
    let rest = format!(".{service_type}.local.");
    let cut = fullname.len().checked_sub(rest.len())?;
    let (instance, tail) = fullname.split_at_checked(cut)?;
    let is_ours = tail.eq_ignore_ascii_case(&rest) && (1..=MAX_INSTANCE).contains(&instance.len());
    is_ours.then(|| instance.to_owned())
}

fn read_addresses(resolved: &ResolvedService) -> Vec<Address> {
    let mut addresses: Vec<Address> = resolved.addresses.iter().map(read_address).collect();
    // Private and public IPv4 first: every phone and printer has it. Link-local addresses work on this link alone.
    addresses.sort_by_key(|address| (is_link_local(address.ip), address.ip.is_ipv6(), address.clone()));
    addresses.truncate(MAX_ADDRESSES);
    addresses
}

fn read_address(scoped: &ScopedIp) -> Address {
    let interface = match scoped {
        ScopedIp::V4(v4) => v4.interface_ids().first().map(|id| (id.name.clone(), id.index)),
        ScopedIp::V6(v6) => Some((v6.scope_id().name.clone(), v6.scope_id().index)),
        _ => None,
    };
    let (interface, index) = interface.unwrap_or_default();
    Address {
        ip: scoped.to_ip_addr(),
        interface,
        index,
    }
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

fn read_txt(resolved: &ResolvedService) -> Vec<(String, String)> {
    let mut left = MAX_TXT;
    let mut txt = Vec::new();
    for property in resolved.get_properties().iter() {
        let value = property.val().unwrap_or_default();
        let size = property.key().len() + value.len() + 2;
        let Some(rest) = left.checked_sub(size) else { break };
        left = rest;
        txt.push((
            visible(property.key(), MAX_TXT),
            visible(&String::from_utf8_lossy(value), MAX_TXT),
        ));
    }
    txt
}
