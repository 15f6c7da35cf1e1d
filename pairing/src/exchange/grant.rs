//! What the desktop tells a device that is let in: its id and role, and where the desktop is to be found.
//!
//! It does not find out where that is; the daemon knows its listeners.

use time::OffsetDateTime;

use super::messages::{Grant, MAX_HOST_BYTES, MAX_HOSTS, MAX_PLACE_TEXT_BYTES};
use crate::device::Device;
use crate::trust::Trust;

/// Where a device finds the desktop again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    realm: String,
    hosts: Vec<String>,
    port: u16,
    path: String,
}

/// A place that no device could be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a realm and a path of 1 to {MAX_PLACE_TEXT_BYTES} bytes and a port are needed to tell a device where to go")]
pub struct BadPlace;

impl Place {
    /// The place with these hosts (names and addresses, IPv6 without brackets), the best first. What is past
    /// [`MAX_HOSTS`], empty or longer than [`MAX_HOST_BYTES`] is left out.
    ///
    /// # Errors
    /// When the realm or path is empty or too long, or the port is 0.
    pub fn new(realm: &str, hosts: &[String], port: u16, path: &str) -> Result<Self, BadPlace> {
        let fits = |text: &str| (1..=MAX_PLACE_TEXT_BYTES).contains(&text.len());
        if !fits(realm) || !fits(path) || port == 0 {
            return Err(BadPlace);
        }
        let usable = |host: &&String| (1..=MAX_HOST_BYTES).contains(&host.len());
        Ok(Self {
            realm: realm.to_owned(),
            hosts: hosts.iter().filter(usable).take(MAX_HOSTS).cloned().collect(),
            port,
            path: path.to_owned(),
        })
    }

    pub(super) fn grant(&self, device: &Device) -> Grant {
        Grant {
            device_id: device.id.clone(),
            role: device.role.clone(),
            realm: self.realm.clone(),
            hosts: self.hosts.clone(),
            port: self.port,
            path: self.path.clone(),
            expires: device.expires.and_then(|end| u64::try_from(end.unix_timestamp()).ok()),
        }
    }
}

/// The owner's answer.
#[derive(Clone, Copy, Debug)]
pub enum Verdict<'a> {
    /// No.
    Deny,
    /// Yes.
    Allow {
        /// The role, instead of the one that was asked about.
        role: Option<&'a str>,
        /// The list that the device will be in, to draw its id.
        trust: &'a Trust,
        /// Where it finds the desktop.
        place: &'a Place,
        /// The time of day, which becomes that of the pairing.
        at: OffsetDateTime,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_keeps_hosts_to_the_limit_and_leaves_out_what_cannot_be_told() {
        let mut hosts: Vec<String> = (0..=MAX_HOSTS).map(|number| format!("10.0.0.{number}")).collect();
        hosts.insert(0, String::new());
        hosts.insert(0, "a".repeat(MAX_HOST_BYTES + 1));
        hosts.insert(0, "a".repeat(MAX_HOST_BYTES));
        let place = Place::new("deskconn", &hosts, 5020, "/ws").unwrap();
        assert_eq!(place.hosts.len(), MAX_HOSTS);
        assert_eq!(
            (place.hosts[0].len(), place.hosts[1].as_str()),
            (MAX_HOST_BYTES, "10.0.0.0")
        );
    }

    #[test]
    fn a_place_without_realm_path_or_port_is_none() {
        let limit = "a".repeat(MAX_PLACE_TEXT_BYTES);
        assert!(Place::new(&limit, &[], 1, &limit).is_ok());
        for (realm, port, path) in [
            ("", 1, "/"),
            ("r", 0, "/"),
            ("r", 1, ""),
            (&format!("{limit}a"), 1, "/"),
        ] {
            assert_eq!(Place::new(realm, &[], port, path), Err(BadPlace));
        }
    }
}
