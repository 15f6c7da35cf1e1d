//! Commands: programs that the person has configured under a name, run for a caller who knows the name.
//!
//! What is run comes from the configuration alone. A caller chooses among the names and adds nothing.

use std::sync::{Arc, PoisonError, RwLock};

use client::Value;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;

mod output;
mod settings;
#[cfg(test)]
mod tests;

use self::output::Gathered;
pub use self::settings::{
    Configured, DEFAULT_OUTPUT, DEFAULT_TIMEOUT_S, MAX_ARGUMENTS, MAX_COMMANDS, MAX_OUTPUT, MAX_TIMEOUT_S, Settings,
};
use crate::backends::program::{self, Ended, Program, Stream};
use crate::backends::{Failure, Missing};
use crate::{Arguments, Component, Entry, Home, Procedure, Refusal, Report};

/// The component's row.
pub const ENTRY: Entry = Entry {
    name: "command",
    procedures: &[LIST, RUN],
    topics: &[],
    home: Home::Session,
    make: |_, settings| Arc::new(Commands::new(settings.command.clone())),
};

/// Programs that run at a time; a further call is told that it is too much. Each is a process with whatever it starts.
pub const MAX_RUNNING: usize = 8;

const LIST: Procedure = Procedure::new(
    "org.deskconn.command.list",
    "() → [{name, title}]",
    "The commands that the configuration names",
    &[],
);
const RUN: Procedure = Procedure::new(
    "org.deskconn.command.run",
    "(name) → {exit, signal, stdout, stderr, truncated}",
    "Run one of them to its end",
    &[],
);

/// The configured commands.
#[derive(Debug)]
pub struct Commands {
    commands: RwLock<Vec<Arc<Configured>>>,
    room: Arc<Semaphore>,
}

impl Commands {
    /// The commands of these settings.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            commands: RwLock::new(shared(settings.commands)),
            room: Arc::new(Semaphore::new(MAX_RUNNING)),
        }
    }

    fn commands(&self) -> Vec<Arc<Configured>> {
        self.commands.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn answer(
        &self,
        procedure: &'static Procedure,
        mut arguments: Arguments,
        report: Option<&Report>,
    ) -> Result<Value, Refusal> {
        if procedure.uri == LIST.uri {
            arguments.end()?;
            return Ok(Value::List(self.commands().iter().map(|it| listed(it)).collect()));
        }
        let name = arguments.text("name")?;
        arguments.end()?;
        let commands = self.commands();
        let Some(command) = commands.iter().find(|command| command.name == name) else {
            return Err(Refusal::from(Failure::NoSuch {
                what: "command",
                asked: name,
                known: commands.iter().map(|command| command.name.clone()).collect(),
            }));
        };
        self.run(command, report).await
    }

    async fn run(&self, command: &Configured, report: Option<&Report>) -> Result<Value, Refusal> {
        let Ok(place) = Arc::clone(&self.room).try_acquire_owned() else {
            let sentence = format!("{MAX_RUNNING} commands are running; wait for one to end");
            return Err(Refusal::Busy(sentence));
        };
        if let Some(directory) = command.directory.as_deref().filter(|directory| !directory.is_dir()) {
            let reason = format!("{} is no directory", directory.display());
            return Err(unavailable(command, reason));
        }
        let mut gathered = Gathered::new(command.output_bytes, report.is_none());
        let program = Program {
            run: command.run.clone(),
            directory: command.directory.clone().or_else(std::env::home_dir),
            timeout: command.timeout(),
        };
        let take = |stream, chunk: &[u8]| {
            let text = gathered.take(stream, chunk);
            match report.filter(|_| !text.is_empty()) {
                Some(report) => report(progress(stream, text)),
                None => std::future::ready(()).boxed(),
            }
        };
        let ended = program::run(&program, place, take).await;
        match ended {
            Ok(Ended::Itself(status)) => Ok(gathered.result(status)),
            Ok(Ended::Late) => Err(Refusal::Refused(format!(
                "\"{}\" had not ended after {} s and was ended; timeout_s in the configuration allows more",
                command.name, command.timeout_s
            ))),
            Err(error) => Err(unavailable(command, format!("{}: {error}", command.run[0]))),
        }
    }
}

fn shared(commands: Vec<Configured>) -> Vec<Arc<Configured>> {
    commands.into_iter().map(Arc::new).collect()
}

fn unavailable(command: &Configured, reason: String) -> Refusal {
    Refusal::Unavailable(Missing {
        what: "the program of that command",
        reason,
        mend: format!(
            "correct [[components.command]] \"{}\" in the configuration",
            command.name
        ),
    })
}

fn listed(command: &Configured) -> Value {
    Value::dict([
        ("name", Value::from(command.name.as_str())),
        ("title", Value::from(command.title.as_str())),
    ])
}

fn progress(stream: Stream, text: String) -> Value {
    let name = match stream {
        Stream::Stdout => "stdout",
        Stream::Stderr => "stderr",
    };
    Value::dict([("stream", Value::from(name)), ("text", Value::Text(text))])
}

impl Component for Commands {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn call(&self, procedure: &'static Procedure, arguments: Arguments) -> BoxFuture<'_, Result<Value, Refusal>> {
        self.answer(procedure, arguments, None).boxed()
    }

    fn call_reporting<'a>(
        &'a self,
        procedure: &'static Procedure,
        arguments: Arguments,
        report: Option<&'a Report>,
    ) -> BoxFuture<'a, Result<Value, Refusal>> {
        self.answer(procedure, arguments, report).boxed()
    }

    fn reconfigure(&self, settings: &crate::Settings) {
        let mut own = self.commands.write().unwrap_or_else(PoisonError::into_inner);
        *own = shared(settings.command.commands.clone());
    }

    /// A program is looked for when it is run, which is when it has to be there.
    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        std::future::ready(None).boxed()
    }
}
