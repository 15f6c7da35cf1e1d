//! Publications: who may publish, and who gets the event.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::journal::{NotWritten, Note};
use super::super::member::{Member, Members};
use super::super::role::{Action, Disclose};
use super::super::{Realm, Refusal, send};
use super::audience::{Filter, hand_out};
use super::history::Store;
use super::origins::{Arrived, kept_at};
use super::retention::Kept;
use super::{Broker, Subscription, delivery};
use crate::error;
use crate::id::{PublicationId, SessionId, SubscriptionId};
use crate::message::{
    Audience, Event, EventDetails, Match, Message, Passthru, Publish, Published, RequestKind, Retained, SharedPassthru,
};
use crate::outgoing::{Delivery, Outgoing, Shared};
use crate::pattern::Visit;
use crate::uri::Uri;

/// Who may call it may know which sessions there are.
pub(super) const SESSION_LIST: Uri = Uri::from_static("wamp.session.list");

/// An event on its way to the subscriptions that match.
struct Going<'a> {
    publish: &'a Publish,
    publication: PublicationId,
    details: &'a EventDetails,
    /// What sessions that speak for a router are told in place of the packing, if it is more.
    for_links: Option<SharedPassthru>,
    excluded: Option<SessionId>,
}

impl Realm {
    pub(in crate::realm) fn publish(&mut self, from: SessionId, publish: &Publish, out: &mut Vec<Delivery>) {
        let Publish { request, options, .. } = publish;
        let request = *request;
        let mut details = match self.may_publish(from, publish) {
            Ok(details) => details,
            Err(refusal) => return self.refuse_publication(from, publish, refusal, out),
        };
        match self.was_taken(from, publish, out) {
            Ok(false) => {}
            Ok(true) => return,
            Err(refusal) => return self.refuse_publication(from, publish, refusal, out),
        }
        let mut routed = None;
        if details.passthru.is_some() {
            match self.arrive(from, publish, &mut details) {
                Ok(Arrived::New(route)) => routed = route,
                Ok(Arrived::Again(known)) => return self.answer_again(from, publish, known, out),
                Err(refusal) => return self.refuse_publication(from, publish, refusal, out),
            }
        }
        let publication = self.random_publication();
        let excluded = options.exclude_me.then_some(from);
        let forget = options.forget();
        if options.retain
            && !forget
            && let Err(refusal) = self.retain(from, publish, publication, (&details, &routed), excluded)
        {
            return self.refuse_publication(from, publish, refusal, out);
        }
        let start = out.len();
        let awaits = delivery::awaits(publish);
        if options.acknowledge && !awaits {
            send(out, from, Message::Published(Published { request, publication }));
        }
        let going = Going {
            publish,
            publication,
            details: &details,
            for_links: self.for_links(publish, &routed),
            excluded,
        };
        let mut asked = BTreeSet::new();
        let has_history = if options.special.is_some() || awaits || going.for_links.is_some() {
            self.broker.deliver_to_some(&going, &self.members, &mut asked, out)
        } else {
            self.broker.deliver(&going, out)
        };
        let remembered = if has_history {
            self.remember(from, publish, publication, &details)
        } else {
            Ok(false)
        };
        let taken = remembered.and_then(|is_written| self.has_taken(from, publish, publication, is_written));
        // Last: what is refused has not forgotten anything.
        let taken = if forget {
            taken.and_then(|()| self.forget_topic(publish, publication))
        } else {
            taken
        };
        if let Err(refusal) = taken {
            // Whoever wants an answer is told no, so nobody gets the event.
            out.truncate(start);
            return self.refuse_publication(from, publish, refusal, out);
        }
        self.has_arrived(Passthru::route_of(&routed), publication);
        if awaits {
            self.await_delivery(from, request, publication, asked, out);
        }
    }

    /// Without acknowledgement there is nothing to answer with (WAMP specification, "Publishing").
    pub(super) fn refuse_publication(
        &mut self,
        from: SessionId,
        publish: &Publish,
        refusal: Refusal,
        out: &mut Vec<Delivery>,
    ) {
        self.note_refusal(from, Action::Publish, &publish.topic, &refusal);
        if publish.options.acknowledge {
            refusal.tell(from, RequestKind::Publish, publish.request, out);
        }
    }

