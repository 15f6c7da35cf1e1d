//! From a session that the router has granted to one that callers see.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::keeper::Current;
use super::standing::Standing;
use super::status::{Opened, Status};
use crate::session::Session;

/// What could not be asked for again is asked for so often: a router gives a session of its own up after two minutes.
const MISSING_PAUSE: Duration = Duration::from_secs(30);

/// What makes a session one that callers see.
pub(super) struct Opening {
    pub(super) standing: Arc<Standing>,
    pub(super) session: Session,
    pub(super) status: watch::Sender<Status>,
    pub(super) current: watch::Sender<Current>,
    /// Why the one before could not go on.
    pub(super) ended: Option<String>,
}

impl Opening {
    /// Has everything stand in the session, then shows it; and tries again what could not be had.
    pub(super) async fn run(self) -> Infallible {
        let mut is_first = true;
        loop {
            let missing = self.standing.restore(&self.session).await;
            let is_complete = missing.is_empty();
            if is_first {
                self.current.send_replace(Current::Session(self.session.clone()));
            }
            let opened = match &self.ended {
                None => Opened::First,
                Some(reason) => Opened::Anew {
                    reason: reason.clone(),
                    missing,
                },
            };
            self.status.send_replace(Status::Open(opened));
            if is_complete {
                return pending().await;
            }
            is_first = false;
            sleep(MISSING_PAUSE).await;
        }
    }
}
