//! RawSocket: WAMP's own framing over any stream (WAMP specification, "RawSocket Transport").
//!
//! The handshake is four octets each way: `0x7F`, length and serializer, two reserved zeros.

pub(crate) mod frame;

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use wamp::codec::Serializer;
use wamp::limits::Bounds;

use crate::wire::{self, Framing, Settings};
use crate::{Link, Stream};

/// The octet with which RawSocket begins, and no HTTP request does.
pub const MAGIC: u8 = 0x7f;
/// The length that the field `LENGTH` says with 0, as a power of two.
const SHORTEST_EXPONENT: u32 = 9;
/// The largest value of `LENGTH`.
const LARGEST_LENGTH: u32 = 15;

/// Why there is no link.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// The connection failed, or was closed.
    #[error("the connection was lost during the RawSocket handshake: {0}")]
    Io(#[from] io::Error),
    /// The peer speaks something else.
    #[error("the peer does not speak RawSocket: its first octet is 0x{0:02x} and not 0x7f")]
    NotRawSocket(u8),
    /// The client asks for a serializer that is not spoken here; it was told.
    #[error("the client asks for serializer {0}; spoken here are 1 (JSON), 2 (MessagePack) and 3 (CBOR)")]
    Serializer(u8),
    /// The peer uses what is reserved; a client was told.
    #[error("the peer uses the reserved octets of the handshake: 0x{:02x}{:02x}", .0[0], .0[1])]
    Reserved([u8; 2]),
    /// The router chose another serializer than it was asked for.
    #[error("the router answers with serializer {0}, which it was not asked for")]
    OtherSerializer(u8),
    /// The router refuses.
    #[error("the router refuses: {0}")]
    Refused(Refusal),
}

/// What a router answers when it takes no session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 1: it does not speak that serializer.
    #[error("it does not speak that serializer; choose another")]
    Serializer,
    /// 2: it does not want to send messages that short.
    #[error("the longest message that this end takes is too short for it; take longer ones")]
    Length,
    /// 3: reserved octets are not zero.
    #[error("reserved octets of the handshake are in use")]
    Reserved,
    /// 4: there are too many connections.
    #[error("it has as many connections as it takes; try again later")]
    TooManyConnections,
    /// A number that the specification does not know.
    #[error("it gives the unknown reason {0}")]
    Other(u8),
}

impl Refusal {
    const fn code(self) -> u8 {
        match self {
            Self::Serializer => 1,
            Self::Length => 2,
            Self::Reserved => 3,
            Self::TooManyConnections => 4,
            Self::Other(code) => code,
        }
    }

    const fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Serializer,
            2 => Self::Length,
            3 => Self::Reserved,
            4 => Self::TooManyConnections,
            other => Self::Other(other),
        }
    }
}

/// The router's end of the handshake. The peer is told that messages up to `most` bytes are taken, which is what it
/// may send once it has joined; until then the tighter `bounds` hold. A client that is refused is told why.
///
/// # Errors
/// The client speaks something else, or asks for what is not there.
pub async fn accept(stream: impl Into<Stream>, bounds: Bounds, most: usize) -> Result<Link, HandshakeError> {
    let mut stream = stream.into();
    let mut magic = [0];
    stream.read_exact(&mut magic).await?;
    if magic != [MAGIC] {
        return Err(HandshakeError::NotRawSocket(magic[0]));
    }
    let mut rest = [0; 3];
    stream.read_exact(&mut rest).await?;
    let [octet, reserved @ ..] = rest;
    let number = octet & 0x0f;
    if reserved != [0, 0] {
        tell(stream, Refusal::Reserved).await?;
        return Err(HandshakeError::Reserved(reserved));
    }
    let Some(serializer) = serializer(number) else {
        tell(stream, Refusal::Serializer).await?;
        return Err(HandshakeError::Serializer(number));
    };
    stream.write_all(&octets(length_field(most) << 4 | number)).await?;
    stream.flush().await?;
    Ok(link(stream, serializer, bounds, octet))
}

/// Tells a client that it is not taken, whatever it asks for, and closes.
///
/// # Errors
/// The connection failed.
pub async fn refuse(stream: impl Into<Stream>, refusal: Refusal) -> io::Result<()> {
    let mut stream = stream.into();
    // Closing a socket that holds unread bytes would destroy the answer.
    stream.read_exact(&mut [0; 4]).await?;
    tell(stream, refusal).await
}

async fn tell(mut stream: Stream, refusal: Refusal) -> io::Result<()> {
    stream.write_all(&octets(refusal.code() << 4)).await?;
    stream.shutdown().await
}

/// The client's end of the handshake. The router is told that messages up to the length in `bounds` are taken.
///
/// # Errors
/// The router refuses, or is none.
pub async fn connect(
    stream: impl Into<Stream>,
    serializer: Serializer,
    bounds: Bounds,
) -> Result<Link, HandshakeError> {
    let mut stream = stream.into();
    let number = number(serializer);
    stream
        .write_all(&octets(length_field(bounds.message_bytes) << 4 | number))
        .await?;
    stream.flush().await?;
    let mut reply = [0; 4];
    stream.read_exact(&mut reply).await?;
    let [magic, octet, reserved @ ..] = reply;
    if magic != MAGIC {
        return Err(HandshakeError::NotRawSocket(magic));
    }
    if octet & 0x0f == 0 {
        return Err(HandshakeError::Refused(Refusal::from_code(octet >> 4)));
    }
    if reserved != [0, 0] {
        return Err(HandshakeError::Reserved(reserved));
    }
    if octet & 0x0f != number {
        return Err(HandshakeError::OtherSerializer(octet & 0x0f));
    }
    Ok(link(stream, serializer, bounds, octet))
}

fn link(stream: Stream, serializer: Serializer, bounds: Bounds, octet: u8) -> Link {
    let settings = Settings {
        framing: Framing::RawSocket,
        serializer,
        bounds,
        longest: 1 << (u32::from(octet >> 4) + SHORTEST_EXPONENT),
        is_batched: false,
    };
    wire::link(stream, &[], settings)
}

const fn octets(second: u8) -> [u8; 4] {
    [MAGIC, second, 0, 0]
}

const fn number(serializer: Serializer) -> u8 {
    match serializer {
        Serializer::Json => 1,
        Serializer::MessagePack => 2,
        Serializer::Cbor => 3,
    }
}

fn serializer(number: u8) -> Option<Serializer> {
    Serializer::ALL.into_iter().find(|known| self::number(*known) == number)
}

/// The field for the largest power of two that is not longer than `most`; if even the smallest is longer, that.
fn length_field(most: usize) -> u8 {
    let exponent = most.checked_ilog2().unwrap_or(0);
    let field = exponent.saturating_sub(SHORTEST_EXPONENT).min(LARGEST_LENGTH);
    u8::try_from(field).expect("it is at most 15")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_announced_length_is_never_longer_than_what_is_taken() {
        for (most, field) in [
            (0, 0),
            (1, 0),
            (511, 0),
            (512, 0),
            (1023, 0),
            (1024, 1),
            (8 << 10, 4),
            (1 << 20, 11),
            ((1 << 21) - 1, 11),
            (1 << 24, 15),
            (usize::MAX, 15),
        ] {
            assert_eq!(length_field(most), field, "{most}");
        }
    }

    #[test]
    fn the_serializers_have_the_numbers_of_the_specification() {
        let known = (0..16).filter_map(|number| Some((number, serializer(number)?)));
        assert!(known.eq([
            (1, Serializer::Json),
            (2, Serializer::MessagePack),
            (3, Serializer::Cbor)
        ]));
    }
}
