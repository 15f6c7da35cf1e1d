//! `deskconnd --check`: whether the configuration is right, what it contains, and what in it is surely not meant.

mod absent;

use anyhow::{Context as _, Result};

use crate::access::{Household, roles};
use crate::certificates;
use crate::config::{Config, Origin};
use crate::links;

/// A configuration that is right.
#[derive(Debug)]
pub struct Checked {
    /// What it is and what it contains, a sentence.
    pub contents: String,
    /// What is legal and surely not meant, and what this machine has not got that it names.
    pub warnings: Vec<String>,
}

/// Looks at everything that can be looked at without starting.
///
/// # Errors
/// Every mistake, a sentence each with its place.
pub fn check(origin: &Origin, is_system: bool) -> Result<Checked, Vec<String>> {
    let config = origin.load();
    let config = config.map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    let file = origin.file().display();
    let (missing, unseen) = missing(&config, is_system, origin.is_asked_for());
    let faults: Vec<_> = faults(&config)
        .into_iter()
        .chain(missing)
        .map(|fault| format!("{file}: {fault:#}"))
        .collect();
    if !faults.is_empty() {
        return Err(faults);
    }
    let is_there = origin.file().exists();
    let contents = match is_there {
        true => format!("{file} is right: {}", contents(&config)),
        false => format!(
            "there is no {file}, so all is as it is without one: {}",
            contents(&config)
        ),
    };
    let mut told = warnings(&config);
    told.extend(unseen.iter().map(|fault| format!("{fault:#}")));
    Ok(Checked {
        contents,
        warnings: told,
    })
}

/// What is legal and surely not meant, and what only shows when it is used.
pub fn warnings(config: &Config) -> Vec<String> {
    let mut told = config.warnings();
    told.extend(absent::absent(config));
    told
}

/// What is wrong with a configuration wherever it is used.
pub(crate) fn faults(config: &Config) -> Vec<anyhow::Error> {
    let roles = config.realms.iter().map(|realm| {
        let roles = roles::of_realm(realm).map(drop);
        roles.with_context(|| format!("a role of the realm \"{}\" cannot be taken", realm.name))
    });
    let links = config.realms.iter().flat_map(|realm| &realm.links).map(|link| {
        let role = links::role(link).map(drop);
        role.with_context(|| format!("the link \"{}\" cannot be taken", link.name))
    });
    roles.chain(links).filter_map(Result::err).collect()
}

/// What the start would be refused for, and what only the user whom the daemon runs as can tell: who asks may be another one,
/// who sees fewer files and looks at the system's configuration.
fn missing(config: &Config, is_system: bool, is_asked_for: bool) -> (Vec<anyhow::Error>, Vec<anyhow::Error>) {
    let owners = match is_system {
        true => Household::uids(&config.owners).map(drop),
        false => Household::no_owners(&config.owners),
    };
    let files = certificates::Configured::open(&config.tls, None)
        .map(drop)
        .context("[tls]");
    let is_closed = |fault: &anyhow::Error| {
        let mut causes = fault.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>());
        causes.any(|cause| cause.kind() == std::io::ErrorKind::PermissionDenied)
    };
    let told = [
        owners.map_err(|fault| (is_system || !is_asked_for, fault)),
        files.map_err(|fault| (!is_closed(&fault), fault)),
    ];
    let (sure, unsure): (Vec<_>, Vec<_>) = told
        .into_iter()
        .filter_map(Result::err)
        .partition(|(is_sure, _)| *is_sure);
    let only = |faults: Vec<(bool, anyhow::Error)>| faults.into_iter().map(|(_, fault)| fault).collect();
    (only(sure), only(unsure))
}

/// Something in numbers: how many of what, in the plural unless it is one.
fn counted(number: usize, one: &str, many: &str) -> Option<String> {
    match number {
        0 => None,
        1 => Some(format!("1 {one}")),
        _ => Some(format!("{number} {many}")),
    }
}

/// What a configuration contains, in numbers.
pub(crate) fn contents(config: &Config) -> String {
    let of_realms = |count: fn(&crate::config::Realm) -> usize| config.realms.iter().map(count).sum();
    let parts = [
        config.desktop.enabled.then(|| "the desktop".to_owned()),
        counted(config.listen.tcp.len(), "TCP address", "TCP addresses"),
        counted(config.listen.quic.len(), "QUIC address", "QUIC addresses"),
        counted(config.realms.len(), "further realm", "further realms"),
        counted(of_realms(|it| it.roles.len()), "role", "roles"),
        counted(of_realms(|it| it.principals.len()), "principal", "principals"),
        counted(
            of_realms(|it| it.authenticators.len()),
            "authenticator",
            "authenticators",
        ),
        counted(of_realms(|it| it.links.len()), "link", "links"),
        counted(config.actions.len(), "action", "actions"),
        counted(config.advertise.len(), "advertised service", "advertised services"),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        return "nothing".to_owned();
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests;
