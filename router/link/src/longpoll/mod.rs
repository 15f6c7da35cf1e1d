//! A link whose messages come and go in the bodies of HTTP requests (WAMP specification, "HTTP Longpoll Transport"): the
//! router's end. [`Mailbox`] is the side of the requests, the [`Link`] that of the session.
//!
//! A session writes as to a socket: what is encoded waits here until a request fetches it, at most as much as is worth one
//! write, and beyond that the writer waits. Requests themselves, ids and time-outs are the router's business.

mod halves;

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use tokio::sync::{Notify, mpsc};
use wamp::codec;
use wamp::error::Violation;
use wamp::limits::Bounds;
use wamp::message::Message;

pub(crate) use self::halves::{Reader, Writer};
use crate::websocket::Format;
use crate::wire::{Batching, Splitter};
use crate::{Incoming, Link, Octets, Outward};

/// Requests whose messages were read and that the session has not taken; further ones wait.
const POSTED: usize = 1;

/// The side of the requests.
#[derive(Debug, Clone)]
pub struct Mailbox(Arc<Shared>);

/// What a request that fetches gets.
#[derive(Debug, PartialEq, Eq)]
pub enum Fetched {
    /// One message, or in batched formats all that waited.
    Messages(Bytes),
    /// Nothing: a later request fetches in its place, or the client has closed it.
    Nothing,
    /// The session has ended, and nothing more comes.
    Over,
}

/// Why what was posted is not taken.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// It is no message, or none within the bounds; the session is told too, and ends.
    #[error(transparent)]
    Violation(#[from] Violation),
    /// The session has ended.
    #[error("the session has ended")]
    Over,
}

#[derive(Debug)]
struct Shared {
    format: Format,
    batching: Batching,
    state: Mutex<State>,
    posted: mpsc::Sender<Result<Vec<Message>, Violation>>,
    /// Requests that came, as signs of life.
    requests: AtomicU64,
    /// Says to requests that something is to be fetched, or that they wait in vain.
    filled: Notify,
    /// Says to the writer that something was fetched, or that nobody fetches any more.
    fetched: Notify,
    /// Says to the reader that the client has ended it.
    ended: Notify,
}

#[derive(Debug)]
struct State {
    bounds: Bounds,
    /// What waits: a message each, or a batch each.
    frames: VecDeque<Bytes>,
    bytes: usize,
    /// Which request fetches: the last one that asked.
    turn: u64,
    /// How the client ended it.
    end: Option<End>,
    /// The session writes nothing more.
    is_closed: bool,
    /// Where the bytes of bodies are counted.
    octets: Option<Arc<Octets>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Closed,
    Lost,
}

/// Both sides of a new link. Until the session says otherwise what is posted is held to `bounds`.
#[must_use]
pub fn open(format: Format, bounds: Bounds) -> (Link, Mailbox) {
    let (sender, posted) = mpsc::channel(POSTED);
    let state = State {
        bounds,
        frames: VecDeque::new(),
        bytes: 0,
        turn: 0,
        end: None,
        is_closed: false,
        octets: None,
    };
    let shared = Arc::new(Shared {
        format,
        batching: Batching::new(format.serializer),
        state: Mutex::new(state),
        posted: sender,
        requests: AtomicU64::new(0),
        filled: Notify::new(),
        fetched: Notify::new(),
        ended: Notify::new(),
    });
    let reader = Reader::new(Arc::clone(&shared), posted);
    let link = Link {
        reader: crate::Reader(Incoming::Polled(reader)),
        writer: crate::Writer(Outward::Polled(Writer::new(Arc::clone(&shared)))),
    };
    (link, Mailbox(shared))
}

