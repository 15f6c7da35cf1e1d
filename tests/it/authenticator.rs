//! Realms whose authenticator, a procedure of somebody, says who their clients are.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use client::{
    Client, ConnectError, Dict, Invocation, Options, Reply, RequestError, Secret, Serializer, Session, Target, Value,
    dict,
};
use deskconnd::access::authenticator::HOLD;
use wamp::auth::{cra, scram};

use crate::support::{Desk, KEEPER, Way, key, public, refusal, soon};

/// A realm with a keeper, who may do everything, and an authenticator for everybody else.
async fn home(more: &str) -> (Desk, Session) {
    let desk = Desk::with(&format!(
        r#"
        [[realm]]
        name = "home"
        [[realm.role]]
        name = "guest"
        rules = []
        [[realm.role]]
        name = "reader"
        rules = [{{ uri = "com.", match = "prefix", allow = ["subscribe"] }}]
        {KEEPER}
        [[realm.authenticator]]
        procedure = "com.authenticate"
        methods = ["cryptosign", "wamp-scram", "wampcra", "ticket", "anonymous"]
        roles = ["reader", "guest"]
        {more}
        "#
    ))
    .await;
    let keeper = desk.keeper("home").await;
    (desk, keeper)
}

/// What the test's authenticator knows: everybody's secret is `open`, and a method that a name has is in its name.
fn judge(call: &Invocation) -> Result<Reply, RequestError> {
    let [realm, authid, Value::Dict(details)] = &call.args[..] else {
        return Err(RequestError::new("com.error", "three arguments were expected"));
    };
    assert_eq!(realm, &Value::from("home"));
    let name = authid.as_str().unwrap_or_default();
    let method = details["authmethod"].as_str().unwrap();
    let mut said = dict([
        ("role", "reader".into()),
        ("extra", dict([("floor", 3_u64.into())]).into()),
    ]);
    match (method, name) {
        ("ticket", "ticket") if details["ticket"] == "open".into() => {}
        ("wampcra", "cra") => {
            said.insert("secret".to_owned(), "open".into());
        }
        ("wampcra", "salted") => {
            let salting = cra::Salting {
                salt: "5ca1ab1e".to_owned(),
                iterations: 100,
                key_length: 32,
            };
            said.extend(dict([
                ("secret", cra::derive("open", &salting).into()),
                ("salt", salting.salt.into()),
                ("iterations", 100_u64.into()),
                ("keylen", 32_u64.into()),
            ]));
        }
        ("wamp-scram", "scram") => said.extend(stored("open")),
        ("cryptosign", "") => {
            said.insert("authorized_keys".to_owned(), Value::List(vec![public(&key(9)).into()]));
            said.insert("authid".to_owned(), "keyed".into());
        }
        ("anonymous", "visitor") => {
            said.insert("role".to_owned(), "guest".into());
        }
        ("ticket" | "wampcra" | "wamp-scram" | "anonymous", "taken") => panic!("asked about the keeper's name"),
        ("ticket" | "wampcra" | "wamp-scram", "proud") => {
            said.insert("role".to_owned(), "keeper".into());
            said.insert("secret".to_owned(), "open".into());
            said.extend(stored("open"));
        }
        _ => return Err(RequestError::new("com.error.nobody", "nobody like that")),
    }
    Ok(Value::Dict(said).into())
}

/// What an authenticator keeps of a password.
fn stored(password: &str) -> Dict {
    let hashing = scram::Hashing {
        kdf: scram::Kdf::Pbkdf2,
        salt: vec![5; 16],
        iterations: scram::MIN_PBKDF2_ITERATIONS,
    };
    let credential = scram::Credential::of_password(password, hashing).unwrap();
    let mut said = credential.hashing.challenge("");
    said.insert("stored_key".to_owned(), Value::Bytes(credential.stored_key.to_vec()));
    said.insert("server_key".to_owned(), Value::Bytes(credential.server_key.to_vec()));
    said
}

fn named(authid: &str, secret: Option<Secret>) -> Options {
    Options {
        authid: Some(authid.to_owned()),
        secret,
        ..Options::new("home")
    }
}

fn ticket(word: &str) -> Option<Secret> {
    Some(Secret::Ticket(word.to_owned()))
}

fn password(word: &str) -> Option<Secret> {
    Some(Secret::Password(word.to_owned()))
}

async fn try_join(desk: &Desk, options: Options) -> Result<Session, ConnectError> {
    soon("the login", desk.try_join(Way::WebSocket, options)).await
}

