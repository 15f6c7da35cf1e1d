//! What a device keeps of a pairing: all it needs to find the desktop again and to be sure that it is the one.
//!
//! It is data for a file; the device's own secret keys are not in it.

use serde::{Deserialize, Serialize};

use super::messages::{Grant, Hello};
use crate::identity::DeviceKey;
use crate::name;
use crate::noise::NoisePublic;

/// The keys by which a desktop is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DesktopKeys {
    /// Its Ed25519 identity.
    pub sign: DeviceKey,
    /// Its X25519 key for Noise.
    pub noise: NoisePublic,
    /// SHA-256 of the SubjectPublicKeyInfo of its TLS certificate, if it has one; in files hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "digits")]
    pub spki: Option<[u8; 32]>,
}

/// A desktop that let this device in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Joined {
    /// Its id, [`crate::Identity::did`], in hexadecimal digits.
    pub did: String,
    /// Its name, safe to show.
    pub name: String,
    /// Its keys.
    pub keys: DesktopKeys,
    /// Names and addresses, the best first.
    pub hosts: Vec<String>,
    /// Its TCP port.
    pub port: u16,
    /// The path of its WebSocket.
    pub path: String,
    /// Its realm.
    pub realm: String,
    /// The id under which this device logs in.
    pub device_id: String,
    /// The role it was given.
    pub role: String,
    /// Unix time in seconds from which the device is no longer let in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<u64>,
}

impl Joined {
    pub(super) fn new(hello: &Hello, keys: DesktopKeys, grant: Grant) -> Self {
        Self {
            did: hex::encode(hello.did),
            name: name::clean(&hello.name).unwrap_or_default(),
            keys,
            hosts: grant.hosts,
            port: grant.port,
            path: grant.path,
            realm: grant.realm,
            device_id: grant.device_id,
            role: grant.role,
            expires: grant.expires,
        }
    }

    /// The bytes of [`Joined::did`], for the prologue of Noise; `None` when the file was changed by hand.
    #[must_use]
    pub fn did_bytes(&self) -> Option<[u8; 32]> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(&self.did, &mut bytes).ok().map(|()| bytes)
    }
}

/// 32 bytes as 64 hexadecimal digits.
mod digits {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[expect(clippy::ref_option, reason = "serde asks for this shape")]
    pub(super) fn serialize<S: Serializer>(bytes: &Option<[u8; 32]>, out: S) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => out.serialize_str(&hex::encode(bytes)),
            None => out.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<[u8; 32]>, D::Error> {
        let Some(text) = Option::<String>::deserialize(from)? else {
            return Ok(None);
        };
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| D::Error::custom("64 hexadecimal digits are expected"))?;
        Ok(Some(bytes))
    }
}
