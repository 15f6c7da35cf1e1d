//! Frames to messages and back, for every transport that has frames.
//!
//! What a frame looks like is the transport's business ([`Framing`]); buffers, limits, decoding, encoding and the
//! answering of PINGs are here, once.
//!
//! Memory, because most sessions are idle: nothing is held for a frame that has not begun, and the buffer for writing
//! is given back as soon as it is empty. Every message gets memory of its own that is just as long as itself, so an
//! argument that is kept never holds another message's bytes.

mod assembler;
mod batch;
mod frames;
mod outlet;
mod pieces;
mod reader;
mod writer;

use std::sync::Arc;

use wamp::codec::Serializer;
use wamp::error::Violation;
use wamp::limits::Bounds;

pub(crate) use batch::{Batching, Splitter};
pub(crate) use frames::{FrameReader, FrameWriter};
use outlet::Masks;
pub(crate) use reader::Reader;
pub(crate) use writer::{Writer, encode};

use crate::noise::{Opener, Sealer};
use crate::{Link, Stream};

/// The longest header of a frame: that of a client's WebSocket frame.
pub(crate) const MAX_HEADER: usize = 14;

/// What the frames of a connection look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// WebSocket, seen from the router.
    WebSocketServer,
    /// WebSocket, seen from the client.
    WebSocketClient,
    /// RawSocket; both ends are alike.
    RawSocket,
}

/// What a frame says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// Bytes of the header.
    pub(crate) size: usize,
    /// Bytes that follow it.
    pub(crate) length: u64,
    /// What they are hidden with.
    pub(crate) mask: Option<[u8; 4]>,
    pub(crate) kind: Kind,
}

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A message or, where messages come in pieces, a piece of one.
    Message {
        /// Of which kind the text or binary frame is, where there are two kinds.
        encoding: Option<Encoding>,
        /// No piece follows.
        is_last: bool,
    },
    Ping,
    Pong,
    Close,
}

/// The two kinds of WebSocket messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Text,
    Binary,
}

/// How the other end of a connection is to be spoken to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) framing: Framing,
    pub(crate) serializer: Serializer,
    /// What this end takes.
    pub(crate) bounds: Bounds,
    /// The longest message that the other end takes.
    pub(crate) longest: usize,
    /// Whether a frame may have several messages.
    pub(crate) is_batched: bool,
}

/// A broken rule, and what WebSocket calls it (RFC 6455 §7.4.1).
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) violation: Violation,
    pub(crate) status: u16,
}

impl Fault {
    pub(crate) fn new(status: u16, sentence: impl Into<String>) -> Self {
        Self {
            violation: Violation::new(sentence),
            status,
        }
    }
}

/// The frames of `stream`, from which `already_read` was taken too early. Messages must come as frames of the kind
/// `encoding`, where there are kinds, and are at most `longest` bytes long.
pub(crate) fn frames(
    stream: Stream,
    already_read: &[u8],
    framing: Framing,
    encoding: Option<Encoding>,
    longest: usize,
) -> (FrameReader, FrameWriter) {
    let (read, write) = stream.into_split();
    let outlet = Arc::new(outlet::Outlet::new(write));
    let what = (framing, encoding);
    (
        FrameReader::new(read, already_read, Arc::clone(&outlet), what, longest),
        FrameWriter::new(outlet, what),
    )
}

/// A link over `stream`, from which `already_read` was taken too early.
pub(crate) fn link(stream: Stream, already_read: &[u8], settings: Settings) -> Link {
    let Settings {
        framing,
        serializer,
        bounds,
        longest,
        is_batched,
    } = settings;
    let batching = is_batched.then(|| Batching::new(serializer));
    let encoding = framing.encoding(serializer);
    let (reader, writer) = frames(stream, already_read, framing, encoding, bounds.message_bytes);
    Link::wire(
        Reader::new(reader, None, serializer, bounds).batched(batching.clone()),
        Writer::new(writer, None, serializer, longest).batched(batching),
    )
}

/// A link over frames that are encrypted.
pub(crate) fn sealed_link(
    (reader, opener): (FrameReader, Opener),
    (writer, sealer): (FrameWriter, Sealer),
    serializer: Serializer,
    bounds: Bounds,
) -> Link {
    Link::wire(
        Reader::new(reader, Some(Box::new(opener)), serializer, bounds),
        Writer::new(writer, Some(Box::new(sealer)), serializer, usize::MAX),
    )
}

impl Framing {
    /// The header at the beginning of `bytes`, if all of it is there.
    pub(crate) fn parse(self, bytes: &[u8]) -> Result<Option<Header>, Fault> {
        match self {
            Self::WebSocketServer => crate::websocket::frame::parse(bytes, true),
            Self::WebSocketClient => crate::websocket::frame::parse(bytes, false),
            Self::RawSocket => crate::rawsocket::frame::parse(bytes),
        }
    }

    /// Writes the header of a frame into `header`, and says how many bytes it has.
    pub(crate) fn write(
        self,
        kind: Kind,
        length: usize,
        mask: Option<[u8; 4]>,
        header: &mut [u8; MAX_HEADER],
    ) -> usize {
        match self {
            Self::WebSocketServer | Self::WebSocketClient => crate::websocket::frame::write(kind, length, mask, header),
            Self::RawSocket => crate::rawsocket::frame::write(kind, length, header),
        }
    }

    /// The kind of frames that carry messages in this serializer, where there are kinds.
    const fn encoding(self, serializer: Serializer) -> Option<Encoding> {
        match (self, serializer) {
            (Self::RawSocket, _) => None,
            (_, Serializer::Json) => Some(Encoding::Text),
            (_, Serializer::MessagePack | Serializer::Cbor) => Some(Encoding::Binary),
        }
    }

    /// Keys to hide frames with, where that must be.
    fn masks(self) -> Option<Masks> {
        (self == Self::WebSocketClient).then(Masks::new)
    }

    /// Whether the end of a connection is announced by a frame of its own.
    pub(crate) const fn has_close(self) -> bool {
        matches!(self, Self::WebSocketServer | Self::WebSocketClient)
    }
}
