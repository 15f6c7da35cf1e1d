//! What a call that waits for consent can rely on.

use super::super::role::{Action, Consent, Disclose, Role, Rule};
use super::super::scene::{Scene, answer, bare_call, call, call_with, cancel};
use super::super::{Proceed, Settings};
use super::*;
use crate::limits::Quota;
use crate::message::{CallOptions, CancelMode, Match, Message};

fn rule(uri: &str, policy: Match, consent: Consent) -> Rule {
    Rule {
        uri: uri.into(),
        policy,
        allow: [Action::Call].into_iter().collect(),
        disclose: Disclose::Always,
        consent,
        trustlevel: None,
    }
}

fn asking_role() -> Role {
    let rules = vec![
        rule("com.careful", Match::Exact, Consent::Ask),
        rule("com.", Match::Prefix, Consent::Given),
    ];
    Role::new("guest", rules).unwrap()
}

/// A desktop that offers both procedures, and a phone that must ask for one of them.
fn scene() -> Scene {
    scene_with(Settings::default())
}

fn scene_with(settings: Settings) -> Scene {
    let mut scene = Scene::with(settings, &["desktop"]);
    scene.join("phone", asking_role());
    scene.offer("desktop", "com.careful");
    scene.offer("desktop", "com.easy");
    scene
}

fn question(scene: &mut Scene) -> Question {
    let news = scene.realm.take_consent_news();
    let [ConsentNews::Asked(question)] = news.as_slice() else {
        panic!("expected one question, not {news:?}")
    };
    question.clone()
}

#[test]
fn a_call_waits_until_it_is_allowed_and_then_goes_its_way() {
    let mut scene = scene();
    scene.send("phone", call(1, "com.careful"));
    scene.expect_nothing("desktop");
    let question = question(&mut scene);
    assert_eq!(
        (&*question.caller.authid, question.procedure.as_str()),
        ("phone", "com.careful")
    );
    scene.decide(question.id, Ok(()));
    let Message::Invocation(invocation) = scene.expect("desktop") else {
        panic!("the call did not come")
    };
    assert_eq!(
        invocation.payload.to_args::<(String, u64)>().unwrap(),
        ("hello".into(), 1)
    );
    scene.send("desktop", answer(1));
    assert!(matches!(scene.expect("phone"), Message::Result(_)));
    scene.decide(question.id, Ok(()));
    scene.expect_nothing("desktop");
}

#[test]
fn a_call_that_is_refused_ends_with_the_sentence_of_the_refusal() {
    let mut scene = scene();
    scene.send("phone", call(1, "com.careful"));
    let question = question(&mut scene);
    scene.decide(question.id, Err("not today"));
    let Message::Error(error) = scene.expect("phone") else {
        panic!("no error came")
    };
    assert_eq!(error.error, error::NOT_AUTHORIZED);
    assert_eq!(error.payload.to_args::<(String,)>().unwrap(), ("not today".into(),));
    scene.expect_nothing("desktop");
}

#[test]
fn other_calls_of_the_same_session_overtake_it() {
    let mut scene = scene();
    scene.send("phone", call(1, "com.careful"));
    scene.send("phone", call(2, "com.easy"));
    assert!(matches!(scene.expect("desktop"), Message::Invocation(_)));
    assert!(question(&mut scene).id == QuestionId::FIRST);
}

#[test]
fn cancelling_in_any_mode_or_leaving_withdraws_the_question() {
    for mode in [CancelMode::Skip, CancelMode::Kill, CancelMode::KillNoWait] {
        let mut scene = scene();
        scene.send("phone", call(1, "com.careful"));
        let question = question(&mut scene);
        scene.send("phone", cancel(1, mode));
        scene.expect_error("phone", RequestKind::Call, "wamp.error.canceled");
        assert_eq!(scene.realm.take_consent_news(), [ConsentNews::Withdrawn(question.id)]);
        scene.decide(question.id, Ok(()));
        scene.expect_nothing("desktop");
    }
    let mut scene = scene();
    scene.send("phone", call(1, "com.careful"));
    let question = question(&mut scene);
    scene.leave("phone");
    assert_eq!(scene.realm.take_consent_news(), [ConsentNews::Withdrawn(question.id)]);
    scene.decide(question.id, Ok(()));
    scene.expect_nothing("desktop");
}

