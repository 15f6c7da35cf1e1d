//! Options and Details, both ways: which keys mean something, and of which type.
//!
//! A known key with a value of the wrong type breaks the protocol; unknown keys are passed over.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;

use super::{Malformed, Read, Token, Write};
use crate::error::Unconvertible;
use crate::id::SessionId;
use crate::message::{
    CallOptions, CancelMode, CancelOptions, EventDetails, InterruptOptions, InvocationDetails, Invoke, Match, Origin,
    PublishOptions, RegisterOptions, ResultDetails, SubscribeOptions, YieldOptions,
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
    if key != "match" {
        return Ok(false);
    }
    name(&mut options.policy, reader, Match::from_name)?;
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
        _ => return Ok(false),
    }
    Ok(true)
}

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

fn flags(writer: &mut impl Write, flags: &[(&str, bool)]) {
    let mark = writer.map(Some(flags.iter().filter(|(_, set)| *set).count()));
    for (key, _) in flags.iter().filter(|(_, set)| *set) {
        writer.key(key);
        writer.boolean(true);
    }
    writer.end_map(mark, None);
}

fn names(writer: &mut impl Write, names: &[(&str, &str, bool)]) {
    let mark = writer.map(Some(names.iter().filter(|(.., set)| *set).count()));
    for (key, name, _) in names.iter().filter(|(.., set)| *set) {
        writer.key(key);
        writer.text(name);
    }
    writer.end_map(mark, None);
}

pub(super) fn write_publish(writer: &mut impl Write, options: PublishOptions) {
    let PublishOptions {
        acknowledge,
        exclude_me,
        disclose_me,
    } = options;
    let mark = writer.map(Some(
        usize::from(acknowledge) + usize::from(!exclude_me) + usize::from(disclose_me),
    ));
    for (key, value, is_usual) in [
        ("acknowledge", acknowledge, !acknowledge),
        ("disclose_me", disclose_me, !disclose_me),
        ("exclude_me", exclude_me, exclude_me),
    ] {
        if !is_usual {
            writer.key(key);
            writer.boolean(value);
        }
    }
    writer.end_map(mark, None);
}

pub(super) fn write_subscribe(writer: &mut impl Write, options: SubscribeOptions) {
    names(
        writer,
        &[("match", options.policy.name(), options.policy != Match::Exact)],
    );
}

pub(super) fn write_register(writer: &mut impl Write, options: RegisterOptions) {
    names(
        writer,
        &[
            ("invoke", options.invoke.name(), options.invoke != Invoke::Single),
            ("match", options.policy.name(), options.policy != Match::Exact),
        ],
    );
}

pub(super) fn write_call(writer: &mut impl Write, options: CallOptions) {
    flags(
        writer,
        &[
            ("disclose_me", options.disclose_me),
            ("receive_progress", options.receive_progress),
        ],
    );
}

/// The mode always goes along: where it is missing, readers differ in what they take.
pub(super) fn write_cancel(writer: &mut impl Write, options: CancelOptions) {
    names(writer, &[("mode", options.mode.name(), true)]);
}

pub(super) fn write_interrupt(writer: &mut impl Write, options: &InterruptOptions) -> Result<(), Unconvertible> {
    let mark = writer.map(Some(1 + usize::from(options.reason.is_some())));
    writer.key("mode");
    writer.text(options.mode.name());
    if let Some(reason) = &options.reason {
        writer.key("reason");
        writer.argument(reason.as_str())?;
    }
    writer.end_map(mark, None);
    Ok(())
}

pub(super) fn write_progress(writer: &mut impl Write, progress: bool) {
    flags(writer, &[("progress", progress)]);
}

pub(super) fn write_event(writer: &mut impl Write, details: &EventDetails) -> Result<(), Unconvertible> {
    let pairs = usize::from(details.topic.is_some()) + 3 * usize::from(details.publisher.is_some());
    let mark = writer.map(Some(pairs));
    if let Some(topic) = &details.topic {
        writer.key("topic");
        writer.argument(topic.as_str())?;
    }
    if let Some(publisher) = &details.publisher {
        write_origin(
            writer,
            publisher,
            ["publisher", "publisher_authid", "publisher_authrole"],
        )?;
    }
    writer.end_map(mark, None);
    Ok(())
}

pub(super) fn write_invocation(writer: &mut impl Write, details: &InvocationDetails) -> Result<(), Unconvertible> {
    let pairs = usize::from(details.procedure.is_some())
        + usize::from(details.receive_progress)
        + 3 * usize::from(details.caller.is_some());
    let mark = writer.map(Some(pairs));
    if let Some(procedure) = &details.procedure {
        writer.key("procedure");
        writer.argument(procedure.as_str())?;
    }
    if details.receive_progress {
        writer.key("receive_progress");
        writer.boolean(true);
    }
    if let Some(caller) = &details.caller {
        write_origin(writer, caller, ["caller", "caller_authid", "caller_authrole"])?;
    }
    writer.end_map(mark, None);
    Ok(())
}

fn write_origin(
    writer: &mut impl Write,
    origin: &Origin,
    [session, authid, authrole]: [&str; 3],
) -> Result<(), Unconvertible> {
    writer.key(session);
    writer.uint(origin.session.get());
    writer.key(authid);
    writer.argument(&origin.authid)?;
    writer.key(authrole);
    writer.argument(&origin.authrole)
}
