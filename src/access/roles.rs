//! What each role may do, built from the tables of the components, so that no list is written twice.

use std::collections::BTreeMap;
use std::sync::Arc;

use pairing::Device;
use pairing::grant::{Allow, Grant, Match as GrantMatch};
use router::{Action, Actions, Consent, Disclose, Role, Rule};
use time::OffsetDateTime;
use wamp::message::Match;

use crate::config;
use crate::links;
use crate::pair::PAIR_PROCEDURES;

/// The role of whoever owns the desktop.
pub const OWNER: &str = "owner";
/// The role of a program on this machine that offers functions of its own.
pub const COMPONENT: &str = "component";
/// The role of the agent in a desktop session, which serves functions for a system service.
pub const AGENT: &str = "agent";
/// The role in which a stranger may do nothing but pair.
pub const PAIRING: &str = "pairing";
/// The role that a device gets where nothing else is said.
pub const DEFAULT_ROLE: &str = "remote";
/// Below this, every device may register, publish and subscribe under its id.
const DEVICE_PREFIX: &str = "org.deskconn.device.";
const COMPONENT_PREFIX: &str = "org.deskconn.component.";
/// The space that components and devices with role `bus` share.
const APP_PREFIX: &str = "org.deskconn.app.";
/// The role that may use it.
const BUS: &str = "bus";
/// The role of a dashboard.
const METRICS: &str = "metrics";
const METRICS_PREFIX: &str = "org.deskconn.metrics.";
/// What it may ask.
const FIGURES: [&str; 2] = ["org.deskconn.metrics.get", "org.deskconn.metrics.list"];
/// Who may call this moves the pointer, and sends a message for each of its steps.
pub const INPUT_PROBE: &str = "org.deskconn.pointer.move";
/// What every device may ask, and say of what it offers.
const FOR_ALL: [&str; 4] = ["org.deskconn.info.get", DESCRIBE, TESTAMENTS[0], TESTAMENTS[1]];
/// Who may publish may also leave something to be published: the same rights hold for that.
const TESTAMENTS: [&str; 2] = ["wamp.session.add_testament", "wamp.session.flush_testaments"];
/// Whoever is too slow for its events is told.
const OVERFLOW: &str = "wamp.session.on_overflow";
const DESCRIBE: &str = "org.deskconn.components.describe";
/// What every device may hear.
const OFFERS_CHANGED: &str = "org.deskconn.components.on_changed";
/// What the roles for all-round remotes may ask of the daemon beside the desktop's functions.
const BROWSE: &str = "org.deskconn.discovery.browse";
/// A browser extension of older times, which has no key.
pub const BRIGHTNESS: &str = "brightness";

/// The roles of paired devices.
#[derive(Debug)]
pub struct Roles {
    table: BTreeMap<&'static str, Vec<Rule>>,
}

impl Roles {
    /// The roles that the components' tables name, and the shared space.
    #[must_use]
    pub fn of_components() -> Self {
        let mut table: BTreeMap<&'static str, Vec<Rule>> = BTreeMap::new();
        for procedure in components::procedures() {
            for role in procedure.roles {
                table
                    .entry(role)
                    .or_default()
                    .push(rule(procedure.uri, Match::Exact, &[Action::Call]));
            }
        }
        for topic in components::topics() {
            for role in topic.roles {
                table
                    .entry(role)
                    .or_default()
                    .push(rule(topic.uri, Match::Exact, &[Action::Subscribe]));
            }
        }
        for role in ["remote", "full"] {
            let browse = rule(BROWSE, Match::Exact, &[Action::Call]);
            table.entry(role).or_default().push(browse);
        }
        let figures = table.entry(METRICS).or_default();
        // Who hears all of this prefix hears these too: a rule that does not say so would deny the whole.
        figures.extend(FIGURES.map(|uri| rule(uri, Match::Exact, &[Action::Call, Action::Subscribe])));
        figures.push(rule(METRICS_PREFIX, Match::Prefix, &[Action::Subscribe]));
        table.entry(BUS).or_default().push(Rule {
            allow: Actions::ALL,
            ..rule(APP_PREFIX, Match::Prefix, &[])
        });
        Self { table }
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.table.keys().copied()
    }

