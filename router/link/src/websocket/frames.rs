//! Binary WebSocket messages that carry no WAMP: a protocol of their own, such as pairing or a handshake of encryption.

use std::future::poll_fn;
use std::io;

use bytes::Bytes;

use crate::wire::{self, Encoding, FrameReader, FrameWriter, Framing};
use crate::{ReadError, Stream};

/// A WebSocket whose messages are binary and not longer than was agreed when it was opened.
#[derive(Debug)]
pub struct Frames {
    reader: FrameReader,
    writer: FrameWriter,
    longest: usize,
}

/// The messages of a connection that the router has upgraded to WebSocket, at most `longest` bytes each. `already_read`
/// is what was read of the connection beyond the request.
#[must_use]
pub fn accepted_frames(stream: impl Into<Stream>, already_read: impl AsRef<[u8]>, longest: usize) -> Frames {
    Frames::new(stream.into(), already_read.as_ref(), Framing::WebSocketServer, longest)
}

impl Frames {
    pub(super) fn new(stream: Stream, already_read: &[u8], framing: Framing, longest: usize) -> Self {
        let (reader, writer) = wire::frames(stream, already_read, framing, Some(Encoding::Binary), longest);
        Self {
            reader,
            writer,
            longest,
        }
    }

    /// The next message, or `None` when the peer has closed the connection in order. Its length is checked before
    /// anything is read on its word. It may be dropped and called again: nothing is lost. PINGs are answered meanwhile.
    ///
    /// # Errors
    /// The peer sent too much, or what is no binary message, or the connection failed. Nothing more can be read.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ReadError> {
        poll_fn(|cx| self.reader.poll_next(cx)).await
    }

    /// Sends a message.
    ///
    /// # Errors
    /// It is longer than what was agreed, or the connection failed or was closed.
    pub async fn send(&mut self, message: &[u8]) -> io::Result<()> {
        if message.len() > self.longest {
            let why = format!("a message of {} bytes is longer than {}", message.len(), self.longest);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        self.writer.send(message).await
    }

    /// Says that nothing more follows, and throws away what the peer still sends until it closes as well: unread bytes
    /// would make the kernel destroy what was sent last (RFC 1122 §4.2.2.13). The caller sets a time for it.
    ///
    /// # Errors
    /// The connection failed; it is closed all the same.
    pub async fn close(&mut self) -> io::Result<()> {
        self.hang_up().await?;
        self.reader.drain().await;
        Ok(())
    }

    /// Says that nothing more follows, and waits for nobody.
    pub(crate) async fn hang_up(&mut self) -> io::Result<()> {
        self.writer.close().await
    }

    pub(crate) fn into_parts(self) -> (FrameReader, FrameWriter) {
        (self.reader, self.writer)
    }
}
