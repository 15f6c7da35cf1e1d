//! `deskconnctl discovery`.

use client::{Session, Value};

use super::ask;
use crate::args::Discovery;
use crate::failure::Failure;
use crate::output::{Cell, Meaning, Output};
use crate::values::{get, truth};

pub(super) async fn run(session: &Session, command: Option<&Discovery>, output: &Output) -> Result<(), Failure> {
    let procedure = match command.unwrap_or(&Discovery::Status) {
        Discovery::On => "org.deskconn.discovery.enable",
        Discovery::Off => "org.deskconn.discovery.disable",
        Discovery::Status => "org.deskconn.discovery.status",
    };
    let status = ask(session, procedure, ()).await?;
    output.result(&status, || sentence(&status))
}

/// The status as people read it, in its colour.
pub(super) fn cell(status: &Value) -> Cell {
    let meaning = match (truth(status, "enabled"), truth(status, "running")) {
        (false, _) => None,
        (true, true) if get(status, "trouble").is_empty() => Some(Meaning::Good),
        (true, _) => Some(Meaning::Warning),
    };
    Cell {
        text: sentence(status),
        meaning,
    }
}

/// The status as people read it.
fn sentence(status: &Value) -> String {
    let trouble = get(status, "trouble");
    match (truth(status, "enabled"), truth(status, "running")) {
        (false, _) => "off".to_owned(),
        (true, _) if !trouble.is_empty() => format!("on, but {trouble}"),
        (true, false) => "on, but not running".to_owned(),
        (true, true) => format!("on, as \"{}\" at {}", get(status, "name"), get(status, "host")),
    }
}
