//! The daemon in figures: over HTTP, as procedures and as events.

use std::collections::BTreeMap;

use client::{Args, CallOptions, CancelMode, Dict, Match, PublishOptions, Serializer, Session, Subscription, Value};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

use crate::phone::Phone;
use crate::support::{Desk, OPEN_REALM, Way, soon};

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0";

/// The head and the body of an answer.
async fn ask<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, request: &str) -> (String, String) {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon("the answer", stream.read_to_string(&mut answer)).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

fn get(path: &str, host: &str, accept: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: {host}\r\naccept: {accept}\r\nconnection: close\r\n\r\n")
}

/// The text that the owner gets over the Unix socket.
async fn text(desk: &Desk) -> String {
    let stream = UnixStream::connect(desk.daemon.socket().unwrap()).await.unwrap();
    let (head, body) = ask(stream, &get("/metrics", "localhost", OPENMETRICS)).await;
    assert!(
        head.starts_with("HTTP/1.1 200 ") && head.contains("openmetrics-text; version=1.0.0; charset=utf-8"),
        "{head}"
    );
    body
}

/// Each line of a text by what stands before its number.
fn samples(text: &str) -> BTreeMap<&str, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            line.rsplit_once(' ')
                .map(|(name, number)| (name, number.parse().unwrap()))
                .unwrap()
        })
        .collect()
}

async fn join(desk: &Desk) -> Session {
    desk.join(Way::RawSocket, Serializer::Json, "realm1").await
}

