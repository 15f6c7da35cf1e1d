//! From an ERROR of WAMP to a failure that says what to do next.

use std::time::Duration;

use client::{Error, RequestError, Session, Value};

use crate::args::{Grant, Policy};
use crate::connect::REALM;
use crate::failure::Failure;
use crate::mistyped;
use crate::values::get;

/// How long the desktop may take to say what it offers, after it has said that something is not there.
const PATIENCE: Duration = Duration::from_secs(2);
/// What every procedure of desktops begins with.
const OURS: &str = "org.deskconn.";
/// What decides about the desktop and those who come to it: whoever is let into these is as good as its owner.
const OF_OWNER: [&str; 6] = ["actions.", "audit.", "consent.", "devices.", "pairing.", "router."];
/// How a router refuses what a role does not allow. A no of somebody who was asked has other words, and a grant would not help.
const BY_ROLE: &str = "the role of this session may not do that";

/// What was done when it failed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Deed {
    Call,
    Publish,
    Subscribe,
    Register,
}

impl Deed {
    /// The option of `devices grant` that allows it.
    const fn option(self) -> &'static str {
        match self {
            Self::Call => "",
            Self::Publish => " --allow publish",
            Self::Subscribe => " --allow subscribe",
            Self::Register => " --allow register",
        }
    }
}

/// Why it failed, with what helps.
pub(crate) async fn explain(session: &Session, deed: Deed, uri: &str, error: Error) -> Failure {
    let Error::Request(error) = error else {
        return error.into();
    };
    let failure = Failure::from(Error::Request(error.clone()));
    match error.uri.as_str() {
        "wamp.error.not_authorized" if error.sentence() == Some(BY_ROLE) => not_authorized(failure, session, deed, uri),
        "wamp.error.no_such_procedure" => no_such_procedure(failure, session, uri).await,
        _ => failure,
    }
}

fn not_authorized(failure: Failure, session: &Session, deed: Deed, uri: &str) -> Failure {
    let detail = |key| session.detail(key).unwrap_or_default();
    let (role, authid) = (detail("authrole"), detail("authid"));
    if !is_of_a_desktop(session) {
        let realm = detail("realm");
        let failure = failure.hint(format!(
            "the role {role} of the realm {realm} does not allow it; a rule of that role in the router's configuration would \
             ([[realm.role]], docs/CONFIGURATION.md)"
        ));
        return of_no_desktop(failure, session, uri);
    }
    let ours = uri.strip_prefix(OURS).unwrap_or_default();
    if OF_OWNER.iter().any(|part| ours.starts_with(part)) {
        return failure.hint("that is for the owner of the desktop: run this at it");
    }
    if detail("authprovider") == "trust" {
        let option = deed.option();
        return failure.hint(format!(
            "this command line has the role {role} there; at the desktop, `deskconnctl devices grant {authid} {uri}{option}` \
             allows it, and `deskconnctl devices show {authid}` says whether a grant for it is there that does not hold now"
        ));
    }
    failure.hint(format!(
        "the role {role} does not allow it; only the owner of the desktop may"
    ))
}

/// Whether a session is in the realm of a desktop, where an owner is: no realm of a configuration has that name.
pub(crate) fn is_of_a_desktop(session: &Session) -> bool {
    session.detail("realm") == Some(REALM)
}

/// What is a desktop's own is asked for in a realm that is none, where no right helps.
fn of_no_desktop(failure: Failure, session: &Session, uri: &str) -> Failure {
    if is_of_a_desktop(session) || !uri.starts_with(OURS) {
        return failure;
    }
    let realm = session.detail("realm").unwrap_or_default();
    failure.hint(format!(
        "{OURS}* is what desktops have, and {realm} is a realm of a router's configuration; without --realm it is asked for \
         at a desktop"
    ))
}

/// A question where a grant looks like one for something else: it is for nothing that is offered, and nearly for what is.
pub(crate) async fn doubt(session: &Session, grant: &Grant) -> Option<String> {
    let (uri, policy) = (grant.uri.as_str(), grant.policy());
    if matches!(policy, Policy::Wildcard) || is_registered(session, uri).await {
        return None;
    }
    let info = tokio::time::timeout(PATIENCE, session.call("org.deskconn.info.get", ())).await;
    let info = info.ok()?.ok()?.into_value();
    let list = |key| info.as_dict().and_then(|info| info.get(key)).and_then(Value::as_list);
    let list = |key| list(key).unwrap_or_default().iter();
    let texts = |key| list(key).filter_map(Value::as_str);
    let described = list("described").map(|item| get(item, "uri"));
    let known: Vec<&str> = texts("procedures").chain(texts("topics")).chain(described).collect();
    if matches!(policy, Policy::Prefix) {
        let families = known.iter().filter_map(|known| known.get(..=known.rfind('.')?));
        let is_one = known.iter().any(|known| known.starts_with(uri));
        return if is_one { None } else { mistyped::meant(uri, families) };
    }
    if known.contains(&uri) {
        None
    } else {
        mistyped::meant(uri, known)
    }
}

/// Whether somebody offers this procedure, the owner's among them.
async fn is_registered(session: &Session, uri: &str) -> bool {
    let found = tokio::time::timeout(PATIENCE, session.call("wamp.registration.match", [uri.into()])).await;
    found.is_ok_and(|found| found.is_ok_and(|found| found.into_value() != Value::Null))
}

async fn no_such_procedure(failure: Failure, session: &Session, uri: &str) -> Failure {
    let info = tokio::time::timeout(PATIENCE, session.call("org.deskconn.info.get", ())).await;
    let Ok(Ok(info)) = info else {
        return of_no_desktop(failure, session, uri);
    };
    let info = info.into_value();
    let part = |key: &str| info.as_dict().and_then(|info| info.get(key));
    let list = |key| part(key).and_then(Value::as_list).unwrap_or_default().iter();
    let offered = list("procedures").filter_map(Value::as_str);
    let described = list("described").map(|item| get(item, "uri"));
    if list("described").any(|item| get(item, "uri") == uri) {
        return failure.hint("a component describes it there, and has not registered it");
    }
    if let Some(question) = mistyped::meant(uri, offered.chain(described)) {
        return failure.hint(question);
    }
    let component = uri.strip_prefix(OURS).and_then(|rest| rest.split('.').next());
    let missing = component.and_then(|name| part("missing")?.as_dict()?.get(name)?.as_str());
    match missing {
        Some(sentence) => failure.hint(sentence),
        None => failure.hint(
            "`deskconnctl call org.deskconn.info.get` shows what the desktop offers; it may be of another version",
        ),
    }
}

/// What helps against an error, as far as it says so itself.
pub(crate) fn hint(error: &RequestError) -> Option<String> {
    let asked = error.kwargs.get("asked").and_then(Value::as_str);
    let known = error.kwargs.get("known").and_then(Value::as_list);
    if let (Some(asked), Some(known)) = (asked, known)
        && let Some(question) = mistyped::meant(asked, known.iter().filter_map(Value::as_str))
    {
        return Some(question);
    }
    match error.uri.as_str() {
        "org.deskconn.error.busy" => Some("try again in a moment".to_owned()),
        "org.deskconn.error.unavailable" => {
            Some("`deskconnctl doctor`, at that desktop, looks at all that is needed".to_owned())
        }
        _ => None,
    }
}
