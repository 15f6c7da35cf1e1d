//! The client's side of opening a session.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::SigningKey;

use crate::auth::{Method, cra, cryptosign, scram};
use crate::error::Violation;
use crate::message::{Abort, Authenticate, Challenge, Hello, Message, Welcome};
use crate::resumption::{OPENING, Wanted};
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
    /// The key for cryptosign; without one, and without a secret, the client joins anonymously.
    pub key: Option<SigningKey>,
    /// What it knows beside that.
    pub secret: Option<Secret>,
    /// Whether it is known by a certificate that it has shown in TLS; where it has a key or a secret too, the router chooses.
    pub has_certificate: bool,
    /// Inside TLS what both ends of the connection know (RFC 9266). Proofs by a key and by WAMP-SCRAM are bound to it where the
    /// router does that too. With `authextra.channel_binding` as `"tls-exporter"` there is no other login.
    pub channel: Option<[u8; cryptosign::CHALLENGE_LENGTH]>,
    /// What the client calls itself, for the router's log.
    pub agent: String,
    /// Whether the session is to survive its connection, or to go on.
    pub resumption: Option<Wanted>,
    /// What it says in all its attempts to open a session ([`crate::resumption::OPENING`]).
    pub opening: Option<String>,
    /// Whether it passes on what others send, and so understands all that they may.
    pub passes_on: bool,
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
            secret: None,
            has_certificate: false,
            channel: None,
            agent: concat!("deskconn-client-", env!("CARGO_PKG_VERSION")).to_owned(),
            resumption: None,
            opening: None,
            passes_on: false,
        }
    }
}

/// What a client proves itself with, where it has no key. It is not shown.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// A ticket, which is told to the router as it is.
    Ticket(String),
    /// A password, which is not: for WAMP-CRA, and with a nonce for WAMP-SCRAM.
    Password {
        /// The password.
        password: String,
        /// Base64 of 16 bytes that are drawn for this login. Without it WAMP-SCRAM is not offered.
        nonce: Option<String>,
    },
}

impl Secret {
    /// A password for a login with these random bytes.
    #[must_use]
    pub fn password(password: String, nonce: &[u8; 16]) -> Self {
        let nonce = Some(BASE64_STANDARD.encode(nonce));
        Self::Password { password, nonce }
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ticket(_) => "Ticket",
            Self::Password { .. } => "Password",
        })
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
    /// The proof that the router owes for WAMP-SCRAM.
    verifier: Option<String>,
}

impl Joiner {
    /// A handshake with these options.
    #[must_use]
    pub const fn new(options: JoinOptions) -> Self {
        Self {
            options,
            verifier: None,
        }
    }

    /// The message that begins it.
    #[must_use]
    pub fn hello(&self) -> Message {
        let options = &self.options;
        let mut details = Dict::from([
            ("agent".to_owned(), options.agent.as_str().into()),
            ("roles".to_owned(), roles(options.passes_on).into()),
            ("authmethods".to_owned(), Value::List(self.methods())),
        ]);
        for (key, text) in [("authid", &options.authid), ("authrole", &options.authrole)] {
            if let Some(text) = text {
                details.insert(key.to_owned(), text.as_str().into());
            }
        }
        let mut authextra = options.authextra.clone();
        if let Some(key) = &options.key {
            authextra.insert("pubkey".to_owned(), hex::encode(key.verifying_key().to_bytes()).into());
        }
        if let Some(Secret::Password { nonce: Some(nonce), .. }) = &options.secret {
            authextra.insert("nonce".to_owned(), nonce.as_str().into());
        }
        if self.can_bind() {
            authextra.entry("channel_binding".to_owned()).or_insert(Value::Null);
            if options.channel.is_some() {
                let offered = Value::List(vec![cryptosign::TLS_EXPORTER.into()]);
                authextra.insert(cryptosign::OFFERED_BINDINGS.to_owned(), offered);
            }
        }
        if !authextra.is_empty() {
            details.insert("authextra".to_owned(), authextra.into());
        }
        if let Some(resumption) = &options.resumption {
            resumption.tell(&mut details);
            if let Some(opening) = &options.opening {
                details.insert(OPENING.to_owned(), opening.as_str().into());
            }
        }
        Message::Hello(Hello {
            realm: options.realm.clone(),
            details,
        })
    }

