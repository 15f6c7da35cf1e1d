//! Subscriptions: `wamp.subscription.*` (WAMP specification, "Subscription Meta API").

use super::super::Realm;
use super::{Procedure, Removed};
use crate::id::{SessionId, SubscriptionId};
use crate::outgoing::Delivery;
use crate::value::{Dict, Value};

pub(super) const PROCEDURES: &[Procedure] = &[];

/// What `on_create` and `get` tell of a subscription.
fn details(realm: &Realm, id: SubscriptionId) -> Option<Dict> {
    let info = realm.broker.describe(id)?;
    Some(Dict::from([
        ("id".to_owned(), id.get().into()),
        (
            "created".to_owned(),
            super::super::rfc3339(info.created).as_deref().into(),
        ),
        ("match".to_owned(), info.policy.name().into()),
        ("uri".to_owned(), info.topic.as_str().into()),
    ]))
}

fn told(subscriber: SessionId, id: SubscriptionId) -> Vec<Value> {
    vec![subscriber.get().into(), id.get().into()]
}

impl Realm {
    /// Tells of a subscriber that subscribed, and first of the subscription if it is new.
    pub(in crate::realm) fn announce_subscription(
        &mut self,
        id: SubscriptionId,
        subscriber: SessionId,
        is_new: bool,
        out: &mut Vec<Delivery>,
    ) {
        if is_new {
            let created = |realm: &Self| vec![subscriber.get().into(), details(realm, id).unwrap_or_default().into()];
            self.announce("wamp.subscription.on_create", created, out);
        }
        self.announce("wamp.subscription.on_subscribe", |_| told(subscriber, id), out);
    }

    /// Tells of a subscriber that holds a subscription no more, and then of its end if it was the last one.
    pub(in crate::realm) fn announce_subscription_end(
        &mut self,
        id: SubscriptionId,
        subscriber: SessionId,
        removed: Removed,
        out: &mut Vec<Delivery>,
    ) {
        self.announce("wamp.subscription.on_unsubscribe", |_| told(subscriber, id), out);
        if removed == Removed::Last {
            self.announce("wamp.subscription.on_delete", |_| told(subscriber, id), out);
        }
    }
}
