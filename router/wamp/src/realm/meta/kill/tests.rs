//! Who can be killed, what that session is told, and what is left of it.

use std::sync::Arc;

use super::super::testing::{ask, ask_with, heard, id_of, listen};
use crate::acceptor::Features;
use crate::limits::MAX_GOODBYE_MESSAGE;
use crate::message::{Goodbye, Invoke, Message, RegisterOptions, RequestKind};
use crate::realm::role::Role;
use crate::realm::scene::{Scene, call};
use crate::realm::{INTERNAL_PROVIDER, Principal};
use crate::value::{Dict, Value};

fn crowd() -> Scene {
    let mut scene = Scene::of(&["desktop"]);
    scene.join("phone", Role::unrestricted("remote"));
    scene.join("tablet", Role::unrestricted("remote"));
    scene
}

fn goodbye(scene: &mut Scene, name: &str) -> Goodbye {
    let Message::Goodbye(goodbye) = scene.expect(name) else {
        panic!("{name} got no goodbye")
    };
    goodbye
}

fn refused(error: &str) -> Result<Value, String> {
    Err(error.to_owned())
}

#[test]
fn a_killed_session_is_gone_at_once_and_gets_a_goodbye_and_nothing_more() {
    let mut scene = crowd();
    scene.offer("phone", "com.p");
    let topics = [
        "wamp.session.on_leave",
        "wamp.subscription.on_unsubscribe",
        "wamp.registration.on_delete",
    ];
    listen(&mut scene, "phone", &topics);
    let phone = id_of(&scene, "phone");
    assert_eq!(
        ask(&mut scene, "desktop", "wamp.session.kill", std::slice::from_ref(&phone)),
        Ok(Value::Null)
    );
    let last = goodbye(&mut scene, "phone");
    assert_eq!(last.reason, "wamp.close.normal");
    assert!(last.details.is_empty(), "no message was given");
    scene.expect_nothing("phone");
    let count = ask(&mut scene, "desktop", "wamp.session.count", &[]);
    assert_eq!(count, Ok(2_u64.into()));
    scene.send("desktop", call(1, "com.p"));
    scene.expect_error("desktop", RequestKind::Call, "wamp.error.no_such_procedure");
    assert_eq!(
        ask(&mut scene, "desktop", "wamp.session.kill", &[phone]),
        refused("wamp.error.no_such_session")
    );
    assert!(scene.is_clean());
}

#[test]
fn reason_and_message_of_a_kill_are_those_of_the_goodbye() {
    let mut scene = crowd();
    let phone = id_of(&scene, "phone");
    let by_name = [("reason", "com.example.bye".into()), ("message", "go home".into())];
    let answer = ask_with(&mut scene, "desktop", "wamp.session.kill", &[phone], &by_name);
    assert_eq!(answer, Ok(Value::Null));
    let last = goodbye(&mut scene, "phone");
    assert_eq!(last.reason, "com.example.bye");
    assert_eq!(last.details.get("message"), Some(&"go home".into()));
}

#[test]
fn a_reason_that_is_no_uri_ends_nobody() {
    let mut scene = crowd();
    let phone = id_of(&scene, "phone");
    for reason in [
        "".into(),
        "a b".into(),
        "a..b".into(),
        7_u64.into(),
        Value::List(vec![]),
    ] {
        let kwargs = [("reason", reason)];
        for (procedure, args) in [
            ("wamp.session.kill", vec![phone.clone()]),
            ("wamp.session.kill_by_authid", vec!["phone".into()]),
            ("wamp.session.kill_by_authrole", vec!["remote".into()]),
            ("wamp.session.kill_all", vec![]),
        ] {
            let answer = ask_with(&mut scene, "desktop", procedure, &args, &kwargs);
            assert_eq!(answer, refused("wamp.error.invalid_uri"), "{procedure} {kwargs:?}");
        }
    }
    scene.expect_nothing("phone");
}

#[test]
fn the_longest_message_is_sent_and_a_longer_one_or_no_text_is_refused() {
    let mut scene = crowd();
    let kill = |scene: &mut Scene, name: &str, message: Value| {
        let session = id_of(scene, name);
        ask_with(
            scene,
            "desktop",
            "wamp.session.kill",
            &[session],
            &[("message", message)],
        )
    };
    let text = |length: usize| Value::from("x".repeat(length));
    let wrong = refused("wamp.error.invalid_argument");
    assert_eq!(kill(&mut scene, "phone", text(MAX_GOODBYE_MESSAGE + 1)), wrong);
    assert_eq!(kill(&mut scene, "phone", 7_u64.into()), wrong);
    assert_eq!(kill(&mut scene, "phone", text(MAX_GOODBYE_MESSAGE)), Ok(Value::Null));
    assert_eq!(kill(&mut scene, "tablet", Value::Null), Ok(Value::Null));
    assert!(goodbye(&mut scene, "tablet").details.is_empty());
}

