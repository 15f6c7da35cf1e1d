//! What the router tells of sessions, and to whom.

use super::super::testing::{ask, ask_with, heard, id_of, listen};
use crate::limits::MAX_SESSION_DETAILS;
use crate::message::{Goodbye, Message};
use crate::realm::role::Role;
use crate::realm::scene::Scene;
use crate::value::{Dict, Value};

const WRONG: &str = "wamp.error.invalid_argument";

fn list(values: &[Value]) -> Value {
    values.to_vec().into()
}

fn crowd() -> Scene {
    let mut scene = Scene::of(&["desktop"]);
    scene.join("phone", Role::unrestricted("remote"));
    scene.join("tablet", Role::unrestricted("remote"));
    scene
}

#[test]
fn sessions_are_counted_and_listed_all_or_those_with_certain_roles() {
    let mut scene = crowd();
    let count = |scene: &mut Scene, filter: &[Value]| ask(scene, "phone", "wamp.session.count", filter);
    assert_eq!(count(&mut scene, &[]), Ok(3_u64.into()));
    assert_eq!(count(&mut scene, &[Value::Null]), Ok(3_u64.into()));
    assert_eq!(count(&mut scene, &[list(&["remote".into()])]), Ok(2_u64.into()));
    assert_eq!(
        count(&mut scene, &[list(&["remote".into(), "anonymous".into()])]),
        Ok(3_u64.into())
    );
    assert_eq!(count(&mut scene, &[list(&["nobody".into()])]), Ok(0_u64.into()));
    assert_eq!(count(&mut scene, &[list(&[])]), Ok(0_u64.into()));
    let by_name = [("filter_authroles", list(&["anonymous".into()]))];
    let desktop = list(&[id_of(&scene, "desktop")]);
    assert_eq!(
        ask_with(&mut scene, "phone", "wamp.session.list", &[], &by_name),
        Ok(desktop)
    );
    let Ok(Value::List(all)) = ask(&mut scene, "phone", "wamp.session.list", &[]) else {
        panic!("no list")
    };
    assert_eq!(all.len(), 3);
    for name in ["desktop", "phone", "tablet"] {
        assert!(all.contains(&id_of(&scene, name)));
    }
}

#[test]
fn a_filter_that_is_no_list_of_roles_is_refused() {
    let mut scene = crowd();
    for filter in [7_u64.into(), list(&[7_u64.into()]), Value::dict([])] {
        for procedure in ["wamp.session.count", "wamp.session.list"] {
            let answer = ask(&mut scene, "phone", procedure, std::slice::from_ref(&filter));
            assert_eq!(answer, Err(WRONG.to_owned()), "{filter:?}");
        }
    }
}

#[test]
fn everything_is_told_of_a_session_and_nothing_of_one_that_is_not_there() {
    let mut scene = crowd();
    let phone = id_of(&scene, "phone");
    let known = Value::dict([
        ("session", phone.clone()),
        ("authid", "phone".into()),
        ("authrole", "remote".into()),
        ("authmethod", "anonymous".into()),
        ("authprovider", "static".into()),
    ]);
    let get = |scene: &mut Scene, id: Value| ask(scene, "desktop", "wamp.session.get", &[id]);
    assert_eq!(get(&mut scene, phone.clone()), Ok(known.clone()));
    let as_float = Value::Float(phone.as_f64().unwrap());
    assert_eq!(get(&mut scene, as_float), Ok(known));
    for unknown in [0_u64, 1, u64::MAX] {
        assert_eq!(
            get(&mut scene, unknown.into()),
            Err("wamp.error.no_such_session".to_owned())
        );
    }
    for wrong in [Value::Null, (-1_i64).into(), 0.5.into(), "1".into(), true.into()] {
        assert_eq!(get(&mut scene, wrong), Err(WRONG.to_owned()));
    }
    scene.leave("phone");
    assert_eq!(get(&mut scene, phone), Err("wamp.error.no_such_session".to_owned()));
}

