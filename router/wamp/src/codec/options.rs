//! Options and Details, both ways: which keys mean something, and of which type.
//!
//! A known key with a value of the wrong type breaks the protocol; unknown keys are passed over.

mod pubsub;
mod route;
mod rpc;
mod write;

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;

pub(super) use self::pubsub::{event, publish, subscribe, subscription_revoked};
pub(super) use self::rpc::{
    call, cancel, error, interrupt, invocation, register, registration_revoked, result, yielded,
};
pub(super) use self::write::{
    write_call, write_cancel, write_error, write_event, write_interrupt, write_invocation, write_publish,
    write_register, write_result, write_revocation, write_subscribe, write_yield,
};
use super::{Malformed, Read, Token};
use crate::id::MAX_ID;
use crate::id::SessionId;
use crate::message::{Origin, Passthru, SharedPassthru};
use crate::uri::Uri;

/// Takes the value of a key it knows, and says `false` for one it does not.
pub(super) type Set<'f, T, R> = fn(&mut T, &str, &mut R, &'f Bytes) -> Result<bool, Malformed>;

/// A URI that shares the frame's memory where the text stands in it unescaped.
pub(super) fn uri(text: Cow<'_, str>, frame: &Bytes) -> Uri {
    match text {
        Cow::Borrowed(slice) => Uri::within(frame, slice),
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
    const UNKNOWN: Malformed = Malformed::Shape("options", "a value that the specification does not know");
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

/// An integer of zero or more; null as for flags. More than fits is taken for as much as fits.
fn small_number<'f>(option: &mut u32, reader: &mut impl Read<'f>) -> Result<(), Malformed> {
    const OTHERWISE: Malformed = Malformed::Shape("options", "a number is not an integer of zero or more");
    let token = reader.token()?;
    if !token.is_null() {
        *option = u32::try_from(token.uint().ok_or(OTHERWISE)?).unwrap_or(u32::MAX);
    }
    Ok(())
}

/// An integer from 0 to 2^53.
fn number<'f>(reader: &mut impl Read<'f>) -> Result<u64, Malformed> {
    const OTHERWISE: Malformed = Malformed::Shape("options", "a number is not an integer from 0 to 2^53");
    reader
        .token()?
        .uint()
        .filter(|number| *number <= MAX_ID)
        .ok_or(OTHERWISE)
}

/// A string of its own memory, that may be null.
fn boxed<'f>(option: &mut Option<Box<str>>, reader: &mut impl Read<'f>) -> Result<(), Malformed> {
    *option = text(reader)?.map(|text| Box::from(&*text));
    Ok(())
}

/// A list of what `take` makes of each value. One value alone is a list of one, and null is none: clients differ.
fn list<'f, T, R: Read<'f>>(
    reader: &mut R,
    take: fn(Token<'f>) -> Result<T, Malformed>,
) -> Result<Option<Vec<T>>, Malformed> {
    let token = reader.token()?;
    if token.is_null() {
        return Ok(None);
    }
    let Token::Array(mut items) = token else {
        return Ok(Some(vec![take(token)?]));
    };
    let mut list = Vec::new();
    while reader.more(&mut items)? {
        list.push(take(reader.token()?)?);
    }
    Ok(Some(list))
}

fn session(token: Token<'_>) -> Result<SessionId, Malformed> {
    const OTHERWISE: Malformed = Malformed::Shape("options", "a session is not an integer from 1 to 2^53");
    token.uint().and_then(SessionId::new).ok_or(OTHERWISE)
}

fn principal(token: Token<'_>) -> Result<Box<str>, Malformed> {
    const OTHERWISE: Malformed = Malformed::Shape("options", "a list of authids or authroles holds something else");
    token.text().map(|text| Box::from(&*text)).ok_or(OTHERWISE)
}

/// One of the keys that tell how a payload is packed, if it is one.
fn passthru<'f>(packed: &mut SharedPassthru, key: &str, reader: &mut impl Read<'f>) -> Result<bool, Malformed> {
    let field: fn(&mut Passthru) -> &mut Option<Box<str>> = match key {
        "ppt_scheme" => |it| &mut it.scheme,
        "ppt_serializer" => |it| &mut it.serializer,
        "ppt_cipher" => |it| &mut it.cipher,
        "ppt_keyid" => |it| &mut it.keyid,
        _ => return Ok(false),
    };
    let mut value = None;
    boxed(&mut value, reader)?;
    if value.is_some() {
        *field(Arc::make_mut(packed.get_or_insert_default())) = value;
    }
    Ok(true)
}

/// A `progress` flag, a credit, or a key of how the payload is packed: all that results have.
fn progress<'f>(
    (progress, credit, packed): (&mut bool, &mut u32, &mut SharedPassthru),
    key: &str,
    reader: &mut impl Read<'f>,
) -> Result<bool, Malformed> {
    match key {
        "progress" => flag(progress, reader)?,
        rpc::CREDIT => small_number(credit, reader)?,
        _ => return passthru(packed, key, reader),
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
