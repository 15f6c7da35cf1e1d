//! The client's side of opening a session.

use ed25519_dalek::SigningKey;

use crate::auth::{Method, cryptosign};
use crate::error::Violation;
use crate::message::{Abort, Authenticate, Challenge, Hello, Message, Welcome};
use crate::resumption::Wanted;
use crate::uri::Uri;
use crate::value::{Dict, Value};

/// What a client joins with.
#[derive(Debug, Clone)]
pub struct JoinOptions {
    /// The realm.
    pub realm: Uri,
    /// The name it wants to have.
    pub authid: Option<String>,
    /// The role it wants to have.
    pub authrole: Option<String>,
    /// What its method adds, beside the public key.
    pub authextra: Dict,
    /// The key for cryptosign; without one the client joins anonymously.
    pub key: Option<SigningKey>,
    /// What the client calls itself, for the router's log.
    pub agent: String,
    /// Whether the session is to survive its connection, or to go on.
    pub resumption: Option<Wanted>,
}

impl JoinOptions {
    /// Anonymously into `realm`.
    #[must_use]
    pub fn anonymous(realm: impl Into<Uri>) -> Self {
        Self {
            realm: realm.into(),
            authid: None,
            authrole: None,
            authextra: Dict::new(),
            key: None,
            agent: concat!("deskconn-client-", env!("CARGO_PKG_VERSION")).to_owned(),
            resumption: None,
        }
    }
}

/// What happens next.
#[derive(Debug, PartialEq)]
pub enum JoinStep {
    /// A message for the router.
    Send(Message),
    /// The session is open.
    Joined(Welcome),
}

/// The session was not opened.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum JoinError {
    /// The router refused, and says why.
    #[error("the router refused: {} ({})", .0.details.get("message").and_then(Value::as_str).unwrap_or("no reason given"), .0.reason)]
    Refused(Abort),
    /// The router wants something this client cannot do, or breaks the protocol.
    #[error(transparent)]
    Violation(#[from] Violation),
}

/// The state of one handshake.
#[derive(Debug)]
pub struct Joiner {
    options: JoinOptions,
}

impl Joiner {
    /// A handshake with these options.
    #[must_use]
    pub const fn new(options: JoinOptions) -> Self {
        Self { options }
    }

    /// The message that begins it.
    #[must_use]
    pub fn hello(&self) -> Message {
        let options = &self.options;
        let mut details = Dict::from([
            ("agent".to_owned(), options.agent.as_str().into()),
            ("roles".to_owned(), roles().into()),
            ("authmethods".to_owned(), Value::List(vec![self.method().name().into()])),
        ]);
        for (key, text) in [("authid", &options.authid), ("authrole", &options.authrole)] {
            if let Some(text) = text {
                details.insert(key.to_owned(), text.as_str().into());
            }
        }
        let mut authextra = options.authextra.clone();
        if let Some(key) = &options.key {
            authextra.insert("pubkey".to_owned(), hex::encode(key.verifying_key().to_bytes()).into());
            authextra.insert("channel_binding".to_owned(), Value::Null);
        }
        if !authextra.is_empty() {
            details.insert("authextra".to_owned(), authextra.into());
        }
        if let Some(resumption) = &options.resumption {
            resumption.tell(&mut details);
        }
        Message::Hello(Hello {
            realm: options.realm.clone(),
            details,
        })
    }

    fn method(&self) -> Method {
        if self.options.key.is_some() {
            Method::Cryptosign
        } else {
            Method::Anonymous
        }
    }

    /// Takes the router's next message.
    ///
    /// # Errors
    /// The session will not be opened.
    pub fn receive(&mut self, message: Message) -> Result<JoinStep, JoinError> {
        let name = message.name();
        if let Message::Welcome(welcome) = message {
            Ok(JoinStep::Joined(welcome))
        } else if let Message::Challenge(challenge) = message {
            Ok(JoinStep::Send(self.answer(&challenge)?))
        } else if let Message::Abort(abort) = message {
            Err(JoinError::Refused(abort))
        } else {
            Err(Violation::new(format!("{name} came before WELCOME")).into())
        }
    }

