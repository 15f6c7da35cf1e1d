//! What a role allows, and above all what not.

use super::*;

fn rule(uri: &str, policy: Match, allow: &[Action]) -> Rule {
    Rule {
        uri: uri.into(),
        policy,
        allow: allow.iter().copied().collect(),
        disclose: Disclose::Never,
        consent: Consent::Given,
        trustlevel: None,
    }
}

fn role(rules: Vec<Rule>) -> Role {
    Role::new("test", rules).unwrap()
}

const CALL: &[Action] = &[Action::Call];

#[test]
fn what_no_rule_mentions_is_denied() {
    let role = role(vec![rule("org.a.", Match::Prefix, CALL)]);
    assert!(role.allows(Action::Call, &"org.a.b".into()).is_some());
    assert!(role.allows(Action::Publish, &"org.a.b".into()).is_none());
    assert!(role.allows(Action::Call, &"org.b".into()).is_none());
}

#[test]
fn a_prefix_rule_must_end_with_a_dot_or_be_empty() {
    assert!(Role::new("r", vec![rule("org.slides", Match::Prefix, CALL)]).is_err());
    assert!(Role::new("r", vec![rule("", Match::Prefix, CALL)]).is_ok());
    let role = role(vec![rule("org.slides.", Match::Prefix, CALL)]);
    assert!(role.allows(Action::Call, &"org.slidesevil.next".into()).is_none());
}

#[test]
fn the_longest_rule_wins_and_a_denial_wins_ties() {
    let role = role(vec![
        rule("org.", Match::Prefix, CALL),
        rule("org.screen.unlock", Match::Exact, &[]),
        rule("org.a.b", Match::Exact, CALL),
        rule("org..bb", Match::Wildcard, &[]),
        rule("org.c.bb", Match::Exact, CALL),
        rule("x..z", Match::Wildcard, CALL),
        rule("x.y.", Match::Wildcard, &[]),
    ]);
    assert!(role.allows(Action::Call, &"org.screen.lock".into()).is_some());
    assert!(role.allows(Action::Call, &"org.screen.unlock".into()).is_none());
    assert!(role.allows(Action::Call, &"org.a.b".into()).is_some());
    assert!(role.allows(Action::Call, &"org.d.bb".into()).is_none());
    assert!(role.allows(Action::Call, &"org.c.bb".into()).is_some());
    assert!(role.allows(Action::Call, &"x.y.z".into()).is_none());
    assert!(role.allows(Action::Call, &"x.w.z".into()).is_some());
}

#[test]
fn a_pattern_is_allowed_only_inside_one_allowed_rule() {
    let subscribe = &[Action::Subscribe];
    let role = role(vec![rule("org.a.", Match::Prefix, subscribe)]);
    let allows = |uri: &str, policy| role.allows_pattern(Action::Subscribe, &uri.into(), policy).is_some();
    assert!(allows("org.a.", Match::Prefix));
    assert!(allows("org.a.b", Match::Prefix));
    assert!(!allows("org.", Match::Prefix));
    assert!(!allows("org.a", Match::Prefix));
    assert!(!allows("", Match::Prefix));
    assert!(allows("org.a.", Match::Wildcard));
    assert!(allows("org.a..c", Match::Wildcard));
    assert!(!allows("org..c", Match::Wildcard));
    assert!(!allows(".a.b", Match::Wildcard));
}

#[test]
fn a_pattern_that_reaches_into_a_denied_part_is_denied() {
    let role = role(vec![
        rule("org.", Match::Prefix, &[Action::Subscribe]),
        rule("org.secret.", Match::Prefix, &[]),
        rule("org..hidden", Match::Wildcard, &[]),
    ]);
    let allows = |uri: &str, policy| role.allows_pattern(Action::Subscribe, &uri.into(), policy).is_some();
    assert!(!allows("org.", Match::Prefix));
    assert!(!allows("org.open.", Match::Prefix), "org.open.hidden is denied");
    assert!(!allows("org.secret.x", Match::Prefix));
    let exact = role_with_exact_denial();
    assert!(
        exact
            .allows_pattern(Action::Subscribe, &"org.a".into(), Match::Prefix)
            .is_none()
    );
    assert!(role.allows(Action::Subscribe, &"org.open.x".into()).is_some());
}

