//! Realms of the configuration: a plain router beside the desktop.

use client::{Options, Secret, SigningKey};

use crate::apart::Apart;
use crate::support::{Desk, Way, key, public, refusal, soon};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn realms_of_the_configuration_have_their_own_principals() {
    let phone = key(7);
    let desk = Desk::with(&format!(
        r#"
        [[realm]]
        name = "home"
        [[realm.role]]
        name = "reader"
        rules = [{{ uri = "com.", match = "prefix", allow = ["subscribe"] }}]
        [[realm.principal]]
        authid = "joe"
        role = "reader"
        method = "cryptosign"
        pubkey = "{}"
        "#,
        public(&phone)
    ))
    .await;
    let options = |key: Option<SigningKey>| Options {
        key,
        ..Options::new("home")
    };
    let session = desk.try_join(Way::WebSocket, options(Some(phone))).await.unwrap();
    assert_eq!(
        (session.detail("authid"), session.detail("authrole")),
        (Some("joe"), Some("reader"))
    );
    session.subscribe("com.x").await.unwrap();
    assert!(session.publish_acknowledged("com.x", ()).await.is_err());
    let stranger = desk.try_join(Way::WebSocket, options(Some(key(8)))).await;
    assert_eq!(refusal(stranger), "wamp.error.authentication_failed");
    let anonymous = desk.try_join(Way::WebSocket, options(None)).await;
    assert_eq!(refusal(anonymous), "wamp.error.no_matching_auth_method");
    let nowhere = desk.try_join(Way::WebSocket, Options::new("nowhere")).await;
    assert_eq!(refusal(nowhere), "wamp.error.no_such_realm");
}

/// Principals of every method with a secret, each with the password `open`.
const SECRETS: &str = r#"
    [[realm]]
    name = "home"
    [[realm.role]]
    name = "reader"
    rules = []
    [[realm.principal]]
    authid = "ticket"
    role = "reader"
    method = "ticket"
    secret = "open"
    [[realm.principal]]
    authid = "cra"
    role = "reader"
    method = "wampcra"
    secret = "open"
    [[realm.principal]]
    authid = "salted"
    role = "reader"
    method = "wampcra"
    secret = "open"
    salt = "5ca1ab1e5ca1ab1e"
    [[realm.principal]]
    authid = "scram"
    role = "reader"
    method = "wamp-scram"
    secret = "open"
    memory_kib = 1024
    [[realm.principal]]
    authid = "pbkdf2"
    role = "reader"
    method = "wamp-scram"
    kdf = "pbkdf2"
    iterations = 4096
    secret = "open"
"#;

fn with(authid: &str, word: &str) -> Options {
    let word = word.to_owned();
    let secret = if authid == "ticket" {
        Secret::Ticket(word)
    } else {
        Secret::Password(word)
    };
    Options {
        authid: Some(authid.to_owned()),
        secret: Some(secret),
        ..Options::new("home")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_knows_the_secret_of_a_name_logs_in_by_its_method() {
    let desk = Desk::with(SECRETS).await;
    for (authid, method) in [
        ("ticket", "ticket"),
        ("cra", "wampcra"),
        ("salted", "wampcra"),
        ("scram", "wamp-scram"),
        ("pbkdf2", "wamp-scram"),
    ] {
        for way in [Way::WebSocket, Way::RawSocket] {
            let session = desk.try_join(way, with(authid, "open")).await.unwrap();
            let told = ["authid", "authmethod", "authrole"].map(|key| session.detail(key));
            assert_eq!(told, [Some(authid), Some(method), Some("reader")]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_secret_and_a_name_that_nobody_has_are_refused_in_the_same_words() {
    let desk = Desk::with(&format!("{SECRETS}\n[limits]\nfailed_logins_per_ip = \"unlimited\"\n")).await;
    let mut words = std::collections::BTreeSet::new();
    for authid in ["ticket", "cra", "salted", "scram", "pbkdf2", "nobody", "noone", "nemo"] {
        let word = if authid.starts_with('n') { "open" } else { "opan" };
        let refused = desk.try_join(Way::WebSocket, with(authid, word)).await.unwrap_err();
        words.insert(refused.to_string());
    }
    assert_eq!(words.len(), 1, "{words:?}");
    assert!(
        words.first().unwrap().contains("wamp.error.authentication_failed"),
        "{words:?}"
    );
    let anonymous = desk.try_join(Way::WebSocket, Options::new("home")).await;
    assert_eq!(refusal(anonymous), "wamp.error.no_matching_auth_method");
}

/// Who proves nothing comes in, and so many sessions there may be.
fn bounded(limits: &str) -> String {
    format!(
        "{SECRETS}\n[[realm]]\nname = \"open\"\n[[realm.role]]\nname = \"anonymous\"\nrules = []\n[limits]\n{limits}\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_past_the_limits_are_refused_until_one_of_those_that_are_open_has_ended() {
    for (limits, why) in [
        ("sessions_per_ip = 3", "from this address"),
        ("sessions_per_ip = 3\nsessions = 3", "in all"),
    ] {
        let desk = Desk::with(&bounded(limits)).await;
        let first = desk.try_join(Way::WebSocket, Options::new("open")).await.unwrap();
        let _second = desk.try_join(Way::RawSocket, with("ticket", "open")).await.unwrap();
        let _third = desk.try_join(Way::Wss, Options::new("open")).await.unwrap();
        for (way, options) in [
            (Way::WebSocket, Options::new("open")),
            (Way::RawSocket, with("ticket", "open")),
            (Way::WebSocket, with("cra", "open")),
        ] {
            let refused = desk.try_join(way, options).await.unwrap_err().to_string();
            assert!(refused.contains("wamp.error.authentication_denied"), "{refused}");
            assert!(
                refused.contains("no more sessions are taken") && refused.contains(why),
                "{refused}"
            );
        }
        // Whoever is on this machine without a network between takes no place.
        let _local = desk.try_join(Way::Unix, Options::new("open")).await.unwrap();
        first.leave().await;
        let room = async {
            while desk.try_join(Way::WebSocket, Options::new("open")).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        soon("room for a session", room).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_says_where_as_whom_and_by_which_method_a_client_was_refused() {
    let daemon = Apart::start(SECRETS);
    let target = format!("ws://{}/ws", daemon.address).parse().unwrap();
    let line_of = async |authid: &str| {
        let refused = client::Session::connect(&target, with(authid, "opan-sesame")).await;
        assert_eq!(refusal(refused), "wamp.error.authentication_failed");
        let mut lines = daemon.log.iter();
        lines.find(|line| line.contains("authentication_failed")).unwrap()
    };
    let known = line_of("ticket").await;
    for part in [
        "realm=\"home\"",
        "authid=\"ticket\"",
        "method=\"ticket\"",
        "the proof is wrong",
    ] {
        assert!(known.contains(part), "{part}: {known}");
    }
    assert!(!known.contains("sesame"), "{known}");
    let stranger = line_of("nobody\nof that name").await;
    assert!(stranger.contains("authid=\"nobody of that name\""), "{stranger}");
}
