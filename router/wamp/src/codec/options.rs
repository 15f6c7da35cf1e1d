//! Options and Details, both ways: which keys mean something, and of which type.
//!
//! A known key with a value of the wrong type breaks the protocol; unknown keys are passed over.

mod write;

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;

pub(super) use self::write::{
    write_call, write_cancel, write_event, write_interrupt, write_invocation, write_progress, write_publish,
    write_register, write_subscribe,
};
use super::{Malformed, Read, Token};
use crate::id::SessionId;
use crate::message::{
    CallOptions, CancelMode, CancelOptions, EventDetails, InterruptOptions, InvocationDetails, Invoke, Match, Origin,
    PublishOptions, RegisterOptions, ResultDetails, Retained, SubscribeOptions, YieldOptions,
};
use crate::uri::Uri;

/// Takes the value of a key it knows, and says `false` for one it does not.
pub(super) type Set<'f, T, R> = fn(&mut T, &str, &mut R, &'f Bytes) -> Result<bool, Malformed>;

/// A URI that shares the frame's memory where the text stands in it unescaped.
pub(super) fn uri(text: Cow<'_, str>, frame: &Bytes) -> Uri {
    match text {
        Cow::Borrowed(slice) => Uri::from_utf8(frame.slice_ref(slice.as_bytes())).expect("text is UTF-8"),
        Cow::Owned(text) => Uri::from(text),
    }
}

/// A flag. Null is what JavaScript sends for an option that it was not given: the default stays.
fn flag<'f>(option: &mut bool, reader: &mut impl Read<'f>) -> Result<(), Malformed> {
    let token = reader.token()?;
    if let Token::Bool(flag) = token {
        *option = flag;
    } else if !token.is_null() {
        return Err(Malformed::Shape("options", "a flag is not true or false"));
    }
    Ok(())
}

/// A word that stands for a choice; null as for flags.
fn name<'f, T>(option: &mut T, reader: &mut impl Read<'f>, from_name: fn(&[u8]) -> Option<T>) -> Result<(), Malformed> {
    const UNKNOWN: Malformed = Malformed::Shape(
        "options",
        "match, invoke or mode has a value that the specification does not know",
    );
    let token = reader.token()?;
    if !token.is_null() {
        *option = token
            .text()
            .and_then(|name| from_name(name.as_bytes()))
            .ok_or(UNKNOWN)?;
    }
    Ok(())
}

/// A string that may be missing or null.
fn text<'f>(reader: &mut impl Read<'f>) -> Result<Option<Cow<'f, str>>, Malformed> {
    let token = reader.token()?;
    if token.is_null() {
        return Ok(None);
    }
    token
        .text()
        .map(Some)
        .ok_or(Malformed::Shape("details", "a string was expected"))
}

fn topic<'f>(reader: &mut impl Read<'f>, frame: &'f Bytes) -> Result<Option<Uri>, Malformed> {
    Ok(text(reader)?.map(|topic| uri(topic, frame)))
}

/// ERROR.Details has no key that means anything here.
pub(super) fn ignored<'f, R: Read<'f>>(_: &mut (), _: &str, _: &mut R, _: &'f Bytes) -> Result<bool, Malformed> {
    Ok(false)
}

pub(super) fn publish<'f, R: Read<'f>>(
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
        _ => return Ok(false),
    }
    Ok(true)
}

pub(super) fn subscribe<'f, R: Read<'f>>(
    options: &mut SubscribeOptions,
    key: &str,
    reader: &mut R,
    _: &'f Bytes,
) -> Result<bool, Malformed> {
    match key {
        "match" => name(&mut options.policy, reader, Match::from_name)?,
        "get_retained" => flag(&mut options.get_retained, reader)?,
        _ => return Ok(false),
    }
    Ok(true)
}

pub(super) fn register<'f, R: Read<'f>>(
    options: &mut RegisterOptions,
    key: &str,
    reader: &mut R,
    _: &'f Bytes,
) -> Result<bool, Malformed> {
    match key {
        "match" => name(&mut options.policy, reader, Match::from_name)?,
        "invoke" => name(&mut options.invoke, reader, Invoke::from_name)?,
        _ => return Ok(false),
    }
    Ok(true)
}

