//! `[[realm.principal]]`: who may come into a realm, and what proves it.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use pairing::DeviceKey;
use rand::TryRng as _;
use rand::rngs::SysRng;
use sha2::{Digest as _, Sha256};
use wamp::auth::ticket::{MAX_TICKET, Ticket};
use wamp::auth::{Method, cra, scram};

use super::ConfigError;
use super::read::{Field, Section};
use super::realm::{MAX_NAME, Realm};

/// The longest password, as `ticket` has its own.
pub(super) const MAX_PASSWORD: usize = 1024;

/// Somebody who may come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The authid.
    pub authid: String,
    /// The role it has.
    pub role: String,
    /// What proves that it is it.
    pub login: Login,
}

/// What proves who somebody is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// A signature with this key.
    Cryptosign(DeviceKey),
    /// This ticket.
    Ticket(Ticket),
    /// WAMP-CRA with this.
    Cra(cra::Credential),
    /// WAMP-SCRAM with this.
    Scram(scram::Credential),
    /// A certificate with its name.
    Tls,
}

impl Login {
    /// Its method.
    #[must_use]
    pub const fn method(&self) -> Method {
        match self {
            Self::Cryptosign(_) => Method::Cryptosign,
            Self::Ticket(_) => Method::Ticket,
            Self::Cra(_) => Method::Cra,
            Self::Scram(_) => Method::Scram,
            Self::Tls => Method::Tls,
        }
    }
}

pub(super) fn read(mut section: Section<'_>, realm: &mut Realm) -> Result<(), ConfigError> {
    let role = section.need("role", "the name of one of the realm's roles")?;
    let known = |name: &str| {
        realm
            .roles
            .iter()
            .any(|role| role.name == name)
            .then(|| name.to_owned())
    };
    let role = role.text("the name of one of the realm's roles", known)?;
    let methods = "\"cryptosign\", \"ticket\", \"wampcra\", \"wamp-scram\", \"tls\" or \"anonymous\"";
    let field = section.need("method", methods)?;
    let method = field.text(methods, Method::from_name)?;
    let login = match method {
        Method::Anonymous => {
            if realm.anonymous.replace(role).is_some() {
                return Err(field.error("\"anonymous\" for one principal of a realm only"));
            }
            return section.finish();
        }
        Method::Tls => match section.get("authid") {
            Some(_) => Login::Tls,
            None if realm.certified.replace(role).is_some() => {
                return Err(field.error("\"tls\" without an authid for one principal of a realm only"));
            }
            None => return section.finish(),
        },
        Method::Cryptosign => Login::Cryptosign(read_key(&mut section)?),
        Method::Ticket => Login::Ticket(Ticket::new(&need_secret(&mut section)?)),
        Method::Cra => Login::Cra(read_cra(&mut section)?),
        Method::Scram => Login::Scram(read_scram(&mut section, &realm.name)?),
    };
    let field = section.need("authid", "the name it logs in under")?;
    let authid = field.short(MAX_NAME)?;
    // Somebody may have several methods, and several keys; a key is one person's.
    let is_same = |other: &Principal| match &login {
        Login::Cryptosign(_) => other.login == login,
        Login::Ticket(_) | Login::Cra(_) | Login::Scram(_) | Login::Tls => {
            other.authid == authid && other.login.method() == method
        }
    };
    if realm.principals.iter().any(is_same) {
        return Err(field.error("different for every principal of the realm with the same method, and for every key"));
    }
    realm.principals.push(Principal { authid, role, login });
    section.finish()
}

fn read_key(section: &mut Section<'_>) -> Result<DeviceKey, ConfigError> {
    let accepted = "the 64 hexadecimal digits of its Ed25519 public key";
    section
        .need("pubkey", accepted)?
        .text(accepted, |text| DeviceKey::from_hex(text).ok())
}

fn need_secret(section: &mut Section<'_>) -> Result<String, ConfigError> {
    let accepted = format!("the ticket, a text of 1 to {MAX_TICKET} bytes");
    let is_one = |text: &str| (1..=MAX_TICKET).contains(&text.len());
    section
        .need("secret", &accepted)?
        .text(&accepted, |text| is_one(text).then(|| text.to_owned()))
}

fn password(field: &Field<'_>) -> Result<String, ConfigError> {
    let is_one = |text: &str| (1..=MAX_PASSWORD).contains(&text.len());
    field.text(&format!("a text of 1 to {MAX_PASSWORD} bytes"), |text| {
        is_one(text).then(|| text.to_owned())
    })
}

/// The number under a key, or what it is where nothing is said.
fn number(
    section: &mut Section<'_>,
    key: &'static str,
    least: u32,
    most: u32,
    default: u32,
) -> Result<u32, ConfigError> {
    let number = match section.get(key) {
        Some(field) => field.number(u64::from(least)..=u64::from(most))?,
        None => default.into(),
    };
    Ok(u32::try_from(number).unwrap_or(most))
}

