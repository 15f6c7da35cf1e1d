//! Registrations: `wamp.registration.*` (WAMP specification, "Registration Meta API").

use super::super::Realm;
use super::{Procedure, Removed};
use crate::id::{RegistrationId, SessionId};
use crate::outgoing::Delivery;
use crate::value::{Dict, Value};

pub(super) const PROCEDURES: &[Procedure] = &[];

/// What `on_create` and `get` tell of a registration.
fn details(realm: &Realm, id: RegistrationId) -> Option<Dict> {
    let info = realm.dealer.describe(id)?;
    Some(Dict::from([
        ("id".to_owned(), id.get().into()),
        (
            "created".to_owned(),
            super::super::rfc3339(info.created).as_deref().into(),
        ),
        ("match".to_owned(), info.policy.name().into()),
        ("invoke".to_owned(), info.invoke.name().into()),
        ("uri".to_owned(), info.procedure.as_str().into()),
    ]))
}

fn told(callee: SessionId, id: RegistrationId) -> Vec<Value> {
    vec![callee.get().into(), id.get().into()]
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
        self.announce("wamp.registration.on_register", |_| told(callee, id), out);
    }

    /// Tells of a callee that holds a registration no more, and then of its end if it was the last one.
    pub(in crate::realm) fn announce_registration_end(
        &mut self,
        id: RegistrationId,
        callee: SessionId,
        removed: Removed,
        out: &mut Vec<Delivery>,
    ) {
        self.announce("wamp.registration.on_unregister", |_| told(callee, id), out);
        if removed == Removed::Last {
            self.announce("wamp.registration.on_delete", |_| told(callee, id), out);
        }
    }
}
