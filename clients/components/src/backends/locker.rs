//! Locking the screen on whatever desktop there is, and knowing whether it is
//! locked.
//!
//! logind is asked first, since its `Lock` reaches GNOME, KDE and every desktop
//! with an idle daemon, even from outside the session. But `Lock` is only a
//! signal: nobody may be listening (a bare sway or Xfce). So success is what the
//! desktop reports, never that a message was accepted, and after
//! [`REPORT_WITHIN`] without a report the screen savers of the session bus are
//! asked, and last a program that the person has configured.
//!
//! logind alone unlocks: who may do that is decided by its policy, and above.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use zbus::OwnedObjectPath;

use super::bus::Bus;
use super::lock_command::LockCommand;
use super::logind::Logind;
use super::screensaver::ScreenSavers;
use super::{Failure, Locker, Missing, RECONNECT_EVERY};

/// How long a desktop gets to report that it has locked: an animation and a
/// cold start of a locker fit in.
pub const REPORT_WITHIN: Duration = Duration::from_secs(2);

/// How long one source gets to say whether the screen is locked. Less than
/// [`REPORT_WITHIN`], so that one that hangs does not hide the other's report.
const TELL_WITHIN: Duration = Duration::from_secs(1);

/// While a lock is awaited, how often the state is asked for besides listening:
/// some screen savers never announce.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// Announcements are followed by a question at most so often: some services, and any program on the session bus, may announce
/// without end.
pub const ASK_PAUSE: Duration = Duration::from_millis(100);

/// After the last announcement the state is asked for once more: a service may
/// have its name before it answers.
const SETTLES_WITHIN: Duration = Duration::from_secs(1);

/// The locker of the desktop in front.
#[derive(Debug)]
pub struct DesktopLocker {
    source: Arc<Source>,
    /// Aborted when the locker is dropped.
    _followers: JoinSet<()>,
}

/// Everything that can tell about the lock.
#[derive(Debug)]
struct Source {
    logind: Arc<Logind>,
    savers: ScreenSavers,
    command: LockCommand,
    known: watch::Sender<Option<bool>>,
    /// The session whose `LockedHint` was once seen as true: its desktop keeps
    /// it, so from then on a false is believed too.
    hint_kept_by: Mutex<Option<OwnedObjectPath>>,
    /// Answers are written down in the order in which they were asked for.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone, Copy)]
enum Announcer {
    Logind,
    ScreenSavers,
}

impl DesktopLocker {
    /// Starts to follow the lock of the desktop in front.
    pub(super) fn start(logind: Arc<Logind>, session_bus: Arc<Bus>) -> Self {
        let source = Arc::new(Source {
            logind,
            savers: ScreenSavers::new(session_bus),
            command: LockCommand::none(),
            known: watch::Sender::new(None),
            hint_kept_by: Mutex::new(None),
            asking: tokio::sync::Mutex::new(()),
        });
        let wake = Arc::new(Notify::new());
        let mut followers = JoinSet::new();
        for announcer in [Announcer::Logind, Announcer::ScreenSavers] {
            followers.spawn(follow(Arc::clone(&source), announcer, Arc::clone(&wake)));
        }
        followers.spawn(follow_command(source.command.holds(), Arc::clone(&wake)));
        let asked = Arc::clone(&source);
        followers.spawn(async move {
            loop {
                asked.ask().await;
                sleep(ASK_PAUSE).await;
                if timeout(SETTLES_WITHIN, wake.notified()).await.is_err() {
                    asked.ask().await;
                    wake.notified().await;
                }
            }
        });
        Self {
            source,
            _followers: followers,
        }
    }
}

/// Turns announcements into one wake-up. It asks nothing itself: while it waited
/// for an answer, announcements would pile up in front of that answer on the
/// same connection.
async fn follow(source: Arc<Source>, announcer: Announcer, wake: Arc<Notify>) {
    loop {
        let signals = match announcer {
            Announcer::Logind => source.logind.signals().await,
            Announcer::ScreenSavers => source.savers.signals().await,
        };
        if let Ok(mut signals) = signals {
            wake.notify_one();
            while signals.next().await.is_some() {
                wake.notify_one();
            }
            wake.notify_one();
        }
        sleep(RECONNECT_EVERY).await;
    }
}

/// The same for the locker that is only a process.
async fn follow_command(mut holds: watch::Receiver<bool>, wake: Arc<Notify>) {
    while holds.changed().await.is_ok() {
        wake.notify_one();
    }
}

impl Source {
    /// Asks, and tells those who follow.
    async fn ask(&self) -> Option<bool> {
        let _turn = self.asking.lock().await;
        let state = self.state().await;
        self.known
            .send_if_modified(|known| std::mem::replace(known, state) != state);
        state
    }

