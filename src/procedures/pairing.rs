//! `org.deskconn.pairing.*` for the owner, and `org.deskconn.pair` for the device.

use std::sync::Arc;
use std::time::Duration;

use client::{Invocation, Reply, RequestError, Session};
use pairing::legacy::Claim;
use pairing::question::Question;
use pairing::trust::TrustError;
use pairing::window::LEGACY_TTL;
use pairing::{DeviceKey, Kind, Terms};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use wamp::id::MAX_ID;
use wamp::value::Value;

use super::arguments::{bad, keyword_time};
use super::devices::no_such_role;
use super::{Arguments, Desktop, offer, refused};
use crate::access::roles::DEFAULT_ROLE;
use crate::pair::{PAIR_PROCEDURES, code_of};

pub(super) async fn register(session: &Session, desktop: &Arc<Desktop>) -> Result<(), client::Error> {
    offer(session, desktop, &PAIR_PROCEDURES, pair).await?;
    offer(session, desktop, &["org.deskconn.pairing.open"], open).await?;
    offer(session, desktop, &["org.deskconn.generate_otp"], generate_otp).await?;
    offer(session, desktop, &["org.deskconn.pairing.close"], close).await?;
    offer(session, desktop, &["org.deskconn.pairing.answer"], answer).await
}

/// `pair(code, public key, kw: name) → bool`: never an error, because older clients know none.
async fn pair(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    let visitor = call
        .caller
        .as_ref()
        .and_then(|caller| desktop.access.presence().visitor(caller.session));
    let mut arguments = Arguments::of(&mut call);
    let otp = arguments.any_or_null("otp", "a code").ok().flatten();
    let otp = otp.as_ref().and_then(code_of);
    let key = arguments
        .text("pubkey")
        .ok()
        .and_then(|key| DeviceKey::from_hex(&key).ok());
    let (Some(visitor), Some(key)) = (visitor, key) else {
        return Ok(Value::Bool(false).into());
    };
    let claim = Claim {
        otp,
        key: *key.bytes(),
        session_key: DeviceKey::from_hex(&visitor.authid).ok().map(|key| *key.bytes()),
        name: arguments.keyword_text("name").ok().flatten(),
        kind: Kind::default(),
        address: visitor.peer.host(),
        is_private: visitor.peer.is_private() || visitor.peer.is_on_this_machine(),
    };
    Ok(Value::Bool(desktop.desk.pair(claim).await.is_ok()).into())
}

/// `pairing.open(kw: role, grants, name, expires, ttl, legacy, insecure_network, force) → {code, link, expires, ttl}`;
/// `link` is null in the legacy form.
async fn open(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    let mut arguments = Arguments::of(&mut call);
    let role = arguments
        .keyword_text("role")?
        .unwrap_or_else(|| DEFAULT_ROLE.to_owned());
    if !desktop.access.roles().has(&role) {
        return Err(no_such_role(&desktop, &role));
    }
    let is_legacy = arguments.switch("legacy")?;
    let ttl = arguments.keyword_integer("ttl", 0..=u64::MAX)?.map(Duration::from_secs);
    let usual = desktop.said.pairing();
    let terms = Terms {
        lesser_roles: desktop.access.roles().lesser_than(&role),
        grants: arguments
            .keyword("grants")
            .map_or_else(|| Ok(Vec::new()), super::grants::from_value)?,
        name: arguments.keyword_text("name")?.map(seen).transpose()?,
        expires: keyword_time(&mut arguments, "expires")?,
        ttl: ttl.unwrap_or(if is_legacy { LEGACY_TTL } else { usual.ttl }),
        attempts: usual.attempts,
        legacy: is_legacy,
        insecure_network: arguments.switch("insecure_network")?,
        ..Terms::for_role(&role)
    };
    let force = arguments.switch("force")?;
    arguments.end()?;
    let opened = desktop.desk.open(terms, force).map_err(refused)?;
    let expires = (OffsetDateTime::now_utc() + opened.ttl).format(&Rfc3339);
    let link = opened.link.map(|link| link.url().to_string());
    Ok(Value::dict([
        ("code", opened.code.to_string().into()),
        ("link", link.into()),
        ("expires", expires.unwrap_or_default().into()),
        ("ttl", opened.ttl.as_secs().into()),
    ])
    .into())
}

/// `generate_otp() → code`: what older programs of the owner call to open a window of the legacy form; its digits as a
/// number.
async fn generate_otp(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    Arguments::of(&mut call).end()?;
    let terms = Terms {
        legacy: true,
        ttl: LEGACY_TTL,
        attempts: desktop.said.pairing().attempts,
        lesser_roles: desktop.access.roles().lesser_than(DEFAULT_ROLE),
        ..Terms::for_role(DEFAULT_ROLE)
    };
    let opened = desktop.desk.open(terms, false).map_err(refused)?;
    let digits = opened.code.to_string().replace('-', "");
    let code: u64 = digits.parse().map_err(refused)?;
    Ok(Value::from(code).into())
}

/// `pairing.close() → null`.
async fn close(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    Arguments::of(&mut call).end()?;
    desktop.desk.close();
    Ok(().into())
}

/// `pairing.answer(request, allow, kw: role) → device or null`: null when it was refused.
async fn answer(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    let mut arguments = Arguments::of(&mut call);
    let request = arguments.integer("request", 1..=MAX_ID)?;
    let allow = arguments.boolean("allow")?;
    let role = arguments.keyword_text("role")?;
    arguments.end()?;
    if let Some(role) = role.as_deref().filter(|role| !desktop.access.roles().has(role)) {
        return Err(no_such_role(&desktop, role));
    }
    let device = desktop
        .desk
        .answer(request, allow, role.as_deref())
        .await
        .map_err(refused)?;
    Ok(device
        .map_or(Value::Null, |device| super::devices::row(&desktop, &device))
        .into())
}

/// A name that the owner gives a device. One of which nothing is left would take away what the device calls itself.
fn seen(name: String) -> Result<String, RequestError> {
    let is_seen = pairing::name::clean(&name).is_some();
    is_seen
        .then_some(name)
        .ok_or_else(|| bad(TrustError::NoName.to_string()))
}

/// What `pairing.on_asked` tells the owner.
pub(super) fn question(desktop: &Desktop, question: &Question) -> Value {
    let known = |trust: &pairing::Trust| trust.find_key(question.key.bytes()).map(replaced);
    let replaces = desktop.store.with_trust(known).unwrap_or(Value::Null);
    Value::dict([
        ("request", question.request.into()),
        ("name", question.name.clone().into()),
        ("kind", question.kind.word().into()),
        ("address", question.address.clone().into()),
        ("fingerprint", question.fingerprint.as_str().into()),
        ("role", question.role.as_str().into()),
        ("wants", question.wants.clone().into()),
        ("legacy", question.legacy.into()),
        ("replaces", replaces),
    ])
}

/// What a device that pairs again is until somebody says yes.
fn replaced(device: &pairing::Device) -> Value {
    Value::dict([
        ("id", device.id.as_str().into()),
        ("name", device.name.as_str().into()),
        ("role", device.role.as_str().into()),
    ])
}
