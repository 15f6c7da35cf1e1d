//! Messages as they are, for a program that passes them on: a session takes for itself what answers its own requests, and
//! gives the rest to [`Options::passed`](crate::Options::passed).

use tokio::sync::mpsc::{self, Permit};
use wamp::id::{RequestId, SessionId};
use wamp::message::Message;

use crate::error::Error;
use crate::session::Session;

/// A message that the session had no use for, as it came: an EVENT, an INVOCATION and what follows it, an answer to what was
/// sent with [`Session::pass_request`]. Its arguments are not decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Passed {
    /// In which session it came: one that a [`Client`](crate::Client) keeps open may be another one than before.
    pub session: SessionId,
    /// What came.
    pub message: Message,
}

/// Where they go.
#[derive(Debug, Clone)]
pub(crate) struct Passing {
    session: SessionId,
    to: mpsc::Sender<Passed>,
}

impl Passing {
    pub(crate) const fn new(session: SessionId, to: mpsc::Sender<Passed>) -> Self {
        Self { session, to }
    }

    /// Waits for room; none if nobody takes them any more.
    pub(crate) async fn room(&self) -> Option<Permit<'_, Passed>> {
        self.to.reserve().await.ok()
    }

    pub(crate) const fn of(&self, message: Message) -> Passed {
        let session = self.session;
        Passed { session, message }
    }

    /// Passes on from where nobody can wait. As many wait so as requests were in one batch that could not be sent.
    pub(crate) fn soon(&self, message: Message) {
        let (to, passed) = (self.to.clone(), self.of(message));
        tokio::spawn(async move { to.send(passed).await });
    }
}

impl Session {
    /// Sends a request as it is, under the next number of this session, which `make` gets before anybody can answer. What
    /// comes of it goes to [`Options::passed`](crate::Options::passed). It may be dropped: then it was sent, or was not made.
    ///
    /// # Errors
    /// The session has ended.
    pub async fn pass_request(&self, make: impl FnOnce(RequestId) -> Message) -> Result<(), Error> {
        self.request(|table| Ok((make(table.next_request()?), ()))).await
    }

    /// Sends a message as it is that is no request, or a further part of one.
    ///
    /// # Errors
    /// The session has ended.
    pub async fn pass(&self, message: Message) -> Result<(), Error> {
        self.request(|_| Ok((message, ()))).await
    }
}
