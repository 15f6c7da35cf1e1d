//! Tests of what a realm of the configuration asks its clients.

use std::path::Path;

use futures_util::FutureExt as _;
use wamp::acceptor::{Acceptor, Features, Proved, Step};
use wamp::auth::scram;
use wamp::message::{Authenticate, Hello, Message};
use wamp::value::{Dict, Value, dict};

use super::*;

/// What a client asks for that is named so and offers these methods.
fn asked(name: Option<&str>, methods: &[&str]) -> Asked {
    Asked {
        realm: "home".into(),
        authid: name.map(str::to_owned),
        authrole: None,
        methods: methods.iter().map(|method| (*method).to_owned()).collect(),
        authextra: Dict::new(),
        features: Features::default(),
        resumption: None,
        opening: None,
        ping: None,
        proved: Proved::default(),
    }
}

/// The realm of this configuration.
fn realm_of(text: &str) -> ConfiguredRealm {
    let config = config::Config::parse(Path::new("test.toml"), text).unwrap();
    ConfiguredRealm::new(&config.realms[0], &Authenticators::new().0, None).unwrap()
}

/// What a client named so is told that offers no proof, in a realm that knows a key of "keeper".
fn admitted(name: Option<&str>) -> Result<String, String> {
    let realm = realm_of(
        r#"
        [[realm]]
        name = "home"
        [[realm.role]]
        name = "anonymous"
        rules = []
        [[realm.principal]]
        authid = "keeper"
        role = "anonymous"
        method = "cryptosign"
        pubkey = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
        "#,
    );
    let asked = asked(name, &["anonymous"]);
    let admitted = realm
        .admit(&asked, &Peer::local("test"))
        .now_or_never()
        .unwrap()
        .map(|principal| principal.authid.to_string());
    admitted.map_err(|abort| abort.reason.as_str().to_owned())
}

#[test]
fn who_proves_nothing_cannot_have_the_name_of_somebody_who_does() {
    assert_eq!(
        admitted(Some("keeper")).unwrap_err(),
        "wamp.error.authentication_required"
    );
    assert_eq!(admitted(Some("guest")).unwrap(), "guest");
}

#[test]
fn who_gives_no_name_or_an_empty_one_is_anonymous() {
    assert_eq!(admitted(None).unwrap(), "anonymous");
    assert_eq!(admitted(Some("")).unwrap(), "anonymous");
}

/// A realm in which two have passwords, and what a client named so, which offers this method, is asked.
fn asked_for(realm: &ConfiguredRealm, name: &str, methods: &[&str]) -> Proof {
    let asked = asked(Some(name), methods);
    let found = realm.find(&asked, &Peer::local("test")).now_or_never().unwrap();
    found.unwrap()
}

fn realm_of_passwords() -> ConfiguredRealm {
    realm_of(
        r#"
        [[realm]]
        name = "home"
        [[realm.role]]
        name = "reader"
        rules = []
        [[realm.principal]]
        authid = "joe"
        role = "reader"
        method = "wamp-scram"
        memory_kib = 1024
        secret = "open"
        [[realm.principal]]
        authid = "jane"
        role = "reader"
        method = "wampcra"
        salt = "5ca1ab1e5ca1ab1e"
        secret = "open"
        "#,
    )
}

#[test]
fn a_name_that_nobody_has_is_asked_as_somebody_is_and_the_same_each_time() {
    let realm = realm_of_passwords();
    let Proof::Scram(joe) = asked_for(&realm, "joe", &["wamp-scram"]) else {
        panic!()
    };
    let nobody = asked_for(&realm, "nobody", &["wamp-scram"]);
    assert_eq!(nobody, asked_for(&realm, "nobody", &["wamp-scram"]));
    let Proof::Scram(nobody) = nobody else { panic!() };
    let shape = |it: &scram::Credential| (it.hashing.kdf, it.hashing.iterations, it.hashing.salt.len());
    assert_eq!(shape(&nobody), shape(&joe));
    assert_ne!(nobody.hashing.salt, joe.hashing.salt);
    let extra = |name: &str| {
        let Proof::Cra(proof) = asked_for(&realm, name, &["wampcra"]) else {
            panic!()
        };
        proof.credential.challenge("")
    };
    let (jane, nobody) = (extra("jane"), extra("nobody"));
    assert_eq!(nobody, extra("nobody"));
    assert!(jane["iterations"] == nobody["iterations"] && jane["keylen"] == nobody["keylen"]);
    let length = |extra: &Dict| extra["salt"].as_str().unwrap().len();
    assert!(length(&jane) == length(&nobody) && jane["salt"] != nobody["salt"]);
}

