//! Events that are kept for those who subscribe later (WAMP specification, "Event Retention"): the last
//! one for each topic, and beside it the last ones that only some principals or roles may have.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::super::journal::Note;
use super::super::member::Member;
use super::super::{Realm, Refusal};
use super::Broker;
use super::audience::Filter;
use super::publication::told;
use crate::id::{PublicationId, SessionId};
use crate::limits::{MAX_RETAINED_LIMITED, Retention as Limits};
use crate::message::{Audience, Event, EventDetails, Match, Publish};
use crate::payload::Payload;
use crate::uri::Uri;

/// What a kept event holds beside its topic and arguments: itself and its place in the tree.
const OVERHEAD: usize = 256;

/// Topics whose kept events are in the realm's journal too, so that they outlive it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetainedRule {
    /// The topic or a pattern of topics.
    pub uri: Uri,
    /// How it is matched.
    pub policy: Match,
}

impl RetainedRule {
    pub(in crate::realm) fn covers(&self, topic: &Uri) -> bool {
        self.policy.covers(self.uri.as_bytes(), topic.as_bytes())
    }

    /// Whether a topic that begins with `prefix` may be one of these.
    pub(super) fn overlaps(&self, prefix: &[u8]) -> bool {
        let start = self.policy.literal_start(self.uri.as_bytes());
        start.starts_with(prefix) || prefix.starts_with(start)
    }
}

/// The kept events of a realm, by topic.
#[derive(Debug)]
pub(super) struct Retention {
    /// Of each topic the one for all, and then, the newest last, those for some; never none.
    events: BTreeMap<Uri, Vec<Kept>>,
    all: Share,
    /// What each principal has of it; none that has nothing.
    shares: BTreeMap<Arc<str>, Share>,
    limits: Limits,
}

/// How much of the realm's memory is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Share {
    events: usize,
    bytes: usize,
}

impl Share {
    fn with(self, bytes: usize) -> Self {
        Self {
            events: self.events + 1,
            bytes: self.bytes + bytes,
        }
    }

    fn without(self, bytes: usize) -> Self {
        Self {
            events: self.events - 1,
            bytes: self.bytes - bytes,
        }
    }
}

/// An event as it was published.
#[derive(Debug)]
pub(in crate::realm) struct Kept {
    pub(in crate::realm) publication: PublicationId,
    pub(in crate::realm) details: EventDetails,
    pub(in crate::realm) payload: Payload,
    /// Who would not have received it.
    pub(super) excluded: Option<SessionId>,
    /// Who may have it, if not all; it names no sessions.
    audience: Option<Box<Audience>>,
    /// Whose share it counts to.
    author: Arc<str>,
}

impl Kept {
    /// An event of this principal, with memory of its own.
    pub(super) fn new(
        publish: &Publish,
        publication: PublicationId,
        details: EventDetails,
        excluded: Option<SessionId>,
        author: Arc<str>,
    ) -> Self {
        Self {
            publication,
            details,
            payload: publish.payload.to_stored(),
            excluded,
            audience: publish.options.audience().cloned().map(Box::new),
            author,
        }
    }

    /// Who may have it, if not all.
    pub(in crate::realm) fn audience(&self) -> Option<&Audience> {
        self.audience.as_deref()
    }

    /// Whose it is.
    pub(in crate::realm) fn author(&self) -> &str {
        &self.author
    }

