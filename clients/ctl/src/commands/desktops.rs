//! `deskconnctl desktops`: the other desktops that this command line is paired with.

use client::{Dict, Value};
use pairing::exchange::Joined;
use time::OffsetDateTime;

use crate::args::Desktops as Command;
use crate::failure::Failure;
use crate::joined::{Desktops, shown_id};
use crate::output::{Cell, Output};
use crate::times;
use crate::values::get;

pub(super) fn run(command: Option<&Command>, output: &Output) -> Result<(), Failure> {
    let desktops = Desktops::of_this_user()?;
    match command.unwrap_or(&Command::List) {
        Command::List => {
            let rows: Vec<Value> = desktops.list()?.iter().map(row).collect();
            if rows.is_empty() {
                output.remark("this command line is paired with no other desktop; `deskconnctl join` pairs it");
            }
            output.table(&rows, &["ID", "NAME", "ROLE", "EXPIRES", "ADDRESS"], |row| {
                let of = |key| Cell::from(get(row, key));
                vec![of("id"), of("name"), of("role"), of("expires"), of("address")]
            })
        }
        Command::Forget { desktop } => {
            let joined = desktops.find(desktop)?;
            desktops.forget(&joined)?;
            output.result(&row(&joined), || format!("{} is forgotten", joined.name))?;
            let there = format!(
                "there, `deskconnctl devices revoke {}` shuts this command line out",
                joined.device_id
            );
            output.remark(&there);
            Ok(())
        }
    }
}

/// A desktop as programs read it.
pub(super) fn row(joined: &Joined) -> Value {
    let expires = joined.expires.and_then(|seconds| i64::try_from(seconds).ok());
    let expires = expires.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    let hosts = joined.hosts.iter().map(|host| host.as_str().into()).collect();
    let first = joined.hosts.first().map(|host| at(host, joined.port));
    let row = Dict::from([
        ("id".to_owned(), shown_id(joined).into()),
        ("name".to_owned(), joined.name.as_str().into()),
        ("address".to_owned(), first.into()),
        ("hosts".to_owned(), Value::List(hosts)),
        ("port".to_owned(), u64::from(joined.port).into()),
        ("realm".to_owned(), joined.realm.as_str().into()),
        ("device".to_owned(), joined.device_id.as_str().into()),
        ("pin".to_owned(), joined.keys.spki.map(hex::encode).into()),
        ("role".to_owned(), joined.role.as_str().into()),
        ("expires".to_owned(), expires.map(times::text).into()),
    ]);
    Value::Dict(row)
}

/// A host, which may be an IPv6 address without brackets, with a port.
pub(crate) fn at(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}
