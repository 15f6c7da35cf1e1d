//! A WebSocket that the front door takes over, as pairing does: frames of its own, on the same port.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use client::{ConnectError, PairingChannel};
use pairing::exchange::{MAX_FRAME_BYTES, SUBPROTOCOL};
use router::{Channel, Frames, FrontDoor, Limits, Origins, Peer, Pending, Request, Response, accept_frames};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::support::{PATIENCE, soon, until};
use crate::vault::Vault;

/// A front door that gives away every WebSocket on `/pair`.
struct Door {
    origins: Arc<Origins>,
    taken: mpsc::UnboundedSender<(Channel, io::Result<Frames>)>,
}

impl FrontDoor for Door {
    fn respond(&self, request: Request, peer: Peer) -> Pending<'static, Response> {
        let taken = self.taken.clone();
        Box::pin(async move {
            match accept_frames(request, SUBPROTOCOL, MAX_FRAME_BYTES) {
                Ok((response, frames)) => {
                    tokio::spawn(async move { taken.send((peer.channel, frames.await)) });
                    response
                }
                Err(response) => *response,
            }
        })
    }

    fn origins(&self) -> Arc<Origins> {
        Arc::clone(&self.origins)
    }
}

type Taken = mpsc::UnboundedReceiver<(Channel, io::Result<Frames>)>;

fn start(limits: Limits) -> (Vault, Taken) {
    let (taken, received) = mpsc::unbounded_channel();
    let origins = Arc::default();
    (Vault::with(limits, Arc::new(Door { origins, taken })), received)
}

async fn open(vault: &Vault) -> Result<PairingChannel, ConnectError> {
    PairingChannel::open(&vault.address.to_string(), PATIENCE).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_go_both_ways_and_both_ends_know_what_they_are_bound_to() {
    let (vault, mut taken) = start(Limits::default());
    let mut device = open(&vault).await.unwrap();
    let (channel, frames) = soon("the desk", taken.recv()).await.unwrap();
    let mut desk = frames.unwrap();
    assert_eq!(device.spki(), vault.identity.pin);
    let Channel::Tls { exporter_pair, .. } = channel else {
        panic!("{channel:?}")
    };
    assert_eq!(device.exporter(), exporter_pair);
    for size in [0, 1, 125, 126, MAX_FRAME_BYTES] {
        let frame = vec![7; size];
        desk.send(&frame).await.unwrap();
        assert_eq!(soon("a frame", device.next()).await.unwrap().as_ref(), Some(&frame));
        device.send(&frame).await.unwrap();
        assert_eq!(soon("a frame", desk.next()).await.unwrap(), Some(Bytes::from(frame)));
    }
    tokio::join!(desk.close(), async {
        assert_eq!(soon("the end", device.next()).await.unwrap(), None);
        device.close().await;
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_that_is_too_long_is_neither_sent_nor_taken() {
    let (vault, mut taken) = start(Limits::default());
    let mut device = open(&vault).await.unwrap();
    let mut desk = soon("the desk", taken.recv()).await.unwrap().1.unwrap();
    let long = vec![0; MAX_FRAME_BYTES + 1];
    assert_eq!(desk.send(&long).await.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    assert_eq!(
        device.send(&long).await.unwrap_err().kind(),
        io::ErrorKind::InvalidInput
    );
    // What was refused broke nothing.
    device.send(b"short").await.unwrap();
    assert_eq!(soon("a frame", desk.next()).await.unwrap().unwrap(), "short");
}

fn upgrade(vault: &Vault) -> String {
    format!(
        "GET /pair HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: deskconn.pair.1\r\n\r\n",
        vault.address
    )
}

/// A raw client whose WebSocket is open.
async fn raw(vault: &Vault) -> TcpStream {
    let mut stream = TcpStream::connect(vault.address).await.unwrap();
    stream.write_all(upgrade(vault).as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(soon("the answer", stream.read_u8()).await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101"));
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ping_is_answered_and_what_is_no_binary_frame_of_that_length_ends_it() {
    let (vault, mut taken) = start(Limits::default());
    let header = |length: u64| [&[0x82, 0x80 | 127][..], &length.to_be_bytes(), &[0; 4]].concat();
    for bad in [
        header(MAX_FRAME_BYTES as u64 + 1),
        header(1 << 31),
        header((1 << 63) - 1),
        // Text, and a frame that is not masked.
        vec![0x81, 0x80, 0, 0, 0, 0],
        vec![0x82, 0],
    ] {
        let mut stream = raw(&vault).await;
        let mut desk = soon("the desk", taken.recv()).await.unwrap().1.unwrap();
        stream.write_all(&[0x89, 0x81, 0, 0, 0, 0, b'x']).await.unwrap();
        let mut pong = [0; 3];
        let read = soon("the answer", stream.read_exact(&mut pong));
        tokio::select! {
            frame = desk.next() => panic!("{frame:?}"),
            read = read => { read.unwrap(); }
        }
        assert_eq!(pong, [0x8a, 1, b'x']);
        stream.write_all(&bad).await.unwrap();
        let error = soon("the refusal", desk.next()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{bad:x?}");
        drop(stream);
        desk.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_asks_for_no_such_websocket_is_told_so() {
    let (vault, mut taken) = start(Limits::default());
    for (request, status) in [
        (upgrade(&vault).replace(SUBPROTOCOL, "wamp.2.json"), "400"),
        (upgrade(&vault).replace("Version: 13", "Version: 8"), "426"),
        (upgrade(&vault).replace("dGhlIHNhbXBsZSBub25jZQ==", "short"), "400"),
        (format!("GET /pair HTTP/1.1\r\nHost: {}\r\n\r\n", vault.address), "426"),
    ] {
        let mut stream = TcpStream::connect(vault.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = [0; 12];
        soon("the answer", stream.read_exact(&mut head)).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&head[9..]), status, "{request}");
    }
    assert!(taken.try_recv().is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn such_a_connection_keeps_a_place_among_those_that_have_not_joined() {
    let limits = Limits {
        joining_per_address: 2,
        ..Limits::default()
    };
    let (vault, mut taken) = start(limits);
    let mut held = Vec::new();
    for _ in 0..2 {
        let device = open(&vault).await.unwrap();
        held.push((device, soon("the desk", taken.recv()).await.unwrap()));
    }
    assert!(open(&vault).await.is_err());
    held.pop();
    let opened = async {
        while open(&vault).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    soon("a free place", opened).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_router_that_stops_ends_it_and_waits_for_it() {
    let (vault, mut taken) = start(Limits::default());
    let mut device = open(&vault).await.unwrap();
    let mut desk = soon("the desk", taken.recv()).await.unwrap().1.unwrap();
    let router = vault.router.clone();
    let stopping = tokio::spawn(async move { router.stop(Duration::from_secs(20)).await });
    assert_eq!(soon("the end", desk.next()).await.unwrap(), None);
    assert!(!stopping.is_finished());
    tokio::join!(desk.close(), async {
        assert_eq!(soon("the end", device.next()).await.unwrap(), None);
        drop(device);
    });
    until("the stop", || stopping.is_finished()).await;
}
