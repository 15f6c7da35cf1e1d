//! The messages of WAMP as values, one struct each, and their codes.
//!
//! Only what a router or client acts on becomes a field; unknown keys of Options and Details are dropped by the
//! decoder, as the specification allows. Arguments stay encoded: see [`Payload`](crate::payload::Payload).

mod options;
mod pubsub;
mod rpc;
mod session;

pub use options::{
    Audience, CallOptions, CancelMode, CancelOptions, ErrorDetails, EventDetails, Flow, InterruptOptions,
    InvocationDetails, Invoke, Match, NoRouterId, Origin, Passthru, PublishOptions, PublishSpecial, Queued,
    RegisterOptions, ResultDetails, Retained, Route, RouterId, RunMode, Shard, SharedPassthru, SubscribeOptions,
    YieldOptions,
};
pub use pubsub::{
    Event, EventReceived, Publish, Published, Subscribe, Subscribed, SubscriptionRevoked, Unsubscribe, Unsubscribed,
};
pub use rpc::{
    Call, CallResult, Cancel, Interrupt, Invocation, Register, Registered, RegistrationRevoked, RequestError,
    RequestKind, Unregister, Unregistered, Yield,
};
pub use session::{Abort, Authenticate, Challenge, Goodbye, Hello, Received, Welcome};

/// Codes of the messages (WAMP specification, "Message Codes and Direction").
#[allow(missing_docs, reason = "the names are those of the specification")]
pub mod code {
    pub const HELLO: u64 = 1;
    pub const WELCOME: u64 = 2;
    pub const ABORT: u64 = 3;
    pub const CHALLENGE: u64 = 4;
    pub const AUTHENTICATE: u64 = 5;
    pub const GOODBYE: u64 = 6;
    pub const ERROR: u64 = 8;
    pub const PUBLISH: u64 = 16;
    pub const PUBLISHED: u64 = 17;
    pub const SUBSCRIBE: u64 = 32;
    pub const SUBSCRIBED: u64 = 33;
    pub const UNSUBSCRIBE: u64 = 34;
    pub const UNSUBSCRIBED: u64 = 35;
    pub const EVENT: u64 = 36;
    pub const CALL: u64 = 48;
    pub const CANCEL: u64 = 49;
    pub const RESULT: u64 = 50;
    pub const REGISTER: u64 = 64;
    pub const REGISTERED: u64 = 65;
    pub const UNREGISTER: u64 = 66;
    pub const UNREGISTERED: u64 = 67;
    pub const INVOCATION: u64 = 68;
    pub const INTERRUPT: u64 = 69;
    pub const YIELD: u64 = 70;
    /// Not in the text of the specification, only in its test vectors.
    pub const EVENT_RECEIVED: u64 = 337;
    /// Ours, of the numbers that the specification leaves to extensions.
    pub const RECEIVED: u64 = 1001;
}

/// Any message of WAMP.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// A client opens a session.
    Hello(Hello),
    /// The router opened it.
    Welcome(Welcome),
    /// Either side refuses or breaks off the session.
    Abort(Abort),
    /// The router wants proof of who the client is.
    Challenge(Challenge),
    /// The client's proof.
    Authenticate(Authenticate),
    /// Either side closes the session.
    Goodbye(Goodbye),
    /// A request failed.
    Error(RequestError),
    /// A client publishes to a topic.
    Publish(Publish),
    /// The router took an acknowledged publication.
    Published(Published),
    /// A client asks for the events of a topic.
    Subscribe(Subscribe),
    /// The subscription exists.
    Subscribed(Subscribed),
    /// A client ends a subscription.
    Unsubscribe(Unsubscribe),
    /// The subscription ended.
    Unsubscribed(Unsubscribed),
    /// The router ended a subscription: an UNSUBSCRIBED that answers no request.
    SubscriptionRevoked(SubscriptionRevoked),
    /// A publication on its way to a subscriber.
    Event(Event),
    /// A client calls a procedure.
    Call(Call),
    /// A caller no longer wants its result.
    Cancel(Cancel),
    /// The result of a call.
    Result(CallResult),
    /// A client offers a procedure.
    Register(Register),
    /// The registration exists.
    Registered(Registered),
    /// A client withdraws a procedure.
    Unregister(Unregister),
    /// The registration ended.
    Unregistered(Unregistered),
    /// The router ended a registration: an UNREGISTERED that answers no request.
    RegistrationRevoked(RegistrationRevoked),
    /// A call on its way to the callee.
    Invocation(Invocation),
    /// The callee should stop working on an invocation.
    Interrupt(Interrupt),
    /// The callee's result.
    Yield(Yield),
    /// A subscriber took an event.
    EventReceived(EventReceived),
    /// Either side of a resumable session says how many messages have arrived.
    Received(Received),
}

impl Message {
    /// The name of the message in the specification, for logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Hello(_) => "HELLO",
            Self::Welcome(_) => "WELCOME",
            Self::Abort(_) => "ABORT",
            Self::Challenge(_) => "CHALLENGE",
            Self::Authenticate(_) => "AUTHENTICATE",
            Self::Goodbye(_) => "GOODBYE",
            Self::Error(_) => "ERROR",
            Self::Publish(_) => "PUBLISH",
            Self::Published(_) => "PUBLISHED",
            Self::Subscribe(_) => "SUBSCRIBE",
            Self::Subscribed(_) => "SUBSCRIBED",
            Self::Unsubscribe(_) => "UNSUBSCRIBE",
            Self::Unsubscribed(_) | Self::SubscriptionRevoked(_) => "UNSUBSCRIBED",
            Self::Event(_) => "EVENT",
            Self::Call(_) => "CALL",
            Self::Cancel(_) => "CANCEL",
            Self::Result(_) => "RESULT",
            Self::Register(_) => "REGISTER",
            Self::Registered(_) => "REGISTERED",
            Self::Unregister(_) => "UNREGISTER",
            Self::Unregistered(_) | Self::RegistrationRevoked(_) => "UNREGISTERED",
            Self::Invocation(_) => "INVOCATION",
            Self::Interrupt(_) => "INTERRUPT",
            Self::Yield(_) => "YIELD",
            Self::EventReceived(_) => "EVENT_RECEIVED",
            Self::Received(_) => "RECEIVED",
        }
    }

    /// The arguments the message carries, if its kind carries any.
    #[must_use]
    pub const fn payload(&self) -> Option<&crate::payload::Payload> {
        match self {
            Self::Abort(Abort { payload, .. })
            | Self::Error(RequestError { payload, .. })
            | Self::Publish(Publish { payload, .. })
            | Self::Event(Event { payload, .. })
            | Self::Call(Call { payload, .. })
            | Self::Result(CallResult { payload, .. })
            | Self::Invocation(Invocation { payload, .. })
            | Self::Yield(Yield { payload, .. }) => Some(payload),
            Self::Hello(_)
            | Self::Welcome(_)
            | Self::Challenge(_)
            | Self::Authenticate(_)
            | Self::Goodbye(_)
            | Self::Published(_)
            | Self::Subscribe(_)
            | Self::Subscribed(_)
            | Self::Unsubscribe(_)
            | Self::Unsubscribed(_)
            | Self::SubscriptionRevoked(_)
            | Self::Cancel(_)
            | Self::Register(_)
            | Self::Registered(_)
            | Self::Unregister(_)
            | Self::Unregistered(_)
            | Self::RegistrationRevoked(_)
            | Self::Interrupt(_)
            | Self::EventReceived(_)
            | Self::Received(_) => None,
        }
    }
}
