//! A man in the middle: a TCP proxy that sees all bytes that pass it, in units, and may do with them as it likes.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Who sent a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    Client,
    Router,
}

/// What is one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Units {
    /// TLS records (RFC 8446 §5.1).
    Records,
    /// An HTTP head, and then WebSocket frames (RFC 6455 §5.2).
    Frames,
    /// Whatever is read at once.
    Bytes,
}

impl Units {
    /// Bytes of the first unit, if all of it is there.
    fn first(self, bytes: &[u8], is_behind_head: bool) -> Option<usize> {
        let length = match self {
            Self::Bytes => bytes.len(),
            Self::Records => 5 + usize::from(u16::from_be_bytes(*bytes.get(3..)?.first_chunk()?)),
            Self::Frames if !is_behind_head => bytes.windows(4).position(|end| end == b"\r\n\r\n")? + 4,
            Self::Frames => {
                let (second, mask) = (bytes.get(1)? & 0x7f, usize::from(bytes.get(1)? >> 7) * 4);
                match second {
                    126 => 4 + mask + usize::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?)),
                    127 => 10 + mask + usize::try_from(u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?)).unwrap(),
                    short => 2 + mask + usize::from(short),
                }
            }
        };
        (0 < length && length <= bytes.len()).then_some(length)
    }
}

/// What becomes of a unit.
#[derive(Debug)]
pub(crate) enum Act {
    /// These bytes go on in its place.
    Send(Vec<u8>),
    /// These bytes go on, and then the connection is closed in both directions.
    Cut(Vec<u8>),
}

/// Decides about each unit, by who sent it and its number in that direction.
pub(crate) type Tamper = Box<dyn FnMut(From, usize, Vec<u8>) -> Act + Send>;

/// Lets everything pass.
pub(crate) fn honest() -> Tamper {
    Box::new(|_, _, unit| Act::Send(unit))
}

/// Each has an address of its own.
static PROXIES: AtomicU32 = AtomicU32::new(1);

/// A running proxy for one connection.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Seen {
    bytes: Vec<u8>,
    units: [usize; 2],
}

impl Proxy {
    pub(crate) async fn start(router: SocketAddr, units: Units, tamper: Tamper) -> Self {
        // The router's own port on another address of this machine: a Host with another port would be refused.
        let [.., high, low] = PROXIES.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let address = SocketAddr::from(([127, 1, high, low], router.port()));
        let listener = TcpListener::bind(address).await.unwrap();
        let seen = Arc::<Mutex<Seen>>::default();
        let middle = Middle {
            units,
            tamper: Arc::new(Mutex::new(tamper)),
            seen: Arc::clone(&seen),
        };
        let task = tokio::spawn(async move {
            let (client, _) = listener.accept().await.unwrap();
            let router = TcpStream::connect(router).await.unwrap();
            for stream in [&client, &router] {
                stream.set_nodelay(true).unwrap();
            }
            let ((from_client, to_client), (from_router, to_router)) = (client.into_split(), router.into_split());
            let there = middle.pump(From::Client, from_client, to_router);
            let back = middle.pump(From::Router, from_router, to_client);
            // When one direction is cut, the other goes with it.
            tokio::select! {
                () = there => {}
                () = back => {}
            }
        });
        Self { address, seen, task }
    }

    /// Whether these bytes passed in one piece.
    pub(crate) fn has_seen(&self, what: &[u8]) -> bool {
        let seen = self.seen.lock().unwrap();
        seen.bytes.windows(what.len()).any(|window| window == what)
    }

    /// How many units have passed in this direction.
    pub(crate) fn count(&self, from: From) -> usize {
        self.seen.lock().unwrap().units[from as usize]
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Middle {
    units: Units,
    tamper: Arc<Mutex<Tamper>>,
    seen: Arc<Mutex<Seen>>,
}

impl Middle {
    async fn pump(&self, from: From, mut read: OwnedReadHalf, mut write: OwnedWriteHalf) {
        let mut waiting = Vec::new();
        let mut number = 0;
        while let Ok(1..) = read.read_buf(&mut waiting).await {
            while let Some(length) = self.units.first(&waiting, number > 0) {
                let unit: Vec<u8> = waiting.drain(..length).collect();
                {
                    let mut seen = self.seen.lock().unwrap();
                    // A client hides its frames with keys that stand beside them: that keeps nobody from reading.
                    seen.bytes.extend(unmasked(self.units, number, &unit));
                    seen.units[from as usize] += 1;
                }
                let act = self.tamper.lock().unwrap()(from, number, unit);
                number += 1;
                let (bytes, is_cut) = match act {
                    Act::Send(bytes) => (bytes, false),
                    Act::Cut(bytes) => (bytes, true),
                };
                if write.write_all(&bytes).await.is_err() || is_cut {
                    return;
                }
            }
        }
        let _ = write.write_all(&waiting).await;
        let _ = write.shutdown().await;
        // The other direction may have more to say.
        std::future::pending::<()>().await;
    }
}

/// What somebody who listens makes of a unit.
fn unmasked(units: Units, number: usize, unit: &[u8]) -> Vec<u8> {
    if units != Units::Frames || number == 0 || unit[1] & 0x80 == 0 {
        return unit.to_vec();
    }
    let at = match unit[1] & 0x7f {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    let (mask, body) = (&unit[at..at + 4], &unit[at + 4..]);
    body.iter()
        .zip(mask.iter().cycle())
        .map(|(byte, mask)| byte ^ mask)
        .collect()
}
