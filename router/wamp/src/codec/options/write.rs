//! Options and Details as they are written: what is not usual, in the order of the keys.

use super::super::Write;
use super::PUBLISHED_AT;
use crate::error::Unconvertible;
use crate::message::{
    CallOptions, CancelOptions, EventDetails, InterruptOptions, InvocationDetails, Invoke, Match, Origin,
    PublishOptions, RegisterOptions, SubscribeOptions,
};

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

pub(in crate::codec) fn write_publish(writer: &mut impl Write, options: PublishOptions) {
    let PublishOptions {
        acknowledge,
        exclude_me,
        disclose_me,
        retain,
    } = options;
    let values = [
        ("acknowledge", acknowledge, !acknowledge),
        ("disclose_me", disclose_me, !disclose_me),
        ("exclude_me", exclude_me, exclude_me),
        ("retain", retain, !retain),
    ];
    let mark = writer.map(Some(values.iter().filter(|(.., is_usual)| !is_usual).count()));
    for (key, value, is_usual) in values {
        if !is_usual {
            writer.key(key);
            writer.boolean(value);
        }
    }
    writer.end_map(mark, None);
}

pub(in crate::codec) fn write_subscribe(writer: &mut impl Write, options: SubscribeOptions) {
    let is_pattern = options.policy != Match::Exact;
    let mark = writer.map(Some(usize::from(options.get_retained) + usize::from(is_pattern)));
    if options.get_retained {
        writer.key("get_retained");
        writer.boolean(true);
    }
    if is_pattern {
        writer.key("match");
        writer.text(options.policy.name());
    }
    writer.end_map(mark, None);
}

pub(in crate::codec) fn write_register(writer: &mut impl Write, options: RegisterOptions) {
    names(
        writer,
        &[
            ("invoke", options.invoke.name(), options.invoke != Invoke::Single),
            ("match", options.policy.name(), options.policy != Match::Exact),
        ],
    );
}

pub(in crate::codec) fn write_call(writer: &mut impl Write, options: CallOptions) {
    flags(
        writer,
        &[
            ("disclose_me", options.disclose_me),
            ("receive_progress", options.receive_progress),
        ],
    );
}

/// The mode always goes along: where it is missing, readers differ in what they take.
pub(in crate::codec) fn write_cancel(writer: &mut impl Write, options: CancelOptions) {
    names(writer, &[("mode", options.mode.name(), true)]);
}

pub(in crate::codec) fn write_interrupt(
    writer: &mut impl Write,
    options: &InterruptOptions,
) -> Result<(), Unconvertible> {
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

pub(in crate::codec) fn write_progress(writer: &mut impl Write, progress: bool) {
    flags(writer, &[("progress", progress)]);
}

pub(in crate::codec) fn write_event(writer: &mut impl Write, details: &EventDetails) -> Result<(), Unconvertible> {
    let published_at = details.retained.as_ref().and_then(|it| it.published_at.as_deref());
    let pairs = usize::from(details.topic.is_some())
        + usize::from(details.retained.is_some())
        + usize::from(published_at.is_some())
        + 3 * usize::from(details.publisher.is_some());
    let mark = writer.map(Some(pairs));
    if details.retained.is_some() {
        writer.key("retained");
        writer.boolean(true);
    }
    if let Some(published_at) = published_at {
        writer.key(PUBLISHED_AT);
        writer.argument(published_at)?;
    }
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

pub(in crate::codec) fn write_invocation(
    writer: &mut impl Write,
    details: &InvocationDetails,
) -> Result<(), Unconvertible> {
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
