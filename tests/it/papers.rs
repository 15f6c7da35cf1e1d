//! What the documents say of the code, held against the code: names of files and tests, links, procedures, limits. Not
//! whether it is said well.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use deskconnd::config::reference::reference;

use crate::fences::documents;

/// Where a word in backquotes begins that means a file or folder of ours.
const FOLDERS: [&str; 9] = [
    "benches/",
    "clients/",
    "docs/",
    "examples/",
    "packaging/",
    "pairing/",
    "router/",
    "src/",
    "tests/",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Fails unless a document, or a part of one, is as the code says; with `UPDATE_DOCS` it is made so.
fn is_as_the_code_says(document: &str, text: &str) {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(root().join(document), text).unwrap();
    }
    let is_so = fs::read_to_string(root().join(document)).is_ok_and(|there| there == text);
    assert!(is_so, "{document} is stale: UPDATE_DOCS=1 cargo test --test it papers");
}

/// What stands in backquotes within a line.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_code = |line: &&str| !line.starts_with("```");
    text.lines()
        .filter(is_code)
        .flat_map(|line| line.split('`').skip(1).step_by(2))
}

#[test]
fn every_file_that_a_document_names_is_there() {
    let mut missing = BTreeSet::new();
    for document in documents(root()) {
        let text = fs::read_to_string(&document).unwrap();
        let names = words(&text).filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder)));
        // A test is named behind its file; a pattern or a command is no name.
        let names = names.map(|word| word.split_once("::").map_or(word, |(file, _)| file));
        let names = names.filter(|name| !name.contains(['*', '{', ' ', '…']));
        // That of a folder speaks of its neighbours too.
        let is_there = |name: &str| root().join(name).exists() || document.with_file_name(name).exists();
        // What is built is not there before.
        let lost = names.filter(|name| !name.contains("/dist") && !is_there(name));
        missing.extend(lost.map(|name| format!("{}: {name}", document.display())));
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_test_that_proves_a_promise_of_security_is_there() {
    every_test_that_is_named_in("docs/SECURITY.md", 20);
}

#[test]
fn every_test_that_shows_a_feature_is_there() {
    every_test_that_is_named_in("docs/FEATURES.md", 100);
}

/// Fails unless the tests that a document names are there, and are more than `few`.
fn every_test_that_is_named_in(document: &str, few: usize) {
    let text = read(document);
    let named: Vec<_> = words(&text)
        .filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder)))
        .filter_map(|word| word.split_once("::"))
        .collect();
    assert!(named.len() > few, "{document} names {} tests", named.len());
    for (file, test) in named {
        let text = read(file);
        let declared = if file.ends_with(".rs") {
            format!("fn {test}(")
        } else {
            // A scenario with a sentence for a name.
            format!("\"{test}\"")
        };
        assert!(
            text.contains(&declared) || text.contains(&declared.replace('"', "'")),
            "{file} has no test {test}"
        );
    }
}

#[test]
fn the_reference_of_the_configuration_is_what_the_example_and_the_reader_say() {
    is_as_the_code_says("docs/CONFIGURATION.md", &reference().unwrap().markdown());
}

#[test]
fn every_file_of_the_state_stands_in_security_with_what_its_loss_means() {
    let table = |text: &str, mark: &str| -> BTreeSet<String> {
        let rows = text
            .lines()
            .filter_map(|line| line.strip_prefix(mark)?.split(" | ").next());
        let cells = rows.flat_map(|cell| cell.split('`').skip(1).step_by(2));
        cells.map(str::to_owned).collect()
    };
    let kept = table(&read("src/store/mod.rs"), "//! | ");
    let security = read("docs/SECURITY.md");
    let (_, section) = security.split_once("## Keys and files").unwrap();
    let told = table(section.split("\n## ").next().unwrap(), "| ");
    let untold: Vec<_> = kept.difference(&told).collect();
    assert!(
        kept.len() > 6 && untold.is_empty(),
        "docs/SECURITY.md does not tell of {untold:?}"
    );
}

