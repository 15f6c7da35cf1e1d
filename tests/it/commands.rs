//! Commands through the whole daemon: who may run them, their output as it comes, and that nothing of them outlives its
//! caller, however that goes away.

use std::path::{Path, PathBuf};

use client::{Args, Error, Serializer, Session, Value};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::mpsc;

use crate::rights::{error_uri, grant, presenter};
use crate::support::{Desk, Way, soon, until};

const RUN: &str = "org.deskconn.command.run";

/// Shell scripts by their names.
async fn desk(scripts: &[(&str, &str)]) -> Desk {
    let one = |(name, script): &(&str, &str)| {
        format!("[[components.command]]\nname = \"{name}\"\nrun = [\"/bin/sh\", \"-c\", '''{script}''']\n")
    };
    Desk::with(&scripts.iter().map(one).collect::<String>()).await
}

/// A script that never ends, started two processes deep; the number of the deepest appears in this file.
fn endless(directory: &Path) -> (PathBuf, String) {
    let file = directory.join("pid");
    let script = format!(
        "sh -c 'echo $$ > {0}.new; mv {0}.new {0}; exec sleep 1000'; true",
        file.display()
    );
    (file, script)
}

/// Waits until the script has begun, and gives its process.
async fn begun(file: &Path) -> String {
    until("the command to begin", || file.exists()).await;
    std::fs::read_to_string(file).unwrap().trim().to_owned()
}

async fn over(pid: &str) {
    let stat = || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // A zombie has ended; whoever it was given to collects it.
    until("the process to end", || stat().is_empty() || stat().contains(") Z ")).await;
}

fn call(session: &Session, name: &'static str) -> tokio::task::JoinHandle<Result<Args, Error>> {
    let session = session.clone();
    tokio::spawn(async move { session.call(RUN, [name.into()]).await })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_has_a_grant_for_a_command_may_run_one() {
    let desk = desk(&[("hello", "echo hello")]).await;
    let (phone, session, owner) = presenter(&desk).await;
    assert_eq!(
        error_uri(session.call(RUN, ["hello".into()]).await),
        "wamp.error.not_authorized"
    );
    owner
        .call("org.deskconn.devices.set_role", [phone.id().into(), "full".into()])
        .await
        .unwrap();
    assert_eq!(
        error_uri(session.call(RUN, ["hello".into()]).await),
        "wamp.error.not_authorized"
    );
    grant(&owner, &phone, RUN, Args::default()).await;
    let result = session.call(RUN, ["hello".into()]).await.unwrap().into_value();
    assert_eq!(result.as_dict().unwrap()["stdout"], Value::from("hello\n"));
    assert_eq!(
        error_uri(session.call("org.deskconn.command.list", ()).await),
        "wamp.error.not_authorized"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_line_arrives_as_it_is_written_on_every_way() {
    let lines = 3000;
    let script = format!("i=0; while [ $i -lt {lines} ]; do i=$((i+1)); echo line $i; done; exit 7");
    let desk = desk(&[("count", &script)]).await;
    let expected: String = (1..=lines).map(|number| format!("line {number}\n")).collect();
    for (way, serializer) in [
        (Way::Local, Serializer::Json),
        (Way::Unix, Serializer::MessagePack),
        (Way::Unix, Serializer::Json),
    ] {
        let session = desk.join(way, serializer, "deskconn").await;
        let (mut text, mut pieces) = (String::new(), 0);
        let call = session.call_progressively(RUN, ["count".into()], |piece| {
            let piece = piece.into_value();
            text.push_str(piece.as_dict().unwrap()["text"].as_str().unwrap());
            pieces += 1;
        });
        let result = soon("the command", call).await.unwrap().into_value();
        assert_eq!(result.as_dict().unwrap()["exit"], Value::from(7_u64));
        assert!(text == expected, "{} of {} bytes came", text.len(), expected.len());
        assert!(pieces > 1, "it came at the end");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_never_ends_is_ended_with_its_call() {
    let directory = tempfile::tempdir().unwrap();
    let (file, script) = endless(directory.path());
    let desk = desk(&[("endless", &script)]).await;
    let owner = desk.owner().await;
    let running = call(&owner, "endless");
    let pid = begun(&file).await;
    // Dropping the call is what a WAMP client does to cancel it.
    running.abort();
    over(&pid).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_ends_with_the_session_of_its_caller() {
    let directory = tempfile::tempdir().unwrap();
    let (file, script) = endless(directory.path());
    let desk = desk(&[("endless", &script)]).await;
    let mut stream = deaf_caller(&desk, "endless").await;
    let pid = begun(&file).await;
    stream.shutdown().await.unwrap();
    over(&pid).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_ends_with_the_daemon() {
    let directory = tempfile::tempdir().unwrap();
    let (file, script) = endless(directory.path());
    let desk = desk(&[("endless", &script)]).await;
    let owner = desk.owner().await;
    let running = call(&owner, "endless");
    let pid = begun(&file).await;
    soon("the daemon's end", desk.daemon.stop()).await;
    over(&pid).await;
    assert!(soon("the call", running).await.unwrap().is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_the_output_of_a_flood_holds_up_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let done = directory.path().join("done");
    let flood = format!("head -c 20000000 /dev/zero | tr '\\0' x; touch {}", done.display());
    let desk = desk(&[("flood", &flood), ("hello", "echo hello")]).await;
    let _deaf = deaf_caller(&desk, "flood").await;
    let owner = desk.owner().await;
    let result = soon("another command", owner.call(RUN, ["hello".into()]))
        .await
        .unwrap();
    assert_eq!(result.into_value().as_dict().unwrap()["stdout"], Value::from("hello\n"));
    // The rest is read and thrown away, so the program comes to its end.
    until("the flood to end", || done.exists()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_program_more_than_may_run_is_busy() {
    let desk = desk(&[("long", "echo on; sleep 1000")]).await;
    let owner = desk.owner().await;
    let (begun, mut told) = mpsc::unbounded_channel();
    let mut running = Vec::new();
    for _ in 0..components::command::MAX_RUNNING {
        let (owner, begun) = (owner.clone(), begun.clone());
        running.push(tokio::spawn(async move {
            let tell = |_| begun.send(()).unwrap_or_default();
            owner.call_progressively(RUN, ["long".into()], tell).await
        }));
        soon("a program", told.recv()).await.unwrap();
    }
    assert_eq!(
        error_uri(owner.call(RUN, ["long".into()]).await),
        "org.deskconn.error.busy"
    );
    running.iter().for_each(tokio::task::JoinHandle::abort);
}

/// A session of the owner that calls a command with progress and then reads nothing.
async fn deaf_caller(desk: &Desk, name: &str) -> UnixStream {
    let mut stream = UnixStream::connect(desk.daemon.socket().unwrap()).await.unwrap();
    let call = format!(r#"[48,1,{{"receive_progress":true}},"{RUN}",["{name}"]]"#);
    let mut bytes = vec![0x7f, 0xf1, 0, 0];
    for message in [r#"[1,"deskconn",{"roles":{"caller":{}}}]"#, call.as_str()] {
        bytes.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(message.as_bytes());
    }
    stream.write_all(&bytes).await.unwrap();
    let mut handshake = [0; 4];
    soon("the handshake", stream.read_exact(&mut handshake)).await.unwrap();
    stream
}
