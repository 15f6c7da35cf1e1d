//! `deskconnctl log`: who came, who was kept out, what was denied.

use std::time::Duration;

use client::{Args, Session, Value};

use super::{Interrupts, ask};
use crate::args::{Global, Log};
use crate::connect;
use crate::failure::Failure;
use crate::output::{Cell, Meaning, Output};
use crate::values::get;

/// How often a desktop that has ended is looked for again.
const RECONNECT_EVERY: Duration = Duration::from_secs(1);

/// Entries asked for after the desktop came back: as many as it gives.
const MOST: u64 = 1_000;

pub(super) async fn run(global: &Global, log: &Log, output: &Output) -> Result<(), Failure> {
    let mut interrupts = Interrupts::new()?;
    let session = connect::open(global).await?;
    tokio::select! {
        result = follow(session, global, log, output) => result,
        () = interrupts.next() => Ok(()),
    }
}

/// Shows what there is and, with `--follow`, what comes, also from a desktop that is started anew.
async fn follow(mut session: Session, global: &Global, log: &Log, output: &Output) -> Result<(), Failure> {
    let mut limit = log.limit;
    let mut last = None;
    loop {
        // Before the entries are asked for, so that none falls between.
        let events = if log.follow {
            Some(session.subscribe("org.deskconn.audit.on_entry").await?)
        } else {
            None
        };
        let mut args = Args::default().with("limit", limit);
        if let Some(device) = &log.device {
            args = args.with("device", device.as_str());
        }
        let entries = ask(&session, "org.deskconn.audit.get", args).await?;
        let entries = entries.as_list().unwrap_or_default();
        if entries.is_empty() {
            output.remark("nothing is written in the log yet");
        }
        let shown = last.and_then(|last| entries.iter().rposition(|entry| *entry == last));
        for entry in &entries[shown.map_or(0, |shown| shown + 1)..] {
            show(entry, output)?;
        }
        last = entries.last().cloned();
        let Some(mut events) = events else {
            session.leave().await;
            return Ok(());
        };
        while let Some(event) = events.next().await {
            let entry = event.args.into_value();
            if is_meant(&entry, log) && !entries.contains(&entry) {
                show(&entry, output)?;
                last = Some(entry);
            }
        }
        output.remark("the desktop has ended; waiting until it is back, Ctrl-C ends this");
        session = reconnect(global).await?;
        limit = MOST;
    }
}

async fn reconnect(global: &Global) -> Result<Session, Failure> {
    loop {
        tokio::time::sleep(RECONNECT_EVERY).await;
        match connect::open(global).await {
            Err(failure) if failure.is_not_found() => {}
            other => return other,
        }
    }
}

/// What an entry of this kind is to its reader.
fn meaning(kind: &str) -> Option<Meaning> {
    match kind {
        "pairing.granted" | "login.ok" => Some(Meaning::Good),
        "pairing.failed" | "login.failed" | "action.denied" | "audit.lost" => Some(Meaning::Bad),
        "limit.reached" | "device.revoked" => Some(Meaning::Warning),
        _ => None,
    }
}

fn is_meant(entry: &Value, log: &Log) -> bool {
    let is = |wanted: &String| get(entry, "device") == wanted || get(entry, "address") == wanted;
    log.device.as_ref().is_none_or(is)
}

fn show(entry: &Value, output: &Output) -> Result<(), Failure> {
    let who = match (get(entry, "device"), get(entry, "name")) {
        (device, "") => device.to_owned(),
        (device, name) => format!("{device} {name}"),
    };
    let kind = get(entry, "kind");
    let mut cells = vec![
        Cell::marked(Meaning::Dim, get(entry, "time")),
        Cell {
            text: kind.to_owned(),
            meaning: meaning(kind),
        },
        who.into(),
    ];
    cells.extend(["address", "role", "detail"].map(|key| Cell::from(get(entry, key))));
    output.row(entry, &cells)
}
