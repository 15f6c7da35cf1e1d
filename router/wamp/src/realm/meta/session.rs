//! Sessions: `wamp.session.*` (WAMP specification, "Session Meta API"). `kill.rs` ends them.

use super::super::member::Member;
use super::super::{Realm, Refusal};
use super::{Answer, Asked, Procedure, Served, Topic, held};
use crate::codec::Serializer;
use crate::error;
use crate::id::SessionId;
use crate::limits::MAX_SESSION_DETAILS;
use crate::outgoing::Delivery;
use crate::payload::Payload;
use crate::value::{Dict, Value};

pub(super) const PROCEDURES: &[Procedure] = &[
    Procedure {
        uri: "wamp.session.count",
        params: &["filter_authroles?"],
        gives: "count",
        does: "how many sessions there are, in all or with one of these roles",
        serve: |realm, asked, _| Ok(Value::from(sessions(realm, asked)?.len() as u64).into()),
    },
    Procedure {
        uri: "wamp.session.list",
        params: &["filter_authroles?"],
        gives: "[session]",
        does: "their ids",
        serve: |realm, asked, _| Ok(held::sessions(sessions(realm, asked)?).into()),
    },
    Procedure {
        uri: "wamp.session.get",
        params: &["session"],
        gives: "{session, authid, authrole, authmethod, authprovider, transport}",
        does: "who a session is, and what was added to that",
        serve: get,
    },
    Procedure {
        uri: "wamp.session.modify_details",
        params: &["session", "details"],
        gives: "nothing",
        does: "adds to what `get` tells of a session; null takes a key away, and who a session is stays as it is",
        serve: modify_details,
    },
];

pub(super) const TOPICS: &[Topic] = &[
    Topic {
        uri: "wamp.session.on_join",
        args: "[{session, authid, authrole, authmethod, authprovider, transport}]",
        does: "a session joined",
    },
    Topic {
        uri: "wamp.session.on_leave",
        args: "[session, authid, authrole]",
        does: "a session left, whatever ended it",
    },
    Topic {
        uri: "wamp.session.on_overflow",
        args: "[session, dropped]",
        does: "a session was too slow and has lost so many events since this was last said; it hears that itself, and so do those who may call `wamp.session.list`",
    },
];

/// The ids of the sessions with one of the roles asked for, in their order.
fn sessions(realm: &Realm, asked: &Asked<'_>) -> Result<Vec<SessionId>, Refusal> {
    let roles = asked.texts("filter_authroles", "the filter is a list of roles")?;
    let ids = realm.members.ids().into_iter();
    let is_meant = |id: &SessionId| match &roles {
        None => true,
        Some(roles) => realm
            .members
            .get(*id)
            .is_some_and(|member| roles.contains(&&*member.origin.authrole)),
    };
    Ok(ids.filter(is_meant).collect())
}

fn get(realm: &mut Realm, asked: &Asked<'_>, _: &mut Vec<Delivery>) -> Served {
    let member = realm.members.get(asked.session("session")?);
    let member = member.ok_or(Refusal::NO_SUCH_SESSION)?;
    Ok(Answer::from(Value::from(details(member))))
}

fn modify_details(realm: &mut Realm, asked: &Asked<'_>, _: &mut Vec<Delivery>) -> Served {
    const FIXED: Refusal = Refusal(
        error::INVALID_ARGUMENT,
        "session, authid, authrole, authmethod, authprovider and transport cannot be changed",
    );
    const TOO_LONG: Refusal = Refusal(
        error::INVALID_ARGUMENT,
        "all that is added to a session may have 4,096 bytes",
    );
    const UNREADABLE: Refusal = Refusal(error::INVALID_ARGUMENT, "the details hold what cannot be kept");
    let changes = asked.dict("details", "details are a dictionary")?;
    let member = realm.members.get_mut(asked.session("session")?);
    let member = member.ok_or(Refusal::NO_SUCH_SESSION)?;
    if changes.keys().any(|key| is_fixed(key)) {
        return Err(FIXED);
    }
    let mut added = member.added.as_deref().cloned().unwrap_or_default();
    for (key, value) in changes {
        if *value == Value::Null {
            added.remove(key);
        } else {
            added.insert(key.clone(), value.clone());
        }
    }
    let encoded = Payload::from_values(Serializer::MessagePack, &[], &added).map_err(|_| UNREADABLE)?;
    if encoded.len() > MAX_SESSION_DETAILS {
        return Err(TOO_LONG);
    }
    member.added = (!added.is_empty()).then(|| Box::new(added));
    Ok(Answer::default())
}

/// Whether the router itself says this of a session.
fn is_fixed(key: &str) -> bool {
    [
        "session",
        "authid",
        "authrole",
        "authmethod",
        "authprovider",
        "transport",
    ]
    .contains(&key)
}

/// What `on_join` and `get` tell of a session.
fn details(member: &Member) -> Dict {
    let mut details = member.added.as_deref().cloned().unwrap_or_default();
    details.extend([
        ("session".to_owned(), member.origin.session.get().into()),
        ("authid".to_owned(), (&*member.origin.authid).into()),
        ("authrole".to_owned(), (&*member.origin.authrole).into()),
        ("authmethod".to_owned(), member.method.into()),
        ("authprovider".to_owned(), member.provider.into()),
    ]);
    if !member.transport.is_empty() {
        details.insert("transport".to_owned(), member.transport.clone().into());
    }
    details
}

impl Realm {
    pub(in crate::realm) fn announce_join(&mut self, session: SessionId, out: &mut Vec<Delivery>) {
        let told = |realm: &Self| realm.members.get(session).map(details).unwrap_or_default();
        self.announce("wamp.session.on_join", |realm| vec![told(realm).into()], out);
    }

    pub(in crate::realm) fn announce_leave(&mut self, member: &Member, out: &mut Vec<Delivery>) {
        let origin = &member.origin;
        let told = || {
            vec![
                origin.session.get().into(),
                (&*origin.authid).into(),
                (&*origin.authrole).into(),
            ]
        };
        self.announce("wamp.session.on_leave", |_| told(), out);
    }
}

#[cfg(test)]
mod tests;
