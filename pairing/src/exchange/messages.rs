//! The messages of `deskconn-pair/1`: their fields and bounds, to and from frames. docs/PAIRING.md has the table.
//!
//! It computes nothing and trusts nothing: a message that was read has the right shape, no more.

use super::cbor::{Item, Malformed, Map};
use super::{Code, MAX_FRAME_BYTES, SUITE, VERSION};
use crate::device::Kind;
use crate::trust::MAX_ROLE_BYTES;

/// Hosts in a grant: an address of each family on a few interfaces, and a name.
pub const MAX_HOSTS: usize = 8;

/// The longest host (RFC 1035, section 2.3.4).
pub const MAX_HOST_BYTES: usize = 253;

/// The longest realm and path in a grant; with [`MAX_HOSTS`] of the longest hosts a grant still fits its frame.
pub const MAX_PLACE_TEXT_BYTES: usize = 255;

/// The longest name that is sent; shown are 64 characters of at most four bytes.
pub const MAX_NAME_BYTES: usize = 256;

/// Begins reading a frame.
fn open(frame: &[u8]) -> Result<Map<'_>, Malformed> {
    if frame.len() > MAX_FRAME_BYTES {
        return Err(Malformed);
    }
    Map::decode(frame)
}

/// Text of at most so many bytes.
fn bounded(text: &str, limit: usize) -> Result<String, Malformed> {
    if text.len() > limit {
        Err(Malformed)
    } else {
        Ok(text.to_owned())
    }
}

/// A hello could not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadHello {
    Malformed,
    /// It is of a version or a suite that this program does not speak.
    Version,
}

impl From<Malformed> for BadHello {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// The desktop begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hello {
    pub(super) sid: [u8; 16],
    pub(super) did: [u8; 32],
    pub(super) sign: [u8; 32],
    pub(super) noise: [u8; 32],
    pub(super) spki: Option<[u8; 32]>,
    pub(super) name: String,
}

impl Hello {
    pub(super) fn encode(&self) -> Vec<u8> {
        Map::of([
            ("v", Item::Number(VERSION)),
            ("suite", Item::Text(SUITE)),
            ("sid", Item::Bytes(&self.sid)),
            ("did", Item::Bytes(&self.did)),
            ("ds", Item::Bytes(&self.sign)),
            ("dn", Item::Bytes(&self.noise)),
            ("spki", Item::optional(self.spki.as_ref())),
            ("name", Item::Text(&self.name)),
        ])
        .encode()
    }

    pub(super) fn decode(frame: &[u8]) -> Result<Self, BadHello> {
        let mut map = open(frame)?;
        if map.number("v")? != VERSION || map.text("suite")? != SUITE {
            return Err(BadHello::Version);
        }
        let hello = Self {
            sid: map.bytes("sid")?,
            did: map.bytes("did")?,
            sign: map.bytes("ds")?,
            noise: map.bytes("dn")?,
            spki: map.bytes_or_null("spki")?,
            name: bounded(map.text("name")?, MAX_NAME_BYTES)?,
        };
        map.end()?;
        Ok(hello)
    }
}

/// Which secret the device was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Code,
    Link,
}

impl Mode {
    fn word(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Link => "qr",
        }
    }
}

/// The device's share, and who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PakeA {
    pub(super) mode: Mode,
    pub(super) share: [u8; 32],
    pub(super) sign: [u8; 32],
    pub(super) noise: [u8; 32],
    pub(super) seen: Option<[u8; 32]>,
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) want: String,
    pub(super) exporter: Option<[u8; 32]>,
}

impl PakeA {
    fn map(&self) -> Map<'_> {
        let fixed = [
            ("mode", Item::Text(self.mode.word())),
            ("cs", Item::Bytes(&self.sign)),
            ("cn", Item::Bytes(&self.noise)),
            ("seen", Item::optional(self.seen.as_ref())),
            ("name", Item::Text(&self.name)),
            ("kind", Item::Text(self.kind.word())),
            ("want", Item::Text(&self.want)),
            ("ya", Item::Bytes(&self.share)),
        ];
        let exporter = self.exporter.as_ref().map(|bytes| ("exporter", Item::Bytes(bytes)));
        Map::of(fixed.into_iter().chain(exporter))
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        self.map().encode()
    }

    /// Every field but the share: what both sides must have heard the same for their keys to be the same.
    pub(super) fn associated(&self) -> Vec<u8> {
        let mut map = self.map();
        map.take("ya");
        map.encode()
    }

    pub(super) fn decode(frame: &[u8]) -> Result<Self, Malformed> {
        let mut map = open(frame)?;
        let mode = map.text("mode")?;
        let exporter = match map.take("exporter") {
            None => None,
            Some(Item::Bytes(bytes)) => Some(bytes.try_into().map_err(|_| Malformed)?),
            Some(_) => return Err(Malformed),
        };
        let message = Self {
            mode: [Mode::Code, Mode::Link]
                .into_iter()
                .find(|it| it.word() == mode)
                .ok_or(Malformed)?,
            share: map.bytes("ya")?,
            sign: map.bytes("cs")?,
            noise: map.bytes("cn")?,
            seen: map.bytes_or_null("seen")?,
            name: bounded(map.text("name")?, MAX_NAME_BYTES)?,
            kind: Kind::from_word(map.text("kind")?).ok_or(Malformed)?,
            want: bounded(map.text("want")?, MAX_ROLE_BYTES)?,
            exporter,
        };
        map.end()?;
        Ok(message)
    }
}

