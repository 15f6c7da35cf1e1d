//! What can be defined, what is described, and to whom.

use super::super::testing::{Answered, ask, heard, listen};
use crate::limits::{MAX_DEFINITION_BYTES, MAX_DEFINITIONS, MAX_REALM_DEFINITION_BYTES};
use crate::message::{Match, Message};
use crate::realm::role::{Action, Consent, Disclose, Role, Rule};
use crate::realm::scene::{Scene, subscribe};
use crate::value::Value;

const DEFINE: &str = "wamp.reflect.define";

fn define(scene: &mut Scene, name: &str, uri: &str, schema: Value) -> Answered {
    ask(scene, name, DEFINE, &[uri.into(), schema])
}

fn described(scene: &mut Scene, name: &str, uri: &str) -> Value {
    ask(scene, name, "wamp.reflect.describe", &[uri.into()]).unwrap()
}

fn get(description: &Value, key: &str) -> Value {
    description.as_dict().unwrap().get(key).cloned().unwrap_or(Value::Null)
}

fn names(scene: &mut Scene, name: &str, kind: &str) -> Vec<String> {
    let list = ask(scene, name, &format!("wamp.reflection.{kind}.list"), &[]).unwrap();
    let list = list.as_list().unwrap().iter();
    list.map(|uri| uri.as_str().unwrap().to_owned()).collect()
}

fn refused(error: &str) -> Answered {
    Err(error.to_owned())
}

fn kind(kind: &str) -> Value {
    Value::dict([("kind", kind.into())])
}

/// May use and offer what is below `com.`, and ask about everything.
fn guest() -> Role {
    let rule = |uri: &str, allow: &[Action]| Rule {
        uri: uri.into(),
        policy: Match::Prefix,
        allow: allow.iter().copied().collect(),
        disclose: Disclose::Never,
        consent: Consent::Given,
        trustlevel: None,
    };
    let com = [Action::Call, Action::Register, Action::Subscribe, Action::Publish];
    let rules = vec![
        rule("com.", &com),
        rule("com.mute.", &[Action::Call, Action::Subscribe]),
        rule("wamp.", &[Action::Call]),
    ];
    Role::new("guest", rules).unwrap()
}

#[test]
fn what_is_defined_is_described_until_it_is_taken_back() {
    let mut scene = Scene::of(&["a", "b"]);
    let topics = listen(&mut scene, "b", &["wamp.reflect.on_define", "wamp.reflect.on_undefine"]);
    let one = Value::dict([("kind", "topic".into()), ("args", "x".into())]);
    let two = Value::dict([("kind", "topic".into()), ("args", "y".into())]);
    let uri = Value::from("com.t");
    assert_eq!(define(&mut scene, "a", "com.t", one.clone()), Ok(true.into()));
    assert_eq!(
        heard(&mut scene, "b"),
        (topics[0], vec![uri.clone(), one.clone(), true.into()])
    );
    assert_eq!(define(&mut scene, "a", "com.t", one), Ok(Value::Null));
    assert_eq!(define(&mut scene, "a", "com.t", two.clone()), Ok(false.into()));
    assert_eq!(
        heard(&mut scene, "b"),
        (topics[0], vec![uri.clone(), two, false.into()])
    );
    let description = described(&mut scene, "b", "com.t");
    assert_eq!(get(&description, "args"), "y".into());
    assert_eq!(
        (get(&description, "kind"), get(&description, "uri")),
        ("topic".into(), uri.clone())
    );
    assert_eq!(
        define(&mut scene, "b", "com.t", Value::Null),
        Ok(Value::Null),
        "b has defined nothing"
    );
    assert_eq!(define(&mut scene, "a", "com.t", Value::Null), Ok(uri.clone()));
    assert_eq!(heard(&mut scene, "b"), (topics[1], vec![uri]));
    assert_eq!(described(&mut scene, "b", "com.t"), Value::Null);
    scene.expect_nothing("b");
    scene.leave("b");
    assert!(scene.is_clean());
}

#[test]
fn the_newest_definition_counts_and_ends_with_its_session() {
    let mut scene = Scene::of(&["monitor", "a", "b"]);
    let told = |scene: &mut Scene| get(&described(scene, "monitor", "com.p"), "version");
    let version = |number: u64| Value::dict([("version", number.into())]);
    define(&mut scene, "a", "com.p", version(1)).unwrap();
    let topics = listen(
        &mut scene,
        "monitor",
        &["wamp.reflect.on_define", "wamp.reflect.on_undefine"],
    );
    assert_eq!(define(&mut scene, "b", "com.p", version(2)), Ok(false.into()));
    assert_eq!(heard(&mut scene, "monitor").0, topics[0]);
    assert_eq!(told(&mut scene), 2_u64.into());
    scene.leave("b");
    assert_eq!(
        heard(&mut scene, "monitor"),
        (topics[0], vec!["com.p".into(), version(1), false.into()])
    );
    assert_eq!(told(&mut scene), 1_u64.into());
    scene.leave("a");
    assert_eq!(heard(&mut scene, "monitor"), (topics[1], vec!["com.p".into()]));
    scene.expect_nothing("monitor");
    assert!(scene.realm.definitions.is_empty());
}

