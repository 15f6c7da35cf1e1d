//! Calls whose ends grant each other what may be sent.

use std::time::Duration;

use super::super::super::scene::{Scene, answer, call_with, cancel, failure, grant, progress, request};
use crate::acceptor::Features;
use crate::message::{
    CallOptions, CancelMode, Flow, Invocation, Invoke, Message, RegisterOptions, RequestKind, RunMode, Shard,
};
use crate::payload::Payload;

/// A call that takes so many results.
fn call(credit: u32) -> Message {
    call_with(7, "com.p", options(credit, false, false))
}

/// One that sends further parts as they are granted.
fn first_part() -> Message {
    call_with(7, "com.p", options(0, true, true))
}

/// A further one.
fn part(is_last: bool) -> Message {
    let options = CallOptions {
        progress: !is_last,
        ..CallOptions::default()
    };
    call_with(7, "com.p", options)
}

fn options(credit: u32, await_credit: bool, progress: bool) -> CallOptions {
    CallOptions {
        receive_progress: true,
        progress,
        flow: Some(Box::new(Flow { credit, await_credit })),
        ..CallOptions::default()
    }
}

fn scene(knows_credit: bool) -> Scene {
    let mut scene = Scene::of(&["caller"]);
    let features = Features {
        call_canceling: true,
        progressive_call_invocations: true,
        progress_credit: knows_credit,
        ..Features::default()
    };
    scene.join_with("callee", features);
    scene.offer("callee", "com.p");
    scene
}

/// A call that has gone to a callee that knows credit.
fn begun(message: Message) -> (Scene, Invocation) {
    let mut scene = scene(true);
    scene.send("caller", message);
    let invocation = scene.expect_invocation("callee");
    (scene, invocation)
}

fn expect_nothing(scene: &Scene) {
    scene.expect_nothing("caller");
    scene.expect_nothing("callee");
}

fn expect_end(scene: &mut Scene) {
    let Message::Interrupt(it) = scene.expect("callee") else {
        panic!("the callee was not interrupted")
    };
    assert_eq!(it.options.mode, CancelMode::KillNoWait);
    scene.expect_error("caller", RequestKind::Call, "wamp.error.canceled");
}

#[test]
fn a_callee_sends_as_many_results_as_it_was_granted_and_one_more_ends_the_call() {
    let (mut scene, invocation) = begun(call(2));
    assert_eq!(invocation.details.credit, 2);
    for _ in 0..2 {
        scene.send("callee", progress(1));
        assert!(scene.expect_result("caller").details.progress);
    }
    scene.send("callee", progress(1));
    expect_end(&mut scene);
    scene.send("callee", answer(1));
    expect_nothing(&scene);
}

#[test]
fn a_caller_grants_more_and_its_callee_is_told_under_the_same_number() {
    let (mut scene, _) = begun(call(1));
    scene.send("callee", progress(1));
    scene.expect_result("caller");
    scene.send("caller", call(2));
    let more = scene.expect_invocation("callee");
    assert_eq!((more.request, more.details.credit), (request(1), 2));
    assert_eq!(more.payload, Payload::EMPTY);
    for _ in 0..2 {
        scene.send("callee", progress(1));
        scene.expect_result("caller");
    }
    // The last result needs no credit.
    scene.send("callee", answer(1));
    assert!(!scene.expect_result("caller").details.progress);
}

#[test]
fn a_grant_of_nothing_is_no_part_of_the_call() {
    let (mut scene, _) = begun(call(1));
    scene.send("caller", call(0));
    expect_nothing(&scene);
}

#[test]
fn credit_adds_up_to_as_much_as_there_is_and_not_beyond() {
    let (mut scene, _) = begun(call(u32::MAX));
    scene.send("caller", call(u32::MAX));
    scene.expect_invocation("callee");
    scene.send("callee", progress(1));
    scene.expect_result("caller");
}

#[test]
fn a_callee_that_knows_no_credit_is_told_nothing_and_sends_as_it_likes() {
    let mut scene = scene(false);
    scene.send("caller", call(1));
    assert_eq!(scene.expect_invocation("callee").details.credit, 0);
    for _ in 0..3 {
        scene.send("callee", progress(1));
        scene.expect_result("caller");
    }
    scene.send("caller", call(1));
    expect_nothing(&scene);
    scene.send("callee", answer(1));
    scene.expect_result("caller");
}

#[test]
fn grants_that_come_after_the_end_begin_no_new_call() {
    let (mut scene, _) = begun(call(1));
    scene.send("callee", answer(1));
    scene.expect_result("caller");
    scene.send("caller", call(5));
    scene.send("caller", call(5));
    expect_nothing(&scene);
}

