//! `org.deskconn.discovery.*`: whether the desktop shows itself on the network, for the owner.

use std::sync::Arc;

use client::{Invocation, Reply, RequestError, Session};
use time::format_description::well_known::Rfc3339;
use wamp::value::Value;

use super::{Arguments, Desktop, offer, refused};

const ENABLE: [&str; 3] = [
    "org.deskconn.discovery.enable",
    "org.deskconn.enable_discovery",
    "org.deskconn.deskconnd.discovery.enable",
];
const DISABLE: [&str; 3] = [
    "org.deskconn.discovery.disable",
    "org.deskconn.disable_discovery",
    "org.deskconn.deskconnd.discovery.disable",
];

pub(super) async fn register(session: &Session, desktop: &Arc<Desktop>) -> Result<(), client::Error> {
    offer(session, desktop, &ENABLE, enable).await?;
    offer(session, desktop, &DISABLE, disable).await?;
    offer(session, desktop, &["org.deskconn.discovery.status"], status).await
}

/// `discovery.enable() → status`.
async fn enable(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    Arguments::of(&mut call).end()?;
    desktop.advertiser.enable().await.map_err(refused)?;
    Ok(row(&desktop).await.into())
}

/// `discovery.disable() → status`.
async fn disable(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    Arguments::of(&mut call).end()?;
    desktop.advertiser.disable().await.map_err(refused)?;
    Ok(row(&desktop).await.into())
}

/// `discovery.status() → status`: whether it is wanted and runs, and then as what.
async fn status(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    Arguments::of(&mut call).end()?;
    Ok(row(&desktop).await.into())
}

async fn row(desktop: &Desktop) -> Value {
    let enabled = desktop.advertiser.is_wanted().into();
    let Some(status) = desktop.advertiser.status().await else {
        return Value::dict([("enabled", enabled), ("running", false.into())]);
    };
    Value::dict([
        ("enabled", enabled),
        ("running", true.into()),
        ("name", status.name.into()),
        ("host", status.host.into()),
        ("announced", status.is_announced.into()),
        ("pairing", status.is_pairing.into()),
        ("since", status.since.format(&Rfc3339).unwrap_or_default().into()),
        ("trouble", status.trouble.into()),
    ])
}
