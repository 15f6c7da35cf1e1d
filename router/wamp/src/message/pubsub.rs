//! Messages of publish and subscribe.

use super::options::{EventDetails, PublishOptions, SubscribeOptions};
use crate::id::{PublicationId, RequestId, SubscriptionId};
use crate::payload::Payload;
use crate::uri::Uri;

/// PUBLISH: `[16, Request|id, Options|dict, Topic|uri, Arguments|list, ArgumentsKw|dict]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Publish {
    /// The publisher's number for this request.
    pub request: RequestId,
    /// What the publisher asks of the broker.
    pub options: PublishOptions,
    /// Where to.
    pub topic: Uri,
    /// The arguments.
    pub payload: Payload,
}

/// PUBLISHED: `[17, PUBLISH.Request|id, Publication|id]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The request that was acknowledged.
    pub request: RequestId,
    /// The publication's id.
    pub publication: PublicationId,
}

/// SUBSCRIBE: `[32, Request|id, Options|dict, Topic|uri]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribe {
    /// The subscriber's number for this request.
    pub request: RequestId,
    /// How to match.
    pub options: SubscribeOptions,
    /// The topic or pattern.
    pub topic: Uri,
}

/// SUBSCRIBED: `[33, SUBSCRIBE.Request|id, Subscription|id]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribed {
    /// The request that was answered.
    pub request: RequestId,
    /// The subscription, shared by all subscribers of the same URI and match policy.
    pub subscription: SubscriptionId,
}

/// UNSUBSCRIBE: `[34, Request|id, SUBSCRIBED.Subscription|id]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsubscribe {
    /// The subscriber's number for this request.
    pub request: RequestId,
    /// The subscription to end.
    pub subscription: SubscriptionId,
}

/// UNSUBSCRIBED: `[35, UNSUBSCRIBE.Request|id]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsubscribed {
    /// The request that was answered.
    pub request: RequestId,
}

/// UNSUBSCRIBED as a revocation: `[35, 0, Details|dict]` (WAMP specification, "Subscription Revocation").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionRevoked {
    /// The subscription that the session holds no more.
    pub subscription: SubscriptionId,
    /// Why.
    pub reason: Option<Uri>,
}

/// EVENT: `[36, SUBSCRIBED.Subscription|id, PUBLISHED.Publication|id, Details|dict, Arguments|list, ArgumentsKw|dict]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The subscription it answers.
    pub subscription: SubscriptionId,
    /// The publication it came from.
    pub publication: PublicationId,
    /// Publisher and topic, where they are told.
    pub details: EventDetails,
    /// The arguments.
    pub payload: Payload,
}

/// `EVENT_RECEIVED`: `[337, EVENT.Publication|id]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventReceived {
    /// The publication that arrived.
    pub publication: PublicationId,
}
