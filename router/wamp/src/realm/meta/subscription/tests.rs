//! What the router tells of subscriptions, when it is asked and when they change.

use super::super::testing::{ask, ask_with, heard, id_of, listen};
use crate::acceptor::Features;
use crate::id::SubscriptionId;
use crate::message::{Match, Message, Unsubscribe};
use crate::realm::role::Role;
use crate::realm::scene::{Scene, request, subscribe};
use crate::value::Value;

const TOPICS: [&str; 4] = [
    "wamp.subscription.on_create",
    "wamp.subscription.on_subscribe",
    "wamp.subscription.on_unsubscribe",
    "wamp.subscription.on_delete",
];

fn make(scene: &mut Scene, name: &str, uri: &str, policy: Match) -> SubscriptionId {
    scene.send(name, subscribe(1, uri, policy));
    let Message::Subscribed(done) = scene.expect_last(name) else {
        panic!("{uri} was refused")
    };
    done.subscription
}

fn ids(ids: &[SubscriptionId]) -> Value {
    ids.iter().map(|id| id.get().into()).collect::<Vec<Value>>().into()
}

fn refused(error: &str) -> Result<Value, String> {
    Err(error.to_owned())
}

/// An exact one, a prefix and a wildcard.
fn three(scene: &mut Scene) -> [SubscriptionId; 3] {
    [
        ("a.b.c", Match::Exact),
        ("a.b", Match::Prefix),
        ("a..c", Match::Wildcard),
    ]
    .map(|(uri, policy)| make(scene, "phone", uri, policy))
}

#[test]
fn subscriptions_are_listed_by_their_policies() {
    let mut scene = Scene::of(&["phone"]);
    let [exact, prefix, wildcard] = three(&mut scene);
    let another = make(&mut scene, "phone", "z", Match::Exact);
    let all = [
        ("exact", ids(&[exact, another])),
        ("prefix", ids(&[prefix])),
        ("wildcard", ids(&[wildcard])),
    ];
    assert_eq!(
        ask(&mut scene, "phone", "wamp.subscription.list", &[]),
        Ok(Value::dict(all))
    );
    scene.leave("phone");
    scene.join("tablet", Role::unrestricted("x"));
    let none = ["exact", "prefix", "wildcard"].map(|policy| (policy, ids(&[])));
    assert_eq!(
        ask(&mut scene, "tablet", "wamp.subscription.list", &[]),
        Ok(Value::dict(none))
    );
}

#[test]
fn lookup_finds_just_this_topic_and_null_for_another() {
    let mut scene = Scene::of(&["phone"]);
    let [exact, prefix, wildcard] = three(&mut scene);
    let lookup = |scene: &mut Scene, uri: &str, options: Value| {
        ask(scene, "phone", "wamp.subscription.lookup", &[uri.into(), options])
    };
    let with = |policy: &str| Value::dict([("match", policy.into())]);
    for (uri, options, found) in [
        ("a.b.c", Value::Null, exact),
        ("a.b.c", Value::dict([]), exact),
        ("a.b.c", with("exact"), exact),
        ("a.b", with("prefix"), prefix),
        ("a..c", with("wildcard"), wildcard),
    ] {
        assert_eq!(lookup(&mut scene, uri, options), Ok(found.get().into()), "{uri}");
    }
    for (uri, options) in [
        ("a.b", Value::Null),
        ("a.b.c", with("prefix")),
        ("", Value::dict([])),
        ("wamp.session.count", Value::dict([])),
    ] {
        assert_eq!(lookup(&mut scene, uri, options), Ok(Value::Null), "{uri}");
    }
    for options in [with("fuzzy"), Value::dict([("match", 1_u64.into())]), "prefix".into()] {
        assert_eq!(
            lookup(&mut scene, "a.b", options),
            refused("wamp.error.invalid_argument")
        );
    }
}

#[test]
fn match_finds_all_and_null_when_there_is_none() {
    let mut scene = Scene::of(&["phone"]);
    let [exact, prefix, wildcard] = three(&mut scene);
    let found = |scene: &mut Scene, uri: &str| ask(scene, "phone", "wamp.subscription.match", &[uri.into()]);
    for (uri, all) in [
        ("a.b.c", &[exact, prefix, wildcard][..]),
        ("a.bc", &[prefix]),
        ("a.x.c", &[wildcard]),
    ] {
        assert_eq!(found(&mut scene, uri), Ok(ids(all)), "{uri}");
    }
    assert_eq!(found(&mut scene, "x"), Ok(Value::Null));
    let answer = ask(&mut scene, "phone", "wamp.subscription.match", &[1_u64.into()]);
    assert_eq!(answer, refused("wamp.error.invalid_argument"));
}

