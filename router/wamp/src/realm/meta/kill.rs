//! `wamp.session.kill` and its like (WAMP specification, "Session Meta API"): a session is forgotten at once, gets a
//! GOODBYE, and its connection is closed. Whoever asks is spared, and so are sessions of the program around the router:
//! nobody would bring those back.

use super::super::member::Member;
use super::super::{Realm, Refusal};
use super::{Answer, Asked, Procedure, Served, held};
use crate::error;
use crate::id::SessionId;
use crate::limits::MAX_GOODBYE_MESSAGE;
use crate::message::{Goodbye, Match};
use crate::outgoing::Delivery;
use crate::uri::Uri;
use crate::value::{Dict, Value};

pub(super) const PROCEDURES: &[Procedure] = &[
    Procedure {
        uri: "wamp.session.kill",
        params: &["session", "reason?", "message?"],
        gives: "nothing",
        does: "ends another session: `reason` is that of its GOODBYE, `wamp.close.normal` by default, `message` stands in its details",
        serve: kill,
    },
    Procedure {
        uri: "wamp.session.kill_by_authid",
        params: &["authid", "reason?", "message?"],
        gives: "[session]",
        does: "ends every other session with this authid, and says which",
        serve: kill_by_authid,
    },
    Procedure {
        uri: "wamp.session.kill_by_authrole",
        params: &["authrole", "reason?", "message?"],
        gives: "count",
        does: "ends every other session with this role, and says how many",
        serve: kill_by_authrole,
    },
    Procedure {
        uri: "wamp.session.kill_all",
        params: &["reason?", "message?"],
        gives: "count",
        does: "ends every other session, and says how many",
        serve: kill_all,
    },
];

fn kill(realm: &mut Realm, asked: &Asked<'_>, out: &mut Vec<Delivery>) -> Served {
    let goodbye = goodbye(realm, asked)?;
    let session = asked.session("session")?;
    if session == asked.caller {
        return Err(Refusal::NO_SUCH_SESSION);
    }
    held::client(realm, session)?;
    realm.dismiss(&[session], &goodbye, out);
    Ok(Answer::default())
}

fn kill_by_authid(realm: &mut Realm, asked: &Asked<'_>, out: &mut Vec<Delivery>) -> Served {
    let authid = asked.text("authid", "an authid is text")?;
    let killed = kill_those(realm, asked, |it| *it.origin.authid == *authid, out)?;
    Ok(held::sessions(killed).into())
}

fn kill_by_authrole(realm: &mut Realm, asked: &Asked<'_>, out: &mut Vec<Delivery>) -> Served {
    let authrole = asked.text("authrole", "a role is given by its name, as text")?;
    let killed = kill_those(realm, asked, |it| *it.origin.authrole == *authrole, out)?;
    Ok(Value::from(killed.len() as u64).into())
}

fn kill_all(realm: &mut Realm, asked: &Asked<'_>, out: &mut Vec<Delivery>) -> Served {
    let killed = kill_those(realm, asked, |_| true, out)?;
    Ok(Value::from(killed.len() as u64).into())
}

fn kill_those(
    realm: &mut Realm,
    asked: &Asked<'_>,
    is_meant: impl Fn(&Member) -> bool,
    out: &mut Vec<Delivery>,
) -> Result<Vec<SessionId>, Refusal> {
    let goodbye = goodbye(realm, asked)?;
    let mut killed = realm.members.ids();
    killed.retain(|session| {
        let member = realm.members.get(*session);
        *session != asked.caller && member.is_some_and(|member| !member.is_of_router() && is_meant(member))
    });
    realm.dismiss(&killed, &goodbye, out);
    Ok(killed)
}

/// The GOODBYE that the arguments ask for.
fn goodbye(realm: &Realm, asked: &Asked<'_>) -> Result<Goodbye, Refusal> {
    const BAD_REASON: Refusal = Refusal(error::INVALID_URI, "the reason of a GOODBYE is a URI, given as text");
    const TOO_LONG: Refusal = Refusal(error::INVALID_ARGUMENT, "the message of a GOODBYE may have 4,096 bytes");
    let reason = match asked.optional("reason") {
        None => error::CLOSE_NORMAL,
        Some(reason) => {
            let reason = Uri::from(reason.as_str().ok_or(BAD_REASON)?);
            realm.check_uri(&reason, Match::Exact, false)?;
            reason
        }
    };
    let message = asked.optional_text("message", "the message of a GOODBYE is text")?;
    if message.is_some_and(|message| message.len() > MAX_GOODBYE_MESSAGE) {
        return Err(TOO_LONG);
    }
    let details = message.map(|message| ("message".to_owned(), message.into()));
    Ok(Goodbye {
        details: Dict::from_iter(details),
        reason,
    })
}

#[cfg(test)]
mod tests;
