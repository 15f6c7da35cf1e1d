//! What a history tells.

use std::time::Duration;

use super::super::super::role::{Action, Consent, Disclose, Role, Rule};
use super::super::super::scene::{Scene, args, publish, request, subscribe};
use super::super::super::{HistoryRule, Settings, Store};
use super::*;
use crate::codec::Serializer;
use crate::limits::{MAX_HISTORY_BYTES, MAX_HISTORY_EVENTS};
use crate::message::{Audience, Call, CallOptions, Message, Publish, PublishOptions, RequestKind};
use crate::payload::Payload;

fn rule(uri: &str, policy: Match, keep: usize) -> HistoryRule {
    HistoryRule {
        uri: uri.into(),
        policy,
        keep,
        store: Store::Memory,
    }
}

/// A realm that keeps the last `keep` events of `com.t` (subscription 1) and all below `com.` (subscription 2).
fn scene(keep: usize) -> Scene {
    let settings = Settings {
        history: vec![
            rule("com.t", Match::Exact, keep),
            rule("com.", Match::Prefix, MAX_HISTORY_EVENTS),
        ],
        ..Settings::default()
    };
    Scene::with(settings, &["a", "b"])
}

fn ask(scene: &mut Scene, name: &str, id: u64, kwargs: &[(&str, Value)]) -> Message {
    let kwargs: Dict = kwargs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .collect();
    scene.send(
        name,
        Message::Call(Call {
            request: request(9),
            options: CallOptions::default(),
            procedure: "wamp.subscription.get_events".into(),
            payload: Payload::from_values(Serializer::Json, &[id.into()], &kwargs).unwrap(),
        }),
    );
    scene.expect(name)
}

/// The events of an answer, and whether there are more.
fn events(answer: Message) -> (Vec<Dict>, bool) {
    let Message::Result(result) = answer else {
        panic!("{answer:?}")
    };
    let (args, kwargs) = result.payload.to_values().unwrap();
    let [Value::List(events)] = args.as_slice() else {
        panic!("not one list: {args:?}")
    };
    let events = events.iter().map(|event| event.as_dict().unwrap().clone()).collect();
    (events, kwargs["is_limit_reached"].as_bool().unwrap())
}

fn number(event: &Dict) -> u64 {
    event["args"].as_list().unwrap()[0].as_u64().unwrap()
}

/// The numbers of the events that this question finds.
fn found(scene: &mut Scene, id: u64, kwargs: &[(&str, Value)]) -> Vec<u64> {
    let answer = ask(scene, "b", id, kwargs);
    events(answer).0.iter().map(number).collect()
}

/// Publishes events 1 to `last`, a second apart: event n at n seconds past the epoch. To `com.t`, every third to `com.u`.
fn happen(scene: &mut Scene, last: u64) {
    for number in 1..=last {
        scene.pass(Duration::from_secs(1));
        let topic = if number % 3 == 0 { "com.u" } else { "com.t" };
        scene.send("a", publish(number, topic, PublishOptions::default()));
    }
}

fn refused(scene: &mut Scene, id: u64, kwargs: &[(&str, Value)]) -> String {
    let Message::Error(error) = ask(scene, "b", id, kwargs) else {
        panic!("{kwargs:?} was not refused")
    };
    assert_eq!(error.kind, RequestKind::Call);
    error.error.to_string()
}

#[test]
fn what_nobody_heard_is_told_oldest_first() {
    let mut scene = scene(10);
    happen(&mut scene, 4);
    assert_eq!(found(&mut scene, 1, &[]), [1, 2, 4]);
    assert_eq!(found(&mut scene, 2, &[]), [1, 2, 3, 4]);
    assert_eq!(found(&mut scene, 2, &[("reverse", true.into())]), [4, 3, 2, 1]);
    let answer = ask(&mut scene, "b", 2, &[]);
    let (events, _) = events(answer);
    assert_eq!(events[2]["timestamp"].as_str(), Some("1970-01-01T00:00:03.000Z"));
    assert_eq!(events[2]["subscription"].as_u64(), Some(2));
    assert_eq!(
        events[2]["details"],
        Dict::from([("topic".to_owned(), "com.u".into())]).into()
    );
}

#[test]
fn the_last_events_are_kept_and_one_more_drops_the_oldest() {
    let mut scene = scene(3);
    happen(&mut scene, 4);
    assert_eq!(found(&mut scene, 1, &[]), [1, 2, 4]);
    happen(&mut scene, 1);
    assert_eq!(found(&mut scene, 1, &[]), [2, 4, 1]);
}

