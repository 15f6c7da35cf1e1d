//! What a role may do: rules over URIs, and no where no rule says yes.

mod rules;

use std::sync::Arc;

use self::rules::Rules;

use crate::message::Match;
use crate::uri::Uri;

/// What a session does with a URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Calls a procedure.
    Call,
    /// Registers a procedure.
    Register,
    /// Publishes to a topic.
    Publish,
    /// Subscribes to a topic.
    Subscribe,
    /// Takes a procedure over that other principals offer (`force_reregister`).
    TakeOver,
}

impl Action {
    /// The verb.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Register => "register",
            Self::Publish => "publish",
            Self::Subscribe => "subscribe",
            Self::TakeOver => "take over",
        }
    }
}

/// A set of actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Actions(u8);

impl Actions {
    /// No action: a rule with it denies.
    pub const NONE: Self = Self(0);
    /// Every action but [`Action::TakeOver`], which takes something from others and is allowed by its name only.
    pub const ALL: Self = Self(0b1111);

    /// Whether `action` is one of them.
    #[must_use]
    pub const fn contains(self, action: Action) -> bool {
        self.0 & 1 << action as u8 != 0
    }

    /// What is in both.
    const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
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

/// Whether somebody must agree to each call that a rule allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Consent {
    /// Nobody is asked.
    #[default]
    Given,
    /// The call waits until [`super::Realm::decide`] says yes or no. Only calls can wait: a rule with this allows
    /// nothing else.
    Ask,
}

/// What a role answers when it is asked about a URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permission {
    /// Whether the other side learns who asked.
    pub disclose: Disclose,
    /// Whether somebody must agree first.
    pub consent: Consent,
    /// What callees and subscribers are told of how far the router trusts whoever asked.
    pub trustlevel: Option<u32>,
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
    /// Whether somebody must agree to each call.
    pub consent: Consent,
    /// How far the router trusts who calls or publishes by this rule (WAMP specification, "Call Trust Levels"); `None`
    /// is not told.
    pub trustlevel: Option<u32>,
}

/// The rule cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// Subscriptions, registrations and events cannot wait for a person.
    #[error("the rule \"{0}\" asks for consent, which only a call can wait for, and allows more than calls")]
    ConsentBeyondCalls(Uri),
    /// `org.example` as a prefix would also cover `org.exampleevil`.
    #[error("the prefix rule \"{0}\" must be empty or end with a dot, or it would cover its neighbours' URIs")]
    OpenPrefix(Uri),
}

/// A named set of rules, and grants beside them. Of the rules the one with the longest pattern decides, and of several
/// one that denies; what they do not allow, any grant may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    name: Arc<str>,
    rules: Rules,
    grants: Vec<Rule>,
    /// The procedure that decides about what no rule speaks of.
    authorizer: Option<Uri>,
    /// Whether its sessions speak for another router.
    is_link: bool,
}

/// What a role says to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// Yes, in this way.
    Allowed(Permission),
    /// No.
    Denied,
    /// It says nothing: this procedure is to be asked.
    Ask(&'a Uri),
}

impl Role {
    /// A role with these rules.
    ///
    /// # Errors
    /// A rule covers more than it says.
    pub fn new(name: impl Into<Arc<str>>, rules: Vec<Rule>) -> Result<Self, RuleError> {
        rules.iter().try_for_each(Rule::check)?;
        Ok(Self {
            name: name.into(),
            rules: Rules::new(rules),
            grants: Vec::new(),
            authorizer: None,
            is_link: false,
        })
    }

    /// The same role, whose authorizer is asked about what no rule speaks of. What a rule denies stays denied.
    #[must_use]
    pub fn with_authorizer(self, procedure: Uri) -> Self {
        Self {
            authorizer: Some(procedure),
            ..self
        }
    }

    /// The same role, whose sessions speak for another router: they are told, and may say, which way events and calls have
    /// come, and who called or published there (`docs/LINKS.md`). What they may do is for the rules to say, as for others.
    #[must_use]
    pub fn for_link(self) -> Self {
        Self { is_link: true, ..self }
    }

    /// Whether its sessions speak for another router.
    #[must_use]
    pub const fn is_link(&self) -> bool {
        self.is_link
    }

    /// The procedure that decides about what no rule speaks of.
    #[must_use]
    pub const fn authorizer(&self) -> Option<&Uri> {
        self.authorizer.as_ref()
    }

    /// The same role with grants beside its rules. A grant only ever adds: it takes nothing away that a shorter rule, or
    /// another grant, allows.
    ///
    /// # Errors
    /// A grant covers more than it says.
    pub fn with_grants(self, grants: Vec<Rule>) -> Result<Self, RuleError> {
        grants.iter().try_for_each(Rule::check)?;
        Ok(Self { grants, ..self })
    }

