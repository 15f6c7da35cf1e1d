//! Subscriptions: `wamp.subscription.*` (WAMP specification, "Subscriptions Meta API").

use super::super::{Realm, Refusal};
use super::{Answer, Asked, Ended, Procedure, Removed, Served, Topic, held};
use crate::id::{SessionId, SubscriptionId};
use crate::outgoing::Delivery;
use crate::value::{Dict, Value};

pub(super) const PROCEDURES: &[Procedure] = &[
    Procedure {
        uri: "wamp.subscription.list",
        params: &[],
        gives: "{exact, prefix, wildcard}",
        does: "the ids of all subscriptions, a list for each match policy",
        serve: list,
    },
    Procedure {
        uri: "wamp.subscription.lookup",
        params: &["topic", "options?"],
        gives: "subscription or null",
        does: "the subscription to just this topic, or of this pattern with `match` in `options`",
        serve: lookup,
    },
    Procedure {
        uri: "wamp.subscription.match",
        params: &["topic"],
        gives: "[subscription] or null",
        does: "every subscription that an event of this topic goes to, the best match first",
        serve: matching,
    },
    Procedure {
        uri: "wamp.subscription.get",
        params: &["subscription"],
        gives: "{id, created, uri, match}",
        does: "what a subscription is",
        serve: get,
    },
    Procedure {
        uri: "wamp.subscription.list_subscribers",
        params: &["subscription"],
        gives: "[session]",
        does: "the sessions that hold it, in the order in which they came",
        serve: |realm, asked, _| Ok(held::sessions(subscribers(realm, asked)?).into()),
    },
    Procedure {
        uri: "wamp.subscription.count_subscribers",
        params: &["subscription"],
        gives: "count",
        does: "how many they are",
        serve: |realm, asked, _| Ok(Value::from(subscribers(realm, asked)?.len() as u64).into()),
    },
    Procedure {
        uri: "wamp.subscription.remove_subscriber",
        params: &["subscription", "subscriber", "reason?"],
        gives: "nothing",
        does: "takes a subscription from a session, which is told the `reason`, `wamp.close.normal` by default, if it understands that",
        serve: remove_subscriber,
    },
];

pub(super) const TOPICS: &[Topic] = &[
    Topic {
        uri: "wamp.subscription.on_create",
        args: "[session, {id, created, uri, match}]",
        does: "a subscription is new, and who made it",
    },
    Topic {
        uri: "wamp.subscription.on_subscribe",
        args: "[session, subscription]",
        does: "a session holds it now; after `on_create`",
    },
    Topic {
        uri: "wamp.subscription.on_unsubscribe",
        args: "[session, subscription]",
        does: "a session holds it no more, whatever took it away",
    },
    Topic {
        uri: "wamp.subscription.on_delete",
        args: "[session, subscription]",
        does: "it is gone, and who was the last; after `on_unsubscribe`",
    },
];

fn list(realm: &mut Realm, _: &Asked<'_>, _: &mut Vec<Delivery>) -> Served {
    let all = realm.broker.all().into_iter();
    Ok(held::by_policy(all.map(|(id, _, policy)| (id.get(), policy))).into())
}

fn lookup(realm: &mut Realm, asked: &Asked<'_>, _: &mut Vec<Delivery>) -> Served {
    let uri = asked.uri("topic")?;
    let found = realm.broker.lookup(uri.as_bytes(), asked.policy()?);
    Ok(Value::from(found.map(SubscriptionId::get)).into())
}

fn matching(realm: &mut Realm, asked: &Asked<'_>, _: &mut Vec<Delivery>) -> Served {
    let found = realm.broker.matching(asked.uri("topic")?.as_bytes());
    let found: Vec<Value> = found.into_iter().map(|id| id.get().into()).collect();
    Ok(Value::from((!found.is_empty()).then_some(found)).into())
}

fn get(realm: &mut Realm, asked: &Asked<'_>, _: &mut Vec<Delivery>) -> Served {
    let details = details(realm, asked.subscription()?);
    Ok(Value::from(details.ok_or(Refusal::NO_SUCH_SUBSCRIPTION)?).into())
}

/// The sessions that hold the subscription asked for.
fn subscribers(realm: &Realm, asked: &Asked<'_>) -> Result<Vec<SessionId>, Refusal> {
    let info = realm.broker.describe(asked.subscription()?);
    Ok(info.ok_or(Refusal::NO_SUCH_SUBSCRIPTION)?.subscribers)
}

fn remove_subscriber(realm: &mut Realm, asked: &Asked<'_>, out: &mut Vec<Delivery>) -> Served {
    let (subscription, subscriber) = (asked.subscription()?, asked.session("subscriber")?);
    let reason = held::reason(realm, asked)?;
    if realm.broker.describe(subscription).is_none() {
        return Err(Refusal::NO_SUCH_SUBSCRIPTION);
    }
    if !held::client(realm, subscriber)?.subscriptions.contains(&subscription) {
        return Err(Refusal::NO_SUCH_SUBSCRIPTION);
    }
    realm.revoke_subscription(subscription, subscriber, &reason, out);
    Ok(Answer::default())
}

/// What `on_create` and `get` tell of a subscription.
fn details(realm: &Realm, id: SubscriptionId) -> Option<Dict> {
    let info = realm.broker.describe(id)?;
    Some(held::details(id.get(), info.created, info.policy, &info.topic))
}

impl Realm {
    /// Tells of a subscriber that subscribed, and first of the subscription if it is new. Who subscribes to topics of the
    /// router is not told of that itself: a monitor would begin with hearing of its own making.
    pub(in crate::realm) fn announce_subscription(
        &mut self,
        id: SubscriptionId,
        subscriber: SessionId,
        is_new: bool,
        out: &mut Vec<Delivery>,
    ) {
        let but = self.broker.is_about_router(id).then_some(subscriber);
        if is_new {
            let created = |realm: &Self| vec![subscriber.get().into(), details(realm, id).unwrap_or_default().into()];
            self.announce_to_others("wamp.subscription.on_create", but, created, out);
        }
        let told = |_: &Self| held::told(subscriber, id.get());
        self.announce_to_others("wamp.subscription.on_subscribe", but, told, out);
    }

    /// Tells of a subscriber that holds a subscription no more, and then of its end if it was the last one.
    pub(in crate::realm) fn announce_subscription_end(
        &mut self,
        ended: Ended,
        is_monitor: bool,
        out: &mut Vec<Delivery>,
    ) {
        let Ended {
            id,
            subscriber,
            removed,
        } = ended;
        let but = is_monitor.then_some(subscriber);
        let told = |_: &Self| held::told(subscriber, id.get());
        self.announce_to_others("wamp.subscription.on_unsubscribe", but, told, out);
        if removed == Removed::Last {
            self.announce_to_others("wamp.subscription.on_delete", but, told, out);
        }
    }
}

#[cfg(test)]
mod tests;
