//! What a late subscriber can rely on.

use super::super::super::Settings;
use super::super::super::role::{Action, Consent, Disclose, Role, Rule};
use super::super::super::scene::{Scene, publish, request};
use super::*;
use crate::message::{Event, Message, PublishOptions, PublishSpecial, RequestKind, Subscribe, SubscribeOptions};

fn retained(acknowledge: bool) -> PublishOptions {
    PublishOptions {
        acknowledge,
        retain: true,
        ..PublishOptions::default()
    }
}

/// Publishes an event whose argument is its number.
fn keep(scene: &mut Scene, name: &str, number: u64, topic: &str) {
    scene.send(name, publish(number, topic, retained(true)));
    assert!(matches!(scene.expect(name), Message::Published(_)));
}

fn subscribe(scene: &mut Scene, name: &str, topic: &str, policy: Match, get_retained: bool) {
    scene.send(
        name,
        Message::Subscribe(Subscribe {
            request: request(1),
            options: SubscribeOptions {
                policy,
                get_retained,
                ..SubscribeOptions::default()
            },
            topic: topic.into(),
        }),
    );
    assert!(matches!(scene.expect(name), Message::Subscribed(_)));
}

fn event(scene: &mut Scene, name: &str) -> Event {
    let Message::Event(event) = scene.expect(name) else {
        panic!("{name} got no event")
    };
    event
}

fn number(event: &Event) -> u64 {
    event.payload.to_args::<(u64,)>().unwrap().0
}

#[test]
fn a_late_subscriber_that_asks_gets_the_last_event_and_when_it_was_published() {
    let mut scene = Scene::of(&["a", "b", "c"]);
    keep(&mut scene, "a", 1, "com.t");
    keep(&mut scene, "a", 2, "com.t");
    scene.send("a", publish(3, "com.t", PublishOptions::default()));
    subscribe(&mut scene, "b", "com.t", Match::Exact, true);
    let event = event(&mut scene, "b");
    assert_eq!(number(&event), 2, "the last that was to be kept");
    let details = event.details.retained.unwrap();
    assert_eq!(details.published_at.as_deref(), Some("1970-01-01T00:00:00.000Z"));
    assert_eq!(event.details.topic, None);
    scene.expect_nothing("b");
    subscribe(&mut scene, "c", "com.t", Match::Exact, false);
    scene.expect_nothing("c");
}

#[test]
fn an_event_that_comes_now_is_not_marked_as_kept() {
    let mut scene = Scene::of(&["a", "b"]);
    subscribe(&mut scene, "b", "com.t", Match::Exact, true);
    keep(&mut scene, "a", 1, "com.t");
    assert_eq!(event(&mut scene, "b").details.retained, None);
}

#[test]
fn a_pattern_gets_the_last_event_of_every_topic_it_matches() {
    let mut scene = Scene::of(&["a", "b", "c", "d"]);
    for (number, topic) in ["org.device.x.on", "org.device.y.on", "org.device.y.off", "org.devices"]
        .iter()
        .enumerate()
    {
        keep(&mut scene, "a", number as u64 + 1, topic);
    }
    subscribe(&mut scene, "b", "org.device..on", Match::Wildcard, true);
    let topics: Vec<_> = [event(&mut scene, "b"), event(&mut scene, "b")]
        .map(|event| event.details.topic.unwrap().as_str().to_owned())
        .into();
    assert_eq!(topics, ["org.device.x.on", "org.device.y.on"]);
    scene.expect_nothing("b");
    subscribe(&mut scene, "c", "org.device.", Match::Prefix, true);
    assert_eq!([1, 2, 3].map(|_| number(&event(&mut scene, "c"))), [1, 3, 2]);
    scene.expect_nothing("c");
    subscribe(&mut scene, "d", "", Match::Prefix, true);
    assert_eq!([1, 2, 3, 4].map(|_| number(&event(&mut scene, "d"))), [1, 3, 2, 4]);
}

