//! What a session leaves behind: `wamp.session.add_testament` and `flush_testaments` (WAMP specification, "Testament").

use bytes::Bytes;

use super::super::role::Action;
use super::super::{Realm, Refusal};
use super::{Answer, Asked, Procedure, Served};
use crate::codec::{self, Serializer};
use crate::error;
use crate::id::SessionId;
use crate::limits::{Bounds, MAX_TESTAMENT_BYTES, MAX_TESTAMENTS};
use crate::message::{Message, Publish, code};
use crate::outgoing::Delivery;
use crate::value::{Dict, Value};

pub(super) const PROCEDURES: &[Procedure] = &[
    Procedure {
        uri: "wamp.session.add_testament",
        params: &["topic", "args?", "kwargs?", "publish_options?", "scope?"],
        gives: "nothing",
        does: "leaves an event that is published when the session ends, however that happens, those of the scope `detached` already when its connection is lost; the usual scope is `destroyed`. The right to publish to the topic is asked for then and now",
        serve: add,
    },
    Procedure {
        uri: "wamp.session.flush_testaments",
        params: &["scope?"],
        gives: "nothing",
        does: "takes back the testaments of one scope",
        serve: flush,
    },
];

/// What happens with a session before its testaments are published. Where a session ends with its connection, both happen
/// at once, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::realm) enum Scope {
    /// Its connection is lost.
    Detached,
    /// It ends.
    Destroyed,
}

/// The testaments of a session, each in the order in which they came.
#[derive(Debug, Default)]
pub(in crate::realm) struct Testaments {
    detached: Vec<Testament>,
    destroyed: Vec<Testament>,
}

#[derive(Debug)]
struct Testament {
    publish: Publish,
    /// Of the frame that it is a part of.
    bytes: usize,
}

impl Testaments {
    fn scope(&mut self, scope: Scope) -> &mut Vec<Testament> {
        match scope {
            Scope::Detached => &mut self.detached,
            Scope::Destroyed => &mut self.destroyed,
        }
    }

    fn all(&self) -> impl Iterator<Item = &Testament> {
        self.detached.iter().chain(&self.destroyed)
    }
}

const fn invalid(sentence: &'static str) -> Refusal {
    Refusal(error::INVALID_ARGUMENT, sentence)
}

/// `[topic, args, kwargs]`, `publish_options`, `scope`; no result.
fn add(realm: &mut Realm, asked: &Asked<'_>, _: &mut Vec<Delivery>) -> Served {
    let scope = scope(asked)?;
    let testament = read(asked)?;
    // What may not be published now is not kept for later; the same is asked again when the time has come.
    if let Err(refusal) = realm.may_publish(asked.caller, &testament.publish) {
        realm.note_refusal(asked.caller, Action::Publish, &testament.publish.topic, &refusal);
        return Err(refusal);
    }
    let member = realm.members.get_mut(asked.caller).ok_or(Refusal::NOT_AUTHORIZED)?;
    let testaments = member.testaments.get_or_insert_default();
    let bytes: usize = testaments.all().map(|it| it.bytes).sum();
    if testaments.all().count() >= MAX_TESTAMENTS || bytes + testament.bytes > MAX_TESTAMENT_BYTES {
        return Err(Refusal(
            error::UNAVAILABLE,
            "this session has as many testaments, or as many bytes of them, as it may",
        ));
    }
    testaments.scope(scope).push(testament);
    Ok(Answer::default())
}

/// `scope`; no result.
fn flush(realm: &mut Realm, asked: &Asked<'_>, _: &mut Vec<Delivery>) -> Served {
    let scope = scope(asked)?;
    if let Some(member) = realm.members.get_mut(asked.caller)
        && let Some(testaments) = &mut member.testaments
    {
        testaments.scope(scope).clear();
        if testaments.all().next().is_none() {
            member.testaments = None;
        }
    }
    Ok(Answer::default())
}

fn scope(asked: &Asked<'_>) -> Result<Scope, Refusal> {
    const WHAT: &str = "the scope is \"detached\" or \"destroyed\"";
    match asked.optional_text("scope", WHAT)? {
        None | Some("destroyed") => Ok(Scope::Destroyed),
        Some("detached") => Ok(Scope::Detached),
        Some(_) => Err(invalid(WHAT)),
    }
}

/// The publication that a testament is. It is written as the PUBLISH that a client would send and read as one, so that
/// its options mean the same.
fn read(asked: &Asked<'_>) -> Result<Testament, Refusal> {
    const UNREADABLE: Refusal =
        invalid("a publish option has a value of the wrong type, or the arguments are too many");
    let topic = asked.text("topic", "the topic is a URI")?;
    let no_args = || Value::List(Vec::new());
    let no_kwargs = || Value::Dict(Dict::new());
    let given = |name: &str| asked.optional(name).cloned();
    let args = given("args").unwrap_or_else(no_args);
    let kwargs = given("kwargs").unwrap_or_else(no_kwargs);
    let options = given("publish_options").unwrap_or_else(no_kwargs);
    if args.as_list().is_none() {
        return Err(invalid(
            "the second argument is a list: the positional arguments of the event",
        ));
    }
    if kwargs.as_dict().is_none() {
        return Err(invalid(
            "the third argument is a dictionary: the keyword arguments of the event",
        ));
    }
    if options.as_dict().is_none() {
        return Err(invalid("publish_options is a dictionary"));
    }
    let message = [code::PUBLISH.into(), 1_u64.into(), options, topic.into(), args, kwargs];
    let frame = rmp_serde::to_vec(&Value::List(message.into())).map_err(|_| UNREADABLE)?;
    let bytes = frame.len();
    match codec::decode(Serializer::MessagePack, &Bytes::from(frame), &Bounds::JOINED) {
        Ok(Message::Publish(mut publish)) => {
            // Nobody is there any more to be answered.
            (publish.options.acknowledge, publish.options.delivered) = (false, false);
            Ok(Testament { publish, bytes })
        }
        Ok(_) | Err(_) => Err(UNREADABLE),
    }
}

impl Realm {
    /// Publishes the testaments of these scopes, as far as the role of the session allows that now.
    pub(in crate::realm) fn publish_testaments(
        &mut self,
        session: SessionId,
        scopes: &[Scope],
        out: &mut Vec<Delivery>,
    ) {
        for scope in scopes {
            let member = self.members.get_mut(session);
            let testaments = member.and_then(|member| member.testaments.as_mut());
            let due = testaments.map(|testaments| std::mem::take(testaments.scope(*scope)));
            for testament in due.unwrap_or_default() {
                self.publish(session, &testament.publish, out);
            }
        }
    }

    /// Drops what a session would leave behind: of one that is thrown out nothing is wanted any more.
    pub fn drop_testaments(&mut self, session: SessionId) {
        if let Some(member) = self.members.get_mut(session) {
            member.testaments = None;
        }
    }
}

#[cfg(test)]
mod tests;