#[test]
fn a_grant_for_a_call_that_said_nothing_of_credit_breaks_the_protocol() {
    let mut scene = scene(true);
    scene.send("caller", call_with(7, "com.p", CallOptions::default()));
    assert_eq!(scene.expect_invocation("callee").details.credit, 0);
    assert!(scene.try_send("caller", call(1)).is_err());
}

#[test]
fn a_caller_that_awaits_credit_sends_as_many_parts_as_it_was_granted_and_one_more_ends_the_call() {
    let (mut scene, invocation) = begun(first_part());
    assert!(invocation.details.await_credit && invocation.details.progress);
    scene.send("callee", grant(1, 2));
    let more = scene.expect_result("caller");
    assert_eq!((more.details.progress, more.details.credit), (true, 2));
    for _ in 0..2 {
        scene.send("caller", part(false));
        let part = scene.expect_invocation("callee").details;
        assert!(part.progress && !part.await_credit && part.credit == 0);
    }
    scene.send("caller", part(false));
    expect_end(&mut scene);
    scene.send("caller", part(true));
    expect_nothing(&scene);
}

#[test]
fn the_last_part_needs_credit_as_the_others_do() {
    let (mut scene, _) = begun(first_part());
    scene.send("caller", part(true));
    expect_end(&mut scene);
}

#[test]
fn a_callee_that_knows_no_credit_takes_every_part() {
    let mut scene = scene(false);
    scene.send("caller", first_part());
    assert!(!scene.expect_invocation("callee").details.await_credit);
    assert_eq!(scene.expect_result("caller").details.credit, u32::MAX);
    for _ in 0..3 {
        scene.send("caller", part(false));
        scene.expect_invocation("callee");
    }
}

#[test]
fn parts_that_nobody_asked_to_have_granted_are_not_granted() {
    let (mut scene, _) = begun(call(1));
    scene.send("callee", grant(1, 2));
    expect_nothing(&scene);
    // It was no result either.
    scene.send("callee", progress(1));
    scene.expect_result("caller");
}

#[test]
fn only_the_callee_of_a_call_grants_its_parts() {
    let (mut scene, _) = begun(first_part());
    scene.join_with("other", Features::default());
    scene.send("other", grant(1, 2));
    expect_nothing(&scene);
}

#[test]
fn the_time_of_a_call_counts_from_the_last_grant() {
    let mut scene = scene(true);
    let wanted = CallOptions {
        timeout: 1_000,
        ..options(1, false, false)
    };
    scene.send("caller", call_with(7, "com.p", wanted));
    scene.expect_invocation("callee");
    scene.pass(Duration::from_millis(900));
    scene.send("caller", call(1));
    scene.expect_invocation("callee");
    scene.pass(Duration::from_millis(900));
    expect_nothing(&scene);
    scene.pass(Duration::from_millis(101));
    let Message::Interrupt(_) = scene.expect("callee") else {
        panic!("the callee was not interrupted")
    };
    scene.expect_error("caller", RequestKind::Call, "wamp.error.timeout");
}

#[test]
fn a_call_that_is_passed_on_takes_its_credit_along() {
    let mut scene = scene(true);
    let (mut shared, features) = (
        Scene::of(&["caller"]),
        Features {
            progress_credit: true,
            ..Features::default()
        },
    );
    for name in ["a", "b"] {
        shared.join_with(name, features);
        let options = RegisterOptions {
            invoke: Invoke::First,
            ..RegisterOptions::default()
        };
        shared.offer_with(name, "com.p", options);
    }
    shared.send("caller", call(3));
    assert_eq!(shared.expect_invocation("a").details.credit, 3);
    shared.send("a", failure(1, "wamp.error.unavailable"));
    assert_eq!(shared.expect_invocation("b").details.credit, 3);
    scene.send("caller", call(3));
    scene.expect_invocation("callee");
    scene.send("caller", cancel(7, CancelMode::KillNoWait));
    expect_end(&mut scene);
}

#[test]
fn a_call_of_shards_grants_nothing() {
    let mut scene = scene(true);
    let wanted = CallOptions {
        shard: Some(Box::new(Shard {
            runmode: RunMode::All,
            rkey: None,
        })),
        ..options(1, false, false)
    };
    scene.send("caller", call_with(7, "com.p", wanted));
    scene.expect_error("caller", RequestKind::Call, "wamp.error.option_not_allowed");
}
