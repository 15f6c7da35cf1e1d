//! Whether the router is there: a connection that is dead says nothing, and neither does one on which nothing happens.

use std::io;
use std::pin::Pin;
use std::time::Duration;

use link::{Heard, ReadError, Reader};
use tokio::time::{Instant, Sleep, sleep_until};
use wamp::message::Message;

/// After so much silence the router is asked for a sign of life: more than routers of ours leave, which ask by themselves
/// after 20 s, so that only one of both asks.
pub const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Listens for signs of life, with one timer and nothing for a message.
pub(crate) struct Pulse {
    every: Duration,
    timer: Pin<Box<Sleep>>,
    heard: Heard,
    is_asked: bool,
}

impl Pulse {
    pub(crate) fn new(every: Duration) -> Self {
        Self {
            every,
            timer: Box::pin(sleep_until(Instant::now() + every)),
            heard: Heard::default(),
            is_asked: false,
        }
    }

    /// The next message. It may be dropped and called again.
    pub(crate) async fn next(&mut self, reader: &mut Reader) -> Result<Option<Message>, ReadError> {
        loop {
            tokio::select! {
                biased;
                read = reader.next() => return read,
                () = &mut self.timer => {}
            }
            self.look(reader)?;
        }
    }

    fn look(&mut self, reader: &mut Reader) -> io::Result<()> {
        let heard = reader.heard();
        let is_alive = heard.is_more_than(self.heard);
        // It has a third of the time to answer.
        let silent = self.every + self.every / 3;
        if !is_alive && self.is_asked {
            let why = format!("nothing was heard of the router for {} s", silent.as_secs_f32());
            return Err(io::Error::new(io::ErrorKind::TimedOut, why));
        }
        self.heard = heard;
        self.is_asked = !is_alive;
        let mut pause = self.every;
        if self.is_asked {
            reader.ping();
            pause /= 3;
        }
        self.timer.as_mut().reset(Instant::now() + pause);
        Ok(())
    }
}
