//! The workflow that builds for every architecture cannot run here: its commands are those that `docs/BUILDING.md`
//! explains, and what they call is there.

use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// What the workflow runs.
fn commands() -> Vec<String> {
    let workflow = read(".github/workflows/build.yml");
    let commands = workflow.lines().filter_map(|line| line.trim().strip_prefix("- run: "));
    let commands: Vec<_> = commands
        .map(|command| command.replace("${{ matrix.target }}", "TARGET"))
        .collect();
    assert!(commands.len() > 5, "{commands:?}");
    commands
}

#[test]
fn every_command_of_the_workflow_is_explained() {
    let explained = read("docs/BUILDING.md");
    // Who the machine belongs to sees to its toolchain and packages.
    let is_set_up = |command: &str| command.starts_with("rustup ") || command.starts_with("sudo apt-get ");
    for command in commands().iter().filter(|command| !is_set_up(command)) {
        assert!(
            explained.contains(&format!("`{command}`")),
            "docs/BUILDING.md lacks `{command}`"
        );
    }
}

#[test]
fn what_the_workflow_calls_is_there() {
    let makefile = read("Makefile");
    for command in commands() {
        let words: Vec<_> = command.split(' ').collect();
        match words.as_slice() {
            ["make", target] => assert!(makefile.contains(&format!("\n{target}:")), "no target {target}"),
            ["bash", script, ..] => assert!(!read(script).is_empty()),
            _ => {}
        }
    }
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    assert!(manifest["profile"].get("dist").is_some());
}

#[test]
fn every_architecture_of_the_workflow_has_its_row() {
    let explained = read("docs/BUILDING.md");
    let workflow = read(".github/workflows/build.yml");
    let of = |key: &str| {
        let values = workflow
            .lines()
            .filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix(key));
        let values: Vec<_> = values.map(|value| value.trim().to_owned()).collect();
        assert!(values.len() >= 3, "{key} {values:?}");
        values
    };
    for value in [of("architecture:"), of("target:"), of("compiler:")].concat() {
        let is_expression = value.contains("${{");
        assert!(
            is_expression || explained.contains(&format!("`{value}`")),
            "docs/BUILDING.md lacks {value}"
        );
    }
}