fn role_with_exact_denial() -> Role {
    role(vec![
        rule("org.", Match::Prefix, &[Action::Subscribe]),
        rule("org.a", Match::Exact, &[]),
    ])
}

#[test]
fn a_grant_adds_and_takes_nothing_away() {
    let subscribe = &[Action::Subscribe];
    let rules = vec![
        rule("org.app.", Match::Prefix, &[Action::Call, Action::Publish]),
        rule("org.get", Match::Exact, CALL),
        rule("org.denied", Match::Exact, &[]),
    ];
    let grants = vec![
        rule("org.get", Match::Exact, subscribe),
        rule("org.app.x", Match::Exact, subscribe),
        rule("org.denied", Match::Exact, CALL),
        rule("org.all.", Match::Prefix, subscribe),
    ];
    let role = role(rules).with_grants(grants).unwrap();
    let allows = |action, uri: &str| role.allows(action, &uri.into()).is_some();
    assert!(allows(Action::Call, "org.get") && allows(Action::Subscribe, "org.get"));
    assert!(allows(Action::Publish, "org.app.x") && allows(Action::Subscribe, "org.app.x"));
    assert!(
        allows(Action::Call, "org.denied"),
        "a grant is what a forbidding rule waits for"
    );
    assert!(!allows(Action::Publish, "org.get") && !allows(Action::Call, "org.other"));
    let pattern = |uri: &str, policy| role.allows_pattern(Action::Subscribe, &uri.into(), policy).is_some();
    assert!(pattern("org.all.", Match::Prefix) && pattern("org.all..x", Match::Wildcard));
    assert!(!pattern("org.", Match::Prefix) && !pattern("org.app.", Match::Prefix));
    let open = Role::unrestricted("r").with_grants(vec![rule("org.a", Match::Prefix, CALL)]);
    assert_eq!(open, Err(RuleError::OpenPrefix("org.a".into())));
}

#[test]
fn of_two_grants_the_one_that_asks_nobody_decides() {
    let ask = Rule {
        consent: Consent::Ask,
        ..rule("org.", Match::Prefix, CALL)
    };
    let role = role(vec![])
        .with_grants(vec![ask, rule("org.a", Match::Exact, CALL)])
        .unwrap();
    let consent = |uri: &str| role.allows(Action::Call, &uri.into()).map(|it| it.consent);
    assert_eq!(consent("org.a"), Some(Consent::Given));
    assert_eq!(consent("org.b"), Some(Consent::Ask));
}

#[test]
fn an_unrestricted_role_may_do_everything() {
    let role = Role::unrestricted("anonymous");
    let everything = Some(Permission {
        disclose: Disclose::OnRequest,
        consent: Consent::Given,
        trustlevel: None,
    });
    for action in [Action::Call, Action::Register, Action::Publish, Action::Subscribe] {
        assert_eq!(role.allows(action, &"com.x".into()), everything);
        assert_eq!(role.allows_pattern(action, &"".into(), Match::Prefix), everything);
        assert_eq!(role.allows_pattern(action, &"..".into(), Match::Wildcard), everything);
    }
}

#[test]
fn consent_is_for_calls_alone() {
    let ask = |allow| Rule {
        consent: Consent::Ask,
        ..rule("org.a", Match::Exact, allow)
    };
    let role = role(vec![ask(CALL), rule("org.", Match::Prefix, CALL)]);
    let consent = |uri: &str| role.allows(Action::Call, &uri.into()).map(|it| it.consent);
    assert_eq!(consent("org.a"), Some(Consent::Ask));
    assert_eq!(consent("org.b"), Some(Consent::Given));
    let wide = Role::new("r", vec![ask(&[Action::Call, Action::Subscribe])]);
    assert_eq!(wide, Err(RuleError::ConsentBeyondCalls("org.a".into())));
}
