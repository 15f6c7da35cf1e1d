//! The realms of the configuration: the principals it names, and anonymous clients where it has a role for them.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rand::TryRng as _;
use rand::rngs::SysRng;
use router::{Principal, Role, RuleError};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use wamp::acceptor::{Asked, CraProof, Proof};
use wamp::auth::ticket::Ticket;
use wamp::auth::{Method, cra, scram};
use wamp::error::{AUTHENTICATION_FAILED, AUTHENTICATION_REQUIRED};
use wamp::message::Abort;

use super::{STATIC_PROVIDER, principal, roles, unknown_realm};
use crate::config::{self, Login};

/// The name of a client that gives none.
const ANONYMOUS: &str = "anonymous";
const NAME_OF_ANOTHER: &str =
    "this name is of somebody who has to prove it: do that, or come without a name or under another one";

/// A realm of the configuration.
#[derive(Debug)]
pub(super) struct ConfiguredRealm {
    anonymous: Option<Arc<Role>>,
    principals: Vec<Known>,
    /// From which credentials are made for those whom nobody knows: the same for a name each time it is tried.
    mask: [u8; 32],
}

/// Somebody who may come in.
#[derive(Debug)]
struct Known {
    authid: String,
    role: Arc<Role>,
    login: Login,
}

impl ConfiguredRealm {
    /// # Errors
    /// One of its roles cannot be taken.
    pub(super) fn new(realm: &config::Realm) -> Result<Self, RuleError> {
        let roles = roles::of_realm(realm)?;
        let role = |name: &String| roles.get(name).cloned();
        let known = |it: &config::Principal| {
            Some(Known {
                authid: it.authid.clone(),
                role: role(&it.role)?,
                login: it.login.clone(),
            })
        };
        let mut mask = [0; 32];
        SysRng
            .try_fill_bytes(&mut mask)
            .expect("the operating system has random bytes");
        Ok(Self {
            anonymous: realm.anonymous.as_ref().and_then(role),
            principals: realm.principals.iter().filter_map(known).collect(),
            mask,
        })
    }

    fn with_key(&self, key: &[u8; 32]) -> Option<&Known> {
        self.principals.iter().find(|it| match &it.login {
            Login::Cryptosign(known) => known.is(key),
            Login::Ticket(_) | Login::Cra(_) | Login::Scram(_) => false,
        })
    }

    fn named(&self, asked: &Asked, method: Method) -> Option<&Known> {
        let name = asked.authid.as_deref()?;
        self.principals
            .iter()
            .find(|it| it.authid == name && it.login.method() == method)
    }

    /// The methods that serve here, but for anonymous.
    fn methods(&self) -> Vec<Method> {
        let methods = [Method::Cryptosign, Method::Scram, Method::Cra, Method::Ticket];
        let has = |method: &Method| self.principals.iter().any(|it| it.login.method() == *method);
        methods.into_iter().filter(has).collect()
    }

    /// By which method a client is asked, of those that it offers: that of the principal it names. Whom nobody knows gets
    /// one of them, always the same, so that nothing is told by it.
    fn method(&self, asked: &Asked) -> Result<Method, Abort> {
        let mut serve = self.methods();
        let offered: Vec<_> = serve.iter().copied().filter(|method| asked.offers(*method)).collect();
        let known = offered.iter().find(|method| self.named(asked, **method).is_some());
        if let Some(method) = known {
            return Ok(*method);
        }
        if !offered.is_empty() {
            let drawn = self.masked("method", asked)[0];
            return Ok(offered[usize::from(drawn) % offered.len()]);
        }
        if self.anonymous.is_some() {
            if asked.offers(Method::Anonymous) {
                return Ok(Method::Anonymous);
            }
            serve.insert(0, Method::Anonymous);
        }
        Err(asked.no_matching_method(&serve))
    }

