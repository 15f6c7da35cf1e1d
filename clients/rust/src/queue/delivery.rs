//! From the queue to the router.

use std::fmt;
use std::time::Duration;

use tokio::time::sleep;
use wamp::error::UNAVAILABLE;
use wamp::message::Publish;
use wamp::uri::Uri;

use super::{Queue, QueueError};
use crate::client::Client;
use crate::error::{Closed, Error, RequestError};
use crate::session::Session;

/// After the router said that it cannot take a publication now.
const PAUSE: Duration = Duration::from_secs(5);

/// How many were delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Delivered {
    /// Publications that the router has taken.
    pub taken: u64,
    /// Publications that it does not want.
    pub refused: u64,
}

/// A publication that the router does not want. It is in the queue no more.
#[derive(Debug)]
pub struct Refused {
    /// What it was about.
    pub topic: Uri,
    /// Why.
    pub error: RequestError,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.topic, self.error)
    }
}

/// Nothing more can be delivered; what waits still does.
#[derive(Debug, thiserror::Error)]
pub enum Undeliverable {
    /// The client is closed, or the router does not let it in.
    #[error(transparent)]
    Client(#[from] Error),
    /// The router does not remember what it has taken, so that a publication that is sent again might come twice.
    #[error("this router does not take publications once (x_publication_queue is missing among its features)")]
    Unsupported,
    /// The queue's files.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// How a session's share of the delivery ends.
enum Pass {
    /// Nothing waits.
    Empty,
    /// The router cannot take more now.
    Later,
    /// The session was lost: what was sent is sent again in the next one.
    Lost,
}

impl Queue {
    /// Delivers what waits, and what is pushed later, until the client is closed. `refused` gets what the router does not
    /// want. One task should do this.
    ///
    /// # Errors
    /// The router takes no publications of queues, does not let the client in, or the queue's files cannot be used.
    pub async fn deliver(&self, client: &Client, mut refused: impl FnMut(Refused)) -> Result<Delivered, Undeliverable> {
        let mut delivered = Delivered::default();
        loop {
            let session = match client.session().await {
                Ok(session) => session,
                Err(Error::Closed(Closed::Left)) => return Ok(delivered),
                Err(error) => return Err(error.into()),
            };
            match self.pass(&session, &mut delivered, &mut refused).await? {
                Pass::Lost => {}
                Pass::Later => sleep(PAUSE).await,
                Pass::Empty => tokio::select! {
                    () = self.pushed.notified() => {}
                    () = client.closed() => return Ok(delivered),
                },
            }
        }
    }

    /// Delivers what waits now, in one session.
    ///
    /// # Errors
    /// As [`Queue::deliver`]; also that the session was lost, or that the router cannot take more now.
    pub async fn flush(&self, session: &Session, mut refused: impl FnMut(Refused)) -> Result<Delivered, Undeliverable> {
        let mut delivered = Delivered::default();
        match self.pass(session, &mut delivered, &mut refused).await? {
            Pass::Empty => Ok(delivered),
            Pass::Lost => Err(Error::Closed(session.closed().await).into()),
            Pass::Later => {
                let error = RequestError::new(UNAVAILABLE, "the router cannot take more publications now");
                Err(Error::Request(error).into())
            }
        }
    }

    /// Sends what waits, one after the other, and takes away what is answered.
    async fn pass(
        &self,
        session: &Session,
        delivered: &mut Delivered,
        refused: &mut impl FnMut(Refused),
    ) -> Result<Pass, Undeliverable> {
        if !takes_queues(session) {
            return Err(Undeliverable::Unsupported);
        }
        while let Some((number, publish)) = self.first()? {
            let topic = publish.topic.clone();
            match session.publish_as_it_is(publish).await {
                Ok(_) => delivered.taken += 1,
                Err(Error::Request(error)) if error.uri == UNAVAILABLE => return Ok(Pass::Later),
                Err(Error::Request(error)) => {
                    delivered.refused += 1;
                    refused(Refused { topic, error });
                }
                Err(Error::Closed(_) | Error::Unconvertible(_)) => return Ok(Pass::Lost),
            }
            self.files().remove(number)?;
        }
        Ok(Pass::Empty)
    }

    fn first(&self) -> Result<Option<(u64, Publish)>, QueueError> {
        let files = self.files();
        let first = files.first();
        first.map(|number| Ok((number, files.read(number)?))).transpose()
    }
}

fn takes_queues(session: &Session) -> bool {
    session.router_does("broker", "x_publication_queue")
}