/// The desktop's share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PakeB {
    pub(super) share: [u8; 32],
}

impl PakeB {
    pub(super) fn encode(&self) -> Vec<u8> {
        Map::of([("yb", Item::Bytes(&self.share))]).encode()
    }

    pub(super) fn decode(frame: &[u8]) -> Result<Self, Malformed> {
        let mut map = open(frame)?;
        let share = map.bytes("yb")?;
        map.end()?;
        Ok(Self { share })
    }
}

/// A side shows that it has the key, and its identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Confirm {
    pub(super) mac: [u8; 32],
    pub(super) signature: [u8; 64],
}

impl Confirm {
    pub(super) fn encode(&self) -> Vec<u8> {
        Map::of([("mac", Item::Bytes(&self.mac)), ("sig", Item::Bytes(&self.signature))]).encode()
    }

    pub(super) fn decode(frame: &[u8]) -> Result<Self, Malformed> {
        let mut map = open(frame)?;
        let confirm = Self {
            mac: map.bytes("mac")?,
            signature: map.bytes("sig")?,
        };
        map.end()?;
        Ok(confirm)
    }
}

/// The frame of something sealed.
pub(super) fn encode_box(sealed: &[u8]) -> Vec<u8> {
    Map::of([("box", Item::Bytes(sealed))]).encode()
}

/// What is sealed in a frame.
pub(super) fn decode_box(frame: &[u8]) -> Result<&[u8], Malformed> {
    let mut map = open(frame)?;
    let sealed = map.slice("box")?;
    map.end()?;
    Ok(sealed)
}

/// What a device is told about its place at the desktop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) device_id: String,
    pub(super) role: String,
    pub(super) realm: String,
    pub(super) hosts: Vec<String>,
    pub(super) port: u16,
    pub(super) path: String,
    /// Unix time in seconds.
    pub(super) expires: Option<u64>,
}

impl Grant {
    pub(super) fn encode(&self) -> Vec<u8> {
        let fixed = [
            ("device_id", Item::Text(&self.device_id)),
            ("role", Item::Text(&self.role)),
            ("realm", Item::Text(&self.realm)),
            ("hosts", Item::Texts(self.hosts.iter().map(String::as_str).collect())),
            ("port", Item::Number(self.port.into())),
            ("path", Item::Text(&self.path)),
        ];
        let expires = self.expires.map(|expires| ("expires", Item::Number(expires)));
        Map::of(fixed.into_iter().chain(expires)).encode()
    }

    pub(super) fn decode(plain: &[u8]) -> Result<Self, Malformed> {
        let mut map = open(plain)?;
        let expires = match map.take("expires") {
            None => None,
            Some(Item::Number(expires)) => Some(expires),
            Some(_) => return Err(Malformed),
        };
        let hosts = map.texts("hosts")?;
        if hosts.len() > MAX_HOSTS {
            return Err(Malformed);
        }
        let hosts = hosts.into_iter().map(|host| bounded(host, MAX_HOST_BYTES));
        let grant = Self {
            device_id: bounded(map.text("device_id")?, MAX_PLACE_TEXT_BYTES)?,
            role: bounded(map.text("role")?, MAX_ROLE_BYTES)?,
            realm: bounded(map.text("realm")?, MAX_PLACE_TEXT_BYTES)?,
            hosts: hosts.collect::<Result<_, _>>()?,
            port: u16::try_from(map.number("port")?).map_err(|_| Malformed)?,
            path: bounded(map.text("path")?, MAX_PLACE_TEXT_BYTES)?,
            expires,
        };
        map.end()?;
        Ok(grant)
    }
}

/// What the device seals last.
pub(super) fn done() -> Vec<u8> {
    Map::of([("ok", Item::Bool(true))]).encode()
}

/// The frame that ends an exchange.
pub(super) fn encode_error(code: Code) -> Vec<u8> {
    Map::of([("code", Item::Text(code.word()))]).encode()
}

/// The code in a frame that ends an exchange, if it is one.
pub(super) fn decode_error(frame: &[u8]) -> Option<Code> {
    let mut map = open(frame).ok()?;
    let code = map.text("code").ok()?;
    map.end().ok()?;
    Code::from_word(code)
}

#[cfg(test)]
#[path = "messages_tests.rs"]
mod tests;
