//! Bytes to frames. It reads from nothing: bytes are put in, frames are taken out.

use bytes::{Bytes, BytesMut};
use wamp::error::Violation;

use super::{Encoding, Fault, Framing, Header, Kind};
use crate::websocket::status::{PROTOCOL_ERROR, TOO_BIG, UNSUPPORTED_DATA};

/// Bytes that are read at a time; a frame that is longer than that is read into its own memory.
pub(super) const CHUNK: usize = 16 << 10;
/// What an idle connection keeps of its chunk: enough for a small message, so that calls one by one need no new one.
const IDLE: usize = 1 << 10;
/// Bytes of a control frame of WebSocket, at most (RFC 6455 §5.5).
const MAX_CONTROL: usize = 125;

/// A whole message of the transport.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame {
    Message(Bytes),
    Ping(Bytes),
    Pong,
    Close(Bytes),
}

#[derive(Debug)]
pub(super) struct Assembler {
    framing: Framing,
    /// The kind of frame in which messages must come.
    encoding: Option<Encoding>,
    /// The longest message.
    longest: usize,
    /// Bytes that were read; those from `at` on belong to no frame yet.
    chunk: Vec<u8>,
    at: usize,
    /// The frame whose header was read.
    frame: Option<Header>,
    /// What is still missing of it.
    left: usize,
    /// The message, from its first piece on.
    message: BytesMut,
    /// Where the piece begins that is being read.
    piece: usize,
    /// Whether there was a piece of a message, and the last is still to come.
    is_in_pieces: bool,
    /// A control frame, which may come between two pieces.
    control: BytesMut,
}

impl Assembler {
    pub(super) fn new(framing: Framing, encoding: Option<Encoding>, longest: usize, already_read: &[u8]) -> Self {
        Self {
            framing,
            encoding,
            longest,
            chunk: already_read.to_vec(),
            at: 0,
            frame: None,
            left: 0,
            message: BytesMut::new(),
            piece: 0,
            is_in_pieces: false,
            control: BytesMut::new(),
        }
    }

    pub(super) const fn set_longest(&mut self, longest: usize) {
        self.longest = longest;
    }

