//! WAMP messages to Noise messages and back, once the handshake is done.
//!
//! Every Noise message is one WebSocket message, and its plaintext begins with an octet that says whether more of the
//! same WAMP message follows. The nonces are counted here, one after the other in each direction, so a message that is
//! altered, left out, repeated or moved does not decrypt.

use std::fmt;
use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use snow::StatelessTransportState;
use wamp::error::Violation;

use crate::ReadError;

/// The longest Noise message (Noise specification, §3).
pub(super) const MAX_MESSAGE: usize = 65_535;
/// Bytes that ChaCha20-Poly1305 adds (Noise specification, §3).
const TAG: usize = 16;
/// The octet in front of the data.
const FLAG: usize = 1;
/// Bytes of a Noise message that are not data.
const OVERHEAD: usize = FLAG + TAG;
/// Bytes of a WAMP message in one Noise message, at most.
const MAX_DATA: usize = MAX_MESSAGE - OVERHEAD;

/// What the first octet says.
const LAST: u8 = 0;
const MORE: u8 = 1;

/// Uncovers what the peer sends.
pub(crate) struct Opener {
    cipher: Arc<StatelessTransportState>,
    nonce: u64,
    /// A WAMP message of which more is to come.
    begun: BytesMut,
}

impl Opener {
    pub(super) fn new(cipher: Arc<StatelessTransportState>) -> Self {
        Self {
            cipher,
            nonce: 0,
            begun: BytesMut::new(),
        }
    }

    /// The longest frame to take where WAMP messages have at most this length.
    pub(crate) fn longest_frame(message: usize) -> usize {
        message.saturating_add(OVERHEAD).min(MAX_MESSAGE)
    }

    /// Takes one Noise message, and gives the WAMP message whose last one it is. Before memory grows, the length is held
    /// against `longest`.
    pub(crate) fn open(&mut self, sealed: &Bytes, longest: usize) -> Result<Option<Bytes>, ReadError> {
        let Some(data) = sealed.len().checked_sub(OVERHEAD) else {
            return Err(not_genuine());
        };
        let length = self.begun.len() + data;
        if length > longest {
            return Err(Violation::too_long(length, longest).into());
        }
        if self.begun.is_empty() {
            let mut plain = BytesMut::zeroed(FLAG + data);
            self.decrypt(sealed, &mut plain)?;
            if !is_last(plain[0], data)? {
                self.begun = plain.split_off(FLAG);
                return Ok(None);
            }
            return Ok(Some(plain.freeze().slice(FLAG..)));
        }
        // The octet in front would stand between two pieces: it is put over the last byte of the piece before, and
        // that byte is put back.
        let at = self.begun.len() - FLAG;
        let covered = self.begun[at];
        let mut begun = std::mem::take(&mut self.begun);
        begun.resize(length, 0);
        self.decrypt(sealed, &mut begun[at..])?;
        let flag = std::mem::replace(&mut begun[at], covered);
        if is_last(flag, data)? {
            // Put together from pieces, it may have more memory than it needs.
            return Ok(Some(Bytes::copy_from_slice(&begun)));
        }
        self.begun = begun;
        Ok(None)
    }

    fn decrypt(&mut self, sealed: &[u8], plain: &mut [u8]) -> Result<(), ReadError> {
        let next = self.nonce.checked_add(1).ok_or_else(not_genuine)?;
        match self.cipher.read_message(self.nonce, sealed, plain) {
            Ok(length) if length == plain.len() => {
                self.nonce = next;
                Ok(())
            }
            Ok(_) | Err(_) => Err(not_genuine()),
        }
    }
}

/// What the octet in front says of a piece with this much data.
fn is_last(flag: u8, data: usize) -> Result<bool, ReadError> {
    match (flag, data) {
        (LAST, _) => Ok(true),
        // Pieces with nothing in them would keep this end busy for ever.
        (MORE, 1..) => Ok(false),
        (MORE, 0) => Err(Violation::new("a piece of a message inside Noise is empty").into()),
        (other, _) => {
            let sentence = format!("a message inside Noise begins with the octet {other}, and not with 0 or 1");
            Err(Violation::new(sentence).into())
        }
    }
}

fn not_genuine() -> ReadError {
    let why = "what came was not sent by the peer, or not in this order: somebody between alters the connection";
    io::Error::new(io::ErrorKind::InvalidData, why).into()
}

/// Covers what goes to the peer.
pub(crate) struct Sealer {
    cipher: Arc<StatelessTransportState>,
    nonce: u64,
    /// A WAMP message behind one octet.
    plain: BytesMut,
    /// Where the octet in front of the next piece stands, if there is a next piece.
    at: Option<usize>,
}

impl Sealer {
    pub(super) fn new(cipher: Arc<StatelessTransportState>) -> Self {
        Self {
            cipher,
            nonce: 0,
            plain: BytesMut::new(),
            at: None,
        }
    }

    /// Takes the WAMP message that `encode` appends. If that fails, there is nothing to send.
    pub(crate) fn fill<E>(
        &mut self,
        guess: usize,
        encode: impl FnOnce(&mut BytesMut) -> Result<(), E>,
    ) -> Result<(), E> {
        self.at = None;
        self.plain.clear();
        self.plain.reserve(FLAG + guess);
        self.plain.extend_from_slice(&[LAST]);
        encode(&mut self.plain)?;
        self.at = Some(0);
        Ok(())
    }

    /// The next Noise message of it.
    pub(crate) fn next_piece(&mut self) -> Option<Piece<'_>> {
        let at = self.at?;
        let end = self.plain.len().min(at + FLAG + MAX_DATA);
        let is_last = end == self.plain.len();
        // In front of a later piece stands the last byte of the one before, which has gone out.
        self.plain[at] = if is_last { LAST } else { MORE };
        self.at = (!is_last).then_some(end - FLAG);
        let nonce = self.nonce;
        self.nonce = nonce
            .checked_add(1)
            .expect("2^64 messages are not sent in a day, which is as long as a session lives");
        Some(Piece {
            cipher: &self.cipher,
            nonce,
            plain: &self.plain[at..end],
        })
    }

    /// Gives back memory that an idle connection does not need.
    pub(crate) fn rest(&mut self) {
        self.plain = BytesMut::new();
    }
}

/// One Noise message that is still to be encrypted. It has used up its nonce.
pub(crate) struct Piece<'a> {
    cipher: &'a StatelessTransportState,
    nonce: u64,
    plain: &'a [u8],
}

impl Piece<'_> {
    /// Bytes of the Noise message.
    pub(crate) const fn len(&self) -> usize {
        self.plain.len() + TAG
    }

    /// Appends the Noise message.
    pub(crate) fn seal_into(self, buffer: &mut BytesMut) {
        let at = buffer.len();
        buffer.resize(at + self.len(), 0);
        let written = self.cipher.write_message(self.nonce, self.plain, &mut buffer[at..]);
        assert!(
            matches!(written, Ok(length) if length == self.len()),
            "a piece of the right length is encrypted into as much room as it needs"
        );
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener")
            .field("nonce", &self.nonce)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer")
            .field("nonce", &self.nonce)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "transport_tests.rs"]
mod tests;