#[test]
fn what_is_added_to_a_session_is_told_until_it_is_taken_away() {
    let mut scene = crowd();
    let phone = id_of(&scene, "phone");
    let modify = |scene: &mut Scene, details: Value| {
        let id = id_of(scene, "phone");
        ask(scene, "desktop", "wamp.session.modify_details", &[id, details])
    };
    let told = |scene: &mut Scene, key: &str| {
        let details = ask(scene, "desktop", "wamp.session.get", std::slice::from_ref(&phone)).unwrap();
        details.as_dict().unwrap().get(key).cloned()
    };
    assert_eq!(
        modify(
            &mut scene,
            Value::dict([("room", "kitchen".into()), ("floor", 2_u64.into())])
        ),
        Ok(Value::Null)
    );
    assert_eq!(
        modify(&mut scene, Value::dict([("floor", Value::Null), ("gone", Value::Null)])),
        Ok(Value::Null)
    );
    assert_eq!(told(&mut scene, "room"), Some("kitchen".into()));
    assert_eq!(told(&mut scene, "floor"), None);
    assert_eq!(told(&mut scene, "authid"), Some("phone".into()));
}

#[test]
fn who_a_session_is_cannot_be_changed_and_what_is_added_is_bounded() {
    let mut scene = crowd();
    let phone = id_of(&scene, "phone");
    let modify = |scene: &mut Scene, details: Value| {
        ask(
            scene,
            "desktop",
            "wamp.session.modify_details",
            &[phone.clone(), details],
        )
    };
    for key in [
        "session",
        "authid",
        "authrole",
        "authmethod",
        "authprovider",
        "transport",
    ] {
        assert_eq!(
            modify(&mut scene, Value::dict([(key, "x".into())])),
            Err(WRONG.to_owned()),
            "{key}"
        );
    }
    assert_eq!(modify(&mut scene, list(&[])), Err(WRONG.to_owned()));
    // The dictionary and the lengths of a key of one byte and a text of this length take six bytes of MessagePack.
    let longest = MAX_SESSION_DETAILS - 7;
    assert_eq!(
        modify(&mut scene, Value::dict([("a", "x".repeat(longest).into())])),
        Ok(Value::Null)
    );
    assert_eq!(
        modify(&mut scene, Value::dict([("a", "x".repeat(longest + 1).into())])),
        Err(WRONG.to_owned())
    );
    assert_eq!(
        modify(&mut scene, Value::dict([("b", 1_u64.into())])),
        Err(WRONG.to_owned())
    );
    assert_eq!(modify(&mut scene, Value::dict([("a", Value::Null)])), Ok(Value::Null));
    assert_eq!(modify(&mut scene, Value::dict([("b", 1_u64.into())])), Ok(Value::Null));
    let nobody = [1_u64.into(), Value::dict([])];
    let answer = ask(&mut scene, "desktop", "wamp.session.modify_details", &nobody);
    assert_eq!(answer, Err("wamp.error.no_such_session".to_owned()));
}

#[test]
fn joining_and_leaving_are_told_to_others_and_not_to_who_does_it() {
    let mut scene = Scene::of(&["desktop"]);
    let topics = listen(
        &mut scene,
        "desktop",
        &["wamp.session.on_join", "wamp.session.on_leave"],
    );
    scene.join("phone", Role::unrestricted("remote"));
    let phone = id_of(&scene, "phone");
    let known = ask(&mut scene, "phone", "wamp.session.get", std::slice::from_ref(&phone)).unwrap();
    assert_eq!(heard(&mut scene, "desktop"), (topics[0], vec![known]));
    listen(&mut scene, "phone", &["wamp.session.on_leave"]);
    let goodbye = Goodbye {
        details: Dict::new(),
        reason: "wamp.close.normal".into(),
    };
    assert!(scene.try_send("phone", Message::Goodbye(goodbye)).is_ok());
    assert_eq!(
        heard(&mut scene, "desktop"),
        (topics[1], vec![phone, "phone".into(), "remote".into()])
    );
    assert!(matches!(scene.expect("phone"), Message::Goodbye(_)));
    scene.expect_nothing("phone");
}

#[test]
fn a_session_that_vanishes_left_too() {
    let mut scene = crowd();
    let topics = listen(&mut scene, "desktop", &["wamp.session.on_leave"]);
    let phone = id_of(&scene, "phone");
    scene.leave("phone");
    assert_eq!(
        heard(&mut scene, "desktop"),
        (topics[0], vec![phone, "phone".into(), "remote".into()])
    );
    scene.expect_nothing("desktop");
}
