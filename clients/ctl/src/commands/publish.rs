//! `deskconnctl publish`.

use client::Session;

use crate::args::Publish;
use crate::failure::Failure;
use crate::output::Output;
use crate::values;

pub(super) async fn run(session: &Session, publish: &Publish, output: &Output) -> Result<(), Failure> {
    let args = values::arguments(&publish.arguments)?;
    // Always acknowledged: a refusal must not pass in silence.
    let publication = if publish.retain {
        session.publish_retained(&publish.uri, args).await?
    } else {
        session.publish_acknowledged(&publish.uri, args).await?
    };
    if publish.ack {
        output.result(&publication.get(), || publication.to_string())?;
    }
    Ok(())
}
