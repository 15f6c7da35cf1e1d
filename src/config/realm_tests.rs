//! Tests of the realms of a configuration.

use super::{parse, told};
use crate::config::{Action, Disclose, Login, MAX_REALMS, Match};

const KEY: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

/// A realm with a role `r`, and what else is given.
fn realm(more: &str) -> String {
    format!("[[realm]]\nname = \"home\"\n[[realm.role]]\nname = \"r\"\nrules = []\n{more}")
}

fn principal(keys: &str) -> String {
    realm(&format!("[[realm.principal]]\n{keys}\n"))
}

fn rule(keys: &str) -> String {
    format!("[[realm]]\nname = \"home\"\n[[realm.role]]\nname = \"anonymous\"\nrules = [{{ {keys} }}]\n")
}

#[test]
fn a_realm_with_a_role_and_a_principal_is_read() {
    let text = principal(&format!(
        "authid = \"joe\"\nrole = \"r\"\nmethod = \"cryptosign\"\npubkey = \"{KEY}\""
    ));
    let realm = &parse(&text).unwrap().realms[0];
    assert_eq!((realm.name.as_str(), realm.anonymous.as_deref()), ("home", None));
    let joe = &realm.principals[0];
    let Login::Cryptosign(pubkey) = &joe.login else {
        panic!("{joe:?}")
    };
    assert_eq!(
        (joe.authid.as_str(), joe.role.as_str(), pubkey.to_hex().as_str()),
        ("joe", "r", KEY)
    );
}

#[test]
fn anonymous_clients_get_the_role_of_that_name_or_the_one_they_are_given() {
    assert_eq!(
        parse(&rule("uri = 'a', allow = []")).unwrap().realms[0]
            .anonymous
            .as_deref(),
        Some("anonymous")
    );
    let given = principal("role = \"r\"\nmethod = \"anonymous\"");
    assert_eq!(parse(&given).unwrap().realms[0].anonymous.as_deref(), Some("r"));
    assert!(told(&realm("")).contains("nobody can join the realm \"home\""));
    let twice = format!("{given}[[realm.principal]]\nrole = \"r\"\nmethod = \"anonymous\"\n");
    assert!(
        told(&twice).contains("line 11: `realm.principal.method` must be \"anonymous\" for one principal"),
        "{}",
        told(&twice)
    );
}

#[test]
fn rules_are_read_with_their_defaults() {
    let config = parse(&rule("uri = 'a.b', allow = ['call', 'publish']")).unwrap();
    let rule = &config.realms[0].roles[0].rules[0];
    assert_eq!((rule.matching, rule.disclose), (Match::Exact, Disclose::Never));
    assert_eq!((rule.trustlevel, &config.realms[0].roles[0].authorizer), (None, &None));
    assert_eq!(rule.allow, [Action::Call, Action::Publish]);
    assert!(!rule.take_over);
}

#[test]
fn only_who_may_register_may_take_over() {
    let taking = |allow: &str| rule(&format!("uri = 'a.b', allow = [{allow}], take_over = true"));
    assert!(parse(&taking("'register'")).unwrap().realms[0].roles[0].rules[0].take_over);
    let refused = told(&taking("'call'"));
    assert!(
        refused.contains("`realm.role.rules.take_over` must be false where \"register\" is not allowed"),
        "{refused}"
    );
}

#[test]
fn a_rule_that_would_cover_more_than_it_says_is_refused() {
    assert!(told(&rule("uri = 'a.b', match = 'prefix', allow = []")).contains("a beginning with a dot at its end"));
    for good in [
        "uri = '', match = 'prefix'",
        "uri = 'a.', match = 'prefix'",
        "uri = 'a..b', match = 'wildcard'",
    ] {
        assert!(parse(&rule(&format!("{good}, allow = []"))).is_ok(), "{good}");
    }
    for bad in [
        "uri = ''",
        "uri = 'a..b'",
        "uri = 'a b'",
        "uri = 'a#'",
        "uri = '.', match = 'prefix'",
        "uri = 'a..', match = 'prefix'",
    ] {
        assert!(parse(&rule(&format!("{bad}, allow = []"))).is_err(), "{bad}");
    }
    let long = |bytes: usize| rule(&format!("uri = '{}', allow = []", "x".repeat(bytes)));
    assert!(parse(&long(255)).is_ok() && parse(&long(256)).is_err());
}

