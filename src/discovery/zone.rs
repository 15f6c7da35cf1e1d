//! The records of what is shown: which there are, and how they belong together.
//!
//! It sends nothing and hears nothing; see [`super::responder`].

use std::net::IpAddr;

use client::discovery::wire::{Name, Record, kind};

/// Seconds that a record with a host in it lives, and any other (RFC 6762 §10).
const HOST_TTL: u32 = 120;
const OTHER_TTL: u32 = 4500;

/// One service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Service {
    /// Like `_deskconn._tcp`.
    pub(super) service_type: String,
    pub(super) instance: String,
    pub(super) port: u16,
    pub(super) priority: u16,
    pub(super) weight: u16,
    /// Keys and values in their order; each fits in a string of 255 bytes.
    pub(super) txt: Vec<(String, String)>,
}

/// Everything that is shown, under the names it has at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Zone {
    /// The first label of the host name.
    pub(super) host: String,
    pub(super) services: Vec<Service>,
}

impl Zone {
    pub(super) fn host_name(&self) -> Option<Name> {
        Name::new([self.host.as_str(), "local"])
    }

    /// The records to be shown on an interface with these addresses. Those of one service follow each other.
    pub(super) fn records(&self, addresses: &[IpAddr]) -> Vec<Record> {
        let Some(host) = self.host_name() else {
            return Vec::new();
        };
        let mut records: Vec<Record> = self
            .services
            .iter()
            .filter_map(|service| service.records(&host))
            .flatten()
            .collect();
        records.extend(addresses.iter().map(|address| address_record(&host, *address)));
        records
    }

    /// Takes the next free name for what is called `name`, as other mDNS programs do; says whether anything was.
    pub(super) fn rename(&mut self, name: &Name) -> bool {
        if self.host_name().as_ref() == Some(name) {
            self.host = next_host(&self.host);
            return true;
        }
        let mut is_any = false;
        for service in &mut self.services {
            if Name::of_instance(&service.instance, &service.service_type).as_ref() == Some(name) {
                service.instance = next_instance(&service.instance);
                is_any = true;
            }
        }
        is_any
    }
}

impl Service {
    fn records(&self, host: &Name) -> Option<[Record; 4]> {
        let service_type = Name::new(self.service_type.split('.').chain(["local"]))?;
        let instance = Name::of_instance(&self.instance, &self.service_type)?;
        let all_types = Name::new(["_services", "_dns-sd", "_udp", "local"])?;
        let numbers = [self.priority, self.weight, self.port].map(u16::to_be_bytes).concat();
        let shared = |name: &Name, target: &Name| Record {
            name: name.clone(),
            kind: kind::PTR,
            is_unique: false,
            ttl: OTHER_TTL,
            data: target.bytes().to_vec(),
        };
        let own = |kind: u16, ttl: u32, data: Vec<u8>| Record {
            name: instance.clone(),
            kind,
            is_unique: true,
            ttl,
            data,
        };
        Some([
            shared(&service_type, &instance),
            own(kind::SRV, HOST_TTL, [numbers.as_slice(), host.bytes()].concat()),
            own(kind::TXT, OTHER_TTL, self.txt_data()),
            shared(&all_types, &service_type),
        ])
    }

    /// RFC 6763 §6.1: strings with their lengths; an empty record is one empty string.
    fn txt_data(&self) -> Vec<u8> {
        let mut data = Vec::new();
        for (key, value) in &self.txt {
            let string = format!("{key}={value}");
            if let Ok(length) = u8::try_from(string.len()) {
                data.push(length);
                data.extend_from_slice(string.as_bytes());
            }
        }
        if data.is_empty() { vec![0] } else { data }
    }
}

fn address_record(host: &Name, address: IpAddr) -> Record {
    let (kind, data) = match address {
        IpAddr::V4(v4) => (kind::A, v4.octets().to_vec()),
        IpAddr::V6(v6) => (kind::AAAA, v6.octets().to_vec()),
    };
    Record {
        name: host.clone(),
        kind,
        is_unique: true,
        ttl: HOST_TTL,
        data,
    }
}

