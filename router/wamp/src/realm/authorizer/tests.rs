//! What authorizers may decide, and what happens meanwhile.

use super::super::role::{Actions, Consent, Role, Rule};
use super::super::scene::{Scene, args, bare_call, call, call_with, cancel, publish, register, request, subscribe};
use super::*;
use crate::limits::{HELD_BYTES, HELD_REQUESTS, MAX_DECISIONS};
use crate::message::{CallOptions, CancelMode, PublishOptions, RequestKind};

const YES: Decision = Decision::Made {
    is_allowed: true,
    disclose: None,
    is_lasting: false,
};
const NO: Decision = Decision::Made {
    is_allowed: false,
    disclose: None,
    is_lasting: false,
};
const ALWAYS: Decision = Decision::Made {
    is_allowed: true,
    disclose: None,
    is_lasting: true,
};

/// May call `com.open.…`, may do nothing below `com.shut.`; the rest is the authorizer's.
fn role() -> Role {
    let rule = |uri: &str, allow| Rule {
        uri: uri.into(),
        policy: Match::Prefix,
        allow,
        disclose: Disclose::OnRequest,
        consent: Consent::Given,
        trustlevel: None,
    };
    let rules = vec![rule("com.open.", Actions::ALL), rule("com.shut.", Actions::NONE)];
    Role::new("guest", rules)
        .unwrap()
        .with_authorizer("com.authorize".into())
}

fn scene() -> Scene {
    let mut scene = Scene::of(&["callee"]);
    scene.join("guest", role());
    for procedure in ["com.p", "com.q", "com.open.p", "com.shut.p"] {
        scene.offer("callee", procedure);
    }
    scene
}

fn acknowledged(number: u64, topic: &str) -> Message {
    let options = PublishOptions {
        acknowledge: true,
        ..PublishOptions::default()
    };
    publish(number, topic, options)
}

/// The number of the call with which the callee was invoked.
fn invoked(scene: &mut Scene) -> u64 {
    let Message::Invocation(it) = scene.expect("callee") else {
        panic!("the callee was not invoked")
    };
    it.payload.to_values().unwrap().0[1].as_u64().unwrap()
}

#[test]
fn what_no_rule_speaks_of_is_asked_and_served_after_a_yes() {
    let mut scene = scene();
    scene.send("guest", call(1, "com.p"));
    scene.expect_nothing("callee");
    let question = scene.asked();
    assert_eq!(
        (question.authorizer.as_str(), question.uri.as_str()),
        ("com.authorize", "com.p")
    );
    assert_eq!((question.action, question.policy), (Action::Call, Match::Exact));
    assert_eq!(&*question.origin.authid, "guest");
    assert_eq!(scene.authorize(&question, YES), Some(Proceed::Continue));
    assert!(matches!(scene.expect("callee"), Message::Invocation(_)));
    // Nothing was said of the next one.
    scene.send("guest", call(2, "com.p"));
    scene.expect_nothing("callee");
    scene.asked();
}

#[test]
fn every_action_is_asked_about() {
    let mut scene = scene();
    for (message, action, kind) in [
        (
            register(1, "com.r", Match::Exact),
            Action::Register,
            RequestKind::Register,
        ),
        (
            subscribe(2, "com.", Match::Prefix),
            Action::Subscribe,
            RequestKind::Subscribe,
        ),
        (acknowledged(3, "com.t"), Action::Publish, RequestKind::Publish),
        (call(4, "com.p"), Action::Call, RequestKind::Call),
    ] {
        scene.send("guest", message);
        if action == Action::Subscribe {
            // A rule speaks of a part of it.
            scene.expect_error("guest", kind, "wamp.error.not_authorized");
            continue;
        }
        let question = scene.asked();
        assert_eq!(question.action, action);
        scene.authorize(&question, NO);
        scene.expect_error("guest", kind, "wamp.error.not_authorized");
    }
    scene.send("guest", subscribe(5, "org.", Match::Prefix));
    let question = scene.asked();
    assert_eq!((question.action, question.policy), (Action::Subscribe, Match::Prefix));
    scene.authorize(&question, YES);
    assert!(matches!(scene.expect("guest"), Message::Subscribed(_)));
}

#[test]
fn what_a_rule_allows_or_denies_is_not_asked() {
    let mut scene = scene();
    scene.send("guest", call(1, "com.open.p"));
    assert!(matches!(scene.expect("callee"), Message::Invocation(_)));
    scene.send("guest", call(2, "com.shut.p"));
    scene.expect_error("guest", RequestKind::Call, "wamp.error.not_authorized");
    scene.send("guest", call(3, "com..p"));
    scene.expect_error("guest", RequestKind::Call, "wamp.error.invalid_uri");
    scene.send("guest", register(4, "wamp.p", Match::Exact));
    scene.expect_error("guest", RequestKind::Register, "wamp.error.invalid_uri");
    assert_eq!(scene.realm.take_authorizations(), []);
}

