//! Procedures with several callees.

use std::collections::BTreeSet;

use super::super::Bounce;
use super::super::role::{Actions, Consent, Disclose, Role, Rule};
use super::super::scene::{Scene, answer, call, call_with, cancel, register_with, request, subscribe};
use crate::acceptor::Features;
use crate::limits::MAX_ABANDONED_CALLS;
use crate::message::{
    CallOptions, CancelMode, ErrorDetails, Invoke, Match, Message, RegisterOptions, RequestError, RequestKind,
    Unregister,
};
use crate::payload::Payload;

fn sharing(invoke: Invoke) -> RegisterOptions {
    RegisterOptions {
        invoke,
        ..RegisterOptions::default()
    }
}

/// `com.p`, served by a, b and c, who came in this order.
fn three(invoke: Invoke) -> Scene {
    let mut scene = Scene::of(&["caller", "a", "b", "c"]);
    for name in ["a", "b", "c"] {
        scene.offer_with(name, "com.p", sharing(invoke));
    }
    scene
}

/// Calls, and says who was invoked.
fn whom(scene: &mut Scene, number: u64) -> &'static str {
    scene.send("caller", call(number, "com.p"));
    let invoked = ["a", "b", "c"].into_iter().find(|name| scene.has_mail(name));
    let name = invoked.expect("somebody is invoked");
    let invocation = scene.expect_invocation(name);
    scene.send(name, answer(invocation.request.get()));
    assert_eq!(scene.expect_result("caller").request, request(number));
    name
}

fn order(scene: &mut Scene, calls: u64) -> Vec<&'static str> {
    (1..=calls).map(|number| whom(scene, number)).collect()
}

#[test]
fn callees_take_turns_in_the_order_in_which_they_came() {
    let mut scene = three(Invoke::RoundRobin);
    assert_eq!(order(&mut scene, 7), ["a", "b", "c", "a", "b", "c", "a"]);
}

#[test]
fn a_callee_that_leaves_is_passed_over_and_no_other_loses_its_turn() {
    for (leaver, then) in [("a", ["c", "b", "c"]), ("b", ["c", "a", "c"]), ("c", ["a", "b", "a"])] {
        let mut scene = three(Invoke::RoundRobin);
        assert_eq!(order(&mut scene, 2), ["a", "b"]);
        scene.leave(leaver);
        assert_eq!(order(&mut scene, 3), then, "without {leaver}");
    }
}

#[test]
fn the_first_or_the_last_takes_every_call_and_another_when_it_leaves() {
    let mut scene = three(Invoke::First);
    assert_eq!(order(&mut scene, 2), ["a", "a"]);
    scene.leave("a");
    assert_eq!(order(&mut scene, 2), ["b", "b"]);
    let mut scene = three(Invoke::Last);
    assert_eq!(order(&mut scene, 2), ["c", "c"]);
    scene.leave("c");
    assert_eq!(order(&mut scene, 2), ["b", "b"]);
}

#[test]
fn chance_reaches_every_callee() {
    let mut scene = three(Invoke::Random);
    let reached: BTreeSet<_> = order(&mut scene, 60).into_iter().collect();
    assert_eq!(reached.len(), 3);
}

#[test]
fn callees_of_one_registration_have_one_number_for_it_and_the_last_ends_it() {
    let mut scene = Scene::of(&["a", "b"]);
    let first = scene.offer_with("a", "com.p", sharing(Invoke::Random));
    let second = scene.offer_with("b", "com.p", sharing(Invoke::Random));
    assert_eq!(first, second);
    let info = scene.realm.dealer.describe(first).unwrap();
    assert_eq!(info.invoke, Invoke::Random);
    assert_eq!(info.callees, [scene.session("a"), scene.session("b")]);
    for name in ["a", "b"] {
        assert!(scene.realm.dealer.describe(first).is_some());
        let (request, registration) = (request(2), first);
        scene.send(name, Message::Unregister(Unregister { request, registration }));
        assert!(matches!(scene.expect(name), Message::Unregistered(_)));
    }
    assert!(scene.is_clean());
}

