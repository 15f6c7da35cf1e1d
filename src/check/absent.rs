//! What the configuration names and this machine has not got, where that only shows when it is used.

use std::fs::File;
use std::path::Path;

use components::backends::program::is_installed;

use crate::actions::authorities_fault;
use crate::config::Config;
use crate::config::action::What;

/// A sentence for each file that cannot be read or used, and each program that is not there. The daemon starts without them, since they may
/// come later: with a disk, or with a package.
pub(super) fn absent(config: &Config) -> Vec<String> {
    let posts = config.actions.iter().flat_map(|action| {
        let posts = action.then.iter().filter_map(|step| match &step.what {
            What::Post(post) => Some(post),
            What::Call { .. } | What::Publish { .. } | What::Notify { .. } | What::Command { .. } => None,
        });
        posts.map(|post| (&action.name, post))
    });
    let files = posts.flat_map(|(action, post)| {
        [("token_file", &post.token_file), ("ca", &post.ca)]
            .into_iter()
            .filter_map(move |(key, file)| {
                let file = file.as_deref()?;
                let why = match unreadable(file) {
                    Some(why) => format!("{} cannot be read: {why}", file.display()),
                    None if key == "ca" => authorities_fault(file)?,
                    None => return None,
                };
                Some(format!("action \"{action}\": {key} {why}"))
            })
    });
    let directories = config.components.command.commands.iter().filter_map(|command| {
        let directory = command.directory.as_deref().filter(|it| !it.is_dir())?;
        let (name, directory) = (&command.name, directory.display());
        Some(format!(
            "[[components.command]] \"{name}\": {directory} is no directory"
        ))
    });
    let commands = config.components.command.commands.iter().map(|command| {
        let key = format!("[[components.command]] \"{}\"", command.name);
        (key, command.run.first())
    });
    let locker = (
        "[components.screen] lock_command".to_owned(),
        config.components.screen.lock_command.first(),
    );
    let programs = commands.chain([locker]).filter_map(|(key, program)| {
        let program = Path::new(program?);
        // Otherwise it is looked for where the command runs.
        let is_of_command = program.is_relative() && program.components().count() > 1;
        let is_absent = !is_of_command && !is_installed(program);
        is_absent.then(|| format!("{key}: there is no program {}", program.display()))
    });
    files.chain(directories).chain(programs).collect()
}

/// Why a file cannot be read, if it cannot. A pipe is not opened: that would wait for whoever writes into it.
fn unreadable(file: &Path) -> Option<String> {
    let looked = file.metadata().and_then(|facts| match facts.is_file() {
        true => File::open(file).map(drop),
        false => Err(std::io::Error::other("it is no file")),
    });
    looked.err().map(|why| why.to_string())
}