#[test]
fn an_authorizer_that_fails_denies_and_the_caller_can_tell() {
    let mut scene = scene();
    scene.send("guest", call(1, "com.p"));
    let question = scene.asked();
    scene.authorize(&question, Decision::Failed("it did not answer in time"));
    scene.expect_error("guest", RequestKind::Call, "wamp.error.authorization_failed");
    scene.expect_nothing("callee");
}

#[test]
fn requests_behind_one_that_waits_keep_their_order() {
    let mut scene = scene();
    for (number, procedure) in [(1, "com.p"), (2, "com.open.p"), (3, "com.p"), (4, "com.open.p")] {
        scene.send("guest", call(number, procedure));
    }
    scene.expect_nothing("callee");
    let first = scene.asked();
    scene.authorize(&first, YES);
    assert_eq!([invoked(&mut scene), invoked(&mut scene)], [1, 2]);
    scene.expect_nothing("callee");
    let second = scene.asked();
    scene.authorize(&second, NO);
    scene.expect_error("guest", RequestKind::Call, "wamp.error.not_authorized");
    assert_eq!(invoked(&mut scene), 4);
}

#[test]
fn a_lasting_decision_is_asked_for_once_until_there_are_too_many() {
    let mut scene = scene();
    scene.send("guest", acknowledged(1, "com.t"));
    let question = scene.asked();
    scene.authorize(&question, ALWAYS);
    assert!(matches!(scene.expect("guest"), Message::Published(_)));
    scene.send("guest", acknowledged(2, "com.t"));
    assert!(matches!(scene.expect("guest"), Message::Published(_)));
    for number in 1..MAX_DECISIONS {
        scene.send(
            "guest",
            publish(3, &format!("com.t{number}"), PublishOptions::default()),
        );
        let question = scene.asked();
        scene.authorize(&question, ALWAYS);
    }
    scene.send("guest", acknowledged(4, "com.t"));
    assert!(matches!(scene.expect("guest"), Message::Published(_)));
    scene.send("guest", publish(5, "com.one.more", PublishOptions::default()));
    let question = scene.asked();
    scene.authorize(&question, ALWAYS);
    scene.send("guest", acknowledged(6, "com.t"));
    scene.expect_nothing("guest");
    scene.asked();
}

#[test]
fn a_call_that_waits_can_be_cancelled_and_those_behind_it_go_on() {
    for mode in [CancelMode::Skip, CancelMode::Kill, CancelMode::KillNoWait] {
        let mut scene = scene();
        scene.send("guest", call(1, "com.p"));
        scene.send("guest", call(2, "com.open.p"));
        let question = scene.asked();
        scene.send("guest", cancel(1, mode));
        scene.expect_error("guest", RequestKind::Call, "wamp.error.canceled");
        assert_eq!(invoked(&mut scene), 2);
        assert_eq!(scene.authorize(&question, YES), None, "nobody waits for it");
        scene.expect_nothing("callee");
        scene.expect_nothing("guest");
    }
}

#[test]
fn a_call_behind_the_one_that_is_asked_about_can_be_cancelled() {
    let mut scene = scene();
    scene.send("guest", call(1, "com.p"));
    scene.send("guest", call(2, "com.q"));
    scene.send("guest", cancel(2, CancelMode::Kill));
    scene.expect_error("guest", RequestKind::Call, "wamp.error.canceled");
    let question = scene.asked();
    scene.authorize(&question, YES);
    assert_eq!(invoked(&mut scene), 1);
    scene.expect_nothing("callee");
}

#[test]
fn a_session_that_leaves_takes_its_questions_with_it() {
    let mut scene = scene();
    scene.send("guest", call(1, "com.p"));
    let question = scene.asked();
    scene.leave("guest");
    assert!(scene.realm.authorizations.is_empty());
    assert_eq!(scene.authorize(&question, YES), None);
    scene.expect_nothing("callee");
}

#[test]
fn another_role_makes_decisions_and_questions_void() {
    let mut scene = scene();
    scene.send("guest", acknowledged(1, "com.t"));
    let question = scene.asked();
    scene.authorize(&question, ALWAYS);
    scene.expect("guest");
    scene.send("guest", call(2, "com.p"));
    let void = scene.asked();
    scene.set_role("guest", role());
    let question = scene.asked();
    assert_eq!(scene.authorize(&void, YES), None);
    scene.authorize(&question, YES);
    assert_eq!(invoked(&mut scene), 2);
    scene.send("guest", acknowledged(3, "com.t"));
    scene.asked();
    // Without an authorizer the rules alone decide, also about what waits.
    let plain = Role::new("guest", Vec::new()).unwrap();
    scene.set_role("guest", plain);
    scene.expect_error("guest", RequestKind::Publish, "wamp.error.not_authorized");
}

#[test]
fn no_more_is_read_when_as_much_as_may_be_waits() {
    let mut scene = scene();
    for number in 1..HELD_REQUESTS as u64 {
        scene.send("guest", call(number, "com.p"));
    }
    let last = call(HELD_REQUESTS as u64, "com.p");
    assert_eq!(scene.try_send("guest", last), Ok(Proceed::Wait));
    let question = scene.asked();
    assert_eq!(scene.authorize(&question, YES), Some(Proceed::Continue));
}