    pub(super) fn find(&self, asked: &Asked) -> Result<Proof, Abort> {
        let method = self.method(asked)?;
        let known = self.named(asked, method);
        match (method, known.map(|it| &it.login)) {
            (Method::Anonymous, _) => Ok(Proof::None),
            (Method::Cryptosign, _) => {
                let key = asked.public_key()?;
                Ok(Proof::Cryptosign(self.with_key(key.as_bytes()).map(|_| key)))
            }
            (_, Some(Login::Ticket(ticket))) => Ok(Proof::Ticket(ticket.clone())),
            (_, Some(Login::Cra(credential))) => self.ask_cra(asked, credential.clone(), known),
            (_, Some(Login::Scram(credential))) => Ok(Proof::Scram(Box::new(credential.clone()))),
            (Method::Ticket, _) => Ok(Proof::Ticket(Ticket::new(&hex::encode(self.masked("ticket", asked))))),
            (Method::Cra, _) => self.ask_cra(asked, self.credential_of_nobody(asked), None),
            (Method::Scram, _) => Ok(Proof::Scram(Box::new(self.password_of_nobody(asked)))),
        }
    }

    fn ask_cra(&self, asked: &Asked, credential: cra::Credential, known: Option<&Known>) -> Result<Proof, Abort> {
        // Of whom nobody knows the role is that of somebody.
        let known = known.or_else(|| self.like(Method::Cra, asked));
        let timestamp = OffsetDateTime::now_utc().format(&Rfc3339);
        Ok(Proof::Cra(Box::new(CraProof {
            credential,
            authrole: known.map(|it| it.role.name().to_string()).unwrap_or_default(),
            provider: STATIC_PROVIDER,
            timestamp: timestamp.map_err(|error| Abort::new(AUTHENTICATION_FAILED, error.to_string()))?,
        })))
    }

    /// Somebody whom nobody can be told from who is not known: always the same for a name.
    fn like(&self, method: Method, asked: &Asked) -> Option<&Known> {
        let alike: Vec<_> = self
            .principals
            .iter()
            .filter(|it| it.login.method() == method)
            .collect();
        let drawn = self.masked("like", asked)[0];
        alike.get(usize::from(drawn) % alike.len().max(1)).copied()
    }

    fn credential_of_nobody(&self, asked: &Asked) -> cra::Credential {
        let key = BASE64_STANDARD.encode(self.masked("key", asked));
        match self.like(Method::Cra, asked).map(|it| &it.login) {
            Some(Login::Cra(other)) => other.with_key(&key, &hex::encode(self.masked("salt", asked))),
            _ => cra::Credential::of_secret(&key),
        }
    }

    fn password_of_nobody(&self, asked: &Asked) -> scram::Credential {
        let like = match self.like(Method::Scram, asked).map(|it| &it.login) {
            Some(Login::Scram(other)) => other.hashing.clone(),
            _ => scram::Hashing {
                kdf: scram::Kdf::Pbkdf2,
                salt: vec![0; 16],
                iterations: scram::MIN_PBKDF2_ITERATIONS,
            },
        };
        let salt = self
            .masked("salt", asked)
            .into_iter()
            .chain(self.masked("more salt", asked));
        let salt = salt.cycle().take(like.salt.len()).collect();
        scram::Credential {
            hashing: scram::Hashing { salt, ..like },
            stored_key: self.masked("stored key", asked),
            server_key: self.masked("server key", asked),
        }
    }

    /// Bytes that nobody can foresee, the same for a name each time.
    fn masked(&self, what: &str, asked: &Asked) -> [u8; 32] {
        let name = asked.authid.as_deref().unwrap_or_default();
        let mut hash = Sha256::new();
        for part in [&self.mask[..], what.as_bytes(), &[0], name.as_bytes()] {
            hash.update(part);
        }
        hash.finalize().into()
    }