    /// Whether a device can have this role.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.table.contains_key(name)
    }

    /// The roles that allow nothing that this one does not.
    #[must_use]
    pub fn lesser_than(&self, name: &str) -> Vec<String> {
        let Some(rules) = self.table.get(name) else {
            return Vec::new();
        };
        let is_lesser =
            |(other, theirs): &(&&str, &Vec<Rule>)| **other != name && theirs.iter().all(|rule| rules.contains(rule));
        let lesser = self.table.iter().filter(is_lesser);
        lesser.map(|(name, _)| (*name).to_owned()).collect()
    }

    /// What a device may do now: its role, its grants, and the space of its own.
    ///
    /// # Panics
    /// Never: our prefixes end with dots, and grants are checked when they are stored.
    #[must_use]
    pub fn of_device(&self, device: &Device, now: OffsetDateTime, is_unlocked: bool) -> Role {
        let role = self.without_grants(device);
        let role = role.with_grants(rules_of_grants(device, now, is_unlocked));
        role.expect("grants are checked")
    }

    /// What a device may do by its role alone, and in the space of its own.
    ///
    /// # Panics
    /// Never: our prefixes end with dots.
    #[must_use]
    pub fn without_grants(&self, device: &Device) -> Role {
        let mut rules = self.table.get(device.role.as_str()).cloned().unwrap_or_default();
        rules.extend(FOR_ALL.map(|uri| rule(uri, Match::Exact, &[Action::Call])));
        rules.extend([OFFERS_CHANGED, OVERFLOW].map(|uri| rule(uri, Match::Exact, &[Action::Subscribe])));
        let own = [Action::Register, Action::Publish, Action::Subscribe];
        rules.push(rule(&format!("{DEVICE_PREFIX}{}.", device.id), Match::Prefix, &own));
        // Who is there is for the router to say, and for every device to hear.
        rules.push(rule(&presence_topic(&device.id), Match::Exact, &[Action::Subscribe]));
        rules.push(rule(&presence_topic(""), Match::Wildcard, &[Action::Subscribe]));
        Role::new(device.role.as_str(), rules).expect("prefixes end with dots, and ours do")
    }

    /// What a role may call and hear of what the desktop offers devices, under their canonical names.
    #[must_use]
    pub fn functions_of(role: &Role) -> (Vec<&'static str>, Vec<&'static str>) {
        let may_call = |uri: &str| role.allows(Action::Call, &uri.into()).is_some();
        let may_hear = |uri: &str| role.allows(Action::Subscribe, &uri.into()).is_some();
        let functions = components::procedures().filter(|it| it.alias_of.is_none());
        let procedures = functions.map(|it| it.uri).chain([BROWSE]).filter(|uri| may_call(uri));
        let topics = components::topics().filter(|it| may_hear(it.uri));
        (procedures.collect(), topics.map(|it| it.uri).collect())
    }
}

/// What a device may do now by its own grants alone.
///
/// # Panics
/// Never: grants are checked when they are stored.
#[must_use]
pub fn granted(device: &Device, now: OffsetDateTime, is_unlocked: bool) -> Role {
    let role = Role::new(device.role.as_str(), Vec::new());
    let role = role.and_then(|role| role.with_grants(rules_of_grants(device, now, is_unlocked)));
    role.expect("grants are checked")
}

fn rules_of_grants(device: &Device, now: OffsetDateTime, is_unlocked: bool) -> Vec<Rule> {
    let holding = device.grants.iter().filter(|grant| holds(grant, now, is_unlocked));
    holding.map(rule_of_grant).collect()
}

/// Whether a grant holds now.
#[must_use]
pub fn holds(grant: &Grant, now: OffsetDateTime, is_unlocked: bool) -> bool {
    grant.holds_at(now) && (is_unlocked || !grant.while_unlocked)
}

/// Where the router says whether a device is there.
#[must_use]
pub fn presence_topic(device: &str) -> String {
    format!("{DEVICE_PREFIX}{device}.on_presence")
}

/// What belongs to one device alone.
#[must_use]
pub fn device_prefix(device: &str) -> String {
    format!("{DEVICE_PREFIX}{device}.")
}

/// Whoever owns the desktop may do everything.
///
/// # Panics
/// Never: its one prefix is empty.
#[must_use]
pub fn owner() -> Role {
    let all = Rule {
        allow: Actions::ALL,
        ..rule("", Match::Prefix, &[])
    };
    Role::new(OWNER, vec![all]).expect("the prefix is empty")
}

/// A stranger during a pairing window.
///
/// # Panics
/// Never: it has no prefix.
#[must_use]
pub fn pairing() -> Role {
    let rules = PAIR_PROCEDURES
        .iter()
        .map(|uri| rule(uri, Match::Exact, &[Action::Call]))
        .collect();
    Role::new(PAIRING, rules).expect("there is no prefix")
}

/// A browser extension that reads and sets the brightness, under the names that it knows.
///
/// # Panics
/// Never: it has no prefix.
#[must_use]
pub fn brightness() -> Role {
    let names = [
        "org.deskconn.deskconn.brightness.get",
        "org.deskconn.deskconn.brightness.set",
    ];
    let rules = names.map(|uri| rule(uri, Match::Exact, &[Action::Call]));
    Role::new(BRIGHTNESS, rules.into()).expect("there is no prefix")
}

