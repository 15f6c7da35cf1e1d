//! `[[components.command]]`: programs that devices may run by name, if they have a grant for it.

use std::path::PathBuf;

use components::command::{
    Configured, DEFAULT_OUTPUT, DEFAULT_TIMEOUT_S, MAX_ARGUMENTS, MAX_COMMANDS, MAX_OUTPUT, MAX_TIMEOUT_S, Settings,
};

use super::is_name;
use crate::config::read::{ConfigError, Section};

/// The longest title: one line of a phone.
const MAX_TITLE: usize = 120;

pub(super) fn read(section: &mut Section<'_>) -> Result<Settings, ConfigError> {
    let mut commands: Vec<Configured> = Vec::new();
    for mut one in section.sections("command", MAX_COMMANDS)? {
        let command = read_one(&mut one)?;
        if commands.iter().any(|other| other.name == command.name) {
            return Err(one.error(format!("there is a command \"{}\" already", command.name)));
        }
        one.finish()?;
        commands.push(command);
    }
    Ok(Settings { commands })
}

fn read_one(section: &mut Section<'_>) -> Result<Configured, ConfigError> {
    let accepted = super::NAME;
    let name = section.need("name", accepted)?;
    let name = name.text(accepted, |text| is_name(text).then(|| text.to_owned()))?;
    let title = match section.get("title") {
        Some(field) => field.short(MAX_TITLE)?,
        None => name.clone(),
    };
    let accepted = "a list of the program and its arguments, like [\"/usr/bin/wakeonlan\", \"00:11:22:33:44:55\"]";
    let field = section.need("run", accepted)?;
    let run = field.list(MAX_ARGUMENTS, "text without zero bytes", |text| {
        (!text.contains('\0')).then(|| text.to_owned())
    })?;
    if run.first().is_none_or(String::is_empty) {
        return Err(field.error(accepted));
    }
    let directory = section.get("directory").map(|field| {
        field.text("an absolute path", |text| {
            Some(PathBuf::from(text)).filter(|path| path.is_absolute() && !text.contains('\0'))
        })
    });
    let timeout_s = section.get("timeout_s").map(|field| field.number(1..=MAX_TIMEOUT_S));
    let most = u64::try_from(MAX_OUTPUT).unwrap_or(u64::MAX);
    let output_bytes = section.get("output_bytes").map(|field| field.number(0..=most));
    Ok(Configured {
        name,
        title,
        run,
        directory: directory.transpose()?,
        timeout_s: timeout_s.transpose()?.unwrap_or(DEFAULT_TIMEOUT_S),
        output_bytes: match output_bytes.transpose()? {
            Some(bytes) => usize::try_from(bytes).unwrap_or(MAX_OUTPUT),
            None => DEFAULT_OUTPUT,
        },
    })
}