#[test]
fn everything_is_told_of_a_subscription_and_of_who_holds_it() {
    let mut scene = Scene::of(&["phone", "tablet"]);
    let [_, prefix, _] = three(&mut scene);
    let expected = Value::dict([
        ("id", prefix.get().into()),
        ("created", "1970-01-01T00:00:00Z".into()),
        ("match", "prefix".into()),
        ("uri", "a.b".into()),
    ]);
    let about = |scene: &mut Scene, what: &str| {
        ask(
            scene,
            "tablet",
            &format!("wamp.subscription.{what}"),
            &[prefix.get().into()],
        )
    };
    assert_eq!(about(&mut scene, "get"), Ok(expected));
    assert_eq!(
        about(&mut scene, "list_subscribers"),
        Ok(vec![id_of(&scene, "phone")].into())
    );
    assert_eq!(about(&mut scene, "count_subscribers"), Ok(1_u64.into()));
}

#[test]
fn of_a_subscription_that_is_not_there_nothing_is_told() {
    let mut scene = Scene::of(&["phone"]);
    for procedure in ["get", "list_subscribers", "count_subscribers"] {
        let uri = format!("wamp.subscription.{procedure}");
        for unknown in [0_u64, 1, u64::MAX] {
            let answer = ask(&mut scene, "phone", &uri, &[unknown.into()]);
            assert_eq!(answer, refused("wamp.error.no_such_subscription"));
        }
        let answer = ask(&mut scene, "phone", &uri, &["1".into()]);
        assert_eq!(answer, refused("wamp.error.invalid_argument"));
    }
}

#[test]
fn events_tell_of_a_subscription_from_its_making_to_its_end_in_order() {
    let mut scene = Scene::of(&["monitor", "phone"]);
    let topics = listen(&mut scene, "monitor", &TOPICS);
    let id = make(&mut scene, "phone", "com.x", Match::Exact);
    let phone = id_of(&scene, "phone");
    let details = ask(&mut scene, "phone", "wamp.subscription.get", &[id.get().into()]).unwrap();
    let both = vec![phone.clone(), id.get().into()];
    assert_eq!(heard(&mut scene, "monitor"), (topics[0], vec![phone, details]));
    assert_eq!(heard(&mut scene, "monitor"), (topics[1], both.clone()));
    scene.send(
        "phone",
        Message::Unsubscribe(Unsubscribe {
            request: request(2),
            subscription: id,
        }),
    );
    assert_eq!(heard(&mut scene, "monitor"), (topics[2], both.clone()));
    assert_eq!(heard(&mut scene, "monitor"), (topics[3], both));
    scene.expect_nothing("monitor");
}

#[test]
fn whatever_takes_a_subscription_away_is_told_the_same_way() {
    let ends: [fn(&mut Scene, Value); 4] = [
        |scene, _| scene.leave("phone"),
        |scene, _| scene.set_role("phone", Role::new("less", vec![]).unwrap()),
        |scene, _| {
            let phone = id_of(scene, "phone");
            ask(scene, "monitor", "wamp.session.kill", &[phone]).unwrap();
        },
        |scene, id| {
            let phone = id_of(scene, "phone");
            ask(scene, "monitor", "wamp.subscription.remove_subscriber", &[id, phone]).unwrap();
        },
    ];
    for end in ends {
        let mut scene = Scene::of(&["monitor", "phone"]);
        let topics = listen(&mut scene, "monitor", &TOPICS);
        let id = make(&mut scene, "phone", "com.x", Match::Exact);
        let both = vec![id_of(&scene, "phone"), id.get().into()];
        heard(&mut scene, "monitor");
        heard(&mut scene, "monitor");
        end(&mut scene, id.get().into());
        assert_eq!(heard(&mut scene, "monitor"), (topics[2], both.clone()));
        assert_eq!(heard(&mut scene, "monitor"), (topics[3], both));
        scene.expect_nothing("monitor");
    }
}