#[test]
fn another_policy_than_the_first_ones_is_refused() {
    let all = [
        Invoke::Single,
        Invoke::RoundRobin,
        Invoke::Random,
        Invoke::First,
        Invoke::Last,
    ];
    for first in all {
        for second in all {
            let mut scene = Scene::of(&["a", "b"]);
            scene.offer_with("a", "com.p", sharing(first));
            scene.send("b", register_with(1, "com.p", sharing(second)));
            if first == second && first != Invoke::Single {
                assert!(matches!(scene.expect("b"), Message::Registered(_)));
            } else {
                scene.expect_error("b", RequestKind::Register, "wamp.error.procedure_already_exists");
            }
        }
    }
}

#[test]
fn a_session_serves_a_shared_procedure_once() {
    let mut scene = three(Invoke::RoundRobin);
    scene.send("a", register_with(2, "com.p", sharing(Invoke::RoundRobin)));
    scene.expect_error("a", RequestKind::Register, "wamp.error.procedure_already_exists");
    assert_eq!(order(&mut scene, 4), ["a", "b", "c", "a"]);
}

#[test]
fn the_world_hears_of_each_callee_and_of_the_registration_with_the_first_and_the_last() {
    let mut scene = Scene::of(&["a", "b", "listener"]);
    let topics = ["on_create", "on_register", "on_unregister", "on_delete"];
    let mut names = std::collections::BTreeMap::new();
    for (number, topic) in topics.into_iter().enumerate() {
        let uri = format!("wamp.registration.{topic}");
        scene.send("listener", subscribe(number as u64 + 1, &uri, Match::Exact));
        let Message::Subscribed(subscribed) = scene.expect("listener") else {
            panic!("the listener is not subscribed")
        };
        names.insert(subscribed.subscription, topic);
    }
    let heard = |scene: &mut Scene| {
        let mut heard = Vec::new();
        while scene.has_mail("listener") {
            if let Message::Event(event) = scene.expect("listener") {
                heard.push(names[&event.subscription]);
            }
        }
        heard
    };
    scene.offer_with("a", "com.p", sharing(Invoke::Last));
    assert_eq!(heard(&mut scene), ["on_create", "on_register"]);
    scene.offer_with("b", "com.p", sharing(Invoke::Last));
    assert_eq!(heard(&mut scene), ["on_register"]);
    scene.leave("a");
    assert_eq!(heard(&mut scene), ["on_unregister"]);
    scene.leave("b");
    assert_eq!(heard(&mut scene), ["on_unregister", "on_delete"]);
}

#[test]
fn a_callee_works_on_as_many_calls_as_it_said_and_the_next_is_refused() {
    let mut scene = Scene::of(&["caller", "callee"]);
    let options = RegisterOptions {
        concurrency: 2,
        ..RegisterOptions::default()
    };
    scene.offer_with("callee", "com.p", options);
    for number in 1..=2 {
        scene.send("caller", call(number, "com.p"));
        scene.expect_invocation("callee");
    }
    scene.send("caller", call(3, "com.p"));
    scene.expect_error("caller", RequestKind::Call, "wamp.error.unavailable");
    scene.send("callee", answer(1));
    scene.expect_result("caller");
    scene.send("caller", call(4, "com.p"));
    scene.expect_invocation("callee");
    scene.leave("callee");
    scene.expect_error("caller", RequestKind::Call, "wamp.error.canceled");
    scene.expect_error("caller", RequestKind::Call, "wamp.error.canceled");
    assert!(scene.is_clean());
}

#[test]
fn a_full_callee_is_passed_over_and_when_all_are_full_the_call_is_refused() {
    let options = RegisterOptions {
        concurrency: 1,
        ..sharing(Invoke::First)
    };
    let mut scene = Scene::of(&["caller", "a", "b"]);
    scene.offer_with("a", "com.p", options.clone());
    scene.offer_with("b", "com.p", options);
    for (number, name) in [(1, "a"), (2, "b")] {
        scene.send("caller", call(number, "com.p"));
        scene.expect_invocation(name);
    }
    scene.send("caller", call(3, "com.p"));
    scene.expect_error("caller", RequestKind::Call, "wamp.error.no_available_callee");
    scene.send("a", answer(1));
    scene.expect_result("caller");
    scene.send("caller", call(4, "com.p"));
    scene.expect_invocation("a");
}

