//! Options and Details of publish and subscribe.

use std::sync::Arc;

use super::{Match, Origin, SharedPassthru};
use crate::id::SessionId;
use crate::uri::Uri;

/// `PUBLISH.Options`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishOptions {
    /// The publisher wants a PUBLISHED or an ERROR.
    pub acknowledge: bool,
    /// The publisher does not want its own event, which is the rule.
    pub exclude_me: bool,
    /// The publisher wants subscribers to know it.
    pub disclose_me: bool,
    /// The event is kept for those who subscribe later.
    pub retain: bool,
    /// The publisher wants its PUBLISHED only when the subscribers have the event: our own key `_delivered`, for
    /// subscribers that announce `x_acknowledged_event_delivery`.
    pub delivered: bool,
    /// What few publications say.
    pub special: Option<Box<PublishSpecial>>,
    /// How the payload is packed.
    pub passthru: SharedPassthru,
}

impl Default for PublishOptions {
    fn default() -> Self {
        Self {
            acknowledge: false,
            exclude_me: true,
            disclose_me: false,
            retain: false,
            delivered: false,
            special: None,
            passthru: None,
        }
    }
}

/// A place in a queue that a client keeps until its publications are taken.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Queued {
    /// `_queue`: the queue, one of the publisher's own.
    pub name: Box<str>,
    /// `_number`: above those of all publications that came before it in the queue.
    pub number: u64,
}

/// What few publications say.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PublishSpecial {
    /// Who of the subscribers is meant.
    pub audience: Audience,
    /// Its place in a queue of the publisher's.
    pub queued: Option<Queued>,
    /// `_forget`: what is kept of the topic for those who subscribe later is to be forgotten, and the event is not kept.
    pub forget: bool,
}

impl PublishSpecial {
    /// What is kept of the topic is to be forgotten.
    #[must_use]
    pub fn forgetting() -> Self {
        Self {
            forget: true,
            ..Self::default()
        }
    }
}

impl PublishOptions {
    /// Who of the subscribers is meant, if not all of them.
    #[must_use]
    pub fn audience(&self) -> Option<&Audience> {
        let audience = self.special.as_ref().map(|special| &special.audience);
        audience.filter(|audience| **audience != Audience::default())
    }

    /// Whether what is kept of the topic is to be forgotten: our own key `_forget`.
    #[must_use]
    pub fn forget(&self) -> bool {
        self.special.as_ref().is_some_and(|special| special.forget)
    }

    /// Its place in a queue of the publisher's: our own keys `_queue` and `_number`.
    #[must_use]
    pub fn queued(&self) -> Option<&Queued> {
        self.special.as_ref()?.queued.as_ref()
    }
}

impl From<Audience> for PublishSpecial {
    fn from(audience: Audience) -> Self {
        Self {
            audience,
            ..Self::default()
        }
    }
}

impl From<Queued> for PublishSpecial {
    fn from(queued: Queued) -> Self {
        Self {
            queued: Some(queued),
            ..Self::default()
        }
    }
}

/// Which subscribers an event is for (WAMP specification, "Subscriber Black- and Whitelisting" and "Sharded
/// Subscriptions"). A list that is not there restricts nothing; an empty `eligible` reaches nobody.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Audience {
    /// Only these sessions.
    pub eligible: Option<Vec<SessionId>>,
    /// Only sessions of these principals.
    pub eligible_authid: Option<Vec<Box<str>>>,
    /// Only sessions with these roles.
    pub eligible_authrole: Option<Vec<Box<str>>>,
    /// Not these sessions.
    pub exclude: Vec<SessionId>,
    /// No session of these principals.
    pub exclude_authid: Vec<Box<str>>,
    /// No session with these roles.
    pub exclude_authrole: Vec<Box<str>>,
    /// `rkey`: of the subscribers that share a subscription by node keys, the one node that this key belongs to.
    pub rkey: Option<Box<str>>,
}

/// `SUBSCRIBE.Options`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SubscribeOptions {
    /// How to match.
    pub policy: Match,
    /// The subscriber wants what is retained now.
    pub get_retained: bool,
    /// The node of the subscriber, where several share the events of a subscription.
    pub nkey: Option<Box<str>>,
}

/// `EVENT.Details`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct EventDetails {
    /// Who published.
    pub publisher: Option<Box<Origin>>,
    /// The topic, for subscriptions by pattern. Few events have one, and each message has the room of the largest.
    pub topic: Option<Box<Uri>>,
    /// Set on an event that was published before the subscription, and kept.
    pub retained: Option<Arc<Retained>>,
    /// How far the router trusts the publisher.
    pub trustlevel: Option<u32>,
    /// The router wants an `EVENT_RECEIVED`: the key `x_acknowledged_delivery`.
    pub acknowledge: bool,
    /// How the payload is packed.
    pub passthru: SharedPassthru,
}

/// What `EVENT.Details` say of an event that was kept (WAMP specification, "Event Retention").
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Retained {
    /// When it was published, as RFC 3339 text in universal time: our own key `_published_at`.
    pub published_at: Option<Arc<str>>,
}
