//! Which URIs a link forwards.

use router::{Action, Consent, Disclose, Role};
use wamp::message::Match;
use wamp::realm::role::{Rule as RoleRule, RuleError};
use wamp::uri::Uri;

use super::end::OVERFLOWED;
use crate::config;

/// What desktops and their devices call their own. Only who names it forwards it: a rule for everything does not.
const DESKTOPS: &[u8] = b"org.deskconn.";
/// What belongs to each router alone.
const ROUTERS: &[u8] = b"wamp.";
/// The role of a link's session here.
pub(super) const ROLE: &str = "link";

/// A row of `[[realm.link.forward]]`.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) uri: Uri,
    pub(super) policy: Match,
    pub(super) is_out: bool,
    pub(super) is_in: bool,
    pub(super) events: bool,
    pub(super) calls: bool,
    pub(super) keep: bool,
}

impl Rule {
    pub(super) fn of(forward: &config::Forward) -> Self {
        Self {
            uri: forward.uri.as_str().into(),
            policy: forward.matching,
            is_out: forward.is_out,
            is_in: forward.is_in,
            events: forward.events,
            calls: forward.calls,
            keep: forward.keep,
        }
    }

    /// Whether the rule is for a URI. Whoever says the URI is not trusted to keep to what it was asked for.
    pub(super) fn takes(&self, uri: &Uri) -> bool {
        let bytes = uri.as_bytes();
        let names_desktops = self.policy.literal_start(self.uri.as_bytes()).starts_with(DESKTOPS);
        self.policy.covers(self.uri.as_bytes(), bytes)
            && !bytes.starts_with(ROUTERS)
            && (names_desktops || !bytes.starts_with(DESKTOPS))
    }

    /// How the rule is registered. One URI is a wildcard pattern without a wildcard: a callee of this realm that offers it
    /// goes before, as it does before the pattern of a rule for several.
    pub(super) const fn policy_of_calls(&self) -> Match {
        match self.policy {
            Match::Exact | Match::Wildcard => Match::Wildcard,
            Match::Prefix => Match::Prefix,
        }
    }
}

/// What every session that speaks for a router may: hear which events it was too slow for.
pub(crate) fn hearing_of_losses() -> RoleRule {
    own(OVERFLOWED, Action::Subscribe)
}

fn own(uri: Uri, action: Action) -> RoleRule {
    RoleRule {
        uri,
        policy: Match::Exact,
        allow: [action].into_iter().collect(),
        disclose: Disclose::Never,
        consent: Consent::Given,
        trustlevel: None,
    }
}

/// The role of a link's session here: it may do what the rules need, and nothing else.
///
/// # Errors
/// A rule covers more than it says.
pub(crate) fn role(link: &config::Link) -> Result<Role, RuleError> {
    let mut grants = Vec::new();
    for rule in link.forward.iter().map(Rule::of) {
        let actions = [
            (rule.events && rule.is_out, Action::Subscribe),
            (rule.events && rule.is_in, Action::Publish),
            (rule.calls && rule.is_out, Action::Register),
            (rule.calls && rule.is_in, Action::Call),
        ];
        let mut policies = vec![rule.policy];
        if rule.policy != rule.policy_of_calls() {
            policies.push(rule.policy_of_calls());
        }
        grants.extend(policies.into_iter().map(|policy| {
            RoleRule {
                uri: rule.uri.clone(),
                policy,
                allow: actions
                    .iter()
                    .filter(|(is_needed, _)| *is_needed)
                    .map(|(_, action)| *action)
                    .collect(),
                // A callee that wants to know who calls is told who called where the call began, or that it was this link.
                disclose: Disclose::OnRequest,
                consent: Consent::Given,
                trustlevel: None,
            }
        }));
    }
    // What it says of its own state.
    grants.push(own(super::state::MODIFY.into(), Action::Call));
    grants.push(hearing_of_losses());
    Ok(Role::new(ROLE, Vec::new())?.with_grants(grants)?.for_link())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forward(uri: &str, matching: Match) -> config::Forward {
        config::Forward {
            uri: uri.to_owned(),
            matching,
            is_out: true,
            is_in: false,
            events: true,
            calls: true,
            keep: false,
        }
    }

    #[test]
    fn a_rule_takes_what_it_covers_and_nothing_of_a_router_or_a_desktop_that_it_does_not_name() {
        let takes = |pattern: &str, matching, uri: &str| Rule::of(&forward(pattern, matching)).takes(&uri.into());
        use Match::{Exact, Prefix, Wildcard};
        for (pattern, matching, uri, expected) in [
            ("com.x", Exact, "com.x", true),
            ("com.x", Exact, "com.x.y", false),
            ("com.", Prefix, "com.x", true),
            ("com.", Prefix, "org.x", false),
            ("com..z", Wildcard, "com.y.z", true),
            ("com..z", Wildcard, "com.y.x", false),
            ("", Prefix, "com.x", true),
            ("", Prefix, "wamp.session.on_join", false),
            ("", Prefix, "org.deskconn.screen.lock", false),
            ("..", Wildcard, "org.deskconn.x", false),
            ("org.", Prefix, "org.deskconn.screen.lock", false),
            ("org.deskconn.", Prefix, "org.deskconn.screen.lock", true),
            ("org.deskconn.app.", Prefix, "org.deskconn.app.x", true),
        ] {
            assert_eq!(takes(pattern, matching, uri), expected, "{pattern} {uri}");
        }
    }

    #[test]
    fn the_session_here_may_do_what_its_rules_need_and_nothing_else() {
        let link = config::Link {
            name: "office".to_owned(),
            to: Vec::new(),
            realm: "home".to_owned(),
            authid: None,
            key: None,
            secret: None,
            pin: None,
            forward: vec![
                forward("com.x", Match::Exact),
                forward("com.wide.", Match::Prefix),
                config::Forward {
                    is_out: false,
                    is_in: true,
                    calls: false,
                    ..forward("com.wide.in.", Match::Prefix)
                },
            ],
        };
        let role = role(&link).unwrap();
        assert!(role.is_link());
        let may = |action, uri: &str, policy| role.allows_pattern(action, &uri.into(), policy).is_some();
        assert!(may(Action::Subscribe, "com.x", Match::Exact));
        assert!(may(Action::Register, "com.x", Match::Wildcard));
        // A narrower row takes nothing from a wider one.
        assert!(may(Action::Subscribe, "com.wide.", Match::Prefix));
        assert!(may(Action::Register, "com.wide.", Match::Prefix));
        assert!(may(Action::Publish, "com.wide.in.x", Match::Exact));
        for (action, uri) in [
            (Action::Publish, "com.x"),
            (Action::Publish, "com.wide.x"),
            (Action::Call, "com.wide.in.x"),
            (Action::Call, "com.x"),
            (Action::Subscribe, "com.y"),
            (Action::Call, "wamp.session.kill"),
        ] {
            assert!(!may(action, uri, Match::Exact), "{action:?} {uri}");
        }
        assert!(!may(Action::TakeOver, "com.x", Match::Exact));
    }
}
