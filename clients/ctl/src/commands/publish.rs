//! `deskconnctl publish`.

use client::Session;

use crate::args::Publish;
use crate::explain::{Deed, explain};
use crate::failure::Failure;
use crate::output::Output;
use crate::values;

pub(super) async fn run(session: &Session, publish: &Publish, output: &Output) -> Result<(), Failure> {
    let args = values::arguments(&publish.arguments)?;
    // Always acknowledged: a refusal must not pass in silence.
    let published = if publish.retain {
        session.publish_retained(&publish.uri, args).await
    } else {
        session.publish_acknowledged(&publish.uri, args).await
    };
    let publication = match published {
        Ok(publication) => publication,
        Err(error) => return Err(explain(session, Deed::Publish, &publish.uri, error).await),
    };
    if publish.ack {
        output.result(&publication.get(), || publication.to_string())?;
    }
    Ok(())
}
