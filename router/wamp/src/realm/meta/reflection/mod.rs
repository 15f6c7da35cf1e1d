//! Reflection: what procedures, topics and errors there are, and what they mean (WAMP specification, "Interface
//! Reflection", a sketch; `docs/API.md` says how it is meant here). A caller learns only of what its role may use or offer.

mod definitions;

use std::collections::BTreeSet;

use self::definitions::{Change, Definition, Kind};
pub(in crate::realm) use self::definitions::{Defined, Definitions};
use super::super::{Realm, Refusal};
use super::{Asked, Documented, Procedure, Served, Topic, router_procedures, router_topics};
use crate::error::{self, PREDEFINED};
use crate::id::{RegistrationId, SessionId, SubscriptionId};
use crate::message::Match;
use crate::outgoing::Delivery;
use crate::uri::Uri;
use crate::value::{Dict, Value};

pub(super) const PROCEDURES: &[Procedure] = &[
    Procedure {
        uri: "wamp.reflection.procedure.list",
        params: &[],
        gives: "[uri]",
        does: "the procedures that the caller may call: registered, the router's own, and defined ones",
        serve: |realm, asked, _| Ok(list(realm, asked.caller, Kind::Procedure)),
    },
    Procedure {
        uri: "wamp.reflection.procedure.describe",
        params: &["uri"],
        gives: "description or null",
        does: "what is known of a procedure",
        serve: |realm, asked, _| describe_kind(realm, asked, Kind::Procedure),
    },
    Procedure {
        uri: "wamp.reflection.topic.list",
        params: &[],
        gives: "[uri]",
        does: "the topics that the caller may subscribe to: those somebody subscribed to, the router's own, and defined ones",
        serve: |realm, asked, _| Ok(list(realm, asked.caller, Kind::Topic)),
    },
    Procedure {
        uri: "wamp.reflection.topic.describe",
        params: &["uri"],
        gives: "description or null",
        does: "what is known of a topic",
        serve: |realm, asked, _| describe_kind(realm, asked, Kind::Topic),
    },
    Procedure {
        uri: "wamp.reflection.error.list",
        params: &[],
        gives: "[uri]",
        does: "the errors of the router and defined ones",
        serve: |realm, asked, _| Ok(list(realm, asked.caller, Kind::Error)),
    },
    Procedure {
        uri: "wamp.reflection.error.describe",
        params: &["uri"],
        gives: "description or null",
        does: "what is known of an error",
        serve: |realm, asked, _| describe_kind(realm, asked, Kind::Error),
    },
    Procedure {
        uri: "wamp.reflect.define",
        params: &["uri", "schema"],
        gives: "true, false, uri or null",
        does: "says what a URI means, as long as the session lives: true if it had no definition, false if it had another, null if nothing changed. A `schema` of null takes it back, and gives the URI if there was something to take",
        serve: define,
    },
    Procedure {
        uri: "wamp.reflect.describe",
        params: &["uri?"],
        gives: "description or null",
        does: "what is known of a URI, whatever it names; without one the definitions of all, by their URIs",
        serve: describe,
    },
];

pub(super) const TOPICS: &[Topic] = &[
    Topic {
        uri: "wamp.reflect.on_define",
        args: "[uri, schema, is_new]",
        does: "a URI is defined now, or has another definition",
    },
    Topic {
        uri: "wamp.reflect.on_undefine",
        args: "[uri]",
        does: "a URI has no definition any more",
    },
];

fn define(realm: &mut Realm, asked: &Asked<'_>, out: &mut Vec<Delivery>) -> Served {
    const BAD_SCHEMA: &str = "a schema is a dictionary, or null";
    const BAD_KIND: Refusal = Refusal(error::INVALID_ARGUMENT, "kind is procedure, topic or error");
    const UNREADABLE: Refusal = Refusal(error::INVALID_ARGUMENT, "the schema holds what cannot be kept");
    let uri = asked.uri("uri")?;
    realm.check_uri(&uri, Match::Exact, true)?;
    if asked.optional("schema").is_none() {
        let undefined = realm.undefine(&uri, asked.caller, out);
        return Ok(Value::from(undefined.map(|_| uri.as_str())).into());
    }
    let schema = asked.dict("schema", BAD_SCHEMA)?;
    let kind = match schema.get("kind") {
        None | Some(Value::Null) => Kind::Procedure,
        Some(kind) => kind.as_str().and_then(Kind::from_name).ok_or(BAD_KIND)?,
    };
    let member = realm.members.get(asked.caller).ok_or(Refusal::NO_SUCH_SESSION)?;
    let permission = member.permits(kind.offer(), &uri, Match::Exact);
    permission.ok_or(Refusal::NOT_AUTHORIZED)?;
    let definition = Definition::new(asked.caller, kind, schema).map_err(|_| UNREADABLE)?;
    let change = realm.define(&uri, definition, out)?;
    let answer = match change {
        Change::New => Some(true),
        Change::Other => Some(false),
        Change::None | Change::Gone => None,
    };
    Ok(Value::from(answer).into())
}

fn describe_kind(realm: &mut Realm, asked: &Asked<'_>, kind: Kind) -> Served {
    let uri = asked.uri("uri")?;
    Ok(Value::from(description(realm, asked.caller, &uri, kind)).into())
}

