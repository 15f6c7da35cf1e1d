//! What becomes of an event that comes in one session of a link: it is published in the other one.

use wamp::id::{PublicationId, RequestId, SessionId};
use wamp::limits::MAX_VIA;
use wamp::message::{
    Event, EventReceived, Message, Origin, Passthru, Publish, PublishOptions, PublishSpecial, Route, RouterId,
    SharedPassthru,
};
use wamp::payload::Payload;
use wamp::uri::Uri;

use super::end::{MAX_UNANSWERED, OVERFLOW, Open, Side, Unanswered};
use super::link::Link;

/// Why something is not forwarded.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoWay {
    /// The other router has had it.
    Been,
    /// It has passed as many routers as it may.
    TooFar,
}

/// The way of something that began at `router`, or came there with a route, on to the next router.
pub(super) fn onward(
    packed: &SharedPassthru,
    router: RouterId,
    next: Option<RouterId>,
    began: impl FnOnce() -> (Option<PublicationId>, Option<Origin>),
) -> Result<Route, NoWay> {
    let mut route = Passthru::route_of(packed).cloned().unwrap_or_default();
    if route.via.is_empty() {
        (route.origin, route.from) = began();
    }
    route.via.push(router);
    if next.is_some_and(|next| route.via.contains(&next)) {
        return Err(NoWay::Been);
    }
    if route.via.len() > MAX_VIA {
        return Err(NoWay::TooFar);
    }
    Ok(route)
}

impl Link {
    /// Forwards an event.
    pub(super) async fn event(&self, from: Side, open: &Open, event: Event) {
        let Event {
            subscription,
            publication,
            details,
            payload,
        } = event;
        let row = open.topic(subscription);
        if row == Some(OVERFLOW) {
            return self.overflowed(from, open, &payload);
        }
        let Some(rule) = row.and_then(|row| self.rules.get(row)) else {
            return;
        };
        let topic = details.topic.as_deref().unwrap_or(&rule.uri).clone();
        if !rule.takes(&topic) {
            return;
        }
        let other = match from {
            Side::Here => self.end(Side::There).get(),
            // That one is there always, or in a moment.
            Side::There => Some(self.end(Side::Here).wait().await),
        };
        let next = other.as_ref().map(|other| other.router);
        let publisher = details.publisher.map(|publisher| *publisher);
        let mut route = match onward(&details.passthru, open.router, next, || (Some(publication), publisher)) {
            Ok(route) => route,
            Err(NoWay::Been) => {
                return self
                    .confirm(from, details.acknowledge.then_some((open.session.id(), publication)))
                    .await;
            }
            Err(NoWay::TooFar) => return self.drop_events(from, 1, "it has passed as many routers as an event may"),
        };
        if let Some(retained) = details.retained {
            route.kept_at = retained.published_at.clone();
            route.again = true;
        }
        let forget = std::mem::take(&mut route.forget);
        let options = PublishOptions {
            // So that it is known whether it was taken.
            acknowledge: true,
            delivered: details.acknowledge,
            retain: route.kept_at.is_some(),
            special: forget.then(|| Box::new(PublishSpecial::forgetting())),
            passthru: Passthru::with_route(details.passthru.as_deref(), route),
            ..PublishOptions::default()
        };
        let confirm = details.acknowledge.then(|| (open.session.id(), publication));
        if let (Side::Here, true, Some(queue)) = (from, rule.keep, &self.queue) {
            // It is delivered when it is on disk: nobody knows when the other router is there.
            let options = PublishOptions {
                delivered: false,
                ..options
            };
            return match self.keep(queue, topic, payload, options).await {
                Ok(()) => self.confirm(from, confirm).await,
                Err(why) => self.drop_events(from, 1, &why),
            };
        }
        let Some(other) = other.filter(|_| self.is_up(from.other())) else {
            return self.drop_events(from, 1, "the link is down");
        };
        self.publish(from, &other, (topic, payload, options), confirm).await;
    }

    /// A router has dropped events of the link's session in it, because the link was too slow.
    fn overflowed(&self, from: Side, open: &Open, payload: &Payload) {
        let (args, _) = payload.to_values().unwrap_or_default();
        if let [session, dropped] = &args[..]
            && session.as_u64() == Some(open.session.id().get())
            && let Some(dropped) = dropped.as_u64()
        {
            self.drop_events(from, dropped, "they came faster than the link took them");
        }
    }

    async fn publish(
        &self,
        from: Side,
        other: &Open,
        (topic, payload, options): (Uri, Payload, PublishOptions),
        confirm: Option<(SessionId, PublicationId)>,
    ) {
        let publish = |request| {
            other.published(request, Unanswered { confirm });
            Message::Publish(Publish {
                request,
                options,
                topic,
                payload,
            })
        };
        if other.unanswered() >= MAX_UNANSWERED {
            return self.drop_events(from, 1, "the other router does not say what it has taken");
        }
        let is_sent = tokio::select! {
            sent = other.session.pass_request(publish) => sent.is_ok(),
            () = self.down(from.other(), other) => false,
        };
        if !is_sent {
            self.drop_events(from, 1, "the link went down");
        }
    }

    /// An event that was published in a session of this side was answered.
    pub(super) async fn published(&self, side: Side, open: &Open, request: RequestId, refusal: Option<String>) {
        let Some(Unanswered { confirm }) = open.settled(request) else {
            return;
        };
        let from = side.other();
        match refusal {
            None => {
                self.counters.event(from);
                self.confirm(from, confirm).await;
            }
            Some(why) => self.drop_events(from, 1, &why),
        }
    }

    /// Tells the router where an event came from that it was delivered.
    async fn confirm(&self, from: Side, confirm: Option<(SessionId, PublicationId)>) {
        let (Some((session, publication)), Some(open)) = (confirm, self.end(from).get()) else {
            return;
        };
        if open.session.id() == session {
            let _ = open
                .session
                .pass(Message::EventReceived(EventReceived { publication }))
                .await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn router(number: u64) -> RouterId {
        RouterId::new(number)
    }

    fn packed(via: impl IntoIterator<Item = u64>) -> SharedPassthru {
        let via = via.into_iter().map(router).collect();
        let origin = PublicationId::new(7);
        Passthru::with_route(
            None,
            Route {
                via,
                origin,
                ..Route::default()
            },
        )
    }

    #[test]
    fn what_begins_at_a_router_is_known_by_that_router_and_its_publication() {
        let route = onward(&None, router(1), Some(router(2)), || (PublicationId::new(5), None)).unwrap();
        assert_eq!((route.via, route.origin), (vec![router(1)], PublicationId::new(5)));
    }

    #[test]
    fn what_came_with_a_route_keeps_its_origin_and_goes_no_way_twice() {
        let began = || panic!("it began elsewhere");
        let route = onward(&packed([1]), router(2), Some(router(3)), began).unwrap();
        assert_eq!(
            (route.via, route.origin),
            (vec![router(1), router(2)], PublicationId::new(7))
        );
        assert_eq!(
            onward(&packed([1]), router(2), Some(router(1)), began),
            Err(NoWay::Been)
        );
        assert_eq!(
            onward(&packed([1]), router(2), Some(router(2)), began),
            Err(NoWay::Been)
        );
    }

    #[test]
    fn what_has_passed_as_many_routers_as_it_may_goes_no_further() {
        let far = MAX_VIA as u64;
        let began = || (None, None);
        assert!(onward(&packed(1..far), router(99), None, began).is_ok());
        assert_eq!(onward(&packed(1..=far), router(99), None, began), Err(NoWay::TooFar));
    }
}
