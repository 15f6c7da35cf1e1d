//! The router's side of opening a session, from HELLO to the moment the realm sends WELCOME.
//!
//! The acceptor knows the order of messages and the proofs; who somebody is, it asks: [`Step::Find`] is answered with
//! [`Acceptor::found`], whenever the answer is there.

mod features;
mod proof;

use ed25519_dalek::VerifyingKey;

pub use self::features::Features;
use self::proof::Challenged;
pub use self::proof::{CraProof, Identity, Proof, Proved, ToldTicket, Vouched, not_proved};

use crate::auth::{Method, cryptosign};
use crate::error::{AUTHENTICATION_FAILED, INVALID_URI, NO_MATCHING_AUTH_METHOD, PROTOCOL_VIOLATION, Violation};
use crate::message::{Abort, Hello, Match, Message};
use crate::resumption::{Wanted, opening_of};
use crate::uri::{Uri, UriRules};
use crate::value::{Dict, Value};

/// What a client said of itself in HELLO.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The realm it wants to join.
    pub realm: Uri,
    /// The name it wants to have.
    pub authid: Option<String>,
    /// The role it wants to have.
    pub authrole: Option<String>,
    /// The methods it offers; anonymous alone where it names none.
    pub methods: Vec<String>,
    /// What its methods add, such as its public key.
    pub authextra: Dict,
    /// What it can do.
    pub features: Features,
    /// Whether the session is to survive its connection, or to go on.
    pub resumption: Option<Wanted>,
    /// What it says in all its attempts to open a session: `_opening`.
    pub opening: Option<Box<str>>,
    /// Of how many seconds of silence it wants to be asked for a sign of life: `_ping`.
    pub ping: Option<u64>,
    /// What came of its proof, when it has given one.
    pub proved: Proved,
}

/// What happens next.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// Somebody must say who this is: answer with [`Acceptor::found`].
    Find(Box<Asked>),
    /// A message for the client.
    Send(Message),
    /// The client has proved who it is and may join.
    Admit(Box<Asked>),
    /// The client is refused with this message.
    Refuse(Abort),
    /// The client went before it had joined.
    Gone,
}

/// The state of one handshake.
#[derive(Debug, Default)]
pub struct Acceptor {
    state: State,
    /// What only the two ends of the connection know.
    channel: Option<[u8; cryptosign::CHALLENGE_LENGTH]>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    New,
    Finding(Box<Asked>),
    Challenged(Box<Challenged>),
    Over,
}

impl Acceptor {
    /// On a connection inside TLS, with the value of RFC 9266 that both of its ends know: logins by cryptosign may be bound to it.
    #[must_use]
    pub fn inside(channel: Option<[u8; cryptosign::CHALLENGE_LENGTH]>) -> Self {
        Self {
            channel,
            ..Self::default()
        }
    }

    /// Takes the client's next message.
    pub fn receive(&mut self, message: Message) -> Step {
        match (std::mem::replace(&mut self.state, State::Over), message) {
            (_, Message::Abort(_)) => Step::Gone,
            (State::New, Message::Hello(hello)) => match ask(hello) {
                Ok(asked) => {
                    self.state = State::Finding(asked.clone());
                    Step::Find(asked)
                }
                Err(abort) => Step::Refuse(abort),
            },
            (State::Challenged(challenged), Message::Authenticate(answer)) => challenged.check(&answer),
            (_, message) => Step::Refuse(Abort::new(
                PROTOCOL_VIOLATION,
                format!("{} may not be sent before the session is open", message.name()),
            )),
        }
    }

    /// Takes the answer to [`Step::Find`]. `challenge` must be fresh and unpredictable.
    pub fn found(&mut self, proof: Result<Proof, Abort>, challenge: [u8; cryptosign::CHALLENGE_LENGTH]) -> Step {
        let State::Finding(asked) = std::mem::replace(&mut self.state, State::Over) else {
            return Step::Refuse(Violation::new("nobody was sought").abort());
        };
        let challenged = match proof {
            Ok(proof) => proof::challenge(asked, proof, (challenge, self.channel)),
            Err(abort) => Err(Step::Refuse(abort)),
        };
        match challenged {
            Ok(challenged) => {
                let message = challenged.message();
                self.state = State::Challenged(Box::new(challenged));
                Step::Send(message)
            }
            Err(step) => step,
        }
    }
}