#[test]
fn a_publisher_that_was_excluded_does_not_get_its_own_event_later() {
    let mut scene = Scene::of(&["a", "b"]);
    keep(&mut scene, "a", 1, "com.t");
    subscribe(&mut scene, "a", "com.t", Match::Exact, true);
    scene.expect_nothing("a");
    let own = PublishOptions {
        exclude_me: false,
        ..retained(false)
    };
    scene.send("b", publish(1, "com.u", own));
    subscribe(&mut scene, "b", "com.u", Match::Exact, true);
    assert_eq!(number(&event(&mut scene, "b")), 1);
}

#[test]
fn who_published_is_kept_with_the_event_even_after_it_left() {
    let mut scene = Scene::of(&["b"]);
    let rule = Rule {
        uri: "".into(),
        policy: Match::Prefix,
        allow: [Action::Publish].into_iter().collect(),
        disclose: Disclose::Always,
        consent: Consent::Given,
        trustlevel: None,
    };
    scene.join("phone", Role::new("open", vec![rule]).unwrap());
    keep(&mut scene, "phone", 1, "com.t");
    scene.leave("phone");
    subscribe(&mut scene, "b", "com.t", Match::Exact, true);
    let publisher = event(&mut scene, "b").details.publisher.unwrap();
    assert_eq!(&*publisher.authid, "phone");
}

fn forgetting(audience: Audience) -> PublishOptions {
    PublishOptions {
        acknowledge: true,
        special: Some(Box::new(PublishSpecial {
            forget: true,
            ..audience.into()
        })),
        ..PublishOptions::default()
    }
}

#[test]
fn a_publication_that_forgets_is_delivered_and_leaves_nothing_of_its_topic() {
    let mut scene = Scene::of(&["a", "b", "c"]);
    keep(&mut scene, "a", 1, "com.t");
    keep(&mut scene, "a", 2, "com.t.x");
    subscribe(&mut scene, "b", "com.t", Match::Exact, false);
    // Also one that is to be kept: both cannot be.
    let options = PublishOptions {
        retain: true,
        ..forgetting(Audience::default())
    };
    scene.send("a", publish(3, "com.t", options));
    assert!(matches!(scene.expect("a"), Message::Published(_)));
    let event = event(&mut scene, "b");
    assert_eq!((number(&event), event.details.retained), (3, None));
    subscribe(&mut scene, "c", "com.", Match::Prefix, true);
    assert_eq!(number(&self::event(&mut scene, "c")), 2, "another topic");
    scene.expect_nothing("c");
    // Where nothing is, nothing goes wrong.
    scene.send("a", publish(4, "com.u", forgetting(Audience::default())));
    assert!(matches!(scene.expect("a"), Message::Published(_)));
}

#[test]
fn a_publication_for_some_forgets_what_is_for_the_same_alone() {
    let mut scene = Scene::of(&["a", "b", "c"]);
    let only = |name: &str| Audience {
        eligible_authid: Some(vec![name.into()]),
        ..Audience::default()
    };
    let kept = |audience: Audience| PublishOptions {
        special: Some(Box::new(audience.into())),
        ..retained(false)
    };
    keep(&mut scene, "a", 1, "com.t");
    scene.send("a", publish(2, "com.t", kept(only("b"))));
    scene.send("a", publish(3, "com.t", kept(only("c"))));
    scene.send("a", publish(4, "com.t", forgetting(only("b"))));
    assert!(matches!(scene.expect("a"), Message::Published(_)));
    subscribe(&mut scene, "b", "com.t", Match::Exact, true);
    assert_eq!(number(&event(&mut scene, "b")), 1, "that for all is there");
    subscribe(&mut scene, "c", "com.t", Match::Exact, true);
    assert_eq!(number(&event(&mut scene, "c")), 3);
    // What names sessions is not kept, and cannot be forgotten.
    let sessions = Audience {
        exclude: vec![scene.session("b")],
        ..Audience::default()
    };
    scene.send("a", publish(4, "com.t", forgetting(sessions)));
    scene.expect_error("a", RequestKind::Publish, "wamp.error.option_not_allowed");
    scene.send("a", publish(5, "com.t", forgetting(Audience::default())));
    assert_eq!(scene.realm.broker.retention.all, Share::default());
    assert!(scene.realm.broker.retention.shares.is_empty());
}

