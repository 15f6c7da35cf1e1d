//! Events of the router itself.

use super::super::Realm;
use super::{Broker, Subscription};
use crate::codec::Serializer;
use crate::id::{PublicationId, SessionId};
use crate::message::{Event, EventDetails, Match};
use crate::outgoing::Delivery;
use crate::pattern::Visit;
use crate::payload::Payload;
use crate::uri::Uri;
use crate::value::{Dict, Value};

impl Realm {
    /// Publishes an event of the router itself.
    pub(in crate::realm) fn announce(
        &mut self,
        topic: &'static str,
        args: impl FnOnce(&Self) -> Vec<Value>,
        out: &mut Vec<Delivery>,
    ) {
        self.announce_to_others(topic, None, args, out);
    }

    /// The same, to everybody but one session.
    pub(in crate::realm) fn announce_to_others(
        &mut self,
        topic: &'static str,
        but: Option<SessionId>,
        args: impl FnOnce(&Self) -> Vec<Value>,
        out: &mut Vec<Delivery>,
    ) {
        if !self.broker.hears_router(topic.as_bytes()) {
            return;
        }
        let payload = payload(&args(self));
        let publication = self.random_publication();
        self.broker
            .deliver_own(&Uri::from_static(topic), publication, &payload, but, out);
    }
}

impl Broker {
    /// One event for each subscription that matches and is about the router's own topics, to each of its subscribers.
    fn deliver_own(
        &self,
        topic: &Uri,
        publication: PublicationId,
        payload: &Payload,
        but: Option<SessionId>,
        out: &mut Vec<Delivery>,
    ) {
        self.subscriptions.visit(topic.as_bytes(), |policy, subscription| {
            if subscription.hears_router {
                let event = subscription.own_event(policy, topic, publication, payload);
                subscription.fan_out(event, but, out);
            }
            Visit::More
        });
    }
}

impl Subscription {
    /// An event of the router, as the subscribers of this subscription with this policy get it.
    pub(super) fn own_event(&self, policy: Match, topic: &Uri, publication: PublicationId, payload: &Payload) -> Event {
        Event {
            subscription: self.id,
            publication,
            details: EventDetails {
                topic: (policy != Match::Exact).then(|| Box::new(topic.clone())),
                ..EventDetails::default()
            },
            payload: payload.clone(),
        }
    }
}

/// The arguments of an event of the router, in the format that clients of the desktop speak; others are converted to.
pub(super) fn payload(args: &[Value]) -> Payload {
    Payload::from_values(Serializer::Json, args, &Dict::new()).unwrap_or(Payload::EMPTY)
}
