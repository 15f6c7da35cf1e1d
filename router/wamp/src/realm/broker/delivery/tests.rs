//! When a publisher learns that its event has arrived.

use super::super::super::Bounce;
use super::super::super::role::Role;
use super::super::super::scene::{Scene, publish, request, subscribe};
use super::*;
use crate::acceptor::Features;
use crate::message::{Event, Match, PublishOptions};

fn delivered() -> PublishOptions {
    PublishOptions {
        acknowledge: true,
        delivered: true,
        ..PublishOptions::default()
    }
}

/// A publisher "p", subscribers "a" and "b" that confirm, and one "plain" that cannot.
fn scene() -> Scene {
    let mut scene = Scene::of(&["p", "plain"]);
    let features = Features {
        acknowledged_event_delivery: true,
        ..Features::default()
    };
    for name in ["a", "b"] {
        scene.join_with(name, features);
    }
    for name in ["a", "b", "plain"] {
        scene.send(name, subscribe(1, "com.t", Match::Exact));
        scene.expect(name);
    }
    scene
}

fn event(scene: &mut Scene, name: &str) -> Event {
    let Message::Event(event) = scene.expect(name) else {
        panic!("{name} got no event")
    };
    event
}

/// Publishes and gives the event as "a" and "b" have it.
fn go(scene: &mut Scene, number: u64) -> Event {
    scene.send("p", publish(number, "com.t", delivered()));
    assert!(
        !event(scene, "plain").details.acknowledge,
        "it cannot confirm and is not asked to"
    );
    let at_a = event(scene, "a");
    assert_eq!(event(scene, "b"), at_a);
    assert!(at_a.details.acknowledge);
    at_a
}

fn confirm(scene: &mut Scene, name: &str, publication: PublicationId) {
    scene.send(name, Message::EventReceived(EventReceived { publication }));
}

fn leave_all(scene: &mut Scene, names: &[&str]) {
    for name in names {
        scene.leave(name);
    }
    assert!(scene.is_clean());
}

#[test]
fn published_comes_when_all_who_can_confirm_have() {
    let mut scene = scene();
    let publication = go(&mut scene, 7).publication;
    confirm(&mut scene, "a", publication);
    confirm(&mut scene, "a", publication);
    confirm(&mut scene, "plain", publication);
    scene.expect_nothing("p");
    confirm(&mut scene, "b", publication);
    let Message::Published(published) = scene.expect("p") else {
        panic!()
    };
    assert_eq!((published.request, published.publication), (request(7), publication));
    scene.pass(DELIVERY_PATIENCE);
    scene.expect_nothing("p");
    assert!(
        scene
            .realm
            .members
            .get(scene.session("a"))
            .unwrap()
            .confirmations
            .is_none()
    );
    leave_all(&mut scene, &["p", "a", "b", "plain"]);
}

#[test]
fn published_comes_at_once_where_nobody_can_confirm() {
    let mut scene = scene();
    scene.send("p", publish(1, "com.nobody", delivered()));
    assert!(matches!(scene.expect("p"), Message::Published(_)));
    let unacknowledged = PublishOptions {
        acknowledge: false,
        ..delivered()
    };
    scene.send("p", publish(2, "com.t", unacknowledged));
    assert!(
        !event(&mut scene, "a").details.acknowledge,
        "nobody waits for an answer"
    );
    scene.expect_nothing("p");
}

#[test]
fn a_subscriber_that_leaves_is_not_waited_for() {
    let mut scene = scene();
    let publication = go(&mut scene, 1).publication;
    confirm(&mut scene, "a", publication);
    scene.leave("b");
    assert!(matches!(scene.expect("p"), Message::Published(_)));
    leave_all(&mut scene, &["p", "a", "plain"]);
}

#[test]
fn who_waits_too_long_is_told_how_many_are_missing() {
    let mut scene = scene();
    let publication = go(&mut scene, 1).publication;
    confirm(&mut scene, "a", publication);
    scene.pass(DELIVERY_PATIENCE - Duration::from_millis(1));
    scene.expect_nothing("p");
    scene.pass(Duration::from_millis(1));
    let Message::Error(error) = scene.expect("p") else {
        panic!()
    };
    assert_eq!(
        (error.kind, error.error.as_str()),
        (RequestKind::Publish, "wamp.error.timeout")
    );
    let (sentence,) = error.payload.to_args::<(String,)>().unwrap();
    assert!(sentence.contains(" 1 subscribers"), "{sentence}");
    confirm(&mut scene, "b", publication);
    scene.expect_nothing("p");
    leave_all(&mut scene, &["p", "a", "b", "plain"]);
}

#[test]
fn who_publishes_is_told_how_many_could_not_be_given_the_event() {
    let mut scene = scene();
    let lost = go(&mut scene, 1);
    confirm(&mut scene, "a", lost.publication);
    scene.bounce("b", &Message::Event(lost), Bounce::Full);
    scene.expect_error("p", RequestKind::Publish, "wamp.error.unavailable");
    leave_all(&mut scene, &["p", "a", "b", "plain"]);
}

#[test]
fn a_publisher_that_leaves_waits_for_nobody() {
    let mut scene = scene();
    let publication = go(&mut scene, 1).publication;
    scene.leave("p");
    confirm(&mut scene, "a", publication);
    scene.pass(DELIVERY_PATIENCE);
    leave_all(&mut scene, &["a", "b", "plain"]);
}

#[test]
fn a_session_waits_for_so_many_deliveries_and_for_no_more() {
    let mut scene = scene();
    for number in 0..MAX_AWAITED_DELIVERIES as u64 {
        go(&mut scene, number + 1);
    }
    scene.send("p", publish(999, "com.t", delivered()));
    scene.expect_error("p", RequestKind::Publish, "wamp.error.unavailable");
    scene.expect_nothing("a");
    let plain = PublishOptions {
        delivered: false,
        ..delivered()
    };
    scene.send("p", publish(1000, "com.t", plain));
    assert!(
        matches!(scene.expect("p"), Message::Published(_)),
        "others are not held up"
    );
}

#[test]
fn a_subscriber_that_never_confirms_holds_so_many_and_no_more() {
    let mut scene = scene();
    let publishers = ["p", "q", "r", "s", "t", "u", "v", "w", "x"];
    for name in &publishers[1..] {
        scene.join(name, Role::unrestricted("anonymous"));
    }
    let sent = |number: usize| publishers[number / MAX_AWAITED_DELIVERIES];
    for number in 0..MAX_UNCONFIRMED_EVENTS {
        scene.send(sent(number), publish(1, "com.t", delivered()));
        let publication = event(&mut scene, "b").publication;
        confirm(&mut scene, "b", publication);
    }
    let last = sent(MAX_UNCONFIRMED_EVENTS);
    scene.send(last, publish(1, "com.t", delivered()));
    let publication = event(&mut scene, "b").publication;
    scene.expect_nothing(last);
    confirm(&mut scene, "b", publication);
    scene.expect_error(last, RequestKind::Publish, "wamp.error.unavailable");
}
