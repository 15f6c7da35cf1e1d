//! What leaves the realm: messages with their receivers.
//!
//! Nothing is encoded here. A receiver's writer encodes in its own serializer; an event for many is shared, so that
//! the first writer of each serializer encodes it and the others clone a reference.

use std::sync::{Arc, OnceLock};

use bytes::{Bytes, BytesMut};

use crate::codec::{self, Serializer};
use crate::error::Unconvertible;
use crate::id::SessionId;
use crate::message::{Event, Message};

/// What a queued message costs beside its arguments: itself, and its place in the queue.
const OVERHEAD: usize = 128;

/// A message and who gets it.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The receiver.
    pub to: SessionId,
    /// The message.
    pub outgoing: Outgoing,
}

/// A message for one receiver, or an event for several.
#[derive(Debug, Clone)]
pub enum Outgoing {
    /// For one.
    One(Message),
    /// For several.
    Shared(Arc<Shared>),
}

impl Outgoing {
    /// The message.
    #[must_use]
    pub fn message(&self) -> &Message {
        match self {
            Self::One(message) => message,
            Self::Shared(shared) => &shared.message,
        }
    }

    /// The message, copied only where others hold it too.
    #[must_use]
    pub fn into_message(self) -> Message {
        match self {
            Self::One(message) => message,
            Self::Shared(shared) => Arc::try_unwrap(shared).map_or_else(|it| it.message.clone(), |it| it.message),
        }
    }

    /// Bytes of memory the message holds while it waits, to charge a queue by.
    #[must_use]
    pub fn weight(&self) -> usize {
        OVERHEAD + self.message().payload().map_or(0, crate::payload::Payload::len)
    }
}

impl From<Message> for Outgoing {
    fn from(message: Message) -> Self {
        Self::One(message)
    }
}

/// An event for several receivers.
#[derive(Debug)]
pub struct Shared {
    message: Message,
    encoded: [OnceLock<Result<Bytes, Unconvertible>>; Serializer::ALL.len()],
}

impl Shared {
    /// An event that several will get.
    #[must_use]
    pub fn new(event: Event) -> Arc<Self> {
        Arc::new(Self {
            message: Message::Event(event),
            encoded: Default::default(),
        })
    }

    /// The event as one frame.
    ///
    /// # Errors
    /// The arguments have no form in this serializer.
    pub fn encoded(&self, serializer: Serializer) -> Result<Bytes, Unconvertible> {
        let encode = || {
            let mut out = BytesMut::new();
            codec::encode(serializer, &self.message, &mut out).map(|()| out.freeze())
        };
        self.encoded[serializer.index()].get_or_init(encode).clone()
    }
}
