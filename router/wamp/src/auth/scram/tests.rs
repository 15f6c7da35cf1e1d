//! Tests of WAMP-SCRAM, by the vectors of RFC 7677 and of libsodium.

use super::*;

/// RFC 7677, section 3, to which the specification of WAMP refers; its example has the same proofs.
const RFC: Exchange<'_> = Exchange {
    authid: "user",
    client_nonce: "rOprNGfwEbeRWgbNEkqO",
    nonce: "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
    channel: None,
};
const PROOF: &str = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
const VERIFIER: &str = "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

const EXCHANGE: Exchange<'_> = Exchange {
    authid: "user",
    client_nonce: "egVDf3DMJh0=",
    nonce: "egVDf3DMJh0=SBmkFIh7sSo=",
    channel: None,
};

fn pbkdf2() -> Hashing {
    Hashing {
        kdf: Kdf::Pbkdf2,
        salt: BASE64_STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap(),
        iterations: 4096,
    }
}

fn argon2() -> Hashing {
    Hashing {
        kdf: Kdf::Argon2id13 { memory: 4096 },
        salt: b"saltsaltsaltsalt".to_vec(),
        iterations: 1,
    }
}

#[test]
fn the_vector_of_rfc_7677_is_verified() {
    let credential = Credential::of_password("pencil", pbkdf2()).unwrap();
    assert_eq!(credential.verify(&RFC, PROOF).as_deref(), Some(VERIFIER));
}

/// The same login bound to a channel, by HMAC and SHA-256 of Python over the `AuthMessage` that RFC 5802, section 7, has for
/// `p=tls-exporter`; there is no published vector.
#[test]
fn a_login_that_is_bound_to_a_channel_proves_something_on_that_channel_alone() {
    const CHANNEL: &str = "62e935ae755f3d48f80d4d59f6121358c435722a67e859cc0caa8b539027f2ff";
    const BOUND_PROOF: &str = "wqrvgQ3cNS/ncDADEvqjHN68P1LWu5wmdmZsK9K3UdI=";
    const BOUND_VERIFIER: &str = "zVzpOfnLO0OyrNWiIn2Ioqm8oIcXMnG+8H6KJ4YE+2Q=";
    let channel: [u8; 32] = hex::decode(CHANNEL).unwrap().try_into().unwrap();
    let on = |channel| Exchange { channel, ..RFC };
    let credential = Credential::of_password("pencil", pbkdf2()).unwrap();
    assert_eq!(
        credential.verify(&on(Some(&channel)), BOUND_PROOF).as_deref(),
        Some(BOUND_VERIFIER)
    );
    assert_eq!(credential.verify(&on(Some(&[1; 32])), BOUND_PROOF), None);
    assert_eq!(credential.verify(&RFC, BOUND_PROOF), None);
    assert_eq!(credential.verify(&on(Some(&channel)), PROOF), None);
}

#[test]
fn argon2id_hashes_as_libsodium_does() {
    let hash = "5a869d56fd2b3f38339991a046db90e2cd563fa19aebfdaf9e91ff6edca2918a";
    assert_eq!(hex::encode(argon2().hash("password").unwrap()), hash);
}

#[test]
fn both_sides_agree_with_either_hash_and_know_each_other() {
    for hashing in [pbkdf2(), argon2()] {
        let credential = Credential::of_password("pencil", hashing.clone()).unwrap();
        let given = answer("pencil", &hashing, &EXCHANGE).unwrap();
        assert_eq!(credential.verify(&EXCHANGE, &given.proof), Some(given.verifier));
    }
}

#[test]
fn another_password_name_or_nonce_proves_nothing() {
    let credential = Credential::of_password("pencil", pbkdf2()).unwrap();
    let proof = |password: &str, exchange: &Exchange<'_>| answer(password, &pbkdf2(), exchange).unwrap().proof;
    let good = proof("pencil", &EXCHANGE);
    assert!(credential.verify(&EXCHANGE, &good).is_some());
    let other = Exchange {
        nonce: "egVDf3DMJh0=other",
        ..EXCHANGE
    };
    let another = Exchange {
        authid: "user2",
        ..EXCHANGE
    };
    for wrong in [
        proof("pen", &EXCHANGE),
        proof("pencil", &other),
        proof("pencil", &another),
        String::new(),
        "AA==".to_owned(),
    ] {
        assert_eq!(credential.verify(&EXCHANGE, &wrong), None);
    }
}

#[test]
fn names_with_commas_and_equals_signs_are_escaped() {
    let exchange = Exchange {
        authid: "a,b=c",
        ..EXCHANGE
    };
    assert!(exchange.auth_message(&pbkdf2()).starts_with("n=a=2Cb=3Dc,r="));
}

#[test]
fn passwords_are_normalised() {
    let hash = |password| pbkdf2().hash(password);
    // RFC 4013, section 3: a soft hyphen counts for nothing.
    assert_eq!(hash("I\u{ad}X"), hash("IX"));
    assert_eq!(hash("\u{7}"), Err(ScramError::Password));
}

#[test]
fn a_hash_that_is_too_cheap_or_too_dear_is_not_computed() {
    let cheap = |kdf, iterations| {
        Hashing {
            kdf,
            iterations,
            ..argon2()
        }
        .check()
    };
    let argon2id = |memory| Kdf::Argon2id13 { memory };
    for (kdf, iterations) in [
        (Kdf::Pbkdf2, MIN_PBKDF2_ITERATIONS),
        (Kdf::Pbkdf2, MAX_PBKDF2_ITERATIONS),
        (argon2id(MIN_MEMORY_KIB), 1),
        (argon2id(MAX_MEMORY_KIB), MAX_ARGON2_ITERATIONS),
    ] {
        assert_eq!(cheap(kdf, iterations), Ok(()));
    }
    for (kdf, iterations) in [
        (Kdf::Pbkdf2, MIN_PBKDF2_ITERATIONS - 1),
        (Kdf::Pbkdf2, MAX_PBKDF2_ITERATIONS + 1),
        (argon2id(MIN_MEMORY_KIB - 1), 1),
        (argon2id(MAX_MEMORY_KIB + 1), 1),
        (argon2id(MIN_MEMORY_KIB), 0),
        (argon2id(MIN_MEMORY_KIB), MAX_ARGON2_ITERATIONS + 1),
    ] {
        assert_eq!(cheap(kdf, iterations), Err(ScramError::Hashing));
    }
    let salted = |length| {
        Hashing {
            salt: vec![1; length],
            ..pbkdf2()
        }
        .check()
    };
    assert_eq!((salted(8), salted(7)), (Ok(()), Err(ScramError::Hashing)));
}

#[test]
fn a_routers_nonce_begins_with_the_clients_and_adds_to_it() {
    for (client_nonce, nonce) in [
        ("", "abc"),
        ("abc", "abc"),
        ("abc", "abd123"),
        ("a,b", "a,bc"),
        ("abc", "abc,r=x"),
    ] {
        let exchange = Exchange {
            client_nonce,
            nonce,
            ..EXCHANGE
        };
        assert_eq!(exchange.check(), Err(ScramError::Nonce), "{nonce}");
    }
    assert_eq!(EXCHANGE.check(), Ok(()));
    let longest = "a".repeat(MAX_TEXT);
    let exchange = |nonce| {
        Exchange {
            client_nonce: "a",
            nonce,
            ..EXCHANGE
        }
        .check()
    };
    assert_eq!(exchange(longest.as_str()), Ok(()));
    assert_eq!(exchange(&format!("{longest}a")), Err(ScramError::Nonce));
}
