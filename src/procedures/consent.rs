//! `org.deskconn.consent.answer`: the owner's word on a call that waits for it.

use std::sync::Arc;

use client::{Invocation, Reply, RequestError, Session};
use wamp::id::MAX_ID;

use super::{Arguments, Desktop, offer, refused};

pub(super) async fn register(session: &Session, desktop: &Arc<Desktop>) -> Result<(), client::Error> {
    offer(session, desktop, &["org.deskconn.consent.answer"], answer).await
}

/// `consent.answer(request, allow) → null`: an error when nobody asks that any more.
async fn answer(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    let mut arguments = Arguments::of(&mut call);
    let (request, is_allowed) = (arguments.integer("request", 1..=MAX_ID)?, arguments.boolean("allow")?);
    arguments.end()?;
    if desktop.consents.answer(request, is_allowed) {
        return Ok(().into());
    }
    Err(refused(
        "nobody asks that any more: the call was answered, taken back, or waited too long",
    ))
}