impl Mailbox {
    /// The longest body that may be posted now.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.0.state().bounds.message_bytes
    }

    /// How messages look.
    #[must_use]
    pub fn format(&self) -> Format {
        self.0.format
    }

    /// Notes that a request came: a sign of life.
    pub fn touch(&self) {
        self.0.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Gives the session what a request has brought, when it has taken what came before. It may be dropped while it waits:
    /// then nothing was given.
    ///
    /// # Errors
    /// It is no message, or the session has ended.
    pub async fn post(&self, body: Bytes) -> Result<(), PostError> {
        let room = self.0.posted.reserve().await.map_err(|_| PostError::Over)?;
        if self.0.state().check_open().is_err() {
            return Err(PostError::Over);
        }
        match self.0.decode(body) {
            Ok(messages) => {
                room.send(Ok(messages));
                Ok(())
            }
            Err(violation) => {
                room.send(Err(violation.clone()));
                Err(violation.into())
            }
        }
    }

    /// Waits for what the session writes. Whoever fetches later takes the turn: the request before it may be one whose
    /// connection is lost. It may be dropped while it waits: then nothing was taken.
    pub async fn fetch(&self) -> Fetched {
        let turn = {
            let mut state = self.0.state();
            state.turn += 1;
            state.turn
        };
        self.0.filled.notify_waiters();
        loop {
            let mut filled = std::pin::pin!(self.0.filled.notified());
            filled.as_mut().enable();
            if let Some(fetched) = self.0.take(turn) {
                return fetched;
            }
            filled.await;
        }
    }

    /// The client wants no more.
    pub fn close(&self) {
        self.0.end(End::Closed);
    }

    /// The client is gone.
    pub fn lose(&self) {
        self.0.end(End::Lost);
    }

    /// Waits until the client has closed it.
    pub async fn closed(&self) {
        self.0.until(|state| state.end.map(drop)).await;
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What there is to be fetched by the request of this turn, if it need not wait.
    fn take(&self, turn: u64) -> Option<Fetched> {
        let mut state = self.state();
        if state.turn != turn {
            return Some(Fetched::Nothing);
        }
        let Some(first) = state.frames.pop_front() else {
            return match state.end {
                Some(_) => Some(Fetched::Nothing),
                None => state.is_closed.then_some(Fetched::Over),
            };
        };
        let mut frame = first;
        if self.format.is_batched && !state.frames.is_empty() {
            // Batches behind each other are a batch.
            let mut all = BytesMut::from(&frame[..]);
            for next in std::mem::take(&mut state.frames) {
                all.extend_from_slice(&next);
            }
            frame = all.freeze();
        }
        state.bytes -= frame.len();
        if let Some(octets) = &state.octets {
            octets.send(frame.len());
        }
        self.fetched.notify_waiters();
        Some(Fetched::Messages(frame))
    }

    /// Waits until what was fetched, or the client's end, makes it so.
    async fn until<T>(&self, is_so: impl Fn(&State) -> Option<T>) -> T {
        loop {
            let mut fetched = std::pin::pin!(self.fetched.notified());
            fetched.as_mut().enable();
            let found = is_so(&self.state());
            if let Some(found) = found {
                return found;
            }
            fetched.await;
        }
    }

    fn end(&self, end: End) {
        self.state().end.get_or_insert(end);
        self.ended.notify_one();
        self.filled.notify_waiters();
        self.fetched.notify_waiters();
    }

    fn decode(&self, body: Bytes) -> Result<Vec<Message>, Violation> {
        let bounds = {
            let state = self.state();
            if let Some(octets) = &state.octets {
                octets.receive(body.len());
            }
            state.bounds
        };
        if body.len() > bounds.message_bytes {
            return Err(Violation::too_long(body.len(), bounds.message_bytes));
        }
        let decode = |bytes: &Bytes| codec::decode(self.format.serializer, bytes, &bounds);
        if !self.format.is_batched {
            return Ok(vec![decode(&body)?]);
        }
        let mut splitter = Splitter::new(self.batching.clone());
        splitter.put(body)?;
        let mut messages = Vec::new();
        while let Some(message) = splitter.next()? {
            messages.push(decode(&message)?);
        }
        Ok(messages)
    }
}

impl State {
    fn check_open(&self) -> io::Result<()> {
        if self.end.is_some() || self.is_closed {
            return Err(closed());
        }
        Ok(())
    }
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the client has closed the transport")
}
