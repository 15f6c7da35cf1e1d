//! Functions that need the desktop session, for a daemon that runs outside it.
//!
//! A system service has no session bus. An agent inside the session serves those
//! functions with the same components ([`serve`]), and the daemon offers them
//! under their own names and passes calls on ([`Relay`]). So they stay
//! registered when no agent is there, and say so.
//!
//! Who may be the agent is the daemon's business.

use std::collections::BTreeMap;
use std::sync::Arc;

use client::{Args, Error, Invocation, Reply, RequestError, Session, Value};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, watch};

use crate::run::{Running, reporter};
use crate::{
    ALL, Announce, Arguments, Component, Entry, Home, Machine, Missing, Procedure, Refusal, Report, Settings, make,
};

/// `(uri, args, kwargs) → result`: what the agent serves of the desktop's functions.
pub const CALL: &str = "org.deskconn.agent.call";
/// `() → {name: {what, reason, mend}}`: what the agent's functions lack.
pub const MISSING: &str = "org.deskconn.agent.missing";
/// `() → {components: [name], settings}`: what the daemon wants of an agent; the settings as JSON.
pub const WELCOME: &str = "org.deskconn.agent.welcome";
/// `[settings]`: the settings have changed; as JSON.
pub const ON_SETTINGS: &str = "org.deskconn.agent.on_settings";
/// `() → null`: the agent says that it serves.
pub const READY: &str = "org.deskconn.agent.ready";
/// Intermediate results that wait to be passed on; the last result is never lost.
const PROGRESS: usize = 64;

/// The components that an agent serves.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    ALL.iter().copied().filter(|entry| entry.home == Home::Session)
}

/// Serves the session's functions for the daemon at the other end, until the
/// session ends. When this returns it serves.
///
/// # Errors
/// The daemon refuses, there is an agent already, or the session has ended.
pub async fn serve(session: &Session, machine: &Machine) -> Result<Running, Error> {
    // A daemon of an older version does not tell of changes.
    let changes = session.subscribe(ON_SETTINGS).await.ok();
    let welcome = session.call(WELCOME, ()).await?.into_value();
    let of = |key: &str| welcome.as_dict().and_then(|welcome| welcome.get(key));
    let wanted: Vec<&str> = of("components")
        .and_then(Value::as_list)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    // Of another version, it may have settings that are not known here: then the defaults serve.
    let settings = of("settings").and_then(settings_of).unwrap_or_default();
    let is_wanted = |entry: &Entry| entry.home == Home::Session && wanted.contains(&entry.name);
    let components: Arc<[_]> = make(machine, &settings, is_wanted).into();
    let offered = Arc::clone(&components);
    session
        .register(MISSING, move |_| missing(Arc::clone(&offered)))
        .await?;
    let offered = Arc::clone(&components);
    session
        .register(CALL, move |call| pass(Arc::clone(&offered), call))
        .await?;
    session.call(READY, ()).await?;
    let placed = components.iter().map(|it| (session.clone(), Arc::clone(it)));
    let mut running = Running::announcing(placed.collect());
    if let Some(changes) = changes {
        running.follow(changes, settings_of);
    }
    Ok(running)
}

/// Settings as the daemon tells them.
fn settings_of(json: &Value) -> Option<Settings> {
    serde_json::from_str(json.as_str()?).ok()
}

async fn missing(components: Arc<[Arc<dyn Component>]>) -> Result<Reply, RequestError> {
    let ask = components
        .iter()
        .map(async |component| Some((component.entry().name, component.missing().await?)));
    let missing = futures_util::future::join_all(ask).await;
    let row = |(name, missing): (&str, Missing)| {
        let row = [
            ("what", missing.what.into()),
            ("reason", missing.reason.into()),
            ("mend", missing.mend.into()),
        ];
        (name.to_owned(), Value::dict(row))
    };
    Ok(Value::Dict(missing.into_iter().flatten().map(row).collect()).into())
}

/// Serves one call that the daemon passes on.
async fn pass(components: Arc<[Arc<dyn Component>]>, call: Invocation) -> Result<Reply, RequestError> {
    let report = call.progress.map(reporter);
    let mut parts = call.args.into_iter();
    let (uri, args, kwargs) = (parts.next(), parts.next(), parts.next());
    let uri = uri.as_ref().and_then(Value::as_str).unwrap_or_default();
    let served = components.iter().find_map(|component| {
        let procedure = component.entry().procedures.iter().find(|it| it.uri == uri)?;
        Some((component, procedure))
    });
    let Some((component, procedure)) = served else {
        return Err(RequestError::new(
            "wamp.error.no_such_procedure",
            format!("this agent does not serve {uri}"),
        ));
    };
    let arguments = match (args, kwargs) {
        (Some(Value::List(args)), Some(Value::Dict(kwargs))) => Arguments::new(args, kwargs),
        _ => {
            return Err(RequestError::new(
                "wamp.error.invalid_argument",
                "takes a URI, a list and a dictionary".to_owned(),
            ));
        }
    };
    let answer = component.call_reporting(procedure, arguments, report.as_deref()).await;
    Ok(answer?.into())
}

