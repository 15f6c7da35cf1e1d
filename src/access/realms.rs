//! The realms of the configuration: the principals it names, and anonymous clients where it has a role for them.

use std::sync::Arc;

use router::{Principal, Role, RuleError};
use wamp::acceptor::{Asked, Proof};
use wamp::auth::Method;
use wamp::message::Abort;

use super::{STATIC_PROVIDER, principal, roles, unknown_realm};
use crate::config;

/// A realm of the configuration.
#[derive(Debug)]
pub(super) struct ConfiguredRealm {
    anonymous: Option<Arc<Role>>,
    principals: Vec<(pairing::DeviceKey, String, Arc<Role>)>,
}

impl ConfiguredRealm {
    /// # Errors
    /// One of its roles cannot be taken.
    pub(super) fn new(realm: &config::Realm) -> Result<Self, RuleError> {
        let roles = roles::of_realm(realm)?;
        let role = |name: &String| roles.get(name).cloned();
        let principals = realm.principals.iter();
        Ok(Self {
            anonymous: realm.anonymous.as_ref().and_then(role),
            principals: principals
                .filter_map(|it| Some((it.pubkey, it.authid.clone(), role(&it.role)?)))
                .collect(),
        })
    }

    fn principal(&self, key: &[u8; 32]) -> Option<&(pairing::DeviceKey, String, Arc<Role>)> {
        self.principals.iter().find(|(known, ..)| known.is(key))
    }

    pub(super) fn find(&self, asked: &Asked) -> Result<Proof, Abort> {
        if !self.principals.is_empty() && asked.offers(Method::Cryptosign) {
            let key = asked.public_key()?;
            return Ok(Proof::Cryptosign(self.principal(key.as_bytes()).map(|_| key)));
        }
        if self.anonymous.is_some() && asked.offers(Method::Anonymous) {
            return Ok(Proof::None);
        }
        let mut methods = Vec::new();
        methods.extend(self.anonymous.as_ref().map(|_| Method::Anonymous));
        methods.extend((!self.principals.is_empty()).then_some(Method::Cryptosign));
        Err(asked.no_matching_method(&methods))
    }

    pub(super) fn admit(&self, asked: &Asked) -> Result<Principal, Abort> {
        if !self.principals.is_empty() && asked.offers(Method::Cryptosign) {
            let key = asked.public_key()?;
            let (_, authid, role) = self.principal(key.as_bytes()).ok_or_else(|| unknown_realm(asked))?;
            return Ok(principal(authid, role, Method::Cryptosign, STATIC_PROVIDER));
        }
        let role = self.anonymous.as_ref().ok_or_else(|| unknown_realm(asked))?;
        let authid = asked.authid.as_deref().unwrap_or("anonymous");
        Ok(principal(authid, role, Method::Anonymous, STATIC_PROVIDER))
    }
}