    /// Whether a session would have received it.
    fn is_for(&self, member: &Member) -> bool {
        let audience = self.audience.as_deref();
        // What names its subscribers stays in its router.
        let may_have = |audience| !member.role.is_link() && Filter::of(audience).admits(member);
        self.excluded != Some(member.origin.session) && audience.is_none_or(may_have)
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

    fn weight(topic: &Uri, payload: &Payload, audience: Option<&Audience>) -> usize {
        OVERHEAD + topic.as_bytes().len() + payload.len() + audience.map_or(0, Audience::weight)
    }

    /// The places of the kept events that a new one stands for: an event for all for every other one, one for some for
    /// the last one for the same, and for the oldest where there would be too many.
    fn replaced(events: &[Kept], audience: Option<&Audience>) -> Vec<usize> {
        let Some(audience) = audience else {
            return (0..events.len()).collect();
        };
        if let Some(same) = events
            .iter()
            .position(|kept| kept.audience.as_deref() == Some(audience))
        {
            return vec![same];
        }
        let limited = events.iter().filter(|kept| kept.audience.is_some()).count();
        let oldest = events.iter().position(|kept| kept.audience.is_some());
        oldest.filter(|_| limited >= MAX_RETAINED_LIMITED).into_iter().collect()
    }

    /// Whether an event of this principal can be kept beside those that are, or in place of those that it stands for.
    pub(super) fn has_room(&self, publish: &Publish, author: &Arc<str>) -> bool {
        let (mut all, mut own) = (self.all, self.share(author));
        let audience = publish.options.audience();
        let there = self.events.get(&publish.topic).map_or(&[][..], Vec::as_slice);
        for replaced in Self::replaced(there, audience) {
            let freed = Self::weight(
                &publish.topic,
                &there[replaced].payload,
                there[replaced].audience.as_deref(),
            );
            all = all.without(freed);
            if there[replaced].author == *author {
                own = own.without(freed);
            }
        }
        let weight = Self::weight(&publish.topic, &publish.payload, audience);
        let (all, own) = (all.with(weight), own.with(weight));
        let Limits {
            topics,
            bytes,
            topics_each,
            bytes_each,
        } = self.limits;
        all.events <= topics && all.bytes <= bytes && own.events <= topics_each && own.bytes <= bytes_each
    }

    fn share(&self, author: &Arc<str>) -> Share {
        self.shares.get(author).copied().unwrap_or_default()
    }

    /// Keeps an event for which there is room.
    pub(super) fn keep(&mut self, publish: &Publish, kept: Kept) {
        let topic = &publish.topic;
        let there = self.events.get(topic).map_or(&[][..], Vec::as_slice);
        for place in Self::replaced(there, kept.audience.as_deref()).into_iter().rev() {
            self.remove(topic, place);
        }
        let weight = Self::weight(topic, &kept.payload, kept.audience.as_deref());
        self.all = self.all.with(weight);
        let share = self.shares.entry(Arc::clone(&kept.author)).or_default();
        *share = share.with(weight);
        self.events.entry(topic.to_stored()).or_default().push(kept);
    }

    fn remove(&mut self, topic: &Uri, place: usize) {
        let Some(events) = self.events.get_mut(topic) else {
            return;
        };
        let kept = events.remove(place);
        if events.is_empty() {
            self.events.remove(topic);
        }
        let weight = Self::weight(topic, &kept.payload, kept.audience.as_deref());
        self.all = self.all.without(weight);
        let left = self.share(&kept.author).without(weight);
        if left == Share::default() {
            self.shares.remove(&kept.author);
        } else {
            self.shares.insert(kept.author, left);
        }
    }

    /// Every event, in the order of topics, and of each topic in the order in which they came.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Uri, &Kept)> {
        let topics = self.events.iter();
        topics.flat_map(|(topic, events)| events.iter().map(move |kept| (topic, kept)))
    }

    /// When the event was published that a topic keeps for all.
    pub(super) fn kept_at(&self, topic: &Uri) -> Option<&str> {
        let mut kept = self.events.get(topic)?.iter();
        let for_all = kept.find(|kept| kept.audience.is_none())?;
        for_all.details.retained.as_ref()?.published_at.as_deref()
    }

    /// The places of the events of a topic that are for these, or for anybody.
    fn places(&self, topic: &Uri, audience: Option<&Audience>) -> Vec<usize> {
        let there = self.events.get(topic).map_or(&[][..], Vec::as_slice);
        let is_meant = |kept: &Kept| audience.is_none() || kept.audience.as_deref() == audience;
        (0..there.len()).filter(|place| is_meant(&there[*place])).collect()
    }

    /// Whether a topic has an event that is for these, or for anybody.
    pub(super) fn has(&self, topic: &Uri, audience: Option<&Audience>) -> bool {
        !self.places(topic, audience).is_empty()
    }

