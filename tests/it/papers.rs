//! What the documents say of the code, held against the code: names of files and tests, links, procedures, limits. Not
//! whether it is said well.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

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

/// The documents at the front door and those of the folder for them.
fn documents() -> Vec<PathBuf> {
    let in_folder = fs::read_dir(root().join("docs")).unwrap();
    let mut documents: Vec<_> = in_folder.map(|entry| entry.unwrap().path()).collect();
    documents.push(root().join("README.md"));
    documents.retain(|path| path.extension().is_some_and(|ending| ending == "md"));
    assert!(documents.len() > 1);
    documents
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
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        let names = words(&text).filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder)));
        // A test is named behind its file; a pattern or a command is no name.
        let names = names.map(|word| word.split_once("::").map_or(word, |(file, _)| file));
        let names = names.filter(|name| !name.contains(['*', '{', ' ', '…']));
        let lost = names.filter(|name| !root().join(name).exists());
        missing.extend(lost.map(|name| format!("{}: {name}", document.display())));
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_link_of_a_document_leads_somewhere() {
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for target in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            if file.contains("://") {
                continue;
            }
            let place = document.parent().unwrap().join(file);
            let place = if file.is_empty() { document.clone() } else { place };
            assert!(place.exists(), "{}: {target}", document.display());
            let has_heading = |text: &str| text.lines().any(|line| line.starts_with('#') && slug(line) == anchor);
            assert!(
                anchor.is_empty() || has_heading(&fs::read_to_string(&place).unwrap()),
                "{}: {target} has no such heading",
                document.display()
            );
        }
    }
}

/// The anchor of a heading, as hosts of repositories make it.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text
        .chars()
        .filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
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
fn every_limit_of_the_configuration_stands_in_security_with_its_default() {
    let security = read("docs/SECURITY.md");
    let example: toml::Table = read("examples/deskconn.toml").parse().unwrap();
    for section in ["limits", "pairing"] {
        for (key, default) in example[section].as_table().unwrap() {
            let row = format!("| `[{section}] {key}` | {default} |");
            assert!(security.contains(&row), "docs/SECURITY.md does not have {row}");
        }
    }
}

#[test]
fn every_procedure_and_topic_of_the_daemon_is_documented() {
    let api = read("docs/API.md");
    let mut files = vec![root().join("src/consent.rs"), root().join("src/pair/mod.rs")];
    let procedures = fs::read_dir(root().join("src/procedures")).unwrap();
    files.extend(procedures.map(|entry| entry.unwrap().path()));
    let mut count = 0;
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let literals = text.split('"').skip(1).step_by(2);
        for uri in literals.filter(|literal| literal.starts_with("org.deskconn.")) {
            count += 1;
            let quoted = [format!("`{uri}`"), format!("`{uri}(")];
            assert!(
                quoted.iter().any(|quoted| api.contains(quoted)),
                "docs/API.md does not have {uri}"
            );
        }
    }
    assert!(count > 30, "only {count} URIs were found in the code");
}

#[test]
fn every_procedure_and_topic_of_the_router_is_documented_as_the_router_knows_it() {
    let api = read("docs/API.md");
    let procedures =
        wamp::realm::router_procedures().map(|it| format!("| `{}` | `{}` | {} |", it.uri, it.shape, it.does));
    let topics =
        wamp::realm::router_topics().map(|it| format!("| `{}` | topic `{}` | {} |", it.uri, it.shape, it.does));
    let missing: Vec<_> = procedures.chain(topics).filter(|row| !api.contains(row)).collect();
    assert!(missing.is_empty(), "docs/API.md does not have\n{}", missing.join("\n"));
}

#[test]
fn every_feature_that_is_announced_is_documented() {
    let api = read("docs/API.md");
    let (_, listed) = api.split_once("It announces the features of the broker").unwrap();
    let (listed, _) = listed.split_once("beside the features").unwrap();
    let listed: BTreeSet<_> = words(listed).collect();
    let announced: BTreeSet<_> = wamp::realm::announced_features().collect();
    assert_eq!(listed, announced, "docs/API.md has others than WELCOME");
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
