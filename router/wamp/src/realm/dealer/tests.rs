//! What the dealer promises.

use super::super::Settings;
use super::super::role::{Action, Actions, Consent, Disclose, Role, Rule};
use super::super::scene::{Scene, answer, call, call_with, publish, register, request, subscribe};
use crate::limits::Quota;
use crate::message::{
    CallOptions, Invocation, InvocationDetails, Match, Message, PublishOptions, Registered, RequestKind, Unregister,
};

fn invocation(scene: &mut Scene, name: &str) -> Invocation {
    let Message::Invocation(invocation) = scene.expect(name) else {
        panic!("{name} was not invoked")
    };
    invocation
}

#[test]
fn a_call_goes_to_its_callee_and_the_result_comes_back() {
    let mut scene = Scene::of(&["caller", "callee"]);
    scene.offer("callee", "com.p");
    scene.send("caller", call(7, "com.p"));
    let invoked = invocation(&mut scene, "callee");
    assert_eq!(invoked.request, request(1));
    assert_eq!(
        invoked.payload.to_args::<(String, u64)>().unwrap(),
        ("hello".to_owned(), 7)
    );
    assert_eq!(invoked.details, InvocationDetails::default());
    scene.send("callee", answer(1));
    let Message::Result(result) = scene.expect("caller") else {
        panic!()
    };
    assert_eq!(
        (result.request, result.payload.to_args::<(u64,)>().unwrap()),
        (request(7), (1,))
    );
}

#[test]
fn a_call_to_nobody_and_a_call_with_a_bad_uri_fail() {
    let mut scene = Scene::of(&["a"]);
    scene.send("a", call(1, "com.p"));
    scene.expect_error("a", RequestKind::Call, "wamp.error.no_such_procedure");
    for uri in ["com..p", "", "com.p#"] {
        scene.send("a", call(2, uri));
        scene.expect_error("a", RequestKind::Call, "wamp.error.invalid_uri");
    }
}

#[test]
fn a_procedure_has_one_callee_for_each_policy() {
    let mut scene = Scene::of(&["a", "b"]);
    scene.offer("a", "com.p");
    scene.send("b", register(1, "com.p", Match::Exact));
    scene.expect_error("b", RequestKind::Register, "wamp.error.procedure_already_exists");
    scene.offer_pattern("b", "com.p", Match::Prefix);
    scene.send("b", register(2, "com.p", Match::Prefix));
    scene.expect_error("b", RequestKind::Register, "wamp.error.procedure_already_exists");
}

#[test]
fn exact_beats_prefix_beats_wildcard_and_the_longest_prefix_beats_the_others() {
    let mut scene = Scene::of(&["caller", "exact", "long", "short", "wild"]);
    scene.offer("exact", "com.a.p");
    scene.offer_pattern("long", "com.a", Match::Prefix);
    scene.offer_pattern("short", "com", Match::Prefix);
    scene.offer_pattern("wild", "org..p", Match::Wildcard);
    for (number, (uri, callee)) in [
        ("com.a.p", "exact"),
        ("com.a.q", "long"),
        ("com.b", "short"),
        ("org.x.p", "wild"),
    ]
    .into_iter()
    .enumerate()
    {
        scene.send("caller", call(number as u64 + 1, uri));
        let procedure = invocation(&mut scene, callee).details.procedure;
        assert_eq!(procedure, (callee != "exact").then(|| Box::new(uri.into())));
    }
}

#[test]
fn what_belongs_to_the_router_and_what_is_ill_formed_cannot_be_registered() {
    let mut scene = Scene::of(&["a"]);
    for (uri, policy) in [
        ("wamp.x", Match::Exact),
        ("wamp", Match::Exact),
        ("wamp", Match::Prefix),
        ("wamp", Match::Wildcard),
        ("com..p", Match::Exact),
        ("com..", Match::Prefix),
    ] {
        scene.send("a", register(1, uri, policy));
        scene.expect_error("a", RequestKind::Register, "wamp.error.invalid_uri");
    }
}

#[test]
fn only_the_whole_component_wamp_belongs_to_the_router() {
    let mut scene = Scene::of(&["a"]);
    for (number, uri) in [(1, "wamp_"), (2, "wampum.x"), (3, "com.wamp")] {
        scene.send("a", register(number, uri, Match::Exact));
        assert!(matches!(scene.expect("a"), Message::Registered(_)), "{uri}");
    }
    scene.send("a", register(4, "w", Match::Prefix));
    assert!(matches!(scene.expect("a"), Message::Registered(_)));
    scene.send("a", call(5, "wamp"));
    scene.expect_error("a", RequestKind::Call, "wamp.error.no_such_procedure");
    let acknowledged = PublishOptions {
        acknowledge: true,
        ..PublishOptions::default()
    };
    scene.send("a", publish(6, "wamp", acknowledged));
    scene.expect_error("a", RequestKind::Publish, "wamp.error.invalid_uri");
}

