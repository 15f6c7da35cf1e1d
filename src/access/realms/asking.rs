//! Clients of a realm that its authenticator is asked about.

use std::sync::{Mutex, MutexGuard, PoisonError};

use router::Peer;
use wamp::acceptor::{Asked, CraProof, Identity, Proof, Vouched, not_proved};
use wamp::auth::{Method, cra, scram};
use wamp::message::Abort;

use super::nobody::Mask;
use super::timestamp;
use crate::access::authenticator::{Authenticators, Unsaid};
use crate::access::vouching::{self, Material};
use crate::config;

/// The provider that WELCOME names for those whom an authenticator vouches for.
pub(super) const DYNAMIC_PROVIDER: &str = "dynamic";

/// An authenticator of a realm.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) authenticator: config::Authenticator,
    authenticators: Authenticators,
    alike: Mutex<Alike>,
}

/// What the last ones looked like of whom it knew: whom it does not know looks the same.
#[derive(Debug, Default)]
struct Alike {
    cra: Option<(cra::Credential, String)>,
    scram: Option<scram::Hashing>,
}

impl Asking {
    pub(super) fn new(authenticator: config::Authenticator, authenticators: Authenticators) -> Self {
        Self {
            authenticator,
            authenticators,
            alike: Mutex::default(),
        }
    }

    fn alike(&self) -> MutexGuard<'_, Alike> {
        self.alike.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who a client is; `None` where the authenticator knows nobody like that.
    ///
    /// # Errors
    /// It cannot be asked now.
    async fn ask(
        &self,
        asked: &Asked,
        peer: &Peer,
        method: Method,
        ticket: Option<&str>,
    ) -> Result<Option<(Identity, Material)>, Abort> {
        let question = vouching::question(asked, peer, method, ticket);
        let answer = match self.authenticators.ask(&self.authenticator, question).await {
            Ok(answer) => answer,
            Err(Unsaid::Refused) => return Ok(None),
            Err(Unsaid::NotNow(why)) => return Err(Unsaid::not_now(why)),
        };
        let read = vouching::read(&answer, asked, peer, method, &self.authenticator);
        Ok(read.unwrap_or_else(|why| {
            let Self { authenticator, .. } = self;
            tracing::warn!(realm = %asked.realm, procedure = authenticator.procedure, %method, "the authenticator's answer cannot be used: {why}");
            None
        }))
    }

    /// Which proof a client must give. Of a name that `is_taken` by somebody of the configuration the authenticator has no say.
    pub(super) async fn find(
        &self,
        asked: &Asked,
        peer: &Peer,
        method: Method,
        mask: &Mask,
        is_taken: bool,
    ) -> Result<Proof, Abort> {
        if method == Method::Ticket {
            // Which the client has yet to tell.
            return Ok(if is_taken {
                Proof::Ticket(mask.ticket(asked))
            } else {
                Proof::TicketTold
            });
        }
        let key = (method == Method::Cryptosign).then(|| asked.public_key()).transpose()?;
        let said = if is_taken {
            None
        } else {
            self.ask(asked, peer, method, None).await?
        };
        let Some((identity, material)) = said else {
            return self.proof_of_nobody(asked, method, mask);
        };
        let proof = match material {
            Material::None => Proof::None,
            Material::Keys(keys) => Proof::Cryptosign(key.filter(|key| keys.contains(key))),
            Material::Cra(credential) => {
                self.alike().cra = Some((credential.clone(), identity.authrole.clone()));
                cra_proof(credential, identity.authrole.clone())?
            }
            Material::Scram(credential) => {
                self.alike().scram = Some(credential.hashing.clone());
                Proof::Scram(credential)
            }
        };
        Ok(Proof::Vouched(Box::new(Vouched { proof, identity })))
    }

    fn proof_of_nobody(&self, asked: &Asked, method: Method, mask: &Mask) -> Result<Proof, Abort> {
        let alike = self.alike();
        match method {
            Method::Anonymous | Method::Ticket | Method::Tls => Err(not_proved()),
            Method::Cryptosign => Ok(Proof::Cryptosign(None)),
            Method::Cra => {
                let (like, role) = alike.cra.as_ref().map(|(like, role)| (like, role.clone())).unzip();
                let role = role.or_else(|| self.authenticator.roles.first().cloned());
                cra_proof(mask.cra(asked, like), role.unwrap_or_default())
            }
            Method::Scram => Ok(Proof::Scram(Box::new(mask.scram(asked, alike.scram.as_ref())))),
        }
    }

    /// Who has told this ticket.
    pub(super) async fn admit_by_ticket(&self, asked: &Asked, peer: &Peer, ticket: &str) -> Result<Identity, Abort> {
        let said = self.ask(asked, peer, Method::Ticket, Some(ticket)).await?;
        said.map(|(identity, _)| identity).ok_or_else(not_proved)
    }
}

fn cra_proof(credential: cra::Credential, authrole: String) -> Result<Proof, Abort> {
    Ok(Proof::Cra(Box::new(CraProof {
        credential,
        authrole,
        provider: DYNAMIC_PROVIDER,
        timestamp: timestamp()?,
    })))
}
