//! The broker: subscriptions and events.

mod audience;
mod delivery;
mod forgotten;
mod history;
mod lookup;
mod origins;
mod overflow;
mod own;
mod publication;
mod queue;
mod retention;

use std::collections::HashMap;
use std::time::SystemTime;

use ahash::RandomState;

use self::audience::Nodes;
pub(super) use self::delivery::{Confirmations, Deliveries};
use self::forgotten::Forgotten;
use self::history::History;
pub(super) use self::history::Recorded;
pub use self::history::{HistoryRule, Store};
use self::origins::Origins;
use self::queue::Queues;
pub(super) use self::retention::Kept;
pub use self::retention::RetainedRule;
use self::retention::Retention;
use super::meta::{Ended, Removed};
use super::refusal::RESERVED;
use super::role::{Action, Role};
use super::{Realm, Refusal, send};
use crate::error;
use crate::id::{SessionId, SubscriptionId};
use crate::limits::{self, MAX_NODE_KEY};
use crate::message::{
    Match, Message, RequestKind, Subscribe, SubscribeOptions, Subscribed, SubscriptionRevoked, Unsubscribe,
    Unsubscribed,
};
use crate::outgoing::Delivery;
use crate::pattern::{Patterns, Visit};
use crate::uri::Uri;

/// The subscriptions of a realm.
#[derive(Debug)]
pub(super) struct Broker {
    subscriptions: Patterns<Subscription>,
    by_id: HashMap<SubscriptionId, (Uri, Match), RandomState>,
    next_id: SubscriptionId,
    retention: Retention,
    queues: Queues,
    origins: Origins,
    forgotten: Forgotten,
    /// The number of the next event that is recorded.
    next_event: u64,
}

/// One URI and match policy, and everybody who subscribed to them.
#[derive(Debug)]
struct Subscription {
    id: SubscriptionId,
    created: SystemTime,
    /// In the order in which they came; none only of a subscription whose history is kept.
    subscribers: Vec<SessionId>,
    /// Who of them shares the events with whom.
    nodes: Option<Box<Nodes>>,
    history: Option<Box<History>>,
    /// Whether it is about the router's own topics. A pattern for everything is not: who asks for all events of
    /// programs does not want to hear of its own subscription (as `#` of MQTT leaves out what begins with `$`).
    hears_router: bool,
}

/// What the meta API tells of a subscription.
#[derive(Debug)]
pub(super) struct SubscriptionInfo {
    pub(super) created: SystemTime,
    pub(super) topic: Uri,
    pub(super) policy: Match,
    /// In the order in which they came.
    pub(super) subscribers: Vec<SessionId>,
}

/// What became of somebody who subscribed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Added {
    /// The subscription was not there before.
    New,
    /// One more subscriber.
    Joined,
    /// It had subscribed before.
    Already,
}

impl Broker {
    /// Whether somebody subscribed to this topic, or to a pattern that it matches.
    pub(super) fn has_audience(&self, topic: &Uri) -> bool {
        let mut has_any = false;
        self.subscriptions.visit(topic.as_bytes(), |_, subscription| {
            has_any |= !subscription.subscribers.is_empty();
            if has_any { Visit::Enough } else { Visit::More }
        });
        has_any
    }

    /// How many subscriptions there are.
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn new(
        hashing: &RandomState,
        retention: limits::Retention,
        history: &[HistoryRule],
        now: fn() -> SystemTime,
    ) -> Self {
        let mut broker = Self {
            retention: Retention::new(retention),
            queues: Queues::default(),
            origins: Origins::new(hashing),
            forgotten: Forgotten::new(hashing),
            subscriptions: Patterns::new(hashing),
            by_id: HashMap::with_hasher(hashing.clone()),
            next_id: SubscriptionId::FIRST,
            next_event: 0,
        };
        broker.keep_history(history, now);
        broker
    }

    fn create(
        &mut self,
        topic: &Uri,
        policy: Match,
        history: Option<Box<History>>,
        created: SystemTime,
    ) -> &mut Subscription {
        let id = self.next_id;
        self.next_id = id.next();
        let topic = topic.to_stored();
        let hears_router = policy.literal_start(topic.as_bytes()).starts_with(RESERVED);
        self.by_id.insert(id, (topic.clone(), policy));
        let subscription = Subscription {
            id,
            created,
            subscribers: Vec::new(),
            nodes: None,
            history,
            hears_router,
        };
        self.subscriptions.insert(topic, policy, subscription)
    }

    fn add(
        &mut self,
        topic: &Uri,
        options: &SubscribeOptions,
        subscriber: SessionId,
        now: fn() -> SystemTime,
    ) -> (SubscriptionId, Added) {
        let policy = options.policy;
        let (subscription, added) = if self.subscriptions.get(topic.as_bytes(), policy).is_some() {
            (self.subscriptions.get_mut(topic.as_bytes(), policy), Added::Joined)
        } else {
            (Some(self.create(topic, policy, None, now())), Added::New)
        };
        let subscription = subscription.expect("it was there, or was made");
        subscription.share(subscriber, options.nkey.as_deref());
        if subscription.subscribers.contains(&subscriber) {
            return (subscription.id, Added::Already);
        }
        subscription.subscribers.push(subscriber);
        (subscription.id, added)
    }

    /// Whether a role allows what an existing subscription is for.
    pub(super) fn is_allowed(&self, id: SubscriptionId, role: &Role) -> bool {
        let subscription = self.by_id.get(&id);
        subscription.is_some_and(|(topic, policy)| role.allows_pattern(Action::Subscribe, topic, *policy).is_some())
    }

