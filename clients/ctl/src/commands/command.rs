//! `deskconnctl command`.

use client::{Args, Session, Value};

use super::ask;
use crate::args::Programs;
use crate::explain::{Deed, explain};
use crate::failure::Failure;
use crate::output::Output;
use crate::values::{get, truth};

pub(super) async fn run(session: &Session, command: Option<&Programs>, output: &Output) -> Result<(), Failure> {
    match command.unwrap_or(&Programs::List) {
        Programs::List => list(session, output).await,
        Programs::Run { name } => start(session, name, output).await,
    }
}

async fn list(session: &Session, output: &Output) -> Result<(), Failure> {
    let commands = ask(session, "org.deskconn.command.list", ()).await?;
    let commands = commands.as_list().unwrap_or_default();
    if commands.is_empty() {
        output.remark("the desktop runs no programs: [[components.command]] in its configuration names some");
    }
    output.table(commands, &["NAME", "TITLE"], |command| {
        vec![get(command, "name").into(), get(command, "title").into()]
    })
}

/// Runs one; when this is dropped, as by Ctrl-C, the desktop ends it.
async fn start(session: &Session, name: &str, output: &Output) -> Result<(), Failure> {
    let mut shown = Ok(());
    let show = |piece: Args| {
        if shown.is_ok() {
            let piece = piece.into_value();
            shown = output.piece(&piece, get(&piece, "text"), get(&piece, "stream") == "stderr");
        }
    };
    let uri = "org.deskconn.command.run";
    let result = match session.call_progressively(uri, [Value::from(name)], show).await {
        Ok(result) => result.into_value(),
        Err(error) => return Err(explain(session, Deed::Call, uri, error).await),
    };
    shown?;
    output.end_line();
    output.result(&result, String::new)?;
    if truth(&result, "truncated") {
        output.warn("the program printed more than the desktop keeps; the rest is not shown");
    }
    let number = |key| {
        result
            .as_dict()
            .and_then(|result| result.get(key))
            .and_then(Value::as_i64)
    };
    match (number("exit"), number("signal")) {
        (Some(0), _) => Ok(()),
        (Some(status), _) => Err(Failure::failed(format!("{name} ended with exit status {status}"))),
        (None, Some(signal)) => Err(Failure::failed(format!("{name} was ended by signal {signal}"))),
        (None, None) => Err(Failure::failed(format!("{name} ended, and nobody knows how"))),
    }
}
