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
        let now = Instant::now();
        kept.insert(
            key,
            Kept {
                session,
                opened: now,
                used: now,
            },
        );
        drop(kept);
        let sessions = Arc::downgrade(self);
        tokio::spawn(async move {
            tokio::time::sleep(KEPT_FOR).await;
            if let Some(sessions) = sessions.upgrade() {
                sessions.kept().retain(|_, kept| kept.opened.elapsed() < KEPT_FOR);
            }
        });
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