    /// Whether one of its methods knows of channel binding.
    const fn can_bind(&self) -> bool {
        let has_nonce = matches!(self.options.secret, Some(Secret::Password { nonce: Some(_), .. }));
        self.options.key.is_some() || has_nonce
    }

    /// Whether nothing but a login that is bound to the connection will do.
    fn insists(&self) -> bool {
        let wanted = self.options.authextra.get("channel_binding");
        wanted.is_some_and(|wanted| *wanted != Value::Null)
    }

    /// What a proof is to be bound to: where the router says so, or the client will have it so.
    fn binding(&self, challenge: &Challenge) -> Result<Option<&[u8; cryptosign::CHALLENGE_LENGTH]>, Violation> {
        let granted = challenge.extra.get("channel_binding").filter(|it| **it != Value::Null);
        let is_granted = granted.is_some();
        match (
            granted.map_or(Some(cryptosign::TLS_EXPORTER), Value::as_str),
            &self.options.channel,
        ) {
            _ if !is_granted && !self.insists() => Ok(None),
            (Some(cryptosign::TLS_EXPORTER), Some(channel)) => Ok(Some(channel)),
            _ if is_granted => Err(Violation::new(
                "the router wants a channel binding that was not offered",
            )),
            _ => Err(Violation::new(
                "there is nothing to bind the login to: the connection is not inside TLS",
            )),
        }
    }

    fn methods(&self) -> Vec<Value> {
        let methods: &[Method] = match (&self.options.key, &self.options.secret) {
            (Some(_), _) => &[Method::Cryptosign],
            (None, Some(Secret::Ticket(_))) => &[Method::Ticket],
            (None, Some(Secret::Password { nonce: Some(_), .. })) if self.insists() => &[Method::Scram],
            (None, Some(Secret::Password { nonce: Some(_), .. })) => &[Method::Scram, Method::Cra],
            (None, Some(Secret::Password { nonce: None, .. })) => &[Method::Cra],
            (None, None) if self.options.has_certificate => &[],
            (None, None) => &[Method::Anonymous],
        };
        let first = self.options.has_certificate.then_some(&Method::Tls);
        first
            .into_iter()
            .chain(methods)
            .map(|method| method.name().into())
            .collect()
    }

    /// Takes the router's next message.
    ///
    /// # Errors
    /// The session will not be opened.
    pub fn receive(&mut self, message: Message) -> Result<JoinStep, JoinError> {
        let name = message.name();
        if let Message::Welcome(welcome) = message {
            let authextra = welcome.details.get("authextra").and_then(Value::as_dict);
            let given = authextra
                .and_then(|extra| extra.get("verifier"))
                .and_then(Value::as_str);
            // The specification's example writes `v=` before it, as RFC 5802 does.
            let given = given.map(|given| given.strip_prefix("v=").unwrap_or(given));
            if self.verifier.is_some() && given != self.verifier.as_deref() {
                return Err(Violation::new("the router does not prove that it knows the password").into());
            }
            Ok(JoinStep::Joined(welcome))
        } else if let Message::Challenge(challenge) = message {
            Ok(JoinStep::Send(self.answer(&challenge)?))
        } else if let Message::Abort(abort) = message {
            Err(JoinError::Refused(abort))
        } else {
            Err(Violation::new(format!("{name} came before WELCOME")).into())
        }
    }