    /// Forgets the events of a topic that are for these, or all of them.
    fn forget_topic(&mut self, topic: &Uri, audience: Option<&Audience>) {
        for place in self.places(topic, audience).into_iter().rev() {
            self.remove(topic, place);
        }
    }

    /// Forgets every event whose topic begins with `prefix`.
    pub(super) fn forget(&mut self, prefix: &[u8]) {
        let topics = self.beginning_with(prefix);
        let topics: Vec<(Uri, usize)> = topics.map(|(topic, events)| (topic.clone(), events.len())).collect();
        for (topic, number) in topics {
            (0..number).rev().for_each(|place| self.remove(&topic, place));
        }
    }

    /// The last event that this session would have received, of every topic that a subscription is for, in the order of
    /// their topics.
    pub(super) fn matching(
        &self,
        pattern: &Uri,
        policy: Match,
        member: &Member,
    ) -> impl Iterator<Item = (&Uri, &Kept)> {
        let start = policy.literal_start(pattern.as_bytes());
        self.beginning_with(start)
            .filter(move |(topic, _)| policy.covers(pattern.as_bytes(), topic.as_bytes()))
            .filter_map(move |(topic, events)| Some((topic, events.iter().rev().find(|kept| kept.is_for(member))?)))
    }

    fn beginning_with(&self, start: &[u8]) -> impl Iterator<Item = (&Uri, &Vec<Kept>)> {
        self.events
            .range::<[u8], _>((Bound::Included(start), Bound::Unbounded))
            .take_while(move |(topic, _)| topic.as_bytes().starts_with(start))
    }
}

impl Broker {
    /// Keeps an event of an earlier run, if there is room for it. Whom its publisher excluded is not there any more.
    pub(in crate::realm) fn keep_again(&mut self, publish: &Publish, event: &Event, author: Arc<str>) {
        if self.retention.has_room(publish, &author) {
            let kept = Kept::new(publish, event.publication, event.details.clone(), None, author);
            self.retention.keep(publish, kept);
        }
    }

    /// Every kept event with its topic.
    pub(in crate::realm) fn retained(&self) -> impl Iterator<Item = (&Uri, &Kept)> {
        self.retention.all()
    }

    /// How many events are kept, and how many bytes those hold.
    pub(in crate::realm) const fn retained_size(&self) -> (usize, usize) {
        (self.retention.all.events, self.retention.all.bytes)
    }

    /// Forgets the kept events of a topic that are for these, or all of them.
    pub(in crate::realm) fn forget_topic(&mut self, topic: &Uri, audience: Option<&Audience>) {
        self.retention.forget_topic(topic, audience);
    }

    /// Forgets the kept events of every topic that begins with `prefix`.
    pub(in crate::realm) fn forget(&mut self, prefix: &[u8]) {
        self.retention.forget(prefix);
    }
}

impl Realm {
    /// Forgets what is kept of a topic: all of it, or what is for the same as the publication is.
    ///
    /// # Errors
    /// That should be on disk, is not, and somebody waits to be told.
    pub(super) fn forget_topic(&mut self, publish: &Publish, publication: PublicationId) -> Result<(), Refusal> {
        let (topic, audience) = (&publish.topic, publish.options.audience());
        if !self.broker.retention.has(topic, audience) {
            return Ok(());
        }
        if self.keeps_on_disk(topic) {
            told(self.note(&Note::Removed(topic, audience, publication)), publish)?;
        }
        self.broker.forget_topic(topic, audience);
        if audience.is_none()
            && let Some(now) = self.now()
        {
            self.broker.forgotten.note(topic, now);
        }
        Ok(())
    }

    /// Forgets the kept events of every topic that begins with `prefix`.
    pub fn forget_retained(&mut self, prefix: &str) {
        self.broker.retention.forget(prefix.as_bytes());
        if self
            .settings
            .retained
            .iter()
            .any(|rule| rule.overlaps(prefix.as_bytes()))
        {
            // If that fails, the disk is full or gone; the journal's own log says so.
            let _ = self.note(&Note::Forgotten(prefix.as_bytes()));
        }
    }
}

#[cfg(test)]
mod tests;