fn describe(realm: &mut Realm, asked: &Asked<'_>, _: &mut Vec<Delivery>) -> Served {
    if asked.optional("uri").is_none() {
        let visible = realm
            .definitions
            .all()
            .filter(|(uri, it)| sees(realm, asked.caller, uri, it.kind));
        let all: Dict = visible
            .map(|(uri, it)| (uri.as_str().to_owned(), it.schema().into()))
            .collect();
        return Ok(Value::from(all).into());
    }
    let uri = asked.uri("uri")?;
    let defined = realm.definitions.get(&uri).map(|it| it.kind);
    let kinds = defined.into_iter().chain([Kind::Procedure, Kind::Topic, Kind::Error]);
    let mut known = kinds.filter_map(|kind| description(realm, asked.caller, &uri, kind));
    Ok(Value::from(known.next()).into())
}

/// Whether a session may use or offer what a URI names.
fn sees(realm: &Realm, caller: SessionId, uri: &Uri, kind: Kind) -> bool {
    let Some(usage) = kind.usage() else { return true };
    let may = |action| {
        let member = realm.members.get(caller);
        member.is_some_and(|member| member.permits(action, uri, Match::Exact).is_some())
    };
    may(usage) || may(kind.offer())
}

/// The URIs of this kind that a session may use, in their order, each once.
fn list(realm: &Realm, caller: SessionId, kind: Kind) -> super::Answer {
    let member = realm.members.get(caller);
    let may = |uri: &Uri, policy| match kind.usage() {
        None => true,
        Some(action) => member.is_some_and(|it| it.permits(action, uri, policy).is_some()),
    };
    let mut uris = BTreeSet::new();
    for own in of_router(kind) {
        if may(&Uri::from_static(own.uri), Match::Exact) {
            uris.insert(own.uri);
        }
    }
    let registrations;
    let subscriptions;
    let held: Vec<(&Uri, Match)> = match kind {
        Kind::Procedure => {
            registrations = realm.dealer.all();
            registrations.iter().map(|(_, uri, policy)| (*uri, *policy)).collect()
        }
        Kind::Topic => {
            subscriptions = realm.broker.all();
            let of_programs = subscriptions
                .iter()
                .filter(|(id, ..)| !realm.broker.is_about_router(*id));
            of_programs.map(|(_, uri, policy)| (*uri, *policy)).collect()
        }
        Kind::Error => Vec::new(),
    };
    let held = held.into_iter().filter(|(uri, policy)| may(uri, *policy));
    uris.extend(held.map(|(uri, _)| uri.as_str()));
    let defined = realm.definitions.all().filter(|(_, it)| it.kind == kind);
    uris.extend(
        defined
            .filter(|(uri, _)| may(uri, Match::Exact))
            .map(|(uri, _)| uri.as_str()),
    );
    Value::List(uris.into_iter().map(Value::from).collect()).into()
}

/// What the router itself has of this kind.
fn of_router(kind: Kind) -> Vec<Documented> {
    match kind {
        Kind::Procedure => router_procedures().collect(),
        Kind::Topic => router_topics().collect(),
        Kind::Error => {
            let errors = PREDEFINED.iter().filter(|(uri, _)| uri.starts_with("wamp.error."));
            let row = |(uri, does): &(&'static str, &'static str)| Documented {
                uri,
                shape: String::new(),
                does: does.trim(),
            };
            errors.map(row).collect()
        }
    }
}

/// What is known of a URI as the name of this kind of thing: its definition, and over that what the router knows.
fn description(realm: &Realm, caller: SessionId, uri: &Uri, kind: Kind) -> Option<Dict> {
    if !sees(realm, caller, uri, kind) {
        return None;
    }
    let definition = realm.definitions.get(uri).filter(|it| it.kind == kind);
    let own = of_router(kind)
        .into_iter()
        .find(|it| it.uri.as_bytes() == uri.as_bytes());
    let use_of_it = match kind {
        Kind::Procedure => registration(realm, uri).map(|it| ("registration".to_owned(), it)),
        Kind::Topic => subscriptions(realm, uri).map(|it| ("subscriptions".to_owned(), it)),
        Kind::Error => None,
    };
    if definition.is_none() && own.is_none() && use_of_it.is_none() {
        return None;
    }
    let mut told = definition.map(Definition::schema).unwrap_or_default();
    told.insert("uri".to_owned(), uri.as_str().into());
    told.insert("kind".to_owned(), kind.name().into());
    if let Some(own) = own {
        told.insert("description".to_owned(), own.does.into());
        if !own.shape.is_empty() {
            told.insert("form".to_owned(), own.shape.into());
        }
    }
    told.extend(use_of_it);
    Some(told)
}

/// The registration that serves a procedure.
fn registration(realm: &Realm, uri: &Uri) -> Option<Value> {
    let id = realm.dealer.matching(uri)?;
    let info = realm.dealer.describe(id)?;
    let told = [
        ("id", RegistrationId::get(id).into()),
        ("uri", info.procedure.as_str().into()),
        ("match", info.policy.name().into()),
        ("invoke", info.invoke.name().into()),
        ("callees", (info.callees.len() as u64).into()),
    ];
    Some(Value::dict(told))
}

/// The subscriptions that the events of a topic go to.
fn subscriptions(realm: &Realm, uri: &Uri) -> Option<Value> {
    let told = |id: SubscriptionId| {
        let info = realm.broker.describe(id)?;
        let told = [
            ("id", id.get().into()),
            ("uri", info.topic.as_str().into()),
            ("match", info.policy.name().into()),
            ("subscribers", (info.subscribers.len() as u64).into()),
        ];
        Some(Value::dict(told))
    };
    let all: Vec<Value> = realm
        .broker
        .matching(uri.as_bytes())
        .into_iter()
        .filter_map(told)
        .collect();
    (!all.is_empty()).then(|| all.into())
}

#[cfg(test)]
mod tests;
