//! From a session that the router has granted to one that callers see.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::keeper::Current;
use super::standing::Standing;
use super::status::{Missing, Opened, Status};
use crate::session::Session;

/// What could not be asked for again is asked for so often: a router gives a session of its own up after two minutes.
const MISSING_PAUSE: Duration = Duration::from_secs(30);

/// What is taken away is looked at by so many at a time: a change of rights takes several.
const AT_ONCE: usize = 256;

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
    /// Has everything stand in the session, then shows it; and tries again what could not be had, or is taken away.
    pub(super) async fn run(self) -> Infallible {
        let mut withdrawn = self.session.table().withdrawn();
        let mut missing = self.standing.restore(&self.session).await;
        self.current.send_replace(Current::Session(self.session.clone()));
        let opened = match &self.ended {
            None => Opened::First,
            Some(reason) => Opened::Anew {
                reason: reason.clone(),
                missing: missing.clone(),
            },
        };
        self.status.send_replace(Status::Open(opened));
        loop {
            let mut taken = Vec::new();
            tokio::select! {
                count = withdrawn.recv_many(&mut taken, AT_ONCE) => if count == 0 { return pending().await },
                () = sleep(MISSING_PAUSE), if !missing.is_empty() => {}
            }
            let ended = self.standing.withdrawn(&self.session, taken).await;
            let before = std::mem::replace(&mut missing, self.standing.restore(&self.session).await);
            let names = |missing: &[Missing]| missing.iter().map(|it| it.uri.clone()).collect::<Vec<_>>();
            if !ended.is_empty() || names(&before) != names(&missing) {
                let missing = missing.clone();
                self.status
                    .send_replace(Status::Open(Opened::Changed { missing, ended }));
            }
        }
    }
}