    fn answer(&self, challenge: &Challenge) -> Result<Message, Violation> {
        let (Some(key), Some(Method::Cryptosign)) = (&self.options.key, Method::from_name(&challenge.method)) else {
            return Err(Violation::new(format!(
                "the router asks for {}, which was not offered",
                challenge.method
            )));
        };
        let text = challenge
            .extra
            .get("challenge")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let mut bytes = [0; cryptosign::CHALLENGE_LENGTH];
        hex::decode_to_slice(text, &mut bytes)
            .map_err(|_| Violation::new("the challenge is not 64 hexadecimal digits"))?;
        Ok(Message::Authenticate(Authenticate {
            signature: cryptosign::sign(key, &bytes),
            extra: Dict::new(),
        }))
    }
}

/// The roles and features of this client library.
fn roles() -> Dict {
    let role = |features: &[&str]| -> Value {
        let features: Dict = features
            .iter()
            .map(|feature| ((*feature).to_owned(), true.into()))
            .collect();
        Dict::from([("features".to_owned(), features.into())]).into()
    };
    Dict::from([
        (
            "caller".to_owned(),
            role(&["call_canceling", "caller_identification", "progressive_call_results"]),
        ),
        (
            "callee".to_owned(),
            role(&[
                "call_canceling",
                "caller_identification",
                "pattern_based_registration",
                "progressive_call_results",
                "registration_revocation",
                "x_progress_credit",
            ]),
        ),
        (
            "publisher".to_owned(),
            role(&["publisher_exclusion", "publisher_identification"]),
        ),
        (
            "subscriber".to_owned(),
            role(&[
                "pattern_based_subscription",
                "publisher_identification",
                "subscription_revocation",
            ]),
        ),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acceptor::{Acceptor, Proof, Step};
    use crate::id::SessionId;

    #[test]
    fn joiner_and_acceptor_agree_on_cryptosign() {
        let key = SigningKey::from_bytes(&[3; 32]);
        let known = key.verifying_key();
        let mut joiner = Joiner::new(JoinOptions {
            key: Some(key),
            ..JoinOptions::anonymous("realm1")
        });
        let mut acceptor = Acceptor::default();
        let Step::Find(asked) = acceptor.receive(joiner.hello()) else {
            panic!()
        };
        assert_eq!(asked.public_key().unwrap(), known);
        let Step::Send(challenge) = acceptor.found(Ok(Proof::Cryptosign(Some(known))), [5; 32]) else {
            panic!()
        };
        let JoinStep::Send(answer) = joiner.receive(challenge).unwrap() else {
            panic!()
        };
        assert!(matches!(acceptor.receive(answer), Step::Admit(_)));
        let welcome = Welcome {
            session: SessionId::FIRST,
            details: Dict::new(),
        };
        assert_eq!(
            joiner.receive(Message::Welcome(welcome.clone())),
            Ok(JoinStep::Joined(welcome))
        );
    }

    #[test]
    fn a_refusal_is_told_with_its_sentence() {
        let mut joiner = Joiner::new(JoinOptions::anonymous("realm1"));
        let abort = Abort::new("wamp.error.no_such_realm".into(), "there is no realm1");
        let error = joiner.receive(Message::Abort(abort)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the router refused: there is no realm1 (wamp.error.no_such_realm)"
        );
    }

    #[test]
    fn a_challenge_that_was_not_offered_breaks_the_protocol() {
        let mut joiner = Joiner::new(JoinOptions::anonymous("realm1"));
        let challenge = Challenge {
            method: "ticket".to_owned(),
            extra: Dict::new(),
        };
        assert!(matches!(
            joiner.receive(Message::Challenge(challenge)),
            Err(JoinError::Violation(_))
        ));
    }
}