#[test]
fn a_history_begins_before_the_first_subscriber_and_outlives_the_last() {
    let mut scene = scene(9);
    happen(&mut scene, 1);
    scene.send("b", subscribe(1, "com.t", Match::Exact));
    let Message::Subscribed(subscribed) = scene.expect("b") else {
        panic!()
    };
    assert_eq!(
        subscribed.subscription.get(),
        1,
        "the subscription that was there from the start"
    );
    happen(&mut scene, 1);
    assert!(matches!(scene.expect("b"), Message::Event(_)));
    scene.leave("b");
    scene.join("c", Role::unrestricted("anonymous"));
    happen(&mut scene, 1);
    let answer = ask(&mut scene, "c", 1, &[]);
    assert_eq!(events(answer).0.len(), 3);
}

#[test]
fn each_filter_of_time_takes_or_leaves_its_own_moment() {
    let mut scene = scene(9);
    happen(&mut scene, 5);
    let at = |second: u64| Value::from(format!("1970-01-01T01:00:0{second}+01:00"));
    let mut ask = |key: &str, second| found(&mut scene, 2, &[(key, at(second))]);
    assert_eq!(ask("from_time", 4), [4, 5]);
    assert_eq!(ask("after_time", 4), [5]);
    assert_eq!(ask("before_time", 3), [1, 2]);
    assert_eq!(ask("until_time", 3), [1, 2, 3]);
    assert_eq!(
        found(&mut scene, 2, &[("from_time", at(2)), ("before_time", at(4))]),
        [2, 3]
    );
}

#[test]
fn each_filter_of_publications_takes_or_leaves_its_own_event() {
    let mut scene = scene(9);
    happen(&mut scene, 5);
    let answer = ask(&mut scene, "b", 2, &[]);
    let ids: Vec<_> = events(answer)
        .0
        .iter()
        .map(|event| event["publication"].clone())
        .collect();
    let mut ask = |key: &str, number: usize| found(&mut scene, 2, &[(key, ids[number - 1].clone())]);
    assert_eq!(ask("from_publication", 4), [4, 5]);
    assert_eq!(ask("after_publication", 4), [5]);
    assert_eq!(ask("before_publication", 3), [1, 2]);
    assert_eq!(ask("until_publication", 3), [1, 2, 3]);
    let between = [
        ("after_publication", ids[4].clone()),
        ("before_publication", ids[0].clone()),
    ];
    assert_eq!(
        found(&mut scene, 2, &between),
        [0; 0],
        "the end is before the beginning"
    );
}

#[test]
fn a_limit_says_whether_there_is_more_and_pages_follow_each_other() {
    let mut scene = scene(9);
    happen(&mut scene, 5);
    let mut seen = Vec::new();
    let mut filters = vec![("limit", Value::from(2_u64)), ("reverse", true.into())];
    loop {
        let answer = ask(&mut scene, "b", 2, &filters);
        let (page, has_more) = events(answer);
        seen.extend(page.iter().map(number));
        filters.truncate(2);
        filters.push(("before_publication", page.last().unwrap()["publication"].clone()));
        if !has_more {
            break;
        }
    }
    assert_eq!(seen, [5, 4, 3, 2, 1]);
    assert_eq!(found(&mut scene, 2, &[("topic", "com.u".into())]), [3]);
}

#[test]
fn a_filter_that_makes_no_sense_is_refused() {
    let mut scene = scene(9);
    happen(&mut scene, 1);
    let wrong = [
        ("reverse", "yes".into()),
        ("limit", 0_u64.into()),
        ("limit", Value::from(-1)),
        ("limit", "2".into()),
        ("from_time", "yesterday".into()),
        ("until_time", 7_u64.into()),
        ("topic", 7_u64.into()),
        ("after_publication", "x".into()),
        ("after_publication", 77_u64.into()),
        ("form_time", "1970-01-01T00:00:00Z".into()),
    ];
    for filter in wrong {
        assert_eq!(
            refused(&mut scene, 1, std::slice::from_ref(&filter)),
            "wamp.error.invalid_argument",
            "{filter:?}"
        );
    }
    assert_eq!(
        found(&mut scene, 1, &[("limit", Value::Null)]),
        [1],
        "null is as good as nothing"
    );
}

#[test]
fn only_a_subscription_with_a_history_tells_one() {
    let mut scene = scene(9);
    scene.send("b", subscribe(1, "org.t", Match::Exact));
    scene.expect("b");
    assert_eq!(refused(&mut scene, 3, &[]), "wamp.error.unavailable");
    assert_eq!(refused(&mut scene, 4, &[]), "wamp.error.no_such_subscription");
    assert_eq!(refused(&mut scene, 0, &[]), "wamp.error.no_such_subscription");
}

#[test]
fn who_may_not_subscribe_is_told_nothing() {
    let allow = |uri: &str, policy, action: Action| Rule {
        uri: uri.into(),
        policy,
        allow: [action].into_iter().collect(),
        disclose: Disclose::Never,
        consent: Consent::Given,
        trustlevel: None,
    };
    let mut scene = scene(9);
    happen(&mut scene, 2);
    let rules = vec![
        allow("wamp.", Match::Prefix, Action::Call),
        allow("com.t", Match::Exact, Action::Subscribe),
    ];
    scene.join("c", Role::new("guest", rules).unwrap());
    let answer = ask(&mut scene, "c", 1, &[]);
    assert_eq!(events(answer).0.len(), 2);
    ask(&mut scene, "c", 2, &[]);
    let Message::Error(error) = ask(&mut scene, "c", 2, &[]) else {
        panic!("it may hear com.t alone, and this is all of com.")
    };
    assert_eq!(error.error.as_str(), "wamp.error.not_authorized");
}