#[test]
fn of_several_methods_a_client_is_asked_by_that_of_its_name() {
    let realm = realm_of_passwords();
    let both = ["wampcra", "wamp-scram"];
    assert!(matches!(asked_for(&realm, "joe", &both), Proof::Scram(_)));
    assert!(matches!(asked_for(&realm, "jane", &both), Proof::Cra(_)));
    assert_eq!(
        std::mem::discriminant(&asked_for(&realm, "nobody", &both)),
        std::mem::discriminant(&asked_for(&realm, "nobody", &both))
    );
}

/// A realm whose authenticator takes tickets, beside the tickets of those of the configuration.
fn realm_that_asks(principals: &str) -> ConfiguredRealm {
    realm_of(&format!(
        r#"
        [[realm]]
        name = "home"
        [[realm.role]]
        name = "reader"
        rules = []
        [[realm.principal]]
        authid = "keeper"
        role = "reader"
        method = "cryptosign"
        pubkey = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
        {principals}
        [[realm.authenticator]]
        procedure = "com.authenticate"
        methods = ["ticket", "wampcra"]
        roles = ["reader"]
        "#
    ))
}

const JOE: &str = r#"
    [[realm.principal]]
    authid = "joe"
    role = "reader"
    method = "ticket"
    secret = "open"
"#;

/// A client on the network, over a connection that whoever listens understands.
fn overheard() -> Peer {
    Peer {
        address: Some(([192, 0, 2, 7], 5020).into()),
        transport: Transport::WebSocket,
        ..Peer::local("test")
    }
}

/// Whom a client that tells this ticket there becomes, or the reason and the words with which it is refused.
fn telling(realm: &ConfiguredRealm, name: &str, ticket: &str) -> Result<String, (String, String)> {
    let told = |abort: Abort| {
        let words = abort.details["message"].as_str().unwrap();
        (abort.reason.as_str().to_owned(), words.to_owned())
    };
    let mut acceptor = Acceptor::default();
    let hello = Message::Hello(Hello {
        realm: "home".into(),
        details: dict([
            ("roles", Dict::from([("caller".to_owned(), Dict::new().into())]).into()),
            ("authid", name.into()),
            ("authmethods", Value::List(vec!["ticket".into()])),
        ]),
    });
    let Step::Find(asked) = acceptor.receive(hello) else {
        panic!()
    };
    let proof = realm.find(&asked, &overheard()).now_or_never().unwrap().map_err(told)?;
    assert!(matches!(acceptor.found(Ok(proof), [0; 32]), Step::Send(_)));
    let answer = Message::Authenticate(Authenticate {
        signature: ticket.to_owned(),
        extra: Dict::new(),
    });
    let Step::Admit(asked) = acceptor.receive(answer) else {
        panic!("the realm was to look at the ticket");
    };
    let admitted = realm.admit(&asked, &overheard()).now_or_never().unwrap();
    admitted.map(|it| it.authid.to_string()).map_err(told)
}

#[test]
fn why_a_ticket_is_not_put_to_the_authenticator_is_told_whoever_has_a_ticket_of_the_configuration() {
    let (reason, words) = telling(&realm_that_asks(""), "jane", "open").unwrap_err();
    assert_eq!(reason, "wamp.error.authentication_denied");
    assert!(words.contains("come inside TLS or Noise"), "{words}");
    let realm = realm_that_asks(JOE);
    assert_eq!(telling(&realm, "joe", "open").unwrap(), "joe");
    let (reason, words) = telling(&realm, "jane", "open").unwrap_err();
    assert_eq!(reason, "wamp.error.authentication_failed");
    assert!(words.contains("come inside TLS or Noise"), "{words}");
    // Nobody learns by it who has one.
    assert_eq!(telling(&realm, "joe", "opan").unwrap_err(), (reason, words));
}

#[test]
fn a_client_that_offers_more_than_a_ticket_is_put_to_the_authenticator_by_that() {
    for realm in ["", JOE].map(realm_that_asks) {
        let asked = asked(Some("jane"), &["ticket", "wampcra"]);
        let peer = overheard();
        let way = realm.way(&asked, &peer).unwrap();
        assert!(matches!(way, Way::Authenticator(Method::Cra, _)), "{way:?}");
    }
}
