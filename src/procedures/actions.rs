//! `org.deskconn.actions.*`: what is done when something happens, for the owner.

use std::path::Path;
use std::sync::Arc;

use client::{Invocation, Reply, RequestError, Session};
use components::Refusal;
use components::backends::Failure;
use wamp::value::{Dict, Value};

use super::arguments::{bad, keyword_time};
use super::{Arguments, Desktop, offer, refused};
use crate::actions::{Given, Refused, Unknown};
use crate::config::Config;

pub(super) async fn register(session: &Session, desktop: &Arc<Desktop>) -> Result<(), client::Error> {
    offer(session, desktop, &["org.deskconn.actions.list"], list).await?;
    offer(session, desktop, &["org.deskconn.actions.test"], test).await?;
    offer(session, desktop, &["org.deskconn.actions.run"], run).await?;
    offer(session, desktop, &["org.deskconn.actions.switch"], switch).await
}

/// `actions.list() → [action]`.
async fn list(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    Arguments::of(&mut call).end()?;
    let rows = desktop.actions.rows().into_iter().map(Value::Dict);
    Ok(Value::List(rows.collect()).into())
}

/// `actions.test(name, kw: args, kwargs, topic, at, config) → {name, time, when, then}`: what would be done, and nothing is.
/// `config` is the text of another configuration, whose action is tried.
async fn test(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    let mut arguments = Arguments::of(&mut call);
    let name = arguments.text("name")?;
    let given = given(&mut arguments)?;
    let other = arguments.keyword_text("config")?;
    arguments.end()?;
    let other = other.map(|text| Config::parse(Path::new("the configuration"), &text));
    let other = other.transpose().map_err(|error| bad(error.to_string()))?;
    let other = other.as_ref().map(|config| &config.actions[..]);
    let told = desktop
        .actions
        .test(&name, &given, other)
        .await
        .map_err(|it| unknown(&name, it))?;
    Ok(Value::Dict(told).into())
}

/// `actions.run(name, kw: args, kwargs, topic) → {ok, error, took_ms, steps}`: does it now, whatever its conditions are.
async fn run(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    let mut arguments = Arguments::of(&mut call);
    let name = arguments.text("name")?;
    let given = given(&mut arguments)?;
    arguments.end()?;
    let outcome = desktop
        .actions
        .run(&name, &given)
        .await
        .map_err(|it| not_done(&name, it))?;
    Ok(Value::Dict(outcome).into())
}

/// `actions.switch(name, on) → kept`: from now on, also when the daemon starts again if `kept` is true.
async fn switch(desktop: Arc<Desktop>, mut call: Invocation) -> Result<Reply, RequestError> {
    let mut arguments = Arguments::of(&mut call);
    let (name, is_on) = (arguments.text("name")?, arguments.boolean("on")?);
    arguments.end()?;
    let kept = desktop.actions.switch(&name, is_on).map_err(|it| not_done(&name, it))?;
    Ok(Value::Bool(kept).into())
}

/// The occasion that a caller makes up.
fn given(arguments: &mut Arguments) -> Result<Given, RequestError> {
    let args = match arguments.keyword("args") {
        None => Vec::new(),
        Some(Value::List(args)) => args,
        Some(_) => return Err(bad("the keyword argument args has to be a list")),
    };
    let kwargs = match arguments.keyword("kwargs") {
        None => Dict::new(),
        Some(Value::Dict(kwargs)) => kwargs,
        Some(_) => return Err(bad("the keyword argument kwargs has to be a dictionary")),
    };
    let at = keyword_time(arguments, "at")?.map(|at| jiff::Timestamp::from_second(at.unix_timestamp()));
    let at = at
        .transpose()
        .map_err(|_| bad("the keyword argument at is too far away"))?;
    Ok(Given {
        args,
        kwargs,
        topic: arguments.keyword_text("topic")?,
        at,
    })
}

fn unknown(name: &str, Unknown { known }: Unknown) -> RequestError {
    if known.is_empty() {
        return bad(format!(
            "there is no action \"{name}\"; the configuration has no [[action]]"
        ));
    }
    Refusal::from(Failure::NoSuch {
        what: "action",
        asked: name.to_owned(),
        known,
    })
    .into()
}

fn not_done(name: &str, refused_: Refused) -> RequestError {
    match refused_ {
        Refused::Unknown(it) => unknown(name, it),
        Refused::Busy => refused(format!("{name} is being done, and too much waits for it already")),
        Refused::Ended => refused(format!(
            "{name} was taken out of the configuration before it came to its end"
        )),
        Refused::NotKept(why) => refused(format!("{name} is switched, but only until the daemon ends: {why}")),
    }
}