/// A program on this machine under a name of its own.
///
/// # Panics
/// Never: its prefixes end with dots.
#[must_use]
pub fn component(authid: &str) -> Role {
    let offer = [Action::Register, Action::Publish];
    let mut rules = vec![
        rule(&format!("{COMPONENT_PREFIX}{authid}."), Match::Prefix, &offer),
        rule(APP_PREFIX, Match::Prefix, &offer),
        rule(DESCRIBE, Match::Exact, &[Action::Call]),
    ];
    rules.extend(TESTAMENTS.map(|uri| rule(uri, Match::Exact, &[Action::Call])));
    Role::new(COMPONENT, rules).expect("the prefixes end with dots")
}

/// The agent of the desktop session in front.
///
/// # Panics
/// Never: it has no prefix.
#[must_use]
pub fn agent() -> Role {
    let ask =
        [components::agent::WELCOME, components::agent::READY].map(|uri| rule(uri, Match::Exact, &[Action::Call]));
    let serve = [components::agent::CALL, components::agent::MISSING];
    let serve = serve.map(|uri| rule(uri, Match::Exact, &[Action::Register]));
    let hear = rule(components::agent::ON_SETTINGS, Match::Exact, &[Action::Subscribe]);
    let topics = components::agent::entries().flat_map(|entry| entry.topics);
    let tell = topics.map(|topic| rule(topic.uri, Match::Exact, &[Action::Publish]));
    Role::new(AGENT, ask.into_iter().chain(serve).chain([hear]).chain(tell).collect()).expect("there is no prefix")
}

/// The roles of a realm from the configuration.
///
/// # Errors
/// A rule that covers more than it says.
pub fn of_realm(realm: &config::Realm) -> Result<BTreeMap<String, Arc<Role>>, router::RuleError> {
    let role = |role: &config::Role| {
        let rules = role.rules.iter().map(rule_of_config).collect();
        let made = Role::new(role.name.as_str(), rules)?;
        let made = match &role.authorizer {
            Some(procedure) => made.with_authorizer(procedure.as_str().into()),
            None => made,
        };
        let made = match role.is_link {
            true => made.for_link().with_grants(vec![links::hearing_of_losses()])?,
            false => made,
        };
        Ok((role.name.clone(), Arc::new(made)))
    };
    realm.roles.iter().map(role).collect()
}

/// A rule that discloses: on the desktop everybody may know who calls.
fn rule(uri: &str, policy: Match, allow: &[Action]) -> Rule {
    Rule {
        uri: uri.into(),
        policy,
        allow: allow.iter().copied().collect(),
        disclose: Disclose::Always,
        consent: Consent::Given,
        trustlevel: None,
    }
}

/// How the URI of a grant is compared.
#[must_use]
pub const fn policy_of(grant: &Grant) -> Match {
    match grant.matching {
        GrantMatch::Exact => Match::Exact,
        GrantMatch::Prefix => Match::Prefix,
        GrantMatch::Wildcard => Match::Wildcard,
    }
}

/// Whether a role allows all of this without the grant: then the grant adds nothing, and its conditions take nothing away.
#[must_use]
pub fn covers(role: &Role, grant: &Grant) -> bool {
    let (uri, policy) = (grant.uri.as_str().into(), policy_of(grant));
    let is_allowed = |action| role.allows_pattern(action, &uri, policy).is_some();
    actions_of(grant).all(is_allowed)
}

/// What a grant allows.
fn actions_of(grant: &Grant) -> impl Iterator<Item = Action> {
    let Allow {
        call,
        register,
        publish,
        subscribe,
    } = grant.allow;
    let actions = [
        (call, Action::Call),
        (register, Action::Register),
        (publish, Action::Publish),
        (subscribe, Action::Subscribe),
    ];
    let granted = actions.into_iter().filter(|(is_granted, _)| *is_granted);
    granted.map(|(_, action)| action)
}

fn rule_of_grant(grant: &Grant) -> Rule {
    let consent = if grant.confirm { Consent::Ask } else { Consent::Given };
    let allow: Vec<_> = actions_of(grant).collect();
    Rule {
        consent,
        ..rule(&grant.uri, policy_of(grant), &allow)
    }
}

fn rule_of_config(rule: &config::Rule) -> Rule {
    let take_over = rule.take_over.then_some(Action::TakeOver);
    Rule {
        uri: rule.uri.as_str().into(),
        policy: rule.matching,
        allow: rule.allow.iter().copied().chain(take_over).collect(),
        disclose: rule.disclose,
        consent: Consent::Given,
        trustlevel: rule.trustlevel,
    }
}
