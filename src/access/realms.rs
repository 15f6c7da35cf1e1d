//! The realms of the configuration: the principals it names, and anonymous clients where it has a role for them.

use std::sync::Arc;

use router::{Principal, Role, RuleError};
use wamp::acceptor::{Asked, Proof};
use wamp::auth::Method;
use wamp::error::AUTHENTICATION_REQUIRED;
use wamp::message::Abort;

use super::{STATIC_PROVIDER, principal, roles, unknown_realm};
use crate::config;

/// The name of a client that gives none.
const ANONYMOUS: &str = "anonymous";
const NAME_OF_ANOTHER: &str =
    "this name is of somebody who logs in by cryptosign: do that, or come without a name or under another one";

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
        let authid = self.unproved_name(asked)?;
        Ok(principal(authid, role, Method::Anonymous, STATIC_PROVIDER))
    }

    /// The name of a client that proves nothing: any, but not that of somebody who has to prove it. Events and what is
    /// kept of them may be for that name alone.
    fn unproved_name<'a>(&self, asked: &'a Asked) -> Result<&'a str, Abort> {
        match asked.authid.as_deref() {
            // Some libraries send an empty name for none.
            None | Some("") => Ok(ANONYMOUS),
            Some(name) if self.principals.iter().any(|(_, known, _)| known == name) => {
                Err(Abort::new(AUTHENTICATION_REQUIRED, NAME_OF_ANOTHER))
            }
            Some(name) => Ok(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use wamp::acceptor::Features;
    use wamp::value::Dict;

    use super::*;

    /// What a client named so is told that offers no proof, in a realm that knows a key of "keeper".
    fn admitted(name: Option<&str>) -> Result<String, String> {
        let config = config::Config::parse(
            Path::new("test.toml"),
            r#"
            [[realm]]
            name = "home"
            [[realm.role]]
            name = "anonymous"
            rules = []
            [[realm.principal]]
            authid = "keeper"
            role = "anonymous"
            method = "cryptosign"
            pubkey = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
            "#,
        )
        .unwrap();
        let asked = Asked {
            realm: "home".into(),
            authid: name.map(str::to_owned),
            authrole: None,
            methods: vec!["anonymous".to_owned()],
            authextra: Dict::new(),
            features: Features::default(),
            resumption: None,
            ping: None,
        };
        let realm = ConfiguredRealm::new(&config.realms[0]).unwrap();
        let admitted = realm.admit(&asked).map(|principal| principal.authid.to_string());
        admitted.map_err(|abort| abort.reason.as_str().to_owned())
    }

    #[test]
    fn who_proves_nothing_cannot_have_the_name_of_somebody_who_does() {
        assert_eq!(
            admitted(Some("keeper")).unwrap_err(),
            "wamp.error.authentication_required"
        );
        assert_eq!(admitted(Some("guest")).unwrap(), "guest");
    }

    #[test]
    fn who_gives_no_name_or_an_empty_one_is_anonymous() {
        assert_eq!(admitted(None).unwrap(), "anonymous");
        assert_eq!(admitted(Some("")).unwrap(), "anonymous");
    }
}
