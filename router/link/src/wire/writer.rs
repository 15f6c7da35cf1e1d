//! Messages to frames.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;

use wamp::codec::{self, Serializer};
use wamp::outgoing::Outgoing;

use super::outlet::{Masks, Out, Outlet, Side};
use super::{Framing, Settings};
use crate::BounceReason;

/// Bytes that are encoded before the socket is given them. Messages beyond that stay where they wait, in the queue
/// that is bounded, and not in this buffer.
const ENOUGH: usize = 64 << 10;
/// What a message has beside its arguments, about: a guess saves moving bytes, and no more.
const HEADER_GUESS: usize = 48;

#[derive(Debug)]
pub(crate) struct Writer {
    outlet: Arc<Outlet>,
    framing: Framing,
    serializer: Serializer,
    longest: usize,
    masks: Option<Masks>,
}

impl Writer {
    pub(super) fn new(outlet: Arc<Outlet>, settings: &Settings) -> Self {
        Self {
            outlet,
            framing: settings.framing,
            serializer: settings.serializer,
            longest: settings.longest,
            masks: settings.framing.masks(),
        }
    }

    pub(crate) const fn serializer(&self) -> Serializer {
        self.serializer
    }

    pub(crate) async fn send_all(
        &mut self,
        batch: &mut VecDeque<Outgoing>,
        bounced: &mut Vec<(Outgoing, BounceReason)>,
    ) -> io::Result<()> {
        loop {
            self.encode(batch, bounced)?;
            poll_fn(|cx| self.outlet.poll_flush(Side::Writer, cx)).await?;
            if batch.is_empty() {
                return Ok(());
            }
        }
    }

    /// Moves messages from `batch` into the way out, as frames.
    fn encode(
        &mut self,
        batch: &mut VecDeque<Outgoing>,
        bounced: &mut Vec<(Outgoing, BounceReason)>,
    ) -> io::Result<()> {
        let outlet = Arc::clone(&self.outlet);
        let mut out = outlet.out();
        if out.is_closed && !batch.is_empty() {
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, "the connection is closed"));
        }
        while out.buffer.len() < ENOUGH {
            let Some(outgoing) = batch.pop_front() else { break };
            if let Err(reason) = self.append(&mut out, &outgoing) {
                bounced.push((outgoing, reason));
            }
        }
        Ok(())
    }

    fn append(&mut self, out: &mut Out, outgoing: &Outgoing) -> Result<(), BounceReason> {
        let (serializer, longest) = (self.serializer, self.longest);
        let guess = HEADER_GUESS + outgoing.message().payload().map_or(0, wamp::payload::Payload::len);
        out.buffer.reserve(super::MAX_HEADER + guess);
        let what = (self.framing, self.framing.message(serializer));
        out.append(what, self.masks.as_mut(), guess, |buffer| {
            let start = buffer.len();
            match outgoing {
                Outgoing::One(message) => {
                    codec::encode(serializer, message, buffer).map_err(BounceReason::Unconvertible)?;
                }
                Outgoing::Shared(shared) => {
                    let encoded = shared.encoded(serializer).map_err(BounceReason::Unconvertible)?;
                    buffer.extend_from_slice(&encoded);
                }
            }
            if buffer.len() - start > longest {
                Err(BounceReason::TooLong)
            } else {
                Ok(())
            }
        })
    }

    pub(crate) async fn close(&mut self) -> io::Result<()> {
        {
            let mut out = self.outlet.out();
            let status = out.status;
            out.close(self.framing, self.masks.as_mut(), status);
        }
        poll_fn(|cx| self.outlet.poll_flush(Side::Writer, cx)).await?;
        poll_fn(|cx| self.outlet.poll_shutdown(Side::Writer, cx)).await
    }
}
