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
    /// The event is kept for those who subscribe later.
    pub retain: bool,
}

impl Default for PublishOptions {
    fn default() -> Self {
        Self {
            acknowledge: false,
            exclude_me: true,
            disclose_me: false,
            retain: false,
        }
    }
}

/// `SUBSCRIBE.Options`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SubscribeOptions {
    /// How to match.
    pub policy: Match,
    /// The subscriber wants what is retained now.
    pub get_retained: bool,
}

/// `EVENT.Details`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct EventDetails {
    /// Who published.
    pub publisher: Option<Box<Origin>>,
    /// The topic, for subscriptions by pattern.
    pub topic: Option<Uri>,
    /// Set on an event that was published before the subscription, and kept.
    pub retained: Option<Arc<Retained>>,
}

/// What `EVENT.Details` say of an event that was kept (WAMP specification, "Event Retention").
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Retained {
    /// When it was published, as RFC 3339 text in universal time: our own key `_published_at`.
    pub published_at: Option<Arc<str>>,
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

impl Match {
    /// Whether a pattern of this policy matches a URI (WAMP specification, "Pattern-based Subscriptions").
    #[must_use]
    pub fn covers(self, pattern: &[u8], uri: &[u8]) -> bool {
        match self {
            Self::Exact => pattern == uri,
            Self::Prefix => uri.starts_with(pattern),
            Self::Wildcard => {
                let split = |bytes| <[u8]>::split(bytes, |&byte| byte == b'.');
                split(pattern).count() == split(uri).count()
                    && split(pattern)
                        .zip(split(uri))
                        .all(|(mine, theirs)| mine.is_empty() || mine == theirs)
            }
        }
    }

    /// What everything that matches a pattern of this policy begins with: of a wildcard pattern all before its first
    /// empty component.
    #[must_use]
    pub fn literal_start(self, pattern: &[u8]) -> &[u8] {
        if self != Self::Wildcard {
            return pattern;
        }
        let mut end = 0;
        for component in pattern.split(|&byte| byte == b'.') {
            if component.is_empty() {
                return &pattern[..end];
            }
            end += component.len() + 1;
        }
        pattern
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
