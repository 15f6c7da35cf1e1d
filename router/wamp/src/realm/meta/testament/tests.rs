//! What a session leaves behind, and when.

use super::super::super::Proceed;
use super::super::super::role::{Actions, Consent, Disclose, Role, Rule};
use super::super::super::scene::{Scene, request, subscribe};
use super::*;
use crate::message::{Call, CallOptions, Event, Goodbye, Match, Subscribe, SubscribeOptions};
use crate::payload::Payload;

fn listener(scene: &mut Scene) {
    scene.send("b", subscribe(1, "com.", Match::Prefix));
    scene.expect("b");
}

fn ask(scene: &mut Scene, procedure: &str, args: &[Value], kwargs: &[(&str, Value)]) -> Message {
    let kwargs: Dict = kwargs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .collect();
    scene.send(
        "a",
        Message::Call(Call {
            request: request(9),
            options: CallOptions::default(),
            procedure: procedure.into(),
            payload: Payload::from_values(Serializer::Json, args, &kwargs).unwrap(),
        }),
    );
    scene.expect("a")
}

fn add(scene: &mut Scene, topic: &str, number: u64, kwargs: &[(&str, Value)]) {
    let args = [topic.into(), Value::List(vec![number.into()]), Dict::new().into()];
    let answer = ask(scene, "wamp.session.add_testament", &args, kwargs);
    assert!(
        matches!(&answer, Message::Result(it) if it.payload.is_empty()),
        "{answer:?}"
    );
}

fn refused(scene: &mut Scene, args: &[Value], kwargs: &[(&str, Value)]) -> String {
    let Message::Error(error) = ask(scene, "wamp.session.add_testament", args, kwargs) else {
        panic!("{args:?} {kwargs:?} was not refused")
    };
    error.error.to_string()
}

fn flush(scene: &mut Scene, scope: &str) {
    let answer = ask(scene, "wamp.session.flush_testaments", &[], &[("scope", scope.into())]);
    assert!(matches!(answer, Message::Result(_)));
}

fn heard(scene: &mut Scene) -> Vec<Event> {
    let mut events = Vec::new();
    while let Some(Message::Event(event)) = scene.take("b") {
        events.push(event);
    }
    events
}

fn numbers(scene: &mut Scene) -> Vec<u64> {
    let events = heard(scene);
    events
        .iter()
        .map(|event| event.payload.to_args::<(u64,)>().unwrap().0)
        .collect()
}

#[test]
fn testaments_are_published_when_their_session_leaves_the_detached_ones_first() {
    let mut scene = Scene::of(&["a", "b"]);
    listener(&mut scene);
    add(&mut scene, "com.t", 1, &[]);
    add(&mut scene, "com.u", 2, &[("scope", "destroyed".into())]);
    add(&mut scene, "com.t", 3, &[("scope", "detached".into())]);
    scene.expect_nothing("b");
    scene.leave("a");
    assert_eq!(numbers(&mut scene), [3, 1, 2]);
    scene.leave("b");
    assert!(scene.is_clean());
}

#[test]
fn those_of_the_scope_detached_are_published_once_when_the_connection_is_lost_and_the_others_at_the_end() {
    let mut scene = Scene::of(&["a", "b"]);
    listener(&mut scene);
    add(&mut scene, "com.t", 1, &[("scope", "detached".into())]);
    add(&mut scene, "com.t", 2, &[]);
    let session = scene.session("a");
    for expected in [vec![1], vec![]] {
        let mut out = Vec::new();
        scene.realm.detach(session, &mut out);
        scene.sort(out);
        assert_eq!(numbers(&mut scene), expected);
    }
    // What is added after a return is published when the connection is lost again.
    add(&mut scene, "com.t", 3, &[("scope", "detached".into())]);
    scene.leave("a");
    assert_eq!(numbers(&mut scene), [3, 2]);
}

