//! What an authenticator is told of a client, and what it says of it (`docs/AUTHENTICATION.md`).
//!
//! It is called as `(realm, authid, details)`, as Crossbar calls it, and answers with a role or a dictionary: `role`, `authid`,
//! `extra`, and what its method needs.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use client::{Args, Value};
use ed25519_dalek::VerifyingKey;
use router::{Channel, Peer};
use wamp::acceptor::{Asked, Identity};
use wamp::auth::ticket::MAX_TICKET;
use wamp::auth::{Method, cra, cryptosign, scram};
use wamp::value::Dict;

use super::certificate;
use crate::config;

/// The longest name that an authenticator can give, as in the configuration.
const MAX_NAME: usize = 255;
/// Keys of one client that are looked through.
const MAX_KEYS: usize = 64;
/// How WAMP-CRA's key was derived where the authenticator gives only the salt, as Crossbar has it.
const CRA_ITERATIONS: u32 = 1000;
const CRA_KEY_LENGTH: usize = 32;
/// What is said in `authextra` for the proof alone, or to pair with: an authenticator needs none of it.
const OF_THE_PROOF: [&str; 5] = ["nonce", "channel_binding", "challenge", "otp", "trustroot"];

/// What a client proves itself with, by the word of an authenticator.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Material {
    /// Nothing.
    None,
    /// One of these keys.
    Keys(Vec<VerifyingKey>),
    Cra(cra::Credential),
    Scram(Box<scram::Credential>),
}

/// The arguments that an authenticator is called with.
pub(super) fn question(asked: &Asked, peer: &Peer, method: Method, ticket: Option<&str>) -> Vec<Value> {
    let text = |text: &str| Value::from(text);
    let mut authextra = asked.authextra.clone();
    authextra.retain(|key, _| !OF_THE_PROOF.contains(&key.as_str()));
    let address = peer.address.map_or(Value::Null, |address| text(&address.to_string()));
    let mut transport = Dict::from([
        ("type".to_owned(), text(peer.transport.name())),
        ("peer".to_owned(), address),
        ("channel".to_owned(), text(peer.channel.name())),
        ("is_secure".to_owned(), peer.is_private().into()),
    ]);
    if let Some(uid) = peer.uid {
        transport.insert("uid".to_owned(), u64::from(uid).into());
    }
    if let Channel::Noise { key, .. } = peer.channel {
        transport.insert("noise_key".to_owned(), text(&hex::encode(key)));
    }
    if let Some(certified) = certificate::of(peer) {
        let certified = Dict::from([
            ("name".to_owned(), text(&certified.name)),
            ("sha256".to_owned(), text(&certified.fingerprint)),
        ]);
        transport.insert("certificate".to_owned(), certified.into());
    }
    let mut details = Dict::from([
        ("authmethod".to_owned(), text(method.name())),
        ("authextra".to_owned(), authextra.into()),
        ("transport".to_owned(), transport.into()),
    ]);
    if let Some(role) = &asked.authrole {
        details.insert("authrole".to_owned(), text(role));
    }
    if let Some(ticket) = ticket {
        details.insert("ticket".to_owned(), text(ticket));
    }
    let authid = asked.authid.as_deref().map_or(Value::Null, text);
    vec![text(asked.realm.as_str()), authid, details.into()]
}

/// What an authenticator answered; `None` where it knows nobody like that.
///
/// # Errors
/// It answered with what cannot be used: a sentence for the log of whoever wrote it.
pub(super) fn read(
    answer: &Args,
    asked: &Asked,
    peer: &Peer,
    method: Method,
    of: &config::Authenticator,
) -> Result<Option<(Identity, Material)>, String> {
    let said = match answer.args.first() {
        None | Some(Value::Null | Value::Bool(false)) => return Ok(None),
        Some(Value::Text(role)) => Dict::from([("role".to_owned(), role.as_str().into())]),
        Some(Value::Dict(said)) => said.clone(),
        Some(_) => return Err("the answer is neither a role nor a dictionary".to_owned()),
    };
    let identity = identity(&said, asked, peer, method, of)?;
    let material = match method {
        Method::Anonymous | Method::Ticket | Method::Tls => Material::None,
        Method::Cryptosign => Material::Keys(keys(&said)?),
        Method::Cra => Material::Cra(read_cra(&said)?),
        Method::Scram => Material::Scram(Box::new(read_scram(&said)?)),
    };
    Ok(Some((identity, material)))
}

fn text<'a>(said: &'a Dict, key: &str) -> Result<Option<&'a str>, String> {
    match said.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Text(text)) => Ok(Some(text)),
        Some(_) => Err(format!("`{key}` is no text")),
    }
}

