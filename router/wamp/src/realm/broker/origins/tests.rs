//! Events of other routers, as a realm takes them.

use std::sync::Arc;

use super::*;
use crate::message::{Message, Origin as Publisher, PublishOptions, PublishSpecial, Subscribe, SubscribeOptions};
use crate::realm::Settings;
use crate::realm::role::Role;
use crate::realm::scene::{Scene, args, publish, request};

const OWN: RouterId = RouterId::new(1);

/// A realm of the router [`OWN`], with two programs and two sessions that speak for routers, all of which listen.
fn scene() -> Scene {
    let settings = Settings {
        router: OWN,
        ..Settings::default()
    };
    let mut scene = Scene::with(settings, &["a", "b"]);
    for link in ["link", "other"] {
        scene.join(link, Role::unrestricted("link").for_link());
    }
    for name in ["b", "link", "other"] {
        subscribe(&mut scene, name, false);
    }
    scene
}

fn subscribe(scene: &mut Scene, name: &str, get_retained: bool) {
    let options = SubscribeOptions {
        get_retained,
        ..SubscribeOptions::default()
    };
    let topic = "com.t".into();
    scene.send(
        name,
        Message::Subscribe(Subscribe {
            request: request(1),
            options,
            topic,
        }),
    );
    assert!(matches!(scene.expect(name), Message::Subscribed(_)));
}

fn route(via: &[u64], publication: u64) -> Route {
    Route {
        via: via.iter().map(|number| RouterId::new(*number)).collect(),
        origin: PublicationId::new(publication),
        ..Route::default()
    }
}

fn forwarded(route: Route, options: PublishOptions) -> Message {
    Message::Publish(Publish {
        request: request(1),
        options: PublishOptions {
            acknowledge: true,
            passthru: Passthru::with_route(None, route),
            ..options
        },
        topic: "com.t".into(),
        payload: args(&[1_u64.into()]),
    })
}

fn send(scene: &mut Scene, name: &str, route: Route) {
    scene.send(name, forwarded(route, PublishOptions::default()));
}

fn published(scene: &mut Scene, name: &str) -> PublicationId {
    let Message::Published(published) = scene.expect(name) else {
        panic!("{name} was not answered")
    };
    published.publication
}

fn details(scene: &mut Scene, name: &str) -> EventDetails {
    let Message::Event(event) = scene.expect(name) else {
        panic!("{name} got no event")
    };
    event.details
}

#[test]
fn an_event_that_comes_on_two_ways_is_taken_once_and_answered_twice_alike() {
    let mut scene = scene();
    send(&mut scene, "link", route(&[2], 7));
    let first = published(&mut scene, "link");
    details(&mut scene, "b");
    details(&mut scene, "other");
    send(&mut scene, "other", route(&[2, 3], 7));
    assert_eq!(published(&mut scene, "other"), first);
    for name in ["a", "b", "link", "other"] {
        scene.expect_nothing(name);
    }
    // Another publication, or that of another router, is another event.
    for other in [route(&[2], 8), route(&[3], 7)] {
        send(&mut scene, "other", other);
        published(&mut scene, "other");
        details(&mut scene, "b");
        details(&mut scene, "link");
    }
}

#[test]
fn an_event_that_comes_back_to_its_router_is_dropped() {
    let mut scene = scene();
    send(&mut scene, "link", route(&[1, 2], 7));
    published(&mut scene, "link");
    send(&mut scene, "link", route(&[2, 1, 3], 8));
    published(&mut scene, "link");
    scene.expect_nothing("b");
    scene.expect_nothing("other");
}

#[test]
fn only_who_speaks_for_a_router_is_told_the_way_and_who_published_is_told_to_all() {
    let mut scene = scene();
    let from = Publisher {
        session: scene.session("a"),
        authid: "far".into(),
        authrole: "away".into(),
    };
    let route = Route {
        from: Some(from.clone()),
        ..route(&[2], 7)
    };
    send(&mut scene, "link", route.clone());
    let told = details(&mut scene, "b");
    assert_eq!((told.publisher.as_deref(), &told.passthru), (Some(&from), &None));
    let told = details(&mut scene, "other");
    assert_eq!(Passthru::route_of(&told.passthru), Some(&route));
}

#[test]
fn a_program_that_says_a_way_is_not_believed() {
    let mut scene = scene();
    for _ in 0..2 {
        send(&mut scene, "a", route(&[2], 7));
        published(&mut scene, "a");
        for name in ["b", "link"] {
            let told = details(&mut scene, name);
            assert_eq!((told.publisher, told.passthru), (None, None));
        }
    }
}

#[test]
fn a_way_without_an_origin_or_that_is_too_long_is_refused() {
    let mut scene = scene();
    let far: Vec<u64> = (10..).take(MAX_VIA).collect();
    send(&mut scene, "link", route(&far, 7));
    published(&mut scene, "link");
    let farther: Vec<u64> = (10..=10 + MAX_VIA as u64).collect();
    let without = Route {
        origin: None,
        ..route(&[2], 7)
    };
    for wrong in [route(&farther, 8), route(&[], 8), without] {
        send(&mut scene, "link", wrong);
        scene.expect_error(
            "link",
            crate::message::RequestKind::Publish,
            "wamp.error.invalid_argument",
        );
    }
}

