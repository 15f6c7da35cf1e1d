//! Options and Details as they are written: what is not usual.

use super::super::Write;
use super::pubsub::{ACKNOWLEDGE, DELIVERED, FORGET, NUMBER, PUBLISHED_AT, QUEUE};
use super::route::{AGAIN, FROM, KEPT_AT, ORIGIN, VIA};
use super::rpc::{AWAIT_CREDIT, CREDIT};
use crate::error::Unconvertible;
use crate::id::PublicationId;
use crate::message::{
    Audience, CallOptions, CancelOptions, ErrorDetails, EventDetails, InterruptOptions, InvocationDetails, Invoke,
    Match, Origin, PublishOptions, RegisterOptions, ResultDetails, Route, RunMode, SharedPassthru, SubscribeOptions,
    YieldOptions,
};
use crate::uri::Uri;

type Written = Result<(), Unconvertible>;

/// The pairs of a dictionary: counted where there is no writer, because formats want the number in front.
struct Pairs<'a, W> {
    writer: Option<&'a mut W>,
    count: usize,
}

fn dict<W: Write>(writer: &mut W, pairs: impl Fn(&mut Pairs<'_, W>) -> Written) -> Written {
    let mut counted = Pairs { writer: None, count: 0 };
    pairs(&mut counted)?;
    if counted.count == 0 {
        writer.empty_map();
        return Ok(());
    }
    let mark = writer.map(Some(counted.count));
    pairs(&mut Pairs {
        writer: Some(&mut *writer),
        count: 0,
    })?;
    writer.end_map(mark, None);
    Ok(())
}

impl<W: Write> Pairs<'_, W> {
    fn pair(&mut self, key: &str, value: impl FnOnce(&mut W) -> Written) -> Written {
        self.count += 1;
        let Some(writer) = &mut self.writer else { return Ok(()) };
        writer.key(key);
        value(writer)
    }

    fn boolean(&mut self, key: &str, value: bool, is_usual: bool) -> Written {
        if is_usual {
            return Ok(());
        }
        self.pair(key, |writer| {
            writer.boolean(value);
            Ok(())
        })
    }

    fn flag(&mut self, key: &str, is_set: bool) -> Written {
        self.boolean(key, true, !is_set)
    }

    fn word(&mut self, key: &str, word: &str, is_usual: bool) -> Written {
        if is_usual {
            return Ok(());
        }
        self.pair(key, |writer| {
            writer.text(word);
            Ok(())
        })
    }

    fn number(&mut self, key: &str, number: Option<u64>) -> Written {
        let Some(number) = number else { return Ok(()) };
        self.pair(key, |writer| {
            writer.uint(number);
            Ok(())
        })
    }

    fn text(&mut self, key: &str, text: Option<&str>) -> Written {
        let Some(text) = text else { return Ok(()) };
        self.pair(key, |writer| writer.argument(text))
    }

    fn list<T>(&mut self, key: &str, list: Option<&[T]>, item: impl Fn(&mut W, &T) -> Written) -> Written {
        let Some(list) = list else { return Ok(()) };
        self.pair(key, |writer| {
            let mark = writer.array(Some(list.len()));
            for value in list {
                item(writer, value)?;
            }
            writer.end_array(mark, None);
            Ok(())
        })
    }

    fn passthru(&mut self, packed: &SharedPassthru) -> Written {
        let Some(packed) = packed else { return Ok(()) };
        self.text("ppt_cipher", packed.cipher.as_deref())?;
        self.text("ppt_keyid", packed.keyid.as_deref())?;
        self.text("ppt_scheme", packed.scheme.as_deref())?;
        self.text("ppt_serializer", packed.serializer.as_deref())?;
        packed.route.as_ref().map_or(Ok(()), |route| self.route(route))
    }

    fn route(&mut self, route: &Route) -> Written {
        self.list(VIA, Some(&route.via), |writer, router| {
            writer.text(&router.to_string());
            Ok(())
        })?;
        self.number(ORIGIN, route.origin.map(PublicationId::get))?;
        self.origin(route.from.as_ref(), FROM)?;
        self.text(KEPT_AT, route.kept_at.as_deref())?;
        self.flag(AGAIN, route.again)?;
        self.flag(FORGET, route.forget)
    }

    fn origin(&mut self, origin: Option<&Origin>, [session, authid, authrole]: [&str; 3]) -> Written {
        let Some(origin) = origin else { return Ok(()) };
        self.number(session, Some(origin.session.get()))?;
        self.text(authid, Some(&origin.authid))?;
        self.text(authrole, Some(&origin.authrole))
    }

    fn audience(&mut self, audience: &Audience) -> Written {
        let Audience {
            eligible,
            eligible_authid,
            eligible_authrole,
            exclude,
            exclude_authid,
            exclude_authrole,
            rkey,
        } = audience;
        self.sessions("eligible", eligible.as_deref())?;
        self.principals("eligible_authid", eligible_authid.as_deref())?;
        self.principals("eligible_authrole", eligible_authrole.as_deref())?;
        self.sessions("exclude", said(exclude))?;
        self.principals("exclude_authid", said(exclude_authid))?;
        self.principals("exclude_authrole", said(exclude_authrole))?;
        self.text("rkey", rkey.as_deref())
    }

    fn sessions(&mut self, key: &str, list: Option<&[crate::id::SessionId]>) -> Written {
        self.list(key, list, |writer, session| {
            writer.uint(session.get());
            Ok(())
        })
    }

    fn principals(&mut self, key: &str, list: Option<&[Box<str>]>) -> Written {
        self.list(key, list, |writer, name| writer.argument(name))
    }
}