#[test]
fn the_bytes_of_the_bound_may_wait_before_no_more_is_read() {
    let mut scene = scene();
    // In MessagePack the list costs one byte and a long binary argument five beside itself.
    let of_length = |number, length: usize| {
        let Message::Call(mut call) = call(number, "com.p") else {
            unreachable!("it is a call")
        };
        call.payload = args(&[vec![0_u8; length - 6].into()]);
        assert_eq!(call.payload.len(), length);
        Message::Call(call)
    };
    let most = of_length(1, HELD_BYTES - 1);
    assert_eq!(scene.try_send("guest", most), Ok(Proceed::Continue));
    assert_eq!(scene.try_send("guest", call(2, "com.p")), Ok(Proceed::Wait));
    let question = scene.asked();
    assert_eq!(scene.authorize(&question, YES), Some(Proceed::Continue));
}

#[test]
fn an_authorizer_says_whether_the_caller_is_disclosed() {
    let mut scene = scene();
    for (number, disclose) in [(1, Some(true)), (2, Some(false)), (3, None)] {
        scene.send("guest", call(number, "com.p"));
        let question = scene.asked();
        let decision = Decision::Made {
            is_allowed: true,
            disclose,
            is_lasting: false,
        };
        scene.authorize(&question, decision);
        let Message::Invocation(it) = scene.expect("callee") else {
            panic!()
        };
        assert_eq!(it.details.caller.is_some(), disclose == Some(true));
        assert_eq!(it.request, request(number));
    }
}

#[test]
fn the_routers_own_procedures_are_asked_about_as_others_are() {
    let mut scene = scene();
    scene.send("guest", bare_call(1, "wamp.session.count"));
    let question = scene.asked();
    scene.authorize(&question, YES);
    assert!(matches!(scene.expect("guest"), Message::Result(_)));
}

fn timed(number: u64, timeout: u32) -> Message {
    let options = CallOptions {
        timeout,
        ..CallOptions::default()
    };
    call_with(number, "com.p", options)
}

#[test]
fn the_time_of_a_call_runs_while_it_is_decided_about() {
    let mut scene = scene();
    scene.send("guest", timed(1, 500));
    scene.send("guest", call(2, "com.p"));
    let void = scene.asked();
    scene.pass(Duration::from_millis(499));
    scene.expect_nothing("guest");
    scene.pass(Duration::from_millis(1));
    scene.expect_error("guest", RequestKind::Call, "wamp.error.timeout");
    assert_eq!(scene.authorize(&void, YES), None, "nobody wants that any more");
    let question = scene.asked();
    scene.authorize(&question, YES);
    assert_eq!(invoked(&mut scene), 2, "what waited behind it is asked about");
    assert_eq!(scene.realm.deadline(), None);
}

#[test]
fn a_callee_has_the_time_that_the_authorizer_has_left() {
    let mut scene = scene();
    scene.send("guest", timed(1, 500));
    let question = scene.asked();
    scene.pass(Duration::from_millis(300));
    // A change of role asks anew, and gives no more time.
    scene.set_role("guest", role());
    let again = scene.asked();
    assert_eq!(scene.authorize(&question, YES), None);
    scene.authorize(&again, YES);
    assert_eq!(invoked(&mut scene), 1);
    scene.pass(Duration::from_millis(199));
    scene.expect_nothing("guest");
    scene.pass(Duration::from_millis(1));
    scene.expect_error("guest", RequestKind::Call, "wamp.error.timeout");
}

#[test]
fn a_session_whose_waiting_calls_are_out_of_time_may_be_read_again() {
    let mut scene = scene();
    for number in 1..=HELD_REQUESTS as u64 {
        scene.try_send("guest", timed(number, 500)).unwrap();
    }
    let guest = scene.session("guest");
    assert_eq!(scene.realm.proceed(guest), Proceed::Wait);
    let relieved = scene.pass(Duration::from_millis(500));
    assert_eq!(relieved, vec![guest; HELD_REQUESTS]);
    assert_eq!(scene.realm.proceed(guest), Proceed::Continue);
    for _ in 0..HELD_REQUESTS {
        scene.expect_error("guest", RequestKind::Call, "wamp.error.timeout");
    }
}

#[test]
fn neither_an_answer_nor_a_cancellation_nor_a_departure_leaves_a_deadline() {
    for ended in 0..3 {
        let mut scene = scene();
        scene.send("guest", timed(1, 500));
        let question = scene.asked();
        assert!(scene.realm.deadline().is_some());
        match ended {
            0 => {
                scene.authorize(&question, NO);
            }
            1 => scene.send("guest", cancel(1, CancelMode::Skip)),
            _ => scene.leave("guest"),
        }
        assert_eq!(scene.realm.deadline(), None, "{ended}");
    }
}