#[test]
fn what_is_missing_or_misspelt_is_named() {
    assert!(told("[[realm]]\n").contains("line 1: `realm.name` is missing"));
    assert!(told(&rule("uri = 'a'")).contains("`realm.role.rules.allow` is missing"));
    assert!(
        told(&rule("uri = 'a', allow = ['calls']")).contains("\"call\", \"register\", \"publish\" or \"subscribe\"")
    );
    assert!(told(&rule("uri = 'a', allow = [], match = 'pattern'")).contains("\"exact\", \"prefix\" or \"wildcard\""));
    assert!(told(&principal("role = \"q\"\nmethod = \"anonymous\"")).contains("one of the realm's roles"));
    let method = told(&principal("authid = \"joe\"\nrole = \"r\"\nmethod = \"password\""));
    assert!(
        method.contains("line 9: `realm.principal.method` must be \"cryptosign\", \"ticket\""),
        "{method}"
    );
    let key = told(&principal(
        "authid = \"joe\"\nrole = \"r\"\nmethod = \"cryptosign\"\npubkey = \"00\"",
    ));
    assert!(key.contains("64 hexadecimal digits"), "{key}");
}

#[test]
fn names_are_used_once_and_the_desktops_realm_never() {
    let open = "[[realm.role]]\nname = \"anonymous\"\nrules = []\n";
    let home = format!("[[realm]]\nname = \"home\"\n{open}");
    assert!(parse(&home).is_ok());
    assert!(told(&format!("{home}{home}")).contains("different for every realm"));
    assert!(told(&format!("{home}{open}")).contains("different for every role"));
    assert!(told(&format!("[[realm]]\nname = \"deskconn\"\n{open}")).contains("the desktop's own"));
    let joe = format!("[[realm.principal]]\nauthid='joe'\nrole='anonymous'\nmethod='cryptosign'\npubkey='{KEY}'\n");
    assert!(parse(&format!("{home}{joe}")).is_ok());
    assert!(told(&format!("{home}{joe}{joe}")).contains("different for every principal"));
}

#[test]
fn the_realms_have_a_limit() {
    let realms = |count: usize| -> String {
        (0..count)
            .map(|n| format!("[[realm]]\nname = \"r{n}\"\n[[realm.role]]\nname = \"anonymous\"\nrules = []\n"))
            .collect()
    };
    assert!(parse(&realms(MAX_REALMS)).is_ok());
    assert!(told(&realms(MAX_REALMS + 1)).contains("at most 64 tables"));
}

#[test]
fn a_rule_may_disclose_always_and_give_a_trust_level() {
    let config = parse(&rule(
        "uri = 'a.b', allow = ['call'], disclose = 'always', trustlevel = 3",
    ))
    .unwrap();
    let rule = &config.realms[0].roles[0].rules[0];
    assert_eq!((rule.disclose, rule.trustlevel), (Disclose::Always, Some(3)));
    for wrong in [
        "disclose = 'sometimes'",
        "disclose = 1",
        "trustlevel = -1",
        "trustlevel = 4294967296",
    ] {
        let told = told(&self::rule(&format!("uri = 'a.b', allow = ['call'], {wrong}")));
        let key = wrong.split(' ').next().unwrap();
        assert!(told.contains(key), "{wrong}: {told}");
    }
}

#[test]
fn a_role_may_have_an_authorizer() {
    let role = |authorizer: &str| {
        format!("[[realm]]\nname = 'r'\n[[realm.role]]\nname = 'anonymous'\nrules = []\nauthorizer = {authorizer}\n")
    };
    let config = parse(&role("'com.example.authorize'")).unwrap();
    assert_eq!(
        config.realms[0].roles[0].authorizer.as_deref(),
        Some("com.example.authorize")
    );
    assert!(told(&role("'com..x'")).contains("authorizer"));
}
