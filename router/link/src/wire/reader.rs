//! Frames to messages.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use wamp::codec::{self, Serializer};
use wamp::limits::Bounds;
use wamp::message::Message;

use super::frames::FrameReader;
use crate::ReadError;
use crate::noise::Opener;

/// WebSocket's status for a message that is not of the agreed form (RFC 6455 §7.4.1).
const INVALID_DATA: u16 = 1007;

#[derive(Debug)]
pub(crate) struct Reader {
    frames: FrameReader,
    /// What uncovers the frames, where they are encrypted.
    opener: Option<Box<Opener>>,
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
            serializer,
            bounds,
            has_ended: false,
        };
        reader.set_bounds(bounds);
        reader
    }

    pub(crate) fn set_bounds(&mut self, bounds: Bounds) {
        self.bounds = bounds;
        self.frames.set_longest(match &self.opener {
            None => bounds.message_bytes,
            Some(_) => Opener::longest_frame(bounds.message_bytes),
        });
    }

    pub(crate) async fn next(&mut self) -> Result<Option<Message>, ReadError> {
        let read = poll_fn(|cx| self.poll_message(cx)).await;
        self.has_ended |= !matches!(read, Ok(Some(_)));
        read
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, ReadError>> {
        if self.has_ended {
            return Poll::Ready(Ok(None));
        }
        loop {
            let Some(mut bytes) = ready!(self.frames.poll_next(cx))? else {
                return Poll::Ready(Ok(None));
            };
            if let Some(opener) = &mut self.opener {
                match opener.open(&bytes, self.bounds.message_bytes)? {
                    Some(message) => bytes = message,
                    None => continue,
                }
            }
            let decoded = codec::decode(self.serializer, &bytes, &self.bounds);
            return Poll::Ready(decoded.map(Some).map_err(|violation| {
                self.frames.set_status(INVALID_DATA);
                violation.into()
            }));
        }
    }

    pub(crate) async fn drain(&mut self) {
        self.has_ended = true;
        self.frames.drain().await;
    }
}
