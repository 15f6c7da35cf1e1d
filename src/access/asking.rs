//! Calls procedures that somebody registered in a realm, because a decision is left to them.

use std::time::Duration;

use client::{Args, Error, RequestError, Session};
use tokio::time::timeout;
use wamp::error::NO_SUCH_PROCEDURE;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// Nobody offers the procedure.
    Absent,
    /// It answered with an error.
    Refused(RequestError),
    /// The session broke.
    Failed(Error),
    /// It took too long; it was told to stop.
    Late,
}

/// Calls a procedure, and waits for so long. Dropping the future cancels the call.
pub(super) async fn call(
    session: &Session,
    procedure: &str,
    args: impl Into<Args>,
    within: Duration,
) -> Result<Args, Unanswered> {
    match timeout(within, session.call(procedure, args)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(Error::Request(error))) if error.uri == NO_SUCH_PROCEDURE => Err(Unanswered::Absent),
        Ok(Err(Error::Request(error))) => Err(Unanswered::Refused(error)),
        Ok(Err(error)) => Err(Unanswered::Failed(error)),
        Err(_) => Err(Unanswered::Late),
    }
}
