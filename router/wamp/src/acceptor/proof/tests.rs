//! Tests of the proofs, each with our own client on the other side.

use super::*;
use crate::acceptor::Acceptor;
use crate::joiner::{JoinError, JoinOptions, JoinStep, Joiner, Secret};
use crate::message::Welcome;

const NONCE: &str = "egVDf3DMJh0=";

fn ticket(word: &str) -> Secret {
    Secret::Ticket(word.to_owned())
}

fn password(password: &str) -> Secret {
    Secret::Password {
        password: password.to_owned(),
        nonce: Some(NONCE.to_owned()),
    }
}

fn joiner(authid: &str, secret: Secret) -> Joiner {
    Joiner::new(JoinOptions {
        authid: Some(authid.to_owned()),
        secret: Some(secret),
        ..JoinOptions::anonymous("realm1")
    })
}

fn cra(credential: cra::Credential) -> Proof {
    Proof::Cra(Box::new(CraProof {
        credential,
        authrole: "user".to_owned(),
        provider: "static",
        timestamp: "2014-06-22T16:36:25.448Z".to_owned(),
    }))
}

fn salted(password: &str) -> cra::Credential {
    let salting = cra::Salting {
        salt: "salt123".to_owned(),
        iterations: 1000,
        key_length: 32,
    };
    cra::Credential::of_key(&cra::derive(password, &salting), salting)
}

fn hashing(kdf: scram::Kdf, iterations: u32) -> scram::Hashing {
    scram::Hashing {
        kdf,
        salt: vec![7; 16],
        iterations,
    }
}

fn scram(password: &str, hashing: scram::Hashing) -> Proof {
    Proof::Scram(Box::new(scram::Credential::of_password(password, hashing).unwrap()))
}

fn pbkdf2() -> scram::Hashing {
    hashing(scram::Kdf::Pbkdf2, scram::MIN_PBKDF2_ITERATIONS)
}

/// What the router does with a client of this secret, asked for this proof.
fn login(secret: Secret, proof: Proof) -> (Joiner, Step) {
    let mut joiner = joiner("joe", secret);
    let mut acceptor = Acceptor::default();
    assert!(matches!(acceptor.receive(joiner.hello()), Step::Find(_)));
    let Step::Send(challenge) = acceptor.found(Ok(proof), [9; 32]) else {
        panic!("nothing is asked")
    };
    let JoinStep::Send(answer) = joiner.receive(challenge).unwrap() else {
        panic!("nothing is answered")
    };
    (joiner, acceptor.receive(answer))
}

/// Every method, with the secret that opens it and one that does not.
fn methods() -> Vec<(Secret, Secret, Proof)> {
    let argon2 = hashing(
        scram::Kdf::Argon2id13 {
            memory: scram::MIN_MEMORY_KIB,
        },
        1,
    );
    vec![
        (ticket("open"), ticket("opan"), Proof::Ticket(Ticket::new("open"))),
        (
            password("open"),
            password("opan"),
            cra(cra::Credential::of_secret("open")),
        ),
        (password("open"), password("opan"), cra(salted("open"))),
        (password("open"), password("opan"), scram("open", pbkdf2())),
        (password("open"), password("opan"), scram("open", argon2)),
    ]
}

#[test]
fn whoever_knows_the_secret_is_admitted_and_nobody_else_by_any_method() {
    for (right, wrong, proof) in methods() {
        assert!(matches!(login(right, proof.clone()).1, Step::Admit(_)), "{proof:?}");
        let Step::Refuse(abort) = login(wrong, proof.clone()).1 else {
            panic!("let in by {proof:?}")
        };
        assert_eq!(abort.reason, "wamp.error.authentication_failed");
    }
}

