//! Sessions that survive their connection: what both ends count, keep and say, so that after a return nothing is lost
//! and nothing comes twice. `docs/RESUMPTION.md` is the protocol; who connects again, and when, is not decided here.

use std::collections::VecDeque;

use crate::error::Violation;
use crate::id::{MAX_ID, SessionId};
use crate::limits::{ACKNOWLEDGED_BYTES, ACKNOWLEDGED_MESSAGES, UNACKNOWLEDGED_BYTES, UNACKNOWLEDGED_MESSAGES};
use crate::message::{Message, Received, Welcome};
use crate::outgoing::Outgoing;
use crate::value::{Dict, Value};

/// Characters of a token, which are hexadecimal digits of 32 random bytes.
pub const TOKEN_LENGTH: usize = 64;

/// Under this key HELLO has what a client has drawn at random for all its attempts to open a session: a session that was
/// opened by an earlier one, whose WELCOME was lost on its way, is nobody's then.
pub const OPENING: &str = "_opening";
/// Characters of that: so many that nobody guesses it, and no more than a router may want to remember.
pub const OPENING_LENGTH: std::ops::RangeInclusive<usize> = 16..=64;

/// What the details of a HELLO have of that; `None` also where it is shorter or longer than it may be.
#[must_use]
pub fn opening_of(details: &Dict) -> Option<Box<str>> {
    let opening = details.get(OPENING).and_then(Value::as_str)?;
    OPENING_LENGTH.contains(&opening.len()).then(|| opening.into())
}

/// What a HELLO says of resumption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// A session that can be resumed: `resumable` and `_received`.
    Resumable,
    /// To go on with a session.
    Return(Return),
}

/// A session to go on with: `resume-session`, `resume-token` and `_received`.
#[derive(Clone, PartialEq, Eq)]
pub struct Return {
    /// Which one.
    pub session: SessionId,
    /// What WELCOME gave to prove that it is one's own.
    pub token: String,
    /// How many messages of it have arrived at whoever returns.
    pub received: u64,
}

impl std::fmt::Debug for Return {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Return")
            .field("session", &self.session)
            .field("received", &self.received)
            .finish_non_exhaustive()
    }
}

impl Wanted {
    /// What the details of a HELLO say; `None` where the client does not want it, or does not count.
    #[must_use]
    pub fn of_hello(details: &Dict) -> Option<Self> {
        let received = count(details, "_received")?;
        let session = details.get("resume-session").and_then(Value::as_u64);
        let token = details.get("resume-token").and_then(Value::as_str);
        if let (Some(session), Some(token)) = (session.and_then(SessionId::new), token) {
            let token = token.to_owned();
            return Some(Self::Return(Return {
                session,
                token,
                received,
            }));
        }
        (details.get("resumable") == Some(&Value::Bool(true))).then_some(Self::Resumable)
    }

    /// Puts it into the details of a HELLO.
    pub fn tell(&self, details: &mut Dict) {
        details.insert("resumable".to_owned(), true.into());
        let mut received = 0;
        if let Self::Return(back) = self {
            details.insert("resume-session".to_owned(), back.session.get().into());
            details.insert("resume-token".to_owned(), back.token.as_str().into());
            received = back.received;
        }
        details.insert("_received".to_owned(), received.into());
    }
}

/// What a WELCOME says of resumption.
#[derive(Clone, PartialEq, Eq)]
pub struct Granted {
    /// `resume_token`: proves later that the session is one's own.
    pub token: String,
    /// `_resume_within`: seconds after the loss of the connection in which the session can be resumed.
    pub within_s: u64,
    /// The session goes on, or is a new one.
    pub outcome: Outcome,
}

/// Whether a session goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nobody wanted to return.
    New,
    /// `resumed` and `_received`: it goes on; so many messages of it had arrived at the router.
    Resumed(u64),
    /// `resumed` is false: it is another session, and `_resume_refused` says why.
    Refused(String),
}

impl std::fmt::Debug for Granted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Granted")
            .field("within_s", &self.within_s)
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}

impl Granted {
    /// Puts it into the details of a WELCOME.
    pub fn tell(&self, details: &mut Dict) {
        details.insert("resumable".to_owned(), true.into());
        details.insert("resume_token".to_owned(), self.token.as_str().into());
        details.insert("_resume_within".to_owned(), self.within_s.into());
        match &self.outcome {
            Outcome::New => {}
            Outcome::Resumed(received) => {
                details.insert("resumed".to_owned(), true.into());
                details.insert("_received".to_owned(), (*received).into());
            }
            Outcome::Refused(why) => {
                details.insert("resumed".to_owned(), false.into());
                details.insert("_resume_refused".to_owned(), why.as_str().into());
            }
        }
    }

