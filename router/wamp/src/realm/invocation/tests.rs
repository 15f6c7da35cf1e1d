//! How calls end.

use super::super::Settings;
use super::super::scene::{Scene, answer, call, call_with, cancel, failure, progress, request};
use std::time::Duration;

use super::super::Bounce;
use crate::error::Unconvertible;
use crate::message::{CallOptions, CancelMode, Message, RequestKind};

fn scene_with_an_open_call() -> Scene {
    let mut scene = Scene::of(&["caller", "callee", "stranger"]);
    scene.offer("callee", "com.p");
    scene.send(
        "caller",
        call_with(
            7,
            "com.p",
            CallOptions {
                receive_progress: true,
                ..CallOptions::default()
            },
        ),
    );
    assert!(matches!(scene.expect("callee"), Message::Invocation(it) if it.request == request(1)));
    scene
}

fn expect_interrupt(scene: &mut Scene, mode: CancelMode) {
    let Message::Interrupt(it) = scene.expect("callee") else {
        panic!("the callee was not interrupted")
    };
    assert_eq!((it.request, it.options.mode), (request(1), mode));
}

#[test]
fn the_callees_error_goes_to_the_caller() {
    let mut scene = scene_with_an_open_call();
    scene.send("callee", failure(1, "com.error.broken"));
    let Message::Error(error) = scene.expect("caller") else {
        panic!()
    };
    assert_eq!((error.kind, error.request), (RequestKind::Call, request(7)));
    assert_eq!(error.payload.to_args::<(String,)>().unwrap().0, "no");
    scene.send("callee", answer(1));
    scene.expect_nothing("caller");
}

#[test]
fn an_error_with_an_ill_formed_uri_becomes_one_that_says_so_without_its_arguments() {
    let long = "x".repeat(crate::limits::MAX_LOOSE_URI + 1);
    for uri in ["not a uri", "", "a..b", "#", "com.a\u{1b}[31m", &long] {
        let mut scene = scene_with_an_open_call();
        scene.send("callee", failure(1, uri));
        let Message::Error(error) = scene.expect("caller") else {
            panic!("{uri:?}")
        };
        assert_eq!((error.kind, error.request), (RequestKind::Call, request(7)));
        assert_eq!(error.error, "wamp.error.invalid_uri", "{uri:?}");
        let (sentence,) = error.payload.to_args::<(String,)>().unwrap();
        let shown: String = uri.chars().take(64).collect();
        assert!(sentence.ends_with(&format!(": {shown:?}")), "{sentence}");
        assert!(
            sentence.len() < 200 && !sentence.contains(char::is_control),
            "{sentence}"
        );
        scene.send("callee", answer(1));
        scene.expect_nothing("caller");
    }
}

#[test]
fn an_answer_from_a_session_that_was_not_invoked_is_ignored() {
    let mut scene = scene_with_an_open_call();
    scene.send("stranger", answer(1));
    scene.send("stranger", failure(1, "com.error.evil"));
    scene.send("caller", answer(1));
    scene.expect_nothing("caller");
    scene.send("callee", answer(1));
    assert!(matches!(scene.expect("caller"), Message::Result(_)));
}

#[test]
fn a_call_is_answered_once() {
    let mut scene = scene_with_an_open_call();
    scene.send("callee", answer(1));
    scene.send("callee", answer(1));
    scene.send("callee", failure(1, "com.error.late"));
    assert!(matches!(scene.expect("caller"), Message::Result(_)));
    scene.expect_nothing("caller");
}

#[test]
fn progressive_results_come_before_the_last_one() {
    let mut scene = scene_with_an_open_call();
    for _ in 0..2 {
        scene.send("callee", progress(1));
        assert!(matches!(scene.expect("caller"), Message::Result(it) if it.details.progress));
    }
    scene.send("callee", answer(1));
    assert!(matches!(scene.expect("caller"), Message::Result(it) if !it.details.progress));
    scene.send("callee", progress(1));
    scene.expect_nothing("caller");
}

