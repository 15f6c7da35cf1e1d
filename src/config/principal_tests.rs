//! Tests of the principals of a realm.

use wamp::auth::ticket::MAX_TICKET;
use wamp::auth::{cra, scram};

use super::{parse, told};
use crate::config::Login;
use crate::config::principal::MAX_PASSWORD;

const KEY: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
const OTHER_KEY: &str = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";

/// A realm with one principal of this method, with these keys.
fn principal(method: &str, keys: &str) -> String {
    let role = "[[realm]]\nname = \"home\"\n[[realm.role]]\nname = \"r\"\nrules = []\n";
    format!("{role}[[realm.principal]]\nauthid = \"joe\"\nrole = \"r\"\nmethod = \"{method}\"\n{keys}\n")
}

fn login(method: &str, keys: &str) -> Login {
    parse(&principal(method, keys)).unwrap().realms[0].principals[0]
        .login
        .clone()
}

#[test]
fn somebody_may_have_several_methods_and_keys_but_each_once() {
    let other = |keys: &str| format!("[[realm.principal]]\nauthid = \"joe\"\nrole = \"r\"\n{keys}\n");
    let ticket = principal("ticket", "secret = \"x\"");
    let several = [
        other("method = \"tls\""),
        other("method = \"wampcra\"\nsecret = \"x\""),
        other(&format!("method = \"cryptosign\"\npubkey = \"{KEY}\"")),
        other(&format!("method = \"cryptosign\"\npubkey = \"{OTHER_KEY}\"")),
    ];
    let whole = format!("{ticket}{}", several.concat());
    assert_eq!(parse(&whole).unwrap().realms[0].principals.len(), 5);
    for twice in &several {
        let told = told(&format!("{whole}{twice}"));
        assert!(told.contains("different for every principal of the realm"), "{told}");
    }
}

#[test]
fn a_ticket_is_read_up_to_its_longest() {
    let ticket = |length: usize| principal("ticket", &format!("secret = \"{}\"", "x".repeat(length)));
    let Login::Ticket(longest) = parse(&ticket(MAX_TICKET)).unwrap().realms[0].principals[0]
        .login
        .clone()
    else {
        panic!()
    };
    assert!(longest.is(&"x".repeat(MAX_TICKET)));
    assert!(told(&ticket(MAX_TICKET + 1)).contains("1 to 8192 bytes"));
    assert!(told(&ticket(0)).contains("1 to 8192 bytes"));
    assert!(told(&principal("ticket", "")).contains("`realm.principal.secret` is missing"));
}

#[test]
fn a_key_of_wampcra_is_the_secret_or_derived_from_it_here_or_before() {
    let salting = cra::Salting {
        salt: "salt123".to_owned(),
        iterations: 1000,
        key_length: 32,
    };
    let key = cra::derive("secret123", &salting);
    let derived = Login::Cra(cra::Credential::of_key(&key, salting));
    assert_eq!(
        login("wampcra", "secret = \"secret123\""),
        Login::Cra(cra::Credential::of_secret("secret123"))
    );
    assert_eq!(login("wampcra", "secret = \"secret123\"\nsalt = \"salt123\""), derived);
    let kept = format!("key = \"{key}\"\nsalt = \"salt123\"\niterations = 1000");
    assert_eq!(login("wampcra", &kept), derived);
    for (keys, what) in [
        ("", "`realm.principal.secret` is missing, or `key` and `salt`"),
        ("salt = \"s\"", "`realm.principal.key` is missing"),
        ("salt = \"s\"\nkey = \"AA==\"", "base64 of the 32 bytes"),
        (
            "salt = \"s\"\nsecret = \"s\"\niterations = 0",
            "a whole number from 1 to 10000000",
        ),
    ] {
        assert!(
            told(&principal("wampcra", keys)).contains(what),
            "{}",
            told(&principal("wampcra", keys))
        );
    }
    let long = format!("secret = \"{}\"", "x".repeat(MAX_PASSWORD + 1));
    assert!(told(&principal("wampcra", &long)).contains("1 to 1024 bytes"));
}

#[test]
fn a_password_of_wamp_scram_is_hashed_here_or_was_before() {
    let cheap = "kdf = \"argon2id13\"\nmemory_kib = 1024\niterations = 1\n";
    let Login::Scram(hashed) = login("wamp-scram", &format!("{cheap}secret = \"open\"")) else {
        panic!()
    };
    let again = scram::Credential::of_password("open", hashed.hashing.clone()).unwrap();
    assert_eq!(hashed, again);
    let key = "Eu7CQLfR+/Ffb+275A4s9/6H/RGKYxM4s6IMrsNKzC8=";
    let kept = format!(
        "kdf = \"pbkdf2\"\nsalt = \"W22ZaJ0SNY7soEsUEjb6gQ==\"\nstored_key = \"{key}\"\nserver_key = \"{key}\"\niterations = 4096"
    );
    let Login::Scram(kept) = login("wamp-scram", &kept) else {
        panic!()
    };
    assert_eq!(
        (kept.hashing.kdf, kept.hashing.iterations, kept.hashing.salt.len()),
        (scram::Kdf::Pbkdf2, 4096, 16)
    );
    for (keys, what) in [
        ("", "`realm.principal.salt` is missing"),
        ("kdf = \"bcrypt\"", "\"argon2id13\" or \"pbkdf2\""),
        (
            "kdf = \"pbkdf2\"\niterations = 4095\nsecret = \"x\"",
            "a whole number from 4096",
        ),
        ("memory_kib = 1023\nsecret = \"x\"", "a whole number from 1024"),
        ("salt = \"AAAA\"", "base64 of 8 to 128 bytes"),
        (
            "memory_kib = 1024\niterations = 1\nsecret = \"\\u0007\"",
            "characters that may not be in one",
        ),
    ] {
        assert!(
            told(&principal("wamp-scram", keys)).contains(what),
            "{}",
            told(&principal("wamp-scram", keys))
        );
    }
}

#[test]
fn no_message_shows_a_secret() {
    let told = told(&principal("ticket", "secret = \"hidden\"\nunknown = 1"));
    assert!(!told.contains("hidden"), "{told}");
    assert!(!format!("{:?}", login("wampcra", "secret = \"hidden\"")).contains("hidden"));
}
