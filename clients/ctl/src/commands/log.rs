//! `deskconnctl log`: who came, who was kept out, what was denied, what actions did.

use client::{Args, Client, Session, Value};

use super::keeping::{begun_anew, told};
use super::{Interrupts, ask};
use crate::args::{Global, Log};
use crate::connect;
use crate::failure::Failure;
use crate::output::{Cell, Meaning, Output};
use crate::times;
use crate::values::get;

/// Entries asked for after the desktop came back: as many as it gives.
const MOST: u64 = 1_000;

pub(super) async fn run(global: &Global, log: &Log, output: &Output) -> Result<(), Failure> {
    if log.limit == 0 && !log.follow {
        let sentence =
            "--limit 0 shows nothing: it takes 1 or more, or with --follow 0 for only what is written from now on";
        return Err(Failure::Usage(sentence.to_owned()));
    }
    let mut interrupts = Interrupts::new()?;
    if !log.follow {
        let session = connect::open(global).await?;
        let entries = entries(&session, log, log.limit, output).await?;
        show_all(&entries, output)?;
        session.leave().await;
        return Ok(());
    }
    let client = connect::keep(global).await?;
    let result = tokio::select! {
        result = follow(&client, log, output) => result,
        failure = told(&client, "", output) => Err(failure),
        () = interrupts.next() => Ok(()),
    };
    client.close().await;
    result
}

/// Shows what there is and what comes, also from a desktop that is started anew.
async fn follow(client: &Client, log: &Log, output: &Output) -> Result<(), Failure> {
    let mut status = client.status();
    status.mark_unchanged();
    // Before the entries are asked for, so that none falls between.
    let mut events = client.subscribe("org.deskconn.audit.on_entry").await?;
    let mut limit = log.limit;
    let mut last = None;
    loop {
        let session = client.session().await?;
        let entries = match entries(&session, log, limit, output).await {
            Ok(entries) => entries,
            // The next session will be asked.
            Err(_) if session.has_ended() => {
                begun_anew(&mut status).await;
                continue;
            }
            Err(failure) => return Err(failure),
        };
        let shown = last.and_then(|last| entries.iter().rposition(|entry| *entry == last));
        show_all(&entries[shown.map_or(0, |shown| shown + 1)..], output)?;
        last = entries.last().cloned();
        loop {
            let event = tokio::select! {
                biased;
                () = begun_anew(&mut status) => break,
                event = events.next() => event.ok_or_else(Failure::ended)?,
            };
            let entry = event.args.into_value();
            if is_meant(&entry, log) && !entries.contains(&entry) {
                show(&entry, output)?;
                last = Some(entry);
            }
        }
        limit = MOST;
    }
}

async fn entries(session: &Session, log: &Log, limit: u64, output: &Output) -> Result<Vec<Value>, Failure> {
    let mut args = Args::default().with("limit", limit);
    if let Some(device) = &log.device {
        args = args.with("device", device.as_str());
    }
    let entries = ask(session, "org.deskconn.audit.get", args).await?;
    let entries = entries.as_list().unwrap_or_default();
    // Whoever asked for none knows nothing of what there is.
    if entries.is_empty() && limit > 0 {
        output.remark(&match &log.device {
            Some(device) => format!("nothing of {device} is written in the log"),
            None => "nothing is written in the log yet".to_owned(),
        });
    }
    Ok(entries.to_vec())
}

fn show_all(entries: &[Value], output: &Output) -> Result<(), Failure> {
    entries.iter().try_for_each(|entry| show(entry, output))
}

/// What an entry of this kind is to its reader.
fn meaning(kind: &str) -> Option<Meaning> {
    match kind {
        "pairing.granted" | "login.ok" => Some(Meaning::Good),
        "pairing.failed" | "login.failed" | "action.denied" | "actions.failed" | "audit.lost" => Some(Meaning::Bad),
        "limit.reached" | "device.revoked" => Some(Meaning::Warning),
        _ => None,
    }
}

fn is_meant(entry: &Value, log: &Log) -> bool {
    let is = |wanted: &String| {
        ["device", "name", "address"]
            .iter()
            .any(|key| get(entry, key) == wanted)
    };
    log.device.as_ref().is_none_or(is)
}

fn show(entry: &Value, output: &Output) -> Result<(), Failure> {
    let who = match (get(entry, "device"), get(entry, "name")) {
        ("", "") => get(entry, "action").to_owned(),
        (device, "") => device.to_owned(),
        (device, name) => format!("{device} {name}"),
    };
    let kind = get(entry, "kind");
    let mut time = get(entry, "time").to_owned();
    if output.is_for_eyes() {
        time = times::to_the_second(&time);
    }
    let mut cells = vec![
        Cell::marked(Meaning::Dim, time),
        Cell {
            text: kind.to_owned(),
            meaning: meaning(kind),
        },
        who.into(),
    ];
    cells.extend(["address", "role", "detail"].map(|key| Cell::from(get(entry, key))));
    output.row(entry, &cells)
}
