//! The desktop's own realm: this process, programs of the owner over the Unix socket, paired devices by their key, and
//! during a pairing window strangers who may do nothing but pair.

use std::sync::Arc;

use ed25519_dalek::VerifyingKey;
use pairing::Device;
use router::{Channel, Origins, Peer, Principal, Transport};
use time::OffsetDateTime;
use wamp::acceptor::{Asked, Proof};
use wamp::auth::Method;
use wamp::error::{
    AUTHENTICATION_DENIED, AUTHENTICATION_FAILED, AUTHENTICATION_REQUIRED, NO_SUCH_ROLE, NOT_AUTHORIZED,
};
use wamp::message::Abort;
use wamp::realm::INTERNAL_PROVIDER;

use super::{Access, STATIC_PROVIDER, TRUST_PROVIDER, noted, principal, roles};

impl Access {
    /// Whether a key may prove itself over this connection: a listener on the network could steer the session.
    fn takes_keys(&self, peer: &Peer) -> bool {
        peer.is_private() || peer.is_on_this_machine() || self.policy().allows_plain_devices
    }

    pub(super) fn find_on_desktop(&self, asked: &Asked, peer: &Peer) -> Result<Proof, Abort> {
        if let Transport::Local(_) | Transport::Unix = peer.transport {
            return Ok(Proof::None);
        }
        if let Channel::Noise { key, .. } = peer.channel {
            return self.find_inside_noise(asked, &key, peer);
        }
        if self.is_older_extension(asked, peer) {
            return Ok(Proof::None);
        }
        let is_pairing = self.desk.admits(peer);
        if asked.offers(Method::Cryptosign) {
            let key = asked.public_key()?;
            if asked.authextra.contains_key("otp") {
                self.desk.claim_login(asked, &key, peer)?;
                return Ok(Proof::Cryptosign(Some(key)));
            }
            if !self.takes_keys(peer) && !is_pairing {
                return Err(Abort::new(AUTHENTICATION_DENIED, PLAIN_NETWORK));
            }
            let is_known = self.takes_keys(peer) && self.may_prove(key.as_bytes(), peer);
            return Ok(Proof::Cryptosign((is_known || is_pairing).then_some(key)));
        }
        if !asked.offers(Method::Anonymous) {
            return Err(asked.no_matching_method(&[Method::Cryptosign]));
        }
        if is_pairing {
            Ok(Proof::None)
        } else {
            Err(Abort::new(AUTHENTICATION_REQUIRED, NOT_PAIRED))
        }
    }

    /// Whether this is a browser extension of this machine that has no key, and the configuration lets it in all the same.
    fn is_older_extension(&self, asked: &Asked, peer: &Peer) -> bool {
        self.policy().allows_anonymous_brightness
            && peer.is_on_this_machine()
            && peer.origin.as_deref().is_some_and(Origins::is_of_extension)
            && !asked.offers(Method::Cryptosign)
            && asked.offers(Method::Anonymous)
    }

    /// Inside Noise the device has shown its key already: the session must be that device's and nobody else's.
    fn find_inside_noise(&self, asked: &Asked, key: &[u8; 32], peer: &Peer) -> Result<Proof, Abort> {
        let device = self.noise_device(asked, key, peer)?;
        if asked.offers(Method::Cryptosign) {
            // Which key it is has been settled below; who names one all the same must name the right one.
            let named = asked.authextra.contains_key(PUBLIC_KEY).then(|| asked.public_key());
            let named = named.transpose()?;
            let own = VerifyingKey::from_bytes(device.keys.sign.bytes()).ok();
            return Ok(Proof::Cryptosign(own.filter(|own| named.is_none_or(|it| it == *own))));
        }
        if asked.offers(Method::Anonymous) {
            return Ok(Proof::None);
        }
        Err(asked.no_matching_method(&[Method::Anonymous, Method::Cryptosign]))
    }