#[test]
fn where_nothing_more_can_be_kept_something_can_be_forgotten() {
    let limits = Limits {
        topics: 1,
        ..Limits::default()
    };
    let settings = Settings {
        retention: limits,
        ..Settings::default()
    };
    let mut scene = Scene::with(settings, &["a"]);
    keep(&mut scene, "a", 1, "com.t");
    scene.send("a", publish(2, "com.u", retained(true)));
    scene.expect_error("a", RequestKind::Publish, "wamp.error.unavailable");
    scene.send("a", publish(3, "com.t", forgetting(Audience::default())));
    assert!(matches!(scene.expect("a"), Message::Published(_)));
    keep(&mut scene, "a", 4, "com.u");
}

#[test]
fn forgotten_topics_are_those_below_the_prefix() {
    let mut scene = Scene::of(&["a", "b"]);
    keep(&mut scene, "a", 1, "org.device.d_1.on_presence");
    keep(&mut scene, "a", 2, "org.device.d_11.on_presence");
    scene.realm.forget_retained("org.device.d_1.");
    subscribe(&mut scene, "b", "org.", Match::Prefix, true);
    assert_eq!(number(&event(&mut scene, "b")), 2);
    scene.expect_nothing("b");
    scene.realm.forget_retained("");
    assert_eq!(scene.realm.broker.retention.all, Share::default());
    assert!(scene.realm.broker.retention.shares.is_empty());
}

#[test]
fn the_last_topic_of_the_bound_is_kept_and_the_next_is_refused_to_who_asked() {
    let retention = Limits {
        topics: 2,
        ..Limits::default()
    };
    let mut scene = Scene::with(
        Settings {
            retention,
            ..Settings::default()
        },
        &["a", "b"],
    );
    keep(&mut scene, "a", 1, "com.t1");
    keep(&mut scene, "a", 2, "com.t2");
    scene.send("a", publish(3, "com.t3", retained(true)));
    scene.expect_error("a", RequestKind::Publish, "wamp.error.unavailable");
    // In place of one that is there it is kept.
    keep(&mut scene, "a", 4, "com.t2");
    subscribe(&mut scene, "b", "com.", Match::Prefix, true);
    assert_eq!([1, 2].map(|_| number(&event(&mut scene, "b"))), [1, 4]);
    // Who wants no answer is heard by those who listen now.
    scene.send("a", publish(5, "com.t5", retained(false)));
    assert_eq!(number(&event(&mut scene, "b")), 5);
    assert_eq!(scene.realm.broker.retention.events.len(), 2);
}

#[test]
fn the_bytes_of_the_bound_are_taken_and_one_more_is_not() {
    let topic = "com.t";
    let probe = scene_with_bytes(usize::MAX, topic);
    let exact = probe.realm.broker.retention.all.bytes;
    assert!(exact > OVERHEAD + topic.len());
    assert_eq!(scene_with_bytes(exact, topic).realm.broker.retention.events.len(), 1);
    assert_eq!(
        scene_with_bytes(exact - 1, topic).realm.broker.retention.events.len(),
        0
    );
}

fn scene_with_bytes(bytes: usize, topic: &str) -> Scene {
    let retention = Limits {
        bytes,
        bytes_each: usize::MAX,
        ..Limits::default()
    };
    let mut scene = Scene::with(
        Settings {
            retention,
            ..Settings::default()
        },
        &["a"],
    );
    scene.send("a", publish(1, topic, retained(false)));
    scene
}

