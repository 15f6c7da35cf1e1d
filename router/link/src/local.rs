//! A link inside one process: messages move from one end to the other, and nothing is encoded.
//!
//! The queue between them is bounded by messages, and whoever fills it waits.

use std::collections::VecDeque;
use std::io;

use tokio::sync::mpsc;
use wamp::message::Message;
use wamp::outgoing::Outgoing;

use crate::{Incoming, Link, Outward};

#[derive(Debug)]
pub(crate) struct Reader(mpsc::Receiver<Message>);

#[derive(Debug)]
pub(crate) struct Writer(Option<mpsc::Sender<Message>>);

/// Both ends of a link, with room for `capacity` messages in each direction.
///
/// # Panics
/// `capacity` is zero.
#[must_use]
pub fn pair(capacity: usize) -> (Link, Link) {
    let (near_writer, far_reader) = mpsc::channel(capacity);
    let (far_writer, near_reader) = mpsc::channel(capacity);
    (link(near_reader, near_writer), link(far_reader, far_writer))
}

fn link(reader: mpsc::Receiver<Message>, writer: mpsc::Sender<Message>) -> Link {
    Link {
        reader: crate::Reader(Incoming::Local(Reader(reader))),
        writer: crate::Writer(Outward::Local(Writer(Some(writer)))),
    }
}

impl Reader {
    pub(crate) async fn next(&mut self) -> Option<Message> {
        self.0.recv().await
    }
}

impl Writer {
    pub(crate) async fn send_all(&mut self, batch: &mut VecDeque<Outgoing>) -> io::Result<()> {
        let gone = || io::Error::new(io::ErrorKind::BrokenPipe, "the other end of the link is gone");
        let sender = self.0.as_ref().ok_or_else(gone)?;
        while !batch.is_empty() {
            // Room first, then the message: so nothing is lost if this is dropped while it waits.
            let room = sender.reserve().await.map_err(|_| gone())?;
            if let Some(outgoing) = batch.pop_front() {
                room.send(outgoing.into_message());
            }
        }
        Ok(())
    }

    pub(crate) fn close(&mut self) {
        self.0 = None;
    }
}
