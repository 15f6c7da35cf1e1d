//! Tests of the client's side, with the router's as it is.

use super::*;
use crate::acceptor::{Acceptor, Proof, Step};
use crate::id::SessionId;

#[test]
fn joiner_and_acceptor_agree_on_cryptosign() {
    let key = SigningKey::from_bytes(&[3; 32]);
    let known = key.verifying_key();
    let mut joiner = Joiner::new(JoinOptions {
        key: Some(key),
        ..JoinOptions::anonymous("realm1")
    });
    let mut acceptor = Acceptor::default();
    let Step::Find(asked) = acceptor.receive(joiner.hello()) else {
        panic!()
    };
    assert_eq!(asked.public_key().unwrap(), known);
    let Step::Send(challenge) = acceptor.found(Ok(Proof::Cryptosign(Some(known))), [5; 32]) else {
        panic!()
    };
    let JoinStep::Send(answer) = joiner.receive(challenge).unwrap() else {
        panic!()
    };
    assert!(matches!(acceptor.receive(answer), Step::Admit(_)));
    let welcome = Welcome {
        session: SessionId::FIRST,
        details: Dict::new(),
    };
    assert_eq!(
        joiner.receive(Message::Welcome(welcome.clone())),
        Ok(JoinStep::Joined(welcome))
    );
}

#[test]
fn a_refusal_is_told_with_its_sentence() {
    let mut joiner = Joiner::new(JoinOptions::anonymous("realm1"));
    let abort = Abort::new("wamp.error.no_such_realm".into(), "there is no realm1");
    let error = joiner.receive(Message::Abort(abort)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the router refused: there is no realm1 (wamp.error.no_such_realm)"
    );
}

#[test]
fn a_challenge_that_was_not_offered_breaks_the_protocol() {
    let mut joiner = Joiner::new(JoinOptions::anonymous("realm1"));
    let challenge = Challenge {
        method: "ticket".to_owned(),
        extra: Dict::new(),
    };
    assert!(matches!(
        joiner.receive(Message::Challenge(challenge)),
        Err(JoinError::Violation(_))
    ));
}

#[test]
fn a_client_that_insists_on_a_binding_proves_nothing_that_is_not_bound() {
    let insisting = |channel| {
        Joiner::new(JoinOptions {
            authid: Some("joe".to_owned()),
            secret: Some(Secret::password("open".to_owned(), &[1; 16])),
            authextra: Dict::from([("channel_binding".to_owned(), "tls-exporter".into())]),
            channel,
            ..JoinOptions::anonymous("realm1")
        })
    };
    let Message::Hello(hello) = insisting(Some([3; 32])).hello() else {
        panic!()
    };
    assert_eq!(hello.details["authmethods"], Value::List(vec!["wamp-scram".into()]));
    let mut extra = Dict::from([
        (
            "nonce".to_owned(),
            format!("{}more", BASE64_STANDARD.encode([1; 16])).into(),
        ),
        ("salt".to_owned(), "W22ZaJ0SNY7soEsUEjb6gQ==".into()),
        ("kdf".to_owned(), "pbkdf2".into()),
        ("iterations".to_owned(), 4096_u64.into()),
    ]);
    let mut answer = |joiner: &mut Joiner, binding: Value| {
        extra.insert("channel_binding".to_owned(), binding);
        let method = "wamp-scram".to_owned();
        let extra = extra.clone();
        joiner.receive(Message::Challenge(Challenge { method, extra }))
    };
    // The specification lets the router say nothing of it in CHALLENGE.
    let Ok(JoinStep::Send(Message::Authenticate(said))) = answer(&mut insisting(Some([3; 32])), Value::Null) else {
        panic!("nothing is answered")
    };
    assert_eq!(said.extra["channel_binding"], "tls-exporter".into());
    for (channel, binding) in [
        (None, Value::Null),
        (None, "tls-exporter".into()),
        (Some([3; 32]), "tls-unique".into()),
    ] {
        let refused = answer(&mut insisting(channel), binding);
        assert!(matches!(refused, Err(JoinError::Violation(_))), "{channel:?}");
    }
}
