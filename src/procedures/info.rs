//! `org.deskconn.info.get`: what this desktop is, and what the caller may do on it.

use std::sync::Arc;

use client::{Invocation, Reply, RequestError, Session};
use router::{Transport, tls};
use wamp::value::{Dict, Value};

use crate::access::roles::{self, Roles};

use super::{Arguments, Desktop, offer};

pub(super) async fn register(session: &Session, desktop: &Arc<Desktop>) -> Result<(), client::Error> {
    offer(session, desktop, &["org.deskconn.info.get"], get).await
}

/// `info.get() → info`: what the desktop is, and what this caller may use of it now. `procedures` and `topics` are the
/// desktop's own functions, `components` and `missing` those that the caller may use something of: how the rest of the machine
/// is concerns no guest. `grants` are the caller's, each with `holds`.
async fn get(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    Arguments::of(&mut call).end()?;
    let role = call.caller.as_ref().map(|caller| caller.authrole.to_string());
    let authid = call.caller.as_ref().map(|caller| Arc::clone(&caller.authid));
    let device = authid.and_then(|authid| desktop.store.with_trust(|trust| trust.find(&authid).cloned()));
    let rights = device.as_ref().map(|device| desktop.access.role_of(device));
    let rights = rights.unwrap_or_else(roles::owner);
    let (procedures, topics) = Roles::functions_of(&rights);
    // Nothing secret: it is of the certificate that everybody is shown.
    let pin = tls::spki_hash(&desktop.store.tls().0).ok().map(hex::encode);
    let names = |names: Vec<&str>| Value::List(names.into_iter().map(Value::from).collect());
    let may_use = |name: &&str| {
        let entry = components::ALL.iter().find(|entry| entry.name == *name);
        entry.is_some_and(|entry| {
            entry.procedures.iter().any(|it| procedures.contains(&it.uri))
                || entry.topics.iter().any(|it| topics.contains(&it.uri))
        })
    };
    let components = desktop.functions.names().filter(may_use).map(Value::from).collect();
    let missing = desktop.functions.missing().await.into_iter();
    let missing: Dict = missing
        .filter(|(component, _)| may_use(component))
        .map(|(component, missing)| (component.to_owned(), missing.to_string().into()))
        .collect();
    // Those of this process are no visitors.
    let visitors = desktop
        .access
        .presence()
        .those(|visitor| !matches!(visitor.peer.transport, Transport::Local(_)));
    Ok(Value::dict([
        ("name", desktop.said.name().into()),
        ("id", desktop.store.identity().id().into()),
        ("version", env!("CARGO_PKG_VERSION").into()),
        ("pin", pin.into()),
        ("components", Value::List(components)),
        ("missing", missing.into()),
        ("role", role.into()),
        ("grants", super::grants::of_device(&desktop, device.as_ref())),
        ("procedures", names(procedures)),
        ("topics", names(topics)),
        ("described", Value::List(desktop.access.described().usable_by(&rights))),
        ("sessions", (visitors.len() as u64).into()),
    ])
    .into())
}
