//! The sessions of actions: one in each realm, shared by all of them.
//!
//! That it is one session is what keeps an action from hearing what actions publish: an event does not come back to the
//! session that published it (WAMP specification, "Publisher Exclusion").

use std::collections::HashMap;

use client::{Args, ConnectError, Options, Session};
use futures_util::FutureExt as _;
use router::Router;
use tokio::sync::Mutex;

use super::Run;
use crate::config::DESKTOP_REALM;

/// The name of these sessions.
pub(crate) const NAME: &str = "actions";

/// The topic on which each action is told that was done.
const ON_RUN: &str = "org.deskconn.actions.on_run";

/// The sessions by their realms.
#[derive(Debug)]
pub(super) struct Sessions {
    router: Router,
    has_desktop: bool,
    open: Mutex<HashMap<String, Session>>,
}

impl Sessions {
    pub(super) fn new(router: Router, has_desktop: bool) -> Self {
        Self {
            router,
            has_desktop,
            open: Mutex::default(),
        }
    }

    /// Tells on the desktop what was done, if there is a desktop. Nobody waits for that.
    pub(super) async fn tell(&self, run: Run) {
        if !self.has_desktop {
            return;
        }
        let Ok(session) = self.of(DESKTOP_REALM).await else {
            return;
        };
        let args = Args::from([run.name.into()]).with("trigger", run.trigger);
        let args = run
            .outcome
            .into_iter()
            .fold(args, |args, (key, value)| args.with(&key, value));
        if let Err(error) = session.publish(ON_RUN, args).await {
            tracing::debug!(%error, "what an action did was not published");
        }
    }

    /// The session in a realm, opened anew if it has ended.
    pub(super) async fn of(&self, realm: &str) -> Result<Session, ConnectError> {
        let mut open = self.open.lock().await;
        let known = open.get(realm);
        if let Some(session) = known.filter(|session| session.closed().now_or_never().is_none()) {
            return Ok(session.clone());
        }
        let session = Session::over(self.router.connect_local(NAME), Options::new(realm)).await?;
        open.insert(realm.to_owned(), session.clone());
        Ok(session)
    }
}
