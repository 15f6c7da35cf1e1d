//! `deskconnd`: arguments, log, signals, exit status.

mod manual;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{CommandFactory as _, Parser};
use deskconnd::config::Config;
use deskconnd::daemon::Daemon;
use deskconnd::paths::Paths;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

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
    /// Read the configuration, say whether it is right, and end.
    #[arg(long)]
    check: bool,
    /// Print the page of the manual, for a formatter such as `man -l -`, and end.
    #[arg(long, exclusive = true)]
    man: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The log may not be there yet, and the person who typed the command looks here.
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "deskconnd: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    if arguments.man {
        return manual::write(Arguments::command(), &mut std::io::stdout()).context("the page cannot be written");
    }
    let paths = Paths::of_this_process()?;
    let file = arguments.config.as_ref().unwrap_or(&paths.config);
    let mut config = Config::load(file, arguments.config.is_some())?;
    if let Some(port) = arguments.port {
        for address in &mut config.listen.tcp {
            address.set_port(port);
        }
    }
    let filter = EnvFilter::try_new(&config.log).with_context(|| format!("log = \"{}\" is no filter", config.log))?;
    if arguments.check {
        return Ok(());
    }
    let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(is_terminal)
        .with_writer(std::io::stderr)
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(serve(&config, &paths));
    runtime.shutdown_background();
    result
}

async fn serve(config: &Config, paths: &Paths) -> Result<()> {
    // Before anything starts, so that a signal at the worst moment still ends things in order.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let daemon = tokio::select! {
        daemon = Daemon::start(config, paths, None) => daemon?,
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    tell_systemd(sd_notify::NotifyState::Ready);
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "ready");
    loop {
        tokio::select! {
            _ = terminate.recv() => break tracing::info!("asked to end by SIGTERM"),
            _ = interrupt.recv() => break tracing::info!("asked to end by SIGINT"),
            _ = hangup.recv() => daemon.reload(),
        }
    }
    tell_systemd(sd_notify::NotifyState::Stopping);
    daemon.stop().await;
    Ok(())
}

fn tell_systemd(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!(%error, "systemd could not be told");
    }
}