    /// The device with this key of Noise, if the session names it.
    fn noise_device(&self, asked: &Asked, key: &[u8; 32], peer: &Peer) -> Result<Device, Abort> {
        let device = self.store.with_trust(|trust| trust.find_noise_key(key).cloned());
        let device = device.ok_or_else(|| Abort::new(AUTHENTICATION_FAILED, NOT_PAIRED))?;
        let device = self.current(device, peer)?;
        let names_it = |authid: &str| authid == device.id || authid.eq_ignore_ascii_case(&device.keys.sign.to_hex());
        if asked.authid.as_deref().is_some_and(names_it) {
            Ok(device)
        } else {
            Err(Abort::new(AUTHENTICATION_FAILED, OTHER_DEVICE))
        }
    }

    fn device(&self, key: &[u8; 32]) -> Option<Device> {
        self.store.with_trust(|trust| trust.find_key(key).cloned())
    }

    /// Whether the device with this key is asked for a signature: also one whose time the owner has ended, which learns
    /// that by [`Access::current`] once it has proved its key. Nobody else learns that there is such a device.
    fn may_prove(&self, key: &[u8; 32], peer: &Peer) -> bool {
        let Some(device) = self.device(key) else { return false };
        let now = OffsetDateTime::now_utc();
        if device.is_current(now) || has_ended(&device, now) {
            return true;
        }
        self.audit.note(noted::expired(&device, peer));
        false
    }

    /// The device, which has proved its key, unless its time is over. One that was not seen for too long is told what one
    /// is told that was never paired, since it has to be paired again; the owner can give the other more time.
    fn current(&self, device: Device, peer: &Peer) -> Result<Device, Abort> {
        let now = OffsetDateTime::now_utc();
        if device.is_current(now) {
            return Ok(device);
        }
        self.audit.note(noted::expired(&device, peer));
        if !has_ended(&device, now) {
            return Err(Abort::new(AUTHENTICATION_FAILED, NOT_PAIRED));
        }
        let id = &device.id;
        let sentence = format!(
            "the time of this device is over; the owner of the desktop can give it more: deskconnctl devices expire {id} never"
        );
        Err(Abort::new(AUTHENTICATION_DENIED, sentence))
    }

    pub(super) async fn admit_to_desktop(&self, asked: &Asked, peer: &Peer) -> Result<Principal, Abort> {
        if let Transport::Local(name) = &peer.transport {
            return Ok(principal(name, &self.owner, Method::Anonymous, INTERNAL_PROVIDER));
        }
        if peer.transport == Transport::Unix {
            return self.admit_program(asked, peer);
        }
        if let Channel::Noise { key, .. } = peer.channel {
            let device = self.noise_device(asked, &key, peer)?;
            let role = Arc::new(self.role_of(&device));
            let method = if asked.offers(Method::Cryptosign) {
                Method::Cryptosign
            } else {
                Method::Anonymous
            };
            return Ok(principal(&device.id, &role, method, TRUST_PROVIDER));
        }
        if self.is_older_extension(asked, peer) {
            let role = Arc::new(roles::brightness());
            return Ok(principal(EXTENSION, &role, Method::Anonymous, STATIC_PROVIDER));
        }
        if !asked.offers(Method::Cryptosign) {
            return self.admit_stranger("public", Method::Anonymous);
        }
        let key = asked.public_key()?;
        let has_code = asked.authextra.contains_key("otp");
        if has_code {
            self.desk.finish_login(&key).await?;
        }
        // A window that strangers may use over a plain network opens it for their codes, and for nobody's key.
        let is_taken = self.takes_keys(peer) || has_code;
        let device = is_taken.then(|| self.device(key.as_bytes())).flatten();
        match device.map(|device| self.current(device, peer)) {
            Some(Ok(device)) => {
                let role = Arc::new(self.role_of(&device));
                Ok(principal(&device.id, &role, Method::Cryptosign, TRUST_PROVIDER))
            }
            // It may pair again as anybody may.
            Some(Err(over)) if !has_code && !self.desk.admits(peer) => Err(over),
            Some(Err(_)) | None => self.admit_stranger(&hex_of(key.as_bytes()), Method::Cryptosign),
        }
    }

