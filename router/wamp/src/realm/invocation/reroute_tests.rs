//! Calls that one callee passes on to another.

use std::time::Duration;

use super::super::Bounce;
use super::super::scene::{Scene, answer, args, call, call_with, cancel, failure, progress, request};
use crate::acceptor::Features;
use crate::limits::MAX_REROUTED_ARGUMENTS;
use crate::message::{Call, CallOptions, CancelMode, Invoke, Message, RegisterOptions, RequestKind};

const UNAVAILABLE: &str = "wamp.error.unavailable";

fn three(invoke: Invoke) -> Scene {
    let mut scene = Scene::of(&["caller", "a", "b", "c"]);
    for name in ["a", "b", "c"] {
        let options = RegisterOptions {
            invoke,
            ..RegisterOptions::default()
        };
        scene.offer_with(name, "com.p", options);
    }
    scene
}

/// Whoever has the call refuses it, until nobody is left; in which order.
fn refuse_all(scene: &mut Scene) -> Vec<&'static str> {
    let mut order = Vec::new();
    while let Some(name) = ["a", "b", "c"].into_iter().find(|name| scene.has_mail(name)) {
        let invocation = scene.expect_invocation(name);
        scene.send(name, failure(invocation.request.get(), UNAVAILABLE));
        order.push(name);
    }
    order
}

#[test]
fn a_call_goes_on_by_the_policy_until_nobody_is_left() {
    for (invoke, expected) in [
        (Invoke::First, ["a", "b", "c"]),
        (Invoke::Last, ["c", "b", "a"]),
        (Invoke::RoundRobin, ["a", "b", "c"]),
    ] {
        let mut scene = three(invoke);
        scene.send("caller", call(1, "com.p"));
        assert_eq!(refuse_all(&mut scene), expected);
        scene.expect_error("caller", RequestKind::Call, "wamp.error.no_available_callee");
        scene.expect_nothing("caller");
    }
    let mut scene = three(Invoke::Random);
    scene.send("caller", call(1, "com.p"));
    let mut order = refuse_all(&mut scene);
    order.sort_unstable();
    assert_eq!(order, ["a", "b", "c"]);
    scene.expect_error("caller", RequestKind::Call, "wamp.error.no_available_callee");
}

#[test]
fn the_next_callee_gets_the_whole_call_and_the_caller_never_knows() {
    let mut scene = three(Invoke::First);
    let options = CallOptions {
        disclose_me: true,
        receive_progress: true,
        ..CallOptions::default()
    };
    scene.send("caller", call_with(7, "com.p", options));
    let first = scene.expect_invocation("a");
    scene.send("a", failure(1, UNAVAILABLE));
    let second = scene.expect_invocation("b");
    assert_eq!((second.details, second.payload), (first.details, first.payload));
    scene.expect_nothing("caller");
    // Who passed it on has no say in it any more.
    scene.send("a", answer(1));
    scene.expect_nothing("caller");
    scene.send("b", answer(1));
    assert_eq!(scene.expect_result("caller").request, request(7));
    for name in ["caller", "a", "b", "c"] {
        scene.leave(name);
    }
    assert!(scene.is_clean());
}

#[test]
fn the_only_callee_of_a_procedure_has_nobody_to_pass_a_call_on_to() {
    let mut scene = Scene::of(&["caller", "callee"]);
    scene.offer("callee", "com.p");
    scene.send("caller", call(1, "com.p"));
    scene.expect_invocation("callee");
    scene.send("callee", failure(1, UNAVAILABLE));
    let Message::Error(error) = scene.expect("caller") else {
        panic!("the caller got no error")
    };
    assert_eq!(error.error.as_str(), "wamp.error.no_available_callee");
    // What the callee says of it arrives.
    assert_eq!(error.payload.to_args::<(String,)>().unwrap().0, "no");
}

#[test]
fn another_error_than_unavailable_ends_the_call() {
    let mut scene = three(Invoke::First);
    scene.send("caller", call(1, "com.p"));
    scene.expect_invocation("a");
    scene.send("a", failure(1, "com.error"));
    scene.expect_error("caller", RequestKind::Call, "com.error");
    scene.expect_nothing("b");
}