#[test]
fn the_last_for_which_there_is_room_is_remembered_and_then_the_oldest_is_forgotten() {
    let mut origins = Origins::new(&RandomState::with_seeds(1, 2, 3, 4));
    let router = RouterId::new(2);
    let publication = |number: usize| PublicationId::new(number as u64 + 1).unwrap();
    for number in 0..MAX_ORIGINS {
        origins.take((router, publication(number)), publication(number));
    }
    assert!(origins.taken.contains_key(&(router, publication(0))));
    // One that is known takes no room.
    origins.take((router, publication(5)), publication(5));
    assert!(origins.taken.contains_key(&(router, publication(0))));
    origins.take((router, publication(MAX_ORIGINS)), publication(0));
    assert!(!origins.taken.contains_key(&(router, publication(0))));
    assert!(origins.taken.contains_key(&(router, publication(1))));
    assert_eq!((origins.taken.len(), origins.order.len()), (MAX_ORIGINS, MAX_ORIGINS));
}

#[test]
fn what_is_retained_is_told_with_its_time_and_an_older_one_that_is_told_again_is_dropped() {
    let mut scene = scene();
    let retain = || PublishOptions {
        retain: true,
        ..PublishOptions::default()
    };
    let at = |time: &str, publication, again| Route {
        kept_at: Some(Arc::from(time)),
        again,
        ..route(&[2], publication)
    };
    scene.send("link", forwarded(at("2026-01-02T00:00:00.000Z", 1, false), retain()));
    published(&mut scene, "link");
    details(&mut scene, "b");
    let told = details(&mut scene, "other");
    let told = Passthru::route_of(&told.passthru).unwrap().kept_at.clone();
    assert_eq!(told.as_deref(), Some("2026-01-02T00:00:00.000Z"));
    for older in ["2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z"] {
        scene.send("other", forwarded(at(older, 2, true), retain()));
        published(&mut scene, "other");
        scene.expect_nothing("b");
    }
    scene.send("other", forwarded(at("2026-01-03T00:00:00.000Z", 3, true), retain()));
    published(&mut scene, "other");
    details(&mut scene, "b");
    details(&mut scene, "link");
    subscribe(&mut scene, "a", true);
    let kept = details(&mut scene, "a");
    let time = kept.retained.unwrap().published_at.clone();
    assert_eq!(
        (time.as_deref(), kept.passthru),
        (Some("2026-01-03T00:00:00.000Z"), None)
    );
    // What a program of this realm retains is told to routers as retained.
    scene.send(
        "b",
        Message::Publish(Publish {
            request: request(2),
            options: retain(),
            topic: "com.t".into(),
            payload: args(&[]),
        }),
    );
    let told = details(&mut scene, "link");
    let route = Passthru::route_of(&told.passthru).unwrap();
    assert!(route.kept_at.is_some() && route.via.is_empty());
}

#[test]
fn what_was_forgotten_since_is_not_taken_from_a_router_that_has_it_still() {
    let mut scene = scene();
    let retain = || PublishOptions {
        retain: true,
        ..PublishOptions::default()
    };
    let forget = PublishOptions {
        special: Some(Box::new(PublishSpecial::forgetting())),
        ..PublishOptions::default()
    };
    for options in [retain(), forget] {
        scene.send("a", publish(1, "com.t", options));
        details(&mut scene, "b");
    }
    for link in ["link", "other"] {
        let told = details(&mut scene, link);
        assert!(Passthru::route_of(&told.passthru).unwrap().kept_at.is_some());
        let told = details(&mut scene, link);
        let route = Passthru::route_of(&told.passthru).unwrap();
        assert!(route.forget && route.kept_at.is_none(), "links are told");
    }
    let again = |time: &str, publication| Route {
        kept_at: Some(Arc::from(time)),
        again: true,
        ..route(&[2], publication)
    };
    scene.send("link", forwarded(again("1970-01-01T00:00:00.000Z", 1), retain()));
    published(&mut scene, "link");
    scene.expect_nothing("b");
    subscribe(&mut scene, "a", true);
    scene.expect_nothing("a");
    scene.send("link", forwarded(again("1970-01-01T00:00:00.001Z", 2), retain()));
    published(&mut scene, "link");
    details(&mut scene, "b");
}

#[test]
fn what_names_its_subscribers_stays_in_its_router() {
    let mut scene = scene();
    let audience = crate::message::Audience {
        exclude_authid: vec!["nobody".into()],
        ..Default::default()
    };
    let options = PublishOptions {
        special: Some(Box::new(audience.into())),
        ..PublishOptions::default()
    };
    scene.send(
        "a",
        Message::Publish(Publish {
            request: request(2),
            options,
            topic: "com.t".into(),
            payload: args(&[]),
        }),
    );
    details(&mut scene, "b");
    scene.expect_nothing("link");
    scene.expect_nothing("other");
}
