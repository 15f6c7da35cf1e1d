//! The realms of the configuration: the principals it names, those whom an authenticator vouches for, and anonymous clients
//! where it has a role for them.

mod asking;
mod judging;
mod nobody;

use std::collections::BTreeMap;
use std::sync::Arc;

use router::{Peer, Principal, Role, RuleError, Transport};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use wamp::acceptor::{Asked, CraProof, Identity, Proof};
use wamp::auth::{Method, cra};
use wamp::error::{AUTHENTICATION_DENIED, AUTHENTICATION_FAILED, AUTHENTICATION_REQUIRED};
use wamp::message::Abort;
use wamp::uri::Uri;

use self::asking::{Asking, DYNAMIC_PROVIDER};
use self::nobody::Mask;
use super::{ANONYMOUS, Authenticators, STATIC_PROVIDER, certificate, principal, roles, unknown_realm};
use crate::config::{self, Login};
use crate::links;

const NAME_OF_ANOTHER: &str =
    "this name is of somebody who has to prove it: do that, or come without a name or under another one";
const NO_CERTIFICATE: &str = "there is no certificate that is taken here, or nobody of its name comes in by it";
const TICKET_IN_THE_CLEAR: &str = "a ticket that is told over a plain connection from the network is everybody's who \
     listens; come inside TLS or Noise, or by another method";
/// The same where tickets of the configuration are taken over such a connection: whose name that is nobody learns.
const TICKET_NOT_PUT: &str = "the proof is wrong, or nobody of this name logs in by this method here: a ticket that is told over \
     a plain connection from the network is not put to the authenticator; come inside TLS or Noise, or by another method";

/// A realm of the configuration.
#[derive(Debug)]
pub(super) struct ConfiguredRealm {
    roles: BTreeMap<String, Arc<Role>>,
    anonymous: Option<Arc<Role>>,
    /// Of everybody whose certificate is taken.
    certified: Option<Arc<Role>>,
    principals: Vec<Known>,
    authenticators: Vec<Arc<Asking>>,
    /// The roles of the sessions in which its links are here, by the links' names.
    links: BTreeMap<String, Arc<Role>>,
    mask: Arc<Mask>,
}

/// Somebody who may come in.
#[derive(Debug)]
struct Known {
    authid: String,
    role: Arc<Role>,
    login: Login,
}

/// Who decides about a client, and by which method it proves itself.
#[derive(Debug, Clone, Copy)]
enum Way<'a> {
    Configuration(Method),
    Authenticator(Method, &'a Asking),
}

impl ConfiguredRealm {
    /// The realm; what strangers see of one that was there `before` stays as it is, or they could tell who is known.
    ///
    /// # Errors
    /// One of its roles cannot be taken.
    pub(super) fn new(
        realm: &config::Realm,
        authenticators: &Authenticators,
        before: Option<&Self>,
    ) -> Result<Self, RuleError> {
        let roles = roles::of_realm(realm)?;
        let role = |name: &String| roles.get(name).cloned();
        let known = |it: &config::Principal| {
            Some(Known {
                authid: it.authid.clone(),
                role: role(&it.role)?,
                login: it.login.clone(),
            })
        };
        let links = realm.links.iter();
        let links = links.map(|link| Ok((link.name.clone(), Arc::new(links::role(link)?))));
        let asking = |it: &config::Authenticator| {
            let mut asked = before.into_iter().flat_map(|before| &before.authenticators);
            let same = asked.find(|asking| asking.authenticator == *it);
            let new = || Arc::new(Asking::new(it.clone(), authenticators.clone()));
            same.map_or_else(new, Arc::clone)
        };
        Ok(Self {
            anonymous: realm.anonymous.as_ref().and_then(role),
            certified: realm.certified.as_ref().and_then(role),
            principals: realm.principals.iter().filter_map(known).collect(),
            authenticators: realm.authenticators.iter().map(asking).collect(),
            links: links.collect::<Result<_, RuleError>>()?,
            mask: before.map_or_else(|| Arc::new(Mask::drawn()), |before| Arc::clone(&before.mask)),
            roles,
        })
    }