#[test]
fn every_method_refuses_in_the_same_words() {
    let sentences: std::collections::BTreeSet<_> = methods()
        .into_iter()
        .map(|(_, wrong, proof)| {
            let Step::Refuse(abort) = login(wrong, proof).1 else {
                panic!()
            };
            abort.details["message"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(sentences.len(), 1, "{sentences:?}");
}

#[test]
fn the_session_of_the_challenge_is_the_one_that_is_promised() {
    let mut acceptor = Acceptor::default();
    let mut joiner = joiner("joe", password("open"));
    acceptor.receive(joiner.hello());
    let Step::Send(Message::Challenge(challenge)) = acceptor.found(Ok(cra(salted("open"))), [0xff; 32]) else {
        panic!()
    };
    let text = challenge.extra["challenge"].as_str().unwrap();
    let text: serde_json::Value = serde_json::from_str(text).unwrap();
    assert_eq!((&text["authid"], &text["authrole"]), (&"joe".into(), &"user".into()));
    let JoinStep::Send(answer) = joiner.receive(Message::Challenge(challenge)).unwrap() else {
        panic!()
    };
    let Step::Admit(asked) = acceptor.receive(answer) else {
        panic!()
    };
    assert_eq!(asked.proved.session.unwrap().get(), text["session"].as_u64().unwrap());
}

#[test]
fn a_client_of_wamp_scram_leaves_a_router_that_does_not_know_the_password() {
    let welcome = |authextra: Dict| {
        Message::Welcome(Welcome {
            session: SessionId::FIRST,
            details: Dict::from([("authextra".to_owned(), authextra.into())]),
        })
    };
    let (mut joiner, step) = login(password("open"), scram("open", pbkdf2()));
    let Step::Admit(asked) = step else { panic!() };
    assert!(matches!(
        joiner.receive(welcome(asked.proved.authextra)),
        Ok(JoinStep::Joined(_))
    ));
    let (mut joiner, _) = login(password("open"), scram("open", pbkdf2()));
    assert!(matches!(
        joiner.receive(welcome(Dict::new())),
        Err(JoinError::Violation(_))
    ));
}

#[test]
fn a_login_by_wamp_scram_without_a_nonce_or_with_a_binding_of_older_tls_is_told_so() {
    let found = |authextra: Dict| {
        let mut acceptor = Acceptor::default();
        let options = JoinOptions {
            authextra,
            ..JoinOptions::anonymous("realm1")
        };
        acceptor.receive(Joiner::new(options).hello());
        let Step::Refuse(abort) = acceptor.found(Ok(scram("open", pbkdf2())), [9; 32]) else {
            panic!()
        };
        abort.details["message"].as_str().unwrap().to_owned()
    };
    assert!(found(Dict::new()).contains("authextra.nonce"));
    let bound = Dict::from([
        ("nonce".to_owned(), NONCE.into()),
        ("channel_binding".to_owned(), "tls-unique".into()),
    ]);
    assert!(found(bound).contains("channel_binding must be \"tls-exporter\""));
}

#[test]
fn an_answer_with_another_nonce_is_refused() {
    let mut joiner = joiner("joe", password("open"));
    let mut acceptor = Acceptor::default();
    acceptor.receive(joiner.hello());
    let Step::Send(challenge) = acceptor.found(Ok(scram("open", pbkdf2())), [9; 32]) else {
        panic!()
    };
    let JoinStep::Send(Message::Authenticate(mut answer)) = joiner.receive(challenge).unwrap() else {
        panic!()
    };
    answer.extra.insert("nonce".to_owned(), "other".into());
    let Step::Refuse(abort) = acceptor.receive(Message::Authenticate(answer)) else {
        panic!()
    };
    assert!(abort.details["message"].as_str().unwrap().contains("nonce"));
}

#[test]
fn a_trustroot_is_refused_with_what_to_do_instead() {
    let mut acceptor = Acceptor::default();
    let options = JoinOptions {
        authextra: Dict::from([(
            "trustroot".to_owned(),
            "0xf766Dc789CF04CD18aE75af2c5fAf2DA6650Ff57".into(),
        )]),
        ..JoinOptions::anonymous("realm1")
    };
    acceptor.receive(Joiner::new(options).hello());
    let Step::Refuse(abort) = acceptor.found(Ok(Proof::Cryptosign(None)), [9; 32]) else {
        panic!()
    };
    assert!(
        abort.details["message"]
            .as_str()
            .unwrap()
            .contains("trustroots are not followed")
    );
}

#[test]
fn a_log_shows_no_secret() {
    let shown = format!("{:?} {:?}", ticket("open"), password("open"));
    assert_eq!(shown, "Ticket Password");
}

const HERE: [u8; 32] = [3; 32];

/// The methods that can be bound, each with what a client proves itself by and what the router has of that.
fn bindable() -> [(JoinOptions, Proof); 2] {
    let key = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let known = Proof::Cryptosign(Some(key.verifying_key()));
    let signer = JoinOptions {
        key: Some(key),
        ..JoinOptions::anonymous("realm1")
    };
    let knower = JoinOptions {
        authid: Some("joe".to_owned()),
        secret: Some(password("open")),
        ..JoinOptions::anonymous("realm1")
    };
    [(signer, known), (knower, scram("open", pbkdf2()))]
}

/// A client on a connection with this channel, and what the router on another one answers to what it says; with what
/// CHALLENGE and AUTHENTICATE say of the binding.
fn bound(
    (client, proof): (JoinOptions, Proof),
    offered: Option<[u8; 32]>,
    insisted: Option<&str>,
    channel: Option<[u8; 32]>,
) -> (Step, Option<Value>, Dict) {
    let mut joiner = Joiner::new(JoinOptions {
        channel: offered,
        authextra: insisted
            .map(|it| ("channel_binding".to_owned(), it.into()))
            .into_iter()
            .collect(),
        ..client
    });
    let mut acceptor = Acceptor::inside(channel);
    acceptor.receive(joiner.hello());
    let step = acceptor.found(Ok(proof), [9; 32]);
    let Step::Send(Message::Challenge(challenge)) = step else {
        return (step, None, Dict::new());
    };
    let binding = challenge.extra.get("channel_binding").filter(|it| **it != Value::Null);
    let binding = binding.cloned();
    let JoinStep::Send(Message::Authenticate(answer)) = joiner.receive(Message::Challenge(challenge)).unwrap() else {
        panic!("nothing is answered")
    };
    let extra = answer.extra.clone();
    (acceptor.receive(Message::Authenticate(answer)), binding, extra)
}

#[test]
fn a_proof_is_bound_to_the_channel_where_both_ends_can_do_that() {
    for insisted in [None, Some("tls-exporter")] {
        for client in bindable() {
            let (step, binding, _) = bound(client.clone(), Some(HERE), insisted, Some(HERE));
            assert!(matches!(step, Step::Admit(_)));
            assert_eq!(binding, Some("tls-exporter".into()));
            let (step, ..) = bound(client, Some([4; 32]), insisted, Some(HERE));
            assert!(matches!(step, Step::Refuse(_)), "somebody is in between");
        }
    }
    for (offered, channel) in [(None, Some(HERE)), (Some(HERE), None), (None, None)] {
        for client in bindable() {
            let (step, binding, _) = bound(client, offered, None, channel);
            assert!(matches!(step, Step::Admit(_)));
            assert_eq!(binding, None);
        }
    }
}

#[test]
fn a_password_is_bound_in_the_words_of_the_specification() {
    let [_, client] = bindable();
    let (_, _, extra) = bound(client.clone(), Some(HERE), Some("tls-exporter"), Some(HERE));
    assert_eq!(extra["channel_binding"], "tls-exporter".into());
    assert_eq!(extra["cbind_data"], BASE64_STANDARD.encode(HERE).into());
    let (_, _, extra) = bound(client, None, None, Some(HERE));
    assert_eq!(
        (&extra["channel_binding"], &extra["cbind_data"]),
        (&Value::Null, &Value::Null)
    );
}

#[test]
fn what_a_client_says_of_its_binding_in_the_end_is_what_was_agreed() {
    let says = |channel: Option<[u8; 32]>, changed: &[(&str, Value)]| {
        let [_, (client, proof)] = bindable();
        let mut joiner = Joiner::new(JoinOptions { channel, ..client });
        let mut acceptor = Acceptor::inside(Some(HERE));
        acceptor.receive(joiner.hello());
        let Step::Send(challenge) = acceptor.found(Ok(proof), [9; 32]) else {
            panic!()
        };
        let JoinStep::Send(Message::Authenticate(mut answer)) = joiner.receive(challenge).unwrap() else {
            panic!()
        };
        for (key, value) in changed {
            answer.extra.insert((*key).to_owned(), value.clone());
        }
        let Step::Refuse(abort) = acceptor.receive(Message::Authenticate(answer)) else {
            panic!("{changed:?} was taken")
        };
        abort.details["message"].as_str().unwrap().to_owned()
    };
    let unbound = [("channel_binding", Value::Null), ("cbind_data", Value::Null)];
    assert!(says(Some(HERE), &unbound).contains("channel_binding must be \"tls-exporter\""));
    let elsewhere = BASE64_STANDARD.encode([4; 32]);
    assert!(says(Some(HERE), &[("cbind_data", elsewhere.into())]).contains("in between"));
    assert!(says(Some(HERE), &unbound[1..]).contains("in between"));
    assert!(says(None, &[("channel_binding", "tls-exporter".into())]).contains("channel_binding must be null"));
    let data = BASE64_STANDARD.encode(HERE);
    assert!(says(None, &[("cbind_data", data.into())]).contains("cbind_data must be null"));
}

#[test]
fn a_binding_that_cannot_be_given_is_refused_with_what_can() {
    for (insisted, channel, words) in [
        ("tls-unique", Some(HERE), "must be \"tls-exporter\""),
        ("tls-unique", None, "must be \"tls-exporter\""),
        ("tls-exporter", None, "not inside TLS"),
    ] {
        for client in bindable() {
            let Step::Refuse(abort) = bound(client, Some(HERE), Some(insisted), channel).0 else {
                panic!("{insisted} was taken")
            };
            assert_eq!(abort.reason, "wamp.error.authentication_denied");
            assert!(abort.details["message"].as_str().unwrap().contains(words), "{abort:?}");
        }
    }
}

#[test]
fn a_client_that_offered_no_binding_answers_no_router_that_wants_one() {
    let mut joiner = Joiner::new(JoinOptions {
        key: Some(ed25519_dalek::SigningKey::from_bytes(&[7; 32])),
        ..JoinOptions::anonymous("realm1")
    });
    let extra = Dict::from([
        ("challenge".to_owned(), "00".repeat(32).into()),
        ("channel_binding".to_owned(), "tls-exporter".into()),
    ]);
    let method = "cryptosign".to_owned();
    let refused = joiner.receive(Message::Challenge(Challenge { method, extra }));
    assert!(matches!(refused, Err(JoinError::Violation(_))));
}
