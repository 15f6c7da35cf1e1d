//! `org.deskconn.router.*`: who is connected and what each does, which certificate is shown, the links to other routers, and
//! reading the configuration again; for the owner.

use std::sync::Arc;

use ::router::{RealmReport, SessionReport, Transport};
use client::{Invocation, Reply, RequestError, Serializer, Session};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use wamp::realm::Requests;
use wamp::value::{Dict, Value};

use super::{Arguments, Desktop, offer, refused};

/// Sessions in an answer: more than anybody looks through, and less than half a MiB.
const MAX_ROWS: u64 = 1_000;

pub(super) async fn register(session: &Session, desktop: &Arc<Desktop>) -> Result<(), client::Error> {
    offer(session, desktop, &["org.deskconn.router.sessions"], sessions).await?;
    offer(session, desktop, &["org.deskconn.router.certificate"], certificate).await?;
    offer(session, desktop, &["org.deskconn.router.links"], links).await?;
    offer(session, desktop, &["org.deskconn.router.reload"], reload).await
}

/// `router.reload() → {taken, restart, failed, warnings, sessions_changed, sessions_ended}`: reads the configuration again.
async fn reload(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    Arguments::of(&mut call).end()?;
    // What is in force must not hang on whether the caller stays: a change that has begun comes to its end.
    let reloader = Arc::clone(&desktop.reloader);
    let reloaded = tokio::spawn(async move { reloader.reload().await }).await;
    let reloaded = reloaded.map_err(refused)?.map_err(|mistakes| {
        let list = mistakes.iter().map(|it| it.as_str().into()).collect();
        refused(mistakes.join("; ")).with("mistakes", Value::List(list))
    })?;
    let texts = |texts: Vec<String>| Value::List(texts.into_iter().map(Value::from).collect());
    let taken = reloaded.taken.iter().map(|key| (*key).to_owned()).collect();
    let restart = reloaded.restart.iter();
    let restart = restart.map(|(key, why)| Value::dict([("key", (*key).into()), ("why", (*why).into())]));
    Ok(Value::dict([
        ("taken", texts(taken)),
        ("restart", Value::List(restart.collect())),
        ("failed", texts(reloaded.failed)),
        ("warnings", texts(reloaded.warnings)),
        ("sessions_changed", (reloaded.sessions_changed as u64).into()),
        ("sessions_ended", (reloaded.sessions_ended as u64).into()),
    ])
    .into())
}

/// `router.certificate() → {names, not_after, refused} or null`: the certificate of the configuration that is shown now, null
/// where there is none, and why the files as they are now were not taken, or null.
async fn certificate(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    Arguments::of(&mut call).end()?;
    let (facts, refused) = desktop.certificates.facts();
    let Some(facts) = facts else {
        return Ok(Value::Null.into());
    };
    let end = facts.end();
    let names = facts.names.into_iter().map(Value::from).collect();
    Ok(Value::dict([
        ("names", Value::List(names)),
        ("not_after", end.into()),
        ("refused", refused.into()),
    ])
    .into())
}

/// `router.sessions(kw: limit) → {uptime_ms, realms, sessions, left_off}`. The figures of realms and sessions count from
/// their beginning, so that two answers and the `uptime_ms` between them give rates.
async fn sessions(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    let mut arguments = Arguments::of(&mut call);
    let limit = arguments.keyword_integer("limit", 0..=MAX_ROWS)?.unwrap_or(MAX_ROWS);
    arguments.end()?;
    let mut room = usize::try_from(limit).unwrap_or(usize::MAX);
    let (mut realms, mut rows, mut count) = (Vec::new(), Vec::new(), 0);
    for realm in desktop.router.realms() {
        let report = realm.report(room);
        room -= report.sessions.len();
        count += report.session_count;
        rows.extend(report.sessions.iter().map(|it| session_row(&desktop, &report, it)));
        realms.push(realm_row(&report));
    }
    let uptime = u64::try_from(desktop.since.elapsed().as_millis()).unwrap_or(u64::MAX);
    let left_off = (count - rows.len()) as u64;
    Ok(Value::dict([
        ("uptime_ms", uptime.into()),
        ("realms", Value::List(realms)),
        ("sessions", Value::List(rows)),
        ("left_off", left_off.into()),
    ])
    .into())
}

/// `router.links() → [link]`: how the links to other routers stand.
async fn links(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    Arguments::of(&mut call).end()?;
    let reports = desktop.links.reports();
    let rows = reports.iter().map(|report| report.to_dict().into()).collect();
    Ok(Value::List(rows).into())
}

fn realm_row(report: &RealmReport) -> Value {
    let mut row = figures(report.requests, report.traffic);
    row.insert("name".to_owned(), report.name.as_str().into());
    row.insert("sessions".to_owned(), (report.session_count as u64).into());
    row.into()
}

fn session_row(desktop: &Desktop, realm: &RealmReport, session: &SessionReport) -> Value {
    let origin = &session.origin;
    let paired = desktop
        .store
        .with_trust(|trust| trust.find(&origin.authid).map(|device| device.name.clone()));
    let component = match &session.transport {
        Transport::Local(name) => Some(name.to_string()),
        Transport::WebSocket
        | Transport::RawSocket
        | Transport::Quic
        | Transport::LongPoll
        | Transport::Bridge
        | Transport::Unix => None,
    };
    let serializer = session.serializer.map(|it| match it {
        Serializer::Json => "json",
        Serializer::MessagePack => "msgpack",
        Serializer::Cbor => "cbor",
    });
    let address = session.address.map(|address| address.to_string());
    let since = OffsetDateTime::from(session.since).format(&Rfc3339).ok();
    let more = [
        ("realm", realm.name.as_str().into()),
        ("id", origin.session.get().into()),
        ("authid", Value::from(&*origin.authid)),
        ("name", component.or(paired).into()),
        ("role", Value::from(&*origin.authrole)),
        ("transport", session.transport.name().into()),
        ("channel", session.channel.into()),
        ("address", address.into()),
        ("serializer", serializer.into()),
        ("since", since.into()),
        ("detached", session.is_detached.into()),
        ("queued_messages", (session.queued_messages as u64).into()),
        ("queued_bytes", (session.queued_bytes as u64).into()),
        ("queued_bytes_limit", (realm.queue_bytes as u64).into()),
    ];
    let mut row = figures(session.requests, session.traffic);
    row.extend(more.map(|(key, value): (_, Value)| (key.to_owned(), value)));
    row.into()
}

fn figures(requests: Requests, traffic: ::router::Traffic) -> Dict {
    let figures = [
        ("calls", requests.calls),
        ("publications", requests.publications),
        ("invocations", traffic.invocations),
        ("events", traffic.events),
        ("dropped", traffic.dropped),
    ];
    figures.map(|(key, value)| (key.to_owned(), value.into())).into()
}
