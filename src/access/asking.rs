//! Calls procedures that somebody registered in a realm, because a decision is left to them: from a session of this process
//! in that realm, which is opened when it is needed.

use std::collections::HashMap;
use std::time::Duration;

use client::{Args, ConnectError, Error, Options, RequestError, Session};
use futures_util::FutureExt as _;
use router::Router;
use tokio::time::timeout;
use wamp::error::NO_SUCH_PROCEDURE;

/// The sessions from which procedures are called.
#[derive(Debug)]
pub(super) struct Callers {
    router: Router,
    /// The name of these sessions.
    name: &'static str,
    sessions: HashMap<String, Session>,
}

impl Callers {
    pub(super) fn new(router: Router, name: &'static str) -> Self {
        Self {
            router,
            name,
            sessions: HashMap::new(),
        }
    }

    /// The session in a realm.
    pub(super) async fn session(&mut self, realm: &str) -> Result<Session, ConnectError> {
        let known = self.sessions.get(realm);
        if let Some(session) = known.filter(|session| session.closed().now_or_never().is_none()) {
            return Ok(session.clone());
        }
        let session = Session::over(self.router.connect_local(self.name), Options::new(realm)).await?;
        self.sessions.insert(realm.to_owned(), session.clone());
        Ok(session)
    }
}

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
