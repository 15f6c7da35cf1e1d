//! Sessions: `wamp.session.*` (WAMP specification, "Session Meta API").

use super::super::Realm;
use super::super::member::Member;
use super::{Answer, Asked, Procedure, Served};
use crate::id::SessionId;
use crate::outgoing::Delivery;
use crate::value::{Dict, Value};

pub(super) const PROCEDURES: &[Procedure] = &[Procedure {
    uri: "wamp.session.count",
    serve: count,
}];

fn count(realm: &mut Realm, _: &Asked<'_>, _: &mut Vec<Delivery>) -> Served {
    let count = realm.session_count();
    Ok(Answer::from(Value::from(count as u64)))
}

/// What `on_join` and `get` tell of a session.
fn details(member: &Member) -> Dict {
    let mut details = Dict::from([
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
