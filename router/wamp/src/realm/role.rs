//! What a role may do: rules over URIs, and no where no rule says yes.

use std::sync::Arc;

use crate::message::Match;
use crate::uri::Uri;

/// What a session does with a URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Calls a procedure.
    Call,
    /// Registers a procedure.
    Register,
    /// Publishes to a topic.
    Publish,
    /// Subscribes to a topic.
    Subscribe,
}

/// A set of actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Actions(u8);

impl Actions {
    /// No action: a rule with it denies.
    pub const NONE: Self = Self(0);
    /// Every action.
    pub const ALL: Self = Self(0b1111);

    /// Whether `action` is one of them.
    #[must_use]
    pub const fn contains(self, action: Action) -> bool {
        self.0 & 1 << action as u8 != 0
    }
}

impl FromIterator<Action> for Actions {
    fn from_iter<I: IntoIterator<Item = Action>>(actions: I) -> Self {
        Self(actions.into_iter().fold(0, |set, action| set | 1 << action as u8))
    }
}

/// Whether callees and subscribers learn who called or published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Disclose {
    /// No; a request that asks for it is refused.
    #[default]
    Never,
    /// When the caller or publisher asks for it with `disclose_me`.
    OnRequest,
    /// Always.
    Always,
}

/// One rule of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The URI or pattern it is about.
    pub uri: Uri,
    /// How the URI is matched.
    pub policy: Match,
    /// What it allows; everything else it denies.
    pub allow: Actions,
    /// Whether it discloses.
    pub disclose: Disclose,
}

/// The rule cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// `org.example` as a prefix would also cover `org.exampleevil`.
    #[error("the prefix rule \"{0}\" must be empty or end with a dot, or it would cover its neighbours' URIs")]
    OpenPrefix(Uri),
}

/// A named set of rules. The rule with the longest pattern decides; of several, one that denies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    name: Arc<str>,
    /// Longest first.
    rules: Vec<Rule>,
}

impl Role {
    /// A role with these rules.
    ///
    /// # Errors
    /// A rule covers more than it says.
    pub fn new(name: impl Into<Arc<str>>, mut rules: Vec<Rule>) -> Result<Self, RuleError> {
        let is_open = |rule: &&Rule| {
            let uri = rule.uri.as_bytes();
            rule.policy == Match::Prefix && !uri.is_empty() && !uri.ends_with(b".")
        };
        if let Some(rule) = rules.iter().find(is_open) {
            return Err(RuleError::OpenPrefix(rule.uri.clone()));
        }
        rules.sort_by_key(|rule| std::cmp::Reverse(rule.uri.as_bytes().len()));
        Ok(Self {
            name: name.into(),
            rules,
        })
    }

    /// A role that may do everything and discloses on request.
    #[must_use]
    pub fn unrestricted(name: impl Into<Arc<str>>) -> Self {
        let rule = Rule {
            uri: "".into(),
            policy: Match::Prefix,
            allow: Actions::ALL,
            disclose: Disclose::OnRequest,
        };
        Self {
            name: name.into(),
            rules: vec![rule],
        }
    }

    /// The name.
    #[must_use]
    pub const fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Whether the role may do `action` with `uri`, and if so what it discloses.
    #[must_use]
    pub fn allows(&self, action: Action, uri: &Uri) -> Option<Disclose> {
        let matching = self.rules.iter().filter(|rule| rule.covers(uri.as_bytes()));
        decide(matching, action)
    }

    /// The same for a pattern: allowed only if one rule allows everything that the pattern can match, and no more
    /// special rule denies a part of it.
    #[must_use]
    pub fn allows_pattern(&self, action: Action, uri: &Uri, policy: Match) -> Option<Disclose> {
        let pattern = uri.as_bytes();
        let literal = match policy {
            Match::Exact => return self.allows(action, uri),
            Match::Prefix => pattern,
            Match::Wildcard => literal_start(pattern),
        };
        let covers = |rule: &&Rule| match rule.policy {
            Match::Exact => false,
            Match::Prefix => literal.starts_with(rule.uri.as_bytes()),
            Match::Wildcard => policy == Match::Wildcard && rule.uri == *uri,
        };
        let decision = decide(self.rules.iter().filter(covers), action)?;
        let is_cut = self
            .rules
            .iter()
            .any(|rule| !rule.allow.contains(action) && rule.overlaps(literal));
        (!is_cut).then_some(decision)
    }
}

impl Rule {
    fn covers(&self, uri: &[u8]) -> bool {
        let pattern = self.uri.as_bytes();
        match self.policy {
            Match::Exact => pattern == uri,
            Match::Prefix => uri.starts_with(pattern),
            Match::Wildcard => {
                let split = |bytes| <[u8]>::split(bytes, |&byte| byte == b'.');
                split(pattern).count() == split(uri).count()
                    && split(pattern)
                        .zip(split(uri))
                        .all(|(mine, theirs)| mine.is_empty() || mine == theirs)
            }
        }
    }

    /// Whether some URI that begins with `start` may fall under this rule, although a shorter rule covers `start`.
    fn overlaps(&self, start: &[u8]) -> bool {
        let mine = self.uri.as_bytes();
        match self.policy {
            Match::Exact => mine.starts_with(start),
            Match::Prefix => mine.len() > start.len() && mine.starts_with(start),
            Match::Wildcard => {
                let mine = literal_start(mine);
                mine.starts_with(start) || start.starts_with(mine)
            }
        }
    }
}

/// What a wildcard pattern's matches all begin with: everything before its first empty component.
fn literal_start(pattern: &[u8]) -> &[u8] {
    let mut end = 0;
    for component in pattern.split(|&byte| byte == b'.') {
        if component.is_empty() {
            return &pattern[..end];
        }
        end += component.len() + 1;
    }
    pattern
}

