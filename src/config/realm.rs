//! `[[realm]]`: further realms of the router, with their roles and who has them.
//!
//! It decides nothing: the router's gate reads it.

pub use router::{Action, Disclose};
pub use wamp::message::Match;

use super::ConfigError;
use super::authenticator::{self, Authenticator, MAX_AUTHENTICATORS};
use super::kept::{self, Kept};
use super::link::{self, Link, MAX_LINKS};
use super::principal::{self, Principal};
use super::read::{Field, Section};

/// Realms besides the desktop's own.
pub const MAX_REALMS: usize = 64;

/// Roles, rules and principals of a realm: they are looked through at every login or checked at every start.
pub const MAX_ROWS: usize = 1024;

/// The realm of the desktop itself, which the configuration cannot redefine.
pub const DESKTOP_REALM: &str = "deskconn";

/// The role that anonymous clients have where a realm defines it.
const ANONYMOUS: &str = "anonymous";

/// The longest URI, name or authid.
pub(super) const MAX_NAME: usize = 255;

/// A realm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Realm {
    /// Its URI.
    pub name: String,
    /// Who may do what.
    pub roles: Vec<Role>,
    /// The role of anonymous clients; `None` keeps them out.
    pub anonymous: Option<String>,
    /// The role of everybody whose certificate one of the authorities for clients has made; `None` keeps them out.
    pub certified: Option<String>,
    /// Who else may come in.
    pub principals: Vec<Principal>,
    /// Who is asked about all others.
    pub authenticators: Vec<Authenticator>,
    /// What it keeps of its events.
    pub kept: Kept,
    /// The other routers that it exchanges events and calls with.
    pub links: Vec<Link>,
}

/// A role with its permissions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// The authrole.
    pub name: String,
    /// Its permissions; what no rule covers is forbidden, or up to the authorizer.
    pub rules: Vec<Rule>,
    /// The procedure that decides about what no rule covers.
    pub authorizer: Option<String>,
    /// Whether its sessions speak for another router.
    pub is_link: bool,
}

/// A permission. Of several rules that cover a URI the one with the longest literal match counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The URI, or a pattern of it.
    pub uri: String,
    /// How it is compared.
    pub matching: Match,
    /// The actions, in the order given; an empty list forbids.
    pub allow: Vec<Action>,
    /// Whether callers and publishers are disclosed to the other side.
    pub disclose: Disclose,
    /// What the other side is told of how far they are trusted.
    pub trustlevel: Option<u32>,
    /// Whether a procedure may be taken from others who offer it (`force_reregister`).
    pub take_over: bool,
}

pub(super) fn read(sections: Vec<Section<'_>>) -> Result<Vec<Realm>, ConfigError> {
    let mut realms: Vec<Realm> = Vec::new();
    for mut section in sections {
        let name = section.need("name", "the realm's URI, like \"realm1\"")?;
        let uri = name.text("a URI like \"realm1\"", |text| {
            is_uri(text, false).then(|| text.to_owned())
        })?;
        if uri == DESKTOP_REALM {
            return Err(name.error(&format!(
                "another realm than {DESKTOP_REALM:?}, which is the desktop's own"
            )));
        }
        if realms.iter().any(|realm| realm.name == uri) {
            return Err(name.error("different for every realm"));
        }
        realms.push(read_realm(uri, section)?);
    }
    Ok(realms)
}

