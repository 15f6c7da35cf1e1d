//! Calls whose arguments come in several parts.

use std::sync::Arc;
use std::time::Duration;

use super::super::role::{Action, Consent, Disclose, Role, Rule};
use super::super::scene::{Scene, answer, call_with, cancel, failure, progress, request};
use super::super::{Authorization, Bounce, Decision};
use crate::acceptor::Features;
use crate::limits::MAX_CUT_OFF_CALLS;
use crate::message::{CallOptions, CancelMode, Invoke, Match, Message, Passthru, RegisterOptions, RequestKind};

const ABLE: Features = Features {
    call_canceling: true,
    call_timeout: false,
    progressive_call_invocations: true,
    progress_credit: false,
    registration_revocation: false,
    subscription_revocation: false,
    acknowledged_event_delivery: false,
};

fn part(number: u64) -> Message {
    let options = CallOptions {
        progress: true,
        ..CallOptions::default()
    };
    call_with(number, "com.p", options)
}

fn last_part(number: u64) -> Message {
    call_with(number, "com.p", CallOptions::default())
}

fn scene() -> Scene {
    let mut scene = Scene::of(&["caller"]);
    scene.join_with("callee", ABLE);
    scene.offer("callee", "com.p");
    scene
}

/// A call of which the first part has come.
fn begun() -> Scene {
    let mut scene = scene();
    scene.send("caller", part(7));
    assert!(scene.expect_invocation("callee").details.progress);
    scene
}

fn expect_interrupt(scene: &mut Scene) {
    let Message::Interrupt(it) = scene.expect("callee") else {
        panic!("the callee was not interrupted")
    };
    assert_eq!(it.options.mode, CancelMode::KillNoWait);
}

#[test]
fn every_part_goes_to_the_same_callee_under_the_same_number_until_the_last() {
    let mut scene = begun();
    for _ in 0..3 {
        scene.send("caller", part(7));
        let invocation = scene.expect_invocation("callee");
        assert_eq!((invocation.request, invocation.details.progress), (request(1), true));
    }
    scene.send("caller", last_part(7));
    let invocation = scene.expect_invocation("callee");
    assert_eq!((invocation.request, invocation.details.progress), (request(1), false));
    assert!(
        scene.try_send("caller", last_part(7)).is_err(),
        "the last part was sent"
    );
    scene.send("callee", answer(1));
    assert_eq!(scene.expect_result("caller").request, request(7));
}

#[test]
fn what_the_first_part_said_counts_for_all() {
    let mut scene = scene();
    let passthru = Arc::new(Passthru {
        scheme: Some("x_own".into()),
        ..Passthru::default()
    });
    let options = CallOptions {
        progress: true,
        receive_progress: true,
        disclose_me: true,
        passthru: Some(Arc::clone(&passthru)),
        ..CallOptions::default()
    };
    scene.send("caller", call_with(7, "com.p", options));
    scene.expect_invocation("callee");
    scene.send("caller", last_part(7));
    let details = scene.expect_invocation("callee").details;
    assert!(details.receive_progress && details.caller.is_some());
    assert_eq!(details.passthru, Some(passthru));
    scene.send("callee", progress(1));
    assert!(scene.expect_result("caller").details.progress);
}

#[test]
fn results_may_come_between_the_parts() {
    let mut scene = scene();
    let options = CallOptions {
        progress: true,
        receive_progress: true,
        ..CallOptions::default()
    };
    for _ in 0..3 {
        scene.send("caller", call_with(7, "com.p", options.clone()));
        scene.expect_invocation("callee");
        scene.send("callee", progress(1));
        assert!(scene.expect_result("caller").details.progress);
    }
    scene.send("callee", answer(1));
    assert!(!scene.expect_result("caller").details.progress);
}

#[test]
fn parts_of_the_same_call_go_to_one_of_several_callees() {
    let mut scene = Scene::of(&["caller"]);
    for name in ["a", "b"] {
        scene.join_with(name, ABLE);
        let options = RegisterOptions {
            invoke: Invoke::RoundRobin,
            ..RegisterOptions::default()
        };
        scene.offer_with(name, "com.p", options);
    }
    for _ in 0..3 {
        scene.send("caller", part(7));
        scene.expect_invocation("a");
    }
    scene.expect_nothing("b");
}