#[test]
fn a_session_that_is_ended_or_says_goodbye_leaves_its_testaments_too() {
    for ends in ["goodbye", "dismissed"] {
        let mut scene = Scene::of(&["a", "b"]);
        listener(&mut scene);
        add(&mut scene, "com.t", 1, &[]);
        let goodbye = Goodbye::new(error::CLOSE_NORMAL, "");
        if ends == "goodbye" {
            assert_eq!(scene.try_send("a", Message::Goodbye(goodbye)), Ok(Proceed::Leave));
        } else {
            let mut out = Vec::new();
            let session = scene.session("a");
            scene.realm.dismiss(&[session], &goodbye, &mut out);
            scene.sort(out);
        }
        assert_eq!(numbers(&mut scene), [1], "{ends}");
    }
}

#[test]
fn flushing_takes_the_testaments_of_one_scope() {
    let mut scene = Scene::of(&["a", "b"]);
    listener(&mut scene);
    for (number, scope) in [(1, "detached"), (2, "destroyed"), (3, "detached")] {
        add(&mut scene, "com.t", number, &[("scope", scope.into())]);
    }
    flush(&mut scene, "detached");
    scene.leave("a");
    assert_eq!(numbers(&mut scene), [2]);
}

#[test]
fn of_a_session_that_is_thrown_out_nothing_is_published() {
    let mut scene = Scene::of(&["a", "b"]);
    listener(&mut scene);
    add(&mut scene, "com.t", 1, &[]);
    let session = scene.session("a");
    scene.realm.drop_testaments(session);
    scene.leave("a");
    scene.expect_nothing("b");
}

#[test]
fn a_testament_keeps_its_publish_options() {
    let mut scene = Scene::of(&["a", "b", "c"]);
    listener(&mut scene);
    let options = |pairs: &[(&str, Value)]| -> Value {
        let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
        pairs.collect::<Dict>().into()
    };
    let excluded = options(&[("exclude_authid", "b".into())]);
    let told = options(&[
        ("disclose_me", true.into()),
        ("retain", true.into()),
        ("acknowledge", true.into()),
    ]);
    add(&mut scene, "com.t", 1, &[("publish_options", excluded)]);
    add(&mut scene, "com.u", 2, &[("publish_options", told)]);
    scene.leave("a");
    let events = heard(&mut scene);
    let [event] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!(event.details.publisher.as_ref().map(|it| &*it.authid), Some("a"));
    let options = SubscribeOptions {
        get_retained: true,
        ..SubscribeOptions::default()
    };
    let (request, topic) = (request(1), "com.u".into());
    scene.send(
        "c",
        Message::Subscribe(Subscribe {
            request,
            options,
            topic,
        }),
    );
    assert!(matches!(scene.expect("c"), Message::Subscribed(_)));
    assert!(matches!(scene.expect("c"), Message::Event(_)), "it was retained");
}

#[test]
fn a_testament_that_makes_no_sense_is_refused() {
    let mut scene = Scene::of(&["a", "b"]);
    let topic = Value::from("com.t");
    let invalid = "wamp.error.invalid_argument";
    type Asked<'a> = (&'a [Value], &'a [(&'a str, Value)]);
    let wrong: [Asked<'_>; 7] = [
        (&[], &[]),
        (&[7_u64.into()], &[]),
        (&[topic.clone(), 7_u64.into()], &[]),
        (&[topic.clone(), Value::Null, 7_u64.into()], &[]),
        (std::slice::from_ref(&topic), &[("scope", "both".into())]),
        (std::slice::from_ref(&topic), &[("publish_options", 7_u64.into())]),
        (
            std::slice::from_ref(&topic),
            &[(
                "publish_options",
                Dict::from([("retain".to_owned(), 7_u64.into())]).into(),
            )],
        ),
    ];
    for (args, kwargs) in wrong {
        assert_eq!(refused(&mut scene, args, kwargs), invalid, "{args:?} {kwargs:?}");
    }
    assert_eq!(refused(&mut scene, &["com..t".into()], &[]), "wamp.error.invalid_uri");
    assert_eq!(refused(&mut scene, &["wamp.t".into()], &[]), "wamp.error.invalid_uri");
    scene.leave("a");
    assert!(scene.is_clean());
}

