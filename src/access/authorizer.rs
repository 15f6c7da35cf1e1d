//! Asks the authorizers of the configured realms: a procedure that somebody registered there says whether a session may
//! do what no rule of its role speaks of (`docs/API.md`).
//!
//! The procedure gets `(session, uri, action, options)` and answers with a boolean or with a dictionary `{allow, disclose?,
//! cache?}`. `session` is a dictionary {session, authid, authrole, authmethod, authprovider, realm}; `action` is `call`,
//! `register`, `publish` or `subscribe`; `options` says how the URI is matched, {match}.

use std::time::Duration;

use client::{Args, Session};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use router::{Authorization, Decision, RealmHandle, Router};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use wamp::id::QuestionId;
use wamp::value::{Dict, Value};

use super::asking::{self, Unanswered};
use crate::inside::Sessions;

/// How long an authorizer may take: a session waits meanwhile, and no answer is a no.
pub const ANSWER_TIME: Duration = Duration::from_secs(2);

/// Questions under way at a time, of all realms: fewer than the calls that a session may have open. Further ones wait, and
/// their calls' time runs.
pub const AT_ONCE: usize = 64;

/// The name of the session that asks, and the role that it has.
pub(super) const NAME: &str = "authorizer";

/// What is to be asked, and of which realm.
#[derive(Debug)]
pub struct Asked(RealmHandle, Authorization);

/// Where the gate puts questions. Unbounded, because the router must not wait: each session has one at most.
#[derive(Debug)]
pub struct Authorizers(UnboundedSender<Asked>);

impl Authorizers {
    /// The gate's end, and that of [`serve`].
    #[must_use]
    pub fn new() -> (Self, UnboundedReceiver<Asked>) {
        let (sender, asked) = mpsc::unbounded_channel();
        (Self(sender), asked)
    }

    /// Takes a question, unless the daemon stops. Never waits.
    pub(super) fn note(&self, realm: &RealmHandle, question: Authorization) -> bool {
        self.0.send(Asked(realm.clone(), question)).is_ok()
    }
}

/// Asks, for as long as the daemon runs.
pub async fn serve(router: Router, mut asked: UnboundedReceiver<Asked>) {
    let sessions = Sessions::new(router, NAME);
    let mut open = FuturesUnordered::new();
    loop {
        tokio::select! {
            question = asked.recv(), if open.len() < AT_ONCE => {
                let Some(Asked(realm, question)) = question else { return };
                match sessions.of(realm.name().as_str()).await {
                    Ok(session) => open.push(ask(session, realm, question)),
                    Err(error) => {
                        tracing::warn!(realm = %realm.name(), %error, "authorizers cannot be asked");
                        decide(&realm, question.id, Decision::Failed("the authorizer cannot be asked"));
                    }
                }
            }
            Some(()) = open.next() => {}
        }
    }
}

async fn ask(session: Session, realm: RealmHandle, question: Authorization) {
    let authorizer = question.authorizer.as_str().to_owned();
    let id = question.id;
    let answered = asking::call(&session, &authorizer, args(&realm, &question), ANSWER_TIME).await;
    let decision = match answered {
        Ok(answer) => read(&answer),
        Err(Unanswered::Absent) => Decision::Failed("the authorizer that decides about it is not there"),
        Err(Unanswered::Late) => Decision::Failed("the authorizer that decides about it did not answer in time"),
        Err(Unanswered::Refused(_) | Unanswered::Failed(_)) => {
            tracing::debug!(authorizer, ?answered, "an authorizer failed");
            Decision::Failed("the authorizer that decides about it failed")
        }
    };
    if let Decision::Failed(why) = decision {
        tracing::info!(realm = %realm.name(), authorizer, uri = %question.uri, "refused: {why}");
    }
    decide(&realm, id, decision);
}

fn decide(realm: &RealmHandle, question: QuestionId, decision: Decision) {
    realm.authorize(question, decision);
}

fn args(realm: &RealmHandle, question: &Authorization) -> Vec<Value> {
    let text = |text: &str| Value::from(text);
    let session = Dict::from([
        ("session".to_owned(), question.origin.session.get().into()),
        ("authid".to_owned(), text(&question.origin.authid)),
        ("authrole".to_owned(), text(&question.origin.authrole)),
        ("authmethod".to_owned(), text(question.method)),
        ("authprovider".to_owned(), text(question.provider)),
        ("realm".to_owned(), text(realm.name().as_str())),
    ]);
    let options = Dict::from([("match".to_owned(), text(question.policy.name()))]);
    vec![
        session.into(),
        text(question.uri.as_str()),
        text(question.action.name()),
        options.into(),
    ]
}

/// What an authorizer answered: everything that is not a clear yes is a no.
fn read(answer: &Args) -> Decision {
    const UNCLEAR: Decision = Decision::Failed(
        "the authorizer that decides about it answered with neither a boolean nor a dictionary {allow}",
    );
    match answer.args.first() {
        Some(Value::Bool(is_allowed)) => Decision::Made {
            is_allowed: *is_allowed,
            disclose: None,
            is_lasting: false,
        },
        Some(Value::Dict(answer)) => {
            let flag = |key: &str| answer.get(key).and_then(Value::as_bool);
            flag("allow").map_or(UNCLEAR, |is_allowed| Decision::Made {
                is_allowed,
                disclose: flag("disclose"),
                is_lasting: flag("cache").unwrap_or(false),
            })
        }
        _ => UNCLEAR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(value: impl Into<Value>) -> Decision {
        read(&vec![value.into()].into())
    }

    #[test]
    fn a_boolean_decides_once() {
        for is_allowed in [true, false] {
            let expected = Decision::Made {
                is_allowed,
                disclose: None,
                is_lasting: false,
            };
            assert_eq!(answered(is_allowed), expected);
        }
    }

    #[test]
    fn a_dictionary_says_more() {
        let dict = |pairs: &[(&str, bool)]| -> Dict {
            let pairs = pairs.iter();
            pairs.map(|(key, value)| ((*key).to_owned(), (*value).into())).collect()
        };
        assert_eq!(
            answered(dict(&[("allow", true), ("cache", true), ("disclose", false)])),
            Decision::Made {
                is_allowed: true,
                disclose: Some(false),
                is_lasting: true
            }
        );
        assert!(matches!(answered(dict(&[("cache", true)])), Decision::Failed(_)));
    }

    #[test]
    fn anything_else_is_no_yes() {
        for value in [
            Value::Null,
            Value::from("true"),
            Value::from(1_u64),
            Value::List(vec![true.into()]),
        ] {
            assert!(matches!(answered(value), Decision::Failed(_)));
        }
        assert!(matches!(read(&Args::default()), Decision::Failed(_)));
    }
}