impl Asked {
    /// Whether the client offers this method.
    #[must_use]
    pub fn offers(&self, method: Method) -> bool {
        self.methods.iter().any(|name| name == method.name())
    }

    /// The public key the client says it has, from `authextra.pubkey` or, as some clients do, from `authid`.
    ///
    /// # Errors
    /// There is none, or it is no key: the ABORT that says so.
    pub fn public_key(&self) -> Result<VerifyingKey, Abort> {
        let text = self
            .authextra
            .get("pubkey")
            .and_then(Value::as_str)
            .or(self.authid.as_deref());
        cryptosign::public_key(text.unwrap_or_default()).map_err(|error| {
            Abort::new(
                AUTHENTICATION_FAILED,
                format!("HELLO.Details.authextra.pubkey is missing or wrong: {error}"),
            )
        })
    }

    /// The ABORT for a client none of whose methods serves.
    #[must_use]
    pub fn no_matching_method(&self, accepted: &[Method]) -> Abort {
        let accepted: Vec<_> = accepted.iter().map(|method| method.name()).collect();
        let sentence = format!(
            "the methods [{}] do not serve here, use one of [{}]",
            self.methods.join(", "),
            accepted.join(", ")
        );
        Abort::new(NO_MATCHING_AUTH_METHOD, sentence)
    }
}