pub(super) fn call<'f, R: Read<'f>>(
    options: &mut CallOptions,
    key: &str,
    reader: &mut R,
    _: &'f Bytes,
) -> Result<bool, Malformed> {
    match key {
        "receive_progress" => flag(&mut options.receive_progress, reader)?,
        "disclose_me" => flag(&mut options.disclose_me, reader)?,
        _ => return Ok(false),
    }
    Ok(true)
}

pub(super) fn cancel<'f, R: Read<'f>>(
    options: &mut CancelOptions,
    key: &str,
    reader: &mut R,
    _: &'f Bytes,
) -> Result<bool, Malformed> {
    if key != "mode" {
        return Ok(false);
    }
    name(&mut options.mode, reader, CancelMode::from_name)?;
    Ok(true)
}

pub(super) fn interrupt<'f, R: Read<'f>>(
    options: &mut InterruptOptions,
    key: &str,
    reader: &mut R,
    frame: &'f Bytes,
) -> Result<bool, Malformed> {
    match key {
        "mode" => name(&mut options.mode, reader, CancelMode::from_name)?,
        "reason" => options.reason = topic(reader, frame)?,
        _ => return Ok(false),
    }
    Ok(true)
}

pub(super) fn result<'f, R: Read<'f>>(
    details: &mut ResultDetails,
    key: &str,
    reader: &mut R,
    _: &'f Bytes,
) -> Result<bool, Malformed> {
    if key != "progress" {
        return Ok(false);
    }
    flag(&mut details.progress, reader)?;
    Ok(true)
}

pub(super) fn yielded<'f, R: Read<'f>>(
    options: &mut YieldOptions,
    key: &str,
    reader: &mut R,
    _: &'f Bytes,
) -> Result<bool, Malformed> {
    if key != "progress" {
        return Ok(false);
    }
    flag(&mut options.progress, reader)?;
    Ok(true)
}

pub(super) fn event<'f, R: Read<'f>>(
    details: &mut EventDetails,
    key: &str,
    reader: &mut R,
    frame: &'f Bytes,
) -> Result<bool, Malformed> {
    match key {
        "topic" => details.topic = topic(reader, frame)?,
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
        _ => return Ok(false),
    }
    Ok(true)
}

/// When a retained event was published. Keys of one's own begin with `_` (WAMP specification, "Extensibility").
const PUBLISHED_AT: &str = "_published_at";

pub(super) fn invocation<'f, R: Read<'f>>(
    details: &mut InvocationDetails,
    key: &str,
    reader: &mut R,
    frame: &'f Bytes,
) -> Result<bool, Malformed> {
    match key {
        "procedure" => details.procedure = topic(reader, frame)?,
        "receive_progress" => flag(&mut details.receive_progress, reader)?,
        "caller" | "caller_authid" | "caller_authrole" => origin(&mut details.caller, key, reader)?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// One of the three keys that tell who called or published. They come in any order.
fn origin<'f>(origin: &mut Option<Box<Origin>>, key: &str, reader: &mut impl Read<'f>) -> Result<(), Malformed> {
    let mut known = origin.take().map_or_else(
        || Origin {
            session: SessionId::FIRST,
            authid: Arc::from(""),
            authrole: Arc::from(""),
        },
        |origin| *origin,
    );
    if key.ends_with("_authid") {
        known.authid = Arc::from(text(reader)?.unwrap_or_default());
    } else if key.ends_with("_authrole") {
        known.authrole = Arc::from(text(reader)?.unwrap_or_default());
    } else {
        let id = reader.token()?.uint().and_then(SessionId::new);
        known.session = id.ok_or(Malformed::Shape(
            "details",
            "a session is not an integer from 1 to 2^53",
        ))?;
    }
    *origin = Some(Box::new(known));
    Ok(())
}
