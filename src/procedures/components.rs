//! `org.deskconn.components.*`: programs of others say what they offer.

use std::sync::Arc;

use client::{Invocation, Reply, RequestError, Session};
use wamp::value::Value;

use super::arguments::bad;
use super::{Arguments, Desktop, offer, refused};
use crate::described::{Item, MAX_ITEMS};

pub(super) async fn register(session: &Session, desktop: &Arc<Desktop>) -> Result<(), client::Error> {
    offer(session, desktop, &["org.deskconn.components.describe"], describe).await
}

/// `components.describe(items) → null`: what this session offers, in the place of what it said before.
async fn describe(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    let caller = call
        .caller
        .take()
        .ok_or_else(|| refused("the caller is not disclosed"))?;
    let mut arguments = Arguments::of(&mut call);
    let items = arguments.list("items")?;
    arguments.end()?;
    if items.len() > MAX_ITEMS {
        return Err(bad(format!("a session describes at most {MAX_ITEMS} items")));
    }
    let role = desktop.access.role_of_caller(&caller);
    let read = |(index, item): (usize, &Value)| {
        let row = item.as_dict().ok_or_else(|| "it is no dictionary".to_owned());
        let item = row.and_then(|row| Item::read(row, &caller, &role));
        item.map_err(|sentence| bad(format!("item {}: {sentence}", index + 1)))
    };
    let items = items.iter().enumerate().map(read).collect::<Result<_, _>>()?;
    desktop.access.describe(caller.session, items);
    Ok(Value::Null.into())
}

/// Publishes that something is offered, or not any more, for as long as the session lasts.
pub(crate) async fn publish(session: Session, desktop: Arc<Desktop>) {
    loop {
        tokio::select! {
            () = desktop.access.described().changed() => {}
            _ = session.closed() => return,
        }
        if let Err(error) = session.publish("org.deskconn.components.on_changed", ()).await {
            tracing::debug!(%error, "an event was not published");
        }
    }
}