#[test]
fn a_callee_that_cannot_take_parts_or_be_stopped_gets_none() {
    for features in [
        Features {
            call_canceling: false,
            ..ABLE
        },
        Features {
            progressive_call_invocations: false,
            ..ABLE
        },
    ] {
        let mut scene = Scene::of(&["caller"]);
        scene.join_with("callee", features);
        scene.offer("callee", "com.p");
        scene.send("caller", part(1));
        scene.expect_error("caller", RequestKind::Call, "wamp.error.feature_not_supported");
        // The next parts were on their way.
        scene.send("caller", part(1));
        scene.send("caller", last_part(1));
        scene.expect_nothing("caller");
        scene.expect_nothing("callee");
        scene.send("caller", last_part(2));
        scene.expect_invocation("callee");
    }
}

#[test]
fn of_several_callees_one_that_can_take_parts_is_asked() {
    let mut scene = Scene::of(&["caller", "unable"]);
    scene.join_with("able", ABLE);
    for name in ["unable", "able"] {
        let options = RegisterOptions {
            invoke: Invoke::First,
            ..RegisterOptions::default()
        };
        scene.offer_with(name, "com.p", options);
    }
    scene.send("caller", part(1));
    scene.expect_invocation("able");
}

#[test]
fn parts_that_come_after_the_end_of_the_call_are_dropped() {
    let ends: [fn(&mut Scene); 4] = [
        |scene| {
            scene.send("callee", answer(1));
            scene.expect_result("caller");
        },
        |scene| {
            scene.send("callee", failure(1, "com.error"));
            scene.expect_error("caller", RequestKind::Call, "com.error");
        },
        |scene| {
            scene.send("caller", cancel(7, CancelMode::KillNoWait));
            expect_interrupt(scene);
            scene.expect_error("caller", RequestKind::Call, "wamp.error.canceled");
        },
        |scene| {
            scene.leave("callee");
            scene.expect_error("caller", RequestKind::Call, "wamp.error.canceled");
        },
    ];
    for end in ends {
        let mut scene = begun();
        end(&mut scene);
        for _ in 0..3 {
            scene.send("caller", part(7));
        }
        scene.send("caller", last_part(7));
        scene.expect_nothing("caller");
        scene.expect_nothing("callee");
        assert!(
            scene
                .realm
                .members
                .get(scene.session("caller"))
                .unwrap()
                .cut_off
                .is_empty()
        );
    }
}

#[test]
fn a_call_in_parts_that_takes_too_long_fails_and_its_further_parts_are_dropped() {
    let mut scene = scene();
    let options = CallOptions {
        progress: true,
        timeout: 10,
        ..CallOptions::default()
    };
    scene.send("caller", call_with(7, "com.p", options));
    scene.expect_invocation("callee");
    scene.pass(Duration::from_millis(10));
    scene.expect_error("caller", RequestKind::Call, "wamp.error.timeout");
    expect_interrupt(&mut scene);
    scene.send("caller", last_part(7));
    scene.expect_nothing("callee");
    scene.expect_nothing("caller");
}

#[test]
fn a_part_that_does_not_fit_ends_the_call_and_stops_the_callee() {
    let mut scene = begun();
    scene.send("caller", part(7));
    let invocation = scene.expect("callee");
    scene.bounce("callee", &invocation, Bounce::Full);
    scene.expect_error("caller", RequestKind::Call, "wamp.error.unavailable");
    expect_interrupt(&mut scene);
    scene.bounce("callee", &invocation, Bounce::Full);
    scene.send("caller", last_part(7));
    scene.expect_nothing("caller");
}

#[test]
fn a_callee_is_stopped_when_its_caller_leaves_between_parts() {
    let mut scene = begun();
    scene.leave("caller");
    expect_interrupt(&mut scene);
    scene.leave("callee");
    assert!(scene.is_clean());
}

