//! The task that shows the desktop: watches the interfaces, has a responder on each, and follows renames.
//!
//! What is shown is decided by [`super::Advert`], what is said by [`super::responder`].

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use client::discovery::wire::{Message, Name, Record};
use rand::TryRng;
use rand::rngs::SysRng;
use time::OffsetDateTime;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::name::{self, Facts};
use super::nic::{Heard, Nic, Sockets};
use super::responder::{Output, Responder};
use super::zone::{Service, Zone};
use super::{Advert, DESKCONN, GOODBYE_TIME, Status};

/// How often the interfaces are looked at: a phone that waits for the desktop to wake up waits this long at most.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// The time between the two goodbyes, since single multicasts get lost on wireless networks.
const SECOND_GOODBYE: Duration = Duration::from_millis(120);

/// Packets that wait to be read; a flood beyond is dropped by the kernel.
const QUEUE: usize = 64;

/// RFC 6762 §8.1: after 15 conflicts within ten seconds, five seconds pass before every further attempt.
const MANY_CONFLICTS: usize = 15;
const CONFLICT_SPAN: Duration = Duration::from_secs(10);
const CONFLICT_PAUSE: Duration = Duration::from_secs(5);

/// An interface that is used.
struct Port {
    nic: Nic,
    sockets: Sockets,
    responder: Responder,
}

pub(super) struct Publisher {
    advert: Advert,
    zone: Zone,
    ports: BTreeMap<u32, Port>,
    /// Interfaces whose trouble was told already.
    troubled: Vec<u32>,
    conflicts: Vec<Instant>,
    status: watch::Sender<Status>,
}

impl Publisher {
    pub(super) fn new(advert: &Advert) -> (Self, watch::Receiver<Status>) {
        let zone = zone(advert);
        let (status, receiver) = watch::channel(Status {
            name: zone
                .services
                .first()
                .map(|desktop| desktop.instance.clone())
                .unwrap_or_default(),
            host: format!("{}.local", zone.host),
            since: OffsetDateTime::now_utc(),
            is_announced: false,
            is_pairing: false,
            trouble: None,
        });
        let (ports, troubled, conflicts) = (BTreeMap::new(), Vec::new(), Vec::new());
        (
            Self {
                advert: advert.clone(),
                zone,
                ports,
                troubled,
                conflicts,
                status,
            },
            receiver,
        )
    }

    /// Runs until the other end of `is_pairing` is dropped.
    pub(super) async fn run(mut self, mut is_pairing: watch::Receiver<bool>) {
        let (heard, mut hearing) = mpsc::channel(QUEUE);
        let mut look_at = Instant::now();
        loop {
            let due = self.ports.values().filter_map(|port| port.responder.deadline()).min();
            let wake = due.map_or(look_at, |due| due.min(look_at));
            tokio::select! {
                changed = is_pairing.changed() => match changed {
                    Ok(()) => {
                        let is_open = *is_pairing.borrow_and_update();
                        self.show_pairing(is_open);
                    }
                    Err(_) => break,
                },
                Some(packet) = hearing.recv() => self.hear(packet).await,
                () = sleep_until(wake) => {}
            }
            if look_at <= Instant::now() {
                self.look(&heard);
                look_at = Instant::now() + LOOK_EVERY;
            }
            self.poll().await;
        }
        if timeout(GOODBYE_TIME, self.say_goodbye()).await.is_err() {
            tracing::warn!("mDNS goodbye took too long; other devices may list this desktop for some time");
        }
    }

