//! `org.deskconn.devices.*`: the paired devices, for the owner.

use std::sync::Arc;

use client::{Invocation, Reply, RequestError, Session};
use pairing::Device;
use pairing::grant::Grant;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use wamp::error::KILLED;
use wamp::message::Goodbye;
use wamp::value::Value;

use super::arguments::bad;
use super::{Arguments, Desktop, dict, offer, refused};
use crate::access::roles;
use crate::audit::{Entry, Kind};

pub(super) async fn register(session: &Session, desktop: &Arc<Desktop>) -> Result<(), client::Error> {
    offer(session, desktop, &["org.deskconn.devices.list"], list).await?;
    offer(session, desktop, &["org.deskconn.devices.get"], get).await?;
    offer(session, desktop, &["org.deskconn.devices.rename"], rename).await?;
    offer(session, desktop, &["org.deskconn.devices.set_role"], set_role).await?;
    offer(session, desktop, &["org.deskconn.devices.revoke"], revoke).await
}

/// `devices.list() → [device]`.
async fn list(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    Arguments::of(&mut call).end()?;
    let devices = desktop.store.with_trust(|trust| trust.devices().to_vec());
    Ok(Value::List(devices.iter().map(|device| row(&desktop, device)).collect()).into())
}

/// `devices.get(id) → device`.
async fn get(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    let mut arguments = Arguments::of(&mut call);
    let id = arguments.text("id")?;
    arguments.end()?;
    let device = desktop.store.with_trust(|trust| trust.find(&id).cloned());
    let device = device.ok_or_else(|| bad(format!("there is no device {id}; see `deskconnctl devices`")))?;
    Ok(row(&desktop, &device).into())
}

/// `devices.rename(id, name) → device`.
async fn rename(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    let mut arguments = Arguments::of(&mut call);
    let (id, name) = (arguments.text("id")?, arguments.text("name")?);
    arguments.end()?;
    let device = desktop
        .store
        .change_trust(|trust| trust.rename(&id, &name).cloned())
        .map_err(refused)?;
    desktop.audit.note(Entry::new(Kind::Renamed).device(&device));
    desktop.desk.devices_changed();
    Ok(row(&desktop, &device).into())
}

/// `devices.set_role(id, role) → device`: holds at once, for sessions that are open too.
async fn set_role(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    let mut arguments = Arguments::of(&mut call);
    let (id, role) = (arguments.text("id")?, arguments.text("role")?);
    arguments.end()?;
    if !desktop.access.roles().has(&role) {
        return Err(bad(format!("there is no role {role}")));
    }
    let device = desktop
        .store
        .change_trust(|trust| trust.set_role(&id, &role).cloned())
        .map_err(refused)?;
    desktop.audit.note(Entry::new(Kind::RoleChanged).device(&device));
    desktop.access.apply_rights(&desktop.realm);
    desktop.desk.devices_changed();
    Ok(row(&desktop, &device).into())
}

/// `devices.revoke(id) → the number of sessions that were ended`. The device is gone from the disk before its sessions
/// are ended, so none can slip in between.
async fn revoke(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    let mut arguments = Arguments::of(&mut call);
    let id = arguments.text("id")?;
    arguments.end()?;
    let device = desktop.store.change_trust(|trust| trust.revoke(&id)).map_err(refused)?;
    let goodbye = Goodbye::new(KILLED, "this device is no longer paired");
    let ended = desktop
        .realm
        .end_sessions(&goodbye, |origin| *origin.authid == *device.id);
    desktop
        .access
        .presence()
        .tell(std::iter::once(device.id.as_str().into()));
    tracing::info!(device = %device.id, name = %device.name, sessions = ended, "revoked");
    let revoked = Entry::new(Kind::Revoked).device(&device);
    desktop.audit.note(revoked.detail(format!("sessions ended: {ended}")));
    desktop.desk.devices_changed();
    Ok(Value::from(ended as u64).into())
}

/// The grants of a device, each with whether it holds now.
pub(super) fn grants(desktop: &Desktop, device: Option<&Device>) -> Value {
    let now = OffsetDateTime::now_utc();
    let is_unlocked = desktop.access.is_unlocked();
    let row = |grant: &Grant| {
        let allow = [
            ("call", grant.allow.call),
            ("register", grant.allow.register),
            ("publish", grant.allow.publish),
            ("subscribe", grant.allow.subscribe),
        ];
        let allow = allow.into_iter().filter(|(_, is_allowed)| *is_allowed);
        let until = grant.until.and_then(|until| until.format(&Rfc3339).ok());
        dict([
            ("uri", grant.uri.as_str().into()),
            ("match", grant.matching.word().into()),
            ("allow", Value::List(allow.map(|(action, _)| action.into()).collect())),
            ("until", until.into()),
            ("confirm", grant.confirm.into()),
            ("while_unlocked", grant.while_unlocked.into()),
            ("holds", roles::holds(grant, now, is_unlocked).into()),
        ])
    };
    let grants = device.map(|device| device.grants.iter().map(row).collect());
    Value::List(grants.unwrap_or_default())
}

/// A device as the owner sees it.
pub(super) fn row(desktop: &Desktop, device: &Device) -> Value {
    let time = |time: Option<OffsetDateTime>| time.and_then(|time| time.format(&Rfc3339).ok());
    dict([
        ("id", device.id.as_str().into()),
        ("name", device.name.as_str().into()),
        ("kind", device.kind.word().into()),
        ("role", device.role.as_str().into()),
        ("grants", grants(desktop, Some(device))),
        ("fingerprint", device.keys.sign.fingerprint().into()),
        ("paired_at", time(Some(device.paired_at)).into()),
        ("last_seen", time(device.last_seen).into()),
        ("address", device.last_address.clone().into()),
        ("expires", time(device.expires).into()),
        (
            "sessions",
            (desktop.access.presence().sessions_of(&device.id) as u64).into(),
        ),
        ("legacy", device.legacy.into()),
    ])
}