    /// Puts bytes in. What could be taken out should be taken out before.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.chunk.drain(..self.at);
        self.at = 0;
        self.chunk.extend_from_slice(bytes);
    }

    /// Where the next bytes can be put in directly, and how many: only when a long frame is being read.
    pub(super) fn direct(&mut self) -> Option<(&mut BytesMut, usize)> {
        if self.left <= CHUNK {
            return None;
        }
        let left = self.left;
        let body = self.body();
        let room = left.min(body.capacity() - body.len());
        Some((body, room))
    }

    /// Says that bytes were put in directly.
    pub(super) const fn fed_directly(&mut self, count: usize) {
        self.left -= count;
    }

    /// Whether the peer may close now without breaking anything off.
    pub(super) fn is_between_messages(&self) -> bool {
        self.frame.is_none() && self.at == self.chunk.len() && !self.is_in_pieces
    }

    /// Gives back memory that an idle connection does not need.
    pub(super) fn rest(&mut self) {
        if self.at == self.chunk.len() && self.chunk.capacity() > IDLE {
            self.chunk = Vec::new();
            self.at = 0;
        }
    }

    /// Takes the next frame out, if all of it is there.
    pub(super) fn take(&mut self) -> Result<Option<Frame>, Fault> {
        loop {
            let header = match self.frame {
                Some(header) => header,
                None => match self.framing.parse(&self.chunk[self.at..])? {
                    Some(header) => self.begin(header)?,
                    None => return Ok(None),
                },
            };
            self.fill();
            if self.left > 0 {
                return Ok(None);
            }
            self.frame = None;
            if let Some(frame) = self.end(header) {
                return Ok(Some(frame));
            }
        }
    }

    /// Checks a header before anything is read on its word.
    fn begin(&mut self, header: Header) -> Result<Header, Fault> {
        let before = match header.kind {
            Kind::Message { encoding, .. } => {
                self.check_order(encoding)?;
                self.message.len()
            }
            Kind::Ping | Kind::Pong | Kind::Close => {
                if self.framing.has_close() && header.length > MAX_CONTROL as u64 {
                    return Err(Fault::new(
                        PROTOCOL_ERROR,
                        "a control frame of WebSocket has more than 125 bytes",
                    ));
                }
                0
            }
        };
        let length = usize::try_from(header.length)
            .ok()
            .and_then(|length| before.checked_add(length));
        if length.is_none_or(|length| length > self.longest) {
            return Err(Fault {
                violation: Violation::too_long(length.unwrap_or(usize::MAX), self.longest),
                status: TOO_BIG,
            });
        }
        self.at += header.size;
        self.left = length.unwrap_or(0) - before;
        self.piece = before;
        self.frame = Some(header);
        Ok(header)
    }

    /// Whether a piece of a message comes where it may, and is of the kind that was agreed on.
    fn check_order(&self, encoding: Option<Encoding>) -> Result<(), Fault> {
        if !self.framing.has_close() {
            return Ok(());
        }
        let Some(encoding) = encoding else {
            let why = "a WebSocket message is continued that has not begun";
            return if self.is_in_pieces {
                Ok(())
            } else {
                Err(Fault::new(PROTOCOL_ERROR, why))
            };
        };
        if self.is_in_pieces {
            return Err(Fault::new(
                PROTOCOL_ERROR,
                "a WebSocket message begins before the last one has ended",
            ));
        }
        match (self.encoding == Some(encoding), encoding) {
            (true, _) => Ok(()),
            (false, Encoding::Text) => {
                let why = "a text message came, where the agreed subprotocol has binary messages";
                Err(Fault::new(UNSUPPORTED_DATA, why))
            }
            (false, Encoding::Binary) => {
                let why = "a binary message came, where the agreed subprotocol has text messages";
                Err(Fault::new(UNSUPPORTED_DATA, why))
            }
        }
    }

    /// Moves bytes of the chunk into the frame they belong to.
    fn fill(&mut self) {
        let chunk = std::mem::take(&mut self.chunk);
        let unread = &chunk[self.at..];
        let count = self.left.min(unread.len());
        self.body().extend_from_slice(&unread[..count]);
        self.left -= count;
        self.at += count;
        self.chunk = chunk;
    }

    /// Where the frame is put, with room for what comes next of it. Memory grows with what has really come: a peer
    /// that announces much and sends little gets little.
    fn body(&mut self) -> &mut BytesMut {
        let (body, is_whole) = match self.frame {
            Some(Header {
                kind: Kind::Message { is_last, .. },
                ..
            }) => (&mut self.message, is_last && self.piece == 0),
            Some(_) | None => (&mut self.control, true),
        };
        if body.capacity() - body.len() < self.left.min(CHUNK) {
            let all = body.len() + self.left;
            let capacity = if is_whole {
                // Four times as much each time, and exactly as much as needed at last.
                all.min((body.len() * 4).max(CHUNK))
            } else {
                // Who knows how many pieces will come: one by one would mean copying all of it for each.
                all.max(body.len() * 2)
            };
            let mut longer = BytesMut::with_capacity(capacity);
            longer.extend_from_slice(body);
            *body = longer;
        }
        body
    }

    /// The frame whose last byte has come; nothing if it was a piece with more to follow.
    fn end(&mut self, header: Header) -> Option<Frame> {
        match header.kind {
            Kind::Message { is_last, .. } => {
                unmask(header.mask, &mut self.message[self.piece..]);
                self.is_in_pieces = !is_last;
                is_last.then(|| Frame::Message(exact(std::mem::take(&mut self.message))))
            }
            Kind::Ping => Some(Frame::Ping(self.end_control(header.mask))),
            Kind::Pong => {
                self.control = BytesMut::new();
                Some(Frame::Pong)
            }
            Kind::Close => Some(Frame::Close(self.end_control(header.mask))),
        }
    }

    fn end_control(&mut self, mask: Option<[u8; 4]>) -> Bytes {
        unmask(mask, &mut self.control);
        std::mem::take(&mut self.control).freeze()
    }
}

