//! `deskconnctl volume`.

use client::{Session, Value};

use super::ask;
use crate::args::Volume;
use crate::failure::Failure;
use crate::output::Output;
use crate::values::{number, truth};

pub(super) async fn run(session: &Session, volume: Option<Volume>, output: &Output) -> Result<(), Failure> {
    let percent = |percent: f64| vec![Value::Float(percent)];
    let (procedure, args) = match volume.unwrap_or(Volume::Get) {
        Volume::Get => ("org.deskconn.volume.get", Vec::new()),
        Volume::Set { percent: to } => ("org.deskconn.volume.set", percent(to)),
        Volume::Up { percent: by } => ("org.deskconn.volume.raise", percent(by)),
        Volume::Down { percent: by } => ("org.deskconn.volume.lower", percent(by)),
        Volume::Mute => ("org.deskconn.volume.mute", vec![true.into()]),
        Volume::Unmute => ("org.deskconn.volume.mute", vec![false.into()]),
    };
    let now = ask(session, procedure, args).await?;
    output.result(&now, || {
        let muted = if truth(&now, "muted") { " muted" } else { "" };
        format!("{}{muted}", number(&now, "percent"))
    })
}
