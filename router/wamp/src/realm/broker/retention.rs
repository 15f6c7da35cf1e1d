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
    all: Share,
    /// What each principal has of it; none that has nothing.
    shares: BTreeMap<Arc<str>, Share>,
    limits: Limits,
}

/// How much of the realm's memory is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Share {
    topics: usize,
    bytes: usize,
}

impl Share {
    fn with(self, bytes: usize) -> Self {
        Self {
            topics: self.topics + 1,
            bytes: self.bytes + bytes,
        }
    }

    fn without(self, bytes: usize) -> Self {
        Self {
            topics: self.topics - 1,
            bytes: self.bytes - bytes,
        }
    }
}

/// An event as it was published.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) publication: PublicationId,
    pub(super) details: EventDetails,
    pub(super) payload: Payload,
    /// Who would not have received it.
    pub(super) excluded: Option<SessionId>,
    /// Whose share it counts to.
    author: Arc<str>,
}

impl Kept {
    /// An event of this principal, with memory of its own.
    pub(super) fn new(
        publish: &Publish,
        publication: PublicationId,
        details: &EventDetails,
        excluded: Option<SessionId>,
        author: Arc<str>,
    ) -> Self {
        Self {
            publication,
            details: details.clone(),
            payload: publish.payload.to_stored(),
            excluded,
            author,
        }
    }
}

impl Retention {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            events: BTreeMap::new(),
            all: Share::default(),
            shares: BTreeMap::new(),
            limits,
        }
    }

    fn weight(topic: &Uri, payload: &Payload) -> usize {
        OVERHEAD + topic.as_bytes().len() + payload.len()
    }

    /// Whether an event of this principal can be kept beside those that are, or in place of the one that has its topic.
    pub(super) fn has_room(&self, publish: &Publish, author: &Arc<str>) -> bool {
        let (mut all, mut own) = (self.all, self.share(author));
        if let Some(replaced) = self.events.get(&publish.topic) {
            let freed = Self::weight(&publish.topic, &replaced.payload);
            all = all.without(freed);
            if replaced.author == *author {
                own = own.without(freed);
            }
        }
        let weight = Self::weight(&publish.topic, &publish.payload);
        let (all, own) = (all.with(weight), own.with(weight));
        let Limits {
            topics,
            bytes,
            topics_each,
            bytes_each,
        } = self.limits;
        all.topics <= topics && all.bytes <= bytes && own.topics <= topics_each && own.bytes <= bytes_each
    }

    fn share(&self, author: &Arc<str>) -> Share {
        self.shares.get(author).copied().unwrap_or_default()
    }

    /// Keeps an event for which there is room.
    pub(super) fn keep(&mut self, publish: &Publish, published_at: Option<Arc<str>>, kept: Kept) {
        self.remove(&publish.topic);
        let weight = Self::weight(&publish.topic, &publish.payload);
        self.all = self.all.with(weight);
        let share = self.shares.entry(Arc::clone(&kept.author)).or_default();
        *share = share.with(weight);
        let retained = Some(Arc::new(Retained { published_at }));
        let details = EventDetails {
            retained,
            ..kept.details
        };
        let kept = Kept { details, ..kept };
        self.events.insert(publish.topic.to_stored(), kept);
    }

    fn remove(&mut self, topic: &Uri) {
        let Some(kept) = self.events.remove(topic) else {
            return;
        };
        let weight = Self::weight(topic, &kept.payload);
        self.all = self.all.without(weight);
        let left = self.share(&kept.author).without(weight);
        if left == Share::default() {
            self.shares.remove(&kept.author);
        } else {
            self.shares.insert(kept.author, left);
        }
    }

    /// Forgets every event whose topic begins with `prefix`.
    pub(super) fn forget(&mut self, prefix: &[u8]) {
        let topics: Vec<Uri> = self.beginning_with(prefix).map(|(topic, _)| topic.clone()).collect();
        for topic in topics {
            self.remove(&topic);
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