#[test]
fn nobody_can_kill_itself_or_who_is_not_there() {
    let mut scene = crowd();
    let own = id_of(&scene, "desktop");
    for session in [own, 1_u64.into(), 0_u64.into()] {
        let answer = ask(&mut scene, "desktop", "wamp.session.kill", &[session]);
        assert_eq!(answer, refused("wamp.error.no_such_session"));
    }
    let answer = ask(
        &mut scene,
        "desktop",
        "wamp.session.kill_by_authid",
        &["desktop".into()],
    );
    assert_eq!(answer, Ok(Value::List(vec![])));
    let answer = ask(
        &mut scene,
        "desktop",
        "wamp.session.kill_by_authrole",
        &["anonymous".into()],
    );
    assert_eq!(answer, Ok(0_u64.into()));
    scene.expect_nothing("desktop");
}

#[test]
fn sessions_are_killed_by_authid_with_a_list_and_by_role_with_a_count() {
    let mut scene = crowd();
    let phone = id_of(&scene, "phone");
    let by_authid = ask(&mut scene, "desktop", "wamp.session.kill_by_authid", &["phone".into()]);
    assert_eq!(by_authid, Ok(Value::List(vec![phone])));
    goodbye(&mut scene, "phone");
    scene.join("watch", Role::unrestricted("remote"));
    let by_role = ask(
        &mut scene,
        "tablet",
        "wamp.session.kill_by_authrole",
        &["remote".into()],
    );
    assert_eq!(by_role, Ok(1_u64.into()), "the caller has that role too");
    goodbye(&mut scene, "watch");
    scene.expect_nothing("tablet");
}

#[test]
fn all_others_are_killed_and_hear_nothing_of_each_other() {
    let mut scene = crowd();
    for name in ["desktop", "phone", "tablet"] {
        listen(&mut scene, name, &["wamp.session.on_leave"]);
    }
    assert_eq!(
        ask(&mut scene, "desktop", "wamp.session.kill_all", &[]),
        Ok(2_u64.into())
    );
    for name in ["phone", "tablet"] {
        goodbye(&mut scene, name);
        scene.expect_nothing(name);
        heard(&mut scene, "desktop");
    }
    scene.expect_nothing("desktop");
}

#[test]
fn calls_between_two_that_are_killed_together_leave_no_trace() {
    let mut scene = crowd();
    scene.offer("phone", "com.p");
    scene.send("tablet", call(1, "com.p"));
    scene.offer("tablet", "com.t");
    scene.send("phone", call(1, "com.t"));
    assert!(matches!(scene.expect("phone"), Message::Invocation(_)));
    assert!(matches!(scene.expect("tablet"), Message::Invocation(_)));
    assert_eq!(
        ask(&mut scene, "desktop", "wamp.session.kill_all", &[]),
        Ok(2_u64.into())
    );
    for name in ["phone", "tablet"] {
        goodbye(&mut scene, name);
        scene.expect_nothing(name);
    }
    assert!(scene.is_clean());
}

#[test]
fn a_call_to_callees_that_are_killed_together_ends_once_and_invokes_none_of_the_dead() {
    let mut scene = crowd();
    let shared = RegisterOptions {
        invoke: Invoke::RoundRobin,
        ..RegisterOptions::default()
    };
    for name in ["phone", "tablet"] {
        scene.offer_with(name, "com.p", shared.clone());
    }
    scene.send("desktop", call(1, "com.p"));
    scene.expect_invocation("phone");
    assert_eq!(
        ask(&mut scene, "desktop", "wamp.session.kill_all", &[]),
        Ok(2_u64.into())
    );
    scene.expect_error("desktop", RequestKind::Call, "wamp.error.canceled");
    scene.expect_nothing("desktop");
    for name in ["phone", "tablet"] {
        goodbye(&mut scene, name);
        scene.expect_nothing(name);
    }
    assert!(scene.is_clean());
}

#[test]
fn sessions_of_the_program_around_the_router_stay() {
    let mut scene = crowd();
    let own = Principal {
        authid: "slides".into(),
        role: Arc::new(Role::unrestricted("owner")),
        method: "anonymous",
        provider: INTERNAL_PROVIDER,
        authextra: Dict::new(),
    };
    scene.join_as("slides", own, Features::default());
    let slides = id_of(&scene, "slides");
    let answer = ask(
        &mut scene,
        "desktop",
        "wamp.session.kill",
        std::slice::from_ref(&slides),
    );
    assert_eq!(answer, refused("wamp.error.not_authorized"));
    let by_authid = ask(&mut scene, "desktop", "wamp.session.kill_by_authid", &["slides".into()]);
    assert_eq!(by_authid, Ok(Value::List(vec![])));
    assert_eq!(
        ask(&mut scene, "desktop", "wamp.session.kill_all", &[]),
        Ok(2_u64.into())
    );
    scene.expect_nothing("slides");
    scene.offer("slides", "com.s");
    let registration = ask(&mut scene, "desktop", "wamp.registration.match", &["com.s".into()]).unwrap();
    let answer = ask(
        &mut scene,
        "desktop",
        "wamp.registration.remove_callee",
        &[registration, slides],
    );
    assert_eq!(answer, refused("wamp.error.not_authorized"));
}
