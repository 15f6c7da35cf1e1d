//! What an entry of the audit log says, and how it stands in a line.
//!
//! An entry says who did what from where. It never has a payload, a code or a key; whoever makes one sees to that.

use pairing::Device;
use router::Peer;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::ledger::{OF_ACTIONS, OF_STRANGERS, Ration};

/// The longest text of a field in characters. A URI has at most 255 bytes; whatever is longer says nothing more.
pub const MAX_TEXT: usize = 255;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum Kind {
    /// The owner opened a pairing window.
    PairingOpened,
    /// A device was not paired.
    PairingFailed,
    /// The window closed.
    PairingClosed,
    /// A device was paired.
    PairingGranted,
    /// A device logged in.
    LoginOk,
    /// Somebody was not let in.
    LoginFailed,
    /// A device has another name.
    Renamed,
    /// A device has another role.
    RoleChanged,
    /// A device has other grants.
    GrantsChanged,
    /// A device came after its time was over.
    Expired,
    /// A device was revoked.
    Revoked,
    /// Somebody tried what its role does not allow.
    Denied,
    /// Somebody went past a limit.
    Limit,
    /// An action of the configuration was done.
    ActionDone,
    /// An action was done, and a step of it failed.
    ActionFailed,
    /// Entries of this log were lost.
    Lost,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 16] = [
        Self::PairingOpened,
        Self::PairingFailed,
        Self::PairingClosed,
        Self::PairingGranted,
        Self::LoginOk,
        Self::LoginFailed,
        Self::Renamed,
        Self::RoleChanged,
        Self::GrantsChanged,
        Self::Expired,
        Self::Revoked,
        Self::Denied,
        Self::Limit,
        Self::ActionDone,
        Self::ActionFailed,
        Self::Lost,
    ];

    /// The word in the file and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PairingOpened => "pairing.opened",
            Self::PairingFailed => "pairing.failed",
            Self::PairingClosed => "pairing.closed",
            Self::PairingGranted => "pairing.granted",
            Self::LoginOk => "login.ok",
            Self::LoginFailed => "login.failed",
            Self::Renamed => "device.renamed",
            Self::RoleChanged => "device.role",
            Self::GrantsChanged => "device.grants",
            Self::Expired => "device.expired",
            Self::Revoked => "device.revoked",
            Self::Denied => "action.denied",
            Self::Limit => "limit.reached",
            Self::ActionDone => "actions.done",
            Self::ActionFailed => "actions.failed",
            Self::Lost => "audit.lost",
        }
    }

    /// How many entries of it are written, where others than the owner cause them. `None`: each one.
    pub(super) const fn ration(self) -> Option<Ration> {
        match self {
            Self::PairingFailed | Self::LoginOk | Self::LoginFailed | Self::Expired | Self::Denied | Self::Limit => {
                Some(OF_STRANGERS)
            }
            Self::ActionDone | Self::ActionFailed => Some(OF_ACTIONS),
            Self::PairingOpened
            | Self::PairingClosed
            | Self::PairingGranted
            | Self::Renamed
            | Self::RoleChanged
            | Self::GrantsChanged
            | Self::Revoked
            | Self::Lost => None,
        }
    }
}

impl From<Kind> for &'static str {
    fn from(kind: Kind) -> Self {
        kind.name()
    }
}

impl TryFrom<String> for Kind {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|kind| kind.name() == name);
        known.ok_or_else(|| format!("{name:?} is no kind of entry"))
    }
}