fn for_some(audience: Audience) -> PublishOptions {
    PublishOptions {
        special: Some(Box::new(audience.into())),
        ..PublishOptions::default()
    }
}

#[test]
fn lists_of_principals_hold_for_whoever_asks_and_events_that_name_sessions_are_not_kept() {
    let mut scene = scene(9);
    let eligible_authid = Some(vec!["a".into()]);
    let for_a = for_some(Audience {
        eligible_authid,
        ..Audience::default()
    });
    let eligible = Some(vec![scene.session("b")]);
    let for_session = for_some(Audience {
        eligible,
        ..Audience::default()
    });
    scene.send("a", publish(1, "com.t", for_a));
    scene.send("a", publish(2, "com.t", for_session));
    scene.send("a", publish(3, "com.t", PublishOptions::default()));
    assert_eq!(found(&mut scene, 1, &[]), [3]);
    let answer = ask(&mut scene, "a", 1, &[]);
    assert_eq!(events(answer).0.iter().map(number).collect::<Vec<_>>(), [1, 3]);
}

fn long(scene: &mut Scene, bytes: usize) {
    let payload = args(&[vec![7_u8; bytes].into()]);
    let (options, topic) = (PublishOptions::default(), "com.t".into());
    scene.send(
        "a",
        Message::Publish(Publish {
            request: request(1),
            options,
            topic,
            payload,
        }),
    );
}

#[test]
fn a_history_is_bounded_in_bytes() {
    let mut scene = scene(99);
    let half = MAX_HISTORY_BYTES / 2 - 512;
    let count = |scene: &mut Scene| {
        let answer = ask(scene, "b", 1, &[]);
        let (events, has_more) = events(answer);
        assert_eq!(events.len(), 1, "one long event in an answer");
        1 + usize::from(has_more)
    };
    long(&mut scene, half);
    long(&mut scene, half);
    assert_eq!(count(&mut scene), 2, "two halves fit");
    long(&mut scene, half + 1024);
    assert_eq!(count(&mut scene), 1, "more than a half drops both");
    long(&mut scene, MAX_HISTORY_BYTES);
    assert_eq!(
        found(&mut scene, 1, &[]),
        [0; 0],
        "what is longer than a history is not kept"
    );
}

#[test]
fn an_answer_of_several_events_is_bounded_and_says_so() {
    let mut scene = scene(99);
    let third = MAX_HISTORY_ANSWER / 3 - 16;
    for _ in 0..4 {
        long(&mut scene, third);
    }
    let answer = ask(&mut scene, "b", 1, &[]);
    let (page, has_more) = events(answer);
    assert_eq!((page.len(), has_more), (3, true));
    let last = page[2]["publication"].clone();
    let answer = ask(&mut scene, "b", 1, &[("after_publication", last)]);
    let (page, has_more) = events(answer);
    assert_eq!((page.len(), has_more), (1, false));
}

#[test]
fn an_event_without_a_form_in_json_keeps_nothing_from_whoever_asks() {
    let mut scene = scene(9);
    let payload = args(&[f64::INFINITY.into()]);
    let (options, topic) = (PublishOptions::default(), Uri::from("com.t"));
    scene.send(
        "a",
        Message::Publish(Publish {
            request: request(1),
            options,
            topic,
            payload,
        }),
    );
    happen(&mut scene, 1);
    let answer = ask(&mut scene, "b", 1, &[]);
    let (events, _) = events(answer);
    assert_eq!(
        events[0]["details"],
        Dict::from([("_unconvertible".to_owned(), true.into())]).into()
    );
    assert_eq!(number(&events[1]), 1);
}

#[test]
fn who_published_and_how_it_is_packed_are_told_as_subscribers_were() {
    let mut scene = scene(9);
    let passthru = crate::message::Passthru {
        scheme: Some("x_mine".into()),
        ..crate::message::Passthru::default()
    };
    let options = PublishOptions {
        disclose_me: true,
        passthru: Some(Arc::new(passthru)),
        ..PublishOptions::default()
    };
    scene.send("a", publish(1, "com.t", options));
    let answer = ask(&mut scene, "b", 1, &[]);
    let (events, _) = events(answer);
    let details = events[0]["details"].as_dict().unwrap();
    assert_eq!(details["publisher"].as_u64(), Some(scene.session("a").get()));
    assert_eq!(details["publisher_authid"].as_str(), Some("a"));
    assert_eq!(details["ppt_scheme"].as_str(), Some("x_mine"));
}