    pub(in crate::realm) fn may_publish(&self, from: SessionId, publish: &Publish) -> Result<EventDetails, Refusal> {
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
        let Publish { options, .. } = publish;
        if let Some(audience) = options.audience() {
            check_audience(audience, member)?;
        }
        if options.forget() && options.audience().is_some_and(Audience::names_sessions) {
            return Err(Refusal(
                error::OPTION_NOT_ALLOWED,
                "what is for sessions is not kept, so that nothing of it can be forgotten",
            ));
        }
        self.may_await(member, publish)?;
        // Who wants an answer is told that nothing is kept; for the others the event matters more than its memory.
        let is_full = || !self.broker.retention.has_room(publish, &member.origin.authid);
        if options.retain && options.acknowledge && !options.forget() && is_full() {
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

    /// Keeps an event, if there is room for it. One that names sessions is not kept: their ids say nothing to those who
    /// subscribe later.
    ///
    /// # Errors
    /// It should be on disk, is not, and somebody waits to be told.
    fn retain(
        &mut self,
        from: SessionId,
        publish: &Publish,
        publication: PublicationId,
        (details, routed): (&EventDetails, &SharedPassthru),
        excluded: Option<SessionId>,
    ) -> Result<(), Refusal> {
        let Some(member) = self.members.get(from) else {
            return Ok(());
        };
        let author = Arc::clone(&member.origin.authid);
        let audience = publish.options.audience();
        if audience.is_some_and(Audience::names_sessions) || !self.broker.retention.has_room(publish, &author) {
            return Ok(());
        }
        let published_at = || Retained {
            published_at: self.now(),
        };
        let retained = kept_at(routed).unwrap_or_else(published_at);
        let details = EventDetails {
            retained: Some(Arc::new(retained)),
            ..details.clone()
        };
        let kept = Kept::new(publish, publication, details, excluded, author);
        if self.keeps_on_disk(&publish.topic) {
            let written = self.note(&Note::Kept(&publish.topic, &kept));
            told(written, publish)?;
        }
        self.broker.retention.keep(publish, kept);
        Ok(())
    }

    /// Whether the kept events of a topic are to outlive the realm.
    pub(in crate::realm) fn keeps_on_disk(&self, topic: &Uri) -> bool {
        self.settings.retained.iter().any(|rule| rule.covers(topic))
    }

    /// Puts an event into the histories of the subscriptions that it matches. Says whether it is on disk, and with it its
    /// place in a queue.
    ///
    /// # Errors
    /// It should be on disk, is not, and somebody waits to be told.
    fn remember(
        &mut self,
        from: SessionId,
        publish: &Publish,
        publication: PublicationId,
        details: &EventDetails,
    ) -> Result<bool, Refusal> {
        let published = (self.clock.time_of_day)();
        let Some(event) = Self::recorded(publish, publication, details, published) else {
            return Ok(false);
        };
        let histories = self.broker.histories_of(&publish.topic);
        let is_on_disk = histories.iter().any(|(_, store)| *store == Store::Disk);
        if is_on_disk {
            let author = self.members.get(from).map(|member| Arc::clone(&member.origin.authid));
            // In one record: whatever ends the router, it knows of both or of neither.
            let place = author.as_deref().zip(publish.options.queued());
            told(self.note(&Note::Happened(&event, place)), publish)?;
        }
        let histories: Vec<_> = histories.into_iter().map(|(id, _)| id).collect();
        self.broker.record(event, &histories);
        Ok(is_on_disk)
    }

    /// What is kept for the topics of a new subscription, to its subscriber.
    pub(super) fn deliver_retained(
        &self,
        topic: &Uri,
        policy: Match,
        subscription: SubscriptionId,
        subscriber: SessionId,
        out: &mut Vec<Delivery>,
    ) {
        let Some(member) = self.members.get(subscriber) else {
            return;
        };
        for (topic, kept) in self.broker.retention.matching(topic, policy, member) {
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
}

/// Only who waits for an answer can be told that an event is not on disk. For the others the event matters more.
pub(super) fn told(written: Result<(), NotWritten>, publish: &Publish) -> Result<(), Refusal> {
    if written.is_err() && publish.options.acknowledge {
        return Err(Refusal(
            error::UNAVAILABLE,
            "the event cannot be written to the router's disk, so it was not published",
        ));
    }
    Ok(())
}

/// Lists of sessions are for those who may know which sessions there are. Passing over such a list would give the event
/// to others than its publisher means, so the publication is refused.
fn check_audience(audience: &Audience, publisher: &Member) -> Result<(), Refusal> {
    if audience.names_sessions() && publisher.permits(Action::Call, &SESSION_LIST, Match::Exact).is_none() {
        return Err(Refusal(
            error::OPTION_NOT_ALLOWED,
            "lists of sessions are for roles that may call wamp.session.list",
        ));
    }
    Ok(())
}

impl Going<'_> {
    /// The event as one of the subscriptions gets it.
    fn event(&self, policy: Match, subscription: &Subscription) -> Event {
        let topic = (policy != Match::Exact).then(|| Box::new(self.publish.topic.clone()));
        let details = EventDetails {
            topic,
            ..self.details.clone()
        };
        Event {
            subscription: subscription.id,
            publication: self.publication,
            details,
            payload: self.publish.payload.clone(),
        }
    }
}

impl Broker {
    /// One event for each subscription that matches, to each of its subscribers but the one that is excluded; says
    /// whether one of them has a history.
    fn deliver(&self, going: &Going<'_>, out: &mut Vec<Delivery>) -> bool {
        let mut has_history = false;
        let topic = going.publish.topic.as_bytes();
        self.subscriptions.visit(topic, |policy, subscription| {
            has_history |= subscription.history.is_some();
            subscription.fan_out(going.event(policy, subscription), going.excluded, out);
            Visit::More
        });
        has_history
    }

    /// The same for a publication that says who of the subscribers is meant, or wants to know whether they get it: those
    /// that are asked to say so go into `asked`.
    fn deliver_to_some(
        &self,
        going: &Going<'_>,
        members: &Members,
        asked: &mut BTreeSet<SessionId>,
        out: &mut Vec<Delivery>,
    ) -> bool {
        let everybody = Audience::default();
        let filter = Filter::of(going.publish.options.audience().unwrap_or(&everybody));
        let awaits = delivery::awaits(going.publish);
        let mut has_history = false;
        let topic = going.publish.topic.as_bytes();
        self.subscriptions.visit(topic, |policy, subscription| {
            has_history |= subscription.history.is_some();
            let meant = filter.select(&subscription.subscribers, subscription.nodes.as_deref(), members);
            let meant = meant.into_iter();
            let meant = meant.filter(|member| Some(member.origin.session) != going.excluded);
            let (links, others): (Vec<_>, Vec<_>) = meant.partition(|member| member.role.is_link());
            let mut event = going.event(policy, subscription);
            hand_out(event.clone(), others, awaits, asked, out);
            // What names its subscribers stays in its router: names mean others elsewhere.
            if going.publish.options.audience().is_none() {
                if let Some(packed) = &going.for_links {
                    event.details.passthru.clone_from(packed);
                }
                hand_out(event, links, awaits, asked, out);
            }
            Visit::More
        });
        has_history
    }
}

impl Subscription {
    /// An event to each subscriber but `excluded`.
    pub(super) fn fan_out(&self, event: Event, excluded: Option<SessionId>, out: &mut Vec<Delivery>) {
        let receivers = self.subscribers.iter().copied();
        let receivers = receivers.filter(|session| Some(*session) != excluded);
        match self.subscribers.as_slice() {
            [] => {}
            [only] => {
                if Some(*only) != excluded {
                    send(out, *only, Message::Event(event));
                }
            }
            _ => {
                let shared = Shared::new(event);
                out.extend(receivers.map(|to| Delivery {
                    to,
                    outgoing: Outgoing::Shared(shared.clone()),
                }));
            }
        }
    }
}
