//! The sessions behind requests: opened by the ordinary login, and kept for a while for the next request of the same token.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use client::{ConnectError, Options, Secret, Session};
use futures_util::FutureExt as _;
use router::{Peer, Router, Transport};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

/// Sessions that are kept: more programs than use a desktop by single requests.
pub(super) const MAX_KEPT: usize = 32;
/// How long one is kept: after that the token is proved again, and whoever may come in no more does not.
pub(super) const KEPT_FOR: Duration = Duration::from_secs(600);
/// Logins under way at one time; an authenticator may take seconds for each, and further ones wait.
const LOGINS: usize = 8;
/// Messages between the bridge and the router.
const QUEUE: usize = 64;

/// Who asks.
#[derive(Debug)]
pub(super) struct Credentials {
    pub(super) realm: String,
    pub(super) authid: String,
    pub(super) ticket: String,
}

#[derive(Debug)]
pub(super) struct Sessions {
    kept: Mutex<HashMap<[u8; 32], Kept>>,
    logins: Semaphore,
}

#[derive(Debug)]
struct Kept {
    session: Session,
    opened: Instant,
    used: Instant,
    /// Lets it go when its time is over, and goes with it.
    _end: AbortOnDropHandle<()>,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
            logins: Semaphore::new(LOGINS),
        }
    }
}

impl Sessions {
    fn kept(&self) -> MutexGuard<'_, HashMap<[u8; 32], Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session of these credentials.
    pub(super) async fn of(
        self: &Arc<Self>,
        credentials: &Credentials,
        router: &Router,
        peer: &Peer,
    ) -> Result<Session, ConnectError> {
        let key = key(credentials, peer);
        if let Some(session) = self.find(&key) {
            return Ok(session);
        }
        let _turn = self.logins.acquire().await;
        // Whoever waited may find that the same has logged in.
        if let Some(session) = self.find(&key) {
            return Ok(session);
        }
        let session = open(credentials, router, peer).await?;
        self.keep(key, session.clone());
        Ok(session)
    }

    fn find(&self, key: &[u8; 32]) -> Option<Session> {
        let mut kept = self.kept();
        let found = kept.get_mut(key)?;
        if found.opened.elapsed() >= KEPT_FOR || found.session.closed().now_or_never().is_some() {
            kept.remove(key);
            return None;
        }
        found.used = Instant::now();
        Some(found.session.clone())
    }

    /// Keeps a session, in the place of the one that was not used for longest where there are too many. Calls under way
    /// hold theirs.
    fn keep(self: &Arc<Self>, key: [u8; 32], session: Session) {
        let mut kept = self.kept();
        if kept.len() >= MAX_KEPT {
            let oldest = kept.iter().min_by_key(|(_, kept)| kept.used).map(|(key, _)| *key);
            oldest.and_then(|oldest| kept.remove(&oldest));
        }
        let sessions = Arc::downgrade(self);
        let end = tokio::spawn(async move {
            tokio::time::sleep(KEPT_FOR).await;
            if let Some(sessions) = sessions.upgrade() {
                sessions.kept().remove(&key);
            }
        });
        let now = Instant::now();
        kept.insert(
            key,
            Kept {
                session,
                opened: now,
                used: now,
                _end: AbortOnDropHandle::new(end),
            },
        );
    }

    /// Ends all that are not in use.
    pub(super) fn clear(&self) {
        self.kept().clear();
    }
}

/// Logs in as any client does, from the address that the request came from: attempts count, and are written down.
async fn open(credentials: &Credentials, router: &Router, peer: &Peer) -> Result<Session, ConnectError> {
    let (near, far) = router::local_link(QUEUE);
    let peer = Peer {
        transport: Transport::Bridge,
        ..peer.clone()
    };
    router.serve(far, peer);
    let options = Options {
        authid: Some(credentials.authid.clone()),
        secret: Some(Secret::Ticket(credentials.ticket.clone())),
        ..Options::new(&credentials.realm)
    };
    Session::over(near, options).await
}

/// What tells sessions apart; the ticket itself is not kept.
fn key(credentials: &Credentials, peer: &Peer) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [
        &credentials.realm,
        &credentials.authid,
        &credentials.ticket,
        peer.channel.name(),
    ] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let certificate = peer.channel.client_certificate();
    hash.update(certificate.map(|it| &it[..]).unwrap_or_default());
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use router::{Limits, OpenGate, Origins, RealmSettings, Role};

    use super::*;

    async fn session(router: &Router) -> Session {
        let (near, far) = router::local_link(QUEUE);
        router.serve(far, Peer::local("a program"));
        Session::over(near, Options::new("home")).await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_is_kept_for_its_time_and_is_over_then() {
        let gate = OpenGate::new(Role::unrestricted("anonymous"));
        let router = Router::new(Arc::new(gate), Arc::new(Origins::default()), Limits::default());
        router.open_realm("home", RealmSettings::default());
        let sessions = Arc::<Sessions>::default();
        let kept = session(&router).await;
        let (id, mut closed) = (kept.id(), Box::pin(kept.closed().map(drop)));
        let key = [1; 32];
        sessions.keep(key, kept.clone());
        tokio::time::advance(KEPT_FOR.checked_sub(Duration::from_millis(10)).unwrap()).await;
        assert_eq!(sessions.find(&key).unwrap().id(), id);
        assert!(futures_util::poll!(&mut closed).is_pending());
        drop(closed);
        drop(kept);
        tokio::time::advance(Duration::from_millis(10)).await;
        assert!(sessions.find(&key).is_none());
        let is_gone = async {
            while router.realms().iter().any(|realm| realm.report(1).session_count > 0) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(KEPT_FOR, is_gone)
            .await
            .expect("nobody holds it any more");
    }
}