#[test]
fn a_caller_that_did_not_ask_for_progress_gets_none() {
    let mut scene = Scene::of(&["caller", "callee"]);
    scene.offer("callee", "com.p");
    scene.send("caller", call(1, "com.p"));
    scene.send("callee", progress(1));
    scene.expect_nothing("caller");
    scene.send("callee", answer(1));
    assert!(matches!(scene.expect("caller"), Message::Result(_)));
}

#[test]
fn every_call_to_a_callee_that_leaves_fails() {
    let mut scene = scene_with_an_open_call();
    scene.send("stranger", call(3, "com.p"));
    scene.leave("callee");
    scene.expect_error("caller", RequestKind::Call, "wamp.error.canceled");
    scene.expect_error("stranger", RequestKind::Call, "wamp.error.canceled");
    scene.send("caller", call(8, "com.p"));
    scene.expect_error("caller", RequestKind::Call, "wamp.error.no_such_procedure");
    assert!(scene.is_clean());
}

#[test]
fn a_callee_is_interrupted_when_its_caller_leaves() {
    let mut scene = scene_with_an_open_call();
    scene.leave("caller");
    expect_interrupt(&mut scene, CancelMode::KillNoWait);
    scene.send("callee", answer(1));
    scene.leave("callee");
    assert!(scene.is_clean());
}

#[test]
fn a_session_that_calls_itself_may_leave() {
    let mut scene = Scene::of(&["a"]);
    scene.offer("a", "com.p");
    scene.send("a", call(1, "com.p"));
    scene.leave("a");
    assert!(scene.is_clean());
}

#[test]
fn skip_answers_the_caller_and_leaves_the_callee_alone() {
    let mut scene = scene_with_an_open_call();
    scene.send("caller", cancel(7, CancelMode::Skip));
    scene.expect_error("caller", RequestKind::Call, "wamp.error.canceled");
    scene.expect_nothing("callee");
    scene.send("callee", answer(1));
    scene.expect_nothing("caller");
}

#[test]
fn kill_interrupts_the_callee_whose_answer_still_counts() {
    let mut scene = scene_with_an_open_call();
    scene.send("caller", cancel(7, CancelMode::Kill));
    expect_interrupt(&mut scene, CancelMode::Kill);
    scene.expect_nothing("caller");
    scene.send("callee", failure(1, "wamp.error.canceled"));
    scene.expect_error("caller", RequestKind::Call, "wamp.error.canceled");
}

#[test]
fn killnowait_interrupts_the_callee_and_answers_the_caller_at_once() {
    let mut scene = scene_with_an_open_call();
    scene.send("caller", cancel(7, CancelMode::KillNoWait));
    expect_interrupt(&mut scene, CancelMode::KillNoWait);
    scene.expect_error("caller", RequestKind::Call, "wamp.error.canceled");
    scene.send("callee", answer(1));
    scene.expect_nothing("caller");
}

#[test]
fn a_cancel_for_a_call_that_is_over_is_ignored() {
    let mut scene = scene_with_an_open_call();
    scene.send("stranger", cancel(7, CancelMode::KillNoWait));
    scene.send("callee", answer(1));
    assert!(matches!(scene.expect("caller"), Message::Result(_)));
    scene.send("caller", cancel(7, CancelMode::KillNoWait));
    scene.expect_nothing("caller");
    scene.expect_nothing("callee");
}

#[test]
fn an_invocation_that_cannot_be_delivered_fails_the_call() {
    for (why, error) in [
        (Bounce::Full, "wamp.error.unavailable"),
        (Bounce::TooLong, "wamp.error.payload_size_exceeded"),
        (Bounce::Unconvertible(Unconvertible("x")), "wamp.error.invalid_argument"),
    ] {
        let mut scene = Scene::with(Settings::default(), &["caller", "callee"]);
        scene.offer("callee", "com.p");
        scene.send("caller", call(1, "com.p"));
        let invocation = scene.expect("callee");
        scene.bounce("callee", &invocation, why);
        scene.expect_error("caller", RequestKind::Call, error);
        scene.send("callee", answer(1));
        scene.expect_nothing("caller");
    }
}

