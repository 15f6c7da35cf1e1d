//! What the router tells of registrations, when it is asked and when they change.

use std::sync::Arc;

use super::super::testing::{ask, ask_with, heard, id_of, listen};
use crate::acceptor::Features;
use crate::id::RegistrationId;
use crate::message::{Invoke, Match, Message, RegisterOptions, Unregister};
use crate::realm::Principal;
use crate::realm::role::Role;
use crate::realm::scene::{Scene, register, request};
use crate::value::{Dict, Value};

const TOPICS: [&str; 4] = [
    "wamp.registration.on_create",
    "wamp.registration.on_register",
    "wamp.registration.on_unregister",
    "wamp.registration.on_delete",
];

fn make(scene: &mut Scene, name: &str, uri: &str, policy: Match) -> RegistrationId {
    scene.send(name, register(1, uri, policy));
    let Message::Registered(done) = scene.expect_last(name) else {
        panic!("{uri} was refused")
    };
    done.registration
}

fn ids(ids: &[RegistrationId]) -> Value {
    ids.iter().map(|id| id.get().into()).collect::<Vec<Value>>().into()
}

fn refused(error: &str) -> Result<Value, String> {
    Err(error.to_owned())
}

/// An exact one, a prefix and a wildcard.
fn three(scene: &mut Scene) -> [RegistrationId; 3] {
    [
        ("a.b.c", Match::Exact),
        ("a.b", Match::Prefix),
        ("a..c", Match::Wildcard),
    ]
    .map(|(uri, policy)| make(scene, "phone", uri, policy))
}

#[test]
fn registrations_are_listed_by_their_policies() {
    let mut scene = Scene::of(&["phone"]);
    let [exact, prefix, wildcard] = three(&mut scene);
    let another = make(&mut scene, "phone", "z", Match::Exact);
    let all = [
        ("exact", ids(&[exact, another])),
        ("prefix", ids(&[prefix])),
        ("wildcard", ids(&[wildcard])),
    ];
    assert_eq!(
        ask(&mut scene, "phone", "wamp.registration.list", &[]),
        Ok(Value::dict(all))
    );
    scene.leave("phone");
    scene.join("tablet", Role::unrestricted("x"));
    let none = ["exact", "prefix", "wildcard"].map(|policy| (policy, ids(&[])));
    assert_eq!(
        ask(&mut scene, "tablet", "wamp.registration.list", &[]),
        Ok(Value::dict(none))
    );
}

#[test]
fn nothing_matches_what_no_call_of_a_pattern_can_be_for() {
    let mut scene = Scene::of(&["phone"]);
    let every = make(&mut scene, "phone", "", Match::Prefix);
    for (uri, found) in [
        ("w", Value::from(every.get())),
        ("wampum", every.get().into()),
        ("wamp", Value::Null),
        ("wamp.session.nothing", Value::Null),
        ("wamp.session.count", Value::Null),
        ("a b", Value::Null),
        ("a..b", Value::Null),
    ] {
        let answer = ask(&mut scene, "phone", "wamp.registration.match", &[uri.into()]);
        assert_eq!(answer, Ok(found), "{uri}");
    }
}