/// A component whose work an agent does.
#[derive(Debug)]
pub struct Relay {
    entry: &'static Entry,
    session: Session,
    is_there: watch::Receiver<bool>,
    /// What this process can do of it by itself, while no agent is there.
    own: Option<Arc<dyn Component>>,
}

impl Relay {
    /// The component of that row, by whoever is the agent at the other end of
    /// the session.
    #[must_use]
    pub fn new(
        entry: &'static Entry,
        session: Session,
        is_there: watch::Receiver<bool>,
        own: Option<Arc<dyn Component>>,
    ) -> Self {
        Self {
            entry,
            session,
            is_there,
            own,
        }
    }

    async fn pass(
        &self,
        procedure: &'static Procedure,
        arguments: Arguments,
        report: Option<&Report>,
    ) -> Result<Value, Refusal> {
        let is_there = *self.is_there.borrow();
        match &self.own {
            Some(own) if !is_there => return own.call_reporting(procedure, arguments, report).await,
            None if !is_there => return Err(Refusal::Unavailable(no_agent(self.entry.name))),
            _ => {}
        }
        let (args, kwargs) = arguments.into_parts();
        let packed = [
            procedure.uri.into(),
            Value::List(args.clone()),
            Value::Dict(kwargs.clone()),
        ];
        let result = match report {
            None => self.session.call(CALL, packed).await,
            Some(report) => self.pass_reporting(packed, report).await,
        };
        match (result, &self.own) {
            (Ok(result), _) => Ok(result.into_value()),
            // It left a moment ago, before it was asked.
            (Err(Error::Request(error)), Some(own)) if error.uri == "wamp.error.no_such_procedure" => {
                let arguments = Arguments::new(args, kwargs);
                own.call_reporting(procedure, arguments, report).await
            }
            (Err(error), _) => Err(passed(error, self.entry.name)),
        }
    }

    async fn pass_reporting(&self, args: [Value; 3], report: &Report) -> Result<Args, Error> {
        let (results, mut received) = mpsc::channel::<Args>(PROGRESS);
        let mut call = std::pin::pin!(self.session.call_into(CALL, args, results));
        loop {
            tokio::select! {
                biased;
                Some(result) = received.recv() => report(result.into_value()).await,
                result = &mut call => {
                    while let Ok(result) = received.try_recv() {
                        report(result.into_value()).await;
                    }
                    return result;
                }
            }
        }
    }
}

impl Component for Relay {
    fn entry(&self) -> &'static Entry {
        self.entry
    }

    fn call(&self, procedure: &'static Procedure, arguments: Arguments) -> BoxFuture<'_, Result<Value, Refusal>> {
        self.pass(procedure, arguments, None).boxed()
    }

    fn call_reporting<'a>(
        &'a self,
        procedure: &'static Procedure,
        arguments: Arguments,
        report: Option<&'a Report>,
    ) -> BoxFuture<'a, Result<Value, Refusal>> {
        self.pass(procedure, arguments, report).boxed()
    }

    /// The agent publishes by itself; without one, what this process knows is told.
    fn announce<'a>(&'a self, publish: &'a Announce) -> BoxFuture<'a, ()> {
        async move {
            let mut is_there = self.is_there.clone();
            loop {
                if is_there.wait_for(|is_there| !is_there).await.is_err() {
                    return;
                }
                let Some(own) = &self.own else {
                    return std::future::pending().await;
                };
                tokio::select! {
                    () = own.announce(publish) => return,
                    come = async { is_there.wait_for(|is_there| *is_there).await.is_ok() } => if !come { return },
                }
            }
        }
        .boxed()
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        async {
            if !*self.is_there.borrow() {
                return match &self.own {
                    Some(own) => own.missing().await,
                    None => Some(no_agent(self.entry.name)),
                };
            }
            let answer = self.session.call(MISSING, ()).await.ok()?.into_value();
            let row = answer.as_dict()?.get(self.entry.name)?.as_dict()?.clone();
            let of = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default();
            Some(Missing {
                what: self.entry.name,
                reason: format!("{}: {}", of("what"), of("reason")),
                mend: of("mend").to_owned(),
            })
        }
        .boxed()
    }
}

fn no_agent(what: &'static str) -> Missing {
    Missing {
        what,
        reason: "it needs the desktop session, and no agent of deskconn runs in the one in front".into(),
        mend: "start `deskconnctl agent` in the session; the packages start it at login".into(),
    }
}

/// What the agent answered, as the caller gets it.
fn passed(error: Error, name: &'static str) -> Refusal {
    match error {
        Error::Request(error) if error.uri == "wamp.error.no_such_procedure" => Refusal::Unavailable(no_agent(name)),
        // It went while it worked.
        Error::Request(error) if error.uri == "wamp.error.canceled" => Refusal::Unavailable(no_agent(name)),
        Error::Request(RequestError { uri, args, kwargs }) => Refusal::Passed {
            uri: uri.to_string(),
            sentence: args.first().and_then(Value::as_str).unwrap_or_default().to_owned(),
            details: kwargs.into_iter().collect::<BTreeMap<_, _>>(),
        },
        Error::Closed(_) | Error::Unconvertible(_) => Refusal::Passed {
            uri: "wamp.error.canceled".to_owned(),
            sentence: error.to_string(),
            details: BTreeMap::new(),
        },
    }
}
