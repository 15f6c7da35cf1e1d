//! Publications: who may publish, and who gets the event.

use std::sync::Arc;

use super::super::role::{Action, Disclose};
use super::super::{Realm, Refusal, send};
use super::retention::Kept;
use super::{Broker, Subscription};
use crate::codec::Serializer;
use crate::error;
use crate::id::{PublicationId, SessionId, SubscriptionId};
use crate::message::{Event, EventDetails, Match, Message, Publish, Published, RequestKind};
use crate::outgoing::{Delivery, Outgoing, Shared};
use crate::pattern::Visit;
use crate::payload::Payload;
use crate::uri::Uri;
use crate::value::{Dict, Value};

impl Realm {
    pub(in crate::realm) fn publish(&mut self, from: SessionId, publish: &Publish, out: &mut Vec<Delivery>) {
        let Publish { request, options, .. } = publish;
        let request = *request;
        let details = match self.may_publish(from, publish) {
            Ok(details) => details,
            Err(refusal) => {
                self.note_refusal(from, Action::Publish, &publish.topic, &refusal);
                // Without acknowledgement there is nothing to answer with (WAMP specification, "Publishing").
                if options.acknowledge {
                    refusal.tell(from, RequestKind::Publish, request, out);
                }
                return;
            }
        };
        let publication = self.random_publication();
        let excluded = options.exclude_me.then_some(from);
        if options.retain {
            self.retain(from, publish, publication, &details, excluded);
        }
        if options.acknowledge {
            send(out, from, Message::Published(Published { request, publication }));
        }
        self.broker.deliver(publish, publication, &details, excluded, out);
    }

    fn may_publish(&self, from: SessionId, publish: &Publish) -> Result<EventDetails, Refusal> {
        self.check_uri(&publish.topic, Match::Exact, true)?;
        let member = self.members.get(from).ok_or(Refusal::NOT_AUTHORIZED)?;
        let permission = member
            .permits(Action::Publish, &publish.topic, Match::Exact)
            .ok_or(Refusal::NOT_AUTHORIZED)?;
        let publisher = match (permission.disclose, publish.options.disclose_me) {
            (Disclose::Never, true) => return Err(Refusal::NOT_DISCLOSED),
            (Disclose::Never | Disclose::OnRequest, false) => None,
            (Disclose::OnRequest, true) | (Disclose::Always, _) => Some(Box::new(member.origin.clone())),
        };
        // Who wants an answer is told that nothing is kept; for the others the event matters more than its memory.
        let Publish { options, .. } = publish;
        let is_full = || !self.broker.retention.has_room(publish, &member.origin.authid);
        if options.retain && options.acknowledge && is_full() {
            return Err(Refusal(
                error::UNAVAILABLE,
                "as many events, or as many bytes of them, are kept as may be, in this realm or of this principal",
            ));
        }
        Ok(EventDetails {
            publisher,
            trustlevel: permission.trustlevel,
            passthru: publish.options.passthru.clone(),
            ..EventDetails::default()
        })
    }

    /// Keeps an event, if there is room for it.
    fn retain(
        &mut self,
        from: SessionId,
        publish: &Publish,
        publication: PublicationId,
        details: &EventDetails,
        excluded: Option<SessionId>,
    ) {
        let Some(member) = self.members.get(from) else { return };
        let author = Arc::clone(&member.origin.authid);
        if self.broker.retention.has_room(publish, &author) {
            let published_at = self.now();
            let kept = Kept::new(publish, publication, details, excluded, author);
            self.broker.retention.keep(publish, published_at, kept);
        }
    }

    /// Forgets the kept events of every topic that begins with `prefix`.
    pub fn forget_retained(&mut self, prefix: &str) {
        self.broker.retention.forget(prefix.as_bytes());
    }
}

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
        // In the format that clients of the desktop speak; others are converted to.
        let payload = Payload::from_values(Serializer::Json, &args(self), &Dict::new()).unwrap_or(Payload::EMPTY);
        let publication = self.random_publication();
        self.broker
            .deliver_own(&Uri::from_static(topic), publication, &payload, but, out);
    }
}

impl Broker {
    /// What is kept for the topics of a new subscription, to its subscriber.
    pub(super) fn deliver_retained(
        &self,
        topic: &Uri,
        policy: Match,
        subscription: SubscriptionId,
        subscriber: SessionId,
        out: &mut Vec<Delivery>,
    ) {
        for (topic, kept) in self.retention.matching(topic, policy) {
            if kept.excluded == Some(subscriber) {
                continue;
            }
            let mut details = kept.details.clone();
            details.topic = (policy != Match::Exact).then(|| Box::new(topic.clone()));
            let event = Event {
                subscription,
                publication: kept.publication,
                details,
                payload: kept.payload.clone(),
            };
            send(out, subscriber, Message::Event(event));
        }
    }

    /// One event for each subscription that matches, to each of its subscribers but `excluded`.
    fn deliver(
        &self,
        publish: &Publish,
        publication: PublicationId,
        details: &EventDetails,
        excluded: Option<SessionId>,
        out: &mut Vec<Delivery>,
    ) {
        self.subscriptions
            .visit(publish.topic.as_bytes(), |policy, subscription| {
                let topic = (policy != Match::Exact).then(|| Box::new(publish.topic.clone()));
                let details = EventDetails {
                    topic,
                    ..details.clone()
                };
                let event = Event {
                    subscription: subscription.id,
                    publication,
                    details,
                    payload: publish.payload.clone(),
                };
                subscription.fan_out(event, excluded, out);
                Visit::More
            });
    }

    /// The same for an event of the router, which patterns for everything do not get.
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
                let details = EventDetails {
                    topic: (policy != Match::Exact).then(|| Box::new(topic.clone())),
                    ..EventDetails::default()
                };
                let event = Event {
                    subscription: subscription.id,
                    publication,
                    details,
                    payload: payload.clone(),
                };
                subscription.fan_out(event, but, out);
            }
            Visit::More
        });
    }
}

impl Subscription {
    /// An event to each subscriber but `excluded`.
    fn fan_out(&self, event: Event, excluded: Option<SessionId>, out: &mut Vec<Delivery>) {
        let receivers = self.subscribers.iter().copied();
        let receivers = receivers.filter(|session| Some(*session) != excluded);
        if let [only] = self.subscribers.as_slice() {
            if Some(*only) != excluded {
                send(out, *only, Message::Event(event));
            }
        } else {
            let shared = Shared::new(event);
            out.extend(receivers.map(|to| Delivery {
                to,
                outgoing: Outgoing::Shared(shared.clone()),
            }));
        }
    }
}