#[test]
fn what_a_callee_works_on_counts_on_when_it_registers_again() {
    let options = RegisterOptions {
        concurrency: 1,
        ..sharing(Invoke::First)
    };
    let mut scene = Scene::of(&["caller", "a", "b"]);
    let registration = scene.offer_with("a", "com.p", options.clone());
    scene.offer_with("b", "com.p", options.clone());
    scene.send("caller", call(1, "com.p"));
    scene.expect_invocation("a");
    let request = request(2);
    scene.send("a", Message::Unregister(Unregister { request, registration }));
    assert!(matches!(scene.expect("a"), Message::Unregistered(_)));
    scene.offer_with("a", "com.p", options);
    for _ in 0..2 {
        scene.send("caller", call(2, "com.p"));
        let invocation = scene.expect_invocation("b");
        scene.send("b", answer(invocation.request.get()));
        scene.expect_result("caller");
    }
    scene.send("a", answer(1));
    scene.expect_result("caller");
    assert!(scene.realm.members.get(scene.session("a")).unwrap().running.is_empty());
}

/// A procedure of whose calls its callee takes so many at a time.
fn limited(concurrency: usize) -> RegisterOptions {
    RegisterOptions {
        concurrency: u32::try_from(concurrency).unwrap(),
        ..RegisterOptions::default()
    }
}

#[test]
fn what_a_callee_works_on_counts_until_it_answers_also_when_nobody_waits_for_it() {
    let mut scene = Scene::of(&["caller"]);
    scene.join_with("callee", Features::default());
    scene.offer_with("callee", "com.p", limited(1));
    let failed = |number| {
        Message::Error(RequestError {
            kind: RequestKind::Invocation,
            request: request(number),
            details: ErrorDetails::default(),
            error: "com.error".into(),
            payload: Payload::EMPTY,
        })
    };
    let ends = [
        (cancel(1, CancelMode::Skip), answer(1)),
        (cancel(3, CancelMode::KillNoWait), failed(2)),
        (cancel(5, CancelMode::Kill), answer(3)),
    ];
    for (number, (end, last)) in (1..).step_by(2).zip(ends) {
        scene.send("caller", call(number, "com.p"));
        scene.expect_invocation("callee");
        scene.send("caller", end);
        scene.expect_error("caller", RequestKind::Call, "wamp.error.canceled");
        scene.expect_nothing("callee");
        scene.send("caller", call(number + 1, "com.p"));
        scene.expect_error("caller", RequestKind::Call, "wamp.error.unavailable");
        scene.send("callee", last);
        scene.expect_nothing("caller");
    }
    let timed = CallOptions {
        timeout: 10,
        ..CallOptions::default()
    };
    scene.send("caller", call_with(7, "com.p", timed));
    scene.expect_invocation("callee");
    scene.pass(std::time::Duration::from_millis(10));
    scene.expect_error("caller", RequestKind::Call, "wamp.error.timeout");
    scene.send("caller", call(8, "com.p"));
    scene.expect_error("caller", RequestKind::Call, "wamp.error.unavailable");
    scene.send("callee", answer(4));
    scene.send("caller", call(9, "com.p"));
    let invocation = scene.expect_invocation("callee");
    scene.send("caller", cancel(9, CancelMode::Skip));
    scene.expect_error("caller", RequestKind::Call, "wamp.error.canceled");
    // What could not be delivered is not worked on.
    let mut out = Vec::new();
    let callee = scene.session("callee");
    let invocation = Message::Invocation(invocation);
    scene
        .realm
        .bounce(callee, &invocation, Bounce::TooLong, false, &mut out);
    scene.sort(out);
    scene.expect_nothing("caller");
    scene.send("caller", call(10, "com.p"));
    scene.expect_invocation("callee");
    scene.leave("caller");
    scene.send("callee", answer(6));
    scene.leave("callee");
    assert!(scene.is_clean());
}