/// Either `secret`, or with a `salt` the key that was derived from one, so that the file does not have the secret itself.
fn read_cra(section: &mut Section<'_>) -> Result<cra::Credential, ConfigError> {
    let secret = section.get("secret").map(|field| password(&field)).transpose()?;
    let Some(salt) = section.get("salt") else {
        return match secret {
            Some(secret) => Ok(cra::Credential::of_secret(&secret)),
            None => Err(section.error("`realm.principal.secret` is missing, or `key` and `salt`".to_owned())),
        };
    };
    let salting = cra::Salting {
        salt: salt.short(scram::MAX_TEXT)?,
        iterations: number(section, "iterations", 1, cra::MAX_ITERATIONS, 1000)?,
        key_length: 32,
    };
    if let Some(secret) = secret {
        return Ok(cra::Credential::of_key(&cra::derive(&secret, &salting), salting));
    }
    let accepted = "base64 of the 32 bytes that PBKDF2 gives for the secret";
    let is_key = |text: &str| BASE64_STANDARD.decode(text).is_ok_and(|key| key.len() == 32);
    let key = section
        .need("key", accepted)?
        .text(accepted, |text| is_key(text).then(|| text.to_owned()))?;
    Ok(cra::Credential::of_key(&key, salting))
}

/// Either `secret`, which is hashed here, or what was kept of one: `salt`, `stored_key` and `server_key`.
fn read_scram(section: &mut Section<'_>, realm: &str) -> Result<scram::Credential, ConfigError> {
    let accepted = "\"argon2id13\" or \"pbkdf2\"";
    let kdf = section.get("kdf").map(|field| {
        field
            .text(accepted, |text| Some(text.to_owned()))
            .map(|kdf| (kdf, field))
    });
    let hashing = match kdf.transpose()? {
        Some((kdf, _)) if kdf == "pbkdf2" => scram::Hashing {
            kdf: scram::Kdf::Pbkdf2,
            iterations: number(
                section,
                "iterations",
                scram::MIN_PBKDF2_ITERATIONS,
                scram::MAX_PBKDF2_ITERATIONS,
                scram::PBKDF2_ITERATIONS,
            )?,
            salt: Vec::new(),
        },
        Some((kdf, field)) if kdf != "argon2id13" => return Err(field.error(accepted)),
        _ => scram::Hashing {
            kdf: scram::Kdf::Argon2id13 {
                memory: number(
                    section,
                    "memory_kib",
                    scram::MIN_MEMORY_KIB,
                    scram::MAX_MEMORY_KIB,
                    scram::MEMORY_KIB,
                )?,
            },
            iterations: number(
                section,
                "iterations",
                1,
                scram::MAX_ARGON2_ITERATIONS,
                scram::ARGON2_ITERATIONS,
            )?,
            salt: Vec::new(),
        },
    };
    if let Some(field) = section.get("secret") {
        let password = password(&field)?;
        let authid = section.get("authid").map(|field| field.short(MAX_NAME)).transpose()?;
        let salt = salt_for(&[realm, &authid.unwrap_or_default(), &password]);
        let credential = scram::Credential::of_password(&password, scram::Hashing { salt, ..hashing });
        return credential.map_err(|error| field.error(&format!("another one: {error}")));
    }
    let salt = base64_of(section, "salt", "base64 of 8 to 128 bytes", 8..=scram::MAX_TEXT / 2)?;
    let key = |section: &mut Section<'_>, name| {
        let key = base64_of(
            section,
            name,
            "base64 of 32 bytes",
            scram::KEY_LENGTH..=scram::KEY_LENGTH,
        )?;
        Ok(std::array::from_fn(|at| key[at]))
    };
    Ok(scram::Credential {
        hashing: scram::Hashing { salt, ..hashing },
        stored_key: key(section, "stored_key")?,
        server_key: key(section, "server_key")?,
    })
}

fn base64_of(
    section: &mut Section<'_>,
    key: &'static str,
    accepted: &str,
    lengths: std::ops::RangeInclusive<usize>,
) -> Result<Vec<u8>, ConfigError> {
    let bytes = |text: &str| {
        BASE64_STANDARD
            .decode(text)
            .ok()
            .filter(|bytes| lengths.contains(&bytes.len()))
    };
    section.need(key, accepted)?.text(accepted, bytes)
}

/// A salt that nobody can foresee. It is another one after each start, which no client minds; while the program runs it stays the
/// same for the same words, so that a file that is read again says nothing new.
fn salt_for(words: &[&str]) -> Vec<u8> {
    static KEY: LazyLock<[u8; 32]> = LazyLock::new(|| {
        let mut key = [0; 32];
        SysRng
            .try_fill_bytes(&mut key)
            .expect("the operating system has random bytes");
        key
    });
    let mut hash = Sha256::new_with_prefix(*KEY);
    for word in words {
        hash.update((word.len() as u64).to_le_bytes());
        hash.update(word);
    }
    hash.finalize()[..scram::SALT].to_vec()
}
