//! `deskconnd`: arguments, log, signals, exit status.

mod manual;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{CommandFactory as _, Parser};
use deskconnd::check;
use deskconnd::config::{Config, Origin};
use deskconnd::daemon::{Daemon, Source};
use deskconnd::logging::Log;
use deskconnd::paths::Paths;
use deskconnd::watchdog::Watchdog;
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};

/// How often systemd is told how many there are, if that has changed.
const LOOK: Duration = Duration::from_secs(30);

/// Messages are allocated by the thread that reads them and freed by the one that writes them, and long ones come and go:
/// the system's allocator gives their memory back each time, which costs more than all else that is done with them. Without
/// huge pages: the first of them would be more than all that an idle daemon needs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Lets anything on your network talk to your desktop: a WAMP router that phones find by themselves and join by a
/// code. Needs no arguments and no configuration.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    /// Read this configuration instead of the usual one.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Listen on this TCP port instead of the configured one.
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// Say whether the configuration is right and what it contains, or everything that is wrong with it, and end.
    #[arg(long)]
    check: bool,
    /// Print a page of the manual, for a formatter such as `man -l -`, and end: that of the program, or with `config` that of
    /// its configuration.
    #[arg(
        long,
        exclusive = true,
        value_name = "PAGE",
        num_args = 0..=1,
        default_missing_value = "program",
        hide_possible_values = true
    )]
    man: Option<manual::Page>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(status) => status,
        Err(error) => {
            // The log may not be there yet, and the person who typed the command looks here.
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "deskconnd: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode> {
    if let Some(page) = arguments.man {
        manual::write(page, Arguments::command(), &mut std::io::stdout()).context("the page cannot be written")?;
        return Ok(ExitCode::SUCCESS);
    }
    let paths = Paths::of_this_process()?;
    let file = arguments.config.as_ref().unwrap_or(&paths.config);
    let port = arguments.port;
    let origin = Origin::new(file, arguments.config.is_some(), move |config| {
        for address in &mut config.listen.tcp {
            address.set_port(port.unwrap_or(address.port()));
        }
    });
    if arguments.check {
        return Ok(say_whether_right(&origin, paths.is_system));
    }
    let config = match origin.load() {
        Ok(config) => config,
        Err(errors) => return Ok(say_what_is_wrong(&errors)),
    };
    let log = Log::start(&config)?;
    let source = Source { origin, log: Some(log) };
    let runtime = runtime()?;
    let result = runtime.block_on(serve(source, &config, &paths));
    runtime.shutdown_background();
    result.map(|()| ExitCode::SUCCESS)
}

/// What everything runs in. Where the system gives no thread, its builder panics, and unwinding then waits for ever for the
/// threads that it had: the program ends before that, with a sentence.
fn runtime() -> Result<tokio::runtime::Runtime> {
    use std::io::Write as _;
    const REFUSED: &str = "the system does not let this program run";
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(|panic| {
        let why = panic.payload_as_str().unwrap_or("its threads cannot be started");
        let _ = writeln!(std::io::stderr(), "deskconnd: {REFUSED}: {why}");
        std::process::exit(1);
    }));
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    std::panic::set_hook(usual);
    built.context(REFUSED)
}

fn say_whether_right(origin: &Origin, is_system: bool) -> ExitCode {
    use std::io::Write as _;
    match check::check(origin, is_system) {
        Ok(checked) => {
            for warning in checked.warnings {
                let _ = writeln!(std::io::stderr(), "warning: {warning}");
            }
            let _ = writeln!(std::io::stdout(), "{}", checked.contents);
            ExitCode::SUCCESS
        }
        Err(errors) => say_what_is_wrong(&errors),
    }
}

fn say_what_is_wrong(errors: &[impl std::fmt::Display]) -> ExitCode {
    use std::io::Write as _;
    for error in errors {
        let _ = writeln!(std::io::stderr(), "deskconnd: {error}");
    }
    ExitCode::FAILURE
}

async fn serve(source: Source, config: &Config, paths: &Paths) -> Result<()> {
    // Before anything starts, so that a signal at the worst moment still ends things in order.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    for warning in check::warnings(config) {
        tracing::warn!("the configuration: {warning}");
    }
    let daemon = tokio::select! {
        daemon = Daemon::start_from(Some(source), config, paths, None) => daemon?,
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    let status = daemon.status();
    tell_systemd(&[NotifyState::Ready, NotifyState::Status(&status)]);
    let watchdog = watch(&daemon).await;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "ready");
    let mut look = tokio::time::interval(LOOK);
    let mut told = status;
    // Without systemd nobody wants to know, and nothing has to wake for it.
    let is_followed = std::env::var_os("NOTIFY_SOCKET").is_some();
    loop {
        tokio::select! {
            _ = terminate.recv() => break tracing::info!("asked to end by SIGTERM"),
            _ = interrupt.recv() => break tracing::info!("asked to end by SIGINT"),
            _ = hangup.recv() => reload(&daemon).await,
            _ = look.tick(), if is_followed => {
                let status = daemon.status();
                if status != told {
                    tell_systemd(&[NotifyState::Status(&status)]);
                    told = status;
                }
            }
        }
    }
    tell_systemd(&[NotifyState::Stopping, NotifyState::Status("saying goodbye")]);
    if let Some(watchdog) = watchdog {
        watchdog.stop();
    }
    daemon.stop().await;
    Ok(())
}

/// Takes the configuration as it is now. systemd waits between the two messages (`Type=notify-reload`).
async fn reload(daemon: &Daemon) {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell_systemd(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!(%error, "systemd could not be told of the reload"),
    }
    let status = match daemon.reload().await {
        Ok(reloaded) => format!(
            "{}; the configuration was read again, {}",
            daemon.status(),
            reloaded.sentence()
        ),
        Err(errors) => format!(
            "{}; the new configuration is wrong: {}",
            daemon.status(),
            errors.join("; ")
        ),
    };
    tell_systemd(&[NotifyState::Ready, NotifyState::Status(&status)]);
}

/// Begins to tell systemd that the daemon is alive, where it wants to know.
async fn watch(daemon: &Daemon) -> Option<Watchdog> {
    let patience = sd_notify::watchdog_enabled()?;
    let started = Watchdog::start(daemon.probe().await, patience, || {
        tell_systemd(&[NotifyState::Watchdog]);
    });
    match started {
        Ok(watchdog) => Some(watchdog),
        Err(error) => {
            tracing::error!(%error, "the watchdog cannot be served, so systemd will end the daemon");
            None
        }
    }
}

fn tell_systemd(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd could not be told");
    }
}
