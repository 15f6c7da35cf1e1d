//! Registrations: `wamp.registration.*` (WAMP specification, "Registration Meta API").

use super::super::{Realm, Refusal};
use super::{Answer, Asked, Procedure, Removed, Served, Topic, held};
use crate::id::{RegistrationId, SessionId};
use crate::message::Match;
use crate::outgoing::Delivery;
use crate::value::{Dict, Value};

pub(super) const PROCEDURES: &[Procedure] = &[
    Procedure {
        uri: "wamp.registration.list",
        params: &[],
        gives: "{exact, prefix, wildcard}",
        does: "the ids of all registrations, a list for each match policy",
        serve: list,
    },
    Procedure {
        uri: "wamp.registration.lookup",
        params: &["procedure", "options?"],
        gives: "registration or null",
        does: "the registration of just this procedure, or of this pattern with `match` in `options`",
        serve: lookup,
    },
    Procedure {
        uri: "wamp.registration.match",
        params: &["procedure"],
        gives: "registration or null",
        does: "the registration that a call of this procedure goes to",
        serve: matching,
    },
    Procedure {
        uri: "wamp.registration.get",
        params: &["registration"],
        gives: "{id, created, uri, match, invoke}",
        does: "what a registration is",
        serve: get,
    },
    Procedure {
        uri: "wamp.registration.list_callees",
        params: &["registration"],
        gives: "[session]",
        does: "the sessions that hold it, in the order in which they came",
        serve: |realm, asked, _| Ok(held::sessions(callees(realm, asked)?).into()),
    },
    Procedure {
        uri: "wamp.registration.count_callees",
        params: &["registration"],
        gives: "count",
        does: "how many they are",
        serve: |realm, asked, _| Ok(Value::from(callees(realm, asked)?.len() as u64).into()),
    },
    Procedure {
        uri: "wamp.registration.remove_callee",
        params: &["registration", "callee", "reason?"],
        gives: "nothing",
        does: "takes a registration from a session, which is told the `reason`, `wamp.close.normal` by default, if it understands that",
        serve: remove_callee,
    },
];

pub(super) const TOPICS: &[Topic] = &[
    Topic {
        uri: "wamp.registration.on_create",
        args: "[session, {id, created, uri, match, invoke}]",
        does: "a registration is new, and who made it",
    },
    Topic {
        uri: "wamp.registration.on_register",
        args: "[session, registration]",
        does: "a session holds it now; after `on_create`",
    },
    Topic {
        uri: "wamp.registration.on_unregister",
        args: "[session, registration]",
        does: "a session holds it no more, whatever took it away",
    },
    Topic {
        uri: "wamp.registration.on_delete",
        args: "[session, registration]",
        does: "it is gone, and who was the last; after `on_unregister`",
    },
];

fn list(realm: &mut Realm, _: &Asked<'_>, _: &mut Vec<Delivery>) -> Served {
    let all = realm.dealer.all().into_iter();
    Ok(held::by_policy(all.map(|(id, _, policy)| (id.get(), policy))).into())
}

fn lookup(realm: &mut Realm, asked: &Asked<'_>, _: &mut Vec<Delivery>) -> Served {
    let uri = asked.uri("procedure")?;
    let found = realm.dealer.lookup(uri.as_bytes(), asked.policy()?);
    Ok(Value::from(found.map(RegistrationId::get)).into())
}

fn matching(realm: &mut Realm, asked: &Asked<'_>, _: &mut Vec<Delivery>) -> Served {
    let procedure = asked.uri("procedure")?;
    // A pattern covers what belongs to the router, and what is ill formed, but no call of that goes there.
    let can_be_offered = realm.check_uri(&procedure, Match::Exact, true).is_ok();
    let found = can_be_offered.then(|| realm.dealer.matching(&procedure)).flatten();
    Ok(Value::from(found.map(RegistrationId::get)).into())
}

fn get(realm: &mut Realm, asked: &Asked<'_>, _: &mut Vec<Delivery>) -> Served {
    let details = details(realm, asked.registration()?);
    Ok(Value::from(details.ok_or(Refusal::NO_SUCH_REGISTRATION)?).into())
}

/// The sessions that hold the registration asked for.
fn callees(realm: &Realm, asked: &Asked<'_>) -> Result<Vec<SessionId>, Refusal> {
    let info = realm.dealer.describe(asked.registration()?);
    Ok(info.ok_or(Refusal::NO_SUCH_REGISTRATION)?.callees)
}

fn remove_callee(realm: &mut Realm, asked: &Asked<'_>, out: &mut Vec<Delivery>) -> Served {
    let (registration, callee) = (asked.registration()?, asked.session("callee")?);
    let reason = held::reason(realm, asked)?;
    if realm.dealer.describe(registration).is_none() {
        return Err(Refusal::NO_SUCH_REGISTRATION);
    }
    if !held::client(realm, callee)?.registrations.contains(&registration) {
        return Err(Refusal::NO_SUCH_REGISTRATION);
    }
    realm.revoke_registration(registration, callee, &reason, out);
    Ok(Answer::default())
}

/// What `on_create` and `get` tell of a registration.
fn details(realm: &Realm, id: RegistrationId) -> Option<Dict> {
    let info = realm.dealer.describe(id)?;
    let mut details = held::details(id.get(), info.created, info.policy, &info.procedure);
    details.insert("invoke".to_owned(), info.invoke.name().into());
    Some(details)
}

impl Realm {
    /// Tells of a callee that registered, and first of the registration if it is new.
    pub(in crate::realm) fn announce_registration(
        &mut self,
        id: RegistrationId,
        callee: SessionId,
        is_new: bool,
        out: &mut Vec<Delivery>,
    ) {
        if is_new {
            let created = |realm: &Self| vec![callee.get().into(), details(realm, id).unwrap_or_default().into()];
            self.announce("wamp.registration.on_create", created, out);
        }
        self.announce("wamp.registration.on_register", |_| held::told(callee, id.get()), out);
    }

    /// Tells of a callee that holds a registration no more, and then of its end if it was the last one.
    pub(in crate::realm) fn announce_registration_end(
        &mut self,
        id: RegistrationId,
        callee: SessionId,
        removed: Removed,
        out: &mut Vec<Delivery>,
    ) {
        self.announce("wamp.registration.on_unregister", |_| held::told(callee, id.get()), out);
        if removed == Removed::Last {
            self.announce("wamp.registration.on_delete", |_| held::told(callee, id.get()), out);
        }
    }
}

#[cfg(test)]
mod tests;
