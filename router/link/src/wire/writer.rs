//! Messages to frames.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use wamp::codec::{self, Apart, Serializer};
use wamp::outgoing::{Encoded, Outgoing};

use super::Batching;
use super::frames::FrameWriter;
use super::outlet::Out;
use crate::noise::Sealer;
use crate::{BounceReason, Octets};

/// Bytes that are encoded before the socket is given them. Messages beyond that stay where they wait, in the queue
/// that is bounded, and not in this buffer.
const ENOUGH: usize = 64 << 10;
/// What a small message needs, about: one piece of memory is made for all of a batch.
const SMALL: usize = 96;
/// What a message has beside its arguments, about: a guess saves moving bytes, and no more.
const HEADER_GUESS: usize = 48;

#[derive(Debug)]
pub(crate) struct Writer {
    frames: FrameWriter,
    /// What covers the frames, where they are encrypted.
    sealer: Option<Box<Sealer>>,
    /// How a frame has several messages, where it may.
    batching: Option<Box<Batching>>,
    serializer: Serializer,
    longest: usize,
}

impl Writer {
    pub(super) const fn new(
        frames: FrameWriter,
        sealer: Option<Box<Sealer>>,
        serializer: Serializer,
        longest: usize,
    ) -> Self {
        Self {
            frames,
            sealer,
            batching: None,
            serializer,
            longest,
        }
    }

    pub(super) fn batched(mut self, batching: Option<Batching>) -> Self {
        self.batching = batching.map(Box::new);
        self
    }

    pub(crate) const fn serializer(&self) -> Serializer {
        self.serializer
    }

    pub(crate) fn count_in(&self, octets: Arc<Octets>) {
        self.frames.outlet.out().octets = Some(octets);
    }

    pub(crate) fn set_longest(&mut self, bytes: usize) {
        self.longest = self.longest.min(bytes);
    }

    pub(crate) async fn flush(&self) -> io::Result<()> {
        self.frames.flush().await
    }

    /// Moves messages from `batch` into the way out, as frames.
    pub(crate) fn encode(
        &mut self,
        batch: &mut VecDeque<Outgoing>,
        bounced: &mut Vec<(Outgoing, BounceReason)>,
    ) -> io::Result<()> {
        let outlet = Arc::clone(&self.frames.outlet);
        let mut out = outlet.out();
        if !batch.is_empty() {
            out.check_open()?;
        }
        if self.batching.is_some() {
            self.append_batch(&mut out, batch, bounced);
            return Ok(());
        }
        let guess = (batch.len() * SMALL).min(ENOUGH);
        if self.sealer.is_none() && out.pieces.buffer.capacity() < guess {
            out.pieces.buffer.reserve(guess);
        }
        while out.pieces.len() < ENOUGH {
            let Some(outgoing) = batch.pop_front() else { break };
            if let Err(reason) = self.append(&mut out, &outgoing) {
                bounced.push((outgoing, reason));
                break;
            }
        }
        if let Some(sealer) = &mut self.sealer {
            sealer.rest();
        }
        Ok(())
    }

    /// Appends one frame with all that fits into it.
    fn append_batch(
        &mut self,
        out: &mut Out,
        batch: &mut VecDeque<Outgoing>,
        bounced: &mut Vec<(Outgoing, BounceReason)>,
    ) {
        let (Some(batching), serializer, longest) = (&self.batching, self.serializer, self.longest) else {
            return;
        };
        let fill = |buffer: &mut BytesMut| {
            let start = buffer.len();
            while buffer.len() < start + ENOUGH {
                let Some(outgoing) = batch.pop_front() else { break };
                let encode = |buffer: &mut BytesMut| encode(serializer, &outgoing, longest, buffer);
                if let Err(reason) = batching.append(buffer, encode) {
                    bounced.push((outgoing, reason));
                    break;
                }
            }
            if buffer.len() > start { Ok(None) } else { Err(Empty) }
        };
        // A frame of nothing is not sent.
        let _: Result<(), Empty> = self.frames.append(out, HEADER_GUESS, fill);
    }

    fn append(&mut self, out: &mut Out, outgoing: &Outgoing) -> Result<(), BounceReason> {
        let (serializer, longest) = (self.serializer, self.longest);
        let arguments = outgoing.message().payload().map_or(0, wamp::payload::Payload::len);
        let guess = HEADER_GUESS + arguments;
        match &mut self.sealer {
            None => {
                let least = self.frames.apart_from();
                let copied = if arguments < least { guess } else { HEADER_GUESS };
                out.pieces.buffer.reserve(super::MAX_HEADER + copied);
                self.frames.append(out, guess, |buffer| {
                    encode_apart(serializer, outgoing, (longest, least), buffer)
                })
            }
            Some(sealer) => {
                sealer.fill(guess, |buffer| encode(serializer, outgoing, longest, buffer))?;
                while let Some(piece) = sealer.next_piece() {
                    let length = piece.len();
                    let Ok(()) = self.frames.append(out, length, |buffer| {
                        piece.seal_into(buffer);
                        Ok::<_, Infallible>(None)
                    });
                }
                Ok(())
            }
        }
    }

    pub(crate) async fn close(&mut self) -> io::Result<()> {
        self.frames.close().await
    }
}

/// A frame has no message.
struct Empty;

/// Appends a message in this serializer.
pub(crate) fn encode(
    serializer: Serializer,
    outgoing: &Outgoing,
    longest: usize,
    buffer: &mut BytesMut,
) -> Result<(), BounceReason> {
    encode_apart(serializer, outgoing, (longest, usize::MAX), buffer).map(|_| ())
}

/// Appends a message in this serializer that is `longest` bytes long at most, without arguments, or an event for several,
/// of `least` bytes or more.
fn encode_apart(
    serializer: Serializer,
    outgoing: &Outgoing,
    (longest, least): (usize, usize),
    buffer: &mut BytesMut,
) -> Result<Option<Apart>, BounceReason> {
    let start = buffer.len();
    let apart = match outgoing {
        Outgoing::One(message) => {
            codec::encode_apart(serializer, message, least, buffer).map_err(BounceReason::Unconvertible)?
        }
        Outgoing::Shared(shared) => {
            let encoded = shared.encoded(serializer).map_err(BounceReason::Unconvertible)?;
            put(encoded, least, buffer)
        }
    };
    let length = buffer.len() - start + apart.as_ref().map_or(0, |apart| apart.bytes.len());
    if length > longest {
        Err(BounceReason::TooLong)
    } else {
        Ok(apart)
    }
}

/// Appends what was encoded before, but for a piece of `least` bytes or more.
fn put(Encoded { bytes, apart }: &Encoded, least: usize, buffer: &mut BytesMut) -> Option<Apart> {
    let start = buffer.len();
    match apart {
        None if bytes.len() < least => buffer.extend_from_slice(bytes),
        None => {
            return Some(Apart {
                at: start,
                bytes: bytes.clone(),
            });
        }
        Some(apart) if apart.bytes.len() < least => {
            let (head, tail) = bytes.split_at(apart.at);
            for piece in [head, &apart.bytes, tail] {
                buffer.extend_from_slice(piece);
            }
        }
        Some(apart) => {
            buffer.extend_from_slice(bytes);
            return Some(Apart {
                at: start + apart.at,
                bytes: apart.bytes.clone(),
            });
        }
    }
    None
}
