//! Acknowledged delivery: who published with `_delivered` gets its PUBLISHED when every subscriber that can say so has said
//! that the event arrived, or has left.
//!
//! `EVENT_RECEIVED` is not in the text of the specification, only in its test vectors; the keys are those of
//! autobahn-python, as far as it has any.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::member::Member;
use super::super::timer::Due;
use super::super::{Realm, Refusal, send};
use crate::error;
use crate::id::{PublicationId, RequestId, SessionId};
use crate::limits::{DELIVERY_PATIENCE, MAX_AWAITED_DELIVERIES, MAX_UNCONFIRMED_EVENTS};
use crate::message::{ErrorDetails, EventReceived, Message, Publish, Published, RequestError, RequestKind};
use crate::outgoing::Delivery;
use crate::payload::Payload;
use crate::uri::Uri;

/// The publications of a realm whose arrival is awaited.
#[derive(Debug, Default)]
pub(in crate::realm) struct Deliveries(BTreeMap<PublicationId, Awaited>);

#[derive(Debug)]
struct Awaited {
    publisher: SessionId,
    request: RequestId,
    /// Who has not said that it has the event.
    missing: BTreeSet<SessionId>,
    /// How many will never get it.
    lost: usize,
    until: Duration,
}

/// What a session has to do with deliveries that are awaited.
#[derive(Debug, Default)]
pub(in crate::realm) struct Confirmations {
    /// Its own publications.
    awaited: BTreeSet<PublicationId>,
    /// Events of others that it has not confirmed.
    unconfirmed: BTreeSet<PublicationId>,
}

impl Deliveries {
    /// Whether nobody waits for anything.
    #[cfg(test)]
    pub(in crate::realm) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Why a delivery has ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// Nobody is missing any more.
    Complete,
    /// It took too long.
    Late,
}

impl Realm {
    /// Whether a session may wait for one more delivery.
    pub(super) fn may_await(&self, publisher: &Member, publish: &Publish) -> Result<(), Refusal> {
        let awaited = publisher.confirmations.as_ref().map_or(0, |it| it.awaited.len());
        if awaits(publish) && awaited >= MAX_AWAITED_DELIVERIES {
            return Err(Refusal(
                error::UNAVAILABLE,
                "this session waits for as many deliveries as it may",
            ));
        }
        Ok(())
    }

    /// Waits until these sessions have an event.
    pub(super) fn await_delivery(
        &mut self,
        publisher: SessionId,
        request: RequestId,
        publication: PublicationId,
        receivers: BTreeSet<SessionId>,
        out: &mut Vec<Delivery>,
    ) {
        let mut awaited = Awaited {
            publisher,
            request,
            missing: BTreeSet::new(),
            lost: 0,
            until: (self.clock.elapsed)().saturating_add(DELIVERY_PATIENCE),
        };
        for receiver in receivers {
            let Some(member) = self.members.get_mut(receiver) else {
                continue;
            };
            let confirmations = member.confirmations.get_or_insert_default();
            if confirmations.unconfirmed.len() < MAX_UNCONFIRMED_EVENTS {
                confirmations.unconfirmed.insert(publication);
                awaited.missing.insert(receiver);
            } else {
                awaited.lost += 1;
            }
        }
        if awaited.missing.is_empty() {
            return answer(&awaited, publication, Ended::Complete, out);
        }
        if let Some(member) = self.members.get_mut(publisher) {
            member.confirmations.get_or_insert_default().awaited.insert(publication);
        }
        self.timer.set(awaited.until, Due::Delivery(publication));
        self.deliveries.0.insert(publication, awaited);
    }

    /// Takes a subscriber's word that it has an event.
    pub(in crate::realm) fn confirm(&mut self, from: SessionId, received: &EventReceived, out: &mut Vec<Delivery>) {
        self.settle(from, received.publication, false, out);
    }

    /// An event could not be delivered.
    pub(in crate::realm) fn event_lost(&mut self, to: SessionId, publication: PublicationId, out: &mut Vec<Delivery>) {
        self.settle(to, publication, true, out);
    }

