//! Which devices are trusted, since when, as what: the content of `devices.json`.
//!
//! It reads and writes no file, knows no session and does not say what a role may do.

mod error;

use rand::TryCryptoRng;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::device::{Device, Keys, NewDevice};
use crate::grant::{Grant, MAX_URI_BYTES, Match};
use crate::identity::{DeviceKey, base32_lower};
use crate::name;
use crate::noise::NoisePublic;
use crate::random::{self, NoRandom};

pub use self::error::TrustError;

/// The version of the form. A file of another version is refused, so that nothing in it is lost by writing it back.
pub const VERSION: u32 = 1;

/// Devices one desktop remembers. Every change writes the whole list anew and every login looks through it; at about
/// 500 bytes a device this is a quarter of a megabyte, and far more than a household or an office pairs with one desktop.
pub const MAX_DEVICES: usize = 512;

/// Grants of one device: enough for every procedure of the desktop by name.
pub const MAX_GRANTS: usize = 64;

/// The longest name of a role.
pub const MAX_ROLE_BYTES: usize = 32;

/// Bytes of randomness in an id: 40 bits, eight symbols.
const ID_BYTES: usize = 5;

/// Draws for an unused id. With [`MAX_DEVICES`] one draw collides with a chance of 2⁻³¹.
const ID_DRAWS: usize = 8;

/// The list of trusted devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Trust {
    version: u32,
    devices: Vec<Device>,
}

/// The same as it stands in the file, before its rules are checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    version: u32,
    devices: Vec<Device>,
}

impl Default for Trust {
    fn default() -> Self {
        Self {
            version: VERSION,
            devices: Vec::new(),
        }
    }
}

impl Trust {
    /// All devices in the order of pairing.
    #[must_use]
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// The device with this id, or with this key in hexadecimal digits: a client may log in under either.
    #[must_use]
    pub fn find(&self, authid: &str) -> Option<&Device> {
        self.position(authid).and_then(|at| self.devices.get(at))
    }

    /// The device with this key.
    #[must_use]
    pub fn find_key(&self, key: &[u8; 32]) -> Option<&Device> {
        self.devices.iter().find(|device| device.keys.sign.is(key))
    }

    /// The device with this key for Noise.
    #[must_use]
    pub fn find_noise_key(&self, key: &[u8; 32]) -> Option<&Device> {
        self.devices.iter().find(|device| has_noise(device, key))
    }

    /// Whether a device with these keys could be added: unknown ones, or the keys of one device that pairs again.
    ///
    /// # Errors
    /// When the list is full, or one of the keys belongs to another device.
    pub fn check_keys(&self, sign: &[u8; 32], noise: Option<&[u8; 32]>) -> Result<(), TrustError> {
        let same = self.find_key(sign);
        let holder = noise.and_then(|noise| self.find_noise_key(noise));
        if let Some(other) = holder.filter(|holder| same.is_none_or(|same| same.id != holder.id)) {
            return Err(TrustError::KeyInUse(other.id.clone()));
        }
        if same.is_none() && self.devices.len() >= MAX_DEVICES {
            return Err(TrustError::Full);
        }
        Ok(())
    }

    /// The entry that an approved device gets, without adding it: a device is told its id before it is stored. A key
    /// that is known keeps its id.
    ///
    /// # Errors
    /// When the list is full, a key belongs to another device, the role or a grant is malformed, or no id could be
    /// drawn.
    pub fn prepare<R>(&self, new: NewDevice, now: OffsetDateTime, random: &mut R) -> Result<Device, TrustError>
    where
        R: TryCryptoRng + ?Sized,
    {
        check_role(&new.role)?;
        check_grants(&new.grants)?;
        self.check_keys(new.key.bytes(), new.noise.as_ref().map(NoisePublic::bytes))?;
        let id = match self.find_key(new.key.bytes()) {
            Some(device) => device.id.clone(),
            None => self.draw_id(random)?,
        };
        let now = to_second(now);
        Ok(Device {
            name: new
                .name
                .as_deref()
                .and_then(name::clean)
                .unwrap_or_else(|| format!("unnamed {}", new.kind.word())),
            id,
            kind: new.kind,
            role: new.role,
            grants: new.grants,
            keys: Keys {
                sign: new.key,
                noise: new.noise,
            },
            paired_at: now,
            last_seen: Some(now),
            last_address: new.address,
            expires: new.expires.map(to_second),
            idle_days: new.kind.idle_days(),
            legacy: new.legacy,
        })
    }

