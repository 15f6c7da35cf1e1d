//! Events that other routers forward: each is taken once, on however many ways it comes (`docs/LINKS.md`).

use std::collections::{HashMap, VecDeque};

use ahash::RandomState;

use super::super::{Realm, Refusal, send};
use super::Broker;
use crate::error;
use crate::id::{PublicationId, SessionId};
use crate::limits::{MAX_ORIGINS, MAX_VIA};
use crate::message::{EventDetails, Message, Passthru, Publish, Published, Retained, Route, RouterId, SharedPassthru};
use crate::outgoing::Delivery;

const ILL_ROUTED: Refusal = Refusal(
    error::INVALID_ARGUMENT,
    "a forwarded event needs its origin (_origin) and 1 to 16 routers that it has passed (_via)",
);

/// What an event is known by in every router: where it began, and its publication there.
type Origin = (RouterId, PublicationId);

/// The forwarded events that were taken last, with their publications here.
#[derive(Debug)]
pub(super) struct Origins {
    taken: HashMap<Origin, PublicationId, RandomState>,
    /// The oldest first.
    order: VecDeque<Origin>,
}

impl Origins {
    pub(super) fn new(hashing: &RandomState) -> Self {
        Self {
            taken: HashMap::with_hasher(hashing.clone()),
            order: VecDeque::new(),
        }
    }

    fn take(&mut self, origin: Origin, publication: PublicationId) {
        if self.taken.insert(origin, publication).is_some() {
            return;
        }
        if self.order.len() >= MAX_ORIGINS
            && let Some(oldest) = self.order.pop_front()
        {
            self.taken.remove(&oldest);
        }
        self.order.push_back(origin);
    }
}

/// What is known of an event that a router forwards.
pub(super) enum Arrived {
    /// It is to be published, and told to other routers with this route.
    New(SharedPassthru),
    /// It is here already, as this publication where that is known.
    Again(Option<PublicationId>),
}

fn origin(route: &Route) -> Option<Origin> {
    Some((*route.via.first()?, route.origin?))
}

impl Realm {
    /// Looks at the route of a publication. Who may not speak for a router has none, whatever it says.
    pub(super) fn arrive(
        &self,
        from: SessionId,
        publish: &Publish,
        details: &mut EventDetails,
    ) -> Result<Arrived, Refusal> {
        let Some(packed) = details.passthru.take() else {
            return Ok(Arrived::New(None));
        };
        details.passthru = packed.without_route();
        let Some(route) = packed.route.as_deref().filter(|_| self.is_link(from)) else {
            return Ok(Arrived::New(None));
        };
        let origin = origin(route).filter(|_| route.via.len() <= MAX_VIA).ok_or(ILL_ROUTED)?;
        if route.via.contains(&self.settings.router) {
            return Ok(Arrived::Again(None));
        }
        if let Some(publication) = self.broker.origins.taken.get(&origin) {
            return Ok(Arrived::Again(Some(*publication)));
        }
        if route.again && self.broker.has_newer(publish, route) {
            return Ok(Arrived::Again(None));
        }
        details.publisher = route.from.clone().map(Box::new).or(details.publisher.take());
        Ok(Arrived::New(Some(packed)))
    }

    /// Answers a publication that came on another way before.
    pub(super) fn answer_again(
        &mut self,
        from: SessionId,
        publish: &Publish,
        known: Option<PublicationId>,
        out: &mut Vec<Delivery>,
    ) {
        let publication = known.unwrap_or_else(|| self.random_publication());
        if let Err(refusal) = self.has_taken(from, publish, publication, false) {
            return self.refuse_publication(from, publish, refusal, out);
        }
        let request = publish.request;
        if publish.options.acknowledge {
            send(out, from, Message::Published(Published { request, publication }));
        }
    }

    /// Remembers that an event was taken.
    pub(super) fn has_arrived(&mut self, route: Option<&Route>, publication: PublicationId) {
        if let Some(origin) = route.and_then(origin) {
            self.broker.origins.take(origin, publication);
        }
    }

    /// What is for routers alone, for an event that is to be told to them with more than others are told.
    pub(super) fn for_links(&self, publish: &Publish, packed: &SharedPassthru) -> Option<SharedPassthru> {
        let forget = publish.options.forget();
        if packed.is_none() && !publish.options.retain && !forget {
            return None;
        }
        let route = Passthru::route_of(packed).cloned().unwrap_or_default();
        let kept_at = route.kept_at.clone().or_else(|| self.now());
        let route = Route {
            kept_at: kept_at.filter(|_| publish.options.retain && !forget),
            forget,
            ..route
        };
        let packed = packed.as_deref().or(publish.options.passthru.as_deref());
        Some(Passthru::with_route(packed, route))
    }
}

impl Broker {
    /// Whether an event that a router tells again is kept here as it is, or another one that is newer, or was forgotten since.
    /// All times are of one form, so that they are in the order of their texts.
    fn has_newer(&self, publish: &Publish, route: &Route) -> bool {
        let topic = &publish.topic;
        let here = self.retention.kept_at(topic).max(self.forgotten.at(topic));
        let there = route.kept_at.as_deref();
        here.is_some_and(|here| there.is_none_or(|there| here >= there))
    }
}

/// When a kept event was published, where it began.
pub(super) fn kept_at(packed: &SharedPassthru) -> Option<Retained> {
    let published_at = Some(Passthru::route_of(packed)?.kept_at.clone()?);
    Some(Retained { published_at })
}

#[cfg(test)]
mod tests;