    fn answer(&mut self, challenge: &Challenge) -> Result<Message, Violation> {
        let (key, secret) = (self.options.key.as_ref(), self.options.secret.as_ref());
        let mut extra = Dict::new();
        let signature = match (Method::from_name(&challenge.method), key, secret) {
            (Some(Method::Cryptosign), Some(key), _) => sign(key, challenge, self.binding(challenge)?)?,
            (Some(Method::Ticket), None, Some(Secret::Ticket(ticket))) => ticket.clone(),
            (Some(Method::Cra), None, Some(Secret::Password { password, .. })) => {
                cra::answer(password, &challenge.extra).map_err(|error| Violation::new(error.to_string()))?
            }
            (
                Some(Method::Scram),
                None,
                Some(Secret::Password {
                    password,
                    nonce: Some(own),
                }),
            ) => {
                let authid = self.options.authid.as_deref().unwrap_or_default();
                let channel = self.binding(challenge)?;
                let (answer, nonce) = answer_scram(password, (authid, own), challenge, channel)?;
                extra.insert("nonce".to_owned(), nonce.into());
                let binding = channel.map(|_| cryptosign::TLS_EXPORTER.to_owned());
                extra.insert("channel_binding".to_owned(), binding.into());
                extra.insert(
                    "cbind_data".to_owned(),
                    channel.map(|it| BASE64_STANDARD.encode(it)).into(),
                );
                self.verifier = Some(answer.verifier);
                answer.proof
            }
            _ => {
                let sentence = format!("the router asks for {}, which was not offered", challenge.method);
                return Err(Violation::new(sentence));
            }
        };
        Ok(Message::Authenticate(Authenticate { signature, extra }))
    }
}

fn sign(key: &SigningKey, challenge: &Challenge, channel: Option<&[u8; 32]>) -> Result<String, Violation> {
    let text = challenge
        .extra
        .get("challenge")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let mut bytes = [0; cryptosign::CHALLENGE_LENGTH];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| Violation::new("the challenge is not 64 hexadecimal digits"))?;
    if let Some(channel) = channel {
        bytes = cryptosign::bound(&bytes, channel);
    }
    Ok(cryptosign::sign(key, &bytes))
}

fn answer_scram<'a>(
    password: &str,
    (authid, own): (&str, &str),
    challenge: &'a Challenge,
    channel: Option<&[u8; cryptosign::CHALLENGE_LENGTH]>,
) -> Result<(scram::Answer, &'a str), Violation> {
    let nonce = challenge.extra.get("nonce").and_then(Value::as_str).unwrap_or_default();
    let exchange = scram::Exchange {
        authid,
        client_nonce: own,
        nonce,
        channel,
    };
    let hashing = scram::Hashing::of_challenge(&challenge.extra);
    let answer = hashing.and_then(|hashing| scram::answer(password, &hashing, &exchange));
    let answer = answer.map_err(|error| Violation::new(error.to_string()))?;
    Ok((answer, nonce))
}

/// The roles and features of this client library; the second list of each is of who passes on what others send.
fn roles(passes_on: bool) -> Dict {
    let role = |features: &[&str], more: &[&str]| -> Value {
        let more = if passes_on { more } else { &[] };
        let features: Dict = features
            .iter()
            .chain(more)
            .map(|feature| ((*feature).to_owned(), true.into()))
            .collect();
        Dict::from([("features".to_owned(), features.into())]).into()
    };
    let caller = &[
        "call_canceling",
        "caller_identification",
        "progressive_call_invocations",
        "progressive_call_results",
    ];
    let callee = &[
        "call_canceling",
        "caller_identification",
        "pattern_based_registration",
        "progressive_call_invocations",
        "progressive_call_results",
        "registration_revocation",
        "x_progress_credit",
    ];
    let publisher = &["publisher_exclusion", "publisher_identification"];
    let subscriber = &[
        "pattern_based_subscription",
        "publisher_identification",
        "subscription_revocation",
    ];
    let roles = [
        ("caller", role(caller, &["call_timeout"])),
        ("callee", role(callee, &["call_timeout"])),
        ("publisher", role(publisher, &[])),
        ("subscriber", role(subscriber, &["x_acknowledged_event_delivery"])),
    ];
    roles.map(|(name, role)| (name.to_owned(), role)).into()
}

#[cfg(test)]
mod tests;
