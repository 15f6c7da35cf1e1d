//! Sessions of this process in the realms of its own router, for one purpose: one in each realm, opened when it is needed.

use std::collections::HashMap;

use client::{ConnectError, Options, Session};
use futures_util::FutureExt as _;
use router::Router;
use tokio::sync::Mutex;

/// The sessions of one purpose, by their realms.
#[derive(Debug)]
pub(crate) struct Sessions {
    router: Router,
    /// What the gate knows them by.
    name: &'static str,
    open: Mutex<HashMap<String, Session>>,
}

impl Sessions {
    pub(crate) fn new(router: Router, name: &'static str) -> Self {
        Self {
            router,
            name,
            open: Mutex::default(),
        }
    }

    /// The session in a realm, opened anew if it has ended.
    ///
    /// # Errors
    /// There is no such realm any more.
    pub(crate) async fn of(&self, realm: &str) -> Result<Session, ConnectError> {
        let mut open = self.open.lock().await;
        let known = open.get(realm);
        if let Some(session) = known.filter(|session| session.closed().now_or_never().is_none()) {
            return Ok(session.clone());
        }
        let session = Session::over(self.router.connect_local(self.name), Options::new(realm)).await?;
        open.insert(realm.to_owned(), session.clone());
        Ok(session)
    }
}