    /// Follows the interfaces: new ones, gone ones, and changed addresses.
    fn look(&mut self, heard: &mpsc::Sender<Heard>) {
        let nics = match Nic::all(&self.advert.interfaces) {
            Ok(nics) => nics,
            Err(error) => return self.trouble(&format!("the network interfaces cannot be listed: {error}")),
        };
        self.ports.retain(|index, _| nics.contains_key(index));
        self.troubled.retain(|index| nics.contains_key(index));
        if self.troubled.is_empty() {
            self.status.send_if_modified(|status| status.trouble.take().is_some());
        }
        for (index, nic) in nics {
            let now = Instant::now();
            let records = self.zone.records(&nic.ips());
            match self.ports.get_mut(&index) {
                Some(port) if port.nic == nic => port.sockets.open_missing(&nic, heard),
                Some(port) => {
                    tracing::debug!(interface = nic.name, "mDNS uses other addresses");
                    port.responder.update(records, now);
                    let is_reopened = !has_same_families(&port.nic, &nic);
                    port.nic = nic;
                    if is_reopened {
                        self.reopen(index, heard);
                    }
                }
                None => self.open(nic, records, heard, now),
            }
        }
    }

    fn open(&mut self, nic: Nic, records: Vec<Record>, heard: &mpsc::Sender<Heard>, now: Instant) {
        match Sockets::open(&nic, heard) {
            Ok(sockets) => {
                tracing::debug!(interface = nic.name, "mDNS uses an interface");
                self.troubled.retain(|index| *index != nic.index);
                // Only the times of packets hang on it; without randomness they are the same on every machine.
                let seed = SysRng.try_next_u64().unwrap_or_default();
                self.ports.insert(
                    nic.index,
                    Port {
                        responder: Responder::new(records, seed, now),
                        sockets,
                        nic,
                    },
                );
            }
            Err(error) => self.interface_trouble(&nic, &error),
        }
    }

    /// After a family of addresses came or went: other sockets, the same names.
    fn reopen(&mut self, index: u32, heard: &mpsc::Sender<Heard>) {
        let Some(port) = self.ports.get_mut(&index) else { return };
        match Sockets::open(&port.nic, heard) {
            Ok(sockets) => port.sockets = sockets,
            Err(error) => {
                let nic = port.nic.clone();
                self.ports.remove(&index);
                self.interface_trouble(&nic, &error);
            }
        }
    }

    /// Told once for each interface; every look tries again.
    fn interface_trouble(&mut self, nic: &Nic, error: &std::io::Error) {
        if !self.troubled.contains(&nic.index) {
            self.troubled.push(nic.index);
            self.trouble(&format!("the interface {} cannot be used: {error}", nic.name));
        }
    }

    async fn hear(&mut self, heard: Heard) {
        let ours: Vec<Vec<u8>> = self
            .ports
            .values()
            .flat_map(|port| port.nic.ips())
            .map(octets)
            .collect();
        let Some(port) = self.ports.get_mut(&heard.index) else {
            return;
        };
        let message = Message::read(&heard.packet).filter(|_| port.nic.has_on_link(heard.from.ip()));
        let Some(message) = message else { return };
        let (outputs, taken) = port.responder.receive(&message, heard.from, &ours, Instant::now());
        send(&port.sockets, &outputs).await;
        if let Some(name) = taken {
            self.rename(&name);
        }
    }

    async fn poll(&mut self) {
        for port in self.ports.values_mut() {
            let outputs = port.responder.poll(Instant::now());
            send(&port.sockets, &outputs).await;
        }
        if self.ports.values().any(|port| port.responder.is_announced()) {
            self.status
                .send_if_modified(|status| !std::mem::replace(&mut status.is_announced, true));
        }
    }

    /// Somebody else has the name: takes the next one, on all interfaces.
    fn rename(&mut self, name: &Name) {
        if !self.zone.rename(name) {
            return;
        }
        let now = Instant::now();
        self.conflicts.retain(|at| now < *at + CONFLICT_SPAN);
        self.conflicts.push(now);
        let is_unlucky = self.conflicts.len() >= MANY_CONFLICTS;
        let start = if is_unlucky { now + CONFLICT_PAUSE } else { now };
        for port in self.ports.values_mut() {
            port.responder.restart(self.zone.records(&port.nic.ips()), start);
        }
        let Some(desktop) = self.zone.services.first() else {
            return;
        };
        let (name, host) = (desktop.instance.clone(), format!("{}.local", self.zone.host));
        tracing::info!(name, host, "another device has this name; trying the next one");
        self.status
            .send_modify(|status| (status.name, status.host) = (name, host));
    }

