//! Frames to messages.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use wamp::codec::{self, Serializer};
use wamp::error::Violation;
use wamp::limits::Bounds;
use wamp::message::Message;

use super::frames::FrameReader;
use super::{Batching, Splitter};
use crate::noise::Opener;
use crate::websocket::status::INVALID_DATA;
use crate::{Heard, Octets, ReadError};

#[derive(Debug)]
pub(crate) struct Reader {
    frames: FrameReader,
    /// What uncovers the frames, where they are encrypted.
    opener: Option<Box<Opener>>,
    /// What is left of the last frame, where one may have several messages.
    batch: Option<Box<Splitter>>,
    serializer: Serializer,
    bounds: Bounds,
    has_ended: bool,
}

impl Reader {
    pub(super) fn new(
        frames: FrameReader,
        opener: Option<Box<Opener>>,
        serializer: Serializer,
        bounds: Bounds,
    ) -> Self {
        let mut reader = Self {
            frames,
            opener,
            batch: None,
            serializer,
            bounds,
            has_ended: false,
        };
        reader.set_bounds(bounds);
        reader
    }

    pub(super) fn batched(mut self, batching: Option<Batching>) -> Self {
        self.batch = batching.map(|batching| Box::new(Splitter::new(batching)));
        self
    }

    pub(crate) fn set_bounds(&mut self, bounds: Bounds) {
        self.bounds = bounds;
        self.frames.set_longest(match &self.opener {
            None => bounds.message_bytes,
            Some(_) => Opener::longest_frame(bounds.message_bytes),
        });
    }

    pub(crate) async fn next(&mut self) -> Result<Option<Message>, ReadError> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The next message, if it has come.
    #[inline]
    pub(crate) fn next_now(&mut self) -> Option<Result<Option<Message>, ReadError>> {
        match self.poll_next(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(read) => Some(read),
            Poll::Pending => None,
        }
    }

    #[inline]
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, ReadError>> {
        let read = ready!(self.poll_message(cx));
        self.has_ended |= !matches!(read, Ok(Some(_)));
        Poll::Ready(read)
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, ReadError>> {
        if self.has_ended {
            return Poll::Ready(Ok(None));
        }
        loop {
            if let Some(message) = self.next_of_batch()? {
                return Poll::Ready(self.decode(&message).map(Some));
            }
            let Some(mut bytes) = ready!(self.frames.poll_next(cx))? else {
                return Poll::Ready(Ok(None));
            };
            if let Some(batch) = &mut self.batch {
                batch.put(bytes).inspect_err(|_| self.frames.set_status(INVALID_DATA))?;
                continue;
            }
            if let Some(opener) = &mut self.opener {
                match opener.open(&bytes, self.bounds.message_bytes)? {
                    Some(message) => bytes = message,
                    None => continue,
                }
            }
            return Poll::Ready(self.decode(&bytes).map(Some));
        }
    }

    fn next_of_batch(&mut self) -> Result<Option<Bytes>, Violation> {
        let Some(batch) = &mut self.batch else { return Ok(None) };
        batch.next().inspect_err(|_| self.frames.set_status(INVALID_DATA))
    }

    fn decode(&self, bytes: &Bytes) -> Result<Message, ReadError> {
        let decoded = codec::decode(self.serializer, bytes, &self.bounds);
        Ok(decoded.inspect_err(|_| self.frames.set_status(INVALID_DATA))?)
    }

    pub(crate) const fn heard(&self) -> Heard {
        self.frames.heard()
    }

    pub(crate) fn count_in(&mut self, octets: Arc<Octets>) {
        self.frames.count_in(octets);
    }

    pub(crate) fn ping(&mut self) {
        self.frames.ping();
    }

    pub(crate) async fn drain(&mut self) {
        self.has_ended = true;
        self.frames.drain().await;
    }
}