#[test]
fn a_call_that_has_given_results_or_taken_further_parts_is_not_passed_on() {
    let options = CallOptions {
        receive_progress: true,
        ..CallOptions::default()
    };
    let mut scene = three(Invoke::First);
    scene.send("caller", call_with(1, "com.p", options));
    scene.expect_invocation("a");
    scene.send("a", progress(1));
    scene.expect_result("caller");
    scene.send("a", failure(1, UNAVAILABLE));
    scene.expect_error("caller", RequestKind::Call, UNAVAILABLE);
    scene.expect_nothing("b");

    let mut scene = Scene::of(&["caller"]);
    for name in ["a", "b"] {
        let features = Features {
            call_canceling: true,
            progressive_call_invocations: true,
            ..Features::default()
        };
        scene.join_with(name, features);
        let options = RegisterOptions {
            invoke: Invoke::First,
            ..RegisterOptions::default()
        };
        scene.offer_with(name, "com.p", options);
    }
    let part = || {
        let options = CallOptions {
            progress: true,
            ..CallOptions::default()
        };
        call_with(1, "com.p", options)
    };
    scene.send("caller", part());
    scene.expect_invocation("a");
    // The first part alone can be passed on, and the others follow it.
    scene.send("a", failure(1, UNAVAILABLE));
    assert!(scene.expect_invocation("b").details.progress);
    scene.send("caller", part());
    scene.expect_invocation("b");
    scene.send("b", failure(1, UNAVAILABLE));
    scene.expect_error("caller", RequestKind::Call, UNAVAILABLE);
    scene.send("caller", part());
    scene.expect_nothing("caller");
}

#[test]
fn an_invocation_that_does_not_fit_goes_to_the_next_callee() {
    let mut scene = three(Invoke::First);
    scene.send("caller", call(1, "com.p"));
    for (name, next) in [("a", Some("b")), ("b", Some("c")), ("c", None)] {
        let invocation = scene.expect(name);
        scene.bounce(name, &invocation, Bounce::Full);
        match next {
            Some(_) => scene.expect_nothing("caller"),
            None => scene.expect_error("caller", RequestKind::Call, "wamp.error.no_available_callee"),
        }
    }
}

#[test]
fn the_time_of_a_call_goes_on_when_it_is_passed_on() {
    let mut scene = three(Invoke::First);
    let options = CallOptions {
        timeout: 100,
        ..CallOptions::default()
    };
    scene.send("caller", call_with(1, "com.p", options));
    scene.expect_invocation("a");
    scene.pass(Duration::from_millis(60));
    scene.send("a", failure(1, UNAVAILABLE));
    scene.expect_invocation("b");
    scene.pass(Duration::from_millis(40));
    scene.expect_error("caller", RequestKind::Call, "wamp.error.timeout");
    assert!(matches!(scene.expect("b"), Message::Interrupt(_)));
    assert_eq!(scene.realm.deadline(), None);
}

#[test]
fn a_call_that_was_passed_on_is_cancelled_where_it_is() {
    let mut scene = three(Invoke::First);
    scene.send("caller", call(1, "com.p"));
    scene.expect_invocation("a");
    scene.send("a", failure(1, UNAVAILABLE));
    scene.expect_invocation("b");
    scene.send("caller", cancel(1, CancelMode::KillNoWait));
    assert!(matches!(scene.expect("b"), Message::Interrupt(_)));
    scene.expect_error("caller", RequestKind::Call, "wamp.error.canceled");
    scene.expect_nothing("a");
}

#[test]
fn a_cancelled_call_is_not_passed_on() {
    let mut scene = three(Invoke::First);
    scene.send("caller", call(1, "com.p"));
    scene.expect_invocation("a");
    scene.send("caller", cancel(1, CancelMode::Kill));
    assert!(matches!(scene.expect("a"), Message::Interrupt(_)));
    scene.send("a", failure(1, UNAVAILABLE));
    scene.expect_error("caller", RequestKind::Call, UNAVAILABLE);
    scene.expect_nothing("b");
}

#[test]
fn arguments_as_long_as_the_bound_are_passed_on_and_longer_ones_are_not() {
    for (bytes, is_passed_on) in [(MAX_REROUTED_ARGUMENTS, true), (MAX_REROUTED_ARGUMENTS + 1, false)] {
        let mut scene = three(Invoke::First);
        // An array of one string whose length has 16 bits takes four bytes before the string's.
        let payload = args(&["x".repeat(bytes - 4).as_str().into()]);
        assert_eq!(payload.len(), bytes);
        let call = Call {
            request: request(1),
            options: CallOptions::default(),
            procedure: "com.p".into(),
            payload,
        };
        scene.send("caller", Message::Call(call));
        scene.expect_invocation("a");
        scene.send("a", failure(1, UNAVAILABLE));
        if is_passed_on {
            scene.expect_invocation("b");
        } else {
            scene.expect_error("caller", RequestKind::Call, "wamp.error.no_available_callee");
        }
    }
}
