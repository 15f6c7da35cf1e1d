//! Options and Details of publish and subscribe, as they are read.

use std::sync::Arc;

use bytes::Bytes;

use super::super::{Malformed, Read};
use super::route::route;
use super::{boxed, flag, list, name, number, origin, passthru, principal, session, small_number, text, topic};
use crate::id::SubscriptionId;
use crate::message::{EventDetails, Match, PublishOptions, PublishSpecial, Queued, Retained, SubscribeOptions};
use crate::uri::Uri;

/// When a retained event was published. Keys of one's own begin with `_` (WAMP specification, "Extensibility").
pub(super) const PUBLISHED_AT: &str = "_published_at";
/// Whether PUBLISHED is to wait until the event has arrived.
pub(super) const DELIVERED: &str = "_delivered";
/// The queue of a client, and the place of a publication in it.
pub(super) const QUEUE: &str = "_queue";
pub(super) const NUMBER: &str = "_number";
/// Whether what is retained of the topic is to be forgotten; also what links tell each other of that.
pub(super) const FORGET: &str = "_forget";
/// Whether an event wants an `EVENT_RECEIVED`, as autobahn-python calls it.
pub(super) const ACKNOWLEDGE: &str = "x_acknowledged_delivery";

pub(in crate::codec) fn publish<'f, R: Read<'f>>(
    options: &mut PublishOptions,
    key: &str,
    reader: &mut R,
    _: &'f Bytes,
) -> Result<bool, Malformed> {
    match key {
        "acknowledge" => flag(&mut options.acknowledge, reader)?,
        "exclude_me" => flag(&mut options.exclude_me, reader)?,
        "disclose_me" => flag(&mut options.disclose_me, reader)?,
        "retain" => flag(&mut options.retain, reader)?,
        QUEUE => place(options).name = text(reader)?.unwrap_or_default().into(),
        NUMBER => place(options).number = number(reader)?,
        DELIVERED => flag(&mut options.delivered, reader)?,
        FORGET => {
            let mut forget = options.forget();
            flag(&mut forget, reader)?;
            if forget || options.special.is_some() {
                options.special.get_or_insert_default().forget = forget;
            }
        }
        _ => {
            return Ok(audience(&mut options.special, key, reader)?
                || passthru(&mut options.passthru, key, reader)?
                || route(&mut options.passthru, key, reader)?);
        }
    }
    Ok(true)
}

fn place(options: &mut PublishOptions) -> &mut Queued {
    options.special.get_or_insert_default().queued.get_or_insert_default()
}

fn audience<'f, R: Read<'f>>(
    special: &mut Option<Box<PublishSpecial>>,
    key: &str,
    reader: &mut R,
) -> Result<bool, Malformed> {
    if !matches!(
        key,
        "eligible"
            | "eligible_authid"
            | "eligible_authrole"
            | "exclude"
            | "exclude_authid"
            | "exclude_authrole"
            | "rkey"
    ) {
        return Ok(false);
    }
    let mut all = special.take().unwrap_or_default();
    let known = &mut all.audience;
    match key {
        "eligible" => known.eligible = list(reader, session)?,
        "eligible_authid" => known.eligible_authid = list(reader, principal)?,
        "eligible_authrole" => known.eligible_authrole = list(reader, principal)?,
        "exclude" => known.exclude = list(reader, session)?.unwrap_or_default(),
        "exclude_authid" => known.exclude_authid = list(reader, principal)?.unwrap_or_default(),
        "exclude_authrole" => known.exclude_authrole = list(reader, principal)?.unwrap_or_default(),
        _ => boxed(&mut known.rkey, reader)?,
    }
    // Clients send the lists that they were not given as null or empty ones.
    *special = (*all != PublishSpecial::default()).then_some(all);
    Ok(true)
}

pub(in crate::codec) fn subscribe<'f, R: Read<'f>>(
    options: &mut SubscribeOptions,
    key: &str,
    reader: &mut R,
    _: &'f Bytes,
) -> Result<bool, Malformed> {
    match key {
        "match" => name(&mut options.policy, reader, Match::from_name)?,
        "get_retained" => flag(&mut options.get_retained, reader)?,
        "nkey" => boxed(&mut options.nkey, reader)?,
        _ => return Ok(false),
    }
    Ok(true)
}

pub(in crate::codec) fn event<'f, R: Read<'f>>(
    details: &mut EventDetails,
    key: &str,
    reader: &mut R,
    frame: &'f Bytes,
) -> Result<bool, Malformed> {
    match key {
        "topic" => details.topic = topic(reader, frame)?.map(Box::new),
        "publisher" | "publisher_authid" | "publisher_authrole" => origin(&mut details.publisher, key, reader)?,
        "retained" => {
            let mut is_retained = details.retained.is_some();
            flag(&mut is_retained, reader)?;
            let kept = details.retained.take().unwrap_or_default();
            details.retained = is_retained.then_some(kept);
        }
        PUBLISHED_AT => {
            let published_at = text(reader)?.map(Arc::from);
            details.retained = Some(Arc::new(Retained { published_at }));
        }
        "trustlevel" => small_number(details.trustlevel.get_or_insert_default(), reader)?,
        ACKNOWLEDGE => flag(&mut details.acknowledge, reader)?,
        _ => return Ok(passthru(&mut details.passthru, key, reader)? || route(&mut details.passthru, key, reader)?),
    }
    Ok(true)
}

pub(in crate::codec) fn subscription_revoked<'f, R: Read<'f>>(
    details: &mut (Option<SubscriptionId>, Option<Uri>),
    key: &str,
    reader: &mut R,
    frame: &'f Bytes,
) -> Result<bool, Malformed> {
    match key {
        "subscription" => details.0 = reader.token()?.uint().and_then(SubscriptionId::new),
        "reason" => details.1 = topic(reader, frame)?,
        _ => return Ok(false),
    }
    Ok(true)
}
