//! Messages that open and close a session.

use crate::payload::Payload;
use crate::uri::Uri;
use crate::value::Dict;

/// HELLO: `[1, Realm|uri, Details|dict]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Hello {
    /// The realm to join.
    pub realm: Uri,
    /// Roles, features, `authid`, `authmethods`, `authextra`; see [`crate::acceptor`].
    pub details: Dict,
}

/// WELCOME: `[2, Session|id, Details|dict]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Welcome {
    /// The session that was opened.
    pub session: crate::id::SessionId,
    /// The router's roles and features, and who it takes the client for.
    pub details: Dict,
}

/// ABORT: `[3, Details|dict, Reason|uri]`, with arguments where the sender has some to give.
#[derive(Clone, Debug, PartialEq)]
pub struct Abort {
    /// `message` holds a sentence for people.
    pub details: Dict,
    /// Why.
    pub reason: Uri,
    /// Further arguments.
    pub payload: Payload,
}

/// CHALLENGE: `[4, AuthMethod|string, Extra|dict]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Challenge {
    /// The method the router chose.
    pub method: String,
    /// What the method needs, such as the bytes to sign.
    pub extra: Dict,
}

/// AUTHENTICATE: `[5, Signature|string, Extra|dict]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Authenticate {
    /// The answer to the challenge.
    pub signature: String,
    /// What the method adds to it.
    pub extra: Dict,
}

/// GOODBYE: `[6, Details|dict, Reason|uri]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Goodbye {
    /// `message` holds a sentence for people.
    pub details: Dict,
    /// Why.
    pub reason: Uri,
}

/// RECEIVED: `[1001, Count|integer]`, an extension of ours: so many messages of a resumable session have arrived, from its
/// beginning on. See [`crate::resumption`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// How many: at most 2^53.
    pub count: u64,
}

impl Abort {
    /// An ABORT with a sentence that a person can act on.
    #[must_use]
    pub fn new(reason: Uri, sentence: impl Into<String>) -> Self {
        Self {
            details: message(sentence),
            reason,
            payload: Payload::EMPTY,
        }
    }
}

impl Goodbye {
    /// A GOODBYE with a sentence that a person can read.
    #[must_use]
    pub fn new(reason: Uri, sentence: impl Into<String>) -> Self {
        Self {
            details: message(sentence),
            reason,
        }
    }
}

fn message(sentence: impl Into<String>) -> Dict {
    Dict::from([("message".to_owned(), sentence.into().into())])
}