/// Registers the test's authenticator. Passwords are offered by both methods, of which WAMP-SCRAM comes first: who has only
/// the other is asked about by that in a realm that has only that.
async fn keep(keeper: &Session) {
    let authenticate = |call: Invocation| async move { judge(&call) };
    keeper.register("com.authenticate", authenticate).await.unwrap();
}

const CRA_ONLY: &str = r#"
    [[realm]]
    name = "cra"
    [[realm.role]]
    name = "reader"
    rules = []
    [[realm.authenticator]]
    procedure = "com.authenticate.cra"
    realm = "home"
    methods = ["wampcra"]
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_authenticator_lets_in_by_each_method_under_the_name_and_role_that_it_gives() {
    let (desk, keeper) = home("").await;
    keep(&keeper).await;
    let keyed = Options {
        key: Some(key(9)),
        ..Options::new("home")
    };
    for (options, name, role, method) in [
        (named("ticket", ticket("open")), "ticket", "reader", "ticket"),
        (named("scram", password("open")), "scram", "reader", "wamp-scram"),
        (keyed, "keyed", "reader", "cryptosign"),
        (named("visitor", None), "visitor", "guest", "anonymous"),
    ] {
        let session = try_join(&desk, options).await.unwrap();
        let told = ["authid", "authrole", "authmethod", "authprovider"].map(|key| session.detail(key));
        assert_eq!(told.map(Option::unwrap), [name, role, method, "dynamic"]);
        let extra = session.details()["authextra"].as_dict().unwrap();
        assert_eq!(extra["floor"], 3_u64.into());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_authenticator_may_be_in_another_realm_and_give_salted_secrets() {
    let (desk, keeper) = home(CRA_ONLY).await;
    let authenticate = |call: Invocation| async move {
        let mut call = call;
        assert_eq!(call.args[0], "cra".into());
        call.args[0] = "home".into();
        judge(&call)
    };
    keeper.register("com.authenticate.cra", authenticate).await.unwrap();
    for name in ["cra", "salted"] {
        let options = |word| Options {
            realm: "cra".into(),
            ..named(name, password(word))
        };
        let session = try_join(&desk, options("open")).await.unwrap();
        assert_eq!(session.detail("authmethod"), Some("wampcra"));
        let wrong = try_join(&desk, options("shut")).await;
        assert_eq!(refusal(wrong), "wamp.error.authentication_failed");
    }
}

fn sentence(refused: Result<Session, ConnectError>) -> String {
    refused.unwrap_err().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_proofs_unknown_names_and_answers_that_cannot_be_used_are_refused_in_the_same_words() {
    let (desk, keeper) = home("[limits]\nfailed_logins_per_ip = 50").await;
    keep(&keeper).await;
    let mut told = Vec::new();
    for (name, secret) in [
        ("ticket", ticket("shut")),
        ("nobody", ticket("open")),
        ("scram", password("shut")),
        ("nobody", password("open")),
        // It gives a role that it may not give.
        ("proud", ticket("open")),
        ("proud", password("open")),
        // The configuration's own, which it is not asked about.
        ("keeper", ticket("open")),
        ("keeper", password("open")),
    ] {
        told.push(sentence(try_join(&desk, named(name, secret)).await));
    }
    assert!(told[0].contains("wamp.error.authentication_failed"), "{}", told[0]);
    assert!(told.iter().all(|it| *it == told[0]), "{told:?}");
    let stranger = try_join(&desk, named("stranger", None)).await;
    assert_eq!(refusal(stranger), "wamp.error.authentication_failed");
    let keeper = try_join(&desk, named("keeper", None)).await;
    assert_eq!(refusal(keeper), "wamp.error.authentication_required");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_that_is_wrong_counts_as_a_login_that_failed() {
    let (desk, keeper) = home("[limits]\nfailed_logins_per_ip = 1").await;
    keep(&keeper).await;
    let mut refused = Vec::new();
    for _ in 0..3 {
        refused.push(refusal(try_join(&desk, named("ticket", ticket("shut"))).await));
    }
    assert_eq!(refused[0], "wamp.error.authentication_failed");
    assert_eq!(refused[2], "wamp.error.authentication_denied");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_comes_before_the_authenticator_is_held_until_it_is_there() {
    let (desk, keeper) = home("").await;
    let mut subscriptions = keeper.subscribe("wamp.subscription.on_create").await.unwrap();
    let joining = tokio::spawn({
        let target = desk.target(Way::WebSocket);
        async move { Session::connect(&target, named("scram", password("open"))).await }
    });
    // The router listens for it: the client waits.
    let created = soon("the router's subscription", subscriptions.next()).await.unwrap();
    let details = created.args.args[1].as_dict().unwrap();
    assert_eq!(details["uri"], "wamp.registration.on_create".into());
    let other = |_| async { Ok(Value::Null.into()) };
    keeper.register("com.other", other).await.unwrap();
    keep(&keeper).await;
    let session = soon("the login", joining).await.unwrap().unwrap();
    assert_eq!(session.detail("authid"), Some("scram"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_authenticator_does_not_come_the_client_is_told_to_try_again() {
    let (desk, _keeper) = home("").await;
    let began = Instant::now();
    let refused = try_join(&desk, named("scram", password("open"))).await;
    assert_eq!(refusal(refused), "wamp.error.unavailable");
    assert!(began.elapsed() >= HOLD);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_client_tries_again_until_the_authenticator_answers() {
    let (desk, keeper) = home("timeout_ms = 100").await;
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let authenticate = move |call: Invocation| {
        let number = count.fetch_add(1, Ordering::Relaxed);
        async move {
            if number < 2 {
                std::future::pending::<()>().await;
            }
            judge(&call)
        }
    };
    keeper.register("com.authenticate", authenticate).await.unwrap();
    let client = Client::builder(named("scram", password("open")))
        .at(desk.target(Way::WebSocket))
        .start();
    let session = soon("the session", client.session()).await.unwrap();
    assert_eq!(session.detail("authid"), Some("scram"));
    assert!(asked.load(Ordering::Relaxed) > 2);
}

/// Says so when it is dropped.
struct Guard(tokio::sync::mpsc::UnboundedSender<&'static str>);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.send("dropped");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_client_that_goes_or_speaks_while_it_is_asked_about_nothing_is_left() {
    let (desk, keeper) = home("").await;
    let (news, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let authenticate = move |_| {
        let guard = Guard(news.clone());
        async move {
            let _ = guard.0.send("asked");
            let _guard = guard;
            std::future::pending::<Result<Reply, RequestError>>().await
        }
    };
    keeper.register("com.authenticate", authenticate).await.unwrap();
    let joining = tokio::spawn({
        let target = desk.target(Way::RawSocket);
        async move { Session::connect(&target, named("scram", password("open"))).await }
    });
    assert_eq!(soon("the question", heard.recv()).await, Some("asked"));
    joining.abort();
    assert_eq!(soon("the end of the question", heard.recv()).await, Some("dropped"));

    let Target::RawSocket { host } = desk.target(Way::RawSocket) else {
        panic!()
    };
    let stream = tokio::net::TcpStream::connect(&host).await.unwrap();
    let bounds = Options::new("home").bounds;
    let mut link = link::rawsocket::connect(stream, Serializer::Cbor, bounds)
        .await
        .unwrap();
    let mut hello = wamp::joiner::JoinOptions::anonymous("home");
    hello.authid = Some("visitor".to_owned());
    let hello = wamp::joiner::Joiner::new(hello).hello();
    link.writer.send(hello.clone()).await.unwrap();
    assert_eq!(soon("the question", heard.recv()).await, Some("asked"));
    link.writer.send(hello).await.unwrap();
    assert_eq!(soon("the end of the question", heard.recv()).await, Some("dropped"));
    let refused = soon("the refusal", link.reader.next()).await.unwrap().unwrap();
    let wamp::message::Message::Abort(abort) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(abort.reason, "wamp.error.protocol_violation");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_authenticator_may_say_that_it_is_busy_and_the_time_in_which_it_thinks_is_not_the_clients() {
    let (desk, keeper) = home("[limits]\nhello_s = 1").await;
    let authenticate = |call: Invocation| async move {
        if call.args[1] == "busy".into() {
            return Err(RequestError::new("wamp.error.unavailable", "the database starts"));
        }
        // Longer than a client may take for all of its login.
        tokio::time::sleep(Duration::from_millis(1500)).await;
        judge(&call)
    };
    keeper.register("com.authenticate", authenticate).await.unwrap();
    let busy = try_join(&desk, named("busy", password("open"))).await;
    assert_eq!(refusal(busy), "wamp.error.unavailable");
    let session = try_join(&desk, named("scram", password("open"))).await.unwrap();
    assert_eq!(session.detail("authid"), Some("scram"));
}
