//! WebSocket: one WAMP message in each WebSocket message, text for JSON and binary for the others (RFC 6455; WAMP
//! specification, "WebSocket Transport").
//!
//! The router's side of the HTTP upgrade is the router's business. Extensions are not spoken: compression of what
//! others may guess is a risk (the attack called CRIME), and costs 300 KiB a session.

mod connect;
pub(crate) mod frame;
mod frames;

use wamp::codec::Serializer;
use wamp::limits::Bounds;

pub use connect::{ConnectError, connect, connect_frames};
pub use frames::{Frames, accepted_frames};

use crate::wire::{self, Framing, Settings};
use crate::{Link, Stream};

/// A link over a connection that the router has upgraded to WebSocket. `already_read` is what was read of the
/// connection beyond the request.
#[must_use]
pub fn accepted(
    stream: impl Into<Stream>,
    already_read: impl AsRef<[u8]>,
    serializer: Serializer,
    bounds: Bounds,
) -> Link {
    let settings = Settings {
        framing: Framing::WebSocketServer,
        serializer,
        bounds,
        longest: usize::MAX,
    };
    wire::link(stream.into(), already_read.as_ref(), settings)
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
pub fn negotiate(offers: &str) -> Option<Serializer> {
    offers.split(',').find_map(|offer| from_subprotocol(offer.trim()))
}

fn from_subprotocol(name: &str) -> Option<Serializer> {
    Serializer::ALL.into_iter().find(|known| subprotocol(*known) == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_offer_that_is_spoken_here_is_taken() {
        let batched_first = "wamp.2.cbor.batched, wamp.2.msgpack,wamp.2.json";
        assert_eq!(negotiate(batched_first), Some(Serializer::MessagePack));
        assert_eq!(negotiate("wamp.2.cbor"), Some(Serializer::Cbor));
        assert_eq!(negotiate(" wamp.2.json ,wamp.2.cbor"), Some(Serializer::Json));
        for none in [
            "",
            ",",
            "wamp.2.flatbuffers",
            "wamp.2.JSON",
            "wamp.2.json.batched",
            "json",
        ] {
            assert_eq!(negotiate(none), None, "{none}");
        }
    }
}