    /// Adds a device that was prepared, or replaces its entry, so that pairing again is how a device gets a new name
    /// or role and never leaves two entries for one key.
    ///
    /// # Errors
    /// When meanwhile the list has become full, or its id or a key of it has come to belong to another device.
    pub fn insert(&mut self, device: Device) -> Result<Device, TrustError> {
        let noise = device.keys.noise.as_ref().map(NoisePublic::bytes);
        self.check_keys(device.keys.sign.bytes(), noise)?;
        let same = self
            .devices
            .iter()
            .position(|known| known.keys.sign == device.keys.sign);
        let holder = self.devices.iter().position(|known| known.id == device.id);
        match same.and_then(|at| self.devices.get_mut(at)) {
            Some(entry) if holder == same => entry.clone_from(&device),
            None if holder.is_none() => self.devices.push(device.clone()),
            Some(_) | None => return Err(TrustError::Twice(device.id)),
        }
        Ok(device)
    }

    /// [`Trust::prepare`] and [`Trust::insert`] in one.
    ///
    /// # Errors
    /// As those two.
    pub fn add<R>(&mut self, new: NewDevice, now: OffsetDateTime, random: &mut R) -> Result<Device, TrustError>
    where
        R: TryCryptoRng + ?Sized,
    {
        let device = self.prepare(new, now, random)?;
        self.insert(device)
    }

    /// Forgets a device and gives back what was known of it.
    ///
    /// # Errors
    /// When there is no such device.
    pub fn revoke(&mut self, authid: &str) -> Result<Device, TrustError> {
        let at = self
            .position(authid)
            .ok_or_else(|| TrustError::NoSuchDevice(authid.to_owned()))?;
        Ok(self.devices.remove(at))
    }

    /// Gives a device another name.
    ///
    /// # Errors
    /// When there is no such device, or nothing visible is left of the name.
    pub fn rename(&mut self, authid: &str, raw: &str) -> Result<&Device, TrustError> {
        let name = name::clean(raw).ok_or(TrustError::NoName)?;
        let device = self.find_mut(authid)?;
        device.name = name;
        Ok(device)
    }

    /// Gives a device another role.
    ///
    /// # Errors
    /// When there is no such device, or the role has no proper name. Whether the role exists is the caller's to check.
    pub fn set_role(&mut self, authid: &str, role: &str) -> Result<&Device, TrustError> {
        check_role(role)?;
        let device = self.find_mut(authid)?;
        role.clone_into(&mut device.role);
        Ok(device)
    }

    /// Gives a device a grant; one for the same URI and match is replaced.
    ///
    /// # Errors
    /// When there is no such device, the grant is malformed, or the device has too many.
    pub fn grant(&mut self, authid: &str, grant: Grant) -> Result<&Device, TrustError> {
        grant.check().map_err(TrustError::BadGrant)?;
        let device = self.find_mut(authid)?;
        let same = |known: &Grant| known.uri == grant.uri && known.matching == grant.matching;
        let is_full = device.grants.len() >= MAX_GRANTS;
        match device.grants.iter_mut().find(|known| same(known)) {
            Some(row) => *row = grant,
            None if is_full => return Err(TrustError::TooManyGrants),
            None => device.grants.push(grant),
        }
        Ok(device)
    }

    /// Takes a grant from a device.
    ///
    /// # Errors
    /// When there is no such device, or it has no such grant.
    pub fn deny(&mut self, authid: &str, uri: &str, matching: Match) -> Result<&Device, TrustError> {
        let device = self.find_mut(authid)?;
        let before = device.grants.len();
        device
            .grants
            .retain(|grant| grant.uri != uri || grant.matching != matching);
        if device.grants.len() == before {
            return Err(TrustError::NoSuchGrant(uri.chars().take(MAX_URI_BYTES).collect()));
        }
        Ok(device)
    }