#[test]
fn only_what_a_role_may_offer_can_be_defined() {
    let mut scene = Scene::of(&[]);
    scene.join("guest", guest());
    for (uri, schema) in [
        ("org.p", kind("procedure")),
        ("com.mute.p", kind("procedure")),
        ("com.mute.t", kind("topic")),
        ("com.mute.e", kind("error")),
    ] {
        assert_eq!(
            define(&mut scene, "guest", uri, schema),
            refused("wamp.error.not_authorized"),
            "{uri}"
        );
    }
    for uri in ["wamp.session.count", "com..p", ""] {
        assert_eq!(
            define(&mut scene, "guest", uri, kind("topic")),
            refused("wamp.error.invalid_uri"),
            "{uri}"
        );
    }
    for schema in ["x".into(), kind("thing"), Value::dict([("kind", 1_u64.into())])] {
        assert_eq!(
            define(&mut scene, "guest", "com.p", schema),
            refused("wamp.error.invalid_argument")
        );
    }
    assert_eq!(define(&mut scene, "guest", "com.e", kind("error")), Ok(true.into()));
    scene.set_role("guest", Role::new("less", vec![]).unwrap());
    assert!(scene.realm.definitions.is_empty(), "the new role may not define that");
}

#[test]
fn a_caller_learns_only_of_what_its_role_may_use() {
    let mut scene = Scene::of(&["desktop"]);
    scene.join("guest", guest());
    for uri in ["com.p", "org.p"] {
        scene.offer("desktop", uri);
        define(&mut scene, "desktop", uri, kind("procedure")).unwrap();
        let topic = uri.replace('p', "t");
        define(&mut scene, "desktop", &topic, kind("topic")).unwrap();
    }
    let procedures = names(&mut scene, "guest", "procedure");
    assert!(procedures.contains(&"com.p".to_owned()) && !procedures.contains(&"org.p".to_owned()));
    assert!(
        procedures.contains(&"wamp.session.kill".to_owned()),
        "its role may call that"
    );
    assert_eq!(names(&mut scene, "guest", "topic"), ["com.t"]);
    for uri in ["org.p", "org.t"] {
        assert_eq!(described(&mut scene, "guest", uri), Value::Null);
    }
    let all = ask(&mut scene, "guest", "wamp.reflect.describe", &[]).unwrap();
    let all: Vec<_> = all.as_dict().unwrap().keys().cloned().collect();
    assert_eq!(all, ["com.p", "com.t"]);
}

#[test]
fn registrations_and_subscriptions_are_listed_and_described_as_they_are() {
    let mut scene = Scene::of(&["desktop", "phone"]);
    scene.offer("desktop", "com.p");
    scene.offer_pattern("desktop", "com.many.", Match::Prefix);
    for (uri, policy) in [
        ("com.t", Match::Exact),
        ("com..t", Match::Wildcard),
        ("wamp.session.", Match::Prefix),
    ] {
        scene.send("phone", subscribe(1, uri, policy));
        assert!(matches!(scene.expect_last("phone"), Message::Subscribed(_)));
    }
    let programs = |uris: Vec<String>| -> Vec<String> { uris.into_iter().filter(|it| it.starts_with("com")).collect() };
    assert_eq!(
        programs(names(&mut scene, "phone", "procedure")),
        ["com.many.", "com.p"]
    );
    let topics = names(&mut scene, "phone", "topic");
    assert!(!topics.contains(&"wamp.session.".to_owned()));
    assert_eq!(programs(topics), ["com..t", "com.t"]);

    let ask_kind = |scene: &mut Scene, kind: &str, uri: &str| {
        ask(
            scene,
            "phone",
            &format!("wamp.reflection.{kind}.describe"),
            &[uri.into()],
        )
        .unwrap()
    };
    let served = get(&ask_kind(&mut scene, "procedure", "com.many.x"), "registration");
    let expected = [
        ("uri", "com.many.".into()),
        ("match", "prefix".into()),
        ("invoke", "single".into()),
        ("callees", 1_u64.into()),
    ];
    for (key, value) in expected {
        assert_eq!(get(&served, key), value, "{key}");
    }
    let heard_by = get(&ask_kind(&mut scene, "topic", "com.x.t"), "subscriptions");
    let heard_by = heard_by.as_list().unwrap();
    assert_eq!(heard_by.len(), 1);
    assert_eq!(
        (get(&heard_by[0], "match"), get(&heard_by[0], "subscribers")),
        ("wildcard".into(), 1_u64.into())
    );
    for (kind, uri) in [
        ("procedure", "com.t"),
        ("topic", "com.p"),
        ("error", "com.p"),
        ("procedure", "com.none"),
    ] {
        assert_eq!(ask_kind(&mut scene, kind, uri), Value::Null, "{kind} {uri}");
    }
}

