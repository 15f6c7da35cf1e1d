//! Who may join, and as what: the router's gate.
//!
//! In the desktop's own realm: this process, programs of the owner over the Unix socket, paired devices by their key,
//! and during a pairing window strangers who may do nothing but pair. In the realms of the configuration: the
//! principals it names, and anonymous clients where it has a role for them.

mod asking;
pub mod authenticator;
pub mod authorizer;
mod certificate;
mod desktop;
mod household;
mod noted;
mod policy;
mod presence;
mod realms;
mod rights;
pub mod roles;
mod seated;
mod vouching;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

use pairing::Device;
use router::{
    Action, Authorization, ConsentNews, Gate, Peer, Pending, Principal, Rate, RealmHandle, Role, RuleError, Transport,
};
use time::OffsetDateTime;
use wamp::acceptor::{Asked, Proof};
use wamp::auth::Method;
use wamp::error::NO_SUCH_REALM;
use wamp::id::SessionId;
use wamp::message::Abort;
use wamp::realm::INTERNAL_PROVIDER;
use wamp::value::{Dict, Value};

pub use self::authenticator::Authenticators;
pub use self::authorizer::Authorizers;
pub use self::household::Household;
pub(crate) use self::policy::Policy;
pub use self::policy::Reviewed;
pub use self::presence::{Presence, Sessions, Visitor};
use self::rights::Rights;
use self::roles::Roles;
use self::seated::Seated;
use crate::actions;
use crate::audit::Audit;
use crate::config::{Config, DESKTOP_REALM};
use crate::consent::Consents;
use crate::described::{Described, Item};
use crate::pair::Desk;
use crate::store::Store;

/// The provider that WELCOME names for paired devices.
const TRUST_PROVIDER: &str = "trust";
/// The provider for what this machine itself or its configuration vouches for.
const STATIC_PROVIDER: &str = "static";
/// The name of a client that gives none.
const ANONYMOUS: &str = "anonymous";

/// The gate.
#[derive(Debug)]
pub struct Access {
    store: Arc<Store>,
    desk: Arc<Desk>,
    consents: Arc<Consents>,
    audit: Audit,
    roles: Roles,
    owner: Arc<Role>,
    pairing: Arc<Role>,
    agent: Arc<Role>,
    /// Whose programs own the desktop.
    household: Household,
    seated: Seated,
    described: Described,
    is_desktop: bool,
    policy: RwLock<Arc<Policy>>,
    authorizers: Authorizers,
    authenticators: Authenticators,
    /// Requests that were denied.
    denials: AtomicU64,
    presence: Presence,
    rights: Rights,
}

impl Access {
    /// The gate for this configuration.
    ///
    /// # Errors
    /// A role of the configuration cannot be taken.
    pub fn new(
        config: &Config,
        (store, desk, consents): (Arc<Store>, Arc<Desk>, Arc<Consents>),
        audit: Audit,
        household: Household,
        (authorizers, authenticators): (Authorizers, &Authenticators),
    ) -> Result<Self, RuleError> {
        let policy = Policy::new(config, None, authenticators)?;
        policy.warn_of_open_doors(config);
        Ok(Self {
            store,
            desk,
            consents,
            audit,
            roles: Roles::of_components(),
            owner: Arc::new(roles::owner()),
            pairing: Arc::new(roles::pairing()),
            agent: Arc::new(roles::agent()),
            household,
            seated: Seated::default(),
            described: Described::default(),
            is_desktop: config.desktop.enabled,
            policy: RwLock::new(Arc::new(policy)),
            authorizers,
            authenticators: authenticators.clone(),
            denials: AtomicU64::new(0),
            presence: Presence::default(),
            rights: Rights::default(),
        })
    }

    /// The roles that devices can have.
    #[must_use]
    pub const fn roles(&self) -> &Roles {
        &self.roles
    }

    /// What programs say they offer.
    #[must_use]
    pub const fn described(&self) -> &Described {
        &self.described
    }

