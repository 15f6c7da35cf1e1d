//! Messages of remote procedure calls, and ERROR, which answers any request.

use super::options::{
    CallOptions, CancelOptions, ErrorDetails, InterruptOptions, InvocationDetails, RegisterOptions, ResultDetails,
    YieldOptions,
};
use crate::id::{RegistrationId, RequestId};
use crate::payload::Payload;
use crate::uri::Uri;

/// Which kind of request an ERROR answers: the `REQUEST.Type` of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// A PUBLISH.
    Publish,
    /// A SUBSCRIBE.
    Subscribe,
    /// An UNSUBSCRIBE.
    Unsubscribe,
    /// A CALL.
    Call,
    /// A REGISTER.
    Register,
    /// An UNREGISTER.
    Unregister,
    /// An INVOCATION.
    Invocation,
}

/// ERROR: `[8, REQUEST.Type|int, REQUEST.Request|id, Details|dict, Error|uri, Arguments|list, ArgumentsKw|dict]`.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestError {
    /// The kind of request that failed.
    pub kind: RequestKind,
    /// The request that failed.
    pub request: RequestId,
    /// How the arguments are packed, where a callee packed them.
    pub details: ErrorDetails,
    /// Which error.
    pub error: Uri,
    /// The arguments; the first is a sentence for people where the router speaks.
    pub payload: Payload,
}

/// CALL: `[48, Request|id, Options|dict, Procedure|uri, Arguments|list, ArgumentsKw|dict]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The caller's number for this request.
    pub request: RequestId,
    /// What the caller asks of the dealer.
    pub options: CallOptions,
    /// The procedure.
    pub procedure: Uri,
    /// The arguments.
    pub payload: Payload,
}

/// CANCEL: `[49, CALL.Request|id, Options|dict]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cancel {
    /// The call that is no longer wanted.
    pub request: RequestId,
    /// How to end it.
    pub options: CancelOptions,
}

/// RESULT: `[50, CALL.Request|id, Details|dict, YIELD.Arguments|list, YIELD.ArgumentsKw|dict]`.
#[derive(Clone, Debug, PartialEq)]
pub struct CallResult {
    /// The call that is answered.
    pub request: RequestId,
    /// Whether more results follow.
    pub details: ResultDetails,
    /// The arguments.
    pub payload: Payload,
}

/// REGISTER: `[64, Request|id, Options|dict, Procedure|uri]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Register {
    /// The callee's number for this request.
    pub request: RequestId,
    /// How to match and how to share.
    pub options: RegisterOptions,
    /// The procedure or pattern.
    pub procedure: Uri,
}

/// REGISTERED: `[65, REGISTER.Request|id, Registration|id]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The request that was answered.
    pub request: RequestId,
    /// The registration.
    pub registration: RegistrationId,
}

/// UNREGISTER: `[66, Request|id, REGISTERED.Registration|id]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unregister {
    /// The callee's number for this request.
    pub request: RequestId,
    /// The registration to end.
    pub registration: RegistrationId,
}

/// UNREGISTERED: `[67, UNREGISTER.Request|id]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unregistered {
    /// The request that was answered.
    pub request: RequestId,
}

/// UNREGISTERED as a revocation: `[67, 0, Details|dict]` (WAMP specification, "Registration Revocation").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrationRevoked {
    /// The registration that the session holds no more.
    pub registration: RegistrationId,
    /// Why.
    pub reason: Option<Uri>,
}

/// INVOCATION: `[68, Request|id, REGISTERED.Registration|id, Details|dict, CALL.Arguments|list, CALL.ArgumentsKw|dict]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Invocation {
    /// The router's number for this request, counting in the callee's session.
    pub request: RequestId,
    /// The registration that was hit.
    pub registration: RegistrationId,
    /// Caller and procedure, where they are told.
    pub details: InvocationDetails,
    /// The arguments.
    pub payload: Payload,
}

/// INTERRUPT: `[69, INVOCATION.Request|id, Options|dict]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interrupt {
    /// The invocation to stop.
    pub request: RequestId,
    /// How the caller cancelled it.
    pub options: InterruptOptions,
}

/// YIELD: `[70, INVOCATION.Request|id, Options|dict, Arguments|list, ArgumentsKw|dict]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Yield {
    /// The invocation that is answered.
    pub request: RequestId,
    /// Whether more results follow.
    pub options: YieldOptions,
    /// The arguments.
    pub payload: Payload,
}

impl RequestKind {
    /// The code of the message that carries such a request.
    #[must_use]
    pub const fn code(self) -> u64 {
        use super::code;
        match self {
            Self::Publish => code::PUBLISH,
            Self::Subscribe => code::SUBSCRIBE,
            Self::Unsubscribe => code::UNSUBSCRIBE,
            Self::Call => code::CALL,
            Self::Register => code::REGISTER,
            Self::Unregister => code::UNREGISTER,
            Self::Invocation => code::INVOCATION,
        }
    }

    /// The kind with this message code.
    #[must_use]
    pub const fn from_code(code: u64) -> Option<Self> {
        use super::code;
        Some(match code {
            code::PUBLISH => Self::Publish,
            code::SUBSCRIBE => Self::Subscribe,
            code::UNSUBSCRIBE => Self::Unsubscribe,
            code::CALL => Self::Call,
            code::REGISTER => Self::Register,
            code::UNREGISTER => Self::Unregister,
            code::INVOCATION => Self::Invocation,
            _ => return None,
        })
    }
}
