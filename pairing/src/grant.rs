//! A grant: one row of what a device may do beside its role.
//!
//! It is data with its own rules of shape. What a grant allows is decided by the daemon's `src/access`.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// The longest URI in a grant: the router refuses longer ones anyway.
pub const MAX_URI_BYTES: usize = 255;

/// One permission of a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The URI, or the beginning of it.
    pub uri: String,
    /// How `uri` is compared.
    #[serde(rename = "match", default)]
    pub matching: Match,
    /// The actions.
    pub allow: Allow,
    /// The moment from which the grant is void.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "time::serde::rfc3339::option"
    )]
    pub until: Option<OffsetDateTime>,
    /// Whether the person at the desktop is asked each time.
    #[serde(default, skip_serializing_if = "is_false")]
    pub confirm: bool,
    /// Whether it holds only while the screen is unlocked.
    #[serde(default, skip_serializing_if = "is_false")]
    pub while_unlocked: bool,
}

/// How a grant's URI is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Match {
    /// The whole URI.
    #[default]
    Exact,
    /// The beginning; it ends with a dot, so that `org.deskconn.slides.` leaves out `org.deskconn.slidesevil`.
    Prefix,
    /// Empty components stand for any.
    Wildcard,
}

impl Match {
    /// The word in files and commands, which is that of WAMP's options.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Prefix => "prefix",
            Self::Wildcard => "wildcard",
        }
    }

    /// The policy with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Exact, Self::Prefix, Self::Wildcard]
            .into_iter()
            .find(|it| it.word() == word)
    }
}

/// The actions of a grant; absent means no.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Allow {
    /// May call.
    #[serde(skip_serializing_if = "is_false")]
    pub call: bool,
    /// May register.
    #[serde(skip_serializing_if = "is_false")]
    pub register: bool,
    /// May publish.
    #[serde(skip_serializing_if = "is_false")]
    pub publish: bool,
    /// May subscribe.
    #[serde(skip_serializing_if = "is_false")]
    pub subscribe: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Grant {
    /// Checks the shape.
    ///
    /// # Errors
    /// With the rule that is broken.
    pub fn check(&self) -> Result<(), BadGrant> {
        if self.uri.is_empty() || self.uri.len() > MAX_URI_BYTES {
            return Err(BadGrant::Length);
        }
        if self.matching == Match::Prefix && !self.uri.ends_with('.') {
            return Err(BadGrant::OpenPrefix(self.uri.clone()));
        }
        let calls = Allow {
            call: true,
            ..Allow::default()
        };
        if self.allow == Allow::default() {
            return Err(BadGrant::Nothing(self.uri.clone()));
        }
        if self.confirm && self.allow != calls {
            return Err(BadGrant::ConfirmBeyondCalls(self.uri.clone()));
        }
        Ok(())
    }

    /// Whether the grant still holds at `now`.
    #[must_use]
    pub fn holds_at(&self, now: OffsetDateTime) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// A grant with a shape that would allow more than it says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadGrant {
    /// Empty or too long.
    #[error("a grant needs a URI of 1 to {MAX_URI_BYTES} bytes")]
    Length,
    /// A prefix that stops in the middle of a component.
    #[error("the prefix {0:?} must end with a dot, otherwise it also covers longer names that begin the same")]
    OpenPrefix(String),
    /// No action at all.
    #[error("the grant for {0:?} allows nothing; name at least one of call, register, publish, subscribe")]
    Nothing(String),
    /// Somebody is to be asked about what cannot wait.
    #[error("only calls can wait until somebody confirms them: the grant for {0:?} may allow nothing else")]
    ConfirmBeyondCalls(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn grant(uri: &str, matching: Match) -> Grant {
        Grant {
            uri: uri.into(),
            matching,
            allow: Allow {
                call: true,
                ..Allow::default()
            },
            until: None,
            confirm: false,
            while_unlocked: false,
        }
    }

    #[test]
    fn a_prefix_must_end_at_a_dot() {
        assert_eq!(grant("org.deskconn.slides.", Match::Prefix).check(), Ok(()));
        let error = grant("org.deskconn.slides", Match::Prefix).check().unwrap_err();
        assert_eq!(error, BadGrant::OpenPrefix("org.deskconn.slides".into()));
        assert_eq!(grant("org.deskconn.slides", Match::Exact).check(), Ok(()));
    }

    #[test]
    fn a_uri_of_the_limit_is_taken_and_one_past_it_is_not() {
        assert_eq!(grant(&"a".repeat(MAX_URI_BYTES), Match::Exact).check(), Ok(()));
        assert_eq!(
            grant(&"a".repeat(MAX_URI_BYTES + 1), Match::Exact).check(),
            Err(BadGrant::Length)
        );
        assert_eq!(grant("", Match::Wildcard).check(), Err(BadGrant::Length));
    }

    #[test]
    fn a_grant_allows_something_and_confirms_nothing_but_calls() {
        let mut nothing = grant("a.b", Match::Exact);
        nothing.allow = Allow::default();
        assert_eq!(nothing.check(), Err(BadGrant::Nothing("a.b".into())));
        let mut asked = grant("a.b", Match::Exact);
        asked.confirm = true;
        assert_eq!(asked.check(), Ok(()));
        asked.allow.subscribe = true;
        assert_eq!(asked.check(), Err(BadGrant::ConfirmBeyondCalls("a.b".into())));
    }

    #[test]
    fn a_grant_with_an_end_is_void_from_that_moment() {
        let mut limited = grant("a.b", Match::Exact);
        limited.until = Some(datetime!(2030-01-01 0:00 UTC));
        assert!(limited.holds_at(datetime!(2029-12-31 23:59:59 UTC)));
        assert!(!limited.holds_at(datetime!(2030-01-01 0:00 UTC)));
        assert!(grant("a.b", Match::Exact).holds_at(datetime!(2100-01-01 0:00 UTC)));
    }

    #[test]
    fn only_what_is_said_is_written_and_unknown_words_are_refused() {
        let text = serde_json::to_string(&grant("a.b", Match::Exact)).unwrap();
        assert_eq!(text, r#"{"uri":"a.b","match":"exact","allow":{"call":true}}"#);
        assert_eq!(
            serde_json::from_str::<Grant>(&text).unwrap(),
            grant("a.b", Match::Exact)
        );
        let typo = r#"{"uri":"a.b","match":"exact","allow":{"calls":true}}"#;
        assert!(
            serde_json::from_str::<Grant>(typo)
                .unwrap_err()
                .to_string()
                .contains("calls")
        );
    }
}