#[test]
fn the_router_describes_what_it_has_itself() {
    let mut scene = Scene::of(&["phone"]);
    let kill = described(&mut scene, "phone", "wamp.session.kill");
    assert_eq!(get(&kill, "form"), "(session, reason?, message?) → nothing".into());
    assert_eq!(get(&kill, "kind"), "procedure".into());
    let join = described(&mut scene, "phone", "wamp.session.on_join");
    assert_eq!(
        (get(&join, "kind"), get(&join, "description")),
        ("topic".into(), "a session joined".into())
    );
    let errors = names(&mut scene, "phone", "error");
    assert!(errors.contains(&"wamp.error.no_such_session".to_owned()));
    assert!(errors.iter().all(|uri| uri.starts_with("wamp.error.")));
    let error = described(&mut scene, "phone", "wamp.error.canceled");
    assert_eq!(
        get(&error, "description"),
        "The call was cancelled, or its callee left.".into()
    );
}

#[test]
fn a_definition_cannot_hide_what_the_router_knows() {
    let mut scene = Scene::of(&["phone"]);
    scene.offer("phone", "com.p");
    let lies = Value::dict([
        ("uri", "com.q".into()),
        ("registration", "none".into()),
        ("text", "hello".into()),
    ]);
    define(&mut scene, "phone", "com.p", lies).unwrap();
    let description = described(&mut scene, "phone", "com.p");
    assert_eq!(
        (get(&description, "uri"), get(&description, "text")),
        ("com.p".into(), "hello".into())
    );
    assert_eq!(get(&get(&description, "registration"), "match"), "exact".into());
}

#[test]
fn a_session_defines_as_many_uris_as_it_may_and_no_more() {
    let mut scene = Scene::of(&["phone"]);
    for number in 0..MAX_DEFINITIONS {
        define(&mut scene, "phone", &format!("com.p{number}"), Value::dict([])).unwrap();
    }
    assert_eq!(
        define(&mut scene, "phone", "com.more", Value::dict([])),
        refused("wamp.error.unavailable")
    );
    assert_eq!(
        define(&mut scene, "phone", "com.p0", kind("procedure")),
        Ok(false.into()),
        "it replaces one"
    );
    define(&mut scene, "phone", "com.p0", Value::Null).unwrap();
    assert_eq!(
        define(&mut scene, "phone", "com.more", Value::dict([])),
        Ok(true.into())
    );
}

/// The longest schema that a session can define under a URI of five bytes. A definition costs 256 bytes beside its URI
/// and its arguments: here an empty list, a dictionary, a key, and the head of a long text take nine bytes.
fn filling() -> Value {
    let length = MAX_DEFINITION_BYTES - 256 - 5 - 9;
    Value::dict([("a", "x".repeat(length).into())])
}

#[test]
fn definitions_fill_the_bytes_of_a_session_and_then_those_of_the_realm() {
    let mut scene = Scene::of(&[]);
    let crowd: Vec<&'static str> = (0..=MAX_REALM_DEFINITION_BYTES / MAX_DEFINITION_BYTES)
        .map(|number| &*Box::leak(format!("s{number}").into_boxed_str()))
        .collect();
    let (last, crowd) = crowd.split_last().unwrap();
    for name in crowd.iter().chain([last]) {
        scene.join(name, Role::unrestricted("x"));
    }
    let first = crowd[0];
    let Value::Dict(mut longer) = filling() else {
        panic!("it is a dictionary")
    };
    longer.insert("b".to_owned(), Value::Null);
    assert_eq!(
        define(&mut scene, first, "com.p", longer.into()),
        refused("wamp.error.unavailable")
    );
    assert_eq!(define(&mut scene, first, "com.p", filling()), Ok(true.into()));
    assert_eq!(
        define(&mut scene, first, "com.q", Value::dict([])),
        refused("wamp.error.unavailable")
    );
    define(&mut scene, first, "com.p", Value::Null).unwrap();
    for name in crowd {
        define(&mut scene, name, "com.p", filling()).unwrap();
    }
    assert_eq!(
        define(&mut scene, last, "com.p", Value::dict([])),
        refused("wamp.error.unavailable")
    );
    scene.leave(first);
    assert_eq!(
        define(&mut scene, last, "com.p", filling()),
        Ok(Value::Null),
        "it says what another said"
    );
    for name in crowd.iter().skip(1).chain([last]) {
        scene.leave(name);
    }
    assert!(scene.is_clean());
}
