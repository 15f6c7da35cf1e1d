//! One file for each command. A command opens a session if it needs one, and says goodbye when it is done.

mod actions;
#[cfg(target_os = "linux")]
mod agent;
mod approve;
mod battery;
mod brightness;
mod call;
mod command;
mod completions;
pub(crate) mod desktops;
mod devices;
mod discover;
mod discovery;
#[cfg(target_os = "linux")]
mod doctor;
mod gpio;
mod host;
mod join;
mod keeping;
mod keyboard;
mod keygen;
mod log;
mod man;
mod media;
mod notify;
mod open;
mod pair;
mod pointer;
mod power;
mod publish;
mod queued;
mod register;
mod reload;
mod screen;
mod secret;
mod shell;
mod slides;
mod status;
mod subscribe;
pub(crate) mod top;
mod volume;

use std::time::Duration;

use client::{Args, Client, Error, Session, Subscription, Value};

use crate::args::{Arguments, Command, Global};
use crate::connect;
use crate::explain::{Deed, explain, is_of_a_desktop};
use crate::failure::Failure;
use crate::output::Output;
use crate::system::EndSignals;

/// The longest time that can be asked for: a year, which is for ever.
const MAX_SECONDS: f64 = 366.0 * 24.0 * 3600.0;

/// Runs the command that was typed.
pub(crate) async fn run(arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let session = match &arguments.command {
        Command::Completions { shell } => return completions::run(*shell),
        Command::Man(man) => return man::run(man, output),
        #[cfg(target_os = "linux")]
        Command::Agent => return agent::run(&arguments.global, output).await,
        #[cfg(target_os = "linux")]
        Command::Doctor => return doctor::run(&arguments.global, output).await,
        Command::Keygen => return keygen::run(&arguments.global, output),
        Command::Secret(secret) => return secret::run(secret, output).await,
        Command::Join(join) => return join::run(&arguments.global, join, output).await,
        Command::Desktops { command } => return desktops::run(command.as_ref(), output),
        Command::Discover(discover) => return discover::run(discover, output).await,
        Command::Publish(publish) if publish.queue => return queued::run(&arguments.global, publish, output).await,
        Command::Log(log) => return log::run(&arguments.global, log, output).await,
        Command::Subscribe(_) | Command::Register(_) | Command::Approve(_) | Command::Top(_) | Command::Pair(_) => {
            let client = keep(&arguments.global, output).await?;
            let result = with_client(&client, arguments, output).await;
            client.close().await;
            return result;
        }
        Command::Status
        | Command::Devices { .. }
        | Command::Discovery { .. }
        | Command::Actions { .. }
        | Command::Reload
        | Command::Call(_)
        | Command::Publish(_)
        | Command::Slides { .. }
        | Command::Screen { .. }
        | Command::Brightness(_)
        | Command::Media(_)
        | Command::Pointer { .. }
        | Command::Keyboard { .. }
        | Command::Host
        | Command::Gpio { .. }
        | Command::Programs { .. }
        | Command::Volume { .. }
        | Command::Notify(_)
        | Command::Open(_)
        | Command::Battery
        | Command::Power { .. } => {
            let words = format!("connecting to {}", place(&arguments.global));
            output
                .while_waiting(&words, Box::pin(connect::open(&arguments.global)))
                .await?
        }
    };
    let work = with_session(&session, arguments, output);
    let result = if shows_progress(&arguments.command) {
        work.await
    } else {
        output.while_waiting("waiting for an answer", work).await
    };
    session.leave().await;
    result
}

/// Opens a session for a command that goes on until somebody ends it, whatever happens to the connection.
async fn keep(global: &Global, output: &Output) -> Result<Client, Failure> {
    let words = format!("connecting to {}", place(global));
    output.while_waiting(&words, Box::pin(connect::keep(global))).await
}

/// What goes on over its connections, and some of it over its sessions.
async fn with_client(client: &Client, arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    if let Command::Subscribe(subscribe) = &arguments.command {
        return subscribe::run(client, subscribe, output).await;
    }
    if let Command::Register(register) = &arguments.command {
        return register::run(client, register, output).await;
    }
    if let Command::Approve(approve) = &arguments.command {
        return approve::run(client, approve, output).await;
    }
    // The others end with their session.
    let session = client.session().await?;
    with_session(&session, arguments, output).await
}

