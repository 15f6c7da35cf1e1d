//! `org.deskconn.consent`: the calls that wait for the owner's word, and the word.

use std::sync::Arc;

use client::{Invocation, Reply, RequestError, Session, Value};
use wamp::id::MAX_ID;

use super::{Arguments, Desktop, offer, refused};

pub(super) async fn register(session: &Session, desktop: &Arc<Desktop>) -> Result<(), client::Error> {
    offer(session, desktop, &["org.deskconn.consent.waiting"], waiting).await?;
    offer(session, desktop, &["org.deskconn.consent.answer"], answer).await
}

/// `consent.waiting() → [question]`: for who comes when something waits already.
async fn waiting(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    Arguments::of(&mut call).end()?;
    let questions = desktop.consents.list().into_iter().map(Value::Dict);
    Ok(Value::List(questions.collect()).into())
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