    async fn state(&self) -> Option<bool> {
        if *self.command.holds().borrow() {
            return Some(true);
        }
        let (session, active) = tokio::join!(
            timeout(TELL_WITHIN, self.logind.session()),
            timeout(TELL_WITHIN, self.savers.is_active())
        );
        if let Ok(Ok(session)) = session {
            let mut kept_by = self.hint_kept_by.lock().unwrap_or_else(PoisonError::into_inner);
            if session.locked_hint {
                *kept_by = Some(session.path);
                return Some(true);
            }
            if session.keeps_locked_hint || kept_by.as_ref() == Some(&session.path) {
                return Some(false);
            }
        }
        active.ok().flatten()
    }

    /// Whether it is reported in time that the screen is locked, or unlocked, be it announced or found by asking.
    async fn reports(&self, wanted: bool) -> bool {
        let mut changes = self.known.subscribe();
        let announced = async {
            while changes.changed().await.is_ok() {
                if *changes.borrow_and_update() == Some(wanted) {
                    break;
                }
            }
        };
        let found = async {
            while self.ask().await != Some(wanted) {
                sleep(ASK_EVERY).await;
            }
        };
        let either = async {
            tokio::select! {
                () = announced => {}
                () = found => {}
            }
        };
        timeout(REPORT_WITHIN, either).await.is_ok()
    }

    async fn lock(&self) -> Result<bool, Missing> {
        let by_logind = match self.logind.session().await {
            Ok(session) => self.logind.lock(&session).await,
            Err(missing) => Err(missing),
        };
        if by_logind.is_ok() && self.reports(true).await {
            return Ok(true);
        }
        let by_saver = self.lock_by_saver().await;
        if by_saver == Some(true) {
            return Ok(true);
        }
        match self.command.lock().await {
            Some(by_command) => by_command.map(|()| true),
            None => by_saver.map_or(by_logind.map(|()| false), Ok),
        }
    }

    /// Whether the first screen saver that accepts it has locked; `None` if none accepts it. A second one is not
    /// asked: the first that accepts is the desktop's own, and two lockers on one screen are one too many.
    async fn lock_by_saver(&self) -> Option<bool> {
        for saver in self.savers.running().await.unwrap_or_default() {
            if self.savers.lock(saver).await.is_ok() {
                return Some(self.reports(true).await);
            }
        }
        None
    }

    async fn unlock(&self) -> Result<bool, Failure> {
        let session = self.logind.session().await?;
        self.logind.unlock(&session).await?;
        Ok(self.reports(false).await)
    }
}

impl Locker for DesktopLocker {
    fn lock(&self) -> BoxFuture<'_, Result<bool, Failure>> {
        async { self.source.lock().await.map_err(Failure::Missing) }.boxed()
    }

    fn unlock(&self) -> BoxFuture<'_, Result<bool, Failure>> {
        self.source.unlock().boxed()
    }

    fn fall_back_on(&self, command: Vec<String>) {
        self.source.command.set(command);
    }

    fn is_locked(&self) -> BoxFuture<'_, Option<bool>> {
        self.source.ask().boxed()
    }

    fn changes(&self) -> watch::Receiver<Option<bool>> {
        self.source.known.subscribe()
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        async {
            let (session, running) = tokio::join!(self.source.logind.session(), self.source.savers.running());
            let has_locker = self.source.command.is_set() || !running.unwrap_or_default().is_empty();
            session.err().filter(|_| !has_locker)
        }
        .boxed()
    }
}