async fn with_session(session: &Session, arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    match &arguments.command {
        Command::Status => status::run(session, &arguments.global, output).await,
        Command::Top(top) => top::run(session, top, &arguments.global, output).await,
        Command::Pair(pair) => pair::run(session, pair, output).await,
        Command::Devices { command } => devices::run(session, command.as_ref(), output).await,
        Command::Discovery { command } => discovery::run(session, command.as_ref(), output).await,
        Command::Actions { command } => actions::run(session, command.as_ref(), output).await,
        Command::Reload => reload::run(session, output).await,
        Command::Call(call) => call::run(session, call, output).await,
        Command::Publish(publish) => publish::run(session, publish, output).await,
        Command::Slides { command } => slides::run(session, *command, output).await,
        Command::Screen { command } => screen::run(session, *command, output).await,
        Command::Brightness(brightness) => brightness::run(session, brightness, output).await,
        Command::Media(media) => media::run(session, media, output).await,
        Command::Pointer { command } => pointer::run(session, command, output).await,
        Command::Keyboard { command } => keyboard::run(session, command, output).await,
        Command::Host => host::run(session, output).await,
        Command::Gpio { command } => gpio::run(session, command.as_ref(), output).await,
        Command::Programs { command } => command::run(session, command.as_ref(), output).await,
        Command::Volume { command } => volume::run(session, *command, output).await,
        Command::Notify(notify) => notify::run(session, notify, output).await,
        Command::Open(open) => open::run(session, open, output).await,
        Command::Battery => battery::run(session, output).await,
        Command::Power { command } => power::run(session, *command, output).await,
        // These have no session, or see to it themselves.
        Command::Join(_)
        | Command::Desktops { .. }
        | Command::Discover(_)
        | Command::Log(_)
        | Command::Subscribe(_)
        | Command::Register(_)
        | Command::Approve(_)
        | Command::Keygen
        | Command::Secret(_)
        | Command::Man(_)
        | Command::Completions { .. } => Ok(()),
        #[cfg(target_os = "linux")]
        Command::Agent | Command::Doctor => Ok(()),
    }
}

/// Whether a command shows by itself that it goes on.
fn shows_progress(command: &Command) -> bool {
    matches!(command, Command::Brightness(brightness) if brightness.fade.is_some())
}

/// Calls a procedure of the desktop and gives its one result.
async fn ask(session: &Session, procedure: &str, args: impl Into<Args>) -> Result<Value, Failure> {
    match session.call(procedure, args).await {
        Ok(result) => Ok(result.into_value()),
        Err(error) => Err(explain(session, Deed::Call, procedure, error).await),
    }
}

/// Hears what is published for whoever decides whom the desktop trusts.
async fn hear(session: &Session, topic: &str) -> Result<Subscription, Failure> {
    match session.subscribe(topic).await {
        Ok(subscription) => Ok(subscription),
        Err(error) => Err(unheard(session, topic, error).await),
    }
}

/// Why that is not heard. A grant of this topic alone would not help whoever is not the owner.
async fn unheard(session: &Session, topic: &str, error: Error) -> Failure {
    if !is_of_a_desktop(session) {
        return explain(session, Deed::Subscribe, topic, error).await;
    }
    match &error {
        Error::Request(refused) if refused.uri.as_str() == "wamp.error.not_authorized" => {
            Failure::from(error).hint("whom a desktop trusts is decided at it: run this there")
        }
        Error::Request(_) | Error::Closed(_) | Error::Unconvertible(_) => error.into(),
    }
}

/// Somebody wants this program to end: Ctrl-C, or SIGTERM of a service manager. From the moment this is made the
/// signals wait to be seen, so it is made before there is anything that must be ended in order.
struct Interrupts(EndSignals);

impl Interrupts {
    fn new() -> Result<Self, Failure> {
        let failed = |error| Failure::failed(format!("signals cannot be waited for: {error}"));
        EndSignals::new().map(Self).map_err(failed)
    }

    async fn next(&mut self) {
        self.0.next().await;
    }
}

/// Seconds as they are typed.
fn seconds(number: f64) -> Result<Duration, Failure> {
    let is_time = number > 0.0 && number <= MAX_SECONDS;
    let wrong = || Failure::Usage(format!("{number} is no number of seconds; it must be more than 0"));
    is_time.then(|| Duration::from_secs_f64(number)).ok_or_else(wrong)
}

/// Where the session went, for results.
fn place(global: &Global) -> &str {
    let named = global.desktop.as_deref().or(global.at.as_deref());
    named.unwrap_or("this machine")
}