    /// Takes a subscriber away, and the subscription with the last one; says what became of it.
    pub(super) fn remove(&mut self, id: SubscriptionId, subscriber: SessionId) -> Option<Removed> {
        let (topic, policy) = self.by_id.get(&id)?;
        let subscription = self.subscriptions.get_mut(topic.as_bytes(), *policy)?;
        let place = subscription
            .subscribers
            .iter()
            .position(|session| *session == subscriber)?;
        subscription.subscribers.remove(place);
        subscription.share(subscriber, None);
        if !subscription.subscribers.is_empty() || subscription.history.is_some() {
            return Some(Removed::One);
        }
        self.subscriptions.remove(topic.as_bytes(), *policy);
        self.by_id.remove(&id);
        Some(Removed::Last)
    }

    fn get(&self, id: SubscriptionId) -> Option<&Subscription> {
        let (topic, policy) = self.by_id.get(&id)?;
        self.subscriptions.get(topic.as_bytes(), *policy)
    }

    /// What there is to tell of a subscription.
    pub(super) fn describe(&self, id: SubscriptionId) -> Option<SubscriptionInfo> {
        let (topic, policy) = self.by_id.get(&id)?;
        let subscription = self.get(id)?;
        Some(SubscriptionInfo {
            created: subscription.created,
            topic: topic.clone(),
            policy: *policy,
            subscribers: subscription.subscribers.clone(),
        })
    }

    /// Whether an event of the router with this topic would go to anybody.
    fn hears_router(&self, topic: &[u8]) -> bool {
        let mut anybody = false;
        self.subscriptions.visit(topic, |_, subscription| {
            anybody = anybody || subscription.hears_router;
            if anybody { Visit::Enough } else { Visit::More }
        });
        anybody
    }

    /// Whether there is no subscription and no trace of one.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        let is_idle = |it: &Subscription| it.history.is_some() && it.subscribers.is_empty() && it.nodes.is_none();
        let all = self.all();
        let are_idle = all.iter().all(|(id, ..)| self.get(*id).is_some_and(is_idle));
        are_idle && self.subscriptions.is_empty() == all.is_empty()
    }
}

impl Subscription {
    /// Notes the node of a subscriber, or that it has none.
    fn share(&mut self, subscriber: SessionId, node: Option<&str>) {
        match (node, &mut self.nodes) {
            (Some(node), nodes) => nodes.get_or_insert_default().set(subscriber, node.into()),
            (None, Some(nodes)) => {
                nodes.remove(subscriber);
                if nodes.is_empty() {
                    self.nodes = None;
                }
            }
            (None, None) => {}
        }
    }
}

impl Realm {
    pub(super) fn subscribe(&mut self, from: SessionId, subscribe: &Subscribe, out: &mut Vec<Delivery>) {
        let Subscribe {
            request,
            options,
            topic,
        } = subscribe;
        match self.may_subscribe(from, topic, options) {
            Err(refusal) => {
                self.note_refusal(from, Action::Subscribe, topic, &refusal);
                refusal.tell(from, RequestKind::Subscribe, *request, out);
            }
            Ok(()) => {
                let (subscription, added) = self.broker.add(topic, options, from, self.clock.time_of_day);
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
                if added != Added::Already {
                    let is_new = added == Added::New;
                    self.announce_subscription(subscription, from, is_new, out);
                }
                if options.get_retained {
                    self.deliver_retained(topic, options.policy, subscription, from, out);
                }
            }
        }
    }

    fn may_subscribe(&self, from: SessionId, topic: &Uri, options: &SubscribeOptions) -> Result<(), Refusal> {
        let policy = options.policy;
        self.check_uri(topic, policy, false)?;
        let member = self.members.get(from).ok_or(Refusal::NOT_AUTHORIZED)?;
        if member.permits(Action::Subscribe, topic, policy).is_none() {
            return Err(Refusal::NOT_AUTHORIZED);
        }
        if options.nkey.as_ref().is_some_and(|key| key.len() > MAX_NODE_KEY) {
            return Err(Refusal::LONG_NODE_KEY);
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
            send(out, from, Message::Unsubscribed(Unsubscribed { request }));
            self.end_subscription(subscription, from, out);
        } else {
            let refusal = Refusal(error::NO_SUCH_SUBSCRIPTION, "this session holds no such subscription");
            refusal.tell(from, RequestKind::Unsubscribe, request, out);
        }
    }

    /// Takes a session off a subscription that it holds no more.
    pub(super) fn end_subscription(&mut self, id: SubscriptionId, subscriber: SessionId, out: &mut Vec<Delivery>) {
        let is_monitor = self.broker.is_about_router(id);
        if let Some(removed) = self.broker.remove(id, subscriber) {
            let ended = Ended {
                id,
                subscriber,
                removed,
            };
            self.announce_subscription_end(ended, is_monitor, out);
        }
    }

    /// Takes a subscription from a session, and tells it, if it understands that (WAMP specification, "Subscription
    /// Revocation").
    pub(super) fn revoke_subscription(
        &mut self,
        subscription: SubscriptionId,
        subscriber: SessionId,
        reason: &Uri,
        out: &mut Vec<Delivery>,
    ) {
        let Some(member) = self.members.get_mut(subscriber) else {
            return;
        };
        if member.subscriptions.remove(&subscription) && member.features.subscription_revocation {
            let reason = Some(reason.clone());
            send(
                out,
                subscriber,
                Message::SubscriptionRevoked(SubscriptionRevoked { subscription, reason }),
            );
        }
        self.end_subscription(subscription, subscriber, out);
    }
}

#[cfg(test)]
mod tests;
