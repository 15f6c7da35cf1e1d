//! Options and Details of remote procedure calls, as they are read.

use bytes::Bytes;

use super::super::{Malformed, Read};
use super::route::route;
use super::{boxed, flag, name, origin, passthru, progress, small_number, topic};
use crate::id::RegistrationId;
use crate::message::{
    CallOptions, CancelMode, CancelOptions, ErrorDetails, InterruptOptions, InvocationDetails, Invoke, Match,
    RegisterOptions, ResultDetails, RunMode, YieldOptions,
};
use crate::uri::Uri;

/// Our own keys, by the rule of the specification that they begin with an underscore.
pub(super) const CREDIT: &str = "_credit";
pub(super) const AWAIT_CREDIT: &str = "_await_credit";

pub(in crate::codec) fn register<'f, R: Read<'f>>(
    options: &mut RegisterOptions,
    key: &str,
    reader: &mut R,
    _: &'f Bytes,
) -> Result<bool, Malformed> {
    match key {
        "match" => name(&mut options.policy, reader, Match::from_name)?,
        "invoke" => name(&mut options.invoke, reader, Invoke::from_name)?,
        "disclose_caller" => flag(&mut options.disclose_caller, reader)?,
        "forward_timeout" => flag(&mut options.forward_timeout, reader)?,
        "force_reregister" => flag(&mut options.force_reregister, reader)?,
        "concurrency" => small_number(&mut options.concurrency, reader)?,
        "nkey" => boxed(&mut options.nkey, reader)?,
        _ => return Ok(false),
    }
    Ok(true)
}

pub(in crate::codec) fn call<'f, R: Read<'f>>(
    options: &mut CallOptions,
    key: &str,
    reader: &mut R,
    _: &'f Bytes,
) -> Result<bool, Malformed> {
    match key {
        "receive_progress" => flag(&mut options.receive_progress, reader)?,
        "disclose_me" => flag(&mut options.disclose_me, reader)?,
        "progress" => flag(&mut options.progress, reader)?,
        "timeout" => small_number(&mut options.timeout, reader)?,
        "rkey" => boxed(&mut options.shard.get_or_insert_default().rkey, reader)?,
        "runmode" => name(
            &mut options.shard.get_or_insert_default().runmode,
            reader,
            RunMode::from_name,
        )?,
        CREDIT => small_number(&mut options.flow.get_or_insert_default().credit, reader)?,
        AWAIT_CREDIT => flag(&mut options.flow.get_or_insert_default().await_credit, reader)?,
        _ => return Ok(passthru(&mut options.passthru, key, reader)? || route(&mut options.passthru, key, reader)?),
    }
    Ok(true)
}

pub(in crate::codec) fn cancel<'f, R: Read<'f>>(
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

pub(in crate::codec) fn interrupt<'f, R: Read<'f>>(
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

pub(in crate::codec) fn result<'f, R: Read<'f>>(
    details: &mut ResultDetails,
    key: &str,
    reader: &mut R,
    _: &'f Bytes,
) -> Result<bool, Malformed> {
    progress(
        (&mut details.progress, &mut details.credit, &mut details.passthru),
        key,
        reader,
    )
}

pub(in crate::codec) fn yielded<'f, R: Read<'f>>(
    options: &mut YieldOptions,
    key: &str,
    reader: &mut R,
    _: &'f Bytes,
) -> Result<bool, Malformed> {
    progress(
        (&mut options.progress, &mut options.credit, &mut options.passthru),
        key,
        reader,
    )
}

pub(in crate::codec) fn error<'f, R: Read<'f>>(
    details: &mut ErrorDetails,
    key: &str,
    reader: &mut R,
    _: &'f Bytes,
) -> Result<bool, Malformed> {
    passthru(&mut details.passthru, key, reader)
}

pub(in crate::codec) fn invocation<'f, R: Read<'f>>(
    details: &mut InvocationDetails,
    key: &str,
    reader: &mut R,
    frame: &'f Bytes,
) -> Result<bool, Malformed> {
    match key {
        "procedure" => details.procedure = topic(reader, frame)?.map(Box::new),
        "receive_progress" => flag(&mut details.receive_progress, reader)?,
        "progress" => flag(&mut details.progress, reader)?,
        "caller" | "caller_authid" | "caller_authrole" => origin(&mut details.caller, key, reader)?,
        "trustlevel" => small_number(details.trustlevel.get_or_insert_default(), reader)?,
        "timeout" => small_number(&mut details.timeout, reader)?,
        CREDIT => small_number(&mut details.credit, reader)?,
        AWAIT_CREDIT => flag(&mut details.await_credit, reader)?,
        _ => return Ok(passthru(&mut details.passthru, key, reader)? || route(&mut details.passthru, key, reader)?),
    }
    Ok(true)
}

pub(in crate::codec) fn registration_revoked<'f, R: Read<'f>>(
    details: &mut (Option<RegistrationId>, Option<Uri>),
    key: &str,
    reader: &mut R,
    frame: &'f Bytes,
) -> Result<bool, Malformed> {
    match key {
        "registration" => details.0 = reader.token()?.uint().and_then(RegistrationId::new),
        "reason" => details.1 = topic(reader, frame)?,
        _ => return Ok(false),
    }
    Ok(true)
}
