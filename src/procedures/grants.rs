//! Grants in arguments and answers: `{uri, match, allow, until, confirm, while_unlocked}`.

use client::RequestError;
use pairing::Device;
use pairing::grant::{Allow, Grant, Match};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use wamp::uri::{Uri, UriRules};
use wamp::value::{Dict, Value};

use super::Desktop;
use super::arguments::{bad, time_of};
use crate::access::roles;

/// The names of the actions.
const CALL: &str = "call";
const REGISTER: &str = "register";
const PUBLISH: &str = "publish";
const SUBSCRIBE: &str = "subscribe";

/// The grants of a list.
pub(super) fn from_value(value: Value) -> Result<Vec<Grant>, RequestError> {
    let Value::List(rows) = value else {
        return Err(bad("grants has to be a list of dictionaries"));
    };
    rows.into_iter()
        .map(|row| {
            let Value::Dict(row) = row else {
                return Err(bad("a grant has to be a dictionary"));
            };
            from_row(row)
        })
        .collect()
}

/// One grant. `allow` may be left out for calls alone.
pub(super) fn from_row(mut row: Dict) -> Result<Grant, RequestError> {
    let mut take = |key: &str| row.remove(key).filter(|value| *value != Value::Null);
    let uri = take("uri").and_then(|uri| uri.as_str().map(str::to_owned));
    let matching = match take("match") {
        None => Match::default(),
        Some(word) => word
            .as_str()
            .and_then(Match::from_word)
            .ok_or_else(|| bad("match has to be exact, prefix or wildcard"))?,
    };
    let allow = take("allow").map_or_else(
        || {
            Ok(Allow {
                call: true,
                ..Allow::default()
            })
        },
        |value| allow_of(&value),
    )?;
    let until = take("until").map(|until| time_of("until", &until)).transpose()?;
    let mut switch = |key: &str| match take(key) {
        None => Ok(false),
        Some(value) => value
            .as_bool()
            .ok_or_else(|| bad(format!("{key} has to be true or false"))),
    };
    let grant = Grant {
        uri: uri.ok_or_else(|| bad("a grant needs a uri"))?,
        matching,
        allow,
        until,
        confirm: switch("confirm")?,
        while_unlocked: switch("while_unlocked")?,
    };
    if let Some(key) = row.keys().next() {
        return Err(bad(format!("a grant has no {key}")));
    }
    grant.check().map_err(|error| bad(error.to_string()))?;
    check_uri(&grant)?;
    Ok(grant)
}

/// Refuses what nothing in the realm of the desktop can be called: such a grant would allow nothing, and say that it holds.
fn check_uri(grant: &Grant) -> Result<(), RequestError> {
    let checked = UriRules::Strict.check(&Uri::from(grant.uri.as_str()), roles::policy_of(grant));
    checked.map_err(|why| bad(format!("nothing here is called {:?}: {why}", grant.uri)))
}

fn allow_of(value: &Value) -> Result<Allow, RequestError> {
    let wrong = || {
        bad(format!(
            "allow has to be a list of {CALL}, {REGISTER}, {PUBLISH}, {SUBSCRIBE}"
        ))
    };
    let mut allow = Allow::default();
    for action in value.as_list().ok_or_else(wrong)? {
        match action.as_str() {
            Some(CALL) => allow.call = true,
            Some(REGISTER) => allow.register = true,
            Some(PUBLISH) => allow.publish = true,
            Some(SUBSCRIBE) => allow.subscribe = true,
            _ => return Err(wrong()),
        }
    }
    Ok(allow)
}

/// The grants of a device, each with whether it holds now, and whether the role allows the same without it.
pub(super) fn of_device(desktop: &Desktop, device: Option<&Device>) -> Value {
    let role = device.map(|device| desktop.access.role_without_grants(device));
    let now = OffsetDateTime::now_utc();
    let is_unlocked = desktop.access.is_unlocked();
    let row = |grant: &Grant| {
        let allow = [
            (CALL, grant.allow.call),
            (REGISTER, grant.allow.register),
            (PUBLISH, grant.allow.publish),
            (SUBSCRIBE, grant.allow.subscribe),
        ];
        let allow = allow.into_iter().filter(|(_, is_allowed)| *is_allowed);
        let until = grant.until.and_then(|until| until.format(&Rfc3339).ok());
        Value::dict([
            ("uri", grant.uri.as_str().into()),
            ("match", grant.matching.word().into()),
            ("allow", Value::List(allow.map(|(action, _)| action.into()).collect())),
            ("until", until.into()),
            ("confirm", grant.confirm.into()),
            ("while_unlocked", grant.while_unlocked.into()),
            ("holds", roles::holds(grant, now, is_unlocked).into()),
            (
                "by_role",
                role.as_ref().is_some_and(|role| roles::covers(role, grant)).into(),
            ),
        ])
    };
    let grants = device.map(|device| device.grants.iter().map(row).collect());
    Value::List(grants.unwrap_or_default())
}
