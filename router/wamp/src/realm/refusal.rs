//! Requests that are not served: what their senders are told, and what is remembered of those that a role denied.

use super::{Realm, role, send};
use crate::error;
use crate::id::{RequestId, SessionId};
use crate::message::{ErrorDetails, Match, Message, RequestError, RequestKind};
use crate::outgoing::Delivery;
use crate::payload::Payload;
use crate::uri::Uri;

/// URIs below this belong to the router.
pub(super) const RESERVED: &[u8] = b"wamp.";

/// Whether only the router may serve or publish it: its first component is `wamp` (WAMP specification, "Reserved URIs").
pub(super) fn is_of_router(uri: &Uri) -> bool {
    uri.as_bytes().starts_with(RESERVED) || *uri == "wamp"
}

/// Denials that a realm remembers until somebody takes them. More at a time say no more.
pub const MAX_DENIED: usize = 64;

/// Something that a session tried and its role does not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// Who tried.
    pub session: SessionId,
    /// What.
    pub action: role::Action,
    /// With which procedure or topic, or pattern of them.
    pub uri: Uri,
}

/// Why a request is not served: the error's URI and a sentence.
#[derive(Debug, Clone)]
pub(super) struct Refusal(pub(super) Uri, pub(super) &'static str);

impl Refusal {
    pub(super) const NOT_AUTHORIZED: Self = Self(error::NOT_AUTHORIZED, "the role of this session may not do that");
    pub(super) const NO_SUCH_PROCEDURE: Self = Self(error::NO_SUCH_PROCEDURE, "nobody offers this procedure");
    pub(super) const NO_SUCH_SESSION: Self = Self(error::NO_SUCH_SESSION, "there is no other session with this id");
    pub(super) const NO_SUCH_REGISTRATION: Self = Self(error::NO_SUCH_REGISTRATION, "there is no such registration");
    pub(super) const NO_SUCH_SUBSCRIPTION: Self = Self(error::NO_SUCH_SUBSCRIPTION, "there is no such subscription");
    /// Sessions of the program around the router are not for clients to end.
    pub(super) const OF_ROUTER: Self = Self(error::NOT_AUTHORIZED, "that session belongs to the router itself");
    pub(super) const UNDECIDED: Self = Self(
        error::TIMEOUT,
        "nobody decided about the call in the time that its caller gave it",
    );
    pub(super) const TOO_MANY_CALLS: Self =
        Self(error::UNAVAILABLE, "this session has as many calls waiting as it may");
    pub(super) const LONG_NODE_KEY: Self = Self(error::INVALID_ARGUMENT, "nkey is longer than 255 bytes");
    pub(super) const NOT_DISCLOSED: Self = Self(
        error::DISCLOSE_ME_DISALLOWED,
        "the role of this session may not disclose itself",
    );

    pub(super) fn tell(self, to: SessionId, kind: RequestKind, request: RequestId, out: &mut Vec<Delivery>) {
        let payload = Payload::sentence(self.1);
        send(
            out,
            to,
            Message::Error(RequestError {
                kind,
                request,
                details: ErrorDetails::default(),
                error: self.0,
                payload,
            }),
        );
    }
}

impl Realm {
    /// What was denied since this was last asked, no more than [`MAX_DENIED`].
    #[must_use]
    pub fn take_denied(&mut self) -> Vec<Denied> {
        std::mem::take(&mut self.denied)
    }

    /// Remembers a refusal, if it is one of the role.
    pub(super) fn note_refusal(&mut self, session: SessionId, action: role::Action, uri: &Uri, refusal: &Refusal) {
        if refusal.0 == error::NOT_AUTHORIZED && self.denied.len() < MAX_DENIED {
            let uri = uri.to_stored();
            self.denied.push(Denied { session, action, uri });
        }
    }

    /// Refuses a URI that is ill formed, or that only the router may use this way.
    pub(super) fn check_uri(&self, uri: &Uri, policy: Match, is_offer: bool) -> Result<(), Refusal> {
        self.settings
            .uri_rules
            .check(uri, policy)
            .map_err(|why| Refusal(error::INVALID_URI, why))?;
        if is_offer && is_of_router(uri) {
            return Err(Refusal(
                error::INVALID_URI,
                "URIs whose first component is wamp belong to the router",
            ));
        }
        Ok(())
    }
}
