//! Events that are kept for whoever asks what happened (WAMP specification, "Event History"): of the subscriptions that
//! the settings name, whether or not anybody holds them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::SystemTime;

use super::super::role::Action;
use super::super::{Realm, Refusal};
use super::Broker;
use super::audience::Filter;
use crate::error;
use crate::id::{PublicationId, SessionId, SubscriptionId};
use crate::limits::{MAX_HISTORY_BYTES, MAX_HISTORY_EVENTS};
use crate::message::{Audience, EventDetails, Match, Publish};
use crate::pattern::Visit;
use crate::payload::Payload;
use crate::uri::Uri;

/// What a kept event holds beside its topic and arguments: itself and its place in the queue.
const OVERHEAD: usize = 256;

/// A subscription whose events are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryRule {
    /// Its topic or pattern.
    pub uri: Uri,
    /// How it is matched.
    pub policy: Match,
    /// How many events are kept, the last ones; [`MAX_HISTORY_EVENTS`] at most, and [`MAX_HISTORY_BYTES`] of them.
    pub keep: usize,
    /// Where they are kept.
    pub store: Store,
}

/// Where events are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Store {
    /// Until the realm ends.
    #[default]
    Memory,
    /// In the realm's journal too, so that they outlive it.
    Disk,
}

/// An event as it was published.
#[derive(Debug, PartialEq)]
pub(in crate::realm) struct Recorded {
    /// Counts up from event to event.
    number: u64,
    /// In milliseconds, as it is told: who asks for what came after an event it has does not get that event again.
    pub(in crate::realm) published: SystemTime,
    pub(in crate::realm) publication: PublicationId,
    pub(in crate::realm) topic: Uri,
    pub(in crate::realm) details: EventDetails,
    pub(in crate::realm) payload: Payload,
    /// Lists of principals and roles alone.
    pub(in crate::realm) audience: Option<Box<Audience>>,
}

impl Recorded {
    /// Bytes of memory, as histories are charged for it.
    fn weight(&self) -> usize {
        let audience = self.audience.as_ref().map_or(0, |audience| audience.weight());
        OVERHEAD + self.topic.as_bytes().len() + self.payload.len() + audience
    }
}

/// The kept events of one subscription, in the order in which they came.
#[derive(Debug)]
pub(super) struct History {
    events: VecDeque<Arc<Recorded>>,
    bytes: usize,
    keep: usize,
    pub(super) store: Store,
}

impl History {
    pub(super) fn of(rule: &HistoryRule) -> Self {
        Self {
            events: VecDeque::new(),
            bytes: 0,
            keep: rule.keep.min(MAX_HISTORY_EVENTS),
            store: rule.store,
        }
    }

    /// Keeps an event, and forgets the oldest ones for it.
    pub(super) fn push(&mut self, event: &Arc<Recorded>) {
        self.bytes += event.weight();
        self.events.push_back(Arc::clone(event));
        while self.events.len() > self.keep || self.bytes > MAX_HISTORY_BYTES {
            let Some(oldest) = self.events.pop_front() else { break };
            self.bytes -= oldest.weight();
        }
    }

    pub(super) fn events(&self) -> impl DoubleEndedIterator<Item = &Arc<Recorded>> {
        self.events.iter()
    }
}

impl Broker {
    /// Makes the subscriptions of these rules, which no subscriber holds yet.
    pub(super) fn keep_history(&mut self, rules: &[HistoryRule], now: fn() -> SystemTime) {
        for rule in rules {
            if self.subscriptions.get(rule.uri.as_bytes(), rule.policy).is_none() {
                self.create(&rule.uri, rule.policy, Some(Box::new(History::of(rule))), now());
            }
        }
    }

    /// The subscriptions with a history that an event of this topic belongs to, and where each keeps it.
    pub(super) fn histories_of(&self, topic: &Uri) -> Vec<(SubscriptionId, Store)> {
        let mut found = Vec::new();
        self.subscriptions.visit(topic.as_bytes(), |_, subscription| {
            found.extend(subscription.history.as_ref().map(|it| (subscription.id, it.store)));
            Visit::More
        });
        found
    }

