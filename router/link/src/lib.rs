//! WAMP messages in, WAMP messages out, over any transport, both ends of each.
#![doc = include_str!("../README.md")]
//!
//! | file | what it does |
//! |---|---|
//! | `stream` | what bytes run over: TCP, a Unix socket, TLS, or QUIC |
//! | [`tls`] | TLS 1.3 with a pinned key, both ends |
//! | [`quic`] | QUIC with the same certificate and pin, both ends |
//! | `wire` | frames to messages and back, for every transport that has frames |
//! | [`websocket`] | the frames and the handshake of WebSocket (RFC 6455) |
//! | [`noise`] | WAMP inside Noise inside WebSocket, for browsers |
//! | [`rawsocket`] | the frames and the handshake of WAMP's RawSocket |
//! | [`longpoll`] | messages that come and go in the bodies of HTTP requests; the router's end |
//! | `octets` | how much comes and goes |
//! | [`local`] | both ends in one process: nothing is encoded |
//!
//! A [`Link`] has no time-outs, no queue and no opinion on who the peer is; those are the router's and the client's.

mod certificates;
pub mod local;
pub mod longpoll;
pub mod noise;
mod octets;
pub mod quic;
pub mod rawsocket;
mod stream;
pub mod tls;
pub mod websocket;
mod wire;

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use futures_util::FutureExt as _;
use wamp::codec::Serializer;
use wamp::error::{Unconvertible, Violation};
use wamp::limits::Bounds;
use wamp::message::Message;
use wamp::outgoing::Outgoing;

pub use octets::Octets;
pub use stream::Stream;

/// A connection between two WAMP peers. Its halves may live in one task or in two.
#[derive(Debug)]
pub struct Link {
    /// What comes from the peer.
    pub reader: Reader,
    /// What goes to it.
    pub writer: Writer,
}

/// The reading half of a [`Link`].
#[derive(Debug)]
pub struct Reader(Incoming);

#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "in-process links are few, and a box would cost every other one"
)]
enum Incoming {
    Wire(wire::Reader),
    Polled(longpoll::Reader),
    Local(local::Reader),
}

/// The writing half of a [`Link`].
#[derive(Debug)]
pub struct Writer(Outward);

#[derive(Debug)]
enum Outward {
    Wire(wire::Writer),
    Polled(longpoll::Writer),
    Local(local::Writer),
}

/// No message can be read any more.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The peer sent what is no message: it should get an ABORT that says so.
    #[error(transparent)]
    Violation(#[from] Violation),
    /// The connection failed, or ended in the middle of something.
    #[error("the connection was lost: {0}")]
    Io(#[from] io::Error),
}

/// The signs of life of a peer, counted. Two of them say whether anything came in between.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Heard {
    reads: u64,
    pongs: u64,
}

impl Heard {
    /// Whether something came since then.
    #[must_use]
    pub const fn is_more_than(self, before: Self) -> bool {
        self.reads != before.reads
    }

    /// Whether more came since then than PONGs, which come when they were asked for.
    #[must_use]
    pub const fn is_more_than_pongs(self, before: Self) -> bool {
        self.reads - before.reads > self.pongs - before.pongs
    }
}

/// Why one message could not be sent, though the connection is well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BounceReason {
    /// Its arguments have no form in the peer's serializer.
    Unconvertible(Unconvertible),
    /// It is longer than the peer said it takes.
    TooLong,
}

impl Reader {
    /// The next message, or `None` when the peer has closed the connection in order. It may be dropped and called
    /// again: nothing is lost. After an error there is nothing more to read.
    ///
    /// The peer's PINGs are answered meanwhile, so a reader should not be left alone for long. Answers that have not gone
    /// out when there is nothing more to read go out with [`Writer::close`].
    ///
    /// # Errors
    /// The peer sent what is no message, or the connection failed.
    pub async fn next(&mut self) -> Result<Option<Message>, ReadError> {
        match &mut self.0 {
            Incoming::Wire(reader) => reader.next().await,
            Incoming::Polled(reader) => reader.next().await,
            Incoming::Local(reader) => Ok(reader.next().await),
        }
    }

    /// The same for a message that has come already, whole; nothing if none has.
    pub fn next_now(&mut self) -> Option<Result<Option<Message>, ReadError>> {
        match &mut self.0 {
            Incoming::Wire(reader) => reader.next_now(),
            Incoming::Polled(reader) => reader.next().now_or_never(),
            Incoming::Local(reader) => reader.next().now_or_never().map(Ok),
        }
    }

    /// What has come from the peer so far: bytes of any kind, PONGs too. Over an in-process link nothing is counted.
    #[must_use]
    pub fn heard(&self) -> Heard {
        match &self.0 {
            Incoming::Wire(reader) => reader.heard(),
            Incoming::Polled(reader) => reader.heard(),
            Incoming::Local(_) => Heard { reads: 0, pongs: 0 },
        }
    }

    /// Asks the peer for a sign of life, with a PING of its transport. It goes out when [`Reader::next`] is called next. In-process
    /// links and those of HTTP requests have no such thing; of the latter each request is a sign.
    pub fn ping(&mut self) {
        match &mut self.0 {
            Incoming::Wire(reader) => reader.ping(),
            Incoming::Polled(_) | Incoming::Local(_) => {}
        }
    }

