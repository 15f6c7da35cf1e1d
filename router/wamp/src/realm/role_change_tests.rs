//! What a session keeps, and what it loses, when its role changes while it is there.

use std::sync::Arc;

use super::Principal;
use super::role::{Action, Consent, Disclose, Role, Rule};
use super::scene::{Scene, answer, call, publish, subscribe};
use crate::message::{Match, Message, PublishOptions, RequestKind};
use crate::resumption::{Granted, Outcome};
use crate::value::Dict;

fn role(name: &str, uri: &str, allow: &[Action]) -> Role {
    let rule = Rule {
        uri: uri.into(),
        policy: Match::Prefix,
        allow: allow.iter().copied().collect(),
        disclose: Disclose::Always,
        consent: Consent::Given,
        trustlevel: None,
    };
    Role::new(name, vec![rule]).unwrap()
}

#[test]
fn subscriptions_that_the_new_role_forbids_end_and_the_others_stay() {
    let mut scene = Scene::of(&["desktop"]);
    scene.join("phone", Role::unrestricted("full"));
    scene.send("phone", subscribe(1, "org.a.t", Match::Exact));
    scene.send("phone", subscribe(2, "org.b.t", Match::Exact));
    scene.send("phone", subscribe(3, "org.", Match::Prefix));
    for _ in 0..3 {
        assert!(matches!(scene.expect("phone"), Message::Subscribed(_)));
    }
    scene.set_role("phone", role("a", "org.a.", &[Action::Subscribe]));
    scene.send("desktop", publish(1, "org.b.t", PublishOptions::default()));
    scene.expect_nothing("phone");
    scene.send("desktop", publish(2, "org.a.t", PublishOptions::default()));
    assert!(matches!(scene.expect("phone"), Message::Event(_)));
    scene.expect_nothing("phone");
    scene.leave("phone");
    assert!(scene.is_clean());
}

#[test]
fn registrations_that_the_new_role_forbids_end_and_their_uris_are_free() {
    let mut scene = Scene::of(&["desktop"]);
    scene.join("phone", Role::unrestricted("full"));
    scene.offer("phone", "org.a.p");
    scene.offer("phone", "org.b.p");
    scene.set_role("phone", role("a", "org.a.", &[Action::Register]));
    scene.send("desktop", call(1, "org.b.p"));
    scene.expect_error("desktop", RequestKind::Call, "wamp.error.no_such_procedure");
    scene.offer("desktop", "org.b.p");
    scene.send("desktop", call(2, "org.a.p"));
    assert!(matches!(scene.expect("phone"), Message::Invocation(_)));
}

#[test]
fn a_call_that_is_worked_on_comes_to_its_end() {
    let mut scene = Scene::of(&["desktop"]);
    scene.offer("desktop", "org.b.p");
    scene.join("phone", Role::unrestricted("full"));
    scene.send("phone", call(1, "org.b.p"));
    assert!(matches!(scene.expect("desktop"), Message::Invocation(_)));
    scene.set_role("phone", role("a", "org.a.", &[Action::Call]));
    scene.send("phone", call(2, "org.b.p"));
    scene.expect_error("phone", RequestKind::Call, "wamp.error.not_authorized");
    scene.send("desktop", answer(1));
    assert!(matches!(scene.expect("phone"), Message::Result(_)));
}

#[test]
fn the_new_role_is_the_one_that_is_disclosed() {
    let mut scene = Scene::of(&["desktop"]);
    scene.offer("desktop", "org.a.p");
    scene.join("phone", Role::unrestricted("full"));
    scene.set_role("phone", role("a", "org.a.", &[Action::Call]));
    scene.send("phone", call(1, "org.a.p"));
    let Message::Invocation(invocation) = scene.expect("desktop") else {
        panic!("the call did not come")
    };
    assert_eq!(
        invocation.details.caller.map(|caller| caller.authrole),
        Some(Arc::from("a"))
    );
}

#[test]
fn whoever_returns_with_another_role_has_that_from_then_on() {
    let mut scene = Scene::of(&["desktop"]);
    scene.join("phone", Role::unrestricted("full"));
    scene.send("phone", subscribe(1, "org.b.t", Match::Exact));
    assert!(matches!(scene.expect("phone"), Message::Subscribed(_)));
    let session = scene.session("phone");
    let mut principal = Principal {
        authid: "phone".into(),
        role: Arc::new(Role::unrestricted("full")),
        method: "anonymous",
        provider: "static",
        authextra: Dict::new(),
    };
    assert!(scene.realm.is_of(session, &principal));
    let granted = Granted {
        token: String::new(),
        within_s: 1,
        outcome: Outcome::Resumed(1),
    };
    let welcomed = |scene: &mut Scene, principal: &Principal| {
        let mut out = Vec::new();
        let welcome = scene.realm.resume(session, principal, Dict::new(), &granted, &mut out);
        scene.sort(out);
        let Message::Welcome(welcome) = welcome else { panic!() };
        assert_eq!(welcome.session, session);
        welcome.details["authrole"].clone()
    };
    assert_eq!(welcomed(&mut scene, &principal), "full".into());
    scene.send("desktop", publish(1, "org.b.t", PublishOptions::default()));
    assert!(matches!(scene.expect("phone"), Message::Event(_)));
    principal.role = Arc::new(role("a", "org.a.", &[Action::Subscribe]));
    assert_eq!(welcomed(&mut scene, &principal), "a".into());
    scene.send("desktop", publish(2, "org.b.t", PublishOptions::default()));
    scene.expect_nothing("phone");
    principal.provider = "trust";
    assert!(!scene.realm.is_of(session, &principal));
    scene.leave("phone");
    assert!(scene.is_clean());
}
