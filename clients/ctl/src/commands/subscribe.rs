//! `deskconnctl subscribe`.

use std::pin::pin;

use client::{Client, Dict, Event, SubscribeOptions, Value};

use super::Interrupts;
use super::keeping::told;
use crate::args::{Policy, Subscribe};
use crate::explain::{Deed, explain};
use crate::failure::Failure;
use crate::output::Output;
use crate::values;

pub(super) async fn run(client: &Client, subscribe: &Subscribe, output: &Output) -> Result<(), Failure> {
    let mut interrupts = Interrupts::new()?;
    let uri = &subscribe.uri;
    let options = SubscribeOptions {
        policy: subscribe.policy.unwrap_or_else(|| Policy::of(uri)).into(),
        get_retained: subscribe.retained,
        ..SubscribeOptions::default()
    };
    let mut told = pin!(told(client, "; what was published meanwhile was missed", output));
    let mut events = match client.subscribe_with(uri, options).await {
        Ok(events) => events,
        Err(error) => return Err(explain(&client.session().await?, Deed::Subscribe, uri, error).await),
    };
    output.remark(&format!("subscribed to {}; Ctrl-C ends it", subscribe.uri));
    let mut left = subscribe.count;
    let mut dropped = 0;
    while left != Some(0) {
        let event = tokio::select! {
            event = events.next() => event,
            failure = &mut told => return Err(failure),
            () = interrupts.next() => return Ok(()),
        };
        let Some(event) = event else {
            return Err(Failure::failed("the desktop has ended the subscription"));
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
