//! `deskconnctl devices`: which devices are paired, and what each may do.

use std::io::IsTerminal as _;

use client::{Args, Session, Value};

use super::ask;
use crate::args::{Devices, Expiry, Grant, Policy};
use crate::explain;
use crate::failure::Failure;
use crate::mistyped;
use crate::output::{Cell, Meaning, Output};
use crate::times;
use crate::typed::{self, Typed};
use crate::values::{get, number, text, truth};

/// Letters of an id that name a device, at least: `d_` and two more.
const FEWEST_LETTERS: usize = 4;

pub(super) async fn run(session: &Session, command: Option<&Devices>, output: &Output) -> Result<(), Failure> {
    match command.unwrap_or(&Devices::List) {
        Devices::List => {
            let devices = list(session).await?;
            if devices.is_empty() {
                output.remark("no device is paired; `deskconnctl pair` lets one in");
            }
            let head = ["ID", "NAME", "ROLE", "SESSIONS", "LAST SEEN"];
            output.table(&devices, &head, |device| {
                let of = |key| Cell::from(get(device, key));
                vec![
                    of("id"),
                    of("name"),
                    of("role"),
                    sessions(number(device, "sessions"), number(device, "detached")),
                    of("last_seen"),
                ]
            })
        }
        Devices::Show { device } => show(&find(session, device).await?, output),
        Devices::Rename { device, name } => {
            let id = id(&find(session, device).await?);
            let device = ask(session, "org.deskconn.devices.rename", [id, name.as_str().into()]).await?;
            output.result(&device, || {
                format!("{} is called {} now", get(&device, "id"), get(&device, "name"))
            })
        }
        Devices::Role { device, role } => {
            let id = id(&find(session, device).await?);
            let device = ask(session, "org.deskconn.devices.set_role", [id, role.as_str().into()]).await?;
            output.result(&device, || {
                format!("{} has the role {} now", get(&device, "name"), get(&device, "role"))
            })
        }
        Devices::Grant(wanted) => grant(session, wanted, output).await,
        Devices::Deny { device, uri, policy } => {
            let id = id(&find(session, device).await?);
            let policy = policy.unwrap_or_else(|| Policy::of(uri));
            let args = Args::from([id, uri.as_str().into()]).with("match", policy.word());
            let device = ask(session, "org.deskconn.devices.deny", args).await?;
            grants_changed(&device, output)
        }
        Devices::Expire { device, time, span } => {
            let id = id(&find(session, device).await?);
            let until = span.or(time.and_then(|Expiry(time)| time));
            let args = [id, until.map(times::text).into()];
            let device = ask(session, "org.deskconn.devices.expire", args).await?;
            output.result(&device, || match get(&device, "expires") {
                "" => format!("{} may come for ever", get(&device, "name")),
                expires => format!("{} may come until {expires}", get(&device, "name")),
            })
        }
        Devices::Revoke { device, yes, .. } => revoke(session, device.as_deref(), *yes, output).await,
    }
}

/// How many sessions it has, and how many beside those wait for it to return.
fn sessions(count: u64, detached: u64) -> Cell {
    let meaning = if count > 0 { Meaning::Good } else { Meaning::Dim };
    let away = if detached > 0 {
        format!(" (+{detached} away)")
    } else {
        String::new()
    };
    Cell::marked(meaning, format!("{count}{away}"))
}

/// Gives a grant, and asks about one for what looks like a slip.
async fn grant(session: &Session, wanted: &Grant, output: &Output) -> Result<(), Failure> {
    let uri = &wanted.uri;
    let device = find(session, &wanted.device).await?;
    let device = ask(session, "org.deskconn.devices.grant", row_of(wanted, id(&device))).await?;
    grants_changed(&device, output)?;
    if let Some(question) = explain::doubt(session, wanted).await {
        let policy = wanted.policy.map(|policy| format!(" --match {}", policy.word()));
        let undo = format!(
            "`deskconnctl devices deny {} {uri}{}`",
            get(&device, "id"),
            policy.unwrap_or_default()
        );
        output.remark(&format!(
            "nothing here is called {uri}: {question} It is taken away by {undo}"
        ));
    }
    Ok(())
}

/// Shuts out one, or all.
async fn revoke(session: &Session, device: Option<&str>, yes: bool, output: &Output) -> Result<(), Failure> {
    let devices = match device {
        Some(device) => vec![find(session, device).await?],
        None => list(session).await?,
    };
    if device.is_none() && !yes && !is_meant(&devices, output).await {
        return Err(Failure::failed("nothing was done"));
    }
    for device in &devices {
        shut_out(session, device, output).await?;
    }
    Ok(())
}

/// Whether a person means all of them, who has typed that. Where nobody can answer, nobody is asked.
async fn is_meant(devices: &[Value], output: &Output) -> bool {
    if devices.is_empty() || output.is_json() || !std::io::stdin().is_terminal() {
        return true;
    }
    let names = mistyped::instead("", devices.iter().map(|device| get(device, "name")));
    output.remark(&format!("{names}; whoever is shut out has to be paired anew"));
    typed::forget_early();
    let mut typed = Typed::begin();
    output.question(&format!("Shut all {} out? [y/N]", devices.len()));
    let line = typed.next().await;
    output.answered(line.is_some());
    line.is_some_and(|line| matches!(line.trim(), "y" | "Y" | "yes"))
}

