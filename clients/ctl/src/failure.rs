//! Why a command did not do what it was asked to, and the exit status that says so.

use std::process::ExitCode;

use client::{ConnectError, Error, JoinError};

/// A command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// It was refused, or went wrong.
    #[error("{0}")]
    Failed(String),
    /// The arguments make no sense together, or one of them is not what it should be.
    #[error("{0}")]
    Usage(String),
    /// There is no desktop to talk to.
    #[error("{0}")]
    NotFound(String),
    /// Somebody answers who is not the desktop that was meant.
    #[error("{0}")]
    Impostor(String),
    /// Whoever read the output has gone, as `head` does: no reason to complain.
    #[error("nobody reads the output")]
    NobodyReads,
}

impl Failure {
    pub(crate) fn failed(sentence: impl Into<String>) -> Self {
        Self::Failed(sentence.into())
    }

    /// The desktop ended the session in the middle of something.
    pub(crate) fn ended() -> Self {
        Self::failed("the session with the desktop has ended")
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Failed(_) | Self::Impostor(_) => ExitCode::from(1),
            Self::Usage(_) => ExitCode::from(2),
            Self::NotFound(_) => ExitCode::from(3),
            Self::NobodyReads => ExitCode::SUCCESS,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        let sentence = error.to_string();
        match error {
            ConnectError::Target(_) | ConnectError::NoPin(_) | ConnectError::WouldBePlain(_) => Self::Usage(sentence),
            ConnectError::Unreachable(..) | ConnectError::TooSlow(..) => {
                Self::NotFound(format!("{sentence}; is a desktop running there?"))
            }
            ConnectError::NotWamp(..) => Self::Failed(format!("{sentence}; see whether the port is the right one")),
            ConnectError::Join(error) => Self::Failed(match hint(&error) {
                Some(hint) => format!("{sentence}; {hint}"),
                None => sentence,
            }),
            ConnectError::Lost(_)
            | ConnectError::PairingClosed(_)
            | ConnectError::Tls(..)
            | ConnectError::Noise(..) => Self::Failed(sentence),
        }
    }
}

/// What helps against a refusal, for those that a person can do something about.
fn hint(error: &JoinError) -> Option<&'static str> {
    let JoinError::Refused(abort) = error else { return None };
    match abort.reason.as_str() {
        "wamp.error.no_such_realm" => Some("name another realm with --realm"),
        "wamp.error.no_matching_auth_method" | "wamp.error.authentication_required" => {
            Some("give the key of a paired device with --key, or --anonymous where everybody may join")
        }
        "wamp.error.authentication_failed" | "wamp.error.authentication_denied" | "wamp.error.no_such_principal" => {
            Some("pair this key at the desktop first, with `deskconnctl pair`")
        }
        _ => None,
    }
}
