//! `org.deskconn.devices.*`: the paired devices, for the owner.

use std::sync::Arc;

use client::{Invocation, Reply, RequestError, Session};
use pairing::grant::Match;
use pairing::trust::TrustError;
use pairing::{Device, Trust};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use wamp::error::KILLED;
use wamp::message::Goodbye;
use wamp::value::Value;

use super::arguments::{bad, time_or_null};
use super::{Arguments, Desktop, offer, refused};
use crate::audit::{Entry, Kind};

pub(super) async fn register(session: &Session, desktop: &Arc<Desktop>) -> Result<(), client::Error> {
    offer(session, desktop, &["org.deskconn.devices.list"], list).await?;
    offer(session, desktop, &["org.deskconn.devices.get"], get).await?;
    offer(session, desktop, &["org.deskconn.devices.rename"], rename).await?;
    offer(session, desktop, &["org.deskconn.devices.set_role"], set_role).await?;
    offer(session, desktop, &["org.deskconn.devices.grant"], grant).await?;
    offer(session, desktop, &["org.deskconn.devices.deny"], deny).await?;
    offer(session, desktop, &["org.deskconn.devices.expire"], expire).await?;
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
    changed(&desktop, Kind::Renamed, String::new(), |trust| {
        trust.rename(&id, &name).cloned()
    })
}

/// `devices.set_role(id, role) → device`: holds at once, for sessions that are open too.
async fn set_role(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    let mut arguments = Arguments::of(&mut call);
    let (id, role) = (arguments.text("id")?, arguments.text("role")?);
    arguments.end()?;
    if !desktop.access.roles().has(&role) {
        return Err(no_such_role(&desktop, &role));
    }
    changed(&desktop, Kind::RoleChanged, String::new(), |trust| {
        trust.set_role(&id, &role).cloned()
    })
}

/// The refusal of a role that no device can have.
pub(super) fn no_such_role(desktop: &Desktop, role: &str) -> RequestError {
    let names: Vec<&str> = desktop.access.roles().names().collect();
    let error = bad(format!("there is no role {role}; the roles are {}", names.join(", ")));
    let known = names.into_iter().map(Value::from).collect();
    error.with("asked", role).with("known", Value::List(known))
}

/// `devices.grant(id, uri, kw: match, allow, until, confirm, while_unlocked) → device`: one row beside its role, in place
/// of the one with the same URI and match.
async fn grant(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    let mut arguments = Arguments::of(&mut call);
    let (id, uri) = (arguments.text("id")?, arguments.text("uri")?);
    let mut row = arguments.rest()?;
    row.insert("uri".to_owned(), uri.into());
    let grant = super::grants::from_row(row)?;
    let detail = format!("{} {}", grant.matching.word(), grant.uri);
    changed(&desktop, Kind::GrantsChanged, detail, |trust| {
        trust.grant(&id, grant).cloned()
    })
}

/// `devices.deny(id, uri, kw: match) → device`: takes the grant for this URI and match back.
async fn deny(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    let mut arguments = Arguments::of(&mut call);
    let (id, uri) = (arguments.text("id")?, arguments.text("uri")?);
    let word = arguments.keyword_text("match")?;
    arguments.end()?;
    let matching = word.map_or_else(
        || Ok(Match::default()),
        |word| Match::from_word(&word).ok_or_else(|| bad("match has to be exact, prefix or wildcard")),
    )?;
    let detail = format!("no more {} {uri}", matching.word());
    changed(&desktop, Kind::GrantsChanged, detail, |trust| {
        trust.deny(&id, &uri, matching).cloned()
    })
}

/// `devices.expire(id, time or null) → device`: from then on it is not let in; null for never.
async fn expire(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    let mut arguments = Arguments::of(&mut call);
    let id = arguments.text("id")?;
    let time = time_or_null(&mut arguments, "time")?;
    arguments.end()?;
    let detail = time.map_or_else(|| "never expires".to_owned(), |time| format!("expires {time}"));
    changed(&desktop, Kind::GrantsChanged, detail, |trust| {
        trust.set_expires(&id, time).cloned()
    })
}

/// Changes a device, and lets its open sessions follow at once.
fn changed(
    desktop: &Desktop,
    kind: Kind,
    detail: String,
    change: impl FnOnce(&mut Trust) -> Result<Device, TrustError>,
) -> Result<Reply, RequestError> {
    let device = desktop.store.change_trust(change).map_err(refused)?;
    desktop.audit.note(Entry::new(kind).device(&device).detail(detail));
    desktop.access.apply_rights(&desktop.realm);
    desktop.desk.devices_changed();
    Ok(row(desktop, &device).into())
}

/// `devices.revoke(id) → sessions ended`. The device is gone from the disk before its sessions
/// are ended, so none can slip in between.
async fn revoke(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    let mut arguments = Arguments::of(&mut call);
    let id = arguments.text("id")?;
    arguments.end()?;
    let device = desktop.store.change_trust(|trust| trust.revoke(&id)).map_err(refused)?;
    let goodbye = Goodbye::new(KILLED, "this device is no longer paired");
    let ended = desktop
        .realm
        .revoke_sessions(&goodbye, |origin| *origin.authid == *device.id);
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

/// A device as the owner sees it.
pub(super) fn row(desktop: &Desktop, device: &Device) -> Value {
    let sessions = desktop.access.presence().sessions_of(&device.id);
    let time = |time: Option<OffsetDateTime>| time.and_then(|time| time.format(&Rfc3339).ok());
    Value::dict([
        ("id", device.id.as_str().into()),
        ("name", device.name.as_str().into()),
        ("kind", device.kind.word().into()),
        ("role", device.role.as_str().into()),
        ("grants", super::grants::of_device(desktop, Some(device))),
        ("fingerprint", device.keys.sign.fingerprint().into()),
        ("paired_at", time(Some(device.paired_at)).into()),
        ("last_seen", time(device.last_seen).into()),
        ("address", device.last_address.clone().into()),
        ("expires", time(device.expires).into()),
        ("sessions", ((sessions.all - sessions.detached) as u64).into()),
        ("detached", (sessions.detached as u64).into()),
        ("legacy", device.legacy.into()),
    ])
}
