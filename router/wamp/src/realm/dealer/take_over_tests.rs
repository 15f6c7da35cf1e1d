//! Procedures that change hands.

use std::sync::Arc;

use super::super::role::{Action, Actions, Consent, Disclose, Role, Rule};
use super::super::scene::{Scene, answer, call, register_with};
use super::super::{Principal, Settings};
use crate::acceptor::Features;
use crate::message::{Invoke, Match, Message, RegisterOptions, RequestKind};
use crate::value::Dict;

fn forcing() -> RegisterOptions {
    RegisterOptions {
        force_reregister: true,
        ..RegisterOptions::default()
    }
}

fn role(allow: Actions) -> Role {
    let rule = Rule {
        uri: "".into(),
        policy: Match::Prefix,
        allow,
        disclose: Disclose::OnRequest,
        consent: Consent::Given,
        trustlevel: None,
    };
    Role::new("r", vec![rule]).expect("the rule is sound")
}

/// Joins as this principal, with a proof.
fn join(scene: &mut Scene, name: &'static str, authid: &str, allow: Actions) {
    let principal = Principal {
        authid: authid.into(),
        role: Arc::new(role(allow)),
        method: "cryptosign",
        provider: "static",
        authextra: Dict::new(),
    };
    let features = Features {
        registration_revocation: true,
        ..Features::default()
    };
    scene.join_as(name, principal, features);
}

fn everything() -> Actions {
    [Action::Call, Action::Register, Action::TakeOver].into_iter().collect()
}

#[test]
fn a_principal_that_comes_back_takes_its_procedure_over() {
    let mut scene = Scene::of(&["caller"]);
    join(&mut scene, "old", "phone", Actions::ALL);
    join(&mut scene, "new", "phone", Actions::ALL);
    let registration = scene.offer_with("old", "com.p", RegisterOptions::default());
    scene.send("caller", call(1, "com.p"));
    scene.expect_invocation("old");
    scene.offer_with("new", "com.p", forcing());
    let Message::RegistrationRevoked(revoked) = scene.expect("old") else {
        panic!("the old one does not know")
    };
    assert_eq!(revoked.registration, registration);
    assert_eq!(revoked.reason.unwrap().as_str(), "wamp.registration.taken_over");
    scene.send("caller", call(2, "com.p"));
    scene.expect_invocation("new");
    // What the old one works on already comes to its end.
    scene.send("old", answer(1));
    scene.expect_result("caller");
}

#[test]
fn another_principal_takes_over_only_with_the_right_to() {
    let mut scene = Scene::of(&["first"]);
    scene.offer("first", "com.p");
    join(&mut scene, "stranger", "stranger", Actions::ALL);
    scene.send("stranger", register_with(1, "com.p", forcing()));
    scene.expect_error("stranger", RequestKind::Register, "wamp.error.procedure_already_exists");
    join(&mut scene, "entitled", "entitled", everything());
    scene.offer_with("entitled", "com.p", forcing());
    // It does not understand revocations.
    scene.expect_nothing("first");
    scene.leave("entitled");
    scene.leave("first");
    assert!(scene.is_clean());
}

#[test]
fn an_anonymous_client_is_not_somebody_only_because_it_says_so() {
    let mut scene = Scene::of(&["phone"]);
    let principal = |method| Principal {
        authid: "phone".into(),
        role: Arc::new(role(Actions::ALL)),
        method,
        provider: "static",
        authextra: Dict::new(),
    };
    scene.offer("phone", "com.p");
    for (name, method) in [("anonymous", "anonymous"), ("proved", "cryptosign")] {
        scene.join_as(name, principal(method), Features::default());
        scene.send(name, register_with(1, "com.p", forcing()));
        scene.expect_error(name, RequestKind::Register, "wamp.error.procedure_already_exists");
    }
}

#[test]
fn a_device_that_its_link_has_proved_is_the_same_however_it_comes() {
    let mut scene = Scene::of(&[]);
    let principal = |method| Principal {
        authid: "device".into(),
        role: Arc::new(role(Actions::ALL)),
        method,
        provider: "trust",
        authextra: Dict::new(),
    };
    scene.join_as("by key", principal("cryptosign"), Features::default());
    scene.join_as("by link", principal("anonymous"), Features::default());
    scene.offer_with("by key", "com.p", RegisterOptions::default());
    scene.offer_with("by link", "com.p", forcing());
}

#[test]
fn all_callees_of_a_shared_procedure_lose_it() {
    let mut scene = Scene::of(&[]);
    let sharing = || RegisterOptions {
        invoke: Invoke::RoundRobin,
        ..RegisterOptions::default()
    };
    for name in ["a", "b"] {
        join(&mut scene, name, "phone", Actions::ALL);
        scene.offer_with(name, "com.p", sharing());
    }
    // One of them is somebody else's.
    join(&mut scene, "c", "other", Actions::ALL);
    scene.offer_with("c", "com.p", sharing());
    join(&mut scene, "d", "phone", Actions::ALL);
    scene.send("d", register_with(1, "com.p", forcing()));
    scene.expect_error("d", RequestKind::Register, "wamp.error.procedure_already_exists");
    scene.leave("c");
    scene.offer_with("d", "com.p", forcing());
    for name in ["a", "b"] {
        assert!(matches!(scene.expect(name), Message::RegistrationRevoked(_)));
    }
    for name in ["a", "b", "d"] {
        scene.leave(name);
    }
    assert!(scene.is_clean());
}

#[test]
fn a_session_may_take_over_from_itself_at_the_end_of_its_quota() {
    let settings = Settings {
        quota: crate::limits::Quota {
            registrations: 1,
            ..Default::default()
        },
        ..Settings::default()
    };
    let mut scene = Scene::with(settings, &[]);
    join(&mut scene, "a", "phone", Actions::ALL);
    let old = scene.offer_with("a", "com.p", RegisterOptions::default());
    scene.send("a", register_with(2, "com.p", forcing()));
    assert!(matches!(scene.expect("a"), Message::RegistrationRevoked(it) if it.registration == old));
    assert!(matches!(scene.expect("a"), Message::Registered(it) if it.registration != old));
    scene.send("a", register_with(3, "com.q", RegisterOptions::default()));
    scene.expect_error("a", RequestKind::Register, "wamp.error.unavailable");
}

#[test]
fn an_exclusive_procedure_has_one_callee_and_stays_with_its_principal() {
    let settings = Settings {
        exclusive: Some("org.desk.".into()),
        ..Settings::default()
    };
    let mut scene = Scene::with(settings, &[]);
    join(&mut scene, "own", "desk", Actions::ALL);
    let sharing = RegisterOptions {
        invoke: Invoke::First,
        ..RegisterOptions::default()
    };
    for policy in [Match::Exact, Match::Prefix] {
        let options = RegisterOptions {
            policy,
            ..sharing.clone()
        };
        scene.send("own", register_with(1, "org.desk.lock", options));
        scene.expect_error("own", RequestKind::Register, "wamp.error.option_not_allowed");
    }
    scene.offer_with("own", "org.elsewhere", sharing);
    scene.offer_with("own", "org.desk.lock", RegisterOptions::default());
    join(&mut scene, "entitled", "entitled", everything());
    scene.send("entitled", register_with(1, "org.desk.lock", forcing()));
    scene.expect_error("entitled", RequestKind::Register, "wamp.error.procedure_already_exists");
    join(&mut scene, "again", "desk", Actions::ALL);
    scene.offer_with("again", "org.desk.lock", forcing());
}