#[test]
fn one_principal_cannot_use_up_what_all_share() {
    let retention = Limits {
        topics_each: 2,
        ..Limits::default()
    };
    let settings = Settings {
        retention,
        ..Settings::default()
    };
    let mut scene = Scene::with(settings, &["a", "b"]);
    keep(&mut scene, "a", 1, "com.t1");
    keep(&mut scene, "a", 2, "com.t2");
    scene.send("a", publish(3, "com.t3", retained(true)));
    scene.expect_error("a", RequestKind::Publish, "wamp.error.unavailable");
    keep(&mut scene, "b", 1, "com.t3");
    // What somebody else publishes to a topic counts to him from then on.
    keep(&mut scene, "b", 2, "com.t2");
    keep(&mut scene, "a", 4, "com.t4");
    scene.send("b", publish(3, "com.t5", retained(true)));
    scene.expect_error("b", RequestKind::Publish, "wamp.error.unavailable");
}

#[test]
fn the_bytes_of_one_principal_are_bounded_too() {
    let exact = scene_with_bytes(usize::MAX, "com.t").realm.broker.retention.all.bytes;
    for (bytes_each, kept) in [(exact, 1), (exact - 1, 0)] {
        let retention = Limits {
            bytes_each,
            ..Limits::default()
        };
        let settings = Settings {
            retention,
            ..Settings::default()
        };
        let mut scene = Scene::with(settings, &["a"]);
        scene.send("a", publish(1, "com.t", retained(false)));
        assert_eq!(scene.realm.broker.retention.events.len(), kept);
    }
}

fn for_principal(name: &str, acknowledge: bool) -> PublishOptions {
    let audience = Audience {
        eligible_authid: Some(vec![name.into()]),
        ..Audience::default()
    };
    PublishOptions {
        special: Some(Box::new(audience.into())),
        ..retained(acknowledge)
    }
}

#[test]
fn an_event_for_some_is_kept_for_them_and_the_one_for_all_stays() {
    let mut scene = Scene::of(&["a", "b", "c", "d"]);
    keep(&mut scene, "a", 1, "com.t");
    for number in [2, 3] {
        scene.send("a", publish(number, "com.t", for_principal("b", false)));
    }
    for (name, last) in [("b", 3), ("c", 1)] {
        subscribe(&mut scene, name, "com.t", Match::Exact, true);
        assert_eq!(number(&event(&mut scene, name)), last);
    }
    keep(&mut scene, "a", 4, "com.t");
    for name in ["b", "c"] {
        assert_eq!(number(&event(&mut scene, name)), 4, "now, as subscribers");
        scene.expect_nothing(name);
        subscribe(&mut scene, name, "com.t", Match::Exact, true);
        assert_eq!(
            number(&event(&mut scene, name)),
            4,
            "an event for all stands for those for some"
        );
    }
}

#[test]
fn an_event_that_names_sessions_is_not_kept() {
    let mut scene = Scene::of(&["a", "b"]);
    let audience = Audience {
        eligible: Some(vec![scene.session("b")]),
        ..Audience::default()
    };
    let options = PublishOptions {
        special: Some(Box::new(audience.into())),
        ..retained(false)
    };
    scene.send("a", publish(1, "com.t", options));
    subscribe(&mut scene, "b", "com.t", Match::Exact, true);
    scene.expect_nothing("b");
}

#[test]
fn so_many_events_for_some_are_kept_of_a_topic_and_the_next_replaces_the_oldest() {
    let mut scene = Scene::of(&["a"]);
    let names = ["n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8"];
    assert_eq!(names.len(), MAX_RETAINED_LIMITED + 1);
    keep(&mut scene, "a", 100, "com.t");
    for (number, name) in (1..).zip(names) {
        scene.send("a", publish(number, "com.t", for_principal(name, true)));
        assert!(matches!(scene.expect("a"), Message::Published(_)));
    }
    for (expected, name) in (1..).zip(names) {
        scene.join(name, Role::unrestricted("guest"));
        subscribe(&mut scene, name, "com.t", Match::Exact, true);
        let expected = if expected == 1 { 100 } else { expected };
        assert_eq!(number(&event(&mut scene, name)), expected, "{name}");
    }
    scene.realm.forget_retained("com.");
    assert_eq!(scene.realm.broker.retention.all, Share::default());
}
