//! Tests of what is read of an authenticator's answer.

use wamp::acceptor::{Features, Proved};

use super::*;

const KEY: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

fn asked(authid: Option<&str>) -> Asked {
    Asked {
        realm: "home".into(),
        authid: authid.map(str::to_owned),
        authrole: None,
        methods: Vec::new(),
        authextra: Dict::from([
            ("pubkey".to_owned(), KEY.into()),
            ("nonce".to_owned(), "bm9uY2U=".into()),
            ("otp".to_owned(), "12345678".into()),
            ("language".to_owned(), "fi".into()),
        ]),
        features: Features::default(),
        resumption: None,
        opening: None,
        ping: None,
        proved: Proved::default(),
    }
}

fn authenticator() -> config::Authenticator {
    config::Authenticator {
        procedure: "com.authenticate".to_owned(),
        realm: "home".to_owned(),
        methods: Vec::new(),
        roles: vec!["guest".to_owned(), "reader".to_owned()],
        timeout: std::time::Duration::from_secs(1),
    }
}

fn dict(pairs: &[(&str, Value)]) -> Value {
    let pairs = pairs.iter();
    let dict: Dict = pairs.map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    dict.into()
}

fn said(method: Method, answer: Value) -> Result<Option<(Identity, Material)>, String> {
    read(
        &vec![answer].into(),
        &asked(Some("joe")),
        &Peer::local("test"),
        method,
        &authenticator(),
    )
}

fn refused(method: Method, pairs: &[(&str, Value)]) -> String {
    said(method, dict(pairs)).unwrap_err()
}

#[test]
fn a_role_alone_is_an_answer_for_the_name_that_the_client_has_given() {
    let (identity, material) = said(Method::Ticket, "reader".into()).unwrap().unwrap();
    assert_eq!(
        (identity.authid.as_str(), identity.authrole.as_str()),
        ("joe", "reader")
    );
    assert_eq!(material, Material::None);
}

#[test]
fn nothing_null_and_false_are_nobody() {
    for answer in [Value::Null, Value::Bool(false)] {
        assert_eq!(said(Method::Ticket, answer), Ok(None));
    }
    let nothing = read(
        &Args::default(),
        &asked(None),
        &Peer::local("test"),
        Method::Ticket,
        &authenticator(),
    );
    assert_eq!(nothing, Ok(None));
}

#[test]
fn an_answer_may_give_another_name_and_say_something_to_the_client() {
    let answer = dict(&[
        ("role", "guest".into()),
        ("authid", "joe.smith".into()),
        ("extra", dict(&[("quota", 7_u64.into())])),
    ]);
    let (identity, _) = said(Method::Anonymous, answer).unwrap().unwrap();
    assert_eq!(identity.authid, "joe.smith");
    assert_eq!(identity.authextra["quota"], Value::from(7_u64));
}

#[test]
fn who_gives_no_name_gets_that_of_its_key_and_without_a_key_none() {
    let read = |method, answer: Value| {
        read(
            &vec![answer].into(),
            &asked(None),
            &Peer::local("test"),
            method,
            &authenticator(),
        )
    };
    let answer = dict(&[("role", "guest".into()), ("pubkey", KEY.into())]);
    assert_eq!(read(Method::Cryptosign, answer).unwrap().unwrap().0.authid, KEY);
    assert_eq!(
        read(Method::Anonymous, "guest".into()).unwrap().unwrap().0.authid,
        "anonymous"
    );
}

#[test]
fn a_role_that_may_not_be_given_another_realm_and_no_name_are_refused() {
    for (role, realm, authid) in [
        ("owner", "home", "joe"),
        ("guest", "away", "joe"),
        ("guest", "home", ""),
    ] {
        let pairs = [
            ("role", role.into()),
            ("realm", realm.into()),
            ("authid", authid.into()),
        ];
        assert!(!refused(Method::Ticket, &pairs).is_empty());
    }
    let long = "x".repeat(MAX_NAME + 1);
    assert!(refused(Method::Ticket, &[("role", "guest".into()), ("authid", long.into())]).contains("authid"));
    assert!(refused(Method::Ticket, &[("authid", "joe".into())]).contains("role"));
    assert!(said(Method::Ticket, 7_u64.into()).is_err());
}

