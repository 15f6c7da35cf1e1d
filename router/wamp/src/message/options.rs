//! Options and Details of the messages: the keys that mean something to us, typed.

use std::sync::Arc;

use crate::id::SessionId;
use crate::uri::Uri;

/// How the URI of a subscription or registration is matched (WAMP specification, "Pattern-based Subscriptions").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Match {
    /// The URI itself.
    #[default]
    Exact,
    /// Every URI that begins with it.
    Prefix,
    /// Every URI with as many components, where an empty component stands for any.
    Wildcard,
}

/// How a call is given to one of several callees (WAMP specification, "Shared Registration").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Invoke {
    /// One callee only.
    #[default]
    Single,
    /// In turn.
    RoundRobin,
    /// By chance.
    Random,
    /// The first that registered.
    First,
    /// The last that registered.
    Last,
}

/// How a call is cancelled (WAMP specification, "Call Canceling").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum CancelMode {
    /// The caller is answered at once, the callee is left alone.
    Skip,
    /// The callee is interrupted, its answer goes to the caller.
    Kill,
    /// The caller is answered at once, the callee is interrupted.
    #[default]
    KillNoWait,
}

/// Who called or published, where that is disclosed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The session.
    pub session: SessionId,
    /// The principal behind it.
    pub authid: Arc<str>,
    /// Its role.
    pub authrole: Arc<str>,
}

/// `PUBLISH.Options`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishOptions {
    /// The publisher wants a PUBLISHED or an ERROR.
    pub acknowledge: bool,
    /// The publisher does not want its own event, which is the rule.
    pub exclude_me: bool,
    /// The publisher wants subscribers to know it.
    pub disclose_me: bool,
}

impl Default for PublishOptions {
    fn default() -> Self {
        Self {
            acknowledge: false,
            exclude_me: true,
            disclose_me: false,
        }
    }
}

/// `SUBSCRIBE.Options`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SubscribeOptions {
    /// How to match.
    pub policy: Match,
}

/// `EVENT.Details`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct EventDetails {
    /// Who published.
    pub publisher: Option<Box<Origin>>,
    /// The topic, for subscriptions by pattern.
    pub topic: Option<Uri>,
}

/// `CALL.Options`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct CallOptions {
    /// The caller takes progressive results.
    pub receive_progress: bool,
    /// The caller wants the callee to know it.
    pub disclose_me: bool,
}

/// `RESULT.Details`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ResultDetails {
    /// More results follow.
    pub progress: bool,
}

/// `REGISTER.Options`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct RegisterOptions {
    /// How to match.
    pub policy: Match,
    /// How to share.
    pub invoke: Invoke,
}

/// `INVOCATION.Details`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct InvocationDetails {
    /// Who called.
    pub caller: Option<Box<Origin>>,
    /// The procedure, for registrations by pattern.
    pub procedure: Option<Uri>,
    /// The caller takes progressive results.
    pub receive_progress: bool,
}

/// `YIELD.Options`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct YieldOptions {
    /// More results follow.
    pub progress: bool,
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

impl Match {
    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Prefix => "prefix",
            Self::Wildcard => "wildcard",
        }
    }

    /// The policy with this name.
    #[must_use]
    pub const fn from_name(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"exact" => Self::Exact,
            b"prefix" => Self::Prefix,
            b"wildcard" => Self::Wildcard,
            _ => return None,
        })
    }
}

impl Invoke {
    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::RoundRobin => "roundrobin",
            Self::Random => "random",
            Self::First => "first",
            Self::Last => "last",
        }
    }

    /// The policy with this name.
    #[must_use]
    pub const fn from_name(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"single" => Self::Single,
            b"roundrobin" => Self::RoundRobin,
            b"random" => Self::Random,
            b"first" => Self::First,
            b"last" => Self::Last,
            _ => return None,
        })
    }
}

impl CancelMode {
    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Kill => "kill",
            Self::KillNoWait => "killnowait",
        }
    }

    /// The mode with this name.
    #[must_use]
    pub const fn from_name(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"skip" => Self::Skip,
            b"kill" => Self::Kill,
            b"killnowait" => Self::KillNoWait,
            _ => return None,
        })
    }
}