    /// A session is not missing any more: it has the event, or will never get it. Who was not asked says nothing.
    fn settle(&mut self, session: SessionId, publication: PublicationId, is_lost: bool, out: &mut Vec<Delivery>) {
        if let Some(member) = self.members.get_mut(session)
            && let Some(confirmations) = &mut member.confirmations
            && confirmations.unconfirmed.remove(&publication)
        {
            member.tidy_confirmations();
            self.not_missing(session, publication, is_lost, out);
        }
    }

    fn not_missing(&mut self, session: SessionId, publication: PublicationId, is_lost: bool, out: &mut Vec<Delivery>) {
        if let Some(awaited) = self.deliveries.0.get_mut(&publication) {
            awaited.missing.remove(&session);
            awaited.lost += usize::from(is_lost);
            if awaited.missing.is_empty() {
                self.end_delivery(publication, Ended::Complete, out);
            }
        }
    }

    /// Waits no longer for a delivery.
    pub(in crate::realm) fn delivery_is_late(&mut self, publication: PublicationId, out: &mut Vec<Delivery>) {
        self.end_delivery(publication, Ended::Late, out);
    }

    fn end_delivery(&mut self, publication: PublicationId, ended: Ended, out: &mut Vec<Delivery>) {
        if let Some(awaited) = self.forget_delivery(publication) {
            if let Some(member) = self.members.get_mut(awaited.publisher)
                && let Some(confirmations) = &mut member.confirmations
            {
                confirmations.awaited.remove(&publication);
                member.tidy_confirmations();
            }
            answer(&awaited, publication, ended, out);
        }
    }

    /// Takes a delivery off the books of its receivers.
    fn forget_delivery(&mut self, publication: PublicationId) -> Option<Awaited> {
        let awaited = self.deliveries.0.remove(&publication)?;
        self.timer.cancel(awaited.until, Due::Delivery(publication));
        for session in &awaited.missing {
            if let Some(member) = self.members.get_mut(*session)
                && let Some(confirmations) = &mut member.confirmations
            {
                confirmations.unconfirmed.remove(&publication);
                member.tidy_confirmations();
            }
        }
        Some(awaited)
    }

    /// A session left: nobody waits for it any more, and it waits for nobody.
    pub(in crate::realm) fn confirmations_end(&mut self, member: &Member, out: &mut Vec<Delivery>) {
        let Some(confirmations) = &member.confirmations else {
            return;
        };
        for publication in &confirmations.awaited {
            self.forget_delivery(*publication);
        }
        for publication in &confirmations.unconfirmed {
            self.not_missing(member.origin.session, *publication, false, out);
        }
    }
}

impl Member {
    /// Most sessions have nothing to do with deliveries, and hold nothing for them.
    fn tidy_confirmations(&mut self) {
        let is_empty = |it: &Confirmations| it.awaited.is_empty() && it.unconfirmed.is_empty();
        if self.confirmations.as_deref().is_some_and(is_empty) {
            self.confirmations = None;
        }
    }
}

/// Whether PUBLISHED is to wait for the subscribers. Without acknowledgement there is nothing that could wait.
pub(super) const fn awaits(publish: &Publish) -> bool {
    publish.options.delivered && publish.options.acknowledge
}

fn answer(awaited: &Awaited, publication: PublicationId, ended: Ended, out: &mut Vec<Delivery>) {
    let Awaited { publisher, request, .. } = *awaited;
    let missing = awaited.lost + awaited.missing.len();
    let (error, sentence): (Uri, _) = match ended {
        Ended::Complete if missing == 0 => {
            let published = Published { request, publication };
            return send(out, publisher, Message::Published(published));
        }
        Ended::Complete => (
            error::UNAVAILABLE,
            format!("the event was published, but {missing} subscribers could not be given it"),
        ),
        Ended::Late => (
            error::TIMEOUT,
            format!(
                "the event was published, but {missing} subscribers did not say within {} s that they have it",
                DELIVERY_PATIENCE.as_secs()
            ),
        ),
    };
    let error = RequestError {
        kind: RequestKind::Publish,
        request,
        details: ErrorDetails::default(),
        error,
        payload: Payload::sentence(&sentence),
    };
    send(out, publisher, Message::Error(error));
}

#[cfg(test)]
mod tests;