fn identity(
    said: &Dict,
    asked: &Asked,
    peer: &Peer,
    method: Method,
    of: &config::Authenticator,
) -> Result<Identity, String> {
    let role = text(said, "role")?.ok_or("there is no `role`")?;
    if !of.roles.iter().any(|known| known == role) {
        let known = of.roles.join(", ");
        return Err(format!("it may not give the role {role:?}, but one of [{known}]"));
    }
    if let Some(realm) = text(said, "realm")?.filter(|realm| *realm != asked.realm.as_str()) {
        return Err(format!("the client has asked for another realm than {realm:?}"));
    }
    let named = asked.authid.as_deref().filter(|name| !name.is_empty());
    let key = || Some(asked.authextra.get("pubkey")?.as_str()?.to_ascii_lowercase());
    // What a certificate says counts, and not what its owner says.
    let certified = (method == Method::Tls).then(|| certificate::of(peer)).flatten();
    let named = certified.as_ref().map(|it| it.name.as_str()).or(named);
    let authid = match (text(said, "authid")?.or(named), method) {
        (Some(authid), _) => authid.to_owned(),
        (None, Method::Anonymous) => super::ANONYMOUS.to_owned(),
        (None, _) => key().ok_or("there is no `authid`, and the client gave none")?,
    };
    if authid.is_empty() || authid.len() > MAX_NAME || authid.chars().any(char::is_control) {
        return Err(format!("`authid` must be a text of 1 to {MAX_NAME} bytes"));
    }
    let authextra = match said.get("extra") {
        None | Some(Value::Null) => Dict::new(),
        Some(Value::Dict(extra)) => extra.clone(),
        Some(_) => return Err("`extra` is no dictionary".to_owned()),
    };
    Ok(Identity {
        authid,
        authrole: role.to_owned(),
        authextra,
    })
}

fn keys(said: &Dict) -> Result<Vec<VerifyingKey>, String> {
    let several = match said.get("authorized_keys") {
        None | Some(Value::Null) => &[],
        Some(Value::List(keys)) if keys.len() <= MAX_KEYS => &keys[..],
        Some(_) => return Err(format!("`authorized_keys` must be a list of at most {MAX_KEYS}")),
    };
    let given: Vec<_> = said.get("pubkey").into_iter().chain(several).collect();
    if given.is_empty() {
        return Err("there is neither `pubkey` nor `authorized_keys`".to_owned());
    }
    let key = |value: &&Value| cryptosign::public_key(value.as_str().unwrap_or_default());
    let keys: Result<Vec<_>, _> = given.iter().map(key).collect();
    keys.map_err(|error| error.to_string())
}

/// `secret`; with a `salt` the key that was derived from one, in base64.
fn read_cra(said: &Dict) -> Result<cra::Credential, String> {
    let secret = text(said, "secret")?.ok_or("there is no `secret`")?;
    if secret.is_empty() || secret.len() > MAX_TICKET {
        return Err(format!("`secret` must be a text of 1 to {MAX_TICKET} bytes"));
    }
    let Some(salt) = text(said, "salt")?.filter(|salt| !salt.is_empty()) else {
        return Ok(cra::Credential::of_secret(secret));
    };
    let number = |key: &str, most: usize, default: usize| match said.get(key) {
        None | Some(Value::Null) => Ok(default),
        Some(number) => number
            .as_u64()
            .and_then(|number| usize::try_from(number).ok())
            .filter(|number| (1..=most).contains(number))
            .ok_or_else(|| format!("`{key}` must be a number from 1 to {most}")),
    };
    let iterations = number("iterations", cra::MAX_ITERATIONS as usize, CRA_ITERATIONS as usize)?;
    let key_length = number("keylen", cra::MAX_KEY_LENGTH, CRA_KEY_LENGTH)?;
    let salting = cra::Salting {
        salt: salt.to_owned(),
        iterations: u32::try_from(iterations).unwrap_or(cra::MAX_ITERATIONS),
        key_length,
    };
    Ok(cra::Credential::of_key(secret, salting))
}

/// What was kept of a password: `kdf`, `salt`, `iterations`, `memory`, `stored_key`, `server_key`.
fn read_scram(said: &Dict) -> Result<scram::Credential, String> {
    let hashing = scram::Hashing::of_challenge(said).map_err(|error| error.to_string())?;
    let key = |name: &str| {
        let bytes = match said.get(name) {
            Some(Value::Bytes(bytes)) => Some(bytes.clone()),
            Some(Value::Text(text)) => BASE64_STANDARD.decode(text).ok(),
            _ => None,
        };
        let key: Option<[u8; scram::KEY_LENGTH]> = bytes.and_then(|bytes| bytes.try_into().ok());
        key.ok_or_else(|| format!("`{name}` must be base64 of {} bytes", scram::KEY_LENGTH))
    };
    Ok(scram::Credential {
        hashing,
        stored_key: key("stored_key")?,
        server_key: key("server_key")?,
    })
}

#[cfg(test)]
mod tests;
