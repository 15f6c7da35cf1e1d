//! Who may join, and as what: the router's gate.
//!
//! In the desktop's own realm: this process, programs of the owner over the Unix socket, paired devices by their key,
//! and during a pairing window strangers who may do nothing but pair. In the realms of the configuration: the
//! principals it names, and anonymous clients where it has a role for them.

pub mod roles;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pairing::Device;
use router::{Gate, Peer, Pending, Principal, Role, Transport};
use time::OffsetDateTime;
use wamp::acceptor::{Asked, Proof};
use wamp::auth::Method;
use wamp::error::{AUTHENTICATION_DENIED, AUTHENTICATION_REQUIRED, NO_SUCH_REALM, NO_SUCH_ROLE, NOT_AUTHORIZED};
use wamp::id::SessionId;
use wamp::message::Abort;
use wamp::value::{Dict, Value};

use self::roles::Roles;
use crate::config::{Config, DESKTOP_REALM};
use crate::pair::Desk;
use crate::store::Store;

/// The provider that WELCOME names for paired devices.
const TRUST_PROVIDER: &str = "trust";
/// The provider for what this machine itself or its configuration vouches for.
const STATIC_PROVIDER: &str = "static";

/// The gate.
#[derive(Debug)]
pub struct Access {
    store: Arc<Store>,
    desk: Arc<Desk>,
    roles: Roles,
    owner: Arc<Role>,
    pairing: Arc<Role>,
    /// The user this daemon runs as: its programs own the desktop.
    uid: u32,
    is_desktop: bool,
    allows_plain_devices: bool,
    realms: BTreeMap<String, ConfiguredRealm>,
    visitors: Mutex<BTreeMap<SessionId, Visitor>>,
}

/// A realm of the configuration.
#[derive(Debug)]
struct ConfiguredRealm {
    anonymous: Option<Arc<Role>>,
    principals: Vec<(pairing::DeviceKey, String, Arc<Role>)>,
}

/// A session of the desktop's realm, as far as more is known of it than the realm knows.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// Where it comes from.
    pub peer: Peer,
    /// Who it is.
    pub authid: Arc<str>,
}

impl Access {
    /// The gate for this configuration.
    ///
    /// # Errors
    /// A role of the configuration cannot be taken.
    pub fn new(config: &Config, store: Arc<Store>, desk: Arc<Desk>) -> Result<Self, router::RuleError> {
        let mut realms = BTreeMap::new();
        for realm in &config.realms {
            let roles = roles::of_realm(realm)?;
            let role = |name: &String| roles.get(name).cloned();
            let principals = realm.principals.iter();
            let principals = principals
                .filter_map(|it| Some((it.pubkey, it.authid.clone(), role(&it.role)?)))
                .collect();
            let anonymous = realm.anonymous.as_ref().and_then(role);
            realms.insert(realm.name.clone(), ConfiguredRealm { anonymous, principals });
        }
        Ok(Self {
            store,
            desk,
            roles: Roles::of_components(),
            owner: Arc::new(roles::owner()),
            pairing: Arc::new(roles::pairing()),
            uid: rustix::process::geteuid().as_raw(),
            is_desktop: config.desktop.enabled,
            allows_plain_devices: config.compat.plain_devices,
            realms,
            visitors: Mutex::default(),
        })
    }

    /// The roles that devices can have.
    #[must_use]
    pub const fn roles(&self) -> &Roles {
        &self.roles
    }

    /// Where a session of the desktop's realm comes from.
    #[must_use]
    pub fn visitor(&self, session: SessionId) -> Option<Visitor> {
        self.visitors().get(&session).cloned()
    }

    /// How many sessions each principal has in the desktop's realm.
    #[must_use]
    pub fn sessions_of(&self, authid: &str) -> usize {
        self.visitors()
            .values()
            .filter(|visitor| &*visitor.authid == authid)
            .count()
    }

    fn visitors(&self) -> MutexGuard<'_, BTreeMap<SessionId, Visitor>> {
        self.visitors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a key may prove itself over this connection: a listener on the network could steer the session.
    fn takes_keys(&self, peer: &Peer) -> bool {
        peer.is_on_this_machine() || self.allows_plain_devices
    }