/// The longest rules decide; the rules come longest first.
fn decide<'a>(rules: impl Iterator<Item = &'a Rule>, action: Action) -> Option<Disclose> {
    let mut decision: Option<&Rule> = None;
    for rule in rules {
        if decision.is_some_and(|longest| longest.uri.as_bytes().len() > rule.uri.as_bytes().len()) {
            break;
        }
        if !rule.allow.contains(action) {
            return None;
        }
        decision = decision.or(Some(rule));
    }
    decision.map(|rule| rule.disclose)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(uri: &str, policy: Match, allow: &[Action]) -> Rule {
        Rule {
            uri: uri.into(),
            policy,
            allow: allow.iter().copied().collect(),
            disclose: Disclose::Never,
        }
    }

    fn role(rules: Vec<Rule>) -> Role {
        Role::new("test", rules).unwrap()
    }

    const CALL: &[Action] = &[Action::Call];

    #[test]
    fn what_no_rule_mentions_is_denied() {
        let role = role(vec![rule("org.a.", Match::Prefix, CALL)]);
        assert!(role.allows(Action::Call, &"org.a.b".into()).is_some());
        assert!(role.allows(Action::Publish, &"org.a.b".into()).is_none());
        assert!(role.allows(Action::Call, &"org.b".into()).is_none());
    }

    #[test]
    fn a_prefix_rule_must_end_with_a_dot_or_be_empty() {
        assert!(Role::new("r", vec![rule("org.slides", Match::Prefix, CALL)]).is_err());
        assert!(Role::new("r", vec![rule("", Match::Prefix, CALL)]).is_ok());
        let role = role(vec![rule("org.slides.", Match::Prefix, CALL)]);
        assert!(role.allows(Action::Call, &"org.slidesevil.next".into()).is_none());
    }

    #[test]
    fn the_longest_rule_wins_and_a_denial_wins_ties() {
        let role = role(vec![
            rule("org.", Match::Prefix, CALL),
            rule("org.screen.unlock", Match::Exact, &[]),
            rule("org.a.b", Match::Exact, CALL),
            rule("org..bb", Match::Wildcard, &[]),
            rule("org.c.bb", Match::Exact, CALL),
            rule("x..z", Match::Wildcard, CALL),
            rule("x.y.", Match::Wildcard, &[]),
        ]);
        assert!(role.allows(Action::Call, &"org.screen.lock".into()).is_some());
        assert!(role.allows(Action::Call, &"org.screen.unlock".into()).is_none());
        assert!(role.allows(Action::Call, &"org.a.b".into()).is_some());
        assert!(role.allows(Action::Call, &"org.d.bb".into()).is_none());
        assert!(role.allows(Action::Call, &"org.c.bb".into()).is_some());
        assert!(role.allows(Action::Call, &"x.y.z".into()).is_none());
        assert!(role.allows(Action::Call, &"x.w.z".into()).is_some());
    }

    #[test]
    fn a_pattern_is_allowed_only_inside_one_allowed_rule() {
        let subscribe = &[Action::Subscribe];
        let role = role(vec![rule("org.a.", Match::Prefix, subscribe)]);
        let allows = |uri: &str, policy| role.allows_pattern(Action::Subscribe, &uri.into(), policy).is_some();
        assert!(allows("org.a.", Match::Prefix));
        assert!(allows("org.a.b", Match::Prefix));
        assert!(!allows("org.", Match::Prefix));
        assert!(!allows("org.a", Match::Prefix));
        assert!(!allows("", Match::Prefix));
        assert!(allows("org.a.", Match::Wildcard));
        assert!(allows("org.a..c", Match::Wildcard));
        assert!(!allows("org..c", Match::Wildcard));
        assert!(!allows(".a.b", Match::Wildcard));
    }

    #[test]
    fn a_pattern_that_reaches_into_a_denied_part_is_denied() {
        let role = role(vec![
            rule("org.", Match::Prefix, &[Action::Subscribe]),
            rule("org.secret.", Match::Prefix, &[]),
            rule("org..hidden", Match::Wildcard, &[]),
        ]);
        let allows = |uri: &str, policy| role.allows_pattern(Action::Subscribe, &uri.into(), policy).is_some();
        assert!(!allows("org.", Match::Prefix));
        assert!(!allows("org.open.", Match::Prefix), "org.open.hidden is denied");
        assert!(!allows("org.secret.x", Match::Prefix));
        let exact = role_with_exact_denial();
        assert!(
            exact
                .allows_pattern(Action::Subscribe, &"org.a".into(), Match::Prefix)
                .is_none()
        );
        assert!(role.allows(Action::Subscribe, &"org.open.x".into()).is_some());
    }

    fn role_with_exact_denial() -> Role {
        role(vec![
            rule("org.", Match::Prefix, &[Action::Subscribe]),
            rule("org.a", Match::Exact, &[]),
        ])
    }

    #[test]
    fn an_unrestricted_role_may_do_everything() {
        let role = Role::unrestricted("anonymous");
        for action in [Action::Call, Action::Register, Action::Publish, Action::Subscribe] {
            assert_eq!(role.allows(action, &"com.x".into()), Some(Disclose::OnRequest));
            assert_eq!(
                role.allows_pattern(action, &"".into(), Match::Prefix),
                Some(Disclose::OnRequest)
            );
            assert_eq!(
                role.allows_pattern(action, &"..".into(), Match::Wildcard),
                Some(Disclose::OnRequest)
            );
        }
    }
}
