//! Calls and publications by single HTTP requests.

mod connections;
mod under_way;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use client::{Invocation, Options, RequestError, Secret, Session};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Desk, Way, soon};

const CONFIGURATION: &str = r#"
[http]
bridge = true
[limits]
message_bytes = 20000
[[realm]]
name = "home"
[[realm.role]]
name = "program"
rules = [
  { uri = "com.example.", match = "prefix", allow = ["call", "register", "publish", "subscribe"], disclose = true },
  { uri = "com.example.forbidden", allow = [] },
]
[[realm.principal]]
authid = "hook"
role = "program"
method = "ticket"
secret = "s3cret-token"
[[realm.principal]]
authid = "other"
role = "program"
method = "ticket"
secret = "another"
"#;

struct Answer {
    status: u16,
    head: String,
    body: Value,
}

/// Sends a request as `curl` does.
async fn ask(desk: &Desk, path: &str, more: &str, body: &str) -> Answer {
    ask_with(desk, "POST", path, more, body).await
}

async fn ask_with(desk: &Desk, method: &str, path: &str, more: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(desk.address()).await.unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\n{more}\
         Content-Length: {}\r\n\r\n{body}",
        desk.address(),
        body.len()
    );
    // The router may have answered and closed before it has all.
    let _ = stream.write_all(head.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = soon("the answer", stream.read_to_end(&mut answer)).await;
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_lowercase(),
        body: serde_json::from_str(body).unwrap_or(Value::Null),
    }
}

const BEARER: &str = "Authorization: Bearer s3cret-token\r\n";

async fn call(desk: &Desk, body: Value) -> Answer {
    ask(desk, "/api/home/call", BEARER, &body.to_string()).await
}

fn basic(pair: &str) -> String {
    format!("Authorization: Basic {}\r\n", BASE64_STANDARD.encode(pair))
}

/// A program in the realm.
async fn program(desk: &Desk) -> Session {
    let options = Options {
        authid: Some("other".to_owned()),
        secret: Some(Secret::Ticket("another".to_owned())),
        ..Options::new("home")
    };
    desk.try_join(Way::RawSocket, options).await.unwrap()
}