/// `My desk` → `My desk (2)` → `My desk (3)` (RFC 6763 appendix D).
fn next_instance(instance: &str) -> String {
    let counted = instance.strip_suffix(')').and_then(|rest| rest.rsplit_once(" ("));
    match counted.and_then(|(start, number)| Some((start, number.parse::<u16>().ok()?))) {
        Some((start, number)) => format!("{start} ({})", number.saturating_add(1)),
        None => format!("{instance} (2)"),
    }
}

/// `deskconn-9f2c1a0b` → `deskconn-9f2c1a0b-2` → `deskconn-9f2c1a0b-3`. The id itself is never taken for the number.
fn next_host(host: &str) -> String {
    let counted = host.rsplit_once('-').filter(|(start, _)| start.contains('-'));
    match counted.and_then(|(start, number)| Some((start, number.parse::<u16>().ok()?))) {
        Some((start, number)) => format!("{start}-{}", number.saturating_add(1)),
        None => format!("{host}-2"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(instance: &str) -> Service {
        Service {
            service_type: "_deskconn._tcp".into(),
            instance: instance.into(),
            port: 5020,
            priority: 10,
            weight: 60,
            txt: vec![("v".into(), "1".into()), ("path".into(), "/ws".into())],
        }
    }

    fn zone() -> Zone {
        Zone {
            host: "deskconn-9f2c1a0b".into(),
            services: vec![service("MyDesk")],
        }
    }

    #[test]
    fn a_service_has_its_four_records_and_the_host_one_for_each_address() {
        let addresses = ["10.0.0.1".parse().unwrap(), "fe80::1".parse().unwrap()];
        let records = zone().records(&addresses);
        let seen: Vec<_> = records
            .iter()
            .map(|record| (record.kind, record.is_unique, record.ttl))
            .collect();
        let expected = [
            (kind::PTR, false, 4500),
            (kind::SRV, true, 120),
            (kind::TXT, true, 4500),
            (kind::PTR, false, 4500),
            (kind::A, true, 120),
            (kind::AAAA, true, 120),
        ];
        assert_eq!(seen, expected);
        assert_eq!(
            records[1].data,
            b"\x00\x0a\x00\x3c\x13\x9c\x11deskconn-9f2c1a0b\x05local\x00"
        );
        assert_eq!(records[2].data, b"\x03v=1\x08path=/ws");
        assert_eq!(records[3].data, b"\x09_deskconn\x04_tcp\x05local\x00");
    }

    #[test]
    fn an_empty_txt_record_is_one_empty_string() {
        assert_eq!(
            Service {
                txt: Vec::new(),
                ..service("x")
            }
            .txt_data(),
            [0]
        );
    }

    #[test]
    fn the_next_name_counts_on() {
        let mut zone = zone();
        let name = |zone: &Zone| Name::of_instance(&zone.services[0].instance, "_deskconn._tcp").unwrap();
        for expected in ["MyDesk (2)", "MyDesk (3)"] {
            assert!(zone.rename(&name(&zone)));
            assert_eq!(zone.services[0].instance, expected);
        }
        assert!(!zone.rename(&Name::of_instance("Other", "_deskconn._tcp").unwrap()));
        assert_eq!(next_instance("Room (a)"), "Room (a) (2)");
        assert_eq!(next_instance("x (9)"), "x (10)");
    }

    #[test]
    fn the_next_host_never_changes_the_id() {
        let mut zone = zone();
        for expected in ["deskconn-9f2c1a0b-2", "deskconn-9f2c1a0b-3"] {
            assert!(zone.rename(&zone.host_name().unwrap()));
            assert_eq!(zone.host, expected);
        }
        assert_eq!(next_host("deskconn-12345678"), "deskconn-12345678-2");
    }
}
