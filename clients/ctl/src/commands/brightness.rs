//! `deskconnctl brightness`.

use client::{Args, Session, Value};

use tokio::time::sleep;

use super::{ask, seconds};
use crate::args::{Brightness, BrightnessCommand};
use crate::failure::Failure;
use crate::output::{Cell, Output};
use crate::values::{get, number, text};

pub(super) async fn run(session: &Session, brightness: &Brightness, output: &Output) -> Result<(), Failure> {
    let (procedure, percent) = match brightness.command.unwrap_or(BrightnessCommand::Get) {
        BrightnessCommand::Get => ("org.deskconn.brightness.get", None),
        BrightnessCommand::Set { percent } => ("org.deskconn.brightness.set", Some(percent)),
        BrightnessCommand::Up { percent } => ("org.deskconn.brightness.raise", Some(percent)),
        BrightnessCommand::Down { percent } => ("org.deskconn.brightness.lower", Some(percent)),
        BrightnessCommand::Displays => return displays(session, output).await,
    };
    let display = brightness.display.as_deref().map(Value::from);
    let args: Vec<Value> = percent.map(Value::Float).into_iter().chain(display).collect();
    let mut args = Args::from(args);
    if let Some(fade) = brightness.fade {
        if percent.is_none() {
            return Err(Failure::Usage("--fade goes with set, up and down".to_owned()));
        }
        let milliseconds = u64::try_from(seconds(fade)?.as_millis()).unwrap_or(u64::MAX);
        args = args.with("duration_ms", milliseconds);
    }
    let mut now = ask(session, procedure, args).await?;
    if let Some(fade) = brightness.fade.filter(|_| output.has_passing()) {
        // The desktop goes on by itself; whoever does not want to look may press Ctrl-C.
        let fade = seconds(fade)?;
        output.while_passing("fading", fade, sleep(fade)).await;
        let display = brightness.display.as_deref().map(Value::from);
        now = ask(
            session,
            "org.deskconn.brightness.get",
            display.into_iter().collect::<Vec<_>>(),
        )
        .await?;
    }
    output.result(&now, || text(&now))
}

async fn displays(session: &Session, output: &Output) -> Result<(), Failure> {
    let displays = ask(session, "org.deskconn.brightness.displays", ()).await?;
    let displays = displays.as_list().unwrap_or_default();
    if displays.is_empty() {
        output.remark("the desktop has no display whose brightness can be set");
    }
    output.table(displays, &["ID", "NAME", "KIND", "PERCENT"], |display| {
        let of = |key| Cell::from(get(display, key));
        vec![
            of("id"),
            of("name"),
            of("kind"),
            number(display, "percent").to_string().into(),
        ]
    })
}