/// A message put together from pieces may have more memory than it needs.
fn exact(message: BytesMut) -> Bytes {
    if message.capacity() == message.len() {
        message.freeze()
    } else {
        Bytes::copy_from_slice(&message)
    }
}

fn unmask(mask: Option<[u8; 4]>, bytes: &mut [u8]) {
    if let Some(mask) = mask {
        apply_mask(mask, bytes);
    }
}

/// Hides or uncovers bytes (RFC 6455 §5.3).
pub(super) fn apply_mask(mask: [u8; 4], bytes: &mut [u8]) {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let mut chunks = bytes.chunks_exact_mut(8);
    for chunk in &mut chunks {
        let mut eight = [0; 8];
        eight.copy_from_slice(chunk);
        chunk.copy_from_slice(&(u64::from_ne_bytes(eight) ^ wide).to_ne_bytes());
    }
    for (byte, mask) in chunks.into_remainder().iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    fn raw() -> Assembler {
        Assembler::new(Framing::RawSocket, None, MIB, &[])
    }

    #[test]
    fn a_peer_that_announces_much_and_sends_little_gets_little_memory() {
        let mut assembler = raw();
        assembler.feed(&[0, 0x10, 0, 0, b'[']);
        assert!(assembler.take().unwrap().is_none());
        assert!(assembler.message.capacity() <= CHUNK);
    }

    #[test]
    fn a_long_message_is_read_into_memory_that_grows_with_it_and_ends_just_as_long() {
        let mut assembler = raw();
        assembler.feed(&[0, 0x0f, 0xff, 0xff]);
        assert!(assembler.take().unwrap().is_none());
        let mut read = 0;
        while let Some((body, room)) = assembler.direct() {
            assert!(room > 0 && body.capacity() <= CHUNK.max(read * 4));
            let count = room.min(1000);
            body.extend_from_slice(&vec![7; count]);
            assembler.fed_directly(count);
            read += count;
        }
        assembler.feed(&vec![7; MIB - 1 - read]);
        let Some(Frame::Message(message)) = assembler.take().unwrap() else {
            panic!()
        };
        assert!(message.len() == MIB - 1 && message.iter().all(|byte| *byte == 7));
        let message = message.try_into_mut().expect("nobody else holds it");
        assert_eq!(message.capacity(), MIB - 1);
        assert!(assembler.is_between_messages());
    }

    #[test]
    fn an_idle_connection_keeps_no_buffer_worth_speaking_of() {
        let mut assembler = raw();
        let messages = [&[0, 0, 0, 4, b't', b'e', b'x', b't'][..]; 1000].concat();
        assembler.feed(&messages);
        for _ in 0..1000 {
            assert!(matches!(assembler.take(), Ok(Some(Frame::Message(message))) if message == "text"));
        }
        assert!(assembler.take().unwrap().is_none());
        assembler.rest();
        assert!(assembler.chunk.capacity() <= IDLE);
        assert_eq!((assembler.message.capacity(), assembler.control.capacity()), (0, 0));
    }

    #[test]
    fn a_mask_undoes_itself_at_every_length() {
        for length in 0..40 {
            let bytes: Vec<u8> = (0..length).collect();
            let mut masked = bytes.clone();
            apply_mask([1, 2, 4, 8], &mut masked);
            let expected: Vec<u8> = bytes
                .iter()
                .zip([1, 2, 4, 8].iter().cycle())
                .map(|(a, b)| a ^ b)
                .collect();
            assert_eq!(masked, expected);
            apply_mask([1, 2, 4, 8], &mut masked);
            assert_eq!(masked, bytes);
        }
    }
}
