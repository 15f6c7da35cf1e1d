//! systemd's watchdog: says that the daemon is alive, as long as its parts really do their work (sd_watchdog_enabled(3)).

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use client::Session;
use router::Router;
use tokio::runtime::Handle;

/// What is looked at each time.
#[derive(Debug)]
pub struct Probe {
    /// Each realm must give its lock.
    pub router: Router,
    /// A call must go through the router and come back: reader, realm, queue and writer. A plain router has no session for it.
    pub session: Option<Session>,
}

/// Says that the daemon is alive until it is dropped.
///
/// A thread of its own does that: whatever hangs in the runtime must not keep it from noticing, and a lock that is never
/// given hangs this thread alone. Then nothing is said, and systemd ends the daemon and starts it again.
#[derive(Debug)]
pub struct Watchdog {
    over: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    /// Looks every half of `patience`, as systemd advises, and calls `tell` when all is well.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn start(probe: Probe, patience: Duration, tell: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let (over, is_over) = mpsc::channel();
        let handle = Handle::current();
        let every = patience / 2;
        let watch = move || {
            loop {
                if probe.succeeds(&handle, every) {
                    tell();
                } else {
                    tracing::error!("the daemon does not answer itself; its watchdog says nothing until it does");
                }
                match is_over.recv_timeout(every) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        };
        let thread = std::thread::Builder::new().name("watchdog".to_owned()).spawn(watch)?;
        Ok(Self {
            over: Some(over),
            thread: Some(thread),
        })
    }

    /// Looks no more, because the daemon ends in order. Does not wait for a look that hangs.
    pub fn stop(mut self) {
        self.over.take();
        if self.thread.as_ref().is_some_and(JoinHandle::is_finished) {
            let _ = self.thread.take().map(JoinHandle::join);
        }
    }
}

impl Probe {
    /// Whether everything answers within `limit`.
    fn succeeds(&self, handle: &Handle, limit: Duration) -> bool {
        for realm in self.router.realms() {
            realm.probe();
        }
        let (done, is_done) = mpsc::channel();
        let session = self.session.clone();
        handle.spawn(async move {
            let answered = match session {
                Some(session) => session.call("wamp.session.count", ()).await.is_ok(),
                None => true,
            };
            let _ = done.send(answered);
        });
        is_done.recv_timeout(limit).unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;
    use std::sync::Arc;

    use router::{Limits, OpenGate, Origins, RealmSettings, Role};

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(100);

    /// What comes on the socket within ten times the patience.
    fn beat(socket: &UnixDatagram) -> Option<Vec<u8>> {
        let mut buffer = [0; 64];
        let count = socket.recv(&mut buffer).ok()?;
        Some(buffer[..count].to_vec())
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_realm_that_does_not_give_its_lock_makes_it_silent_until_it_does() {
        let gate = OpenGate::new(Role::unrestricted("anonymous"));
        let router = Router::new(Arc::new(gate), Arc::new(Origins::default()), Limits::default());
        let realm = router.open_realm("realm1", RealmSettings::default());
        let session = Session::over(router.connect_local("test"), client::Options::new("realm1"));
        let session = session.await.unwrap();
        let (own, theirs) = UnixDatagram::pair().unwrap();
        theirs.set_read_timeout(Some(PATIENCE * 10)).unwrap();
        let probe = Probe {
            router: router.clone(),
            session: Some(session),
        };
        let watchdog = Watchdog::start(probe, PATIENCE, move || {
            own.send(b"WATCHDOG=1").unwrap();
        });
        let watchdog = watchdog.unwrap();
        assert_eq!(beat(&theirs).as_deref(), Some(&b"WATCHDOG=1"[..]));
        let (held, is_held) = mpsc::channel();
        let (free, is_free) = mpsc::channel::<()>();
        let stuck = std::thread::spawn(move || {
            let role = Arc::new(Role::unrestricted("anonymous"));
            // Whoever picks sessions does so under the realm's lock.
            realm.set_role(&role, |_| {
                let _ = held.send(());
                let _ = is_free.recv();
                false
            });
        });
        is_held.recv().unwrap();
        // One that was under way may still come.
        let more: Vec<_> = std::iter::from_fn(|| beat(&theirs)).take(3).collect();
        assert!(more.len() <= 1, "{more:?}");
        free.send(()).unwrap();
        assert!(beat(&theirs).is_some());
        stuck.join().unwrap();
        watchdog.stop();
    }
}
