//! What can go wrong in the protocol: a broken rule, and the URIs that name failures.

use crate::message::Abort;
use crate::uri::Uri;

/// The peer broke the protocol: its session ends with an ABORT that says how.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct Violation {
    /// The URI for the ABORT.
    pub reason: Uri,
    /// A sentence for the people who wrote the peer.
    pub sentence: String,
}

impl Violation {
    /// A violation of the protocol itself.
    #[must_use]
    pub fn new(sentence: impl Into<String>) -> Self {
        Self {
            reason: PROTOCOL_VIOLATION,
            sentence: sentence.into(),
        }
    }

    /// A message longer than this side takes.
    #[must_use]
    pub fn too_long(length: usize, most: usize) -> Self {
        Self {
            reason: PAYLOAD_SIZE_EXCEEDED,
            sentence: format!("the message has {length} bytes, at most {most} are taken here"),
        }
    }

    /// The message that tells the peer.
    #[must_use]
    pub fn abort(self) -> Abort {
        Abort::new(self.reason, self.sentence)
    }
}

/// The value cannot be written in the receiver's serializer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the arguments cannot be converted for the receiver's serializer: {0}")]
pub struct Unconvertible(pub &'static str);

macro_rules! uris {
    ($($(#[doc = $doc:literal])* $name:ident = $uri:literal;)*) => {
        $($(#[doc = $doc])* pub const $name: Uri = Uri::from_static($uri);)*

        /// Every URI of this table with its sentences, for reflection.
        pub(crate) const PREDEFINED: &[(&str, &str)] = &[$(($uri, concat!($($doc),*))),*];
    };
}

// WAMP specification, "Predefined URIs". Where it spells one thing in two ways, the first spelling.
uris! {
    /// The URI is not well formed or may not be used.
    INVALID_URI = "wamp.error.invalid_uri";
    /// Nobody offers the procedure.
    NO_SUCH_PROCEDURE = "wamp.error.no_such_procedure";
    /// Somebody offers the procedure already.
    PROCEDURE_ALREADY_EXISTS = "wamp.error.procedure_already_exists";
    /// The session does not hold that registration.
    NO_SUCH_REGISTRATION = "wamp.error.no_such_registration";
    /// The session does not hold that subscription.
    NO_SUCH_SUBSCRIPTION = "wamp.error.no_such_subscription";
    /// The arguments are not those the procedure takes, or cannot be converted.
    INVALID_ARGUMENT = "wamp.error.invalid_argument";
    /// The call was cancelled, or its callee left.
    CANCELED = "wamp.error.canceled";
    /// The message is longer than its receiver takes.
    PAYLOAD_SIZE_EXCEEDED = "wamp.error.payload_size_exceeded";
    /// The peer broke the protocol.
    PROTOCOL_VIOLATION = "wamp.error.protocol_violation";
    /// The role may not do that.
    NOT_AUTHORIZED = "wamp.error.not_authorized";
    /// The router could not find out whether the role may do that.
    AUTHORIZATION_FAILED = "wamp.error.authorization_failed";
    /// There is no such realm.
    NO_SUCH_REALM = "wamp.error.no_such_realm";
    /// There is no such role.
    NO_SUCH_ROLE = "wamp.error.no_such_role";
    /// None of the client's methods serves here.
    NO_MATCHING_AUTH_METHOD = "wamp.error.no_matching_auth_method";
    /// Nobody is known by that name or key.
    NO_SUCH_PRINCIPAL = "wamp.error.no_such_principal";
    /// The proof was wrong.
    AUTHENTICATION_FAILED = "wamp.error.authentication_failed";
    /// The proof was right, but the principal may not join now.
    AUTHENTICATION_DENIED = "wamp.error.authentication_denied";
    /// A client must say who it is here.
    AUTHENTICATION_REQUIRED = "wamp.error.authentication_required";
    /// An option is not supported or not allowed.
    OPTION_NOT_ALLOWED = "wamp.error.option_not_allowed";
    /// The router does not have that feature.
    FEATURE_NOT_SUPPORTED = "wamp.error.feature_not_supported";
    /// The role may not disclose who it is.
    DISCLOSE_ME_DISALLOWED = "wamp.error.option_disallowed.disclose_me";
    /// Something took too long.
    TIMEOUT = "wamp.error.timeout";
    /// The callee cannot be reached, or its queue is full; as a callee's answer: another one may take the call.
    UNAVAILABLE = "wamp.error.unavailable";
    /// Nobody of those who offer the procedure takes the call now.
    NO_AVAILABLE_CALLEE = "wamp.error.no_available_callee";
    /// The network between two peers failed.
    NETWORK_FAILURE = "wamp.error.network_failure";
    /// The principal may not do that; see [`NOT_AUTHORIZED`], which this router says.
    AUTHORIZATION_DENIED = "wamp.error.authorization_denied";
    /// The principal must be authorized for that first.
    AUTHORIZATION_REQUIRED = "wamp.error.authorization_required";
    /// There is no such session.
    NO_SUCH_SESSION = "wamp.error.no_such_session";
    /// The router or the client stops.
    SYSTEM_SHUTDOWN = "wamp.close.system_shutdown";
    /// The realm closes.
    CLOSE_REALM = "wamp.close.close_realm";
    /// The answer to a GOODBYE.
    GOODBYE_AND_OUT = "wamp.close.goodbye_and_out";
    /// The client leaves.
    CLOSE_NORMAL = "wamp.close.normal";
    /// Our own: another session offers the procedure now, and its role or its principal lets it.
    TAKEN_OVER = "wamp.registration.taken_over";
    /// The session was ended by somebody else.
    KILLED = "wamp.close.killed";
}