    fn find_on_desktop(&self, asked: &Asked, peer: &Peer) -> Result<Proof, Abort> {
        if let Transport::Local(_) | Transport::Unix = peer.transport {
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
            let is_known = self.takes_keys(peer) && self.device(key.as_bytes()).is_some();
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

    fn device(&self, key: &[u8; 32]) -> Option<Device> {
        let now = OffsetDateTime::now_utc();
        self.store
            .with_trust(|trust| trust.find_key(key).filter(|device| device.is_current(now)).cloned())
    }

    async fn admit_to_desktop(&self, asked: &Asked, peer: &Peer) -> Result<Principal, Abort> {
        if let Transport::Local(name) = &peer.transport {
            return Ok(principal(name, &self.owner, Method::Anonymous, STATIC_PROVIDER));
        }
        if peer.transport == Transport::Unix {
            return self.admit_program(asked, peer);
        }
        if !asked.offers(Method::Cryptosign) {
            return self.admit_stranger("public", Method::Anonymous);
        }
        let key = asked.public_key()?;
        if asked.authextra.contains_key("otp") {
            self.desk.finish_login(&key).await?;
        }
        match self.device(key.as_bytes()) {
            Some(device) => {
                let role = Arc::new(self.roles.of_device(&device, OffsetDateTime::now_utc()));
                Ok(principal(&device.id, &role, Method::Cryptosign, TRUST_PROVIDER))
            }
            None => self.admit_stranger(&hex_of(key.as_bytes()), Method::Cryptosign),
        }
    }

    /// A program of the owner: the owner, or a component under the name it asks for.
    fn admit_program(&self, asked: &Asked, peer: &Peer) -> Result<Principal, Abort> {
        match asked.authrole.as_deref() {
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
                let sentence = format!("the role \"{other}\" is not to be had here; ask for owner or component");
                Err(Abort::new(NO_SUCH_ROLE, sentence))
            }
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

    fn find_in_realm(realm: &ConfiguredRealm, asked: &Asked) -> Result<Proof, Abort> {
        if !realm.principals.is_empty() && asked.offers(Method::Cryptosign) {
            let key = asked.public_key()?;
            return Ok(Proof::Cryptosign(realm.principal(key.as_bytes()).map(|_| key)));
        }
        if realm.anonymous.is_some() && asked.offers(Method::Anonymous) {
            return Ok(Proof::None);
        }
        let mut methods = Vec::new();
        methods.extend(realm.anonymous.as_ref().map(|_| Method::Anonymous));
        methods.extend((!realm.principals.is_empty()).then_some(Method::Cryptosign));
        Err(asked.no_matching_method(&methods))
    }

    fn admit_to_realm(realm: &ConfiguredRealm, asked: &Asked) -> Result<Principal, Abort> {
        if !realm.principals.is_empty() && asked.offers(Method::Cryptosign) {
            let key = asked.public_key()?;
            let (_, authid, role) = realm.principal(key.as_bytes()).ok_or_else(|| unknown_realm(asked))?;
            return Ok(principal(authid, role, Method::Cryptosign, STATIC_PROVIDER));
        }
        let role = realm.anonymous.as_ref().ok_or_else(|| unknown_realm(asked))?;
        let authid = asked.authid.as_deref().unwrap_or("anonymous");
        Ok(principal(authid, role, Method::Anonymous, STATIC_PROVIDER))
    }
}

impl ConfiguredRealm {
    fn principal(&self, key: &[u8; 32]) -> Option<&(pairing::DeviceKey, String, Arc<Role>)> {
        self.principals.iter().find(|(known, ..)| known.is(key))
    }
}

const NOT_PAIRED: &str = "this device is not paired; run `deskconnctl pair` on the desktop and follow what it says";
const PLAIN_NETWORK: &str = "a plain connection from the network is not safe enough to log in over; the owner of the \
     desktop can allow it with plain_devices = true under [compat] in the configuration";
const COMPONENT_NAME: &str = "a component needs an authid of small letters, digits and underscores, at most 64";

fn principal(authid: &str, role: &Arc<Role>, method: Method, provider: &'static str) -> Principal {
    Principal {
        authid: authid.into(),
        role: Arc::clone(role),
        method: method.name(),
        provider,
        authextra: Dict::new(),
    }
}

fn hex_of(key: &[u8; 32]) -> String {
    hex::encode(key)
}

/// A name that is one component of a URI.
fn is_component_name(name: &str) -> bool {
    const LONGEST: usize = 64;
    (1..=LONGEST).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn unknown_realm(asked: &Asked) -> Abort {
    Abort::new(NO_SUCH_REALM, format!("there is no realm \"{}\" here", asked.realm))
}

impl Gate for Access {
    fn is_welcome(&self, peer: &Peer) -> bool {
        peer.uid.is_none_or(|uid| uid == self.uid || uid == 0)
    }

    fn find(&self, asked: &Asked, peer: &Peer) -> Result<Proof, Abort> {
        if self.is_desktop && asked.realm == DESKTOP_REALM {
            return self.find_on_desktop(asked, peer);
        }
        let realm = self
            .realms
            .get(asked.realm.as_str())
            .ok_or_else(|| unknown_realm(asked))?;
        Self::find_in_realm(realm, asked)
    }

    fn admit<'a>(&'a self, asked: &'a Asked, peer: &'a Peer) -> Pending<'a, Result<Principal, Abort>> {
        Box::pin(async move {
            if self.is_desktop && asked.realm == DESKTOP_REALM {
                return self.admit_to_desktop(asked, peer).await;
            }
            let realm = self
                .realms
                .get(asked.realm.as_str())
                .ok_or_else(|| unknown_realm(asked))?;
            Self::admit_to_realm(realm, asked)
        })
    }

    fn confirm(&self, principal: &Principal) -> bool {
        if principal.provider != TRUST_PROVIDER {
            return true;
        }
        let now = OffsetDateTime::now_utc();
        self.store.with_trust(|trust| {
            let device = trust.find(&principal.authid);
            device.is_some_and(|device| device.is_current(now) && device.role == **principal.role.name())
        })
    }

    fn joined(&self, session: SessionId, principal: &Principal, peer: &Peer) {
        if principal.provider == TRUST_PROVIDER {
            let address = peer.address.map(|address| address.ip().to_canonical().to_string());
            let seen = |trust: &mut pairing::Trust| {
                trust.seen(&principal.authid, OffsetDateTime::now_utc(), address.as_deref())
            };
            if let Err(error) = self.store.note_trust(seen) {
                tracing::debug!(%error, "a device joined and was forgotten in the same moment");
            }
        }
        let visitor = Visitor {
            peer: peer.clone(),
            authid: Arc::clone(&principal.authid),
        };
        self.visitors().insert(session, visitor);
        if **principal.role.name() == *roles::PAIRING {
            self.desk.watch_stranger(session);
        }
    }

    fn left(&self, session: SessionId, _principal: &Principal) {
        self.visitors().remove(&session);
        self.desk.stranger_left(session);
    }
}

/// The text under a key of `authextra`.
pub(crate) fn extra_text<'a>(asked: &'a Asked, key: &str) -> Option<&'a str> {
    asked.authextra.get(key).and_then(Value::as_str)
}