    /// A role that may do everything and discloses on request.
    #[must_use]
    pub fn unrestricted(name: impl Into<Arc<str>>) -> Self {
        let rule = Rule {
            uri: "".into(),
            policy: Match::Prefix,
            allow: Actions::ALL,
            disclose: Disclose::OnRequest,
            consent: Consent::Given,
            trustlevel: None,
        };
        Self {
            name: name.into(),
            rules: Rules::new(vec![rule]),
            grants: Vec::new(),
            authorizer: None,
            is_link: false,
        }
    }

    /// The name.
    #[must_use]
    pub const fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Whether the role may do `action` with `uri`, and if so how.
    #[must_use]
    pub fn allows(&self, action: Action, uri: &Uri) -> Option<Permission> {
        let decision = self.rules.decide(uri.as_bytes(), action);
        decision.or_else(|| self.granted(action, uri.as_bytes(), Match::Exact))
    }

    /// The same for a pattern: allowed only if one rule or grant allows everything that the pattern can match, and, of
    /// the rules, no more special one denies a part of it.
    #[must_use]
    pub fn allows_pattern(&self, action: Action, uri: &Uri, policy: Match) -> Option<Permission> {
        if policy == Match::Exact {
            return self.allows(action, uri);
        }
        let pattern = uri.as_bytes();
        let literal = policy.literal_start(pattern);
        let decision = self.rules.decide_pattern(pattern, policy, action).filter(|_| {
            let denies = |rule: &Rule| !rule.allow.contains(action) && rule.overlaps(literal);
            !self.rules.iter().any(denies)
        });
        decision.or_else(|| self.granted(action, pattern, policy))
    }

    /// What the role says to a request, where it may be that it says nothing. A pattern of which a rule covers a part is
    /// denied: what the rest may do is nobody's to say.
    #[must_use]
    pub fn verdict(&self, action: Action, uri: &Uri, policy: Match) -> Verdict<'_> {
        if let Some(permission) = self.allows_pattern(action, uri, policy) {
            return Verdict::Allowed(permission);
        }
        let Some(authorizer) = &self.authorizer else {
            return Verdict::Denied;
        };
        let pattern = uri.as_bytes();
        let speaks = |rule: &Rule| match policy {
            Match::Exact => rule.covers(pattern),
            Match::Prefix | Match::Wildcard => {
                rule.covers_pattern(pattern, policy) || rule.overlaps(policy.literal_start(pattern))
            }
        };
        if self.rules.iter().any(speaks) {
            Verdict::Denied
        } else {
            Verdict::Ask(authorizer)
        }
    }

    /// What the grants allow: one that asks for no consent is better than one that does.
    fn granted(&self, action: Action, uri: &[u8], policy: Match) -> Option<Permission> {
        let covers = |grant: &&Rule| match policy {
            Match::Exact => grant.covers(uri),
            Match::Prefix | Match::Wildcard => grant.covers_pattern(uri, policy),
        };
        let grants = self.grants.iter().filter(covers).filter(|it| it.allow.contains(action));
        grants.map(Rule::permission).min_by_key(|it| it.consent == Consent::Ask)
    }
}

impl Rule {
    fn check(&self) -> Result<(), RuleError> {
        let uri = self.uri.as_bytes();
        if self.policy == Match::Prefix && !uri.is_empty() && !uri.ends_with(b".") {
            return Err(RuleError::OpenPrefix(self.uri.clone()));
        }
        if self.consent == Consent::Ask && self.allow != Actions::from_iter([Action::Call]) {
            return Err(RuleError::ConsentBeyondCalls(self.uri.clone()));
        }
        Ok(())
    }

    const fn permission(&self) -> Permission {
        Permission {
            disclose: self.disclose,
            consent: self.consent,
            trustlevel: self.trustlevel,
        }
    }

    /// Whether the rule covers everything that a pattern can match.
    fn covers_pattern(&self, pattern: &[u8], policy: Match) -> bool {
        match self.policy {
            Match::Exact => false,
            Match::Prefix => policy.literal_start(pattern).starts_with(self.uri.as_bytes()),
            Match::Wildcard => policy == Match::Wildcard && self.uri.as_bytes() == pattern,
        }
    }

    fn covers(&self, uri: &[u8]) -> bool {
        self.policy.covers(self.uri.as_bytes(), uri)
    }

    /// Whether some URI that begins with `start` may fall under this rule, although a shorter rule covers `start`.
    fn overlaps(&self, start: &[u8]) -> bool {
        let mine = self.uri.as_bytes();
        match self.policy {
            Match::Exact => mine.starts_with(start),
            Match::Prefix => mine.len() > start.len() && mine.starts_with(start),
            Match::Wildcard => {
                let mine = self.policy.literal_start(mine);
                mine.starts_with(start) || start.starts_with(mine)
            }
        }
    }
}

#[cfg(test)]
mod tests;