    fn show_pairing(&mut self, is_open: bool) {
        if let Some(desktop) = self.zone.services.first_mut() {
            desktop.txt = txt(&self.advert, is_open);
        }
        for port in self.ports.values_mut() {
            port.responder
                .update(self.zone.records(&port.nic.ips()), Instant::now());
        }
        self.status.send_modify(|status| status.is_pairing = is_open);
    }

    /// Tells what is new: a look that fails like the one before says nothing.
    fn trouble(&self, what: &str) {
        let is_new = |status: &mut Status| status.trouble.replace(what.to_owned()).as_deref() != Some(what);
        if self.status.send_if_modified(is_new) {
            tracing::warn!(what, "mDNS");
        }
    }

    async fn say_goodbye(&self) {
        for is_last in [false, true] {
            for port in self.ports.values() {
                send(&port.sockets, &port.responder.goodbye()).await;
            }
            if !is_last {
                sleep(SECOND_GOODBYE).await;
            }
        }
    }
}

async fn send(sockets: &Sockets, outputs: &[Output]) {
    for output in outputs {
        match output {
            Output::Multicast(packet) => sockets.multicast(packet).await,
            Output::Unicast(to, packet) => sockets.unicast(packet, *to).await,
        }
    }
}

/// Whether the same sockets serve both.
fn has_same_families(one: &Nic, other: &Nic) -> bool {
    let families = |nic: &Nic| {
        (
            nic.ips().iter().any(IpAddr::is_ipv4),
            nic.ips().iter().any(IpAddr::is_ipv6),
        )
    };
    one.name == other.name && families(one) == families(other)
}

fn octets(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

/// The desktop first, then the user's own services, on a host name of the desktop's own: a goodbye for the machine's
/// name would take it from everybody who knows the machine.
fn zone(advert: &Advert) -> Zone {
    let wanted = name::instance(&advert.name.clone().unwrap_or_else(name::of_this_computer));
    let (priority, weight) = (advert.priority, advert.weight);
    let own = advert.also.iter().map(|own| Service {
        service_type: own.service_type.clone(),
        instance: own.name.as_deref().map_or_else(|| wanted.clone(), name::instance),
        port: own.port,
        priority,
        weight,
        txt: own.txt.clone(),
    });
    let desktop = Service {
        service_type: DESKCONN.to_owned(),
        instance: wanted.clone(),
        port: advert.port,
        priority,
        weight,
        txt: txt(advert, false),
    };
    let host = format!("deskconn-{}", advert.id.get(..8).unwrap_or(&advert.id));
    Zone {
        host,
        services: [desktop].into_iter().chain(own).collect(),
    }
}

fn txt(advert: &Advert, is_pairing: bool) -> Vec<(String, String)> {
    let facts = Facts {
        id: &advert.id,
        realm: &advert.realm,
        is_tls: advert.is_tls,
        is_pairing,
    };
    name::txt(&facts)
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

#[cfg(test)]
mod tests {
    use client::discovery::Interfaces;

    use super::*;

    #[tokio::test]
    async fn a_trouble_is_told_when_it_is_new_and_forgotten_when_it_is_over() {
        let advert = Advert {
            name: Some("MyDesk".to_owned()),
            id: "9f2c1a0b00112233".to_owned(),
            realm: "deskconn".to_owned(),
            port: 5020,
            is_tls: true,
            priority: 0,
            weight: 0,
            // None that any machine has: nothing is sent.
            interfaces: Interfaces {
                allow: vec!["none-of-that-name".to_owned()],
                deny: Vec::new(),
            },
            also: Vec::new(),
        };
        let (mut publisher, mut status) = Publisher::new(&advert);
        publisher.trouble("no descriptors");
        assert_eq!(status.borrow_and_update().trouble.as_deref(), Some("no descriptors"));
        publisher.trouble("no descriptors");
        assert!(!status.has_changed().unwrap(), "it is known already");
        let (heard, _hearing) = mpsc::channel(1);
        publisher.look(&heard);
        assert_eq!(status.borrow_and_update().trouble, None, "a look went well");
    }
}
