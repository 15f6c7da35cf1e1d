//! What a client is asked to prove itself with, and whether it has.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::VerifyingKey;

use super::{Asked, Step};
use crate::auth::cryptosign::CHALLENGE_LENGTH;
use crate::auth::ticket::{MAX_TICKET, Ticket};
use crate::auth::{Method, cra, cryptosign, scram};
use crate::error::{AUTHENTICATION_DENIED, AUTHENTICATION_FAILED};
use crate::id::{MAX_ID, SessionId};
use crate::message::{Abort, Authenticate, Challenge, Message};
use crate::value::{Dict, Value};

/// How a client may prove that it is who it says. For whom nobody knows, the gate gives a credential that nobody has: the
/// client is challenged all the same and refused as one with a wrong proof is, so that nobody learns by trying who is
/// known.
#[derive(Debug, Clone, PartialEq)]
pub enum Proof {
    /// Nothing more is needed: anonymous, or known from the link.
    None,
    /// A signature. Without a key the client's own is verified, and refused.
    Cryptosign(Option<VerifyingKey>),
    /// The ticket itself.
    Ticket(Ticket),
    /// An HMAC.
    Cra(Box<CraProof>),
    /// A password that is not told.
    Scram(Box<scram::Credential>),
    /// A ticket that the gate checks itself: [`Proved::ticket`].
    TicketTold,
    /// One of the others, by somebody of whom the gate knows already who it will be: [`Proved::identity`].
    Vouched(Box<Vouched>),
}

/// A proof, and whose it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Vouched {
    /// What must be given.
    pub proof: Proof,
    /// Who has given it then.
    pub identity: Identity,
}

/// Who a client is, by the word of somebody who was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    /// The name that it gets.
    pub authid: String,
    /// The name of its role.
    pub authrole: String,
    /// What WELCOME's `authextra` says.
    pub authextra: Dict,
}

/// A ticket as a client told it; it is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct ToldTicket(String);

impl ToldTicket {
    /// The ticket, for whoever checks it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for ToldTicket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ToldTicket")
    }
}

/// What WAMP-CRA is asked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CraProof {
    /// What the answer is verified with.
    pub credential: cra::Credential,
    /// The role that the client is told it is to have.
    pub authrole: String,
    /// Who vouches for it.
    pub provider: &'static str,
    /// When the login began, ISO 8601.
    pub timestamp: String,
}

/// What came of a proof.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Proved {
    /// The session that the client was told it would have.
    pub session: Option<SessionId>,
    /// What WELCOME's `authextra` must say, such as the router's own proof.
    pub authextra: Dict,
    /// Who it is, where that was known with its proof.
    pub identity: Option<Identity>,
    /// The ticket that it told, where the gate is to check that.
    pub ticket: Option<ToldTicket>,
}

/// A client that was challenged.
#[derive(Debug)]
pub(super) struct Challenged {
    asked: Box<Asked>,
    expected: Expected,
}

#[derive(Debug)]
enum Expected {
    Cryptosign {
        key: Option<VerifyingKey>,
        challenge: [u8; CHALLENGE_LENGTH],
        /// The channel that the signature must be bound to.
        channel: Option<[u8; CHALLENGE_LENGTH]>,
    },
    Ticket(Ticket),
    AnyTicket,
    Cra {
        credential: cra::Credential,
        challenge: String,
        session: SessionId,
    },
    Scram {
        credential: Box<scram::Credential>,
        nonce: String,
        /// The channel that the proof must be bound to.
        channel: Option<[u8; CHALLENGE_LENGTH]>,
    },
}

/// Asks for a proof; admits where none is needed.
pub(super) fn challenge(
    mut asked: Box<Asked>,
    proof: Proof,
    (random, channel): ([u8; CHALLENGE_LENGTH], Option<[u8; CHALLENGE_LENGTH]>),
) -> Result<Challenged, Step> {
    let expected = match proof {
        Proof::Vouched(vouched) => {
            asked.proved.identity = Some(vouched.identity);
            return challenge(asked, vouched.proof, (random, channel));
        }
        Proof::None => return Err(Step::Admit(asked)),
        Proof::Cryptosign(key) => {
            if asked
                .authextra
                .get("trustroot")
                .is_some_and(|root| *root != Value::Null)
            {
                let sentence = "trustroots are not followed here: log in with a key that this router knows by itself, without authextra.trustroot";
                return Err(Step::Refuse(Abort::new(AUTHENTICATION_DENIED, sentence)));
            }
            Expected::Cryptosign {
                key,
                challenge: random,
                channel: binding(&asked, channel).map_err(Step::Refuse)?,
            }
        }
        Proof::Ticket(ticket) => Expected::Ticket(ticket),
        Proof::TicketTold => Expected::AnyTicket,
        Proof::Cra(proof) => expected_of_cra(&asked, *proof, &random),
        Proof::Scram(credential) => Expected::Scram {
            credential,
            nonce: nonce(&asked, &random).map_err(Step::Refuse)?,
            channel: binding(&asked, channel).map_err(Step::Refuse)?,
        },
    };
    Ok(Challenged { asked, expected })
}

