//! Options and Details of remote procedure calls.

use super::{CancelMode, Invoke, Match, Origin, SharedPassthru};
use crate::uri::Uri;

/// `CALL.Options`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct CallOptions {
    /// The caller takes progressive results.
    pub receive_progress: bool,
    /// The caller wants the callee to know it.
    pub disclose_me: bool,
    /// More of the call follows (WAMP specification, "Progressive Call Invocations").
    pub progress: bool,
    /// Milliseconds after which the call fails; 0 is never (WAMP specification, "Call Timeouts"). More than fits is taken
    /// for as much: seven weeks.
    pub timeout: u32,
    /// Which of the callees that share the procedure by node keys is meant.
    pub shard: Option<Box<Shard>>,
    /// Our own keys `_credit` and `_await_credit`.
    pub flow: Option<Box<Flow>>,
    /// How the payload is packed.
    pub passthru: SharedPassthru,
}

impl CallOptions {
    /// Whether more may come under the number of the call: further parts, or grants of results.
    #[must_use]
    pub const fn goes_on(&self) -> bool {
        self.progress || self.flow.is_some()
    }
}

/// How a call keeps its other end from sending faster than it is taken (`docs/BACKPRESSURE.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Flow {
    /// `_credit`: so many progressive results may be sent, and in a further CALL so many more; 0 says nothing.
    pub credit: u32,
    /// `_await_credit`: further parts of the call are sent only as the callee grants them.
    pub await_credit: bool,
}

/// Which shard of a procedure a call is for (WAMP specification, "Sharded Registration").
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Shard {
    /// How many shards the call goes to.
    pub runmode: RunMode,
    /// The key whose shard is meant; there for [`RunMode::Partition`].
    pub rkey: Option<Box<str>>,
}

/// How many shards a call goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum RunMode {
    /// The one that the key belongs to.
    #[default]
    Partition,
    /// Every one.
    All,
}

/// `RESULT.Details`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ResultDetails {
    /// More results follow.
    pub progress: bool,
    /// It is no result: so many more parts of the call may be sent. 0 says nothing. Our own key `_credit`.
    pub credit: u32,
    /// How the payload is packed.
    pub passthru: SharedPassthru,
}

/// `ERROR.Details`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ErrorDetails {
    /// How the payload is packed.
    pub passthru: SharedPassthru,
}

/// `REGISTER.Options`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct RegisterOptions {
    /// How to match.
    pub policy: Match,
    /// How to share.
    pub invoke: Invoke,
    /// The callee wants to know who calls: callers that may not be disclosed are refused.
    pub disclose_caller: bool,
    /// The callee wants to see to time-outs itself.
    pub forward_timeout: bool,
    /// Whoever has the procedure loses it (a key of crossbar's).
    pub force_reregister: bool,
    /// How many calls the callee works on at a time; 0 is any number (a key of crossbar's).
    pub concurrency: u32,
    /// The node of the callee, where several share a procedure by keys: our own key `nkey`, as for subscriptions.
    pub nkey: Option<Box<str>>,
}

/// `INVOCATION.Details`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct InvocationDetails {
    /// Who called.
    pub caller: Option<Box<Origin>>,
    /// The procedure, for registrations by pattern. Few invocations have one, and each message has the room of the largest.
    pub procedure: Option<Box<Uri>>,
    /// The caller takes progressive results.
    pub receive_progress: bool,
    /// More of the call follows.
    pub progress: bool,
    /// How far the router trusts the caller.
    pub trustlevel: Option<u32>,
    /// Milliseconds after which the callee is to give up; 0 is never.
    pub timeout: u32,
    /// Progressive results that may be sent, or that may be sent more; 0 says nothing. Our own key `_credit`.
    pub credit: u32,
    /// The caller sends further parts only as the callee grants them. Our own key `_await_credit`.
    pub await_credit: bool,
    /// How the payload is packed.
    pub passthru: SharedPassthru,
}

/// `YIELD.Options`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct YieldOptions {
    /// More results follow.
    pub progress: bool,
    /// It is no result: so many more parts of the call may be sent. 0 says nothing. Our own key `_credit`.
    pub credit: u32,
    /// How the payload is packed.
    pub passthru: SharedPassthru,
}

/// `CANCEL.Options`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct CancelOptions {
    /// How.
    pub mode: CancelMode,
}

/// `INTERRUPT.Options`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct InterruptOptions {
    /// How the call was cancelled.
    pub mode: CancelMode,
    /// Why, where the router knows.
    pub reason: Option<Uri>,
}

impl RunMode {
    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Partition => "partition",
            Self::All => "all",
        }
    }

    /// The mode with this name.
    #[must_use]
    pub const fn from_name(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"partition" => Self::Partition,
            b"all" => Self::All,
            _ => return None,
        })
    }
}