    /// Sets the moment from which a device is no longer let in; `None` is never.
    ///
    /// # Errors
    /// When there is no such device.
    pub fn set_expires(&mut self, authid: &str, expires: Option<OffsetDateTime>) -> Result<&Device, TrustError> {
        let device = self.find_mut(authid)?;
        device.expires = expires.map(to_second);
        Ok(device)
    }

    /// Notes that a device joined.
    ///
    /// # Errors
    /// When there is no such device.
    pub fn seen(&mut self, authid: &str, now: OffsetDateTime, address: Option<&str>) -> Result<(), TrustError> {
        let device = self.find_mut(authid)?;
        device.last_seen = Some(to_second(now));
        if let Some(address) = address {
            device.last_address = Some(address.to_owned());
        }
        Ok(())
    }

    fn position(&self, authid: &str) -> Option<usize> {
        let key = DeviceKey::from_hex(authid).ok();
        self.devices
            .iter()
            .position(|device| device.id == authid || Some(device.keys.sign) == key)
    }

    fn find_mut(&mut self, authid: &str) -> Result<&mut Device, TrustError> {
        let at = self.position(authid);
        at.and_then(|at| self.devices.get_mut(at))
            .ok_or_else(|| TrustError::NoSuchDevice(authid.to_owned()))
    }

    fn draw_id<R: TryCryptoRng + ?Sized>(&self, random: &mut R) -> Result<String, TrustError> {
        for _ in 0..ID_DRAWS {
            let drawn = random::draw::<ID_BYTES, _>(random)?;
            let id = format!("d_{}", base32_lower(&*drawn));
            if self.find(&id).is_none() {
                return Ok(id);
            }
        }
        Err(NoRandom(format!("{ID_DRAWS} draws in a row gave ids that are in use")).into())
    }
}

impl TryFrom<Unchecked> for Trust {
    type Error = TrustError;

    fn try_from(file: Unchecked) -> Result<Self, TrustError> {
        if file.version != VERSION {
            return Err(TrustError::Version(file.version));
        }
        if file.devices.len() > MAX_DEVICES {
            return Err(TrustError::Full);
        }
        let mut trust = Self::default();
        for mut device in file.devices {
            check_id(&device.id)?;
            check_role(&device.role)?;
            check_grants(&device.grants)?;
            let noise = device.keys.noise.as_ref();
            let is_known = trust.find(&device.id).is_some()
                || trust.find_key(device.keys.sign.bytes()).is_some()
                || noise.is_some_and(|noise| trust.find_noise_key(noise.bytes()).is_some());
            if is_known {
                return Err(TrustError::Twice(device.id));
            }
            device.name = name::clean(&device.name).ok_or(TrustError::NoName)?;
            trust.devices.push(device);
        }
        Ok(trust)
    }
}

/// Times in the file are read by people: whole seconds, universal time.
fn to_second(time: OffsetDateTime) -> OffsetDateTime {
    time.to_offset(time::UtcOffset::UTC).truncate_to_second()
}

/// `d_` and eight symbols; older ids of another length never existed.
fn check_id(id: &str) -> Result<(), TrustError> {
    let symbols = id.strip_prefix("d_").filter(|symbols| symbols.len() == 8);
    let fits = symbols.is_some_and(|symbols| {
        symbols
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    });
    if fits {
        Ok(())
    } else {
        Err(TrustError::BadId(id.to_owned()))
    }
}

fn check_role(role: &str) -> Result<(), TrustError> {
    let fits = (1..=MAX_ROLE_BYTES).contains(&role.len())
        && role
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte));
    if fits {
        Ok(())
    } else {
        Err(TrustError::BadRole(role.chars().take(MAX_ROLE_BYTES).collect()))
    }
}

fn check_grants(grants: &[Grant]) -> Result<(), TrustError> {
    if grants.len() > MAX_GRANTS {
        return Err(TrustError::TooManyGrants);
    }
    grants.iter().try_for_each(Grant::check).map_err(TrustError::BadGrant)
}

/// Whether this is the device's key for Noise.
fn has_noise(device: &Device, key: &[u8; 32]) -> bool {
    device.keys.noise.is_some_and(|noise| noise.is(key))
}

#[cfg(test)]
#[path = "trust_tests.rs"]
mod tests;
