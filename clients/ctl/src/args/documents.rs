//! The command lines that the documents show, held against the definitions: each is one that this program takes.

use std::collections::BTreeSet;
use std::path::Path;

use clap::error::ErrorKind;

#[path = "../../../../tests/it/fences.rs"]
mod fences;

fn root() -> &'static Path {
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    packages.parent().unwrap()
}

fn refused(words: &[String]) -> Option<clap::Error> {
    super::command().try_get_matches_from(words).err()
}

#[test]
fn every_command_line_of_a_block_is_one_that_this_program_takes() {
    let mut count = 0;
    for block in fences::blocks(root()).iter().filter(|block| block.language == "sh") {
        let mut commands = fences::commands(&block.text);
        commands
            .iter_mut()
            .for_each(|words| words.retain(|word| word != "sudo"));
        for command in commands
            .iter()
            .filter(|words| words.first().is_some_and(|it| it == "deskconnctl"))
        {
            count += 1;
            let refused = refused(command);
            let is_help = |error: &clap::Error| error.kind() == ErrorKind::DisplayHelp;
            assert!(
                refused.as_ref().is_none_or(is_help),
                "{}: {command:?}: {refused:?}",
                block.place
            );
        }
    }
    assert!(count > 20, "only {count} commands were found");
}

#[test]
fn every_command_stands_in_the_list_of_the_api_and_no_other() {
    let api = std::fs::read_to_string(root().join("docs/API.md")).unwrap();
    let (_, section) = api.split_once("\n## deskconnctl\n").unwrap();
    let list = section.split("; `--help`").next().unwrap();
    let told: BTreeSet<_> = list
        .split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|it| it.split(' ').next())
        .collect();
    let command = super::command();
    let there: BTreeSet<_> = command.get_subcommands().map(clap::Command::get_name).collect();
    assert_eq!(told, there);
}

/// In a sentence a command may be named without what it needs, and its words may stand for others.
#[test]
fn every_command_that_a_sentence_names_is_there() {
    let (mut count, mut wrong) = (0, Vec::new());
    for (document, span) in fences::spans(root()) {
        if !span.starts_with("deskconnctl ") || span.contains(['…', '|', '[', '{', '<']) {
            continue;
        }
        count += 1;
        for command in fences::commands(&span).iter().filter(|words| words[0] == "deskconnctl") {
            let kind = refused(command).map(|error| error.kind());
            let is_short = |kind: &ErrorKind| {
                let kinds = [
                    ErrorKind::MissingRequiredArgument,
                    ErrorKind::MissingSubcommand,
                    ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
                    ErrorKind::DisplayHelp,
                ];
                kinds.contains(kind)
            };
            if let Some(kind) = kind.filter(|kind| !is_short(kind)) {
                wrong.push(format!("{document}: `{span}`: {kind:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(count > 40, "only {count} commands were found");
}
