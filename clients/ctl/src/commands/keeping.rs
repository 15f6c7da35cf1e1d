//! What a command that runs until somebody ends it says of its connection: little, and nothing of a loss that is over at once.

use std::future::pending;
use std::time::Duration;

use client::{Client, Closed, Opened, Session, Status};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::failure::Failure;
use crate::output::Output;

/// A loss that is over so soon is not worth a word.
const GRACE: Duration = Duration::from_secs(1);

/// Says what becomes of the connection, until there will be none any more; and that it `misses` what happens meanwhile, if
/// it does.
pub(super) async fn told(client: &Client, misses: &str, output: &Output) -> Failure {
    let mut status = client.status();
    status.mark_unchanged();
    // Set while the desktop is away: when that is said.
    let mut away: Option<Instant> = None;
    let mut is_said = false;
    let mut ended = Box::pin(dismissed(client.clone(), None));
    loop {
        let change = async {
            match away.filter(|_| !is_said) {
                Some(at) => timeout_at(at, status.changed()).await,
                None => Ok(status.changed().await),
            }
        };
        let changed = tokio::select! {
            changed = change => changed,
            (session, sentence) = &mut ended => {
                output.warn(&format!("the desktop has ended the session: {sentence}"));
                ended = Box::pin(dismissed(client.clone(), Some(session)));
                continue;
            }
        };
        if changed.is_err() {
            output.remark("the desktop is away; waiting until it is back, Ctrl-C ends this");
            is_said = true;
            continue;
        }
        let now = status.borrow_and_update().clone();
        match now {
            Status::Connecting { .. } | Status::Waiting { .. } => {
                away.get_or_insert_with(|| Instant::now() + GRACE);
            }
            Status::Refused { reason, until: None } => return Failure::failed(reason),
            Status::Refused { reason, .. } => {
                output.warn(&format!("the desktop does not let this program in now: {reason}"));
                is_said = true;
            }
            Status::Open(Opened::Changed { ended, .. }) if !ended.is_empty() => {
                let ended: Vec<_> = ended.iter().map(ToString::to_string).collect();
                return Failure::failed(format!("the desktop has ended it: {}", ended.join("; ")));
            }
            Status::Open(opened) => {
                tell_open(&opened, is_said, misses, output);
                (away, is_said) = (None, false);
            }
            Status::Closed => return Failure::ended(),
        }
    }
}

/// Waits until the desktop ends a session, another than `last`, and gives it with the sentence that it was told.
async fn dismissed(client: Client, last: Option<Session>) -> (Session, String) {
    if let Some(last) = last {
        client_has_another(&client, &last).await;
    }
    loop {
        let Ok(session) = client.session().await else {
            return pending().await;
        };
        if let Closed::ByRouter(uri, sentence) = session.closed().await
            && uri == "wamp.close.killed"
        {
            return (session, sentence);
        }
        client_has_another(&client, &session).await;
    }
}

/// Waits until a session has another one in its place.
async fn client_has_another(client: &Client, session: &Session) {
    let mut status = client.status();
    while client.session().await.is_ok_and(|current| current.id() == session.id()) {
        if status.changed().await.is_err() {
            return pending().await;
        }
    }
}

fn tell_open(opened: &Opened, is_said: bool, misses: &str, output: &Output) {
    match opened {
        Opened::First => {}
        Opened::Resumed if is_said => output.remark("the desktop is back, and nothing was lost"),
        Opened::Resumed => {}
        Opened::Anew { missing, .. } => {
            output.remark(&format!("the desktop is back in a new session{misses}"));
            for missing in missing {
                output.warn(&format!("what stood before was refused now: {missing}"));
            }
        }
        Opened::Changed { missing, .. } if missing.is_empty() => output.remark("what was refused stands again"),
        Opened::Changed { missing, .. } => {
            for missing in missing {
                output.warn(&format!(
                    "the desktop refuses this now, and is asked for it again from time to time: {missing}"
                ));
            }
        }
    }
}

/// Waits until the desktop is back in a session that knows nothing of the one before.
pub(super) async fn begun_anew(status: &mut watch::Receiver<Status>) {
    loop {
        if status.changed().await.is_err() {
            return pending().await;
        }
        if matches!(*status.borrow_and_update(), Status::Open(Opened::Anew { .. })) {
            return;
        }
    }
}
