//! `org.deskconn.agent.*`: what the agent of a desktop session asks of a system service.

use std::sync::Arc;

use client::{Invocation, Reply, RequestError, Session};
use components::Settings;
use components::agent::{ON_SETTINGS, READY, WELCOME, entries};
use wamp::value::Value;

use super::{Arguments, Desktop, offer, refused};

pub(super) async fn register(session: &Session, desktop: &Arc<Desktop>) -> Result<(), client::Error> {
    // "org.deskconn.agent.welcome", "org.deskconn.agent.ready"
    offer(session, desktop, &[WELCOME], welcome).await?;
    offer(session, desktop, &[READY], ready).await
}

/// `agent.welcome() → {components, settings}`: which functions the agent is to serve, and their settings as JSON.
async fn welcome(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    Arguments::of(&mut call).end()?;
    let is_offered = |name: &&str| desktop.functions.names().any(|offered| offered == *name);
    let names = entries().map(|entry| entry.name).filter(is_offered);
    let settings = as_json(&desktop.said.settings().borrow()).map_err(refused)?;
    Ok(Value::dict([
        ("components", Value::List(names.map(Value::from).collect())),
        ("settings", settings.into()),
    ])
    .into())
}

/// `agent.ready() → null`: it serves them from now on.
async fn ready(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    Arguments::of(&mut call).end()?;
    let caller = call
        .caller
        .as_ref()
        .ok_or_else(|| refused("the agent is not disclosed"))?;
    desktop.access.agent_serves(caller.session);
    Ok(Value::Null.into())
}

/// Tells the agent of other settings, for as long as the session lasts: "org.deskconn.agent.on_settings".
pub(crate) async fn publish(session: Session, desktop: Arc<Desktop>) {
    let mut settings = desktop.said.settings();
    loop {
        tokio::select! {
            changed = settings.changed() => if changed.is_err() { return },
            _ = session.closed() => return,
        }
        let Ok(json) = as_json(&settings.borrow_and_update()) else {
            continue;
        };
        if let Err(error) = session.publish(ON_SETTINGS, [json.into()]).await {
            tracing::debug!(%error, "an event was not published");
        }
    }
}

fn as_json(settings: &Settings) -> serde_json::Result<String> {
    serde_json::to_string(settings)
}