#[test]
fn lookup_finds_just_this_procedure_and_null_for_another() {
    let mut scene = Scene::of(&["phone"]);
    let [exact, prefix, wildcard] = three(&mut scene);
    let lookup = |scene: &mut Scene, uri: &str, options: Value| {
        ask(scene, "phone", "wamp.registration.lookup", &[uri.into(), options])
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
fn match_finds_the_best_and_null_when_there_is_none() {
    let mut scene = Scene::of(&["phone"]);
    let [exact, prefix, wildcard] = three(&mut scene);
    let found = |scene: &mut Scene, uri: &str| ask(scene, "phone", "wamp.registration.match", &[uri.into()]);
    for (uri, id) in [("a.b.c", exact), ("a.bc", prefix), ("a.x.c", wildcard)] {
        assert_eq!(found(&mut scene, uri), Ok(id.get().into()), "{uri}");
    }
    assert_eq!(found(&mut scene, "x"), Ok(Value::Null));
    let answer = ask(&mut scene, "phone", "wamp.registration.match", &[1_u64.into()]);
    assert_eq!(answer, refused("wamp.error.invalid_argument"));
}

#[test]
fn everything_is_told_of_a_registration_and_of_who_holds_it() {
    let mut scene = Scene::of(&["phone", "tablet"]);
    let [_, prefix, _] = three(&mut scene);
    let expected = Value::dict([
        ("id", prefix.get().into()),
        ("created", "1970-01-01T00:00:00Z".into()),
        ("match", "prefix".into()),
        ("invoke", "single".into()),
        ("uri", "a.b".into()),
    ]);
    let about = |scene: &mut Scene, what: &str| {
        ask(
            scene,
            "tablet",
            &format!("wamp.registration.{what}"),
            &[prefix.get().into()],
        )
    };
    assert_eq!(about(&mut scene, "get"), Ok(expected));
    assert_eq!(
        about(&mut scene, "list_callees"),
        Ok(vec![id_of(&scene, "phone")].into())
    );
    assert_eq!(about(&mut scene, "count_callees"), Ok(1_u64.into()));
}

#[test]
fn of_a_registration_that_is_not_there_nothing_is_told() {
    let mut scene = Scene::of(&["phone"]);
    for procedure in ["get", "list_callees", "count_callees"] {
        let uri = format!("wamp.registration.{procedure}");
        for unknown in [0_u64, 1, u64::MAX] {
            let answer = ask(&mut scene, "phone", &uri, &[unknown.into()]);
            assert_eq!(answer, refused("wamp.error.no_such_registration"));
        }
        let answer = ask(&mut scene, "phone", &uri, &["1".into()]);
        assert_eq!(answer, refused("wamp.error.invalid_argument"));
    }
}

#[test]
fn events_tell_of_a_registration_from_its_making_to_its_end_in_order() {
    let mut scene = Scene::of(&["monitor", "phone"]);
    let topics = listen(&mut scene, "monitor", &TOPICS);
    let id = make(&mut scene, "phone", "com.x", Match::Exact);
    let phone = id_of(&scene, "phone");
    let details = ask(&mut scene, "phone", "wamp.registration.get", &[id.get().into()]).unwrap();
    let both = vec![phone.clone(), id.get().into()];
    assert_eq!(heard(&mut scene, "monitor"), (topics[0], vec![phone, details]));
    assert_eq!(heard(&mut scene, "monitor"), (topics[1], both.clone()));
    scene.send(
        "phone",
        Message::Unregister(Unregister {
            request: request(2),
            registration: id,
        }),
    );
    assert_eq!(heard(&mut scene, "monitor"), (topics[2], both.clone()));
    assert_eq!(heard(&mut scene, "monitor"), (topics[3], both));
    scene.expect_nothing("monitor");
}

#[test]
fn whatever_takes_a_registration_away_is_told_the_same_way() {
    let ends: [fn(&mut Scene, Value); 4] = [
        |scene, _| scene.leave("phone"),
        |scene, _| scene.set_role("phone", Role::new("less", vec![]).unwrap()),
        |scene, _| {
            let phone = id_of(scene, "phone");
            ask(scene, "monitor", "wamp.session.kill", &[phone]).unwrap();
        },
        |scene, id| {
            let phone = id_of(scene, "phone");
            ask(scene, "monitor", "wamp.registration.remove_callee", &[id, phone]).unwrap();
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
fn a_callee_that_is_removed_is_told_why_if_it_understands_that() {
    let mut scene = Scene::of(&["desktop"]);
    let features = Features {
        registration_revocation: true,
        ..Features::default()
    };
    scene.join_with("phone", features);
    let id = make(&mut scene, "phone", "com.x", Match::Exact);
    let phone = id_of(&scene, "phone");
    let args = [id.get().into(), phone];
    let why = [("reason", "com.example.moved".into())];
    let remove = |scene: &mut Scene| ask_with(scene, "desktop", "wamp.registration.remove_callee", &args, &why);
    assert_eq!(remove(&mut scene), Ok(Value::Null));
    let Message::RegistrationRevoked(revoked) = scene.expect("phone") else {
        panic!("it was not told")
    };
    assert_eq!(revoked.registration, id);
    assert_eq!(revoked.reason, Some("com.example.moved".into()));
    assert_eq!(remove(&mut scene), refused("wamp.error.no_such_registration"));
    assert!(scene.is_clean());
}

#[test]
fn only_a_callee_can_be_removed() {
    let mut scene = Scene::of(&["desktop", "phone"]);
    let id: Value = make(&mut scene, "phone", "com.x", Match::Exact).get().into();
    let desktop = id_of(&scene, "desktop");
    let remove = |scene: &mut Scene, args: &[Value]| ask(scene, "desktop", "wamp.registration.remove_callee", args);
    assert_eq!(
        remove(&mut scene, &[id.clone(), desktop.clone()]),
        refused("wamp.error.no_such_registration")
    );
    assert_eq!(
        remove(&mut scene, &[77_u64.into(), desktop]),
        refused("wamp.error.no_such_registration")
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

fn shared() -> RegisterOptions {
    RegisterOptions {
        invoke: Invoke::RoundRobin,
        ..RegisterOptions::default()
    }
}

#[test]
fn the_first_makes_a_shared_registration_the_others_join_it_and_the_last_ends_it() {
    let mut scene = Scene::of(&["monitor", "phone", "tablet"]);
    let topics = listen(&mut scene, "monitor", &TOPICS);
    let id = scene.offer_with("phone", "com.x", shared());
    assert_eq!(scene.offer_with("tablet", "com.x", shared()), id);
    let told = ask(&mut scene, "phone", "wamp.registration.get", &[id.get().into()]).unwrap();
    assert_eq!(told.as_dict().unwrap()["invoke"], "roundrobin".into());
    let callees = ask(
        &mut scene,
        "phone",
        "wamp.registration.list_callees",
        &[id.get().into()],
    );
    let both = vec![id_of(&scene, "phone"), id_of(&scene, "tablet")];
    assert_eq!(callees, Ok(both.into()));
    scene.leave("phone");
    scene.leave("tablet");
    let heard: Vec<_> = (0..6).map(|_| heard(&mut scene, "monitor").0).collect();
    assert_eq!(heard, [0, 1, 1, 2, 2, 3].map(|place| topics[place]));
    scene.expect_nothing("monitor");
}

#[test]
fn a_procedure_that_is_taken_over_ends_before_it_begins_anew() {
    let mut scene = Scene::of(&["monitor"]);
    let topics = listen(&mut scene, "monitor", &TOPICS);
    let again = |name: &'static str| Principal {
        authid: "joe".into(),
        role: Arc::new(Role::unrestricted(name)),
        method: "cryptosign",
        provider: "static",
        authextra: Dict::new(),
    };
    scene.join_as("old", again("old"), Features::default());
    scene.join_as("new", again("new"), Features::default());
    scene.offer("old", "com.x");
    let force = RegisterOptions {
        force_reregister: true,
        ..RegisterOptions::default()
    };
    scene.offer_with("new", "com.x", force);
    let events: Vec<_> = (0..6).map(|_| heard(&mut scene, "monitor")).collect();
    let order: Vec<_> = events.iter().map(|(topic, _)| *topic).collect();
    assert_eq!(order, [0, 1, 2, 3, 0, 1].map(|place| topics[place]));
    let who: Vec<_> = events.iter().map(|(_, args)| args[0].clone()).collect();
    let (old, new) = (id_of(&scene, "old"), id_of(&scene, "new"));
    assert_eq!(who, [&old, &old, &old, &old, &new, &new].map(Value::clone));
}
