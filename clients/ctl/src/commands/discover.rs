//! `deskconnctl discover`.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use client::discovery::{Browser, Change, DiscoveryError, Found, Interfaces, browse, sort};
use serde::Serialize;

use super::{Interrupts, seconds};
use crate::args::Discover;
use crate::failure::Failure;
use crate::output::{Cell, Output};

impl From<DiscoveryError> for Failure {
    fn from(error: DiscoveryError) -> Self {
        let sentence = error.to_string();
        match error {
            DiscoveryError::BadType(_) => Self::Usage(sentence),
            DiscoveryError::Failed(_) => Self::Failed(sentence),
        }
    }
}

pub(super) async fn run(discover: &Discover, output: &Output) -> Result<(), Failure> {
    if discover.max == 0 {
        return Err(Failure::Usage("--max must be 1 or more".to_owned()));
    }
    let interfaces = Interfaces::default();
    if discover.watch {
        return watch(discover, &interfaces, output).await;
    }
    let patience = seconds(discover.timeout)?;
    let search = browse(&discover.service_type, discover.max, patience, &interfaces);
    let found = output
        .while_waiting(&format!("looking for {}", discover.service_type), search)
        .await?;
    if let Some(file) = &discover.write {
        write(file, &found)?;
    }
    if found.is_empty() {
        let wanted = &discover.service_type;
        return Err(
            Failure::NotFound(format!("nothing of {wanted} was found in {} s", discover.timeout)).hint(
                "is it on this network, and does a firewall let UDP port 5353 through? `deskconnctl doctor` looks",
            ),
        );
    }
    let head = ["NAME", "ADDRESS", "PORT", "PRIORITY", "WEIGHT", "TXT"];
    output.table(&found, &head, |found| row(found).into_iter().map(Cell::from).collect())?;
    output.remark(&format!("found: {}", found.len()));
    Ok(())
}

fn row(found: &Found) -> Vec<String> {
    let number = |number: Option<u16>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
    let txt: Vec<String> = found.txt.iter().map(|(key, value)| format!("{key}={value}")).collect();
    vec![
        found.name.clone(),
        found.addresses.first().map(ToString::to_string).unwrap_or_default(),
        found.port.to_string(),
        number(found.priority),
        number(found.weight),
        txt.join(" "),
    ]
}

/// A change, as programs read it.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Event<'a> {
    Found(&'a Found),
    Gone { name: &'a str },
}

async fn watch(discover: &Discover, interfaces: &Interfaces, output: &Output) -> Result<(), Failure> {
    let mut browser = Browser::start(&discover.service_type, interfaces)?;
    let mut known = BTreeMap::new();
    let mut interrupts = Interrupts::new()?;
    loop {
        let change = tokio::select! {
            change = browser.next() => change,
            () = interrupts.next() => return Ok(()),
        };
        match change {
            Change::Found(found) => {
                output.result(&Event::Found(&found), || format!("+ {}", row(&found).join("  ")))?;
                known.insert(found.instance.to_lowercase(), *found);
            }
            Change::Gone { instance } => {
                let gone = known.remove(&instance.to_lowercase());
                let name = gone.as_ref().map_or(instance.as_str(), |found| &found.name);
                output.result(&Event::Gone { name }, || format!("- {name}"))?;
            }
        }
        if let Some(file) = &discover.write {
            let mut all: Vec<Found> = known.values().cloned().collect();
            sort(&mut all);
            write(file, &all)?;
        }
        if known.len() >= discover.max {
            return Ok(());
        }
    }
}

/// Writes the whole file or leaves it as it was.
fn write(file: &Path, found: &[Found]) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::failed(format!("{} cannot be written: {error}", file.display()));
    let json = serde_json::to_string_pretty(found)
        .map_err(|error| Failure::failed(format!("what was found has no form in JSON: {error}")))?;
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = file.with_file_name(name);
    let mut handle = std::fs::File::create(&new).map_err(failed)?;
    handle
        .write_all(json.as_bytes())
        .and_then(|()| handle.write_all(b"\n"))
        .map_err(failed)?;
    std::fs::rename(&new, file).map_err(failed)
}