    /// From now on messages are held to these bounds, such as when a peer has joined. A message that has begun is
    /// checked against them as well. Over an in-process link nothing is decoded and nothing is checked.
    pub fn set_bounds(&mut self, bounds: Bounds) {
        match &mut self.0 {
            Incoming::Wire(reader) => reader.set_bounds(bounds),
            Incoming::Polled(reader) => reader.set_bounds(bounds),
            Incoming::Local(_) => {}
        }
    }

    /// From now on what comes is counted there too. Over an in-process link nothing is counted, and over long-poll
    /// [`Writer::count_in`] counts both ways.
    pub fn count_in(&mut self, octets: Arc<Octets>) {
        match &mut self.0 {
            Incoming::Wire(reader) => reader.count_in(octets),
            Incoming::Polled(_) | Incoming::Local(_) => {}
        }
    }

    /// Throws away what the peer still sends, until it closes the connection. Closing a TCP connection that holds
    /// unread bytes destroys what was sent last (RFC 1122 §4.2.2.13): a peer that is told why it is refused would
    /// not get to know. The caller sets a time for it.
    pub async fn drain(&mut self) {
        match &mut self.0 {
            Incoming::Wire(reader) => reader.drain().await,
            Incoming::Polled(reader) => reader.drain(),
            Incoming::Local(reader) => while reader.next().await.is_some() {},
        }
    }
}

impl Writer {
    /// Sends all of `batch`, in order, and flushes. At a message that cannot be sent to this peer it stops: that goes to
    /// `bounced`, and what stands behind it is left in `batch`, because it may not make sense any more.
    ///
    /// It may be dropped before it is done. What is left in `batch` then was not sent; what was taken out goes out
    /// with the next call.
    ///
    /// # Errors
    /// The connection failed, or was closed.
    pub async fn send_all(
        &mut self,
        batch: &mut VecDeque<Outgoing>,
        bounced: &mut Vec<(Outgoing, BounceReason)>,
    ) -> io::Result<()> {
        if let Outward::Local(writer) = &mut self.0 {
            return writer.send_all(batch).await;
        }
        loop {
            self.put(batch, bounced)?;
            self.flush().await?;
            if batch.is_empty() || !bounced.is_empty() {
                return Ok(());
            }
        }
    }

    /// Encodes messages of `batch`, in order, as many as are worth sending at once; they go out with [`Writer::flush`]. What
    /// cannot be sent to this peer goes to `bounced`. Over an in-process link nothing is encoded, so nothing happens:
    /// there [`Writer::send_all`] is all there is.
    ///
    /// # Errors
    /// The connection was closed.
    pub fn put(
        &mut self,
        batch: &mut VecDeque<Outgoing>,
        bounced: &mut Vec<(Outgoing, BounceReason)>,
    ) -> io::Result<()> {
        match &mut self.0 {
            Outward::Wire(writer) => writer.encode(batch, bounced),
            Outward::Polled(writer) => writer.encode(batch, bounced),
            Outward::Local(_) => Ok(()),
        }
    }

    /// Sends what was encoded. It may be dropped before it is done and called again.
    ///
    /// # Errors
    /// The connection failed.
    pub async fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Outward::Wire(writer) => writer.flush().await,
            Outward::Polled(writer) => writer.flush().await,
            Outward::Local(_) => Ok(()),
        }
    }

    /// Sends one message and flushes.
    ///
    /// # Errors
    /// The connection failed, or was closed, or this peer cannot take this message.
    pub async fn send(&mut self, message: Message) -> io::Result<()> {
        let mut bounced = Vec::new();
        self.send_all(&mut VecDeque::from([message.into()]), &mut bounced)
            .await?;
        match bounced.pop() {
            None => Ok(()),
            Some((_, BounceReason::TooLong)) => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the message is longer than the peer takes",
            )),
            Some((_, BounceReason::Unconvertible(why))) => Err(io::Error::new(io::ErrorKind::InvalidInput, why)),
        }
    }

    /// Sends what is left, says that nothing more follows, and closes this direction.
    ///
    /// # Errors
    /// The connection failed; it is closed all the same.
    pub async fn close(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Outward::Wire(writer) => writer.close().await,
            Outward::Polled(writer) => writer.close().await,
            Outward::Local(writer) => {
                writer.close();
                Ok(())
            }
        }
    }

    /// From now on messages of more bytes bounce, such as when the peer has said what it takes. Never more than what its
    /// transport has said.
    pub fn set_longest(&mut self, bytes: usize) {
        match &mut self.0 {
            Outward::Wire(writer) => writer.set_longest(bytes),
            // Clients of long-polling fetch what there is, and inside a process nothing has a length.
            Outward::Polled(_) | Outward::Local(_) => {}
        }
    }

    /// From now on what goes is counted there too.
    pub fn count_in(&self, octets: Arc<Octets>) {
        match &self.0 {
            Outward::Wire(writer) => writer.count_in(octets),
            Outward::Polled(writer) => writer.count_in(octets),
            Outward::Local(_) => {}
        }
    }

    /// How messages are encoded; `None` where they are not.
    #[must_use]
    pub fn serializer(&self) -> Option<Serializer> {
        match &self.0 {
            Outward::Wire(writer) => Some(writer.serializer()),
            Outward::Polled(writer) => Some(writer.serializer()),
            Outward::Local(_) => None,
        }
    }
}

impl Link {
    fn wire(reader: wire::Reader, writer: wire::Writer) -> Self {
        Self {
            reader: Reader(Incoming::Wire(reader)),
            writer: Writer(Outward::Wire(writer)),
        }
    }
}
