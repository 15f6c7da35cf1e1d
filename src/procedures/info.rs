//! `org.deskconn.info.get`: what this desktop is, and what the caller may do on it.

use std::sync::Arc;

use client::{Invocation, Reply, RequestError, Session};
use wamp::value::{Dict, Value};

use super::{Arguments, Desktop, dict, offer};

pub(super) async fn register(session: &Session, desktop: &Arc<Desktop>) -> Result<(), client::Error> {
    offer(session, desktop, &["org.deskconn.info.get"], get).await
}

/// `info.get() → {name, id, version, components, missing, role, sessions}`.
async fn get(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    Arguments::of(&mut call).end()?;
    let role = call.caller.as_ref().map(|caller| caller.authrole.to_string());
    let components = components::names().map(Value::from).collect::<Vec<_>>();
    let missing: Dict = desktop
        .machine
        .missing()
        .await
        .into_iter()
        .map(|it| (it.what.to_owned(), it.to_string().into()))
        .collect();
    Ok(dict([
        ("name", desktop.name.as_str().into()),
        ("id", desktop.store.identity().id().into()),
        ("version", env!("CARGO_PKG_VERSION").into()),
        ("components", Value::List(components)),
        ("missing", missing.into()),
        ("role", role.into()),
        ("sessions", (desktop.realm.session_count() as u64).into()),
    ])
    .into())
}