fn expected_of_cra(asked: &Asked, proof: CraProof, random: &[u8; CHALLENGE_LENGTH]) -> Expected {
    let drawn = random
        .iter()
        .take(8)
        .fold(0, |drawn, byte| drawn << 8 | u64::from(*byte));
    let session = SessionId::new(drawn % MAX_ID + 1).unwrap_or(SessionId::FIRST);
    let announced = cra::Announced {
        authid: asked.authid.as_deref().unwrap_or_default(),
        authrole: &proof.authrole,
        provider: proof.provider,
        timestamp: &proof.timestamp,
        session,
        nonce: random,
    };
    Expected::Cra {
        challenge: announced.text(),
        credential: proof.credential,
        session,
    }
}

/// The channel to which a proof is to be bound, if the client insists on it or can do it.
fn binding(asked: &Asked, channel: Option<[u8; CHALLENGE_LENGTH]>) -> Result<Option<[u8; CHALLENGE_LENGTH]>, Abort> {
    let wanted = asked.authextra.get("channel_binding").filter(|it| **it != Value::Null);
    let Some(wanted) = wanted else {
        let offered = match asked.authextra.get(cryptosign::OFFERED_BINDINGS) {
            Some(Value::List(offered)) => offered.contains(&cryptosign::TLS_EXPORTER.into()),
            _ => false,
        };
        return Ok(channel.filter(|_| offered));
    };
    let sentence = match (wanted.as_str() == Some(cryptosign::TLS_EXPORTER), channel) {
        (true, Some(channel)) => return Ok(Some(channel)),
        (true, None) => {
            "HELLO.Details.authextra.channel_binding: this connection is not inside TLS here, so there is nothing to bind to; \
             come inside TLS, or say null"
        }
        (false, _) => {
            "HELLO.Details.authextra.channel_binding must be \"tls-exporter\" (RFC 9266) or null: TLS 1.3, which is spoken \
             here, has no other"
        }
    };
    Err(Abort::new(AUTHENTICATION_DENIED, sentence))
}

/// The nonce of both sides.
fn nonce(asked: &Asked, random: &[u8; CHALLENGE_LENGTH]) -> Result<String, Abort> {
    let refused = |sentence: String| Abort::new(AUTHENTICATION_FAILED, sentence);
    let own = asked.authextra.get("nonce").and_then(Value::as_str).unwrap_or_default();
    let nonce = format!("{own}{}", BASE64_STANDARD.encode(random));
    let exchange = scram::Exchange {
        authid: "",
        client_nonce: own,
        nonce: &nonce,
        channel: None,
    };
    let checked = exchange.check();
    checked.map_err(|error| refused(format!("HELLO.Details.authextra.nonce: {error}")))?;
    Ok(nonce)
}

impl Challenged {
    /// CHALLENGE.
    pub(super) fn message(&self) -> Message {
        let (method, extra) = match &self.expected {
            Expected::Cryptosign { challenge, channel, .. } => {
                let binding = channel.map(|_| cryptosign::TLS_EXPORTER.to_owned());
                let extra = Dict::from([
                    ("challenge".to_owned(), hex::encode(challenge).into()),
                    ("channel_binding".to_owned(), binding.into()),
                ]);
                (Method::Cryptosign, extra)
            }
            Expected::Ticket(_) | Expected::AnyTicket => (Method::Ticket, Dict::new()),
            Expected::Cra {
                credential, challenge, ..
            } => (Method::Cra, credential.challenge(challenge)),
            Expected::Scram {
                credential,
                nonce,
                channel,
            } => {
                let mut extra = credential.hashing.challenge(nonce);
                if channel.is_some() {
                    extra.insert("channel_binding".to_owned(), cryptosign::TLS_EXPORTER.into());
                }
                (Method::Scram, extra)
            }
        };
        let method = method.name().to_owned();
        Message::Challenge(Challenge { method, extra })
    }

