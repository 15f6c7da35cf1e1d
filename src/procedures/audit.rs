//! `org.deskconn.audit.*`: the audit log, for the owner.

use std::sync::Arc;

use client::{Invocation, Reply, RequestError, Session};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use wamp::value::{Value, dict};

use super::{Arguments, Desktop, offer, refused};
use crate::audit::{MAX_RECENT, Record};

/// Entries that are given when no number is asked for: what a person reads.
const USUAL: u64 = 100;

/// The topic on which entries appear as they are written.
const ON_ENTRY: &str = "org.deskconn.audit.on_entry";

pub(super) async fn register(session: &Session, desktop: &Arc<Desktop>) -> Result<(), client::Error> {
    offer(session, desktop, &["org.deskconn.audit.get"], get).await
}

/// `audit.get(kw: limit, device) → [entry]`, the newest last.
async fn get(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    let mut arguments = Arguments::of(&mut call);
    let limit = arguments.keyword_integer("limit", 0..=u64::MAX)?.unwrap_or(USUAL);
    let device = arguments.keyword_text("device")?;
    arguments.end()?;
    let limit = usize::try_from(limit).unwrap_or(MAX_RECENT);
    let records = desktop.audit.recent(limit, device).await.map_err(refused)?;
    Ok(Value::List(records.iter().map(row).collect()).into())
}

/// Publishes entries as they are written, for as long as any are.
pub(crate) async fn publish(session: Session, mut entries: Receiver<Record>) {
    loop {
        match entries.recv().await {
            Ok(record) => {
                if let Err(error) = session.publish(ON_ENTRY, [row(&record)]).await {
                    return tracing::warn!(%error, "the audit log is no longer published");
                }
            }
            // They are in the file.
            Err(RecvError::Lagged(missed)) => tracing::debug!(missed, "entries of the audit log were not published"),
            Err(RecvError::Closed) => return,
        }
    }
}

/// An entry as the owner sees it: the same names as in the file, and no name without a value.
fn row(record: &Record) -> Value {
    let entry = &record.entry;
    let pairs = [
        ("time", record.moment()),
        ("kind", Some(entry.kind.name().to_owned())),
        ("device", entry.device.clone()),
        ("name", entry.name.clone()),
        ("address", entry.address.clone()),
        ("role", entry.role.clone()),
        ("action", entry.action.clone()),
        ("detail", entry.detail.clone()),
    ];
    let mut row = dict(pairs.map(|(key, value)| (key, value.into())));
    row.retain(|_, value| *value != Value::Null);
    Value::Dict(row)
}