#[test]
fn the_programs_that_a_document_shows_are_those_in_their_files() {
    for (document, file, language) in [
        ("docs/COMPONENTS.md", "examples/components/lamp.py", "python"),
        ("docs/COMPONENTS.md", "clients/rust/examples/camera.rs", "rust"),
        ("docs/CLIENTS.md", "examples/clients/greeter.py", "python"),
        ("docs/CLIENTS.md", "examples/clients/greeter.mjs", "javascript"),
        ("docs/CLIENTS.md", "examples/clients/remote.mjs", "javascript"),
        ("docs/CLIENTS.md", "examples/pages/own-page.html", "html"),
        ("docs/CLIENTS.md", "clients/rust/examples/greeter.rs", "rust"),
        ("docs/CLIENTS.md", "clients/rust/examples/paired.rs", "rust"),
        ("docs/CLIENTS.md", "examples/clients/Greeter.java", "java"),
        ("docs/CLIENTS.md", "examples/clients/greeter.go", "go"),
        ("docs/CLIENTS.md", "examples/clients/call.sh", "sh"),
    ] {
        let shown = format!("```{language}\n{}```", read(file));
        assert!(read(document).contains(&shown), "{document} differs from {file}");
    }
}

#[test]
fn every_dependency_has_its_sentence_and_every_sentence_its_dependency() {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let all = manifest["workspace"]["dependencies"].as_table().unwrap().iter();
    let others = all.filter(|(_, source)| source.get("path").is_none());
    let used: BTreeSet<_> = others.map(|(name, _)| name.as_str()).collect();
    let text = read("docs/CONTRIBUTING.md");
    let (_, table) = text.split_once("| crate | why |\n|---|---|\n").unwrap();
    let rows = table.split("\n\n").next().unwrap().lines();
    let told: BTreeSet<_> = rows.filter_map(|row| row.split('`').nth(1)).collect();
    assert!(used.len() > 50);
    assert_eq!(used, told);
}

/// Every literal of the programs: what they say to people is among it.
fn said() -> String {
    let (mut said, mut folders) = (String::new(), vec![]);
    folders.extend(["src", "router/src", "router/wamp/src", "clients", "pairing/src"].map(|it| root().join(it)));
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let is_ours = !["node_modules", "dist"].iter().any(|made| path.ends_with(made));
            if path.is_dir() && is_ours {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|it| it == "rs" || it == "ts" || it == "tsx")
            {
                said.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    // A literal that goes on in the next line.
    let lines = said.split("\\\n").map(str::trim_start);
    lines.collect()
}

/// Whether a part of a message stands in the code, or pieces of it that are put together there.
fn is_said(part: &str, said: &str) -> bool {
    const SHORTEST: usize = 7;
    let mut rest = part.trim();
    while !rest.is_empty() && !said.contains(rest) {
        let ends: Vec<_> = rest.char_indices().map(|(at, _)| at).skip(SHORTEST).collect();
        let longest = ends.partition_point(|end| rest.get(..*end).is_some_and(|piece| said.contains(piece)));
        let Some(end) = longest.checked_sub(1).map(|at| ends[at]) else {
            return false;
        };
        rest = rest.get(end..).unwrap_or_default().trim_start();
    }
    true
}

#[test]
fn every_message_that_troubleshooting_explains_is_one_that_the_programs_say() {
    let (text, said) = (read("docs/TROUBLESHOOTING.md"), said());
    let cells = text
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let messages = cells.filter_map(|cell| {
        let message = |mark| cell.strip_prefix(mark)?.split(mark).next();
        message('`').or_else(|| message('*'))
    });
    let (mut count, mut strange) = (0, Vec::new());
    for message in messages {
        count += 1;
        if !message.split('…').all(|part| is_said(part, &said)) {
            strange.push(message);
        }
    }
    assert!(count > 30 && strange.is_empty(), "of {count} nobody says {strange:#?}");
}