/// Calls that end in every way, an event, and a call that stays open.
async fn work(caller: &Session, callee: &Session) -> (client::Call, Subscription) {
    for _ in 0..3 {
        caller.call("com.ok", ()).await.unwrap();
    }
    caller.call("com.fails", ()).await.unwrap_err();
    caller.call("com.nowhere", ()).await.unwrap_err();
    let options = CallOptions {
        timeout: 1,
        ..CallOptions::default()
    };
    caller.call_with("com.never", (), options).await.unwrap_err();
    let call = caller
        .start_call("com.never", (), CallOptions::default())
        .await
        .unwrap();
    call.cancel(CancelMode::KillNoWait).await.unwrap_err();
    let mut events = callee.subscribe("com.topic").await.unwrap();
    let acknowledged = PublishOptions {
        retain: true,
        ..PublishOptions::default()
    };
    caller
        .publish_with("com.topic", [Value::from("x".repeat(1_000))], acknowledged)
        .await
        .unwrap();
    soon("the event", events.next()).await.unwrap();
    let open = caller
        .start_call("com.never", (), CallOptions::default())
        .await
        .unwrap();
    // Behind it, so that it is there.
    caller.call("com.ok", ()).await.unwrap();
    (open, events)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_sessions_do_is_counted_and_told_over_http() {
    let desk = Desk::with(OPEN_REALM).await;
    let (caller, callee) = (join(&desk).await, join(&desk).await);
    let gone = join(&desk).await;
    callee.register("com.ok", |_| async { Ok(().into()) }).await.unwrap();
    let fails = |_| async { Err(client::RequestError::new("com.error", "no")) };
    callee.register("com.fails", fails).await.unwrap();
    callee
        .register("com.never", |_| async { std::future::pending().await })
        .await
        .unwrap();
    let before = text(&desk).await;
    gone.leave().await;
    let (open, _events) = work(&caller, &callee).await;
    let after = text(&desk).await;
    let (before, after) = (samples(&before), samples(&after));
    let now = |name: &str| after.get(name).copied().unwrap_or_else(|| panic!("no {name}"));
    let more = |name: &str| now(name) - before[name];
    let of_realm = |name: &str| format!("{name}{{realm=\"realm1\"}}");
    let ended = |outcome: &str| {
        more(&format!(
            "deskconn_calls_ended_total{{realm=\"realm1\",outcome=\"{outcome}\"}}"
        ))
    };
    assert_eq!(more(&of_realm("deskconn_calls_total")), 9.0);
    let outcomes = ["result", "error", "cancelled", "timed_out"].map(ended);
    assert_eq!(outcomes.iter().sum::<f64>(), 8.0, "{outcomes:?}");
    assert_eq!((outcomes[0], outcomes[1]), (4.0, 2.0), "{outcomes:?}");
    assert_eq!(more(&of_realm("deskconn_invocations_total")), 8.0);
    assert_eq!(now(&of_realm("deskconn_invocations_open")), 1.0);
    // The four that were answered.
    assert_eq!(more(&of_realm("deskconn_invocation_duration_seconds_count")), 5.0);
    let bucket = "deskconn_invocation_duration_seconds_bucket{realm=\"realm1\",le=\"+Inf\"}";
    assert_eq!(more(bucket), 5.0);
    assert_eq!(more(&of_realm("deskconn_publications_total")), 1.0);
    assert_eq!(more(&of_realm("deskconn_events_delivered_total")), 1.0);
    assert_eq!(
        (
            now(&of_realm("deskconn_subscriptions")),
            now(&of_realm("deskconn_registrations"))
        ),
        (1.0, 3.0)
    );
    assert_eq!(now(&of_realm("deskconn_retained_events")), 1.0);
    assert!(now(&of_realm("deskconn_retained_bytes")) > 1_000.0);
    assert!(more(&of_realm("deskconn_received_bytes_total")) > 1_000.0);
    assert!(more(&of_realm("deskconn_sent_bytes_total")) > 1_000.0);
    assert!(more(&of_realm("deskconn_messages_received_total")) >= 17.0);
    assert_eq!(now("deskconn_sessions{realm=\"realm1\",transport=\"rawsocket\"}"), 2.0);
    assert_eq!(
        now("deskconn_sessions_joined_total{realm=\"realm1\",transport=\"rawsocket\"}"),
        3.0
    );
    assert!(now("process_resident_memory_bytes") > 1e6 && now("process_open_fds") > 3.0);
    drop(open);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_over_the_unix_socket_has_the_limits_of_every_other() {
    let desk = Desk::start().await;
    let request = |header: &str| get("/metrics", "localhost", &format!("{OPENMETRICS}\r\n{header}"));
    let long = |bytes| format!("x-header: {}", "x".repeat(bytes));
    let many = |count| vec!["x-header: x"; count].join("\r\n");
    for (header, status) in [
        (long(7_000), "200"),
        (long(9_000), "431"),
        (many(50), "200"),
        (many(70), "431"),
    ] {
        let mut stream = UnixStream::connect(desk.daemon.socket().unwrap()).await.unwrap();
        stream.write_all(request(&header).as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        soon("the answer", stream.read_exact(&mut answer)).await.unwrap();
        assert_eq!(std::str::from_utf8(&answer).unwrap(), format!("HTTP/1.1 {status}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_are_told_where_the_configuration_says_and_never_on_the_port_of_the_desktop() {
    let desk = Desk::with("[metrics]\nlisten = [\"127.0.0.1:0\"]\n").await;
    // Over TCP the same, and nothing else.
    let address = desk.daemon.metrics_addresses()[0];
    let over_tcp = async |request: String| ask(TcpStream::connect(address).await.unwrap(), &request).await;
    let host = address.to_string();
    let (head, body) = over_tcp(get("/metrics", &host, OPENMETRICS)).await;
    assert!(head.contains("200 OK") && body.ends_with("# EOF\n"));
    let (head, body) = over_tcp(get("/metrics", &host, "*/*")).await;
    assert!(head.contains("text/plain; version=0.0.4") && !body.contains("# EOF"));
    for (request, status) in [
        (get("/", &host, "*/*"), "404"),
        (get("/ws", &host, "*/*"), "404"),
        (get("/metrics", "evil.example", "*/*"), "421"),
        (get("/metrics", &host, "*/*").replace("GET", "POST"), "405"),
    ] {
        let (head, _) = over_tcp(request).await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
    }
    // The port of the desktop tells no figures.
    let stream = TcpStream::connect(desk.address()).await.unwrap();
    let (head, body) = ask(stream, &get("/metrics", &desk.address().to_string(), OPENMETRICS)).await;
    assert!(
        head.starts_with("HTTP/1.1 404 ") && !body.contains("deskconn_"),
        "{head}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_for_figures_that_cannot_be_had_takes_none_away_and_is_tried_with_each_reload() {
    let desk = Desk::with("[metrics]\nlisten = [\"127.0.0.1:0\"]\n").await;
    let before = desk.daemon.metrics_addresses();
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = held.local_addr().unwrap();
    let wanted = format!("[metrics]\nlisten = [\"{address}\"]\n");
    for _ in 0..2 {
        let reloaded = desk.reload(&wanted).await.unwrap();
        assert!(reloaded.failed[0].contains("cannot be listened on"), "{reloaded:?}");
        assert_eq!(desk.daemon.metrics_addresses(), before);
        TcpStream::connect(before[0]).await.unwrap();
    }
    drop(held);
    assert_eq!(desk.reload(&wanted).await.unwrap().failed, [""; 0]);
    assert_eq!(desk.daemon.metrics_addresses(), [address]);
    TcpStream::connect(before[0]).await.unwrap_err();
    // The same port at other addresses: at one that this machine has not, and then at all.
    let foreign = format!("[metrics]\nlisten = [\"203.0.113.1:{}\"]\n", address.port());
    assert_eq!(desk.reload(&foreign).await.unwrap().failed.len(), 1);
    TcpStream::connect(address).await.unwrap();
    let all = format!("[metrics]\nlisten = [\"0.0.0.0:{}\"]\n", address.port());
    assert_eq!(desk.reload(&all).await.unwrap().failed, [""; 0]);
    TcpStream::connect(address).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_login_a_denied_request_and_a_slow_queue_show_in_the_figures() {
    let configuration = "[[realm]]\nname = \"realm1\"\n[[realm.role]]\nname = \"anonymous\"\nrules = []\n";
    let desk = Desk::with(configuration).await;
    let before = text(&desk).await;
    let session = join(&desk).await;
    session.call("com.p", ()).await.unwrap_err();
    let elsewhere = desk.try_join(Way::RawSocket, client::Options::new("nowhere")).await;
    assert!(elsewhere.is_err());
    let after = text(&desk).await;
    let (before, after) = (samples(&before), samples(&after));
    for name in [
        "deskconn_logins_refused_total{reason=\"no_such_realm\"}",
        "deskconn_requests_denied_total",
        "deskconn_audit_entries_total{kind=\"action.denied\"}",
        "deskconn_audit_entries_total{kind=\"login.failed\"}",
    ] {
        assert_eq!(after[name] - before[name], 1.0, "{name}");
    }
    let error = "deskconn_calls_ended_total{realm=\"realm1\",outcome=\"error\"}";
    assert_eq!(after[error] - before[error], 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_figure_of_the_catalogue_is_told_by_a_desktop_with_a_link() {
    let there = crate::links::alone().await;
    let desk = crate::links::linked(&[&there], crate::links::ALL).await;
    let text = text(&desk).await;
    let told: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .collect();
    let known: Vec<_> = deskconnd::metrics::CATALOGUE.iter().map(|figure| figure.name).collect();
    assert_eq!(told, known);
    assert_eq!(samples(&text)["deskconn_link_up{realm=\"home\",link=\"first\"}"], 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dashboards_ask_for_figures_and_hear_those_that_they_subscribed_to_and_nobody_else_does() {
    let desk = Desk::with("[metrics]\ninterval_s = 1\n").await;
    let owner = desk.owner().await;
    let list = owner.call("org.deskconn.metrics.list", ()).await.unwrap().into_value();
    let list = list.as_list().unwrap();
    assert_eq!(list.len(), deskconnd::metrics::CATALOGUE.len());
    let told = owner.call("org.deskconn.metrics.get", ()).await.unwrap().into_value();
    let told = told.as_dict().unwrap();
    let rows = told["deskconn_sessions"].as_list().unwrap();
    let unix = |row: &&Value| row.as_dict().unwrap()["transport"].as_str() == Some("unix");
    let own = rows.iter().find(unix).unwrap().as_dict().unwrap();
    assert_eq!(
        (own["realm"].as_str(), own["value"].as_u64()),
        (Some("deskconn"), Some(1))
    );
    assert_eq!(told["deskconn_devices_paired"].as_u64(), Some(0));
    let durations = told["deskconn_invocation_duration_seconds"].as_list().unwrap()[0]
        .as_dict()
        .unwrap();
    let histogram: &Dict = durations["value"].as_dict().unwrap();
    assert!(histogram["count"].as_u64() >= Some(1), "{histogram:?}");
    assert_eq!(histogram["buckets"].as_list().unwrap().len(), 15);

    let phone = Phone::pair(&desk, 7, Args::default().with("role", "metrics")).await;
    let dashboard = phone.log_in(&desk).await;
    dashboard.call("org.deskconn.metrics.get", ()).await.unwrap();
    let denied = dashboard.call("org.deskconn.router.sessions", ()).await;
    assert_eq!(crate::rights::error_uri(denied), "wamp.error.not_authorized");
    let mut one = dashboard
        .subscribe("org.deskconn.metrics.value.deskconn_devices_paired")
        .await
        .unwrap();
    let event = soon("the figure", one.next()).await.unwrap();
    assert_eq!(event.args.into_value().as_u64(), Some(1));
    let mut all = dashboard
        .subscribe_matching("org.deskconn.metrics.", Match::Prefix)
        .await
        .unwrap();
    let mut topics = std::collections::BTreeSet::new();
    let hearing = async {
        while topics.len() < 20 {
            let event = all.next().await.unwrap();
            topics.extend(event.topic.map(|topic| topic.to_string()));
        }
    };
    soon("the figures", hearing).await;
    assert!(
        topics.iter().all(|topic| topic.starts_with("org.deskconn.metrics.")),
        "{topics:?}"
    );
}

#[test]
fn the_document_has_every_figure_as_the_catalogue_has_it() {
    let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/OPERATION.md")).unwrap();
    let told = document
        .lines()
        .filter(|line| line.starts_with("| `deskconn_") || line.starts_with("| `process_"));
    let row = |figure: &deskconnd::metrics::Figure| {
        let (name, kind) = (figure.name, figure.kind.name());
        format!("| `{name}` | {kind} | {} | {} |", figure.labels.join(", "), figure.help)
    };
    let known: Vec<_> = deskconnd::metrics::CATALOGUE.iter().map(row).collect();
    assert_eq!(told.collect::<Vec<_>>(), known);
}
