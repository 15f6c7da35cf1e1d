//! Strangers try to exhaust a desktop with its default limits. Its memory stays small, and a phone that is paired goes on
//! working meanwhile.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use client::{Args, Options, Session};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use crate::apart::Apart;
use crate::support::{key, soon};
use crate::window::Window;

/// What the issue of trust promises for a desktop under siege.
const MOST_MEMORY_KIB: u64 = 64 << 10;
/// A person notices a quarter of a second. On an idle machine the median is a hundredth of that; the bounds hold on a busy one.
const MEDIAN: Duration = Duration::from_millis(250);
const NEARLY_ALL: Duration = Duration::from_secs(2);

/// Connects from an address of its own: all of 127.0.0.0/8 is this machine.
async fn connect(address: SocketAddr, stranger: u32) -> Option<TcpStream> {
    let source = Ipv4Addr::from_bits(0x7f01_0000 + stranger);
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((source, 0).into()).unwrap();
    socket.connect(address).await.ok()
}

/// Sends bytes, and then nothing, until the router hangs up.
async fn send_and_wait(address: SocketAddr, stranger: u32, bytes: &[u8]) {
    let Some(mut stream) = connect(address, stranger).await else {
        return;
    };
    // The router hangs up whenever it likes, which is what it is about.
    let _ = stream.write_all(bytes).await;
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
}

/// Sends the same bytes again and again until the router hangs up.
async fn flood(address: SocketAddr, stranger: u32, first: &[u8], bytes: &[u8]) {
    let Some(mut stream) = connect(address, stranger).await else {
        return;
    };
    let _ = stream.write_all(first).await;
    for _ in 0..10_000 {
        if stream.write_all(bytes).await.is_err() {
            return;
        }
    }
}

fn rawsocket(length: u32, message: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x7f, 0xf1, 0, 0];
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(message);
    bytes
}

const UPGRADE: &str = "GET /ws HTTP/1.1\r\nHost: HOST\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: \
     13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: wamp.2.json\r\n\r\n";

/// One stranger's try, by its number.
async fn attack(address: SocketAddr, stranger: u32) {
    let upgrade = UPGRADE.replace("HOST", &address.to_string());
    let hello = b"[1,\"deskconn\",";
    match stranger % 10 {
        // Half open: not one byte.
        0 | 1 => send_and_wait(address, stranger, b"").await,
        // A head that never ends, and a TLS handshake that stops after its first record's head.
        2 => send_and_wait(address, stranger, b"GET / HTTP/1.1\r\nX: y\r\n").await,
        3 => send_and_wait(address, stranger, &[0x16, 3, 1, 0x40, 0, 1, 0, 0x3f]).await,
        // Two gigabytes are announced, over RawSocket (as far as it can) and over WebSocket.
        4 => send_and_wait(address, stranger, &rawsocket(0x00ff_ffff, hello)).await,
        5 => {
            let mut bytes = upgrade.into_bytes();
            bytes.extend_from_slice(&[0x81, 0xff, 0, 0, 0, 0, 0x80, 0, 0, 0, 1, 2, 3, 4]);
            send_and_wait(address, stranger, &bytes).await;
        }
        // A hundred thousand brackets, and a million keys.
        6 => flood(address, stranger, &rawsocket(0x00ff_ffff, hello), &[b'['; 4_096]).await,
        7 => {
            flood(
                address,
                stranger,
                &rawsocket(0x00ff_ffff, b"[1,\"deskconn\",{"),
                &b"\"k\":1,".repeat(600),
            )
            .await;
        }
        // PINGs without end, each to be answered, and no answer taken.
        8 => {
            flood(
                address,
                stranger,
                &[0x7f, 0xf1, 0, 0],
                &[1, 0, 0, 4, 1, 2, 3, 4].repeat(500),
            )
            .await;
        }
        // Frames of one byte.
        _ => {
            let fragment = [0x01, 0x81, 1, 2, 3, 4, b'[' ^ 1].to_vec();
            flood(address, stranger, upgrade.as_bytes(), &fragment).await;
        }
    }
}

/// Pairs a key over the Unix socket and the legacy form.
async fn pair(desktop: &Apart, owner: &Session) -> Session {
    let target = format!("ws://{}/ws", desktop.address).parse().unwrap();
    let mut window = Window::of(owner.clone(), Args::default().with("legacy", true)).await;
    let stranger = Session::connect(&target, Options::new("deskconn")).await.unwrap();
    window.let_in(&stranger, &key(1)).await;
    let login = Options {
        key: Some(key(1)),
        ..Options::new("deskconn")
    };
    Session::connect(&target, login).await.unwrap()
}

/// Calls until told to stop, and gives the time of each call.
async fn work(phone: Session, is_over: Arc<AtomicBool>) -> Vec<Duration> {
    let mut times = Vec::new();
    // The phone's own rate of messages allows this many a second.
    let mut pace = tokio::time::interval(Duration::from_millis(10));
    while !is_over.load(Ordering::Relaxed) {
        pace.tick().await;
        let start = Instant::now();
        // Whether this machine has slides to turn is not what is asked: the answer is.
        let answer = soon("the answer", phone.call("org.deskconn.slides.next", ())).await;
        assert!(!matches!(answer, Err(client::Error::Closed(_))), "{answer:?}");
        times.push(start.elapsed());
    }
    times
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_hostile_connections_cost_little_and_a_paired_phone_goes_on_working() {
    /// At a time: with both ends of each in two processes this is far below what a process may open.
    const AT_ONCE: usize = 1_000;
    const STRANGERS: u32 = 10_000;
    let desktop = Apart::start("");
    let owner = desktop.owner().await;
    let phone = pair(&desktop, &owner).await;
    let is_over = Arc::<AtomicBool>::default();
    let working = tokio::spawn(work(phone, Arc::clone(&is_over)));
    let mut attacks = JoinSet::new();
    for stranger in 0..STRANGERS {
        if attacks.len() >= AT_ONCE {
            soon("an attack's end", attacks.join_next()).await.unwrap().unwrap();
        }
        attacks.spawn(attack(desktop.address, stranger));
    }
    while let Some(ended) = soon("an attack's end", attacks.join_next()).await {
        ended.unwrap();
    }
    is_over.store(true, Ordering::Relaxed);
    let mut times = working.await.unwrap();
    times.sort();
    assert!(
        desktop.most_resident() < MOST_MEMORY_KIB,
        "{} KiB",
        desktop.most_resident()
    );
    let (median, nearly_all) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    println!(
        "{} calls, median {median:?}, 99 of 100 within {nearly_all:?}, at most {} KiB",
        times.len(),
        desktop.most_resident()
    );
    assert!(median < MEDIAN && nearly_all < NEARLY_ALL, "{median:?} {nearly_all:?}");
    owner.call("org.deskconn.devices.list", ()).await.unwrap();
}