#[test]
fn a_subscriber_that_is_removed_is_told_why_if_it_understands_that() {
    let mut scene = Scene::of(&["desktop"]);
    let features = Features {
        subscription_revocation: true,
        ..Features::default()
    };
    scene.join_with("phone", features);
    let id = make(&mut scene, "phone", "com.x", Match::Exact);
    let phone = id_of(&scene, "phone");
    let args = [id.get().into(), phone];
    let why = [("reason", "com.example.moved".into())];
    let remove = |scene: &mut Scene| ask_with(scene, "desktop", "wamp.subscription.remove_subscriber", &args, &why);
    assert_eq!(remove(&mut scene), Ok(Value::Null));
    let Message::SubscriptionRevoked(revoked) = scene.expect("phone") else {
        panic!("it was not told")
    };
    assert_eq!(revoked.subscription, id);
    assert_eq!(revoked.reason, Some("com.example.moved".into()));
    assert_eq!(remove(&mut scene), refused("wamp.error.no_such_subscription"));
    assert!(scene.is_clean());
}

#[test]
fn only_a_subscriber_can_be_removed() {
    let mut scene = Scene::of(&["desktop", "phone"]);
    let id: Value = make(&mut scene, "phone", "com.x", Match::Exact).get().into();
    let desktop = id_of(&scene, "desktop");
    let remove = |scene: &mut Scene, args: &[Value]| ask(scene, "desktop", "wamp.subscription.remove_subscriber", args);
    assert_eq!(
        remove(&mut scene, &[id.clone(), desktop.clone()]),
        refused("wamp.error.no_such_subscription")
    );
    assert_eq!(
        remove(&mut scene, &[77_u64.into(), desktop]),
        refused("wamp.error.no_such_subscription")
    );
    assert_eq!(
        remove(&mut scene, &[id.clone(), 1_u64.into()]),
        refused("wamp.error.no_such_session")
    );
    let phone = id_of(&scene, "phone");
    assert_eq!(
        remove(&mut scene, &[id, phone, "a b".into()]),
        refused("wamp.error.invalid_uri")
    );
    scene.expect_nothing("phone");
}

#[test]
fn the_first_makes_a_subscription_the_others_join_it_and_the_last_ends_it() {
    let mut scene = Scene::of(&["monitor", "phone", "tablet"]);
    let topics = listen(&mut scene, "monitor", &TOPICS);
    let id = make(&mut scene, "phone", "com.x", Match::Exact);
    assert_eq!(make(&mut scene, "tablet", "com.x", Match::Exact), id);
    // Once more is not one more.
    assert_eq!(make(&mut scene, "tablet", "com.x", Match::Exact), id);
    scene.leave("phone");
    scene.leave("tablet");
    let heard: Vec<_> = (0..6).map(|_| heard(&mut scene, "monitor").0).collect();
    assert_eq!(heard, [0, 1, 1, 2, 2, 3].map(|place| topics[place]));
    scene.expect_nothing("monitor");
}

#[test]
fn a_monitor_hears_of_other_monitors_and_not_of_itself() {
    let mut scene = Scene::of(&["monitor", "other"]);
    let topics = listen(&mut scene, "monitor", &TOPICS);
    scene.expect_nothing("monitor");
    let others = make(&mut scene, "other", "wamp.session.on_join", Match::Exact);
    for place in [0, 1] {
        assert_eq!(heard(&mut scene, "monitor").0, topics[place]);
    }
    scene.send("monitor", subscribe(1, "com.x", Match::Exact));
    let Message::Subscribed(subscribed) = scene.expect("monitor") else {
        panic!("it did not subscribe")
    };
    let own = subscribed.subscription;
    for place in [0, 1] {
        assert_eq!(heard(&mut scene, "monitor").0, topics[place]);
    }
    for (number, (name, subscription)) in [("other", others), ("monitor", own)].into_iter().enumerate() {
        let request = request(number as u64 + 5);
        scene.send(name, Message::Unsubscribe(Unsubscribe { request, subscription }));
    }
    assert_eq!(heard(&mut scene, "monitor").0, topics[2]);
    assert_eq!(heard(&mut scene, "monitor").0, topics[3]);
    assert!(matches!(scene.expect("monitor"), Message::Unsubscribed(_)));
    assert_eq!(heard(&mut scene, "monitor").0, topics[2]);
    assert_eq!(heard(&mut scene, "monitor").0, topics[3]);
    let subscription = topics[0];
    scene.send(
        "monitor",
        Message::Unsubscribe(Unsubscribe {
            request: request(9),
            subscription,
        }),
    );
    assert!(matches!(scene.expect("monitor"), Message::Unsubscribed(_)));
    scene.expect_nothing("monitor");
}