    /// The link whose session here this is, and its role.
    pub(super) fn link<'a>(&'a self, peer: &Peer) -> Option<(&'a str, &'a Arc<Role>)> {
        let Transport::Local(name) = &peer.transport else {
            return None;
        };
        let (name, role) = self.links.get_key_value(links::of_session(name)?)?;
        Some((name, role))
    }

    /// Whether anybody at all could register this procedure here, and so say who others are.
    pub(super) fn lets_anybody_register(&self, procedure: &Uri) -> bool {
        let anonymous = self.anonymous.as_ref();
        anonymous.is_some_and(|role| role.allows(router::Action::Register, procedure).is_some())
    }

    fn with_key(&self, key: &[u8; 32]) -> Option<&Known> {
        self.principals.iter().find(|it| match &it.login {
            Login::Cryptosign(known) => known.is(key),
            Login::Ticket(_) | Login::Cra(_) | Login::Scram(_) | Login::Tls => false,
        })
    }

    /// The role of whoever has a certificate with this name. A name of somebody who proves it otherwise is no such name.
    fn with_certificate(&self, name: &str) -> Option<&Arc<Role>> {
        let known = |it: &&Known| it.authid == name && it.login.method() == Method::Tls;
        let role = self.principals.iter().find(known).map(|it| &it.role);
        role.or_else(|| self.certified.as_ref().filter(|_| !self.is_taken(Some(name))))
    }

    /// Whether a client comes by its certificate, and who decides then.
    fn way_by_certificate(&self, asked: &Asked, peer: &Peer) -> Option<Way<'_>> {
        let certified = certificate::of(peer).filter(|_| asked.offers(Method::Tls))?;
        // Some libraries send an empty name for none.
        let named = asked.authid.as_deref().filter(|named| !named.is_empty());
        let is_own = named.is_none_or(|named| named == certified.name);
        if is_own && self.with_certificate(&certified.name).is_some() {
            return Some(Way::Configuration(Method::Tls));
        }
        self.authenticator(Method::Tls)
    }

    fn named(&self, asked: &Asked, method: Method) -> Option<&Known> {
        let name = asked.authid.as_deref()?;
        self.principals
            .iter()
            .find(|it| it.authid == name && it.login.method() == method)
    }

    /// Whether the name is that of somebody in the configuration.
    fn is_taken(&self, name: Option<&str>) -> bool {
        name.is_some_and(|name| self.principals.iter().any(|it| it.authid == name))
    }

    /// The methods that serve here by the configuration, but for anonymous.
    fn methods(&self) -> Vec<Method> {
        let methods = [Method::Cryptosign, Method::Scram, Method::Cra, Method::Ticket];
        let has = |method: &Method| self.principals.iter().any(|it| it.login.method() == *method);
        methods.into_iter().filter(has).collect()
    }

    fn authenticator(&self, method: Method) -> Option<Way<'_>> {
        let asked = |it: &&Arc<Asking>| it.authenticator.methods.contains(&method);
        let asking = self.authenticators.iter().find(asked)?;
        Some(Way::Authenticator(method, asking))
    }

    /// Who decides about a client, and by which method it is asked, of those that it offers: that of the principal it names.
    /// Whom the configuration does not name, the authenticator is asked about. Where there is none, whom nobody knows gets one
    /// of the methods, always the same, so that nothing is told by it.
    fn way(&self, asked: &Asked, peer: &Peer) -> Result<Way<'_>, Abort> {
        let methods = self.methods();
        let offered: Vec<_> = methods.iter().copied().filter(|method| asked.offers(*method)).collect();
        let is_known = |method: &&Method| match method {
            Method::Cryptosign => asked
                .public_key()
                .is_ok_and(|key| self.with_key(key.as_bytes()).is_some()),
            Method::Anonymous | Method::Ticket | Method::Cra | Method::Scram | Method::Tls => {
                self.named(asked, **method).is_some()
            }
        };
        if let Some(way) = self.way_by_certificate(asked, peer) {
            return Ok(way);
        }
        if let Some(method) = offered.iter().find(is_known) {
            return Ok(Way::Configuration(*method));
        }
        let tells = |method: &Method| *method != Method::Ticket || is_safe_for_tickets(peer);
        let wanted = asked.methods.iter().filter_map(|name| Method::from_name(name));
        let is_asked = |method: &Method| !matches!(method, Method::Anonymous | Method::Tls);
        let wanted: Vec<_> = wanted.filter(is_asked).collect();
        let vouched = wanted
            .iter()
            .copied()
            .filter(tells)
            .find_map(|it| self.authenticator(it));
        if let Some(way) = vouched {
            return Ok(way);
        }
        if let Some(method) = self.mask.one_of("method", asked, &offered) {
            return Ok(Way::Configuration(*method));
        }
        if asked.offers(Method::Anonymous) {
            if self.anonymous.is_some() {
                return Ok(Way::Configuration(Method::Anonymous));
            }
            if let Some(way) = self.authenticator(Method::Anonymous) {
                return Ok(way);
            }
        }
        if wanted.iter().any(|method| self.authenticator(*method).is_some()) {
            return Err(Abort::new(AUTHENTICATION_DENIED, TICKET_IN_THE_CLEAR));
        }
        if asked.offers(Method::Tls) && self.takes_certificates() {
            return Err(Abort::new(AUTHENTICATION_FAILED, NO_CERTIFICATE));
        }
        Err(asked.no_matching_method(&self.all_methods(methods)))
    }

    fn takes_certificates(&self) -> bool {
        let is_named = self.principals.iter().any(|it| it.login == Login::Tls);
        is_named || self.certified.is_some() || self.authenticator(Method::Tls).is_some()
    }

    /// Every method that serves here.
    fn all_methods(&self, mut methods: Vec<Method>) -> Vec<Method> {
        if self.anonymous.is_some() {
            methods.insert(0, Method::Anonymous);
        }
        if self.takes_certificates() {
            methods.push(Method::Tls);
        }
        let asked = self.authenticators.iter().flat_map(|it| &it.authenticator.methods);
        for method in asked {
            if !methods.contains(method) {
                methods.push(*method);
            }
        }
        methods
    }

    pub(super) async fn find(&self, asked: &Asked, peer: &Peer) -> Result<Proof, Abort> {
        match self.way(asked, peer)? {
            // Whoever names somebody and whoever does not are to be refused in the same words, and those are this realm's.
            Way::Configuration(Method::Ticket)
                if !is_safe_for_tickets(peer) && self.authenticator(Method::Ticket).is_some() =>
            {
                Ok(Proof::TicketTold)
            }
            Way::Configuration(method) => self.find_in_configuration(asked, method),
            Way::Authenticator(method, asking) => {
                let is_taken = self.is_taken(asked.authid.as_deref());
                if method == Method::Anonymous && is_taken {
                    return Err(Abort::new(AUTHENTICATION_REQUIRED, NAME_OF_ANOTHER));
                }
                asking.find(asked, peer, method, &self.mask, is_taken).await
            }
        }
    }

    fn find_in_configuration(&self, asked: &Asked, method: Method) -> Result<Proof, Abort> {
        let known = self.named(asked, method);
        match (method, known.map(|it| &it.login)) {
            // The proof of a certificate was given in TLS.
            (Method::Anonymous | Method::Tls, _) => Ok(Proof::None),
            (Method::Cryptosign, _) => {
                let key = asked.public_key()?;
                Ok(Proof::Cryptosign(self.with_key(key.as_bytes()).map(|_| key)))
            }
            (_, Some(Login::Ticket(ticket))) => Ok(Proof::Ticket(ticket.clone())),
            (_, Some(Login::Cra(credential))) => self.ask_cra(asked, credential.clone(), known),
            (_, Some(Login::Scram(credential))) => Ok(Proof::Scram(Box::new(credential.clone()))),
            (Method::Ticket, _) => Ok(Proof::Ticket(self.mask.ticket(asked))),
            (Method::Cra, _) => {
                let like = self.like(Method::Cra, asked).and_then(|it| match &it.login {
                    Login::Cra(credential) => Some(credential),
                    Login::Cryptosign(_) | Login::Ticket(_) | Login::Scram(_) | Login::Tls => None,
                });
                self.ask_cra(asked, self.mask.cra(asked, like), None)
            }
            (Method::Scram, _) => {
                let like = self.like(Method::Scram, asked).and_then(|it| match &it.login {
                    Login::Scram(credential) => Some(&credential.hashing),
                    Login::Cryptosign(_) | Login::Ticket(_) | Login::Cra(_) | Login::Tls => None,
                });
                Ok(Proof::Scram(Box::new(self.mask.scram(asked, like))))
            }
        }
    }

    fn ask_cra(&self, asked: &Asked, credential: cra::Credential, known: Option<&Known>) -> Result<Proof, Abort> {
        // Of whom nobody knows the role is that of somebody.
        let known = known.or_else(|| self.like(Method::Cra, asked));
        Ok(Proof::Cra(Box::new(CraProof {
            credential,
            authrole: known.map(|it| it.role.name().to_string()).unwrap_or_default(),
            provider: STATIC_PROVIDER,
            timestamp: timestamp()?,
        })))
    }

    /// Somebody whom nobody can be told from who is not known: always the same for a name.
    fn like(&self, method: Method, asked: &Asked) -> Option<&Known> {
        let alike = self.principals.iter().filter(|it| it.login.method() == method);
        let alike: Vec<_> = alike.collect();
        self.mask.one_of("like", asked, &alike).copied()
    }

    pub(super) async fn admit(&self, asked: &Asked, peer: &Peer) -> Result<Principal, Abort> {
        let way = self.way(asked, peer)?;
        match (way, &asked.proved.identity, &asked.proved.ticket) {
            (Way::Configuration(Method::Tls), ..) => {
                let certified = certificate::of(peer).ok_or_else(|| unknown_realm(asked))?;
                let role = self
                    .with_certificate(&certified.name)
                    .ok_or_else(|| unknown_realm(asked))?;
                Ok(principal(&certified.name, role, Method::Tls, STATIC_PROVIDER))
            }
            (Way::Configuration(Method::Ticket), _, Some(ticket)) => {
                self.check_ticket(asked, ticket.expose())?;
                self.admit_from_configuration(asked, Method::Ticket)
            }
            (Way::Configuration(method), ..) => self.admit_from_configuration(asked, method),
            (Way::Authenticator(method, _), Some(identity), _) => self.admit_vouched(asked, method, identity.clone()),
            (Way::Authenticator(method, asking), None, Some(ticket)) => {
                let identity = asking.admit_by_ticket(asked, peer, ticket.expose()).await?;
                self.admit_vouched(asked, method, identity)
            }
            (Way::Authenticator(..), None, None) => Err(unknown_realm(asked)),
        }
    }

    fn check_ticket(&self, asked: &Asked, told: &str) -> Result<(), Abort> {
        let ticket = match self.named(asked, Method::Ticket).map(|it| &it.login) {
            Some(Login::Ticket(ticket)) => ticket.clone(),
            Some(Login::Cryptosign(_) | Login::Cra(_) | Login::Scram(_) | Login::Tls) | None => self.mask.ticket(asked),
        };
        let refused = || Abort::new(AUTHENTICATION_FAILED, TICKET_NOT_PUT);
        ticket.is(told).then_some(()).ok_or_else(refused)
    }

    fn admit_vouched(&self, asked: &Asked, method: Method, identity: Identity) -> Result<Principal, Abort> {
        if method == Method::Anonymous && self.is_taken(Some(&identity.authid)) {
            return Err(Abort::new(AUTHENTICATION_REQUIRED, NAME_OF_ANOTHER));
        }
        let role = self.roles.get(&identity.authrole).ok_or_else(|| unknown_realm(asked))?;
        let mut authextra = identity.authextra;
        authextra.extend(asked.proved.authextra.clone());
        Ok(Principal {
            authextra,
            ..principal(&identity.authid, role, method, DYNAMIC_PROVIDER)
        })
    }

    fn admit_from_configuration(&self, asked: &Asked, method: Method) -> Result<Principal, Abort> {
        let known = match method {
            Method::Anonymous => {
                let role = self.anonymous.as_ref().ok_or_else(|| unknown_realm(asked))?;
                let authid = self.unproved_name(asked)?;
                return Ok(principal(authid, role, Method::Anonymous, STATIC_PROVIDER));
            }
            Method::Cryptosign => self.with_key(asked.public_key()?.as_bytes()),
            Method::Ticket | Method::Cra | Method::Scram | Method::Tls => self.named(asked, method),
        };
        let Known { authid, role, .. } = known.ok_or_else(|| unknown_realm(asked))?;
        Ok(Principal {
            authextra: asked.proved.authextra.clone(),
            ..principal(authid, role, method, STATIC_PROVIDER)
        })
    }

    /// The name of a client that proves nothing: any, but not that of somebody who has to prove it. Events and what is
    /// kept of them may be for that name alone.
    fn unproved_name<'a>(&self, asked: &'a Asked) -> Result<&'a str, Abort> {
        match asked.authid.as_deref() {
            // Some libraries send an empty name for none.
            None | Some("") => Ok(ANONYMOUS),
            Some(name) if self.is_taken(Some(name)) => Err(Abort::new(AUTHENTICATION_REQUIRED, NAME_OF_ANOTHER)),
            Some(name) => Ok(name),
        }
    }
}

/// Whoever listens has a ticket that he hears. What an authenticator takes may be a password that its owner uses elsewhere too.
fn is_safe_for_tickets(peer: &Peer) -> bool {
    peer.is_private() || peer.is_on_this_machine()
}

/// When a login began, as WAMP-CRA tells it.
fn timestamp() -> Result<String, Abort> {
    let now = OffsetDateTime::now_utc().format(&Rfc3339);
    now.map_err(|error| Abort::new(AUTHENTICATION_FAILED, error.to_string()))
}

#[cfg(test)]
mod tests;