#[test]
fn a_new_role_decides_about_a_question_as_it_would_have_had_it_asked() {
    let easy = rule("com.easy", Match::Exact, Consent::Given);
    let careful = rule("com.careful", Match::Exact, Consent::Ask);
    for (role, is_question, is_done) in [
        (Role::new("guest", vec![careful, easy.clone()]).unwrap(), true, false),
        (Role::unrestricted("full"), false, true),
        (Role::new("guest", vec![easy]).unwrap(), false, false),
    ] {
        let mut scene = scene();
        scene.send("phone", call(1, "com.careful"));
        let question = question(&mut scene);
        scene.set_role("phone", role);
        if is_question {
            assert_eq!(scene.realm.take_consent_news(), []);
            scene.decide(question.id, Ok(()));
        } else {
            assert_eq!(scene.realm.take_consent_news(), [ConsentNews::Withdrawn(question.id)]);
        }
        if is_question || is_done {
            assert!(matches!(scene.expect("desktop"), Message::Invocation(_)));
        } else {
            scene.expect_error("phone", RequestKind::Call, "wamp.error.not_authorized");
        }
    }
}

#[test]
fn a_callee_that_left_meanwhile_is_missed_when_the_answer_comes() {
    let mut scene = scene();
    scene.send("phone", call(1, "com.careful"));
    let question = question(&mut scene);
    scene.leave("desktop");
    scene.decide(question.id, Ok(()));
    scene.expect_error("phone", RequestKind::Call, "wamp.error.no_such_procedure");
}

#[test]
fn nobody_is_asked_about_what_nobody_offers() {
    let mut scene = scene();
    scene.leave("desktop");
    scene.send("phone", call(1, "com.careful"));
    scene.expect_error("phone", RequestKind::Call, "wamp.error.no_such_procedure");
    assert_eq!(scene.realm.take_consent_news(), []);
}

#[test]
fn waiting_calls_count_as_pending_and_keep_their_number() {
    let quota = Quota {
        pending_calls: 2,
        ..Quota::default()
    };
    let mut scene = scene_with(Settings {
        quota,
        ..Settings::default()
    });
    scene.send("phone", call(1, "com.careful"));
    scene.send("phone", call(2, "com.careful"));
    scene.send("phone", call(3, "com.careful"));
    scene.expect_error("phone", RequestKind::Call, "wamp.error.unavailable");
    assert_eq!(scene.realm.take_consent_news().len(), 2);
    assert!(scene.try_send("phone", call(1, "com.easy")).is_err());
    scene.leave("phone");
    scene.leave("desktop");
    assert!(scene.is_clean());
    assert_eq!(scene.try_send("phone", call(9, "com.easy")), Ok(Proceed::Leave));
}

#[test]
fn a_procedure_of_the_router_waits_like_any_other() {
    let mut scene = scene();
    let rules = vec![rule("wamp.session.count", Match::Exact, Consent::Ask)];
    let quota = Quota::default().pending_calls as u64;
    scene.join("tablet", Role::new("guest", rules).unwrap());
    let count = |number| bare_call(number, "wamp.session.count");
    for number in 1..=quota {
        scene.send("tablet", count(number));
        scene.expect_nothing("tablet");
    }
    scene.send("tablet", count(quota + 1));
    scene.expect_error("tablet", RequestKind::Call, "wamp.error.unavailable");
    let questions = scene.realm.take_consent_news();
    let ids: Vec<_> = questions
        .into_iter()
        .map(|news| match news {
            ConsentNews::Asked(question) => question.id,
            ConsentNews::Withdrawn(_) => panic!("nobody withdrew"),
        })
        .collect();
    scene.decide(ids[0], Err("the owner said no"));
    scene.expect_error("tablet", RequestKind::Call, "wamp.error.not_authorized");
    scene.decide(ids[1], Ok(()));
    let Message::Result(result) = scene.expect("tablet") else {
        panic!("it was not served")
    };
    assert_eq!(result.payload.to_values().unwrap().0, [3_u64.into()]);
    scene.leave("tablet");
    scene.leave("desktop");
    assert!(scene.is_clean());
}

#[test]
fn the_time_of_a_call_runs_while_it_waits_for_consent() {
    let options = CallOptions {
        timeout: 500,
        ..CallOptions::default()
    };
    let mut scene = scene();
    scene.send("phone", call_with(1, "com.careful", options.clone()));
    let late = question(&mut scene);
    scene.pass(Duration::from_millis(500));
    scene.expect_error("phone", RequestKind::Call, "wamp.error.timeout");
    assert_eq!(scene.realm.take_consent_news(), [ConsentNews::Withdrawn(late.id)]);
    scene.send("phone", call_with(2, "com.careful", options));
    let in_time = question(&mut scene);
    scene.pass(Duration::from_millis(400));
    scene.decide(in_time.id, Ok(()));
    scene.expect("desktop");
    scene.pass(Duration::from_millis(100));
    scene.expect_error("phone", RequestKind::Call, "wamp.error.timeout");
    assert_eq!(scene.realm.deadline(), None);
}
