//! Peers that say nothing are asked whether they are there, and those that do not answer count as gone.

use std::sync::Arc;
use std::time::Duration;

use router::{Limits, Origins, RealmHandle};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Way, soon, until};
use crate::vault::Vault;

/// Longer than a machine under load keeps a task waiting.
const DEAD: Duration = Duration::from_millis(1_500);
const PING: Duration = Duration::from_millis(100);

fn impatient() -> Vault {
    let limits = Limits {
        ping: Some(PING),
        dead: Some(DEAD),
        ..Limits::default()
    };
    Vault::with(limits, Arc::new(Origins::default()))
}

fn realm(vault: &Vault) -> RealmHandle {
    vault.router.realm("realm1").unwrap()
}

async fn frame(stream: &mut TcpStream, kind: u8, body: &[u8]) {
    let mut frame = u32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
    frame[0] = kind;
    frame.extend_from_slice(body);
    stream.write_all(&frame).await.unwrap();
}

async fn next_frame(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let [kind, a, b, c] = soon("a frame", stream.read_u32()).await.ok()?.to_be_bytes();
    let mut body = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
    stream.read_exact(&mut body).await.ok()?;
    Some((kind, body))
}

/// A session over RawSocket whose HELLO says this too.
async fn raw(vault: &Vault, more: &str) -> TcpStream {
    let mut stream = TcpStream::connect(vault.address).await.unwrap();
    stream.write_all(&[0x7f, 0xf1, 0, 0]).await.unwrap();
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await.unwrap();
    let hello = format!(r#"[1,"realm1",{{"roles":{{"caller":{{}}}}{more}}}]"#);
    frame(&mut stream, 0, hello.as_bytes()).await;
    let (kind, welcome) = next_frame(&mut stream).await.unwrap();
    assert_eq!((kind, &welcome[..2]), (0, &b"[2"[..]));
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_peer_is_asked_over_rawsocket_and_lives_as_long_as_it_answers() {
    let vault = impatient();
    let mut stream = raw(&vault, "").await;
    // Far longer than it may be silent.
    for _ in 0..30 {
        assert_eq!(next_frame(&mut stream).await, Some((1, Vec::new())));
        frame(&mut stream, 2, &[]).await;
    }
    assert_eq!(realm(&vault).session_count(), 1);
    // Then it does not answer any more.
    let mut asked = 0;
    while let Some((kind, _)) = next_frame(&mut stream).await {
        assert_eq!(kind, 1);
        asked += 1;
    }
    assert!(asked >= 3, "it was asked {asked} times");
    until("the session to end", || realm(&vault).session_count() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_never_says_anything_after_its_login_is_asked_three_times_before_it_counts_as_gone() {
    let limits = Limits {
        ping: Some(Duration::from_millis(300)),
        dead: Some(Duration::from_millis(900)),
        ..Limits::default()
    };
    let vault = Vault::with(limits, Arc::new(Origins::default()));
    let mut stream = raw(&vault, "").await;
    let mut asked = 0;
    while let Some((kind, _)) = next_frame(&mut stream).await {
        assert_eq!(kind, 1);
        asked += 1;
    }
    assert_eq!(asked, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_says_something_is_not_asked() {
    let limits = Limits {
        ping: Some(Duration::from_millis(400)),
        dead: Some(Duration::from_millis(1_200)),
        ..Limits::default()
    };
    let vault = Vault::with(limits, Arc::new(Origins::default()));
    let mut stream = raw(&vault, "").await;
    let begun = std::time::Instant::now();
    while begun.elapsed() < Duration::from_secs(2) {
        frame(&mut stream, 0, br#"[48,1,{},"com.nobody"]"#).await;
        let (kind, _) = next_frame(&mut stream).await.unwrap();
        assert_eq!(kind, 0);
    }
    assert_eq!(realm(&vault).session_count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn libraries_answer_by_themselves_on_every_way() {
    let vault = impatient();
    let mut sessions = Vec::new();
    for way in Way::OVER_THE_NETWORK {
        sessions.push(vault.join(way).await);
    }
    // By the time this one is gone, the others would be too.
    for _ in 0..2 {
        let silent = raw(&vault, "").await;
        until("the silent one to end", || realm(&vault).session_count() == 6).await;
        drop(silent);
    }
    for session in sessions {
        session.call("wamp.session.count", ()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_is_gone_is_noticed_on_every_way() {
    use crate::resumption::client::{Road, anonymous, join};
    let vault = impatient();
    let mut links = Vec::new();
    for way in Way::OVER_THE_NETWORK {
        let road = Road::to(&vault, way, wamp::codec::Serializer::Json);
        let mut link = road.connect().await.unwrap();
        join(&mut link, anonymous()).await.unwrap();
        // Nobody reads it, so nothing answers.
        links.push(link);
    }
    until("all to end", || realm(&vault).session_count() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_wants_to_be_asked_less_often_may_be_silent_for_longer() {
    let vault = impatient();
    let _patient = raw(&vault, r#","_ping":600"#).await;
    for _ in 0..2 {
        let _silent = raw(&vault, r#","_ping":0"#).await;
        until("the silent one to end", || realm(&vault).session_count() == 1).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn programs_of_this_machine_are_not_asked() {
    let vault = impatient();
    let home = tempfile::tempdir().unwrap();
    let socket = home.path().join("sock");
    vault.router.listen_unix(&socket, 0o600).unwrap();
    let stream = tokio::net::UnixStream::connect(&socket).await.unwrap();
    let bounds = wamp::limits::Bounds::JOINED;
    let mut link = link::rawsocket::connect(stream, wamp::codec::Serializer::Json, bounds)
        .await
        .unwrap();
    crate::resumption::client::join(&mut link, crate::resumption::client::anonymous())
        .await
        .unwrap();
    for _ in 0..2 {
        let _silent = raw(&vault, "").await;
        until("the silent one to end", || realm(&vault).session_count() == 1).await;
    }
}