#[test]
fn keys_are_one_or_several_up_to_the_most_that_are_looked_through() {
    let keys = |number: usize| Value::List(vec![KEY.into(); number]);
    let read = |number| {
        said(
            Method::Cryptosign,
            dict(&[("role", "guest".into()), ("authorized_keys", keys(number))]),
        )
    };
    let Material::Keys(known) = read(MAX_KEYS).unwrap().unwrap().1 else {
        panic!()
    };
    assert_eq!(known.len(), MAX_KEYS);
    assert!(read(MAX_KEYS + 1).unwrap_err().contains("at most 64"));
    assert!(read(0).unwrap_err().contains("neither"));
    let weak = [("role", "guest".into()), ("pubkey", "00".repeat(32).into())];
    assert!(refused(Method::Cryptosign, &weak).contains("Ed25519"));
}

#[test]
fn a_secret_of_wamp_cra_may_be_salted_within_what_is_done_for_anybody() {
    let salted = |iterations: u64, keylen: u64| {
        dict(&[
            ("role", "guest".into()),
            ("secret", "c2VjcmV0".into()),
            ("salt", "salt123".into()),
            ("iterations", iterations.into()),
            ("keylen", keylen.into()),
        ])
    };
    let Material::Cra(credential) = said(Method::Cra, salted(100, 32)).unwrap().unwrap().1 else {
        panic!()
    };
    let challenge = credential.challenge("x");
    assert_eq!(
        (&challenge["salt"], &challenge["iterations"]),
        (&"salt123".into(), &100_u64.into())
    );
    for (iterations, keylen) in [(0, 32), (u64::from(cra::MAX_ITERATIONS) + 1, 32), (1, 65), (1, 0)] {
        assert!(
            said(Method::Cra, salted(iterations, keylen)).is_err(),
            "{iterations} {keylen}"
        );
    }
    assert!(refused(Method::Cra, &[("role", "guest".into())]).contains("secret"));
}

#[test]
fn a_password_of_wamp_scram_is_given_as_it_was_kept() {
    let stored = |key: Value| {
        dict(&[
            ("role", "guest".into()),
            ("kdf", "pbkdf2".into()),
            ("salt", "c2FsdHNhbHQ=".into()),
            ("iterations", 4096_u64.into()),
            ("stored_key", key.clone()),
            ("server_key", key),
        ])
    };
    for key in [Value::Bytes(vec![7; 32]), BASE64_STANDARD.encode([7; 32]).into()] {
        let Material::Scram(credential) = said(Method::Scram, stored(key)).unwrap().unwrap().1 else {
            panic!()
        };
        assert_eq!(credential.stored_key, [7; 32]);
    }
    for key in [Value::Null, Value::Bytes(vec![7; 31]), "no base64!".into()] {
        assert!(said(Method::Scram, stored(key)).is_err());
    }
}

#[test]
fn an_authenticator_is_told_where_a_client_comes_from_and_nothing_of_its_proof() {
    let peer = Peer::local("test");
    let question = question(&asked(Some("joe")), &peer, Method::Ticket, Some("open"));
    let [realm, authid, Value::Dict(details)] = &question[..] else {
        panic!("{question:?}")
    };
    assert_eq!((realm, authid), (&"home".into(), &"joe".into()));
    assert_eq!(details["ticket"], "open".into());
    assert_eq!(details["authmethod"], "ticket".into());
    let extra: Vec<_> = details["authextra"].as_dict().unwrap().keys().collect();
    assert_eq!(extra, ["language", "pubkey"]);
    let transport = details["transport"].as_dict().unwrap();
    assert_eq!(
        (&transport["type"], &transport["is_secure"]),
        (&"local".into(), &true.into())
    );
}
