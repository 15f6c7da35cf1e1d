//! Events that are kept for those who subscribe later (WAMP specification, "Event Retention"): one for each topic, the
//! last one, in memory.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use crate::id::{PublicationId, SessionId};
use crate::limits::Retention as Limits;
use crate::message::{EventDetails, Match, Publish, Retained};
use crate::payload::Payload;
use crate::uri::Uri;

/// What a kept event holds beside its topic and arguments: itself and its place in the tree.
const OVERHEAD: usize = 256;

/// The kept events of a realm, by topic.
#[derive(Debug)]
pub(super) struct Retention {
    events: BTreeMap<Uri, Kept>,
    bytes: usize,
    limits: Limits,
}

/// An event as it was published.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) publication: PublicationId,
    pub(super) details: EventDetails,
    pub(super) payload: Payload,
    /// Who would not have received it.
    pub(super) excluded: Option<SessionId>,
}

impl Retention {
    pub(super) const fn new(limits: Limits) -> Self {
        Self {
            events: BTreeMap::new(),
            bytes: 0,
            limits,
        }
    }

    fn weight(topic: &Uri, payload: &Payload) -> usize {
        OVERHEAD + topic.as_bytes().len() + payload.len()
    }

    /// Whether an event can be kept beside those that are, or in place of the one that has its topic.
    pub(super) fn has_room(&self, publish: &Publish) -> bool {
        let replaced = self.events.get(&publish.topic);
        let freed = replaced.map_or(0, |kept| Self::weight(&publish.topic, &kept.payload));
        let topics = self.events.len() + usize::from(replaced.is_none());
        let bytes = self.bytes - freed + Self::weight(&publish.topic, &publish.payload);
        topics <= self.limits.topics && bytes <= self.limits.bytes
    }

    /// Keeps an event for which there is room.
    pub(super) fn keep(
        &mut self,
        publish: &Publish,
        publication: PublicationId,
        details: &EventDetails,
        excluded: Option<SessionId>,
        published_at: Option<Arc<str>>,
    ) {
        let retained = Some(Arc::new(Retained { published_at }));
        let kept = Kept {
            publication,
            details: EventDetails {
                retained,
                ..details.clone()
            },
            payload: publish.payload.to_stored(),
            excluded,
        };
        self.bytes += Self::weight(&publish.topic, &publish.payload);
        if let Some(replaced) = self.events.insert(publish.topic.to_stored(), kept) {
            self.bytes -= Self::weight(&publish.topic, &replaced.payload);
        }
    }

    /// Forgets every event whose topic begins with `prefix`.
    pub(super) fn forget(&mut self, prefix: &[u8]) {
        let topics: Vec<Uri> = self.beginning_with(prefix).map(|(topic, _)| topic.clone()).collect();
        for topic in topics {
            if let Some(kept) = self.events.remove(&topic) {
                self.bytes -= Self::weight(&topic, &kept.payload);
            }
        }
    }

    /// The events of every topic that a subscription is for, in the order of their topics.
    pub(super) fn matching(&self, pattern: &Uri, policy: Match) -> impl Iterator<Item = (&Uri, &Kept)> {
        let start = policy.literal_start(pattern.as_bytes());
        self.beginning_with(start)
            .filter(move |(topic, _)| policy.covers(pattern.as_bytes(), topic.as_bytes()))
    }

    fn beginning_with(&self, start: &[u8]) -> impl Iterator<Item = (&Uri, &Kept)> {
        self.events
            .range::<[u8], _>((Bound::Included(start), Bound::Unbounded))
            .take_while(move |(topic, _)| topic.as_bytes().starts_with(start))
    }
}

#[cfg(test)]
mod tests;
