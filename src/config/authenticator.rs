//! `[[realm.authenticator]]`: a procedure that says who somebody is, for those whom the configuration does not name.

use std::ops::RangeInclusive;
use std::time::Duration;

use wamp::auth::Method;

use super::ConfigError;
use super::read::{Field, Section};
use super::realm::{MAX_ROWS, Realm, is_uri};

/// Authenticators of a realm: one for each method is the most that makes sense.
pub(super) const MAX_AUTHENTICATORS: usize = 8;

/// How long an authenticator may take where nothing is said: somebody waits for it, and it may ask a database.
const ANSWER_TIME: Duration = Duration::from_secs(3);

/// What may be said, in milliseconds. Clients give up on a router that is silent for longer.
const ANSWER_TIMES_MS: RangeInclusive<u64> = 100..=30_000;

/// A procedure that says who somebody is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticator {
    /// Its URI.
    pub procedure: String,
    /// The realm in which it is registered.
    pub realm: String,
    /// By which methods it is asked.
    pub methods: Vec<Method>,
    /// The roles that it may give; all of the realm's where the file names none.
    pub roles: Vec<String>,
    /// How long it may take.
    pub timeout: Duration,
}

pub(super) fn read(mut section: Section<'_>, realm: &mut Realm) -> Result<(), ConfigError> {
    let accepted = "the URI of the procedure that says who somebody is, like \"com.example.authenticate\"";
    let procedure = section
        .need("procedure", accepted)?
        .text(accepted, |text| is_uri(text, false).then(|| text.to_owned()))?;
    let other = "the name of the realm in which the procedure is registered";
    let place = match section.get("realm") {
        Some(field) => field.text(other, |text| is_uri(text, false).then(|| text.to_owned()))?,
        None => realm.name.clone(),
    };
    let methods = read_methods(&section.need("methods", METHODS)?, realm)?;
    let roles = read_roles(section.get("roles").as_ref(), realm)?;
    let timeout = match section.get("timeout_ms") {
        Some(field) => Duration::from_millis(field.number(ANSWER_TIMES_MS)?),
        None => ANSWER_TIME,
    };
    section.finish()?;
    realm.authenticators.push(Authenticator {
        procedure,
        realm: place,
        methods,
        roles,
        timeout,
    });
    Ok(())
}

const METHODS: &str = "a list of \"anonymous\", \"ticket\", \"wampcra\", \"wamp-scram\", \"tls\" and \"cryptosign\", each by one authenticator only";

fn read_methods(field: &Field<'_>, realm: &Realm) -> Result<Vec<Method>, ConfigError> {
    let methods = field.list(MAX_AUTHENTICATORS, METHODS, Method::from_name)?;
    let taken = |method: &Method| realm.authenticators.iter().any(|other| other.methods.contains(method));
    let is_twice = |at: usize| methods[..at].contains(&methods[at]);
    if methods.is_empty() || methods.iter().any(taken) || (0..methods.len()).any(is_twice) {
        return Err(field.error(METHODS));
    }
    if methods.contains(&Method::Anonymous) && realm.anonymous.is_some() {
        return Err(field.error("without \"anonymous\", for which this realm has a role already"));
    }
    Ok(methods)
}

fn read_roles(field: Option<&Field<'_>>, realm: &Realm) -> Result<Vec<String>, ConfigError> {
    let known = |name: &str| realm.roles.iter().any(|role| role.name == name);
    match field {
        Some(field) => {
            let accepted = "the name of one of the realm's roles";
            let roles = field.list(MAX_ROWS, accepted, |name| known(name).then(|| name.to_owned()))?;
            if roles.is_empty() {
                return Err(field.error("a list of one role at least"));
            }
            Ok(roles)
        }
        None => Ok(realm.roles.iter().map(|role| role.name.clone()).collect()),
    }
}
