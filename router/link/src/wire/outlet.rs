//! The way out of a connection. The writer puts messages there; the reader puts there what the transport makes it
//! answer, so that a PING is answered even when there is nothing to write.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker, ready};

use bytes::BytesMut;
use futures_util::task::AtomicWaker;
use rand::TryRng as _;
use rand::rngs::SysRng;
use tokio::io::AsyncWrite as _;
use wamp::codec::Apart;

use super::pieces::Pieces;
use super::{Framing, Kind, MAX_HEADER, assembler};
use crate::Octets;
use crate::stream::WriteHalf;
use crate::websocket::status::NORMAL;

/// Mask keys that are drawn from the operating system at a time: one call of it for many frames.
const MASKS: usize = 32;

#[derive(Debug)]
pub(crate) struct Outlet {
    out: Mutex<Out>,
    /// Reader and writer may both wait for room in the socket, which remembers only one of them.
    waiting: Arc<Waiting>,
    waker: Waker,
}

#[derive(Debug)]
pub(super) struct Out {
    half: WriteHalf,
    /// Whole frames, of which the first may be partly sent.
    pub(super) pieces: Pieces,
    /// With which status a WebSocket is closed.
    pub(super) status: u16,
    /// After a Close frame nothing may follow (RFC 6455 §5.5.1).
    pub(super) is_closed: bool,
    /// Where what is sent is counted.
    pub(super) octets: Option<Arc<Octets>>,
}

/// Who waits.
#[derive(Debug, Clone, Copy)]
pub(super) enum Side {
    Reader,
    Writer,
}

#[derive(Debug, Default)]
struct Waiting {
    reader: AtomicWaker,
    writer: AtomicWaker,
}

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.reader.wake();
        self.writer.wake();
    }
}

impl Outlet {
    pub(super) fn new(half: WriteHalf) -> Self {
        let waiting = Arc::<Waiting>::default();
        Self {
            out: Mutex::new(Out {
                half,
                pieces: Pieces::default(),
                status: NORMAL,
                is_closed: false,
                octets: None,
            }),
            waker: Arc::clone(&waiting).into(),
            waiting,
        }
    }

    pub(super) fn out(&self) -> MutexGuard<'_, Out> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends all that is there.
    pub(super) fn poll_flush(&self, side: Side, cx: &Context<'_>) -> Poll<io::Result<()>> {
        self.register(side, cx);
        let mut out = self.out();
        let Out {
            half, pieces, octets, ..
        } = &mut *out;
        let mut cx = Context::from_waker(&self.waker);
        let before = pieces.len();
        let sent = pieces.poll_send(Pin::new(&mut *half), &mut cx);
        if let (Some(octets), 1..) = (octets, before) {
            octets.send(before - pieces.len());
        }
        ready!(sent)?;
        Pin::new(half).poll_flush(&mut cx)
    }

    /// Says to the peer that nothing follows.
    pub(super) fn poll_shutdown(&self, side: Side, cx: &Context<'_>) -> Poll<io::Result<()>> {
        self.register(side, cx);
        let mut cx = Context::from_waker(&self.waker);
        Pin::new(&mut self.out().half).poll_shutdown(&mut cx)
    }

    fn register(&self, side: Side, cx: &Context<'_>) {
        match side {
            Side::Reader => self.waiting.reader.register(cx.waker()),
            Side::Writer => self.waiting.writer.register(cx.waker()),
        }
    }
}

impl Out {
    /// Appends a frame whose body `encode` appends, but for what it gives back. If that fails, nothing is appended.
    pub(super) fn append<E>(
        &mut self,
        (framing, kind): (Framing, Kind),
        masks: Option<&mut Masks>,
        guess: usize,
        encode: impl FnOnce(&mut BytesMut) -> Result<Option<Apart>, E>,
    ) -> Result<(), E> {
        let buffer = &mut self.pieces.buffer;
        let start = buffer.len();
        let mask = masks.map(Masks::next);
        let mut header = [0; MAX_HEADER];
        // The header's size depends on the length that is not yet known. A good guess saves moving the body.
        let guessed = framing.write(kind, guess, mask, &mut header);
        buffer.extend_from_slice(&header[..guessed]);
        let apart = encode(buffer).inspect_err(|_| buffer.truncate(start))?;
        let body = start + guessed;
        let length = buffer.len() - body;
        if let Some(mask) = mask {
            assembler::apply_mask(mask, &mut buffer[body..]);
        }
        let whole = length + apart.as_ref().map_or(0, |apart| apart.bytes.len());
        let size = framing.write(kind, whole, mask, &mut header);
        if size > guessed {
            buffer.resize(body + length + size - guessed, 0);
        }
        if size != guessed {
            buffer.copy_within(body..body + length, start + size);
            buffer.truncate(start + size + length);
        }
        buffer[start..start + size].copy_from_slice(&header[..size]);
        if let Some(Apart { at, bytes }) = apart {
            self.pieces.insert(Apart {
                at: at + size - guessed,
                bytes,
            });
        }
        Ok(())
    }
}

/// Keys that a client hides its frames with, which nobody may foresee (RFC 6455 §5.3).
#[derive(Debug)]
pub(crate) struct Masks {
    keys: Box<[[u8; 4]; MASKS]>,
    used: usize,
}

impl Masks {
    pub(crate) fn new() -> Self {
        Self {
            keys: Box::new([[0; 4]; MASKS]),
            used: MASKS,
        }
    }

    fn next(&mut self) -> [u8; 4] {
        if self.used == MASKS {
            SysRng
                .try_fill_bytes(self.keys.as_flattened_mut())
                .expect("the operating system has random bytes");
            self.used = 0;
        }
        self.used += 1;
        self.keys[self.used - 1]
    }
}