fn confined() -> Role {
    let rule = |uri: &str| Rule {
        uri: uri.into(),
        policy: Match::Prefix,
        allow: Actions::ALL,
        disclose: Disclose::Never,
        consent: Consent::Given,
        trustlevel: None,
    };
    Role::new("confined", vec![rule("org."), rule("wamp.")]).unwrap()
}

#[test]
fn a_testament_needs_the_right_to_publish_when_it_is_made_and_when_it_is_published() {
    let mut scene = Scene::of(&["b"]);
    listener(&mut scene);
    scene.join("a", confined());
    assert_eq!(refused(&mut scene, &["com.t".into()], &[]), "wamp.error.not_authorized");
    scene.set_role("a", Role::unrestricted("more"));
    add(&mut scene, "com.t", 1, &[]);
    scene.set_role("a", confined());
    scene.leave("a");
    scene.expect_nothing("b");
}

#[test]
fn the_last_testament_that_a_session_may_have_is_taken_and_the_next_is_not() {
    let mut scene = Scene::of(&["a", "b"]);
    for number in 0..MAX_TESTAMENTS as u64 {
        add(&mut scene, "com.t", number, &[]);
    }
    assert_eq!(refused(&mut scene, &["com.t".into()], &[]), "wamp.error.unavailable");
    flush(&mut scene, "destroyed");
    add(&mut scene, "com.t", 0, &[]);
}

#[test]
fn the_bytes_of_testaments_are_bounded_too() {
    let mut scene = Scene::of(&["a", "b"]);
    let args = |bytes: usize| ["com.t".into(), Value::List(vec![vec![7_u8; bytes].into()])];
    // A list of six elements: 16, 1, no options, the topic, a list of one binary (length in two bytes), no keywords.
    let exact = MAX_TESTAMENT_BYTES - 1 - 1 - 1 - 1 - (1 + "com.t".len()) - (1 + 3) - 1;
    assert_eq!(refused(&mut scene, &args(exact + 1), &[]), "wamp.error.unavailable");
    let answer = ask(&mut scene, "wamp.session.add_testament", &args(exact), &[]);
    assert!(matches!(answer, Message::Result(_)));
    assert_eq!(refused(&mut scene, &["com.t".into()], &[]), "wamp.error.unavailable");
}

#[test]
fn whoever_leaves_does_not_hear_its_own_testament() {
    let mut scene = Scene::of(&["a", "b"]);
    scene.send("a", subscribe(1, "com.t", Match::Exact));
    scene.expect("a");
    let options = Dict::from([("exclude_me".to_owned(), false.into())]);
    add(&mut scene, "com.t", 1, &[("publish_options", options.into())]);
    scene.leave("a");
    scene.expect_nothing("a");
}

#[test]
fn testaments_of_all_that_are_killed_reach_who_stays_and_who_comes_later() {
    let mut scene = Scene::of(&["a", "b"]);
    listener(&mut scene);
    let kept = Dict::from([("retain".to_owned(), true.into())]);
    add(&mut scene, "com.x", 1, &[("publish_options", kept.into())]);
    let killed = super::super::testing::ask(&mut scene, "b", "wamp.session.kill_all", &[]);
    assert_eq!(killed, Ok(1_u64.into()));
    assert_eq!(heard(&mut scene).len(), 1);
    scene.join("c", Role::unrestricted("x"));
    scene.send(
        "c",
        Message::Subscribe(Subscribe {
            request: request(1),
            options: SubscribeOptions {
                get_retained: true,
                ..SubscribeOptions::default()
            },
            topic: "com.x".into(),
        }),
    );
    assert!(matches!(scene.expect("c"), Message::Subscribed(_)));
    assert!(matches!(scene.expect("c"), Message::Event(event) if event.details.retained.is_some()));
}