#[test]
fn only_its_holder_can_end_a_registration() {
    let mut scene = Scene::of(&["a", "b"]);
    scene.send("a", register(1, "com.p", Match::Exact));
    let Message::Registered(Registered { registration, .. }) = scene.expect("a") else {
        panic!()
    };
    let unregister = || {
        Message::Unregister(Unregister {
            request: request(2),
            registration,
        })
    };
    scene.send("b", unregister());
    scene.expect_error("b", RequestKind::Unregister, "wamp.error.no_such_registration");
    scene.send("a", unregister());
    assert!(matches!(scene.expect("a"), Message::Unregistered(_)));
    scene.send("a", unregister());
    scene.expect_error("a", RequestKind::Unregister, "wamp.error.no_such_registration");
    scene.offer("b", "com.p");
}

#[test]
fn a_request_number_that_is_still_open_breaks_the_protocol() {
    let mut scene = Scene::of(&["caller", "callee"]);
    scene.offer("callee", "com.p");
    scene.send("caller", call(1, "com.p"));
    assert!(scene.try_send("caller", call(1, "com.p")).is_err());
}

#[test]
fn a_caller_is_disclosed_when_it_asks_and_may() {
    let mut scene = Scene::of(&["a", "callee"]);
    scene.offer("callee", "com.p");
    let allow = Actions::ALL;
    let rule = Rule {
        uri: "".into(),
        policy: Match::Prefix,
        allow,
        disclose: Disclose::Never,
        consent: Consent::Given,
        trustlevel: None,
    };
    scene.join("silent", Role::new("silent", vec![rule.clone()]).unwrap());
    scene.join(
        "open",
        Role::new(
            "open",
            vec![Rule {
                disclose: Disclose::Always,
                ..rule
            }],
        )
        .unwrap(),
    );
    let asking = CallOptions {
        disclose_me: true,
        ..CallOptions::default()
    };
    scene.send("a", call_with(1, "com.p", asking.clone()));
    let caller = invocation(&mut scene, "callee").details.caller.unwrap();
    assert_eq!(
        (caller.session, &*caller.authid, &*caller.authrole),
        (scene.session("a"), "a", "anonymous")
    );
    scene.send("silent", call_with(1, "com.p", asking.clone()));
    scene.expect_error("silent", RequestKind::Call, "wamp.error.option_disallowed.disclose_me");
    scene.send("open", call(1, "com.p"));
    assert_eq!(
        &*invocation(&mut scene, "callee").details.caller.unwrap().authid,
        "open"
    );
}

#[test]
fn callees_and_subscribers_are_told_how_far_the_rule_trusts_who_asks() {
    let mut scene = Scene::of(&["other"]);
    scene.offer("other", "com.p");
    scene.send("other", subscribe(2, "com.t", Match::Exact));
    scene.expect("other");
    for (name, trustlevel) in [("trusted", Some(7)), ("stranger", None)] {
        let rule = Rule {
            uri: "".into(),
            policy: Match::Prefix,
            allow: Actions::ALL,
            disclose: Disclose::Never,
            consent: Consent::Given,
            trustlevel,
        };
        scene.join(name, Role::new("role", vec![rule]).unwrap());
        scene.send(name, call(1, "com.p"));
        assert_eq!(invocation(&mut scene, "other").details.trustlevel, trustlevel);
        scene.send(name, publish(2, "com.t", PublishOptions::default()));
        let Message::Event(event) = scene.expect("other") else {
            panic!("the event did not come")
        };
        assert_eq!(event.details.trustlevel, trustlevel);
    }
}

#[test]
fn the_last_call_and_registration_of_the_quota_are_taken_and_the_next_are_not() {
    let quota = Quota {
        registrations: 1,
        pending_calls: 2,
        ..Quota::default()
    };
    let mut scene = Scene::with(
        Settings {
            quota,
            ..Settings::default()
        },
        &["a"],
    );
    scene.offer("a", "com.p");
    scene.send("a", register(2, "com.q", Match::Exact));
    scene.expect_error("a", RequestKind::Register, "wamp.error.unavailable");
    for number in 1..=2 {
        scene.send("a", call(number, "com.p"));
        invocation(&mut scene, "a");
    }
    scene.send("a", call(3, "com.p"));
    scene.expect_error("a", RequestKind::Call, "wamp.error.unavailable");
    scene.send("a", answer(1));
    assert!(matches!(scene.expect("a"), Message::Result(_)));
    scene.send("a", call(4, "com.p"));
    invocation(&mut scene, "a");
}

#[test]
fn what_a_role_denies_is_remembered_until_it_is_taken_and_no_more_than_the_bound() {
    let mut scene = Scene::of(&[]);
    scene.join("guest", Role::new("guest", vec![]).unwrap());
    scene.send("guest", call(1, "com.p"));
    scene.send("guest", register(2, "com.p", Match::Exact));
    let denied = scene.realm.take_denied();
    let told: Vec<_> = denied.iter().map(|it| (it.action, it.uri.as_str())).collect();
    assert_eq!(told, [(Action::Call, "com.p"), (Action::Register, "com.p")]);
    assert!(scene.realm.take_denied().is_empty());
    // A URI that no role can allow is malformed, not denied.
    scene.send("guest", call(3, "com..p"));
    assert!(scene.realm.take_denied().is_empty());
    for number in 0..=crate::realm::MAX_DENIED as u64 {
        scene.send("guest", call(4 + number, "com.p"));
    }
    assert_eq!(scene.realm.take_denied().len(), crate::realm::MAX_DENIED);
}
