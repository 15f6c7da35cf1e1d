//! WebSocket: one WAMP message in each WebSocket message, or several in the batched subprotocols, text for JSON and binary
//! for the others (RFC 6455; WAMP specification, "WebSocket Transport").
//!
//! The router's side of the HTTP upgrade is the router's business. Extensions are not spoken: compression of what
//! others may guess is a risk (the attack called CRIME), and costs 300 KiB a session.

mod connect;
pub(crate) mod frame;
mod frames;
pub(crate) mod status;

use wamp::codec::Serializer;
use wamp::limits::Bounds;

pub use connect::{ConnectError, connect, connect_as, connect_frames};
pub use frames::{Frames, accepted_frames};

use crate::wire::{self, Framing, Settings};
use crate::{Link, Stream};

/// A link over a connection that the router has upgraded to WebSocket. `already_read` is what was read of the
/// connection beyond the request.
#[must_use]
pub fn accepted(
    stream: impl Into<Stream>,
    already_read: impl AsRef<[u8]>,
    format: impl Into<Format>,
    bounds: Bounds,
) -> Link {
    wire::link(
        stream.into(),
        already_read.as_ref(),
        format.into().settings(Framing::WebSocketServer, bounds),
    )
}

/// What is agreed on by the name of a subprotocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// How messages are encoded.
    pub serializer: Serializer,
    /// Whether a WebSocket message may have several.
    pub is_batched: bool,
}

impl From<Serializer> for Format {
    fn from(serializer: Serializer) -> Self {
        Self::plain(serializer)
    }
}

impl Format {
    const ALL: [Self; 6] = [
        Self::plain(Serializer::Json),
        Self::plain(Serializer::MessagePack),
        Self::plain(Serializer::Cbor),
        Self::batched(Serializer::Json),
        Self::batched(Serializer::MessagePack),
        Self::batched(Serializer::Cbor),
    ];

    const fn plain(serializer: Serializer) -> Self {
        Self {
            serializer,
            is_batched: false,
        }
    }

    /// Several messages in one.
    #[must_use]
    pub const fn batched(serializer: Serializer) -> Self {
        Self {
            serializer,
            is_batched: true,
        }
    }

    /// The name of the subprotocol.
    #[must_use]
    pub const fn subprotocol(self) -> &'static str {
        match (self.serializer, self.is_batched) {
            (serializer, false) => subprotocol(serializer),
            (Serializer::Json, true) => "wamp.2.json.batched",
            (Serializer::MessagePack, true) => "wamp.2.msgpack.batched",
            (Serializer::Cbor, true) => "wamp.2.cbor.batched",
        }
    }

    const fn settings(self, framing: Framing, bounds: Bounds) -> Settings {
        Settings {
            framing,
            serializer: self.serializer,
            bounds,
            longest: usize::MAX,
            is_batched: self.is_batched,
        }
    }
}

/// The name of the subprotocol with this serializer.
#[must_use]
pub const fn subprotocol(serializer: Serializer) -> &'static str {
    match serializer {
        Serializer::Json => "wamp.2.json",
        Serializer::MessagePack => "wamp.2.msgpack",
        Serializer::Cbor => "wamp.2.cbor",
    }
}

/// The first of the client's offers, a value of `Sec-WebSocket-Protocol`, that is spoken here. The client lists them
/// in its order of preference (RFC 6455 §4.1).
#[must_use]
pub fn negotiate(offers: &str) -> Option<Format> {
    let known = |offer: &str| {
        Format::ALL
            .into_iter()
            .find(|known| known.subprotocol() == offer.trim())
    };
    offers.split(',').find_map(known)
}

/// The same where a message goes alone.
pub(crate) fn negotiate_plain(offers: &str) -> Option<Serializer> {
    let known = |offer: &str| Serializer::ALL.into_iter().find(|known| subprotocol(*known) == offer);
    offers.split(',').find_map(|offer| known(offer.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_offer_that_is_spoken_here_is_taken() {
        let batched_first = "wamp.2.cbor.batched, wamp.2.msgpack,wamp.2.json";
        assert_eq!(negotiate(batched_first), Some(Format::batched(Serializer::Cbor)));
        assert_eq!(negotiate_plain(batched_first), Some(Serializer::MessagePack));
        assert_eq!(negotiate("wamp.2.cbor"), Some(Serializer::Cbor.into()));
        assert_eq!(negotiate(" wamp.2.json ,wamp.2.cbor"), Some(Serializer::Json.into()));
        for format in Format::ALL {
            assert_eq!(negotiate(format.subprotocol()), Some(format));
        }
        for none in [
            "",
            ",",
            "wamp.2.flatbuffers",
            "wamp.2.JSON",
            "wamp.2.ubjson.batched",
            "json",
        ] {
            assert_eq!(negotiate(none), None, "{none}");
        }
    }
}