#[test]
fn the_routers_own_procedures_and_those_that_need_consent_take_no_parts() {
    let mut scene = scene();
    let options = || CallOptions {
        progress: true,
        ..CallOptions::default()
    };
    scene.send("caller", call_with(1, "wamp.session.count", options()));
    scene.expect_error("caller", RequestKind::Call, "wamp.error.feature_not_supported");
    let rule = Rule {
        uri: "".into(),
        policy: Match::Prefix,
        allow: [Action::Call].into_iter().collect(),
        disclose: Disclose::Never,
        consent: Consent::Ask,
        trustlevel: None,
    };
    scene.join("asked", Role::new("asked", vec![rule]).unwrap());
    scene.send("asked", part(1));
    scene.expect_error("asked", RequestKind::Call, "wamp.error.feature_not_supported");
    scene.send("asked", last_part(1));
    scene.expect_nothing("asked");
    assert_eq!(scene.realm.take_consent_news(), []);
}

/// A caller about whose calls an authorizer decides, and that has sent a part and one more.
fn scene_with_an_authorizer() -> (Scene, Authorization) {
    let mut scene = scene();
    let role = Role::new("guest", vec![]).unwrap();
    scene.join("guest", role.with_authorizer("com.authorize".into()));
    scene.send("guest", part(7));
    let question = scene.asked();
    scene.send("guest", part(7));
    (scene, question)
}

#[test]
fn an_authorizer_decides_about_a_call_once_whatever_parts_it_has() {
    let (mut scene, question) = scene_with_an_authorizer();
    let yes = Decision::Made {
        is_allowed: true,
        disclose: None,
        is_lasting: false,
    };
    scene.authorize(&question, yes);
    scene.send("guest", last_part(7));
    for progress in [true, true, false] {
        assert_eq!(scene.expect_invocation("callee").details.progress, progress);
    }
    assert_eq!(scene.realm.take_authorizations(), []);
}

#[test]
fn parts_of_a_call_that_its_authorizer_ended_are_dropped() {
    let no = Decision::Made {
        is_allowed: false,
        disclose: None,
        is_lasting: false,
    };
    for (decision, error) in [
        (no, "wamp.error.not_authorized"),
        (Decision::Failed("it is gone"), "wamp.error.authorization_failed"),
    ] {
        let (mut scene, question) = scene_with_an_authorizer();
        scene.authorize(&question, decision);
        scene.expect_error("guest", RequestKind::Call, error);
        scene.send("guest", last_part(7));
        scene.expect_nothing("guest");
        assert_eq!(scene.realm.take_authorizations(), []);
    }
    let (mut scene, _) = scene_with_an_authorizer();
    scene.send("guest", cancel(7, CancelMode::KillNoWait));
    scene.expect_error("guest", RequestKind::Call, "wamp.error.canceled");
    scene.send("guest", last_part(7));
    scene.expect_nothing("guest");
    scene.expect_nothing("callee");
    assert_eq!(scene.realm.take_authorizations(), []);
}

#[test]
fn a_further_part_that_waits_for_an_authorizer_is_not_what_is_cancelled() {
    let (mut scene, question) = scene_with_an_authorizer();
    let yes = Decision::Made {
        is_allowed: true,
        disclose: None,
        is_lasting: false,
    };
    scene.authorize(&question, yes);
    // Another question, behind which the next part waits.
    scene.send("guest", call_with(8, "com.other", CallOptions::default()));
    let other = scene.asked();
    scene.send("guest", part(7));
    scene.send("guest", cancel(7, CancelMode::KillNoWait));
    scene.expect_error("guest", RequestKind::Call, "wamp.error.canceled");
    scene.authorize(&other, yes);
    scene.expect_error("guest", RequestKind::Call, "wamp.error.no_such_procedure");
    scene.expect_nothing("guest");
}

#[test]
fn parts_of_as_many_ended_calls_as_the_bound_are_known() {
    let mut scene = Scene::of(&["caller"]);
    let most = MAX_CUT_OFF_CALLS as u64;
    for number in 1..=most {
        scene.send("caller", part(number));
        scene.expect_error("caller", RequestKind::Call, "wamp.error.no_such_procedure");
    }
    scene.send("caller", part(1));
    scene.expect_nothing("caller");
    scene.send("caller", part(most + 1));
    scene.expect_error("caller", RequestKind::Call, "wamp.error.no_such_procedure");
    // The oldest is forgotten, and a call like any other.
    scene.send("caller", last_part(1));
    scene.expect_error("caller", RequestKind::Call, "wamp.error.no_such_procedure");
    scene.send("caller", last_part(2));
    scene.expect_nothing("caller");
}
