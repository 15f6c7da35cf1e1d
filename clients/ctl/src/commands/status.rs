//! `deskconnctl status`.

use client::{Error, Session, Value};

use super::{ask, place};
use crate::args::Global;
use crate::failure::Failure;
use crate::output::{Cell, Meaning, Output};
use crate::values::{get, number, truth};

pub(super) async fn run(session: &Session, global: &Global, output: &Output) -> Result<(), Failure> {
    let info = ask(session, "org.deskconn.info.get", ()).await?;
    let role = session.detail("authrole").unwrap_or_default().to_owned();
    // These are for the owner alone; a device sees the rest. What it asked and may not would stand in the audit log.
    let of_owner = async |procedure| match role.as_str() {
        "owner" => allowed(session, procedure).await,
        _ => Ok(None),
    };
    let discovery = of_owner("org.deskconn.discovery.status").await?;
    let devices = of_owner("org.deskconn.devices.list").await?;
    let certificate = of_owner("org.deskconn.router.certificate").await?;
    let links = of_owner("org.deskconn.router.links").await?;
    let row = Value::dict([
        ("info", info.clone()),
        ("role", role.as_str().into()),
        ("discovery", discovery.clone().unwrap_or(Value::Null)),
        ("devices", devices.clone().unwrap_or(Value::Null)),
        ("certificate", certificate.clone().unwrap_or(Value::Null)),
        ("links", links.clone().unwrap_or(Value::Null)),
    ]);
    let place = format!("{} ({}) at {}", get(&info, "name"), get(&info, "id"), place(global));
    let mut fields = vec![
        ("desktop", Cell::marked(Meaning::Strong, place)),
        ("version", get(&info, "version").into()),
        ("role", role.as_str().into()),
        ("sessions", number(&info, "sessions").to_string().into()),
    ];
    if let Some(devices) = devices.as_ref().and_then(Value::as_list) {
        fields.push(("devices", count(devices).into()));
    }
    if let Some(discovery) = &discovery {
        fields.push(("discovery", super::discovery::cell(discovery)));
    }
    if let Some(certificate) = certificate.filter(|it| it.as_dict().is_some()) {
        fields.push(("certificate", certificate_cell(&certificate)));
    }
    // For the configuration of a link, or of a program.
    match get(&info, "pin") {
        "" => {}
        pin => fields.push(("pin", pin.into())),
    }
    for link in links.as_ref().and_then(Value::as_list).into_iter().flatten() {
        fields.push(("link", link_cell(link)));
    }
    let described = info.as_dict().and_then(|info| info.get("described")?.as_list());
    for item in described.into_iter().flatten() {
        let of = |key| get(item, key);
        let offer = format!("{}: {} {} by {}", of("title"), of("kind"), of("uri"), of("by"));
        fields.push(("offered", offer.into()));
    }
    let missing = info.as_dict().and_then(|info| info.get("missing")?.as_dict());
    for (component, sentence) in missing.into_iter().flatten() {
        let sentence = sentence.as_str().unwrap_or_default();
        let missing = format!("{component}: {sentence}");
        fields.push(("missing", Cell::marked(Meaning::Warning, missing)));
    }
    output.fields(&row, &fields)
}

/// The result of a procedure, unless it is none of this role's business, or an older daemon does not have it.
pub(super) async fn allowed(session: &Session, procedure: &str) -> Result<Option<Value>, Failure> {
    match session.call(procedure, ()).await {
        Ok(result) => Ok(Some(result.into_value())),
        Err(Error::Request(error))
            if ["wamp.error.not_authorized", "wamp.error.no_such_procedure"].contains(&error.uri.as_str()) =>
        {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

fn certificate_cell(certificate: &Value) -> Cell {
    let names = certificate.as_dict().and_then(|it| it.get("names")?.as_list());
    let names: Vec<_> = names.into_iter().flatten().filter_map(Value::as_str).collect();
    let holds = format!("{} until {}", names.join(", "), get(certificate, "not_after"));
    match get(certificate, "refused") {
        "" => holds.into(),
        refused => Cell::marked(
            Meaning::Warning,
            format!("{holds}; newer files are not taken: {refused}"),
        ),
    }
}

/// A link to another router: where it leads, and what it does or why it does nothing.
fn link_cell(link: &Value) -> Cell {
    let of = |key| get(link, key);
    let name = format!("{} of realm {}", of("name"), of("realm"));
    let dropped = number(link, "dropped_out") + number(link, "dropped_in");
    let waiting = number(link, "waiting");
    let told = [(waiting, "events wait"), (dropped, "events lost")].into_iter();
    let told: String = told
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!(", {count} {what}"))
        .collect();
    let missing = link.as_dict().and_then(|link| link.get("missing")?.as_list());
    let missing: Vec<_> = missing.into_iter().flatten().filter_map(Value::as_str).collect();
    match (of("state"), missing.as_slice()) {
        ("up", []) => format!("{name} up at {}{told}", of("address")).into(),
        ("up", missing) => Cell::marked(Meaning::Warning, format!("{name} up{told}; {}", missing.join("; "))),
        ("refused", _) => Cell::marked(Meaning::Warning, format!("{name} refused: {}{told}", of("why"))),
        (state, _) => Cell::marked(Meaning::Warning, format!("{name} {state}: {}{told}", why_down(link))),
    }
}

/// Why a link is not up; one that was never tried to the end has no reason yet.
pub(super) fn why_down(link: &Value) -> &str {
    match get(link, "why") {
        "" => "nobody has answered yet",
        why => why,
    }
}

fn count(devices: &[Value]) -> String {
    let connected = devices.iter().filter(|device| number(device, "sessions") > 0).count();
    let legacy = devices.iter().filter(|device| truth(device, "legacy")).count();
    let legacy = if legacy > 0 {
        format!(", {legacy} by the legacy form")
    } else {
        String::new()
    };
    format!("{} paired{legacy}, {connected} connected", devices.len())
}
