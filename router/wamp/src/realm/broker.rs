//! The broker: subscriptions and events.

mod retention;

use std::collections::HashMap;
use std::sync::Arc;

use ahash::RandomState;

use self::retention::{Kept, Retention};
use super::role::{Action, Disclose, Role};
use super::{Realm, Refusal, send};
use crate::error;
use crate::id::{PublicationId, SessionId, SubscriptionId};
use crate::limits;
use crate::message::{
    Event, EventDetails, Match, Message, Publish, Published, RequestKind, Subscribe, Subscribed, Unsubscribe,
    Unsubscribed,
};
use crate::outgoing::{Delivery, Outgoing, Shared};
use crate::pattern::{Patterns, Visit};
use crate::uri::Uri;

/// The subscriptions of a realm.
#[derive(Debug)]
pub(super) struct Broker {
    subscriptions: Patterns<Subscription>,
    by_id: HashMap<SubscriptionId, (Uri, Match), RandomState>,
    next_id: SubscriptionId,
    retention: Retention,
}

/// One URI and match policy, and everybody who subscribed to them.
#[derive(Debug)]
struct Subscription {
    id: SubscriptionId,
    /// In the order in which they came, never empty.
    subscribers: Vec<SessionId>,
}

impl Broker {
    pub(super) fn new(hashing: &RandomState, retention: limits::Retention) -> Self {
        Self {
            retention: Retention::new(retention),
            subscriptions: Patterns::new(hashing),
            by_id: HashMap::with_hasher(hashing.clone()),
            next_id: SubscriptionId::FIRST,
        }
    }

    fn add(&mut self, topic: &Uri, policy: Match, subscriber: SessionId) -> SubscriptionId {
        if let Some(subscription) = self.subscriptions.get_mut(topic.as_bytes(), policy) {
            if !subscription.subscribers.contains(&subscriber) {
                subscription.subscribers.push(subscriber);
            }
            return subscription.id;
        }
        let id = self.next_id;
        self.next_id = id.next();
        let topic = topic.to_stored();
        self.by_id.insert(id, (topic.clone(), policy));
        self.subscriptions.insert(
            topic,
            policy,
            Subscription {
                id,
                subscribers: vec![subscriber],
            },
        );
        id
    }

    /// Whether a role allows what an existing subscription is for.
    pub(super) fn is_allowed(&self, id: SubscriptionId, role: &Role) -> bool {
        let subscription = self.by_id.get(&id);
        subscription.is_some_and(|(topic, policy)| role.allows_pattern(Action::Subscribe, topic, *policy).is_some())
    }

    /// Takes a subscriber away, and the subscription with the last one.
    pub(super) fn remove(&mut self, id: SubscriptionId, subscriber: SessionId) {
        let Some((topic, policy)) = self.by_id.get(&id) else {
            return;
        };
        let Some(subscription) = self.subscriptions.get_mut(topic.as_bytes(), *policy) else {
            return;
        };
        subscription.subscribers.retain(|session| *session != subscriber);
        if subscription.subscribers.is_empty() {
            self.subscriptions.remove(topic.as_bytes(), *policy);
            self.by_id.remove(&id);
        }
    }

    /// Whether there is no subscription and no trace of one.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.subscriptions.is_empty() && self.by_id.is_empty()
    }
}

impl Realm {
    pub(super) fn subscribe(&mut self, from: SessionId, subscribe: &Subscribe, out: &mut Vec<Delivery>) {
        let Subscribe {
            request,
            options,
            topic,
        } = subscribe;
        match self.may_subscribe(from, topic, options.policy) {
            Err(refusal) => {
                self.note_refusal(from, Action::Subscribe, topic, &refusal);
                refusal.tell(from, RequestKind::Subscribe, *request, out);
            }
            Ok(()) => {
                let subscription = self.broker.add(topic, options.policy, from);
                if let Some(member) = self.members.get_mut(from) {
                    member.subscriptions.insert(subscription);
                }
                send(
                    out,
                    from,
                    Message::Subscribed(Subscribed {
                        request: *request,
                        subscription,
                    }),
                );
                if options.get_retained {
                    self.broker
                        .deliver_retained(topic, options.policy, subscription, from, out);
                }
            }
        }
    }

    fn may_subscribe(&self, from: SessionId, topic: &Uri, policy: Match) -> Result<(), Refusal> {
        self.check_uri(topic, policy, false)?;
        let member = self.members.get(from).ok_or(Refusal::NOT_AUTHORIZED)?;
        if member.role.allows_pattern(Action::Subscribe, topic, policy).is_none() {
            return Err(Refusal::NOT_AUTHORIZED);
        }
        let is_new = self
            .broker
            .subscriptions
            .get(topic.as_bytes(), policy)
            .is_none_or(|subscription| !member.subscriptions.contains(&subscription.id));
        if is_new && member.subscriptions.len() >= self.settings.quota.subscriptions {
            return Err(Refusal(
                error::UNAVAILABLE,
                "this session holds as many subscriptions as it may",
            ));
        }
        Ok(())
    }

    pub(super) fn unsubscribe(&mut self, from: SessionId, unsubscribe: &Unsubscribe, out: &mut Vec<Delivery>) {
        let Unsubscribe { request, subscription } = *unsubscribe;
        if self
            .members
            .get_mut(from)
            .is_some_and(|member| member.subscriptions.remove(&subscription))
        {
            self.broker.remove(subscription, from);
            send(out, from, Message::Unsubscribed(Unsubscribed { request }));
        } else {
            let refusal = Refusal(error::NO_SUCH_SUBSCRIPTION, "this session holds no such subscription");
            refusal.tell(from, RequestKind::Unsubscribe, request, out);
        }
    }

    pub(super) fn publish(&mut self, from: SessionId, publish: &Publish, out: &mut Vec<Delivery>) {
        let Publish { request, options, .. } = *publish;
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
            .role
            .allows(Action::Publish, &publish.topic)
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

impl Broker {
    /// What is kept for the topics of a new subscription, to its subscriber.
    fn deliver_retained(
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
            details.topic = (policy != Match::Exact).then(|| topic.clone());
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
                let topic = (policy != Match::Exact).then(|| publish.topic.clone());
                let event = Event {
                    subscription: subscription.id,
                    publication,
                    details: EventDetails {
                        topic,
                        ..details.clone()
                    },
                    payload: publish.payload.clone(),
                };
                let receivers = subscription
                    .subscribers
                    .iter()
                    .copied()
                    .filter(|session| Some(*session) != excluded);
                if let [only] = subscription.subscribers.as_slice() {
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
                Visit::More
            });
    }
}

#[cfg(test)]
mod tests;
