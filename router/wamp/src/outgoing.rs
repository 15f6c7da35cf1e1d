//! What leaves the realm: messages with their receivers.
//!
//! Nothing is encoded here. A receiver's writer encodes in its own serializer; an event for many is shared, so that
//! the first writer of each serializer encodes it and the others find it done. Long arguments are not copied for that: a
//! queue that holds the event holds them once.

use std::sync::{Arc, OnceLock};

use bytes::{Bytes, BytesMut};

use crate::codec::{self, Apart, Serializer};
use crate::error::Unconvertible;
use crate::id::SessionId;
use crate::message::{Event, Message};

/// From how many bytes on arguments stay where they are. Shorter ones are cheaper to copy than to name one by one to the
/// operating system.
pub const LONG: usize = 8 << 10;

/// What an allocator takes for so many bytes: the usual ones, the daemon's among them, have four sizes from one power of
/// two to the next, so that a fifth of the memory may be nobody's.
const fn allocated(bytes: usize) -> usize {
    let step = bytes.next_power_of_two() / 8;
    if step < 2 { bytes } else { bytes.next_multiple_of(step) }
}

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
        let beside = match self {
            Self::One(_) => 0,
            Self::Shared(_) => size_of::<Shared>(),
        };
        size_of::<Self>() + beside + allocated(self.message().payload().map_or(0, crate::payload::Payload::len))
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
    encoded: [OnceLock<Result<Encoded, Unconvertible>>; Serializer::ALL.len()],
}

/// A message as one frame.
#[derive(Debug)]
pub struct Encoded {
    /// The frame, but for `apart`.
    pub bytes: Bytes,
    /// Arguments of [`LONG`] bytes or more that needed no converting, and their place in `bytes`.
    pub apart: Option<Apart>,
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
    pub fn encoded(&self, serializer: Serializer) -> Result<&Encoded, Unconvertible> {
        let encode = || {
            let mut out = BytesMut::new();
            let apart = codec::encode_apart(serializer, &self.message, LONG, &mut out)?;
            let bytes = out.freeze();
            Ok(Encoded { bytes, apart })
        };
        let encoded = self.encoded[serializer.index()].get_or_init(encode);
        encoded.as_ref().map_err(|unconvertible| *unconvertible)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{PublicationId, SubscriptionId};
    use crate::message::EventDetails;
    use crate::payload::Payload;
    use crate::value::Dict;

    fn event(serializer: Serializer, bytes: usize) -> Event {
        Event {
            subscription: SubscriptionId::FIRST,
            publication: PublicationId::new(1).unwrap(),
            details: EventDetails::default(),
            payload: Payload::from_values(serializer, &["x".repeat(bytes).into()], &Dict::new()).unwrap(),
        }
    }

    #[test]
    fn a_queue_is_charged_by_what_an_allocator_takes() {
        for (bytes, taken) in [
            (0, 0),
            (15, 16),
            (1_000, 1_024),
            (1_025, 1_280),
            (16_384, 16_384),
            (16_400, 20_480),
            (40_961, 49_152),
        ] {
            assert_eq!(allocated(bytes), taken, "{bytes} bytes");
        }
    }

    #[test]
    fn an_event_for_several_holds_long_arguments_once_and_short_ones_in_its_frame() {
        for (length, is_long) in [(LONG, true), (10, false)] {
            for serializer in Serializer::ALL {
                let event = event(serializer, length);
                let mut whole = BytesMut::new();
                codec::encode(serializer, &Message::Event(event.clone()), &mut whole).unwrap();
                let shared = Shared::new(event.clone());
                let Encoded { bytes, apart } = shared.encoded(serializer).unwrap();
                let Some(apart) = apart else {
                    assert!(!is_long && *bytes == whole);
                    continue;
                };
                assert!(is_long && apart.bytes.as_ptr() == event.payload.bytes.as_ptr());
                let (head, tail) = bytes.split_at(apart.at);
                assert_eq!([head, &apart.bytes, tail].concat(), whole);
            }
        }
    }
}
