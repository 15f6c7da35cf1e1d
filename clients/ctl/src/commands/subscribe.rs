//! `deskconnctl subscribe`.

use client::{Dict, Event, Session, Value};

use super::Interrupts;
use crate::args::Subscribe;
use crate::explain::{Deed, explain};
use crate::failure::Failure;
use crate::output::Output;
use crate::values;

pub(super) async fn run(session: &Session, subscribe: &Subscribe, output: &Output) -> Result<(), Failure> {
    let mut interrupts = Interrupts::new()?;
    let (uri, policy) = (&subscribe.uri, subscribe.policy.into());
    let subscribed = if subscribe.retained {
        session.subscribe_retained(uri, policy).await
    } else {
        session.subscribe_matching(uri, policy).await
    };
    let mut events = match subscribed {
        Ok(events) => events,
        Err(error) => return Err(explain(session, Deed::Subscribe, uri, error).await),
    };
    output.remark(&format!("subscribed to {}; Ctrl-C ends it", subscribe.uri));
    let mut left = subscribe.count;
    let mut dropped = 0;
    while left != Some(0) {
        let event = tokio::select! {
            event = events.next() => event,
            () = interrupts.next() => return Ok(()),
        };
        let Some(event) = event else {
            return Err(Failure::failed(format!(
                "the session has ended: {}",
                session.closed().await
            )));
        };
        show(event, subscribe, output)?;
        left = left.map(|left| left - 1);
        if events.dropped() > dropped {
            dropped = events.dropped();
            output.warn(&format!("events were lost because they came too fast: {dropped}"));
        }
    }
    Ok(())
}

fn show(event: Event, subscribe: &Subscribe, output: &Output) -> Result<(), Failure> {
    let topic = event
        .topic
        .as_ref()
        .map_or(subscribe.uri.as_str(), |topic| topic.as_str())
        .to_owned();
    let mut text = values::lines(&event.args);
    if subscribe.verbose {
        text = format!("{topic}\t{}", text.replace('\n', "\t"));
        if let Some(retained) = &event.retained {
            let published = retained.published_at.as_deref().unwrap_or("at an unknown time");
            text += &format!("\t(kept, published {published})");
        }
    }
    let mut row = values::row(event.args);
    row.insert("topic".to_owned(), topic.into());
    row.insert("publication".to_owned(), event.publication.get().into());
    if let Some(retained) = event.retained {
        let published = retained.published_at.as_deref().map(Value::from);
        let retained = Dict::from([("published_at".to_owned(), published.into())]);
        row.insert("retained".to_owned(), retained.into());
    }
    if let Some(publisher) = event.publisher {
        let publisher = Dict::from([
            ("session".to_owned(), publisher.session.get().into()),
            ("authid".to_owned(), Value::from(&*publisher.authid)),
            ("authrole".to_owned(), Value::from(&*publisher.authrole)),
        ]);
        row.insert("publisher".to_owned(), publisher.into());
    }
    output.result(&row, || text)
}
