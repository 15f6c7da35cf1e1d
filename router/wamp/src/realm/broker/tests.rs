//! What the broker promises.

use super::super::role::{Action, Consent, Disclose, Role, Rule};
use super::super::scene::{Scene, publish, request, subscribe};
use super::super::{Proceed, Settings};
use super::*;
use crate::limits::Quota;
use crate::message::{Event, PublishOptions};

fn plain() -> PublishOptions {
    PublishOptions::default()
}

fn acknowledged() -> PublishOptions {
    PublishOptions {
        acknowledge: true,
        ..plain()
    }
}

fn subscribed(scene: &mut Scene, name: &str, topic: &str, policy: Match) -> SubscriptionId {
    scene.send(name, subscribe(1, topic, policy));
    let Message::Subscribed(it) = scene.expect(name) else {
        panic!("{name} is not subscribed")
    };
    it.subscription
}

fn event(scene: &mut Scene, name: &str) -> Event {
    let Message::Event(event) = scene.expect(name) else {
        panic!("{name} got no event")
    };
    event
}

#[test]
fn an_event_reaches_every_subscriber_but_its_publisher() {
    let mut scene = Scene::of(&["a", "b", "c"]);
    for name in ["a", "b", "c"] {
        subscribed(&mut scene, name, "com.t", Match::Exact);
    }
    scene.send("a", publish(7, "com.t", plain()));
    assert_eq!(event(&mut scene, "b"), event(&mut scene, "c"));
    scene.expect_nothing("a");
    scene.send(
        "a",
        publish(
            8,
            "com.t",
            PublishOptions {
                exclude_me: false,
                ..plain()
            },
        ),
    );
    assert_eq!(event(&mut scene, "a").payload.to_args::<(u64,)>().unwrap(), (8,));
}

#[test]
fn subscribers_of_the_same_uri_and_policy_share_a_subscription_and_others_do_not() {
    let mut scene = Scene::of(&["a", "b"]);
    let exact = subscribed(&mut scene, "a", "com.t", Match::Exact);
    assert_eq!(subscribed(&mut scene, "b", "com.t", Match::Exact), exact);
    assert_eq!(
        subscribed(&mut scene, "a", "com.t", Match::Exact),
        exact,
        "twice is once"
    );
    let prefix = subscribed(&mut scene, "a", "com.t", Match::Prefix);
    assert_ne!(prefix, exact);
    scene.send("b", publish(1, "com.t", plain()));
    let (first, second) = (event(&mut scene, "a"), event(&mut scene, "a"));
    assert_eq!((first.subscription, second.subscription), (exact, prefix));
    assert_eq!(first.publication, second.publication);
    assert_eq!(
        (first.details.topic, second.details.topic),
        (None, Some(Box::new("com.t".into())))
    );
    scene.expect_nothing("a");
}

#[test]
fn an_acknowledged_publication_is_answered_before_its_event_comes_back() {
    let mut scene = Scene::of(&["a"]);
    subscribed(&mut scene, "a", "com.t", Match::Exact);
    scene.send(
        "a",
        publish(
            5,
            "com.t",
            PublishOptions {
                exclude_me: false,
                ..acknowledged()
            },
        ),
    );
    let Message::Published(published) = scene.expect("a") else {
        panic!()
    };
    assert_eq!(published.request, request(5));
    assert_eq!(event(&mut scene, "a").publication, published.publication);
}

#[test]
fn a_refused_publication_is_answered_only_if_it_was_to_be_acknowledged() {
    let mut scene = Scene::of(&["a", "b"]);
    subscribed(&mut scene, "b", "", Match::Prefix);
    for topic in ["com..t", "wamp.session.on_join", ""] {
        scene.send("a", publish(1, topic, plain()));
        scene.expect_nothing("a");
        scene.send("a", publish(2, topic, acknowledged()));
        scene.expect_error("a", RequestKind::Publish, "wamp.error.invalid_uri");
    }
    scene.expect_nothing("b");
}

