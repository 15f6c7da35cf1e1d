//! `deskconnctl devices`.

use client::{Session, Value};

use super::ask;
use crate::args::Devices;
use crate::failure::Failure;
use crate::output::{Output, field};
use crate::values::{get, number, text};

pub(super) async fn run(session: &Session, command: Option<&Devices>, output: &Output) -> Result<(), Failure> {
    match command.unwrap_or(&Devices::List) {
        Devices::List => {
            let devices = list(session).await?;
            if devices.is_empty() {
                output.remark("no device is paired; `deskconnctl pair` lets one in");
            }
            let head = ["ID", "NAME", "ROLE", "SESSIONS", "LAST SEEN"];
            output.table(&devices, &head, |device| {
                let of = |key| get(device, key).to_owned();
                vec![
                    of("id"),
                    of("name"),
                    of("role"),
                    number(device, "sessions").to_string(),
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
        Devices::Revoke { device } => {
            let device = find(session, device).await?;
            let ended = ask(session, "org.deskconn.devices.revoke", [id(&device)]).await?;
            output.result(&ended, || {
                format!(
                    "{} is no longer paired; sessions ended: {}",
                    get(&device, "name"),
                    text(&ended)
                )
            })
        }
    }
}

pub(super) fn show(device: &Value, output: &Output) -> Result<(), Failure> {
    output.result(device, || {
        let fields = device.as_dict().into_iter().flatten();
        fields
            .filter(|(_, value)| **value != Value::Null)
            .map(|(key, value)| field(key, &text(value)))
            .collect()
    })
}

async fn list(session: &Session) -> Result<Vec<Value>, Failure> {
    let devices = ask(session, "org.deskconn.devices.list", ()).await?;
    Ok(devices.as_list().unwrap_or_default().to_vec())
}

fn id(device: &Value) -> Value {
    get(device, "id").into()
}

/// The device with this id or, if there is just one, with this name.
async fn find(session: &Session, wanted: &str) -> Result<Value, Failure> {
    let devices = list(session).await?;
    if let Some(device) = devices.iter().find(|device| get(device, "id") == wanted) {
        return Ok(device.clone());
    }
    let mut named = devices.iter().filter(|device| get(device, "name") == wanted);
    match (named.next(), named.next()) {
        (Some(device), None) => Ok(device.clone()),
        (Some(_), Some(_)) => Err(Failure::failed(format!(
            "several devices are called {wanted}; name one by its id, see `deskconnctl devices`"
        ))),
        (None, _) => Err(Failure::failed(format!(
            "there is no device {wanted}; see `deskconnctl devices`"
        ))),
    }
}
