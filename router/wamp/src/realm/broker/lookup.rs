//! Questions about subscriptions: what the meta API and reflection ask.

use super::Broker;
use crate::id::SubscriptionId;
use crate::message::Match;
use crate::pattern::Visit;
use crate::uri::Uri;

impl Broker {
    /// Every subscription, in the order in which they were made.
    pub(in crate::realm) fn all(&self) -> Vec<(SubscriptionId, &Uri, Match)> {
        #[allow(clippy::disallowed_methods, reason = "sorted before anybody sees it")]
        let rows = self.by_id.iter().map(|(id, (topic, policy))| (*id, topic, *policy));
        let mut all: Vec<_> = rows.collect();
        all.sort_unstable_by_key(|(id, ..)| *id);
        all
    }

    /// The subscription to just this topic or pattern.
    pub(in crate::realm) fn lookup(&self, topic: &[u8], policy: Match) -> Option<SubscriptionId> {
        self.subscriptions.get(topic, policy).map(|it| it.id)
    }

    /// Every subscription that an event of this topic goes to, the best match first.
    pub(in crate::realm) fn matching(&self, topic: &[u8]) -> Vec<SubscriptionId> {
        let mut found = Vec::new();
        self.subscriptions.visit(topic, |_, subscription| {
            found.push(subscription.id);
            Visit::More
        });
        found
    }

    /// Whether a subscription is about the router's own topics.
    pub(in crate::realm) fn is_about_router(&self, id: SubscriptionId) -> bool {
        self.get(id).is_some_and(|subscription| subscription.hears_router)
    }
}