    pub(super) fn admit(&self, asked: &Asked) -> Result<Principal, Abort> {
        let method = self.method(asked)?;
        let known = match method {
            Method::Anonymous => {
                let role = self.anonymous.as_ref().ok_or_else(|| unknown_realm(asked))?;
                let authid = self.unproved_name(asked)?;
                return Ok(principal(authid, role, Method::Anonymous, STATIC_PROVIDER));
            }
            Method::Cryptosign => self.with_key(asked.public_key()?.as_bytes()),
            Method::Ticket | Method::Cra | Method::Scram => self.named(asked, method),
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
            Some(name) if self.principals.iter().any(|known| known.authid == name) => {
                Err(Abort::new(AUTHENTICATION_REQUIRED, NAME_OF_ANOTHER))
            }
            Some(name) => Ok(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use wamp::acceptor::{Features, Proved};
    use wamp::value::Dict;

    use super::*;

    /// What a client asks for that is named so and offers these methods.
    fn asked(name: Option<&str>, methods: &[&str]) -> Asked {
        Asked {
            realm: "home".into(),
            authid: name.map(str::to_owned),
            authrole: None,
            methods: methods.iter().map(|method| (*method).to_owned()).collect(),
            authextra: Dict::new(),
            features: Features::default(),
            resumption: None,
            ping: None,
            proved: Proved::default(),
        }
    }

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
        let asked = asked(name, &["anonymous"]);
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

    /// A realm in which two have passwords, and what a client named so, which offers this method, is asked.
    fn asked_for(realm: &ConfiguredRealm, name: &str, methods: &[&str]) -> Proof {
        realm.find(&asked(Some(name), methods)).unwrap()
    }

    fn realm_of_passwords() -> ConfiguredRealm {
        let config = config::Config::parse(
            Path::new("test.toml"),
            r#"
            [[realm]]
            name = "home"
            [[realm.role]]
            name = "reader"
            rules = []
            [[realm.principal]]
            authid = "joe"
            role = "reader"
            method = "wamp-scram"
            memory_kib = 1024
            secret = "open"
            [[realm.principal]]
            authid = "jane"
            role = "reader"
            method = "wampcra"
            salt = "5ca1ab1e5ca1ab1e"
            secret = "open"
            "#,
        )
        .unwrap();
        ConfiguredRealm::new(&config.realms[0]).unwrap()
    }

    #[test]
    fn a_name_that_nobody_has_is_asked_as_somebody_is_and_the_same_each_time() {
        let realm = realm_of_passwords();
        let Proof::Scram(joe) = asked_for(&realm, "joe", &["wamp-scram"]) else {
            panic!()
        };
        let nobody = asked_for(&realm, "nobody", &["wamp-scram"]);
        assert_eq!(nobody, asked_for(&realm, "nobody", &["wamp-scram"]));
        let Proof::Scram(nobody) = nobody else { panic!() };
        let shape = |it: &scram::Credential| (it.hashing.kdf, it.hashing.iterations, it.hashing.salt.len());
        assert_eq!(shape(&nobody), shape(&joe));
        assert_ne!(nobody.hashing.salt, joe.hashing.salt);
        let extra = |name: &str| {
            let Proof::Cra(proof) = asked_for(&realm, name, &["wampcra"]) else {
                panic!()
            };
            proof.credential.challenge("")
        };
        let (jane, nobody) = (extra("jane"), extra("nobody"));
        assert_eq!(nobody, extra("nobody"));
        assert!(jane["iterations"] == nobody["iterations"] && jane["keylen"] == nobody["keylen"]);
        let length = |extra: &Dict| extra["salt"].as_str().unwrap().len();
        assert!(length(&jane) == length(&nobody) && jane["salt"] != nobody["salt"]);
    }

    #[test]
    fn of_several_methods_a_client_is_asked_by_that_of_its_name() {
        let realm = realm_of_passwords();
        let both = ["wampcra", "wamp-scram"];
        assert!(matches!(asked_for(&realm, "joe", &both), Proof::Scram(_)));
        assert!(matches!(asked_for(&realm, "jane", &both), Proof::Cra(_)));
        assert_eq!(
            std::mem::discriminant(&asked_for(&realm, "nobody", &both)),
            std::mem::discriminant(&asked_for(&realm, "nobody", &both))
        );
    }
}