/// A list that says nothing when it is empty.
fn said<T>(list: &[T]) -> Option<&[T]> {
    (!list.is_empty()).then_some(list)
}

/// A number that says nothing when it is zero.
fn positive(number: u32) -> Option<u64> {
    (number > 0).then_some(u64::from(number))
}

pub(in crate::codec) fn write_publish(writer: &mut impl Write, options: &PublishOptions) -> Written {
    dict(writer, |it| {
        it.flag(DELIVERED, options.delivered)?;
        it.flag(FORGET, options.forget())?;
        if let Some(queued) = options.queued() {
            it.number(NUMBER, Some(queued.number))?;
            it.text(QUEUE, Some(&queued.name))?;
        }
        it.flag("acknowledge", options.acknowledge)?;
        it.flag("disclose_me", options.disclose_me)?;
        it.boolean("exclude_me", options.exclude_me, options.exclude_me)?;
        it.flag("retain", options.retain)?;
        if let Some(audience) = options.audience() {
            it.audience(audience)?;
        }
        it.passthru(&options.passthru)
    })
}

pub(in crate::codec) fn write_subscribe(writer: &mut impl Write, options: &SubscribeOptions) -> Written {
    dict(writer, |it| {
        it.flag("get_retained", options.get_retained)?;
        it.word("match", options.policy.name(), options.policy == Match::Exact)?;
        it.text("nkey", options.nkey.as_deref())
    })
}

pub(in crate::codec) fn write_register(writer: &mut impl Write, options: &RegisterOptions) -> Written {
    dict(writer, |it| {
        it.number("concurrency", positive(options.concurrency))?;
        it.flag("disclose_caller", options.disclose_caller)?;
        it.flag("force_reregister", options.force_reregister)?;
        it.flag("forward_timeout", options.forward_timeout)?;
        it.word("invoke", options.invoke.name(), options.invoke == Invoke::Single)?;
        it.word("match", options.policy.name(), options.policy == Match::Exact)?;
        it.text("nkey", options.nkey.as_deref())
    })
}

