//! What a session reads and writes.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::BytesMut;
use tokio::sync::mpsc;
use wamp::codec::Serializer;
use wamp::error::Violation;
use wamp::limits::Bounds;
use wamp::message::Message;
use wamp::outgoing::Outgoing;

use super::{End, Shared, State, closed};
use crate::wire::encode;
use crate::{BounceReason, Heard, Octets, ReadError};

/// Bytes that are encoded before anybody fetches them. Messages beyond that stay in the queue of their session, which is
/// bounded, and not here.
const ENOUGH: usize = 64 << 10;

/// The session's reading half.
#[derive(Debug)]
pub(crate) struct Reader {
    shared: Arc<Shared>,
    posted: mpsc::Receiver<Result<Vec<Message>, Violation>>,
    rest: VecDeque<Message>,
    has_ended: bool,
}

/// The session's writing half.
#[derive(Debug)]
pub(crate) struct Writer(Arc<Shared>);

impl Reader {
    pub(super) const fn new(shared: Arc<Shared>, posted: mpsc::Receiver<Result<Vec<Message>, Violation>>) -> Self {
        Self {
            shared,
            posted,
            rest: VecDeque::new(),
            has_ended: false,
        }
    }

    pub(crate) async fn next(&mut self) -> Result<Option<Message>, ReadError> {
        loop {
            if let Some(message) = self.rest.pop_front() {
                return Ok(Some(message));
            }
            if self.has_ended {
                return Ok(None);
            }
            let posted = tokio::select! {
                biased;
                posted = self.posted.recv() => posted,
                () = self.shared.ended.notified() => None,
            };
            match posted {
                Some(Ok(messages)) => self.rest.extend(messages),
                Some(Err(violation)) => {
                    self.has_ended = true;
                    return Err(violation.into());
                }
                None => {
                    self.has_ended = true;
                    if self.shared.state().end == Some(End::Lost) {
                        let why = "no request has come for too long";
                        return Err(io::Error::new(io::ErrorKind::TimedOut, why).into());
                    }
                }
            }
        }
    }

    pub(crate) fn heard(&self) -> Heard {
        Heard {
            reads: self.shared.requests.load(Ordering::Relaxed),
            pongs: 0,
        }
    }

    pub(crate) fn set_bounds(&self, bounds: Bounds) {
        self.shared.state().bounds = bounds;
    }

    /// Nothing that is posted destroys what is still to be fetched.
    pub(crate) fn drain(&mut self) {
        self.rest.clear();
        self.has_ended = true;
    }
}

impl Writer {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    pub(crate) fn serializer(&self) -> Serializer {
        self.0.format.serializer
    }

    pub(crate) fn count_in(&self, octets: Arc<Octets>) {
        self.0.state().octets = Some(octets);
    }

    /// Moves messages from `batch` to where they wait to be fetched.
    pub(crate) fn encode(
        &self,
        batch: &mut VecDeque<Outgoing>,
        bounced: &mut Vec<(Outgoing, BounceReason)>,
    ) -> io::Result<()> {
        let mut state = self.0.state();
        if !batch.is_empty() {
            state.check_open()?;
        }
        while state.bytes < ENOUGH {
            let Some(outgoing) = batch.pop_front() else { break };
            let mut frame = BytesMut::new();
            let encode = |frame: &mut BytesMut| encode(self.serializer(), &outgoing, usize::MAX, frame);
            let encoded = if self.0.format.is_batched {
                self.0.batching.append(&mut frame, encode)
            } else {
                encode(&mut frame)
            };
            if let Err(reason) = encoded {
                bounced.push((outgoing, reason));
                break;
            }
            state.bytes += frame.len();
            state.frames.push_back(frame.freeze());
        }
        drop(state);
        self.0.filled.notify_waiters();
        Ok(())
    }

    /// Waits until all was fetched.
    pub(crate) async fn flush(&self) -> io::Result<()> {
        let all = |state: &State| match state.end {
            _ if state.frames.is_empty() => Some(Ok(())),
            Some(_) => Some(Err(closed())),
            None => None,
        };
        self.0.until(all).await
    }

    /// Says that nothing more follows, and waits until all was fetched.
    pub(crate) async fn close(&self) -> io::Result<()> {
        self.0.state().is_closed = true;
        self.0.filled.notify_waiters();
        self.flush().await
    }
}

/// Whoever waits for more waits in vain.
impl Drop for Writer {
    fn drop(&mut self) {
        self.0.state().is_closed = true;
        self.0.filled.notify_waiters();
    }
}