    /// A program of the owner: the owner, or a component under the name it asks for, or the agent of the session in front.
    fn admit_program(&self, asked: &Asked, peer: &Peer) -> Result<Principal, Abort> {
        if !self.is_of_household(peer) {
            return Err(Abort::new(NOT_AUTHORIZED, NOT_SEATED));
        }
        match asked.authrole.as_deref() {
            Some(roles::AGENT) => self.admit_agent(peer),
            None | Some(roles::OWNER) => {
                let authid = peer
                    .uid
                    .map_or_else(|| roles::OWNER.to_owned(), |uid| format!("uid_{uid}"));
                Ok(principal(&authid, &self.owner, Method::Anonymous, STATIC_PROVIDER))
            }
            Some(roles::COMPONENT) => {
                let authid = asked.authid.as_deref().filter(|authid| is_component_name(authid));
                let authid = authid.ok_or_else(|| Abort::new(NOT_AUTHORIZED, COMPONENT_NAME))?;
                Ok(principal(
                    authid,
                    &Arc::new(roles::component(authid)),
                    Method::Anonymous,
                    STATIC_PROVIDER,
                ))
            }
            Some(other) => {
                let sentence = format!("the role \"{other}\" is not to be had here; ask for owner, component or agent");
                Err(Abort::new(NO_SUCH_ROLE, sentence))
            }
        }
    }

    fn admit_agent(&self, peer: &Peer) -> Result<Principal, Abort> {
        if !self.household.is_of_system() {
            return Err(Abort::new(NO_SUCH_ROLE, NO_AGENT_WANTED));
        }
        match peer.uid.filter(|uid| self.household.is_occupant(*uid)) {
            Some(uid) => Ok(principal(
                &format!("agent_{uid}"),
                &self.agent,
                Method::Anonymous,
                STATIC_PROVIDER,
            )),
            None => Err(Abort::new(NOT_AUTHORIZED, NOT_SEATED)),
        }
    }

    fn admit_stranger(&self, authid: &str, method: Method) -> Result<Principal, Abort> {
        if !self.desk.has_room() {
            return Err(Abort::new(
                AUTHENTICATION_DENIED,
                "too many are pairing at once; try again in ten seconds",
            ));
        }
        Ok(principal(authid, &self.pairing, method, STATIC_PROVIDER))
    }
}

/// Where HELLO has the key that is to be proved (WAMP specification, "WAMP-Cryptosign").
const PUBLIC_KEY: &str = "pubkey";
const NOT_PAIRED: &str = "this device is not paired; run `deskconnctl pair` on the desktop and follow what it says";
const OTHER_DEVICE: &str = "a session inside Noise must name, as its authid, the device whose key it has";
const PLAIN_NETWORK: &str = "a plain connection from the network is not safe enough to log in over; the owner of the \
     desktop can allow it with plain_devices = true under [compat] in the configuration";
const NOT_SEATED: &str = "only the user whose session is in front at this machine owns its desktop";
const NO_AGENT_WANTED: &str = "this daemon serves its own user's session by itself, and needs no agent";
const COMPONENT_NAME: &str = "a component needs an authid of small letters, digits and underscores, at most 64, which is not \
     extension and does not begin with d_, uid_ or agent_";
/// The authid of a browser's extension.
const EXTENSION: &str = "extension";

/// Whether the time is over that the owner gave the device.
fn has_ended(device: &Device, now: OffsetDateTime) -> bool {
    device.expires.is_some_and(|end| end <= now)
}

fn hex_of(key: &[u8; 32]) -> String {
    hex::encode(key)
}

/// A name that is one component of a URI, and not one that a device, a user of this machine, an agent or an extension has: the
/// audit log and whoever asks who is there would take it for that.
fn is_component_name(name: &str) -> bool {
    const LONGEST: usize = 64;
    const OTHERS: [&str; 3] = ["d_", "uid_", "agent_"];
    (1..=LONGEST).contains(&name.len())
        && name != EXTENSION
        && !OTHERS.iter().any(|other| name.starts_with(other))
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}
