//! Where devices find this desktop: what the QR code leads to, and what a paired device is told.

use std::net::IpAddr;
use std::time::Duration;

use pairing::Link;
use pairing::exchange::{BadPlace, Place};
use pairing::link::LinkSecret;
use time::OffsetDateTime;

use super::Desk;
use crate::config::DESKTOP_REALM;

/// Where WAMP is on the port.
const PATH: &str = "/ws";

impl Desk {
    /// The link for a window that stays open so long.
    pub(super) fn link(&self, secret: LinkSecret, ttl: Duration) -> Option<Link> {
        let address = self.address.get()?;
        let host = self.addresses().into_iter().next()?;
        let expires = (OffsetDateTime::now_utc() + ttl).unix_timestamp();
        let expires = u32::try_from(expires).unwrap_or(u32::MAX);
        let did = self.store.identity().did();
        Some(Link::new(&host.to_string(), address.port(), secret, &did, expires))
    }

    /// Where a paired device finds this desktop.
    pub(super) fn place(&self) -> Result<Place, BadPlace> {
        let port = self.address.get().map_or(0, std::net::SocketAddr::port);
        let name = format!("deskconn-{}.local", self.store.identity().id8());
        let addresses = self.addresses();
        // By its name it is found wherever its address goes; on loopback alone there is no such name.
        let is_on_network = addresses.iter().any(|address| !address.is_loopback());
        let hosts: Vec<String> = is_on_network
            .then_some(name)
            .into_iter()
            .chain(addresses.iter().map(IpAddr::to_string))
            .collect();
        Place::new(DESKTOP_REALM, &hosts, port, PATH)
    }

    /// This machine's addresses, those that a phone most likely reaches first.
    fn addresses(&self) -> Vec<IpAddr> {
        let Some(address) = self.address.get() else {
            return Vec::new();
        };
        if !address.ip().is_unspecified() {
            return vec![address.ip()];
        }
        let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
        let mut addresses: Vec<_> = interfaces
            .iter()
            .filter(|it| it.is_oper_up() && !it.is_loopback() && !it.is_link_local())
            // Point to point is a VPN: what is behind it is not this network.
            .map(|it| (it.is_p2p, it.ip().is_ipv6(), it.index, it.ip()))
            .collect();
        addresses.sort();
        let addresses: Vec<_> = addresses.into_iter().map(|(.., address)| address).collect();
        if addresses.is_empty() {
            return vec![IpAddr::from([127, 0, 0, 1])];
        }
        addresses
    }
}