async fn shut_out(session: &Session, device: &Value, output: &Output) -> Result<(), Failure> {
    let ended = ask(session, "org.deskconn.devices.revoke", [id(device)]).await?;
    output.result(&ended, || {
        format!(
            "{} is no longer paired; sessions ended: {}",
            get(device, "name"),
            text(&ended)
        )
    })
}

/// What `devices.grant` takes.
fn row_of(grant: &Grant, id: Value) -> Args {
    let policy = grant.policy();
    let allow = grant.allow.iter().map(|action| action.word().into()).collect();
    let mut args = Args::from([id, grant.uri.as_str().into()])
        .with("match", policy.word())
        .with("allow", Value::List(allow));
    if let Some(until) = grant.until.or(grant.span) {
        args = args.with("until", times::text(until));
    }
    for (key, is_on) in [("confirm", grant.confirm), ("while_unlocked", grant.while_unlocked)] {
        if is_on {
            args = args.with(key, true);
        }
    }
    args
}

fn grants_changed(device: &Value, output: &Output) -> Result<(), Failure> {
    output.result(device, || {
        let grants = grants(device).map(sentence).collect::<Vec<_>>();
        let name = get(device, "name");
        if grants.is_empty() {
            format!("{name} has no grants beside its role {} now", get(device, "role"))
        } else {
            format!(
                "{name} may now, beside its role {}:\n  {}",
                get(device, "role"),
                grants.join("\n  ")
            )
        }
    })
}

/// What is shown of a device where it is known, by the names that people read.
const SHOWN: [(&str, &str); 9] = [
    ("name", "name"),
    ("id", "id"),
    ("role", "role"),
    ("kind", "kind"),
    ("fingerprint", "fingerprint"),
    ("address", "address"),
    ("paired", "paired_at"),
    ("last seen", "last_seen"),
    ("expires", "expires"),
];

fn show(device: &Value, output: &Output) -> Result<(), Failure> {
    let known = SHOWN.iter().map(|(name, key)| (*name, get(device, key)));
    let known = known.filter(|(_, text)| !text.is_empty());
    let mut fields: Vec<_> = known.map(|(name, text)| (name, Cell::from(text))).collect();
    let sessions = sessions(number(device, "sessions"), number(device, "detached"));
    fields.push(("sessions", sessions));
    if truth(device, "legacy") {
        fields.push(("paired by", "the legacy form".into()));
    }
    fields.extend(grants(device).map(|grant| ("grant", Cell::from(sentence(grant)))));
    output.fields(device, &fields)
}

fn grants(device: &Value) -> impl Iterator<Item = &Value> {
    let grants = device.as_dict().and_then(|device| device.get("grants")?.as_list());
    grants.into_iter().flatten()
}

/// A grant as people read it.
fn sentence(grant: &Value) -> String {
    let allow = grant.as_dict().and_then(|grant| grant.get("allow")?.as_list());
    let allow: Vec<_> = allow.into_iter().flatten().filter_map(Value::as_str).collect();
    let mut text = format!("{} {}", allow.join(", "), get(grant, "uri"));
    match get(grant, "match") {
        "exact" => {}
        policy => text += &format!(" ({policy})"),
    }
    if !get(grant, "until").is_empty() {
        text += &format!(", until {}", get(grant, "until"));
    }
    if truth(grant, "confirm") {
        text += ", asking each time";
    }
    if truth(grant, "while_unlocked") {
        text += ", while the screen is not locked";
    }
    if truth(grant, "by_role") {
        return text + " - adds nothing: the role allows that as it is";
    }
    text + if truth(grant, "holds") {
        " - holds now"
    } else {
        " - does not hold now"
    }
}

async fn list(session: &Session) -> Result<Vec<Value>, Failure> {
    let devices = ask(session, "org.deskconn.devices.list", ()).await?;
    Ok(devices.as_list().unwrap_or_default().to_vec())
}

fn id(device: &Value) -> Value {
    get(device, "id").into()
}

/// There is none with this id or name, but perhaps another that is meant.
fn no_such(devices: &[Value], wanted: &str) -> Failure {
    let names = || devices.iter().map(|device| get(device, "name"));
    let ids = devices.iter().map(|device| get(device, "id"));
    let instead = mistyped::instead(wanted, names().filter(|name| !name.is_empty()));
    let failure = Failure::failed(format!("there is no device {wanted:?}; {instead}"));
    match mistyped::meant(wanted, names().chain(ids)) {
        Some(question) => failure.hint(question),
        None if devices.is_empty() => failure.hint("`deskconnctl pair` lets one in"),
        None => failure.hint("`deskconnctl devices` lists them with their ids"),
    }
}

/// The device with this id, or with this name, or with an id that begins like this.
pub(super) async fn find(session: &Session, wanted: &str) -> Result<Value, Failure> {
    let devices = list(session).await?;
    let with = |is_it: &dyn Fn(&Value) -> bool| devices.iter().filter(|it| is_it(it)).collect::<Vec<_>>();
    let mut found = with(&|device| get(device, "id") == wanted);
    if found.is_empty() {
        found = with(&|device| get(device, "name") == wanted);
    }
    if found.is_empty() && wanted.len() >= FEWEST_LETTERS {
        found = with(&|device| get(device, "id").starts_with(wanted));
    }
    match found.as_slice() {
        [device] => Ok((*device).clone()),
        [] => Err(no_such(&devices, wanted)),
        several => {
            let ids: Vec<_> = several.iter().map(|device| get(device, "id")).collect();
            let ids = ids.join(", ");
            Err(Failure::failed(format!(
                "{wanted} may be any of these: {ids}; name one by its whole id"
            )))
        }
    }
}