    /// Whether the answer is the proof.
    pub(super) fn check(self, answer: &Authenticate) -> Step {
        let Self { mut asked, expected } = self;
        let proved = match &expected {
            Expected::Cryptosign {
                key,
                challenge,
                channel,
            } => {
                let signed = channel.map_or(*challenge, |channel| cryptosign::bound(challenge, &channel));
                check_signature(&asked, key.as_ref(), &signed, answer)
            }
            Expected::Ticket(ticket) => ticket.is(&answer.signature).then(Proved::default).ok_or_else(wrong),
            Expected::AnyTicket => told(&answer.signature),
            Expected::Cra {
                credential,
                challenge,
                session,
            } => {
                let proved = Proved {
                    session: Some(*session),
                    ..Proved::default()
                };
                let is_good = credential.verify(challenge, &answer.signature);
                is_good.then_some(proved).ok_or_else(wrong)
            }
            Expected::Scram {
                credential,
                nonce,
                channel,
            } => check_scram(&asked, credential, (nonce, channel.as_ref()), answer),
        };
        match proved {
            Ok(proved) => {
                asked.proved = Proved {
                    identity: asked.proved.identity.take(),
                    ..proved
                };
                Step::Admit(asked)
            }
            Err(sentence) => Step::Refuse(Abort::new(AUTHENTICATION_FAILED, sentence)),
        }
    }
}

/// The ABORT for whoever is not known and for whoever cannot prove it: which of them it is, nobody learns.
#[must_use]
pub fn not_proved() -> Abort {
    Abort::new(AUTHENTICATION_FAILED, wrong())
}

fn wrong() -> String {
    "the proof is wrong, or nobody of this name logs in by this method".to_owned()
}

fn told(ticket: &str) -> Result<Proved, String> {
    if ticket.len() > MAX_TICKET {
        return Err(wrong());
    }
    Ok(Proved {
        ticket: Some(ToldTicket(ticket.to_owned())),
        ..Proved::default()
    })
}

fn check_signature(
    asked: &Asked,
    key: Option<&VerifyingKey>,
    challenge: &[u8; CHALLENGE_LENGTH],
    answer: &Authenticate,
) -> Result<Proved, String> {
    // Without a known key the client's own is verified, so that both cases take the same time.
    let own = asked.public_key();
    let verified = match (key, &own) {
        (Some(key), _) | (None, Ok(key)) => cryptosign::verify(key, challenge, &answer.signature),
        (None, Err(_)) => Err(cryptosign::CryptosignError::Key),
    };
    match (key, verified) {
        (Some(_), Ok(())) => Ok(Proved::default()),
        (_, Err(why)) if why != cryptosign::CryptosignError::Signature => Err(why.to_string()),
        _ => Err("the key is not known here or did not sign".to_owned()),
    }
}

fn check_scram(
    asked: &Asked,
    credential: &scram::Credential,
    (nonce, channel): (&str, Option<&[u8; CHALLENGE_LENGTH]>),
    answer: &Authenticate,
) -> Result<Proved, String> {
    let said = |key: &str| answer.extra.get(key).filter(|value| **value != Value::Null);
    let is_said = |key: &str, expected: Option<&str>| said(key).map(Value::as_str) == expected.map(Some);
    if !is_said("channel_binding", channel.map(|_| cryptosign::TLS_EXPORTER)) {
        let what = channel.map_or("null", |_| "\"tls-exporter\"");
        return Err(format!(
            "AUTHENTICATE.Extra.channel_binding must be {what}, as HELLO and CHALLENGE have it"
        ));
    }
    if !is_said("cbind_data", channel.map(|it| BASE64_STANDARD.encode(it)).as_deref()) {
        return Err(match channel {
            Some(_) => {
                "AUTHENTICATE.Extra.cbind_data is not what this end of the connection has (RFC 9266, in base64): \
                        something in between ends the client's TLS"
            }
            None => "AUTHENTICATE.Extra.cbind_data must be null where there is no channel binding",
        }
        .to_owned());
    }
    if said("nonce").is_some_and(|said| said.as_str() != Some(nonce)) {
        return Err("AUTHENTICATE.Extra.nonce is not that of CHALLENGE".to_owned());
    }
    let exchange = scram::Exchange {
        authid: asked.authid.as_deref().unwrap_or_default(),
        client_nonce: asked.authextra.get("nonce").and_then(Value::as_str).unwrap_or_default(),
        nonce,
        channel,
    };
    let verifier = credential.verify(&exchange, &answer.signature).ok_or_else(wrong)?;
    let authextra = Dict::from([("verifier".to_owned(), verifier.into())]);
    Ok(Proved {
        authextra,
        ..Proved::default()
    })
}

#[cfg(test)]
mod tests;
