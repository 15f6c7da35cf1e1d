//! Actions in the realms of a plain router, where nobody is the owner.

use client::{Args, Value};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::action;
use crate::rights::error_uri;
use crate::support::{Desk, OPEN_REALM, Way, soon};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_router_has_actions_in_its_realms() {
    let when = "when = { topic = \"com.in.\", match = \"prefix\", if = \"kwargs.n is defined\" }";
    let then = "then = { publish = \"com.out\", args = [\"{{ topic }}\", \"{{ kwargs.n * 2 }}\"], retain = true }";
    let configuration = format!(
        "[desktop]\nenabled = false\n[metrics]\nlisten = [\"127.0.0.1:0\"]\n{OPEN_REALM}{}",
        action("double", &format!("realm = \"realm1\"\n{when}\n{then}"))
    );
    let desk = Desk::with(&configuration).await;
    let session = desk.join(Way::WebSocket, client::Serializer::Json, "realm1").await;
    let mut doubled = session.subscribe("com.out").await.unwrap();
    session
        .publish("com.in.a", Args::default().with("n", 21_u64))
        .await
        .unwrap();
    let event = soon("the event", doubled.next()).await.unwrap();
    assert_eq!(event.args.args, [Value::from("com.in.a"), Value::UInt(42)]);
    // Nobody there may ask how it stands with them; it is counted.
    let listed = session.call("org.deskconn.actions.list", ()).await;
    assert_eq!(error_uri(listed), "wamp.error.no_such_procedure");
    let counted = async {
        while !figures(&desk)
            .await
            .contains("deskconn_audit_entries_total{kind=\"actions.done\"} 1\n")
        {}
    };
    soon("the figure", counted).await;
}

/// The figures as anybody gets them where the configuration tells them.
async fn figures(desk: &Desk) -> String {
    let mut stream = TcpStream::connect(desk.daemon.metrics_addresses()[0]).await.unwrap();
    let request = b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}
