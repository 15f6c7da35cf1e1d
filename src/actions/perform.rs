//! Does the steps of an action, one after the other.

use std::sync::Arc;
use std::time::Duration;

use client::{Args, PublishOptions, Session};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use wamp::value::{Dict, Value};

use super::expression::{MAX_OUTPUT, size};
use super::post;
use super::render::{Rendered, is_wanted, kind, render, subject_of};
use crate::config::DESKTOP_REALM;
use crate::config::action::{Action, Step};
use crate::inside::Sessions;

/// Actions that are done at a time, of all; further ones wait. Each may have a program or a request under way.
pub(super) const AT_ONCE: usize = 16;

/// A notification takes so long at most: the service of the desktop answers at once, or is not there.
const NOTIFY_TIME: Duration = Duration::from_secs(10);

/// A command ends its program by itself, after an hour at most; this is for one that nobody serves any more.
const COMMAND_TIME: Duration = Duration::from_secs(components::command::MAX_TIMEOUT_S + 60);

/// What does steps.
#[derive(Debug)]
pub(super) struct Performer {
    sessions: Arc<Sessions>,
    room: Semaphore,
}

/// What became of an action.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Outcome {
    pub(super) steps: Vec<Done>,
    /// What went wrong first.
    pub(super) error: Option<String>,
}

/// A step, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Done {
    /// `call`, `publish` and so on.
    pub(super) kind: &'static str,
    /// What it was about, once that was known.
    pub(super) subject: Option<String>,
    pub(super) end: End,
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum End {
    /// It went well, with this result.
    Well(Value),
    /// Its condition did not hold.
    LeftOut,
    /// It failed.
    Failed(String),
}

impl Performer {
    pub(super) fn new(sessions: Arc<Sessions>) -> Self {
        Self {
            sessions,
            room: Semaphore::new(AT_ONCE),
        }
    }

    /// Does all steps, until one fails that the others do not go on without.
    pub(super) async fn perform(&self, action: &Action, mut scope: Dict) -> Outcome {
        let _place = self.room.acquire().await;
        let mut outcome = Outcome {
            steps: Vec::new(),
            error: None,
        };
        let mut results = Vec::new();
        for (index, step) in action.then.iter().enumerate() {
            let done = self.step(action, step, &scope).await;
            let result = match &done.end {
                End::Well(result) if size(result) <= MAX_OUTPUT => result.clone(),
                End::Well(_) | End::LeftOut | End::Failed(_) => Value::Null,
            };
            results.push(result.clone());
            scope.insert("result".to_owned(), result);
            scope.insert("results".to_owned(), Value::List(results.clone()));
            let failure = match &done.end {
                End::Failed(why) => Some(format!("step {} ({}): {why}", index + 1, done.kind)),
                End::Well(_) | End::LeftOut => None,
            };
            outcome.steps.push(done);
            if let Some(failure) = failure {
                tracing::warn!(action = %action.name, "{failure}");
                outcome.error.get_or_insert(failure);
                if !step.goes_on {
                    break;
                }
            }
        }
        outcome
    }

    async fn step(&self, action: &Action, step: &Step, scope: &Dict) -> Done {
        let mut done = Done {
            kind: kind(&step.what),
            subject: None,
            end: End::LeftOut,
        };
        let rendered = match is_wanted(step, scope) {
            Ok(true) => render(&step.what, scope),
            Ok(false) => return done,
            Err(trouble) => Err(trouble),
        };
        let ended = match rendered {
            Ok(rendered) => {
                done.subject = rendered.subject();
                self.act(&action.realm, rendered).await
            }
            Err(trouble) => {
                done.subject = subject_of(&step.what, scope);
                Err(trouble.to_string())
            }
        };
        done.end = ended.map_or_else(End::Failed, End::Well);
        done
    }

    async fn session(&self, realm: &str) -> Result<Session, String> {
        let opened = self.sessions.of(realm).await;
        opened.map_err(|error| format!("the realm {realm:?} cannot be joined: {error}"))
    }

    async fn act(&self, realm: &str, step: Rendered) -> Result<Value, String> {
        match step {
            Rendered::Call {
                procedure,
                args,
                kwargs,
                timeout,
            } => {
                let session = self.session(realm).await?;
                let answer = called(&session, &procedure, Args::from((args, kwargs)), timeout).await?;
                Ok(result(answer))
            }
            Rendered::Publish {
                topic,
                args,
                kwargs,
                retain,
                acknowledge,
            } => {
                let options = PublishOptions {
                    retain,
                    acknowledge,
                    ..PublishOptions::default()
                };
                let published = self
                    .session(realm)
                    .await?
                    .publish_with(&topic, Args::from((args, kwargs)), options)
                    .await;
                published.map(|_| Value::Null).map_err(|error| error.to_string())
            }
            Rendered::Notify { summary, body } => {
                let session = self.session(DESKTOP_REALM).await?;
                let args = Args::from([summary.into()]).with("body", body);
                let shown = called(&session, "org.deskconn.notify.send", args, NOTIFY_TIME).await?;
                Ok(shown.into_value())
            }
            Rendered::Command { name } => {
                let session = self.session(DESKTOP_REALM).await?;
                let args = Args::from([name.into()]);
                let ended = called(&session, "org.deskconn.command.run", args, COMMAND_TIME)
                    .await?
                    .into_value();
                succeeded(ended)
            }
            Rendered::Post(request) => post::make(&request).await,
        }
    }
}

async fn called(session: &Session, procedure: &str, args: Args, limit: Duration) -> Result<Args, String> {
    match timeout(limit, session.call(procedure, args)).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err(format!("{procedure} did not answer within {} s", limit.as_secs_f32())),
    }
}

/// The result of a call, for the steps behind it.
fn result(answer: Args) -> Value {
    let value = answer.args.first().cloned();
    Value::Dict(Dict::from([
        ("args".to_owned(), Value::List(answer.args)),
        ("kwargs".to_owned(), Value::Dict(answer.kwargs)),
        ("value".to_owned(), value.into()),
    ]))
}

/// A program that says it failed has failed.
fn succeeded(ended: Value) -> Result<Value, String> {
    let of = |key: &str| ended.as_dict().and_then(|it| it.get(key));
    if of("exit").and_then(Value::as_u64) == Some(0) {
        return Ok(ended);
    }
    let how = match (of("exit").and_then(Value::as_i64), of("signal").and_then(Value::as_i64)) {
        (Some(exit), _) => format!("it ended with {exit}"),
        (None, Some(signal)) => format!("it was ended by signal {signal}"),
        (None, None) => "nobody knows how it ended".to_owned(),
    };
    let said = of("stderr")
        .and_then(Value::as_str)
        .and_then(|text| text.trim().lines().last());
    Err(said.map_or_else(|| how.clone(), |said| format!("{how}: {said}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_failed_is_told_with_its_last_words() {
        let ended = |exit: Option<u64>, signal: Option<u64>, stderr: &str| {
            let pairs = [
                ("exit", exit.into()),
                ("signal", signal.into()),
                ("stderr", Value::from(stderr)),
            ];
            succeeded(Value::dict(pairs))
        };
        assert!(ended(Some(0), None, "a warning").is_ok());
        assert_eq!(
            ended(Some(3), None, "first\nlast\n").unwrap_err(),
            "it ended with 3: last"
        );
        assert_eq!(ended(None, Some(9), "").unwrap_err(), "it was ended by signal 9");
    }
}
