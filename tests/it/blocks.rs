//! The code blocks of the documents: each is read by what it is written for. Those for a shell that any machine can run are run
//! by `tests/run/documents.py`; the commands of deskconnctl in them are tried by that program's own tests.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use deskconnd::config::Config;

use crate::fences::{Block, blocks, commands, not_run, spans};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn written_in(languages: &[&str]) -> Vec<Block> {
    let mut all = blocks(root());
    all.retain(|block| languages.contains(&block.language.as_str()));
    assert!(!all.is_empty(), "there is no block in {languages:?}");
    all
}

#[test]
fn every_block_says_what_it_is_written_in() {
    const KNOWN: [&str; 12] = [
        "console",
        "go",
        "html",
        "java",
        "javascript",
        "python",
        "rust",
        "sh",
        "text",
        "toml",
        "ts",
        "yaml",
    ];
    let strange: Vec<_> = blocks(root())
        .into_iter()
        .filter(|block| !KNOWN.contains(&block.language.as_str()))
        .map(|block| format!("{}: {:?}", block.place, block.language))
        .collect();
    assert!(strange.is_empty(), "{strange:#?}");
}

#[test]
fn every_configuration_that_is_shown_is_one_that_the_daemon_takes() {
    for block in written_in(&["toml"]) {
        let is_manifest = block.text.starts_with("[dependencies]");
        let refused = match is_manifest {
            true => block
                .text
                .parse::<toml::Table>()
                .map_err(|error| error.to_string())
                .err(),
            false => Config::parse(Path::new("this block"), &block.text)
                .map_err(|error| error.to_string())
                .err(),
        };
        assert_eq!(refused, None, "{}", block.place);
    }
}

/// Programs are files, which are compiled or run where they are: a block is one of these, or the end of one behind its header.
#[test]
fn every_program_that_is_shown_is_a_file_that_is_compiled_or_run() {
    let folders = [
        "examples/clients",
        "examples/components",
        "examples/pages",
        "clients/rust/examples",
    ];
    let files = folders
        .iter()
        .flat_map(|folder| fs::read_dir(root().join(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file());
    let programs: Vec<_> = files.map(|file| fs::read_to_string(file).unwrap()).collect();
    for block in written_in(&["go", "html", "java", "javascript", "python", "rust", "ts"]) {
        let is_file = programs.iter().any(|program| program.ends_with(&block.text));
        let is_compiled = match block.language.as_str() {
            // A part of a program; what it says is still Python.
            "python" => is_python(&block.text),
            // `tests/js/run.sh` compiles them.
            "ts" => block.place.starts_with("clients/js/README.md"),
            // `cargo test --doc`: the crate's documentation includes the file.
            "rust" => is_included(&block.place),
            _ => false,
        };
        assert!(is_file || is_compiled, "{}: neither a file nor compiled", block.place);
    }
}

fn is_python(text: &str) -> bool {
    // PyCF_ALLOW_TOP_LEVEL_AWAIT: a part of a function, say.
    let compile = "import ast, sys; compile(sys.stdin.read(), 'block', 'exec', ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)";
    let mut python = Command::new("python3")
        .args(["-c", compile])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    python.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    python.wait().unwrap().success()
}

/// Whether the crate beside a README takes it for its documentation.
fn is_included(place: &str) -> bool {
    let Some((folder, _)) = place.split_once("/README.md") else {
        return false;
    };
    let library = fs::read_to_string(root().join(folder).join("src/lib.rs"));
    library.is_ok_and(|text| text.contains("#![doc = include_str!(\"../README.md\")]"))
}

#[test]
fn every_shell_block_is_grammatical() {
    let all: String = written_in(&["sh"])
        .iter()
        .map(|block| format!(": {}\n{}\n", block.place.replace(':', " line "), block.text))
        .collect();
    let mut bash = Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn().unwrap();
    bash.stdin.take().unwrap().write_all(all.as_bytes()).unwrap();
    assert!(bash.wait().unwrap().success(), "{all}");
}

#[test]
fn what_the_commands_of_a_block_name_is_there() {
    let foreign = not_run(root());
    assert!((5..30).contains(&foreign.len()), "{foreign:?}");
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    for block in written_in(&["sh"]) {
        for command in commands(&block.text) {
            let words: Vec<_> = command
                .iter()
                .map(String::as_str)
                .skip_while(|it| *it == "sudo")
                .collect();
            let missing = match words.as_slice() {
                ["make", "build", ..] | ["make", "install", ..] => None,
                ["make", targets @ ..] => {
                    let lacks = |it: &&&str| !it.contains('=') && !makefile.contains(&format!("\n{it}:"));
                    targets.iter().find(lacks).map(ToString::to_string)
                }
                ["deskconnd" | "target/release/deskconnd", flags @ ..] => strange_flag(flags),
                ["cargo", _, rest @ ..] => missing_example(rest),
                ["bash" | "sh" | "python3" | "node" | "java", file, ..] if !file.starts_with('-') => {
                    (!root().join(file).exists()).then(|| (*file).to_owned())
                }
                _ => None,
            };
            assert_eq!(missing, None, "{}: {command:?} names what is not there", block.place);
        }
    }
}

#[test]
fn what_a_sentence_says_to_type_is_there() {
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    let (mut count, mut wrong) = (0, Vec::new());
    for (document, span) in spans(root()) {
        let span = span.trim_start_matches("sudo ");
        let words: Vec<_> = span.split(' ').collect();
        let missing = match words.as_slice() {
            ["make", target, ..] => (!makefile.contains(&format!("\n{target}:"))).then(|| (*target).to_owned()),
            ["deskconnd", flags @ ..] if !span.contains(['…', '[']) => strange_flag(flags),
            _ => continue,
        };
        count += 1;
        wrong.extend(missing.map(|what| format!("{document}: `{span}`: {what}")));
    }
    assert!(count > 30 && wrong.is_empty(), "of {count} {wrong:#?}");
}

#[test]
fn a_command_is_told_from_what_a_shell_makes_of_it() {
    let text = "LANG=C sudo a 'b c' \\\n  d >out 2>&1 | e \"f;g\" # h\n(i && j $X) & # k\n";
    let told = [
        vec!["sudo", "a", "b c", "d"],
        vec!["e", "f;g"],
        vec!["i"],
        vec!["j", "$X"],
    ];
    assert_eq!(commands(text), told);
}

fn strange_flag(flags: &[&str]) -> Option<String> {
    let help = Command::new(env!("CARGO_BIN_EXE_deskconnd"))
        .arg("--help")
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let is_strange = |flag: &&&str| flag.starts_with("--") && !help.contains(&format!("{flag} "));
    flags.iter().find(is_strange).map(ToString::to_string)
}

fn missing_example(words: &[&str]) -> Option<String> {
    let name = words.iter().skip_while(|word| **word != "--example").nth(1)?;
    let file = format!("clients/rust/examples/{name}.rs");
    (!root().join(&file).exists()).then_some(file)
}