pub(in crate::codec) fn write_call(writer: &mut impl Write, options: &CallOptions) -> Written {
    dict(writer, |it| {
        if let Some(flow) = &options.flow {
            it.flag(AWAIT_CREDIT, flow.await_credit)?;
            it.number(CREDIT, positive(flow.credit))?;
        }
        it.flag("disclose_me", options.disclose_me)?;
        it.flag("progress", options.progress)?;
        it.flag("receive_progress", options.receive_progress)?;
        if let Some(shard) = &options.shard {
            it.text("rkey", shard.rkey.as_deref())?;
            it.word("runmode", shard.runmode.name(), shard.runmode == RunMode::Partition)?;
        }
        it.number("timeout", positive(options.timeout))?;
        it.passthru(&options.passthru)
    })
}

/// The mode always goes along: where it is missing, readers differ in what they take.
pub(in crate::codec) fn write_cancel(writer: &mut impl Write, options: CancelOptions) -> Written {
    dict(writer, |it| it.word("mode", options.mode.name(), false))
}

pub(in crate::codec) fn write_interrupt(writer: &mut impl Write, options: &InterruptOptions) -> Written {
    dict(writer, |it| {
        it.word("mode", options.mode.name(), false)?;
        it.text("reason", options.reason.as_ref().map(Uri::as_str))
    })
}

pub(in crate::codec) fn write_result(writer: &mut impl Write, details: &ResultDetails) -> Written {
    progress(writer, details.progress, details.credit, &details.passthru)
}

pub(in crate::codec) fn write_yield(writer: &mut impl Write, options: &YieldOptions) -> Written {
    progress(writer, options.progress, options.credit, &options.passthru)
}

fn progress(writer: &mut impl Write, progress: bool, credit: u32, packed: &SharedPassthru) -> Written {
    dict(writer, |it| {
        it.number(CREDIT, positive(credit))?;
        it.flag("progress", progress)?;
        it.passthru(packed)
    })
}

pub(in crate::codec) fn write_error(writer: &mut impl Write, details: &ErrorDetails) -> Written {
    dict(writer, |it| it.passthru(&details.passthru))
}

pub(in crate::codec) fn write_event(writer: &mut impl Write, details: &EventDetails) -> Written {
    dict(writer, |it| {
        it.flag("retained", details.retained.is_some())?;
        let retained = details.retained.as_ref();
        it.text(PUBLISHED_AT, retained.and_then(|it| it.published_at.as_deref()))?;
        it.text("topic", details.topic.as_ref().map(|it| it.as_str()))?;
        it.origin(
            details.publisher.as_deref(),
            ["publisher", "publisher_authid", "publisher_authrole"],
        )?;
        it.number("trustlevel", details.trustlevel.map(u64::from))?;
        it.flag(ACKNOWLEDGE, details.acknowledge)?;
        it.passthru(&details.passthru)
    })
}

pub(in crate::codec) fn write_invocation(writer: &mut impl Write, details: &InvocationDetails) -> Written {
    dict(writer, |it| {
        it.flag(AWAIT_CREDIT, details.await_credit)?;
        it.number(CREDIT, positive(details.credit))?;
        it.text("procedure", details.procedure.as_ref().map(|it| it.as_str()))?;
        it.flag("progress", details.progress)?;
        it.flag("receive_progress", details.receive_progress)?;
        it.origin(
            details.caller.as_deref(),
            ["caller", "caller_authid", "caller_authrole"],
        )?;
        it.number("timeout", positive(details.timeout))?;
        it.number("trustlevel", details.trustlevel.map(u64::from))?;
        it.passthru(&details.passthru)
    })
}

/// Which subscription or registration was revoked, and why.
pub(in crate::codec) fn write_revocation(
    writer: &mut impl Write,
    what: &str,
    id: u64,
    reason: Option<&Uri>,
) -> Written {
    dict(writer, |it| {
        it.text("reason", reason.map(Uri::as_str))?;
        it.number(what, Some(id))
    })
}