    /// Notes what a session says it offers.
    pub fn describe(&self, session: SessionId, items: Vec<Item>) {
        self.described.put(session, items);
        // It may have gone while it said so.
        if self.presence.visitor(session).is_none() {
            self.described.forget(session);
        }
    }

    /// Whether this is the gate of the system service.
    #[must_use]
    pub const fn is_of_system(&self) -> bool {
        self.household.is_of_system()
    }

    /// How many requests were denied.
    #[must_use]
    pub fn denials(&self) -> u64 {
        self.denials.load(Ordering::Relaxed)
    }

    /// Who is in the desktop's realm.
    #[must_use]
    pub const fn presence(&self) -> &Presence {
        &self.presence
    }

    fn known(&self, authid: &str) -> Option<Device> {
        self.store.with_trust(|trust| trust.find(authid).cloned())
    }

    /// Notes that a device has logged in, and when and where it was seen.
    fn note_seen(&self, principal: &Principal, peer: &Peer) {
        let address = peer.host();
        let seen =
            |trust: &mut pairing::Trust| trust.seen(&principal.authid, OffsetDateTime::now_utc(), address.as_deref());
        if let Err(error) = self.store.note_trust(seen) {
            tracing::debug!(%error, "a device joined and was forgotten in the same moment");
        }
        if let Some(device) = self.known(&principal.authid) {
            self.audit.note(noted::logged_in(&device, peer));
        }
    }
}

fn visitor(principal: &Principal, peer: &Peer) -> Visitor {
    Visitor {
        peer: peer.clone(),
        authid: Arc::clone(&principal.authid),
    }
}

fn principal(authid: &str, role: &Arc<Role>, method: Method, provider: &'static str) -> Principal {
    Principal {
        authid: authid.into(),
        role: Arc::clone(role),
        method: method.name(),
        provider,
        authextra: Dict::new(),
    }
}

/// The name of the session of this process that asks authorizers or authenticators, or does what the owner's actions say,
/// if it is one.
fn name_of_asker(peer: &Peer) -> Option<&'static str> {
    let Transport::Local(name) = &peer.transport else {
        return None;
    };
    let askers = [authorizer::NAME, authenticator::NAME, actions::NAME];
    askers.into_iter().find(|asker| **name == **asker)
}

fn unknown_realm(asked: &Asked) -> Abort {
    Abort::new(NO_SUCH_REALM, format!("there is no realm \"{}\" here", asked.realm))
}

impl Gate for Access {
    fn is_welcome(&self, peer: &Peer) -> bool {
        let is_welcome = self.is_of_household(peer);
        if !is_welcome {
            self.audit.note(noted::another_user(peer));
        }
        is_welcome
    }