async fn echo(call: Invocation) -> Result<client::Reply, RequestError> {
    Ok(client::Args {
        args: call.args.clone(),
        kwargs: call.kwargs.clone(),
    }
    .into())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_answered_with_its_result_or_its_error() {
    let desk = Desk::with(CONFIGURATION).await;
    let program = program(&desk).await;
    program.register("com.example.echo", echo).await.unwrap();
    let fails = |_: Invocation| async { Err(RequestError::new("com.example.error.full", "no room").with("left", 0)) };
    program.register("com.example.fails", fails).await.unwrap();
    let answer = call(
        &desk,
        json!({ "procedure": "com.example.echo", "args": [1, "zwei", null], "kwargs": { "a": [true] } }),
    )
    .await;
    assert_eq!(
        (answer.status, &answer.body),
        (200, &json!({ "args": [1, "zwei", null], "kwargs": { "a": [true] } }))
    );
    assert!(
        answer.head.contains("content-type: application/json"),
        "{}",
        answer.head
    );
    assert!(
        answer.head.contains("cache-control: no-store") && !answer.head.contains("access-control"),
        "{}",
        answer.head
    );
    let answer = call(&desk, json!({ "procedure": "com.example.echo", "args": null })).await;
    assert_eq!((answer.status, answer.body), (200, json!({})));
    // Binary values are texts that begin with a zero (WAMP specification, "Binary support in JSON").
    let answer = call(&desk, json!({ "procedure": "com.example.echo", "args": ["\u{0}AQID"] })).await;
    assert_eq!(answer.body, json!({ "args": ["\u{0}AQID"] }));
    let answer = call(&desk, json!({ "procedure": "com.example.fails" })).await;
    let told = json!({ "error": "com.example.error.full", "args": ["no room"], "kwargs": { "left": 0 } });
    assert_eq!((answer.status, answer.body), (500, told));
    for (procedure, status, error) in [
        ("com.example.nobody", 404, "wamp.error.no_such_procedure"),
        ("com.example.forbidden", 403, "wamp.error.not_authorized"),
        ("org.example.else", 403, "wamp.error.not_authorized"),
        ("com.example. .x", 400, "wamp.error.invalid_uri"),
    ] {
        let answer = call(&desk, json!({ "procedure": procedure })).await;
        assert_eq!(
            (answer.status, &answer.body["error"]),
            (status, &json!(error)),
            "{procedure}: {}",
            answer.body
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_script_of_the_documents_calls() {
    let desk = Desk::with(CONFIGURATION).await;
    let program = program(&desk).await;
    program.register("com.example.echo", echo).await.unwrap();
    let run = async |token: &str| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/clients/call.sh");
        let url = format!("http://{}/api/home", desk.address());
        let mut command = tokio::process::Command::new(script);
        command.args([&*url, token, "com.example.echo", "[1, \"zwei\"]"]);
        let output = soon("the script", command.kill_on_drop(true).output()).await.unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(run("s3cret-token").await, (true, r#"{"args":[1,"zwei"]}"#.to_owned()));
    let (is_well, told) = run("wrong").await;
    assert!(!is_well && told.contains("authentication_failed"), "{told}");
    // Inside TLS as well; which certificate is right is between curl and whoever calls it.
    let mut command = tokio::process::Command::new("curl");
    let url = format!("https://{}/api/home/call", desk.address());
    let body = r#"{"procedure":"com.example.echo"}"#;
    command.args([
        "--silent",
        "--insecure",
        "--header",
        BEARER.trim(),
        "--data",
        body,
        &*url,
    ]);
    let output = soon("curl", command.kill_on_drop(true).output()).await.unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "{}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publication_reaches_its_subscribers_and_has_an_id() {
    let desk = Desk::with(CONFIGURATION).await;
    let program = program(&desk).await;
    let mut news = program.subscribe("com.example.news").await.unwrap();
    let body = json!({ "topic": "com.example.news", "args": ["rain"], "kwargs": { "mm": 3 } });
    let answer = ask(&desk, "/api/home/publish", BEARER, &body.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let event = soon("the event", news.next()).await.unwrap();
    assert_eq!(answer.body["id"].as_u64(), Some(event.publication.get()));
    assert_eq!(
        (event.args.args[0].as_str(), event.args.kwargs["mm"].as_u64()),
        (Some("rain"), Some(3))
    );
    // For others than whoever listens.
    let body = json!({ "topic": "com.example.news", "args": ["hidden"], "options": { "exclude_authid": ["other"] } });
    assert_eq!(
        ask(&desk, "/api/home/publish", BEARER, &body.to_string()).await.status,
        200
    );
    let body = json!({ "topic": "com.example.news", "args": ["seen"], "options": { "eligible_authid": ["other"] } });
    assert_eq!(
        ask(&desk, "/api/home/publish", BEARER, &body.to_string()).await.status,
        200
    );
    let event = soon("the next event", news.next()).await.unwrap();
    assert_eq!(event.args.args[0].as_str(), Some("seen"));
    let body = json!({ "topic": "com.example.forbidden" }).to_string();
    assert_eq!(ask(&desk, "/api/home/publish", BEARER, &body).await.status, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_is_whose_token_it_is_and_one_session_serves_many_requests() {
    let desk = Desk::with(CONFIGURATION).await;
    let program = program(&desk).await;
    let who = |call: Invocation| async move {
        let caller = call.caller.unwrap();
        Ok(client::Args::from([caller.authid.to_string().into(), caller.session.get().into()]).into())
    };
    program.register("com.example.who", who).await.unwrap();
    let body = json!({ "procedure": "com.example.who", "options": { "disclose_me": true } }).to_string();
    let mut sessions = Vec::new();
    for more in [BEARER, BEARER, &basic("hook:s3cret-token"), &basic("other:another")] {
        let answer = ask(&desk, "/api/home/call", more, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let authid = if sessions.len() < 3 { "hook" } else { "other" };
        assert_eq!(answer.body["args"][0], authid);
        sessions.push(answer.body["args"][1].as_u64().unwrap());
    }
    assert_eq!((sessions[0], sessions[0]), (sessions[1], sessions[2]));
    assert_ne!(sessions[0], sessions[3]);
    assert_eq!(desk.daemon.router().realm("home").unwrap().session_count(), 3);
    let report = desk.daemon.router().realm("home").unwrap().report(10).sessions;
    let bridged = report
        .iter()
        .filter(|session| session.transport == router::Transport::Bridge);
    assert_eq!(bridged.count(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_token_that_is_right_there_is_nothing_and_who_tries_too_often_waits() {
    let desk = Desk::with(CONFIGURATION).await;
    let body = json!({ "procedure": "com.example.echo" }).to_string();
    for more in [
        "",
        "Authorization: Bearer\r\n",
        "Authorization: Digest x\r\n",
        "Authorization: Basic %%%\r\n",
        "Authorization: Basic aG9vaw==\r\n",
        &BEARER.repeat(2),
    ] {
        let answer = ask(&desk, "/api/home/call", more, &body).await;
        assert_eq!(answer.status, 401, "{more:?}: {}", answer.body);
        // Whoever has a name and its ticket is asked for them, as `wget` and others want it before they tell.
        for way in [
            "bearer realm=\"deskconn\"",
            "basic realm=\"deskconn\", charset=\"utf-8\"",
        ] {
            let line = format!("www-authenticate: {way}");
            assert!(answer.head.lines().any(|it| it == line), "{}", answer.head);
        }
    }
    let answer = ask(&desk, "/api/elsewhere/call", BEARER, &body).await;
    assert_eq!(
        (answer.status, &answer.body["error"]),
        (404, &json!("wamp.error.no_such_realm"))
    );
    for more in [
        "Authorization: Bearer wrong\r\n",
        &basic("hook:wrong"),
        &basic("nobody:s3cret-token"),
        &basic(":"),
        &basic("hook:"),
    ] {
        let answer = ask(&desk, "/api/home/call", more, &body).await;
        assert_eq!(
            (answer.status, &answer.body["error"]),
            (401, &json!("wamp.error.authentication_failed")),
            "{more:?}"
        );
    }
    let answer = ask(&desk, "/api/home/call", BEARER, &body).await;
    assert_eq!(
        (answer.status, &answer.body["error"]),
        (429, &json!("wamp.error.authentication_denied"))
    );
    assert!(answer.head.contains("retry-after: "), "{}", answer.head);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_request_is_told_what_one_is() {
    let desk = Desk::with(CONFIGURATION).await;
    for (body, sentence) in [
        ("", "no JSON"),
        ("[]", "must be"),
        ("{}", "procedure is missing"),
        (r#"{"procedure":7}"#, "must be a text"),
        (r#"{"procedure":"com.example.x","args":7}"#, "rguments"),
        (r#"{"procedure":"com.example.x","kwargs":[]}"#, "rguments"),
        (
            r#"{"procedure":"com.example.x","options":{"timeout":"soon"}}"#,
            "options",
        ),
        (r#"{"procedure":"com.example.x","arguments":[]}"#, "means nothing here"),
    ] {
        let answer = ask(&desk, "/api/home/call", BEARER, body).await;
        assert_eq!(
            (answer.status, &answer.body["error"]),
            (400, &json!("wamp.error.invalid_argument")),
            "{body}"
        );
        assert!(
            answer.body["args"][0].as_str().unwrap().contains(sentence),
            "{body}: {}",
            answer.body
        );
    }
    let deep = format!(
        r#"{{"procedure":"com.example.x","args":[{}{}]}}"#,
        "[".repeat(60),
        "]".repeat(60)
    );
    assert_eq!(ask(&desk, "/api/home/call", BEARER, &deep).await.status, 400);
    let long = |length: usize| {
        let body = json!({ "procedure": "com.example.nobody", "args": [""] }).to_string();
        body.replace("[\"\"]", &format!("[\"{}\"]", "x".repeat(length - body.len())))
    };
    assert_eq!(ask(&desk, "/api/home/call", BEARER, &long(19_900)).await.status, 404);
    let answer = ask(&desk, "/api/home/call", BEARER, &long(20_001)).await;
    assert_eq!(
        (answer.status, &answer.body["error"]),
        (413, &json!("wamp.error.payload_size_exceeded"))
    );
    for (encoding, status) in [("gzip", 415), ("identity", 404)] {
        let more = format!("{BEARER}Content-Encoding: {encoding}\r\n");
        let answer = ask(&desk, "/api/home/call", &more, r#"{"procedure":"com.example.nobody"}"#).await;
        assert_eq!(answer.status, status, "{encoding}: {}", answer.body);
    }
    for (method, path, status) in [
        ("GET", "/api/home/call", 405),
        ("POST", "/api/home/register", 404),
        ("POST", "/api/", 404),
    ] {
        assert_eq!(
            ask_with(&desk, method, path, BEARER, "{}").await.status,
            status,
            "{method} {path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_others_and_a_desktop_that_does_not_want_it_get_nothing() {
    let desk = Desk::with(CONFIGURATION).await;
    let more = format!("{BEARER}Origin: https://evil.example\r\n");
    assert_eq!(ask(&desk, "/api/home/call", &more, "{}").await.status, 403);
    assert_eq!(
        ask_with(&desk, "OPTIONS", "/api/home/call", &more, "").await.status,
        403
    );
    let off = Desk::with(&CONFIGURATION.replace("bridge = true", "bridge = false")).await;
    assert_eq!(ask(&off, "/api/home/call", BEARER, "{}").await.status, 405);
    assert_eq!(ask_with(&off, "GET", "/api/home/call", BEARER, "").await.status, 404);
}
