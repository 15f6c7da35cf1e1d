//! Who sits at the machine: the user whose session is in front, by logind.
//!
//! A system service gives that user the desktop, and nobody else, so what is not
//! known counts as nobody.

use std::fmt::Debug;
use std::sync::{Arc, OnceLock};

use futures_util::{FutureExt, StreamExt};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::sleep;

use super::RECONNECT_EVERY;
use super::logind::Logind;

/// Knows who sits at the machine.
pub trait Seat: Debug + Send + Sync {
    /// The user of the active session on the machine's own screen, graphical or
    /// text, as it changes; `None` at a login screen, and when nobody can tell.
    /// Following begins with the first call.
    fn occupant(&self) -> watch::Receiver<Option<u32>>;
}

/// The seat as logind has it.
#[derive(Debug)]
pub struct LogindSeat {
    logind: Arc<Logind>,
    occupant: watch::Sender<Option<u32>>,
    follower: OnceLock<AbortHandle>,
}

impl LogindSeat {
    /// The seat by that logind.
    pub(super) fn new(logind: Arc<Logind>) -> Self {
        Self {
            logind,
            occupant: watch::Sender::new(None),
            follower: OnceLock::new(),
        }
    }
}

impl Seat for LogindSeat {
    fn occupant(&self) -> watch::Receiver<Option<u32>> {
        self.follower.get_or_init(|| {
            let follow = follow(Arc::clone(&self.logind), self.occupant.clone());
            tokio::spawn(follow).abort_handle()
        });
        self.occupant.subscribe()
    }
}

impl Drop for LogindSeat {
    fn drop(&mut self) {
        if let Some(follower) = self.follower.get() {
            follower.abort();
        }
    }
}

async fn follow(logind: Arc<Logind>, occupant: watch::Sender<Option<u32>>) {
    loop {
        // The signals are heard before the question is asked, so no change falls in between.
        if let Ok(mut signals) = logind.signals().await {
            loop {
                let now = logind.occupied().await.ok().map(|session| session.uid);
                occupant.send_if_modified(|known| std::mem::replace(known, now) != now);
                if signals.next().await.is_none() {
                    break;
                }
                // Those that came together are answered by one question.
                while let Some(Some(_)) = signals.next().now_or_never() {}
            }
        }
        occupant.send_if_modified(|known| known.take().is_some());
        sleep(RECONNECT_EVERY).await;
    }
}