fn ask(hello: Hello) -> Result<Box<Asked>, Abort> {
    UriRules::Loose
        .check(&hello.realm, Match::Exact)
        .map_err(|why| Abort::new(INVALID_URI, format!("the realm cannot be joined: {why}")))?;
    let roles = hello
        .details
        .get("roles")
        .and_then(Value::as_dict)
        .filter(|roles| !roles.is_empty());
    let Some(roles) = roles else {
        return Err(Violation::new("HELLO.Details.roles must name at least one role").abort());
    };
    let features = Features::announced(roles);
    let resumption = Wanted::of_hello(&hello.details);
    let text = |key: &str| hello.details.get(key).and_then(Value::as_str).map(str::to_owned);
    let methods = match hello.details.get("authmethods") {
        Some(Value::List(methods)) => methods.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    Ok(Box::new(Asked {
        authid: text("authid"),
        authrole: text("authrole"),
        methods: if methods.is_empty() {
            vec![Method::Anonymous.name().to_owned()]
        } else {
            methods
        },
        authextra: hello
            .details
            .get("authextra")
            .and_then(Value::as_dict)
            .cloned()
            .unwrap_or_default(),
        realm: hello.realm,
        features,
        resumption,
        opening: opening_of(&hello.details),
        ping: hello.details.get("_ping").and_then(Value::as_u64),
        proved: Proved::default(),
    }))
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;

    use super::*;
    use crate::message::{Authenticate, Goodbye};

    fn hello(details: &[(&str, Value)]) -> Message {
        let details = details
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect();
        Message::Hello(Hello {
            realm: "realm1".into(),
            details,
        })
    }

    fn roles() -> (&'static str, Value) {
        let features = Dict::from([("call_canceling".to_owned(), true.into())]);
        let callee = Dict::from([("features".to_owned(), features.into())]);
        ("roles", Dict::from([("callee".to_owned(), callee.into())]).into())
    }

    fn keyed(key: &SigningKey) -> Message {
        let pubkey = hex::encode(key.verifying_key().to_bytes());
        let extra = Dict::from([("pubkey".to_owned(), pubkey.into())]);
        hello(&[
            roles(),
            ("authmethods", Value::List(vec!["cryptosign".into()])),
            ("authextra", extra.into()),
        ])
    }

    fn answer(key: &SigningKey, challenge: [u8; 32]) -> Message {
        Message::Authenticate(Authenticate {
            signature: cryptosign::sign(key, &challenge),
            extra: Dict::new(),
        })
    }

    fn refusal(step: Step) -> Uri {
        let Step::Refuse(abort) = step else {
            panic!("not refused but {step:?}")
        };
        abort.reason
    }

    #[test]
    fn an_anonymous_client_is_admitted_when_nothing_more_is_asked_of_it() {
        let mut acceptor = Acceptor::default();
        let Step::Find(asked) = acceptor.receive(hello(&[roles()])) else {
            panic!()
        };
        assert_eq!(asked.realm, "realm1");
        assert!(asked.offers(Method::Anonymous) && !asked.offers(Method::Cryptosign));
        assert!(asked.features.call_canceling);
        assert!(matches!(acceptor.found(Ok(Proof::None), [0; 32]), Step::Admit(_)));
    }

    #[test]
    fn a_known_key_is_admitted_after_it_signed_the_challenge() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let mut acceptor = Acceptor::default();
        let Step::Find(asked) = acceptor.receive(keyed(&key)) else {
            panic!()
        };
        let proof = Proof::Cryptosign(Some(asked.public_key().unwrap()));
        let Step::Send(Message::Challenge(challenge)) = acceptor.found(Ok(proof), [9; 32]) else {
            panic!()
        };
        assert_eq!(challenge.method, "cryptosign");
        assert_eq!(challenge.extra["challenge"], Value::from("09".repeat(32)));
        assert!(matches!(acceptor.receive(answer(&key, [9; 32])), Step::Admit(_)));
    }

    #[test]
    fn an_unknown_key_is_challenged_and_refused_as_a_wrong_signature_is() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let other = SigningKey::from_bytes(&[8; 32]);
        let refused = |known: Option<VerifyingKey>, signer: &SigningKey| {
            let mut acceptor = Acceptor::default();
            acceptor.receive(keyed(&key));
            assert!(matches!(
                acceptor.found(Ok(Proof::Cryptosign(known)), [9; 32]),
                Step::Send(_)
            ));
            acceptor.receive(answer(signer, [9; 32]))
        };
        let unknown = refused(None, &key);
        assert_eq!(unknown, refused(Some(key.verifying_key()), &other));
        assert_eq!(refusal(unknown), "wamp.error.authentication_failed");
    }

    #[test]
    fn a_challenge_serves_once() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let mut acceptor = Acceptor::default();
        acceptor.receive(keyed(&key));
        acceptor.found(Ok(Proof::Cryptosign(Some(key.verifying_key()))), [9; 32]);
        assert_eq!(
            refusal(acceptor.receive(answer(&key, [8; 32]))),
            "wamp.error.authentication_failed"
        );
        assert_eq!(
            refusal(acceptor.receive(answer(&key, [9; 32]))),
            "wamp.error.protocol_violation"
        );
    }

    #[test]
    fn anything_but_hello_first_breaks_the_protocol() {
        let goodbye = Message::Goodbye(Goodbye::new("wamp.close.normal".into(), ""));
        assert_eq!(
            refusal(Acceptor::default().receive(goodbye)),
            "wamp.error.protocol_violation"
        );
        let mut acceptor = Acceptor::default();
        acceptor.receive(hello(&[roles()]));
        assert_eq!(
            refusal(acceptor.receive(hello(&[roles()]))),
            "wamp.error.protocol_violation"
        );
    }

    #[test]
    fn a_hello_without_roles_or_with_an_ill_formed_realm_is_refused() {
        for details in [
            vec![],
            vec![("roles", Value::Null)],
            vec![("roles", Dict::new().into())],
        ] {
            assert_eq!(
                refusal(Acceptor::default().receive(hello(&details))),
                "wamp.error.protocol_violation"
            );
        }
        let message = Message::Hello(Hello {
            realm: "a b".into(),
            details: Dict::from([(roles().0.into(), roles().1)]),
        });
        assert_eq!(refusal(Acceptor::default().receive(message)), "wamp.error.invalid_uri");
    }

    #[test]
    fn a_client_may_go_before_it_has_joined() {
        let mut acceptor = Acceptor::default();
        acceptor.receive(hello(&[roles()]));
        let gone = Message::Abort(Abort::new("wamp.close.system_shutdown".into(), ""));
        assert_eq!(acceptor.receive(gone), Step::Gone);
    }
}
