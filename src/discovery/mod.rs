//! Showing the desktop on the local network by mDNS, so that a phone finds it without an address.
//!
//! It shows what is listening and answers nothing but mDNS: names and addresses in it prove nothing, and nobody is
//! let in because of it. Browsing is `client::discovery`.
//!
//! The responder is our own. The library that browses, mdns-sd 0.21.7, cannot set priority and weight, leaves out the
//! second announcement of a name with capitals, answers for the wrong name after a conflict, and takes the unicast of
//! an avahi beside it; `tests/discovery` shows that ours does none of it.
//!
//! | file | what it knows |
//! |---|---|
//! | `name.rs` | the instance name and the TXT record |
//! | `zone.rs` | the records, and the next name after a conflict |
//! | `responder/` | RFC 6762 on one interface, without a socket or a clock |
//! | `nic.rs` | interfaces and sockets |
//! | `publisher.rs` | the task that puts them together |

mod name;
mod nic;
mod publisher;
mod responder;
mod zone;

use std::io::ErrorKind;
use std::time::Duration;

use client::discovery::{DESKCONN, Interfaces};
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::{self, Advertise};
use publisher::Publisher;

/// The longest time that saying goodbye may take.
pub const GOODBYE_TIME: Duration = Duration::from_secs(1);

/// What is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advert {
    /// The wanted name; `None` is the computer's.
    pub name: Option<String>,
    /// The desktop's id, [`pairing::Identity::id`].
    pub id: String,
    /// The realm of the desktop.
    pub realm: String,
    /// The TCP port that is really listened on.
    pub port: u16,
    /// Whether the port also speaks TLS.
    pub is_tls: bool,
    /// The priority of the SRV records: clients that choose try lower ones first (RFC 2782).
    pub priority: u16,
    /// The weight of the SRV records, among those of one priority.
    pub weight: u16,
    /// Where.
    pub interfaces: Interfaces,
    /// Services of the user's own.
    pub also: Vec<Advertise>,
}

impl Advert {
    /// What the configuration says, for the desktop with this id on this port.
    #[must_use]
    pub fn of(config: &config::Config, id: &str, port: u16) -> Self {
        let discovery = &config.discovery;
        Self {
            name: discovery.name.clone(),
            id: id.to_owned(),
            realm: config::DESKTOP_REALM.to_owned(),
            port,
            is_tls: true,
            priority: discovery.priority,
            weight: discovery.weight,
            interfaces: Interfaces {
                allow: discovery.allow.clone(),
                deny: discovery.deny.clone(),
            },
            also: config.advertise.clone(),
        }
    }
}

/// How the desktop shows itself right now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The name it has on the network: the wanted one, or with a number when another desktop has that.
    pub name: String,
    /// Its host name, like `deskconn-9f2c1a0b.local`; links are built from it.
    pub host: String,
    /// Since when.
    pub since: OffsetDateTime,
    /// Whether it was announced on an interface at least once; before, there was no network to announce on.
    pub is_announced: bool,
    /// Whether it says that a pairing window is open.
    pub is_pairing: bool,
    /// What is wrong with the network, as far as it was seen at the last look at it.
    pub trouble: Option<String>,
}

/// The desktop is shown from [`Discovery::start`] to [`Discovery::stop`].
#[derive(Debug)]
pub struct Discovery {
    pairing: watch::Sender<bool>,
    status: watch::Receiver<Status>,
    task: JoinHandle<()>,
}

impl Discovery {
    /// Begins to show the desktop. Without a network it waits for one.
    ///
    /// # Errors
    /// When mDNS cannot work on this machine, with the step that mends it.
    pub fn start(advert: &Advert) -> Result<Self, DiscoveryError> {
        nic::check_port().map_err(|error| {
            if error.kind() == ErrorKind::AddrInUse {
                return DiscoveryError::PortTaken;
            }
            DiscoveryError::Failed(format!("UDP port 5353 cannot be opened: {error}"))
        })?;
        let (publisher, status) = Publisher::new(advert);
        let (pairing, is_pairing) = watch::channel(false);
        Ok(Self {
            pairing,
            status,
            task: tokio::spawn(publisher.run(is_pairing)),
        })
    }

    /// Says on the network whether a pairing window is open.
    pub fn set_pairing(&self, is_open: bool) {
        self.pairing
            .send_if_modified(|said| std::mem::replace(said, is_open) != is_open);
    }

    /// How the desktop shows itself.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Every later state of [`Discovery::status`].
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// Says goodbye, so that the desktop disappears from every list at once, and ends within [`GOODBYE_TIME`].
    pub async fn stop(self) {
        drop(self.pairing);
        if let Err(error) = self.task.await {
            tracing::warn!(%error, "discovery ended badly; other devices may list this desktop for some time");
        }
    }
}

/// Why the desktop cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryError {
    /// Somebody holds the port alone.
    #[error(
        "UDP port 5353 is held by a program that does not share it; `sudo ss -lunp sport = :5353` names it. \
         Stop it, or turn discovery off with `deskconnctl discovery off`; until then other devices need the address"
    )]
    PortTaken,
    /// The system refused.
    #[error(
        "mDNS cannot be started: {0}. Other devices need the address of this desktop; \
         `deskconnctl discovery off` stops the attempts"
    )]
    Failed(String),
}

#[cfg(test)]
mod tests;