/// Fails when an authenticator is to be in a realm that is not there: nobody would ever be let in.
pub(super) fn check_authenticators<'a>(
    realms: &'a [Realm],
    has_desktop: bool,
    error: impl Fn(usize, String) -> ConfigError,
) -> Result<(), ConfigError> {
    let is_there = |name: &str| (has_desktop && name == DESKTOP_REALM) || realms.iter().any(|realm| realm.name == name);
    let of_realm = |(index, realm): (usize, &'a Realm)| realm.authenticators.iter().map(move |it| (index, realm, it));
    let mut all = realms.iter().enumerate().flat_map(of_realm);
    all.find(|(_, _, it)| !is_there(&it.realm))
        .map_or(Ok(()), |(index, realm, it)| {
            let what = format!(
                "the authenticator {:?} of the realm {:?} is to be in the realm {:?}, which is not there",
                it.procedure, realm.name, it.realm
            );
            Err(error(index, what))
        })
}

fn read_realm(uri: String, mut section: Section<'_>) -> Result<Realm, ConfigError> {
    let mut roles: Vec<Role> = Vec::new();
    for role in section.sections("role", MAX_ROWS)? {
        roles.push(read_role(role, &roles)?);
    }
    let implied = roles
        .iter()
        .any(|role| role.name == ANONYMOUS)
        .then(|| ANONYMOUS.to_owned());
    let links = link::read(section.sections("link", MAX_LINKS)?, &uri)?;
    let mut realm = Realm {
        name: uri,
        roles,
        anonymous: None,
        certified: None,
        principals: Vec::new(),
        authenticators: Vec::new(),
        kept: kept::read(&mut section)?,
        links,
    };
    for principal in section.sections("principal", MAX_ROWS)? {
        principal::read(principal, &mut realm)?;
    }
    realm.anonymous = realm.anonymous.or(implied);
    let is_anonymous = |role: &&Role| role.is_link && realm.anonymous.as_ref() == Some(&role.name);
    if let Some(role) = realm.roles.iter().find(is_anonymous) {
        let what = format!(
            "the role {:?} has `link = true`, so it is not for clients that prove nothing: who speaks for a router must prove who it is",
            role.name
        );
        return Err(section.error(what));
    }
    for authenticator in section.sections("authenticator", MAX_AUTHENTICATORS)? {
        authenticator::read(authenticator, &mut realm)?;
    }
    // Whoever is to register an authenticator cannot be asked about by it.
    let is_asked_elsewhere = realm.authenticators.iter().any(|it| it.realm != realm.name);
    let has_any = realm.anonymous.is_some() || realm.certified.is_some() || !realm.principals.is_empty();
    if !has_any && !is_asked_elsewhere {
        let what = format!(
            "nobody can join the realm {:?}: give it a [[realm.role]] named \"anonymous\", a [[realm.principal]], or a \
             [[realm.authenticator]] that is in another realm",
            realm.name
        );
        return Err(section.lacks(what));
    }
    section.finish()?;
    Ok(realm)
}

fn read_role(mut section: Section<'_>, others: &[Role]) -> Result<Role, ConfigError> {
    let field = section.need("name", "the authrole")?;
    let name = field.short(MAX_NAME)?;
    if others.iter().any(|role| role.name == name) {
        return Err(field.error("different for every role of the realm"));
    }
    let rules = section
        .sections("rules", MAX_ROWS)?
        .into_iter()
        .map(read_rule)
        .collect::<Result<_, _>>()?;
    let procedure = "the URI of the procedure that decides about what no rule covers";
    let authorizer = match section.get("authorizer") {
        Some(field) => Some(field.text(procedure, |text| is_uri(text, false).then(|| text.to_owned()))?),
        None => None,
    };
    let is_link = section.switch("link")?;
    section.finish()?;
    Ok(Role {
        name,
        rules,
        authorizer,
        is_link,
    })
}

fn read_rule(mut section: Section<'_>) -> Result<Rule, ConfigError> {
    let matching = match section.get("match") {
        Some(field) => field.text("\"exact\", \"prefix\" or \"wildcard\"", read_match)?,
        None => Match::Exact,
    };
    let uri = read_uri(&section.need("uri", "the URI the rule is about")?, matching)?;
    let actions = "\"call\", \"register\", \"publish\" or \"subscribe\"";
    let allow = section
        .need("allow", &format!("a list of {actions}"))?
        .list(4, actions, read_action)?;
    let disclose = match section.get("disclose") {
        Some(field) => read_disclose(&field)?,
        None => Disclose::Never,
    };
    let trustlevel = match section.get("trustlevel") {
        Some(field) => Some(field.number(0..=u64::from(u32::MAX))?),
        None => None,
    };
    let take_over = match section.get("take_over") {
        Some(field) if field.boolean()? => {
            if !allow.contains(&Action::Register) {
                return Err(field.error("false where \"register\" is not allowed"));
            }
            true
        }
        Some(_) | None => false,
    };
    section.finish()?;
    Ok(Rule {
        uri,
        matching,
        allow,
        disclose,
        trustlevel: trustlevel.and_then(|level| u32::try_from(level).ok()),
        take_over,
    })
}

fn read_disclose(field: &Field<'_>) -> Result<Disclose, ConfigError> {
    let accepted = "true, false or \"always\"";
    field.accepts(accepted);
    if field.is_text() {
        return field.text(accepted, |text| (text == "always").then_some(Disclose::Always));
    }
    let is_on_request = field.boolean().map_err(|_| field.error(accepted))?;
    Ok(if is_on_request {
        Disclose::OnRequest
    } else {
        Disclose::Never
    })
}

pub(super) fn read_match(word: &str) -> Option<Match> {
    Match::from_name(word.as_bytes())
}

fn read_action(word: &str) -> Option<Action> {
    match word {
        "call" => Some(Action::Call),
        "register" => Some(Action::Register),
        "publish" => Some(Action::Publish),
        "subscribe" => Some(Action::Subscribe),
        _ => None,
    }
}

pub(super) fn read_uri(field: &Field<'_>, matching: Match) -> Result<String, ConfigError> {
    match matching {
        Match::Exact => field.text("a URI like \"org.example.door\"", |text| {
            is_uri(text, false).then(|| text.to_owned())
        }),
        Match::Wildcard => field.text("a URI whose components may be empty, like \"org..door\"", |text| {
            is_uri(text, true).then(|| text.to_owned())
        }),
        // Without the dot `org.example.slides` also covers `org.example.slidesevil`.
        Match::Prefix => field.text(
            "\"\" for everything, or a beginning with a dot at its end, like \"org.example.\"",
            |text| {
                let is_whole = text.is_empty() || text.strip_suffix('.').is_some_and(|start| is_uri(start, false));
                is_whole.then(|| text.to_owned())
            },
        ),
    }
}

/// The loose rules of WAMP (section "URIs"): components without blanks, `#` and dots.
pub(super) fn is_uri(text: &str, may_be_empty: bool) -> bool {
    let is_component = |part: &str| {
        (may_be_empty || !part.is_empty()) && !part.contains(|c: char| c.is_whitespace() || c.is_control() || c == '#')
    };
    text.len() <= MAX_NAME && text.split('.').all(is_component)
}
