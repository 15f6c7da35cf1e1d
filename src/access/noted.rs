//! What the gate writes into the audit log: who came in, who was kept out, and what was denied. Never a key.

use pairing::Device;
use router::{Action, Peer};
use wamp::message::Abort;
use wamp::value::Value;

use super::Visitor;
use crate::audit::{Entry, Kind};

/// A device has logged in.
pub(super) fn logged_in(device: &Device, peer: &Peer) -> Entry {
    Entry::new(Kind::LoginOk).device(device).from(peer)
}

/// Somebody was told no before a session was opened.
pub(super) fn refused(peer: &Peer, abort: &Abort) -> Entry {
    let sentence = abort.details.get("message").and_then(Value::as_str);
    let detail = format!("{}: {}", abort.reason, sentence.unwrap_or_default());
    Entry::new(Kind::LoginFailed).from(peer).detail(detail)
}

/// Somebody who was let in wanted a session that belongs to others.
pub(super) fn return_refused(authid: &str, device: Option<&Device>, peer: &Peer, why: &str) -> Entry {
    let entry = Entry::new(Kind::LoginFailed).id(authid).from(peer);
    entry.detail(format!("return to a session: {why}")).device(device)
}

/// A program of another user knocked at the Unix socket.
pub(super) fn another_user(peer: &Peer) -> Entry {
    Entry::new(Kind::LoginFailed)
        .from(peer)
        .detail("another user on the Unix socket")
}

/// A device came after its time was over.
pub(super) fn expired(device: &Device, peer: &Peer) -> Entry {
    Entry::new(Kind::Expired).device(device).from(peer)
}

/// Somebody went past a limit, or broke the protocol.
pub(super) fn limited(peer: &Peer, why: &str) -> Entry {
    Entry::new(Kind::Limit).from(peer).detail(why)
}

/// A session tried what its role does not allow. It may have gone meanwhile, and be no device.
pub(super) fn denied(visitor: Option<&Visitor>, device: Option<&Device>, action: Action, uri: &str) -> Entry {
    let mut entry = Entry::new(Kind::Denied).detail(format!("{} {uri}", action.name()));
    if let Some(visitor) = visitor {
        entry = entry.id(&visitor.authid).from(&visitor.peer);
    }
    entry.device(device)
}