    fn find<'a>(&'a self, asked: &'a Asked, peer: &'a Peer) -> Pending<'a, Result<Proof, Abort>> {
        Box::pin(async move {
            if self.is_desktop && asked.realm == DESKTOP_REALM {
                return self.find_on_desktop(asked, peer);
            }
            let policy = self.policy();
            let realm = policy.realms.get(asked.realm.as_str());
            let realm = realm.ok_or_else(|| unknown_realm(asked))?;
            if name_of_asker(peer).is_some() || realm.link(peer).is_some() {
                return Ok(Proof::None);
            }
            realm.find(asked, peer).await
        })
    }

    fn admit<'a>(&'a self, asked: &'a Asked, peer: &'a Peer) -> Pending<'a, Result<Principal, Abort>> {
        Box::pin(async move {
            if self.is_desktop && asked.realm == DESKTOP_REALM {
                return self.admit_to_desktop(asked, peer).await;
            }
            let policy = self.policy();
            let realm = policy.realms.get(asked.realm.as_str());
            let realm = realm.ok_or_else(|| unknown_realm(asked))?;
            if let Some(name) = name_of_asker(peer) {
                let role = Arc::new(Role::unrestricted(name));
                return Ok(principal(name, &role, Method::Anonymous, INTERNAL_PROVIDER));
            }
            if let Some((name, role)) = realm.link(peer) {
                return Ok(principal(name, role, Method::Anonymous, INTERNAL_PROVIDER));
            }
            realm.admit(asked, peer).await
        })
    }

    fn confirm(&self, principal: &Principal) -> bool {
        if principal.provider != TRUST_PROVIDER {
            return true;
        }
        // The role as it is now: what was revoked, changed or locked since the login began counts already.
        let role = self.role_now(&principal.authid);
        role.is_some_and(|role| role == *principal.role)
            && self
                .presence
                .enter(&principal.authid, self.policy().sessions_per_device)
    }

    fn confirm_return(&self, session: SessionId, principal: &Principal, peer: &Peer) -> bool {
        if principal.provider == TRUST_PROVIDER {
            let role = self.role_now(&principal.authid);
            if role.is_none_or(|role| role != *principal.role) {
                return false;
            }
            self.presence.attach(session, &principal.authid);
        }
        self.presence.note(session, visitor(principal, peer));
        true
    }

    fn detached(&self, session: SessionId, principal: &Principal) {
        if principal.provider == TRUST_PROVIDER {
            self.presence.detach(session, &principal.authid);
        }
    }

    fn resumed(&self, _session: SessionId, principal: &Principal, peer: &Peer) {
        if principal.provider == TRUST_PROVIDER {
            self.note_seen(principal, peer);
        }
        if !self.is_of_household(peer) {
            self.seated.look_again();
        }
    }

    fn return_refused(&self, principal: &Principal, peer: &Peer, why: &str) {
        let device = self.known(&principal.authid);
        self.audit
            .note(noted::return_refused(&principal.authid, device.as_ref(), peer, why));
    }

    fn message_rate(&self, principal: &Principal, peer: &Peer) -> Option<Rate> {
        // Programs of this machine's user have the machine to themselves anyway.
        let is_remote = peer.address.is_some();
        let may_call = |uri: &str| principal.role.allows(Action::Call, &uri.into()).is_some();
        let does_input = principal.provider == TRUST_PROVIDER && may_call(roles::INPUT_PROBE);
        let policy = self.policy();
        let rate = if does_input {
            policy.input_rate
        } else {
            policy.message_rate
        };
        rate.filter(|_| is_remote)
    }

    fn consent(&self, _realm: &RealmHandle, news: ConsentNews) {
        self.consents.note(news);
    }

    fn authorize(&self, realm: &RealmHandle, question: Authorization) -> bool {
        self.authorizers.note(realm, question)
    }

    fn joined(&self, session: SessionId, principal: &Principal, peer: &Peer) {
        if principal.provider == TRUST_PROVIDER {
            self.rights.entered(&principal.authid, &principal.role);
            self.note_seen(principal, peer);
        }
        self.presence.note(session, visitor(principal, peer));
        if !self.is_of_household(peer) {
            self.seated.look_again();
        }
        if **principal.role.name() == *roles::PAIRING {
            self.desk.watch_stranger(session);
        }
    }

    fn refused(&self, peer: &Peer, abort: &Abort) {
        if let Transport::Local(_) = peer.transport {
            return;
        }
        self.audit.note(noted::refused(peer, abort));
    }

    fn limited(&self, peer: &Peer, why: &str) {
        self.audit.note(noted::limited(peer, why));
    }

    fn denied(&self, session: SessionId, action: Action, uri: &str) {
        self.denials.fetch_add(1, Ordering::Relaxed);
        let visitor = self.presence.visitor(session);
        let device = visitor.as_ref().and_then(|visitor| self.known(&visitor.authid));
        self.audit
            .note(noted::denied(visitor.as_ref(), device.as_ref(), action, uri));
    }

    fn left(&self, session: SessionId, principal: &Principal) {
        self.presence.forget(session);
        self.seated.left(session);
        self.described.forget(session);
        if principal.provider == TRUST_PROVIDER && self.presence.exit(session, &principal.authid) {
            self.rights.left(&principal.authid);
        }
        self.desk.stranger_left(session);
    }
}

/// The text under a key of `authextra`.
pub(crate) fn extra_text<'a>(asked: &'a Asked, key: &str) -> Option<&'a str> {
    asked.authextra.get(key).and_then(Value::as_str)
}

#[cfg(test)]
mod tests;
