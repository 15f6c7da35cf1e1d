//! Why a command did not do what it was asked to, and the exit status that says so.

use std::process::ExitCode;

use client::{ConnectError, Error, JoinError};

use crate::explain;

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
    /// One of these, with what helps.
    #[error("{0}")]
    Hinted(Box<Self>, String),
    /// Whoever read the output has gone, as `head` does: no reason to complain.
    #[error("nobody reads the output")]
    NobodyReads,
}

impl Failure {
    pub(crate) fn failed(sentence: impl Into<String>) -> Self {
        Self::Failed(sentence.into())
    }

    /// The same with a step that may mend it.
    #[must_use]
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self::Hinted(Box::new(self), hint.into())
    }

    /// What may mend it, in the order in which it was said.
    pub(crate) fn hints(&self) -> Vec<&str> {
        let Self::Hinted(failure, hint) = self else {
            return Vec::new();
        };
        let mut hints = failure.hints();
        hints.push(hint);
        hints
    }

    /// Whether nobody was there to be asked.
    #[cfg(test)]
    pub(crate) fn is_not_found(&self) -> bool {
        match self {
            Self::NotFound(_) => true,
            Self::Hinted(failure, _) => failure.is_not_found(),
            Self::Failed(_) | Self::Usage(_) | Self::Impostor(_) | Self::NobodyReads => false,
        }
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
            Self::Hinted(failure, _) => failure.exit_code(),
            Self::NobodyReads => ExitCode::SUCCESS,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let hint = match &error {
            Error::Request(error) => explain::hint(error),
            Error::Closed(_) | Error::Unconvertible(_) => None,
        };
        let failure = Self::Failed(error.to_string());
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        let sentence = error.to_string();
        match error {
            ConnectError::Target(_) | ConnectError::NoPin(_) | ConnectError::WouldBePlain(_) => Self::Usage(sentence),
            ConnectError::Unreachable(..) | ConnectError::TooSlow(..) => Self::NotFound(sentence)
                .hint("is a desktop running there? `deskconnctl discover` shows those on the network"),
            ConnectError::NotWamp(place, why) if is_full(&why) => {
                Self::Failed(format!("{place} has no place for another connection: {why}"))
                    .hint("try again in a moment; `[limits]` in the router's configuration says how many it takes")
            }
            ConnectError::NotWamp(..) => Self::Failed(sentence).hint("see whether the port is the right one"),
            ConnectError::Join(error) => match hint(&error) {
                Some(hint) => Self::Failed(sentence).hint(hint),
                None => Self::Failed(sentence),
            },
            ConnectError::Lost(_)
            | ConnectError::PairingClosed(_)
            | ConnectError::Tls(..)
            | ConnectError::Noise(..) => Self::Failed(sentence),
        }
    }
}

/// Whether a router said that it has as many connections as it takes: in HTTP by the status 503, or by the code of RawSocket.
fn is_full(why: &str) -> bool {
    why.contains("HTTP status 503 ") || why.contains("as many connections as it takes")
}

/// What helps against a refusal, for those that a person can do something about.
fn hint(error: &JoinError) -> Option<&'static str> {
    let JoinError::Refused(abort) = error else { return None };
    hint_for(abort.reason.as_str())
}

fn hint_for(reason: &str) -> Option<&'static str> {
    match reason {
        "wamp.error.no_such_realm" => Some("name another realm with --realm"),
        "wamp.error.no_matching_auth_method" | "wamp.error.authentication_required" => Some(
            "`deskconnctl join` pairs this command line, and --desktop NAME goes there then; for other routers there \
                 are --ticket, --password, --key, --certificate and --anonymous",
        ),
        "wamp.error.authentication_failed" | "wamp.error.no_such_principal" => Some(
            "it was never paired there, or was revoked: `deskconnctl pair` at the desktop, then `deskconnctl join` here",
        ),
        // Who is denied is known there, and the refusal says what stands against it: `wamp.error.authentication_denied`.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_may_never_have_been_paired_is_told_to_pair() {
        let hint = hint_for("wamp.error.authentication_failed").unwrap();
        assert!(hint.contains("never paired"), "{hint}");
        let denied = hint_for("wamp.error.authentication_denied");
        assert_eq!(denied, None, "the refusal itself says what helps");
    }
}