#[test]
fn a_callee_that_was_told_to_stop_takes_the_next_call() {
    let mut scene = Scene::of(&["caller"]);
    let features = Features {
        call_canceling: true,
        ..Features::default()
    };
    scene.join_with("callee", features);
    scene.offer_with("callee", "com.p", limited(1));
    for number in 1..=3 {
        scene.send("caller", call(number, "com.p"));
        scene.expect_invocation("callee");
        scene.send("caller", cancel(number, CancelMode::KillNoWait));
        scene.expect_error("caller", RequestKind::Call, "wamp.error.canceled");
        assert!(matches!(scene.expect("callee"), Message::Interrupt(_)));
    }
}

#[test]
fn of_too_many_calls_for_which_nobody_waits_the_oldest_is_forgotten() {
    for (concurrency, is_taken) in [(MAX_ABANDONED_CALLS, false), (MAX_ABANDONED_CALLS + 1, true)] {
        let mut scene = Scene::of(&["caller"]);
        scene.join_with("callee", Features::default());
        scene.offer_with("callee", "com.p", limited(concurrency));
        for number in (1..).take(concurrency) {
            scene.send("caller", call(number, "com.p"));
            scene.expect_invocation("callee");
            scene.send("caller", cancel(number, CancelMode::Skip));
            scene.expect_error("caller", RequestKind::Call, "wamp.error.canceled");
        }
        scene.send("caller", call(9_999, "com.p"));
        assert_eq!(scene.has_mail("callee"), is_taken, "{concurrency}");
        let callee = scene.session("callee");
        let member = scene.realm.members.get(callee).unwrap();
        assert_eq!(member.abandoned.len(), MAX_ABANDONED_CALLS);
    }
}

#[test]
fn a_callee_that_wants_to_know_its_callers_gets_them_disclosed_or_not_at_all() {
    let mut scene = Scene::of(&["callee", "open"]);
    let options = RegisterOptions {
        disclose_caller: true,
        ..RegisterOptions::default()
    };
    scene.offer_with("callee", "com.p", options);
    let rule = Rule {
        uri: "".into(),
        policy: Match::Prefix,
        allow: Actions::ALL,
        disclose: Disclose::Never,
        consent: Consent::Given,
        trustlevel: None,
    };
    scene.join("silent", Role::new("silent", vec![rule]).unwrap());
    scene.send("open", call(1, "com.p"));
    let caller = scene.expect_invocation("callee").details.caller.unwrap();
    assert_eq!(&*caller.authid, "open");
    scene.send("silent", call(1, "com.p"));
    scene.expect_error("silent", RequestKind::Call, "wamp.error.option_disallowed.disclose_me");
    scene.expect_nothing("callee");
}

#[test]
fn a_callee_that_sees_to_time_outs_is_told_and_the_router_waits_a_little_longer() {
    use std::time::Duration;
    let mut scene = Scene::of(&["caller"]);
    let features = Features {
        call_timeout: true,
        ..Features::default()
    };
    scene.join_with("able", features);
    scene.join_with("unable", Features::default());
    let options = RegisterOptions {
        forward_timeout: true,
        ..RegisterOptions::default()
    };
    let waiting = || CallOptions {
        timeout: 500,
        ..CallOptions::default()
    };
    scene.offer_with("able", "com.able", options.clone());
    scene.offer_with("unable", "com.unable", options);
    scene.send("caller", call_with(1, "com.able", waiting()));
    scene.send("caller", call_with(2, "com.unable", waiting()));
    assert_eq!(scene.expect_invocation("able").details.timeout, 500);
    assert_eq!(scene.expect_invocation("unable").details.timeout, 0);
    scene.pass(Duration::from_millis(500));
    scene.expect_error("caller", RequestKind::Call, "wamp.error.timeout");
    scene.expect_nothing("caller");
    scene.pass(crate::limits::FORWARDED_TIMEOUT_GRACE);
    scene.expect_error("caller", RequestKind::Call, "wamp.error.timeout");
}
