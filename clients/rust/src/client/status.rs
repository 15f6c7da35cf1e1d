//! How it stands with a client.

use std::fmt;

use tokio::time::Instant;

use crate::error::Error;

/// How it stands with a [`Client`](crate::Client).
#[derive(Debug, Clone)]
pub enum Status {
    /// A connection is being opened: which attempt, from 1 on.
    Connecting {
        /// Counts from 1, since the last time that it was open.
        attempt: u32,
    },
    /// The session is open, with all that is to stand in it.
    Open(Opened),
    /// Lost, or not found; it tries again at that time.
    Waiting {
        /// When.
        until: Instant,
        /// What is wrong, a sentence.
        reason: String,
    },
    /// The router said no, or somebody else answers in its place.
    Refused {
        /// Why, a sentence.
        reason: String,
        /// When it tries again; `None` where that cannot help, such as for a device that was revoked, unless
        /// [`Client::retry`](crate::Client::retry) is called.
        until: Option<Instant>,
    },
    /// Closed; nothing more happens.
    Closed,
}

impl Status {
    /// Whether the session is open.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Open(_))
    }
}

/// How a session came to be open.
#[derive(Debug, Clone)]
pub enum Opened {
    /// For the first time.
    First,
    /// After a loss of the connection: nothing was lost with it.
    Resumed,
    /// In place of one that was lost: what was under way has failed, and events may have been missed.
    Anew {
        /// Why the earlier one could not go on.
        reason: String,
        /// What could not be asked for again; it is tried again from time to time.
        missing: Vec<Missing>,
    },
    /// In the same session as before, of which the router has taken something away, or has given back what it had refused.
    Changed {
        /// What the session has lost its right to, or cannot have yet; it is tried again from time to time.
        missing: Vec<Missing>,
        /// What it took away otherwise, such as for another callee; it is not asked for again. Who waits for events learns it by
        /// their end.
        ended: Vec<Missing>,
    },
}

/// A subscription or registration that stood, and does not now.
#[derive(Debug, Clone)]
pub struct Missing {
    /// The topic or the procedure.
    pub uri: String,
    /// Why.
    pub error: Error,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.uri, self.error)
    }
}
