//! The ways in which a procedure refuses a call, each with its error of WAMP and a sentence that a person can act on.

use std::collections::BTreeMap;

use client::{RequestError, Value, dict};

use crate::backends::{Failure, Missing};

/// Why a call is refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// The arguments are not those of the procedure.
    #[error("{0}")]
    BadArgument(String),
    /// There is nothing of the name that was given.
    #[error("{sentence}")]
    NoSuch {
        /// The sentence for people.
        sentence: String,
        /// What was asked for.
        asked: String,
        /// The names that exist.
        known: Vec<String>,
    },
    /// The machine has not what the procedure needs.
    #[error("{0}")]
    Unavailable(Missing),
    /// It is not done, for a reason that is neither.
    #[error("{0}")]
    Refused(String),
    /// Not now: as much is under way as may be.
    #[error("{0}")]
    Busy(String),
    /// What somebody else answered who serves the call for us.
    #[error("{sentence}")]
    Passed {
        /// The error's URI.
        uri: String,
        /// The sentence for people.
        sentence: String,
        /// Details for programs.
        details: BTreeMap<String, Value>,
    },
}

impl Refusal {
    /// The error's URI.
    #[must_use]
    pub fn uri(&self) -> &str {
        match self {
            Self::BadArgument(_) | Self::NoSuch { .. } => "org.deskconn.error.bad_argument",
            Self::Unavailable(_) => "org.deskconn.error.unavailable",
            Self::Refused(_) => "org.deskconn.error.refused",
            Self::Busy(_) => "org.deskconn.error.busy",
            Self::Passed { uri, .. } => uri,
        }
    }

    /// Details for programs, besides the sentence for people.
    #[must_use]
    pub fn details(&self) -> BTreeMap<String, Value> {
        let missing = match self {
            Self::Unavailable(missing) => missing,
            Self::Passed { details, .. } => return details.clone(),
            Self::NoSuch { asked, known, .. } => {
                let known = known.iter().map(|name| name.as_str().into()).collect();
                return dict([("asked", asked.as_str().into()), ("known", Value::List(known))]);
            }
            Self::BadArgument(_) | Self::Refused(_) | Self::Busy(_) => return BTreeMap::new(),
        };
        [
            ("what", missing.what),
            ("reason", &missing.reason),
            ("mend", &missing.mend),
        ]
        .into_iter()
        .map(|(key, text)| (key.to_owned(), Value::Text(text.to_owned())))
        .collect()
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Missing(missing) => Self::Unavailable(missing),
            Failure::NoSuch {
                ref asked, ref known, ..
            } => Self::NoSuch {
                sentence: failure.to_string(),
                asked: asked.clone(),
                known: known.clone(),
            },
            Failure::Refused(why) => Self::Refused(why),
            Failure::Busy(why) => Self::Busy(why),
        }
    }
}

impl From<Missing> for Refusal {
    fn from(missing: Missing) -> Self {
        Self::Unavailable(missing)
    }
}

/// A refusal as the caller gets it.
impl From<Refusal> for RequestError {
    fn from(refusal: Refusal) -> Self {
        Self {
            uri: refusal.uri().into(),
            args: vec![Value::Text(refusal.to_string())],
            kwargs: refusal.details(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_what_is_not_there_is_told_what_is() {
        let refusal = Refusal::from(Failure::NoSuch {
            what: "display",
            asked: "panle".to_owned(),
            known: vec!["panel".to_owned(), "monitor".to_owned()],
        });
        assert_eq!(refusal.uri(), "org.deskconn.error.bad_argument");
        assert_eq!(
            refusal.to_string(),
            "there is no display \"panle\"; there are \"panel\" and \"monitor\""
        );
        let details = refusal.details();
        assert_eq!(details["asked"], "panle".into());
        assert_eq!(details["known"], Value::List(vec!["panel".into(), "monitor".into()]));
    }
}
