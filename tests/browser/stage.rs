//! The daemon on a machine that is not there: what the browser's tests turn knobs on, and what pictures are taken of.
//!
//! usage: stage [--config FILE]     with the environment of deskconnd
//!
//! Everything but the machine is real: sockets, keys, pairing, `deskconnctl`. A line on standard input is one thing that
//! happens at the machine; the answer is one line of JSON on standard output.
//!
//! ```text
//! brightness 40                the knob of the first display is turned
//! lock true|false|unknown      the screen locks, or unlocks, or nothing can tell any more
//! battery 57 charging          the battery is so full (charging, discharging, full); `battery none` takes it out
//! volume 30 [muted]            somebody sets the volume
//! player ID playing|paused|stopped TITLE…     a player begins, or plays something else
//! gone ID                      a player ends
//! picture FILE                 a PNG is the picture of every track
//! line 3 true                  somebody outside drives a line of the GPIO chip
//! missing uinput               slides, screen, brightness and messages lack something, `missing` mends it
//! report                       what the machine was told so far
//! ```

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use components::backends::Missing;
use components::backends::battery::{Battery, BatteryState};
use components::backends::fake::Fake;
use components::backends::players::{Abilities, Picture, Player, PlayerStatus};
use components::backends::sound::Loudness;
use deskconnd::config::Config;
use deskconnd::daemon::Daemon;
use deskconnd::paths::Paths;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, stdin};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "stage: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    // Its machine is a person's own, even when root runs the tests.
    let paths = Paths {
        is_system: false,
        ..Paths::of_this_process()?
    };
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let config = match arguments.as_slice() {
        [flag, file] if flag == "--config" => Config::load(Path::new(file), true)?,
        [] => Config::load(&paths.config, false)?,
        _ => bail!("usage: stage [--config FILE]"),
    };
    tracing_subscriber::fmt()
        .with_env_filter(&config.log)
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .init();
    let machine = Arc::new(Fake::default());
    let daemon = Daemon::start(&config, &paths, Some(machine.machine())).await?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "ready");
    let mut lines = BufReader::new(stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let answer = match happens(&machine, &line) {
            Ok(answer) => answer,
            Err(error) => json!({ "error": format!("{error:#}") }),
        };
        let mut out = std::io::stdout().lock();
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    // Whoever held its standard input has gone.
    daemon.stop().await;
    Ok(())
}

fn happens(machine: &Fake, line: &str) -> Result<Value> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        ["brightness", percent] => machine.turn_knob(percent.parse()?),
        ["lock", "unknown"] => machine.report_lock(None),
        ["lock", state] => machine.report_lock(Some(state.parse()?)),
        ["battery", "none"] => machine.battery.change(None),
        ["battery", percent, state] => machine.battery.change(Some(battery(percent.parse()?, state)?)),
        ["volume", percent, rest @ ..] => machine.sound.change(Some(Loudness {
            percent: percent.parse()?,
            is_muted: rest == ["muted"],
        })),
        ["player", id, status, title @ ..] => play(machine, id, status, &title.join(" "))?,
        ["gone", id] => machine
            .players
            .change(|players| players.retain(|player| player.id != *id)),
        ["picture", file] => machine.players.paint(Picture {
            media_type: "image/png",
            bytes: std::fs::read(file).with_context(|| format!("{file} cannot be read"))?,
        }),
        ["line", offset, value] => machine.gpio.drive(offset.parse()?, value.parse()?),
        ["missing"] => machine.miss(None),
        ["missing", what] => machine.miss(Some(Missing {
            what: "the device",
            reason: format!("{what} is not there"),
            mend: format!("connect {what}"),
        })),
        ["report"] => return Ok(report(machine)),
        _ => bail!("nothing like this happens here: {line}"),
    }
    Ok(json!({ "done": line }))
}

fn battery(percent: u8, state: &str) -> Result<Battery> {
    let state = match state {
        "charging" => BatteryState::Charging,
        "discharging" => BatteryState::Discharging,
        "full" => BatteryState::Full,
        other => bail!("a battery is not {other}"),
    };
    let hour = Duration::from_secs(3600);
    Ok(Battery {
        percent,
        state,
        time_to_empty: (state == BatteryState::Discharging).then_some(3 * hour),
        time_to_full: (state == BatteryState::Charging).then_some(hour),
    })
}

fn play(machine: &Fake, id: &str, status: &str, title: &str) -> Result<()> {
    let status = match status {
        "playing" => PlayerStatus::Playing,
        "paused" => PlayerStatus::Paused,
        "stopped" => PlayerStatus::Stopped,
        other => bail!("a player is not {other}"),
    };
    // "Title / Artist / Album"
    let mut parts = title.split(" / ").map(str::to_owned);
    let mut next = || parts.next().unwrap_or_default();
    let player = Player {
        id: id.to_owned(),
        name: id.to_owned(),
        status,
        title: next(),
        artist: next(),
        album: next(),
        length: Some(Duration::from_secs(254)),
        position: Some(Duration::from_secs(61)),
        art: (!title.is_empty()).then(|| title.to_owned()),
        can: Abilities {
            play: true,
            pause: true,
            next: true,
            previous: true,
            seek: true,
            stop: true,
        },
    };
    machine.players.change(|players| {
        players.retain(|known| known.id != id);
        players.insert(0, player);
    });
    Ok(())
}

fn report(machine: &Fake) -> Value {
    let said = |it: &dyn std::fmt::Debug| format!("{it:?}");
    let all = |list: Vec<String>| Value::from(list);
    json!({
        "taps": all(machine.taps().iter().map(|it| said(it)).collect()),
        "writes": machine.writes(),
        "locked": machine.lock_state(),
        "shown": all(machine.shown().iter().map(|it| said(it)).collect()),
        "motions": all(machine.input.motions().iter().map(|it| said(it)).collect()),
        "strokes": all(machine.input.strokes().iter().map(|it| said(it)).collect()),
        "asked": all(machine.players.asked().iter().map(|it| said(it)).collect()),
        "opened": machine.opener.opened(),
        "told": all(machine.power.told().iter().map(|it| said(it)).collect()),
        "lines": (0..8).map(|offset| machine.gpio.is_on(offset)).collect::<Vec<_>>(),
    })
}
