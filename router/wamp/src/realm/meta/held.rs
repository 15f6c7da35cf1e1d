//! What registrations and subscriptions have in common: sessions hold them, and each has an id, a match policy and a URI.

use std::time::SystemTime;

use super::super::member::Member;
use super::super::{Realm, Refusal, rfc3339};
use super::Asked;
use crate::error;
use crate::id::SessionId;
use crate::message::Match;
use crate::uri::Uri;
use crate::value::{Dict, Value};

/// The ids of all, a list for each match policy.
pub(super) fn by_policy(all: impl Iterator<Item = (u64, Match)>) -> Value {
    let mut lists = [Match::Exact, Match::Prefix, Match::Wildcard].map(|policy| (policy, Vec::<Value>::new()));
    for (id, policy) in all {
        let list = lists.iter_mut().find(|(it, _)| *it == policy);
        list.expect("there are three policies").1.push(id.into());
    }
    Dict::from(lists.map(|(policy, list)| (policy.name().to_owned(), list.into()))).into()
}

/// What `on_create` and `get` tell of one.
pub(super) fn details(id: u64, created: SystemTime, policy: Match, uri: &Uri) -> Dict {
    Dict::from([
        ("id".to_owned(), id.into()),
        ("created".to_owned(), rfc3339(created).as_deref().into()),
        ("match".to_owned(), policy.name().into()),
        ("uri".to_owned(), uri.as_str().into()),
    ])
}

/// The arguments of every other event: who holds it, or holds it no more, and its id.
pub(super) fn told(session: SessionId, id: u64) -> Vec<Value> {
    vec![session.get().into(), id.into()]
}

/// Sessions as an answer lists them.
pub(super) fn sessions(ids: impl IntoIterator<Item = SessionId>) -> Value {
    ids.into_iter().map(|id| id.get().into()).collect::<Vec<Value>>().into()
}

/// The reason that a session is told when something is taken from it.
pub(super) fn reason(realm: &Realm, asked: &Asked<'_>) -> Result<Uri, Refusal> {
    let reason = asked.optional_text("reason", "a reason is text")?;
    let reason = reason.map_or(error::CLOSE_NORMAL, Uri::from);
    realm.check_uri(&reason, Match::Exact, false)?;
    Ok(reason)
}

/// A session that may be ended, or have something taken from it: one of the program around the router may not.
pub(super) fn client(realm: &Realm, session: SessionId) -> Result<&Member, Refusal> {
    let member = realm.members.get(session).ok_or(Refusal::NO_SUCH_SESSION)?;
    if member.is_of_router() {
        return Err(Refusal::OF_ROUTER);
    }
    Ok(member)
}
