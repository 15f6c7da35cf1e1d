//! Options and Details of the messages: the keys that mean something to us, typed.
//!
//! What few messages say stands behind one pointer, so that the others do not carry its room around.

mod pubsub;
mod route;
mod rpc;

use std::sync::Arc;

pub use self::pubsub::{Audience, EventDetails, PublishOptions, PublishSpecial, Queued, Retained, SubscribeOptions};
pub use self::route::{NoRouterId, Route, RouterId};
pub use self::rpc::{
    CallOptions, CancelOptions, ErrorDetails, Flow, InterruptOptions, InvocationDetails, RegisterOptions,
    ResultDetails, RunMode, Shard, YieldOptions,
};
use crate::id::SessionId;

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

/// How a payload that the router passes through is packed (WAMP specification, "Payload Passthru Mode"). The router looks
/// at none of it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Passthru {
    /// `ppt_scheme`: who knows the keys.
    pub scheme: Option<Box<str>>,
    /// `ppt_serializer`: what the payload is encoded in.
    pub serializer: Option<Box<str>>,
    /// `ppt_cipher`: how it is encrypted.
    pub cipher: Option<Box<str>>,
    /// `ppt_keyid`: with which key.
    pub keyid: Option<Box<str>>,
    /// The way through other routers, which stands here because few messages have either.
    pub route: Option<Box<Route>>,
}

/// Shared, because an event goes to many.
pub type SharedPassthru = Option<Arc<Passthru>>;

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