#[test]
fn a_result_that_cannot_be_delivered_becomes_an_error() {
    let mut scene = scene_with_an_open_call();
    scene.send("callee", progress(1));
    let result = scene.expect("caller");
    scene.bounce("caller", &result, Bounce::Unconvertible(Unconvertible("x")));
    expect_interrupt(&mut scene, CancelMode::KillNoWait);
    scene.expect_error("caller", RequestKind::Call, "wamp.error.invalid_argument");
    scene.send("callee", answer(1));
    scene.expect_nothing("caller");
}

#[test]
fn a_call_whose_end_was_withdrawn_with_a_result_that_cannot_be_delivered_gets_another_end() {
    let mut scene = scene_with_an_open_call();
    scene.send("callee", progress(1));
    let lost = scene.expect("caller");
    scene.send("callee", answer(1));
    scene.expect_result("caller");
    let mut out = Vec::new();
    let (caller, why) = (scene.session("caller"), Bounce::TooLong);
    scene.realm.bounce(caller, &lost, why, true, &mut out);
    scene.sort(out);
    scene.expect_error("caller", RequestKind::Call, "wamp.error.payload_size_exceeded");
    scene.expect_nothing("callee");
}

fn timed(number: u64, timeout: u32) -> Message {
    let options = CallOptions {
        timeout,
        receive_progress: true,
        ..CallOptions::default()
    };
    call_with(number, "com.p", options)
}

#[test]
fn results_that_the_caller_has_not_asked_for_do_not_put_the_end_of_its_patience_off() {
    let mut scene = Scene::of(&["caller", "callee"]);
    scene.offer("callee", "com.p");
    let options = CallOptions {
        timeout: 500,
        ..CallOptions::default()
    };
    scene.send("caller", call_with(7, "com.p", options));
    scene.expect("callee");
    scene.pass(Duration::from_millis(400));
    scene.send("callee", progress(1));
    scene.pass(Duration::from_millis(100));
    scene.expect_error("caller", RequestKind::Call, "wamp.error.timeout");
}

#[test]
fn a_call_that_takes_too_long_fails_and_its_callee_is_interrupted() {
    let mut scene = Scene::of(&["caller", "callee"]);
    scene.offer("callee", "com.p");
    scene.send("caller", timed(7, 500));
    scene.expect("callee");
    scene.pass(Duration::from_millis(499));
    scene.expect_nothing("caller");
    scene.pass(Duration::from_millis(1));
    expect_interrupt(&mut scene, CancelMode::KillNoWait);
    scene.expect_error("caller", RequestKind::Call, "wamp.error.timeout");
    scene.send("callee", answer(1));
    scene.expect_nothing("caller");
    assert_eq!(scene.realm.deadline(), None);
}

#[test]
fn a_call_that_is_answered_in_time_ends_once() {
    let mut scene = Scene::of(&["caller", "callee"]);
    scene.offer("callee", "com.p");
    scene.send("caller", timed(7, 500));
    scene.expect("callee");
    scene.send("callee", answer(1));
    assert!(matches!(scene.expect("caller"), Message::Result(_)));
    assert_eq!(scene.realm.deadline(), None);
    scene.pass(Duration::from_secs(1));
    scene.expect_nothing("caller");
    scene.expect_nothing("callee");
}

#[test]
fn the_time_of_a_progressive_call_counts_from_its_last_result() {
    let mut scene = Scene::of(&["caller", "callee"]);
    scene.offer("callee", "com.p");
    scene.send("caller", timed(7, 500));
    scene.expect("callee");
    for _ in 0..3 {
        scene.pass(Duration::from_millis(400));
        scene.send("callee", progress(1));
        assert!(matches!(scene.expect("caller"), Message::Result(it) if it.details.progress));
    }
    scene.pass(Duration::from_millis(500));
    scene.expect_error("caller", RequestKind::Call, "wamp.error.timeout");
}

#[test]
fn no_deadline_outlives_its_caller_or_callee() {
    for leaver in ["caller", "callee"] {
        let mut scene = Scene::of(&["caller", "callee"]);
        scene.offer("callee", "com.p");
        scene.send("caller", timed(7, 500));
        scene.leave(leaver);
        assert_eq!(scene.realm.deadline(), None, "{leaver}");
    }
}