    /// What a WELCOME says; `None` where the router does not offer it.
    #[must_use]
    pub fn of_welcome(welcome: &Welcome) -> Option<Self> {
        let details = &welcome.details;
        let token = details.get("resume_token").and_then(Value::as_str)?.to_owned();
        let within_s = details.get("_resume_within").and_then(Value::as_u64)?;
        let outcome = match (details.get("resumed"), count(details, "_received")) {
            (Some(Value::Bool(true)), Some(received)) => Outcome::Resumed(received),
            (None, _) => Outcome::New,
            _ => {
                let why = details.get("_resume_refused").and_then(Value::as_str);
                Outcome::Refused(why.unwrap_or("the router gives no reason").to_owned())
            }
        };
        Some(Self {
            token,
            within_s,
            outcome,
        })
    }
}

fn count(details: &Dict, key: &str) -> Option<u64> {
    details
        .get(key)
        .and_then(Value::as_u64)
        .filter(|count| *count <= MAX_ID)
}

/// Whether a message counts: those that open or close a session do not, nor RECEIVED itself.
#[must_use]
pub const fn counts(message: &Message) -> bool {
    !matches!(
        message,
        Message::Hello(_)
            | Message::Welcome(_)
            | Message::Abort(_)
            | Message::Challenge(_)
            | Message::Authenticate(_)
            | Message::Goodbye(_)
            | Message::Received(_)
    )
}

/// The messages that arrived at one end: how many, and when the other end is to be told.
#[derive(Debug, Default)]
pub struct Inbound {
    received: u64,
    told: u64,
    bytes: usize,
}

impl Inbound {
    /// A message has arrived, and what it wants will be done whatever happens to the connection.
    pub fn arrived(&mut self, message: &Message) {
        if counts(message) {
            self.received += 1;
            self.bytes += message.payload().map_or(0, crate::payload::Payload::len);
        }
    }

    /// How many have arrived.
    #[must_use]
    pub const fn received(&self) -> u64 {
        self.received
    }

    /// Whether the other end waits for RECEIVED: it holds so much that it should be told now.
    #[must_use]
    pub const fn is_due(&self) -> bool {
        self.received - self.told >= ACKNOWLEDGED_MESSAGES || self.bytes >= ACKNOWLEDGED_BYTES
    }

    /// Whether anything has arrived of which the other end was not told.
    #[must_use]
    pub const fn is_behind(&self) -> bool {
        self.received > self.told
    }

    /// RECEIVED, for the other end.
    pub fn acknowledge(&mut self) -> Message {
        self.told = self.received;
        self.bytes = 0;
        Message::Received(Received { count: self.received })
    }
}

/// The messages that one end has sent and that may not have arrived.
#[derive(Debug, Default)]
pub struct Outbound {
    /// Messages that arrived: those in front of the first that is held.
    arrived: u64,
    held: VecDeque<Outgoing>,
    bytes: usize,
}

impl Outbound {
    /// Whether another message may be sent, before more have arrived.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.held.len() < UNACKNOWLEDGED_MESSAGES && self.bytes < UNACKNOWLEDGED_BYTES
    }

    /// A message is sent; it is held until it has arrived.
    pub fn sent(&mut self, outgoing: Outgoing) {
        if counts(outgoing.message()) {
            self.bytes += outgoing.weight();
            self.held.push_back(outgoing);
        }
    }

    /// A message was not sent after all, because it has no form that the other end takes. Of several alike it does not
    /// matter which one is forgotten.
    pub fn unsent(&mut self, message: &Message) {
        if let Some(place) = self.held.iter().rposition(|held| held.message() == message)
            && let Some(outgoing) = self.held.remove(place)
        {
            self.bytes -= outgoing.weight();
        }
    }

    /// The other end says how many have arrived.
    ///
    /// # Errors
    /// It cannot be so many, or they were more before.
    pub fn acknowledged(&mut self, count: u64) -> Result<(), Violation> {
        let news = count.checked_sub(self.arrived);
        let Some(news) = news
            .and_then(|news| usize::try_from(news).ok())
            .filter(|news| *news <= self.held.len())
        else {
            let sent = self.arrived + self.held.len() as u64;
            let sentence = format!(
                "{count} messages cannot have arrived: {sent} were sent, {} of them acknowledged",
                self.arrived
            );
            return Err(Violation::new(sentence));
        };
        for outgoing in self.held.drain(..news) {
            self.bytes -= outgoing.weight();
        }
        if self.held.is_empty() {
            // A burst must not leave its memory with an idle session.
            self.held = VecDeque::new();
        }
        self.arrived = count;
        Ok(())
    }

    /// Messages that were sent and may not have arrived, in their order. They are to be sent again, with
    /// [`Outbound::sent`], after the other end has said how many did arrive.
    pub fn take_unacknowledged(&mut self) -> VecDeque<Outgoing> {
        self.bytes = 0;
        std::mem::take(&mut self.held)
    }

    /// Messages that are held, and their bytes.
    #[must_use]
    pub fn load(&self) -> (usize, usize) {
        (self.held.len(), self.bytes)
    }
}

#[cfg(test)]
mod tests;
