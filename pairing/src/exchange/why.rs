//! Why an exchange ended at the desktop, and the little of it that the device is told.
//!
//! It decides nothing.

use crate::exchange::messages::encode_error;
use crate::random::NoRandom;
use crate::trust::TrustError;

/// What the other side is told, in an `error` frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// No window is open, or it was closed.
    Closed,
    /// Another device is at it.
    Busy,
    /// The time was over.
    Expired,
    /// A person said no, or nothing, or the desktop cannot take the device.
    Refused,
    /// Everything else: one word, so that it helps nobody who guesses.
    Mismatch,
}

impl Code {
    const ALL: [Self; 5] = [Self::Closed, Self::Busy, Self::Expired, Self::Refused, Self::Mismatch];

    /// The word on the wire.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Busy => "busy",
            Self::Expired => "expired",
            Self::Refused => "refused",
            Self::Mismatch => "mismatch",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.word() == word)
    }
}

/// Why the desktop ended an exchange. The log and the owner see all of it; the device sees [`Why::code`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// No window is open for this form.
    #[error("no pairing window is open")]
    Closed,
    /// Another device is at it.
    #[error("another device is being paired")]
    Busy,
    /// The window's time was over, or the device took too long.
    #[error("the time for pairing was over")]
    Expired,
    /// A frame was not the message that was due.
    #[error("the device sent something that is not the message due")]
    Malformed,
    /// The certificate that the device saw is not this desktop's.
    #[error("SOMEBODY IS IN BETWEEN: the device saw another certificate than this desktop's")]
    OtherCertificate,
    /// The device has another TLS session than this desktop.
    #[error("SOMEBODY IS IN BETWEEN: the device's TLS session is not the one that ends here")]
    OtherSession,
    /// A native client on TLS did not say which certificate it saw.
    #[error("the device did not say which certificate it saw")]
    NoCertificate,
    /// A key cannot be used.
    #[error("a key of the device cannot be used")]
    BadKey,
    /// A key is the desktop's own.
    #[error("a key of the device is this desktop's own")]
    OwnKey,
    /// A key is another device's, or the list is full.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The device comes by a link, and the window has none.
    #[error("the device came by a link, and this window has none")]
    NoLink,
    /// The secret was wrong, or somebody changed a message.
    #[error("the code was wrong, or the messages were changed on the way")]
    WrongCode,
    /// The device does not have the key it shows.
    #[error("the device does not have the key it shows")]
    BadSignature,
    /// The owner said no.
    #[error("it was refused at the desktop")]
    Denied,
    /// The owner said nothing.
    #[error("nobody answered at the desktop in time")]
    Unanswered,
    /// The owner closed the window.
    #[error("pairing was closed at the desktop")]
    Cancelled,
    /// The device did not confirm that it had stored what it was granted.
    #[error("the device did not confirm the pairing in time")]
    Unconfirmed,
    /// The device ended it, with this word.
    #[error("the device ended the pairing: {}", .0.word())]
    Left(Code),
    /// There is no such exchange (any more).
    #[error("this exchange is over")]
    Over,
    /// No randomness.
    #[error(transparent)]
    NoRandom(#[from] NoRandom),
}

impl Why {
    /// What the device is told.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Closed | Self::Cancelled | Self::Over => Code::Closed,
            Self::Busy => Code::Busy,
            Self::Expired | Self::Unconfirmed => Code::Expired,
            Self::Denied | Self::Unanswered | Self::NoRandom(_) | Self::Trust(TrustError::Full) => Code::Refused,
            Self::Malformed
            | Self::OtherCertificate
            | Self::OtherSession
            | Self::NoCertificate
            | Self::BadKey
            | Self::OwnKey
            | Self::Trust(_)
            | Self::NoLink
            | Self::WrongCode
            | Self::BadSignature
            | Self::Left(_) => Code::Mismatch,
        }
    }

    /// The last frame to send before the connection is closed.
    #[must_use]
    pub fn frame(&self) -> Vec<u8> {
        encode_error(self.code())
    }

    /// Whether this looks like an attack rather than a mistake: to be shown in red.
    #[must_use]
    pub fn is_alarming(&self) -> bool {
        matches!(self, Self::OtherCertificate | Self::OtherSession | Self::OwnKey)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::messages::decode_error;

    #[test]
    fn every_code_is_read_as_it_was_written_and_no_other() {
        for code in Code::ALL {
            assert_eq!(decode_error(&encode_error(code)), Some(code));
        }
        assert_eq!(hex::encode(encode_error(Code::Busy)), "a164636f64656462757379");
        assert_eq!(decode_error(&hex::decode("a164636f64656462757a79").unwrap()), None);
        assert_eq!(decode_error(&[]), None);
    }

    #[test]
    fn a_device_is_told_nothing_about_how_near_it_was() {
        for why in [
            Why::WrongCode,
            Why::BadSignature,
            Why::OtherCertificate,
            Why::OwnKey,
            Why::Malformed,
        ] {
            assert_eq!(why.code(), Code::Mismatch);
        }
        assert_eq!(
            Why::Trust(TrustError::KeyInUse("d_00000000".into())).code(),
            Code::Mismatch
        );
        assert_eq!(Why::Denied.frame(), Why::Unanswered.frame());
    }
}