    /// Puts an event into these histories.
    pub(super) fn record(&mut self, mut event: Recorded, histories: &[SubscriptionId]) {
        event.number = self.next_event;
        self.next_event += 1;
        let event = Arc::new(event);
        for id in histories {
            if let Some((topic, policy)) = self.by_id.get(id)
                && let Some(subscription) = self.subscriptions.get_mut(topic.as_bytes(), *policy)
                && let Some(history) = &mut subscription.history
            {
                history.push(&event);
            }
        }
    }

    /// Puts an event of an earlier run into the histories on disk.
    pub(in crate::realm) fn happened_before(&mut self, event: Recorded) {
        let histories = self.histories_of(&event.topic).into_iter();
        let on_disk = histories.filter(|(_, store)| *store == Store::Disk);
        let on_disk: Vec<_> = on_disk.map(|(id, _)| id).collect();
        self.record(event, &on_disk);
    }

    /// Every event that a history on disk holds, by its number.
    pub(in crate::realm) fn events_on_disk(&self) -> BTreeMap<u64, &Recorded> {
        let all = self.all().into_iter();
        let subscriptions = all.filter_map(|(id, ..)| self.get(id));
        let histories = subscriptions.filter_map(|it| it.history.as_ref());
        let on_disk = histories.filter(|history| history.store == Store::Disk);
        let events = on_disk.flat_map(|history| history.events());
        events.map(|event| (event.number, &**event)).collect()
    }

    /// How many events the histories of these rules have, and how many bytes those hold. One that stands in several counts
    /// in each.
    pub(in crate::realm) fn recorded_size(&self, rules: &[HistoryRule]) -> (usize, usize) {
        let subscription = |rule: &HistoryRule| self.subscriptions.get(rule.uri.as_bytes(), rule.policy);
        let histories = rules.iter().filter_map(|rule| subscription(rule)?.history.as_ref());
        histories.fold((0, 0), |(events, bytes), it| {
            (events + it.events.len(), bytes + it.bytes)
        })
    }
}

impl Realm {
    /// An event for the histories, with memory of its own; `None` for one that names sessions: ids of sessions say
    /// nothing to those who come later (WAMP specification, "Event History", "Security Aspects").
    pub(in crate::realm) fn recorded(
        publish: &Publish,
        publication: PublicationId,
        details: &EventDetails,
        published: SystemTime,
    ) -> Option<Recorded> {
        let audience = publish.options.audience();
        if audience.is_some_and(Audience::names_sessions) {
            return None;
        }
        Some(Recorded {
            number: 0,
            published: in_milliseconds(published),
            publication,
            topic: publish.topic.to_stored(),
            details: details.clone(),
            payload: publish.payload.to_stored(),
            audience: audience.cloned().map(Box::new),
        })
    }

    /// What the history of a subscription has for a session, oldest first, with the policy of the subscription.
    ///
    /// # Errors
    /// There is no such subscription, it has no history, or the session may not subscribe to it.
    pub(in crate::realm) fn history(
        &self,
        asker: SessionId,
        id: SubscriptionId,
    ) -> Result<(Match, Vec<&Arc<Recorded>>), Refusal> {
        let member = self.members.get(asker).ok_or(Refusal::NOT_AUTHORIZED)?;
        let known = self.broker.by_id.get(&id).zip(self.broker.get(id));
        let ((topic, policy), subscription) = known.ok_or(Refusal::NO_SUCH_SUBSCRIPTION)?;
        if member.permits(Action::Subscribe, topic, *policy).is_none() {
            return Err(Refusal::NOT_AUTHORIZED);
        }
        let history = subscription.history.as_ref().ok_or(Refusal(
            error::UNAVAILABLE,
            "no history is kept of this subscription: the configuration of the router says of which it is",
        ))?;
        let is_for = |event: &Recorded| {
            event
                .audience
                .as_deref()
                .is_none_or(|audience| Filter::of(audience).admits(member))
        };
        Ok((*policy, history.events().filter(|event| is_for(event)).collect()))
    }
}

/// A time without what is smaller than a millisecond.
pub(super) fn in_milliseconds(time: SystemTime) -> SystemTime {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    time - std::time::Duration::from_nanos(u64::from(since.subsec_nanos() % 1_000_000))
}
