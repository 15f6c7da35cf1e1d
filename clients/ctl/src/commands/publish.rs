//! `deskconnctl publish`.

use client::{Args, Dict, Session, Value};

use super::Interrupts;
use crate::args::Publish;
use crate::explain::{Deed, explain};
use crate::failure::Failure;
use crate::output::Output;
use crate::values;

pub(super) async fn run(session: &Session, publish: &Publish, output: &Output) -> Result<(), Failure> {
    let args = values::arguments(&publish.arguments)?;
    if publish.will {
        return leave(session, publish, args, output).await;
    }
    // Always acknowledged: a refusal must not pass in silence.
    let published = match publish {
        Publish { forget: true, .. } => session.forget_retained(&publish.uri, args).await,
        Publish { retain: true, .. } => session.publish_retained(&publish.uri, args).await,
        Publish { .. } => session.publish_acknowledged(&publish.uri, args).await,
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

/// Leaves the event with the router, which publishes it when this session ends.
async fn leave(session: &Session, publish: &Publish, args: Args, output: &Output) -> Result<(), Failure> {
    let mut interrupts = Interrupts::new()?;
    let mut options = Dict::from([("retain".to_owned(), publish.retain.into())]);
    if publish.forget {
        if !session.router_does("broker", "x_forget_retained") {
            return Err(Failure::failed("this router cannot forget what it retains"));
        }
        options.insert("_forget".to_owned(), true.into());
    }
    let event = [publish.uri.as_str().into(), Value::List(args.args), args.kwargs.into()];
    let testament = Args::from(event).with("publish_options", options);
    if let Err(error) = session.call("wamp.session.add_testament", testament).await {
        return Err(explain(session, Deed::Publish, &publish.uri, error).await);
    }
    output.remark(&format!("{} is published when this ends; Ctrl-C ends it", publish.uri));
    tokio::select! {
        closed = session.closed() => Err(Failure::failed(format!("the session has ended: {closed}"))),
        () = interrupts.next() => Ok(()),
    }
}