#[test]
fn a_subscription_ends_with_unsubscribe_and_only_its_holder_can_end_it() {
    let mut scene = Scene::of(&["a", "b"]);
    let subscription = subscribed(&mut scene, "a", "com.t", Match::Wildcard);
    let unsubscribe = || {
        Message::Unsubscribe(Unsubscribe {
            request: request(2),
            subscription,
        })
    };
    scene.send("b", unsubscribe());
    scene.expect_error("b", RequestKind::Unsubscribe, "wamp.error.no_such_subscription");
    scene.send("a", unsubscribe());
    assert!(matches!(scene.expect("a"), Message::Unsubscribed(it) if it.request == request(2)));
    scene.send("b", publish(1, "com.t", plain()));
    scene.expect_nothing("a");
    assert!(scene.is_clean());
    scene.send("a", unsubscribe());
    scene.expect_error("a", RequestKind::Unsubscribe, "wamp.error.no_such_subscription");
}

#[test]
fn a_session_that_left_gets_nothing_and_leaves_nothing() {
    let mut scene = Scene::of(&["a", "b"]);
    for policy in [Match::Exact, Match::Prefix, Match::Wildcard] {
        subscribed(&mut scene, "a", "com.t", policy);
    }
    assert_eq!(
        scene.try_send("a", Message::Goodbye(crate::message::Goodbye::new("x".into(), ""))),
        Ok(Proceed::Leave)
    );
    assert!(matches!(scene.expect("a"), Message::Goodbye(it) if it.reason == "wamp.close.goodbye_and_out"));
    scene.send("b", publish(1, "com.t", plain()));
    scene.expect_nothing("a");
    assert!(scene.is_clean());
    assert_eq!(
        scene.try_send("a", subscribe(1, "com.t", Match::Exact)),
        Ok(Proceed::Leave)
    );
}

#[test]
fn a_publisher_is_disclosed_when_it_asks_and_may() {
    let mut scene = Scene::of(&["a", "b"]);
    let silent = Rule {
        uri: "".into(),
        policy: Match::Prefix,
        allow: [Action::Publish].into_iter().collect(),
        disclose: Disclose::Never,
        consent: Consent::Given,
        trustlevel: None,
    };
    scene.join("c", Role::new("silent", vec![silent.clone()]).unwrap());
    scene.join(
        "d",
        Role::new(
            "open",
            vec![Rule {
                disclose: Disclose::Always,
                ..silent
            }],
        )
        .unwrap(),
    );
    subscribed(&mut scene, "b", "com.t", Match::Exact);
    scene.send(
        "a",
        publish(
            1,
            "com.t",
            PublishOptions {
                disclose_me: true,
                ..plain()
            },
        ),
    );
    let publisher = event(&mut scene, "b").details.publisher.unwrap();
    assert_eq!((publisher.session, &*publisher.authid), (scene.session("a"), "a"));
    scene.send("a", publish(2, "com.t", plain()));
    assert_eq!(event(&mut scene, "b").details.publisher, None);
    scene.send(
        "c",
        publish(
            1,
            "com.t",
            PublishOptions {
                disclose_me: true,
                ..acknowledged()
            },
        ),
    );
    scene.expect_error("c", RequestKind::Publish, "wamp.error.option_disallowed.disclose_me");
    scene.send("d", publish(1, "com.t", plain()));
    assert_eq!(&*event(&mut scene, "b").details.publisher.unwrap().authrole, "open");
}

#[test]
fn the_last_subscription_of_the_quota_is_taken_and_the_next_is_not() {
    let quota = Quota {
        subscriptions: 2,
        ..Quota::default()
    };
    let mut scene = Scene::with(
        Settings {
            quota,
            ..Settings::default()
        },
        &["a"],
    );
    subscribed(&mut scene, "a", "com.t1", Match::Exact);
    subscribed(&mut scene, "a", "com.t2", Match::Exact);
    scene.send("a", subscribe(3, "com.t3", Match::Exact));
    scene.expect_error("a", RequestKind::Subscribe, "wamp.error.unavailable");
    subscribed(&mut scene, "a", "com.t2", Match::Exact);
}

#[test]
fn who_may_not_subscribe_or_publish_is_told_so() {
    let mut scene = Scene::of(&[]);
    scene.join("a", Role::new("nothing", vec![]).unwrap());
    scene.send("a", subscribe(1, "com.t", Match::Exact));
    scene.expect_error("a", RequestKind::Subscribe, "wamp.error.not_authorized");
    scene.send("a", publish(2, "com.t", acknowledged()));
    scene.expect_error("a", RequestKind::Publish, "wamp.error.not_authorized");
}
