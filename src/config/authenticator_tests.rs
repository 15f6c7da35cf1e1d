//! Tests of the authenticators of a configuration.

use std::time::Duration;

use wamp::auth::Method;

use super::{parse, told};

fn realm(more: &str) -> String {
    format!(
        "[[realm]]\nname = \"home\"\n[[realm.role]]\nname = \"r\"\nrules = []\n[[realm.principal]]\nauthid = \"a\"\nrole = \"r\"\nmethod = \"ticket\"\nsecret = \"x\"\n{more}"
    )
}

fn authenticator(keys: &str) -> String {
    realm(&format!("[[realm.authenticator]]\n{keys}\n"))
}

#[test]
fn an_authenticator_is_read_with_its_defaults() {
    let text = authenticator("procedure = 'com.a'\nmethods = ['ticket', 'wamp-scram']");
    let read = &parse(&text).unwrap().realms[0].authenticators[0];
    assert_eq!((read.procedure.as_str(), read.realm.as_str()), ("com.a", "home"));
    assert_eq!(read.methods, [Method::Ticket, Method::Scram]);
    assert_eq!(
        (&read.roles[..], read.timeout),
        (&["r".to_owned()][..], Duration::from_secs(3))
    );
}

#[test]
fn what_makes_no_sense_is_refused_with_its_place() {
    for (keys, expected) in [
        ("methods = ['ticket']", "`realm.authenticator.procedure` is missing"),
        ("procedure = 'com.a'", "`realm.authenticator.methods` is missing"),
        ("procedure = 'com.a'\nmethods = []", "must be a list of"),
        (
            "procedure = 'com.a'\nmethods = ['ticket', 'ticket']",
            "must be a list of",
        ),
        ("procedure = 'com.a'\nmethods = ['smoke']", "must be a list of"),
        ("procedure = 'a b'\nmethods = ['ticket']", "must be the URI"),
        (
            "procedure = 'com.a'\nmethods = ['ticket']\nroles = ['x']",
            "one of the realm's roles",
        ),
        (
            "procedure = 'com.a'\nmethods = ['ticket']\nroles = []",
            "one role at least",
        ),
        (
            "procedure = 'com.a'\nmethods = ['ticket']\ntimeout_ms = 99",
            "from 100 to 30000",
        ),
        (
            "procedure = 'com.a'\nmethods = ['ticket']\ntimeout_ms = 30001",
            "from 100 to 30000",
        ),
        (
            "procedure = 'com.a'\nmethods = ['ticket']\nrealm = 'away'",
            "in the realm \"away\", which is not there",
        ),
        (
            "procedure = 'com.a'\nmethods = ['ticket']\nmethod = 'x'",
            "did you mean `methods`?",
        ),
    ] {
        let told = told(&authenticator(keys));
        assert!(told.contains(expected), "{keys}: {told}");
    }
}

#[test]
fn a_method_has_one_authenticator_and_anonymous_either_a_role_or_one() {
    let first = authenticator("procedure = 'com.a'\nmethods = ['ticket']");
    let twice = format!("{first}[[realm.authenticator]]\nprocedure = 'com.b'\nmethods = ['ticket']\n");
    assert!(told(&twice).contains("by one authenticator only"));
    let both = realm(
        "[[realm.role]]\nname = 'anonymous'\nrules = []\n[[realm.authenticator]]\nprocedure = 'com.a'\nmethods = ['anonymous']\n",
    );
    assert!(told(&both).contains("has a role already"), "{}", told(&both));
}

#[test]
fn whoever_registers_the_authenticator_must_come_in_without_it() {
    let alone = |place: &str| {
        format!(
            "[[realm]]\nname = 'home'\n[[realm.role]]\nname = 'r'\nrules = []\n[[realm.authenticator]]\nprocedure = 'com.a'\nmethods = ['ticket']\n{place}\n"
        )
    };
    assert!(told(&alone("")).contains("nobody can join the realm"));
    assert!(parse(&alone("realm = 'deskconn'")).is_ok());
    let plain = format!("{}[desktop]\nenabled = false\n", alone("realm = 'deskconn'"));
    assert!(told(&plain).contains("which is not there"));
}
