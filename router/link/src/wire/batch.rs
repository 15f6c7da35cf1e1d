//! Several messages in one frame (WAMP specification, "WebSocket Transport", batched subprotocols): in JSON each is followed
//! by a separator, in the others its length stands before it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use bytes::{Buf as _, Bytes, BytesMut};
use wamp::codec::Serializer;
use wamp::error::Violation;

/// The separator of the specification, ASCII 30.
const RECORD_SEPARATOR: u8 = 0x1e;
/// What autobahn-python has in its place: it wrote the number in octal. Neither can be part of a message in JSON.
const CANCEL: u8 = 0x18;
/// Bytes of a length.
const LENGTH: usize = 4;

/// How messages stand in a frame, for both halves of a link.
#[derive(Debug, Clone)]
pub(crate) struct Batching {
    serializer: Serializer,
    /// The separator that the peer understands: the one that it sent last.
    separator: Arc<AtomicU8>,
}

impl Batching {
    pub(crate) fn new(serializer: Serializer) -> Self {
        Self {
            serializer,
            separator: Arc::new(AtomicU8::new(RECORD_SEPARATOR)),
        }
    }

    /// Appends a message that `encode` appends. If that fails, nothing is appended.
    pub(crate) fn append<E>(
        &self,
        buffer: &mut BytesMut,
        encode: impl FnOnce(&mut BytesMut) -> Result<(), E>,
    ) -> Result<(), E> {
        let start = buffer.len();
        if self.serializer != Serializer::Json {
            buffer.extend_from_slice(&[0; LENGTH]);
        }
        if let Err(error) = encode(buffer) {
            buffer.truncate(start);
            return Err(error);
        }
        if self.serializer == Serializer::Json {
            buffer.extend_from_slice(&[self.separator.load(Ordering::Relaxed)]);
        } else {
            let length = u32::try_from(buffer.len() - start - LENGTH).expect("a message is shorter than 4 GiB");
            buffer[start..start + LENGTH].copy_from_slice(&length.to_be_bytes());
        }
        Ok(())
    }
}

/// Takes a frame apart.
#[derive(Debug)]
pub(crate) struct Splitter {
    batching: Batching,
    rest: Bytes,
}

impl Splitter {
    pub(crate) const fn new(batching: Batching) -> Self {
        Self {
            batching,
            rest: Bytes::new(),
        }
    }

    /// Takes a frame. What was in the last one should have been taken out.
    pub(crate) fn put(&mut self, frame: Bytes) -> Result<(), Violation> {
        if frame.is_empty() {
            return Err(Violation::new("a batch has no message"));
        }
        self.rest = frame;
        Ok(())
    }

    /// The next message of the frame.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, Violation> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let whole = self.rest.len();
        let message = match self.batching.serializer {
            Serializer::Json => self.separated()?,
            Serializer::MessagePack | Serializer::Cbor => self.counted()?,
        };
        // A message that is kept must not hold the others of its frame.
        Ok(Some(if message.len() > whole / 2 {
            message
        } else {
            Bytes::copy_from_slice(&message)
        }))
    }

    fn separated(&mut self) -> Result<Bytes, Violation> {
        let is_separator = |byte: &u8| matches!(*byte, RECORD_SEPARATOR | CANCEL);
        let Some(end) = self.rest.iter().position(is_separator) else {
            return Err(Violation::new("a batch does not end with the separator, ASCII 30"));
        };
        self.batching.separator.store(self.rest[end], Ordering::Relaxed);
        let message = self.rest.split_to(end);
        self.rest.advance(1);
        Ok(message)
    }

    fn counted(&mut self) -> Result<Bytes, Violation> {
        let length = self.rest.first_chunk().map(|length| u32::from_be_bytes(*length));
        let length = length.and_then(|length| usize::try_from(length).ok());
        match length {
            Some(length) if length <= self.rest.len() - LENGTH => {
                self.rest.advance(LENGTH);
                Ok(self.rest.split_to(length))
            }
            Some(_) | None => Err(Violation::new("a batch breaks off in the middle of a message")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn frame(batching: &Batching, messages: &[&[u8]]) -> Bytes {
        let mut buffer = BytesMut::new();
        for message in messages {
            let Ok(()) = batching.append(&mut buffer, |out| {
                out.extend_from_slice(message);
                Ok::<_, Infallible>(())
            });
        }
        buffer.freeze()
    }

    fn split(serializer: Serializer, frame: &[u8]) -> Result<Vec<Bytes>, Violation> {
        let mut splitter = Splitter::new(Batching::new(serializer));
        splitter.put(Bytes::copy_from_slice(frame))?;
        std::iter::from_fn(|| splitter.next().transpose()).collect()
    }

    #[test]
    fn what_is_put_together_comes_apart_again() {
        let messages: [&[u8]; 3] = [b"[1]", b"", b"[2,\"a longer one\"]"];
        for serializer in Serializer::ALL {
            let frame = frame(&Batching::new(serializer), &messages);
            assert_eq!(split(serializer, &frame).unwrap(), messages);
        }
    }

    #[test]
    fn the_separator_is_the_one_that_the_peer_sent_last() {
        let batching = Batching::new(Serializer::Json);
        assert_eq!(&frame(&batching, &[b"[1]"])[..], b"[1]\x1e");
        let mut splitter = Splitter::new(batching.clone());
        splitter.put(Bytes::from_static(b"[1]\x18[2]\x18")).unwrap();
        assert_eq!(splitter.next().unwrap().unwrap(), "[1]");
        assert_eq!(splitter.next().unwrap().unwrap(), "[2]");
        assert_eq!(splitter.next().unwrap(), None);
        assert_eq!(&frame(&batching, &[b"[1]"])[..], b"[1]\x18");
    }

    #[test]
    fn a_batch_that_breaks_off_is_refused() {
        assert!(split(Serializer::Json, b"").is_err());
        assert!(split(Serializer::Json, b"[1]\x1e[2]").is_err());
        for bad in [&b"\0\0\0"[..], b"\0\0\0\x02a", b"\xff\xff\xff\xffa", b"\0\0\0\x01a\0"] {
            assert!(split(Serializer::Cbor, bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_message_that_fails_leaves_nothing_behind() {
        for serializer in Serializer::ALL {
            let mut buffer = BytesMut::from(&b"before"[..]);
            let failed = Batching::new(serializer).append(&mut buffer, |out| {
                out.extend_from_slice(b"half");
                Err::<(), _>(())
            });
            assert!(failed.is_err());
            assert_eq!(&buffer[..], b"before");
        }
    }
}