/// An entry without its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What happened.
    pub kind: Kind,
    /// The device's id, or the name of a program or stranger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The device's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The address without its port, or `uid N` on the Unix socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The role it has now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The name of an action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// What else there is to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Entry {
    /// An entry that says no more than its kind.
    #[must_use]
    pub const fn new(kind: Kind) -> Self {
        Self {
            kind,
            device: None,
            name: None,
            address: None,
            role: None,
            action: None,
            detail: None,
        }
    }

    /// With the id, name and role of a device, if it is one.
    #[must_use]
    pub fn device<'a>(mut self, device: impl Into<Option<&'a Device>>) -> Self {
        if let Some(device) = device.into() {
            self.device = bounded(&device.id);
            self.name = bounded(&device.name);
            self.role = bounded(&device.role);
        }
        self
    }

    /// With an id alone.
    #[must_use]
    pub fn id(mut self, id: &str) -> Self {
        self.device = bounded(id);
        self
    }

    /// With where somebody comes from.
    #[must_use]
    pub fn from(mut self, peer: &Peer) -> Self {
        self.address = match (peer.address, peer.uid) {
            (Some(address), _) => Some(address.ip().to_canonical().to_string()),
            (None, Some(uid)) => Some(format!("uid {uid}")),
            (None, None) => None,
        };
        self
    }

    /// With an address as text; a port behind it is left out, since each connection has another.
    #[must_use]
    pub fn address(mut self, address: Option<&str>) -> Self {
        let without_port = |address: &str| {
            let parsed = address.parse::<std::net::SocketAddr>();
            parsed.map_or_else(
                |_| address.to_owned(),
                |address| address.ip().to_canonical().to_string(),
            )
        };
        self.address = address.map(without_port).as_deref().and_then(bounded);
        self
    }

    /// With a role.
    #[must_use]
    pub fn role(mut self, role: &str) -> Self {
        self.role = bounded(role);
        self
    }

    /// With the name of an action.
    #[must_use]
    pub fn action(mut self, name: &str) -> Self {
        self.action = bounded(name);
        self
    }

    /// With a sentence or a URI.
    #[must_use]
    pub fn detail(mut self, detail: impl AsRef<str>) -> Self {
        self.detail = bounded(detail.as_ref());
        self
    }

    /// About a subject of [`Entry::subject`], in the field that it was in.
    pub(super) fn about(self, subject: &str) -> Self {
        if matches!(self.kind, Kind::ActionDone | Kind::ActionFailed) {
            return self.action(subject);
        }
        let is_address = subject.parse::<std::net::IpAddr>().is_ok() || subject.starts_with("uid ");
        if !is_address {
            return self.id(subject);
        }
        Self {
            address: bounded(subject),
            ..self
        }
    }

    /// Whose doings these are, where each may fill only so much of the log.
    pub(super) fn subject(&self) -> &str {
        let fields = [&self.action, &self.device, &self.address];
        fields.into_iter().flatten().next().map_or("", String::as_str)
    }
}

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// When, in universal time.
    #[serde(with = "moment")]
    pub time: OffsetDateTime,
    /// What.
    #[serde(flatten)]
    pub entry: Entry,
}

/// Times of entries, as lines and procedures have them.
mod moment {
    use std::num::NonZeroU8;

    use serde::ser::Error as _;
    use serde::{Deserializer, Serializer};
    use time::OffsetDateTime;
    use time::error::Format;
    use time::format_description::well_known::Iso8601;
    use time::format_description::well_known::iso8601::{Config, EncodedConfig, TimePrecision};

    /// RFC 3339 with six digits of the second, always: lines sort by it as texts do.
    const FORM: EncodedConfig = Config::DEFAULT
        .set_time_precision(TimePrecision::Second {
            decimal_digits: NonZeroU8::new(6),
        })
        .encode();

    pub(super) fn text(time: OffsetDateTime) -> Result<String, Format> {
        time.format(&Iso8601::<FORM>)
    }

    pub(super) fn serialize<S: Serializer>(time: &OffsetDateTime, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&text(*time).map_err(S::Error::custom)?)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<OffsetDateTime, D::Error> {
        time::serde::rfc3339::deserialize(input)
    }
}

impl Record {
    /// Its time as text; none where that has no year of four digits.
    #[must_use]
    pub fn moment(&self) -> Option<String> {
        moment::text(self.time).ok()
    }

    /// The line of the file, with its end.
    pub(super) fn line(&self) -> String {
        let mut line = serde_json::to_string(self).expect("text and a time of four-digit years");
        line.push('\n');
        line
    }
}

fn bounded(text: &str) -> Option<String> {
    let text: String = text.chars().take(MAX_TEXT).collect();
    (!text.is_empty()).then_some(text)
}
