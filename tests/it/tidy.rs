//! The rules of the house that no lint knows: file length, who may import whom, a reason for every dependency.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Lines of a file at most: what a reader holds in mind.
const MOST_LINES: usize = 400;

/// Which package of ours may use which, as `docs/ARCHITECTURE.md` has it. Tests may use what is public.
const ARROWS: [(&str, &[&str]); 8] = [
    ("router/wamp", &[]),
    ("pairing", &[]),
    ("router/link", &["wamp"]),
    ("router", &["wamp", "link"]),
    ("clients/rust", &["wamp", "link", "pairing"]),
    ("clients/components", &["client"]),
    ("clients/ctl", &["client", "components", "pairing"]),
    (".", &["wamp", "router", "client", "components", "pairing"]),
];
const OURS: [&str; 6] = ["wamp", "link", "router", "client", "components", "pairing"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of ours with one of these endings.
fn files(endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !name.starts_with('.')
                    && !["target", "node_modules", "dist", "vectors", "corpus"].contains(&name.as_str())
                {
                    folders.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(!found.is_empty());
    found
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold_in_mind() {
    let endings = [".rs", ".py", ".sh", ".js", ".mjs", ".ts"];
    let lines = |path: &PathBuf| fs::read_to_string(path).unwrap().lines().count();
    let long: Vec<_> = files(&endings)
        .iter()
        .map(|path| (shown(path), lines(path)))
        .filter(|it| it.1 > MOST_LINES)
        .collect();
    assert!(long.is_empty(), "longer than {MOST_LINES} lines: {long:?}");
}

#[test]
fn every_rust_file_says_what_it_is() {
    let headless = |path: &&PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        !text
            .lines()
            .find(|line| !line.starts_with("#!"))
            .is_some_and(|line| line.starts_with("//!"))
    };
    let headless: Vec<_> = files(&[".rs"])
        .iter()
        .filter(headless)
        .map(|path| shown(path))
        .collect();
    assert!(headless.is_empty(), "without a `//!` header: {headless:?}");
}

#[test]
fn no_test_is_ignored_and_nothing_is_left_unfinished() {
    // Put together here, so that this file does not find itself.
    let marks = [
        concat!("#[igno", "re"),
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("todo", "!("),
        concat!("unimple", "mented!("),
    ];
    let mut found = Vec::new();
    for path in files(&[".rs", ".py", ".sh", ".js", ".mjs", ".ts", ".toml", ".md"]) {
        let text = fs::read_to_string(&path).unwrap();
        found.extend(
            marks
                .iter()
                .filter(|mark| text.contains(*mark))
                .map(|mark| format!("{}: {mark}", shown(&path))),
        );
    }
    assert!(found.is_empty(), "{found:?}");
}

/// The dependencies of a package, by the name they have in its manifest.
fn dependencies(package: &str) -> Vec<String> {
    let manifest = fs::read_to_string(root().join(package).join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let of_all = manifest["dependencies"].as_table().unwrap().keys().cloned();
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let of_some = targets.into_iter().flat_map(toml::Table::values);
    let of_some = of_some.flat_map(|target| target["dependencies"].as_table().unwrap().keys().cloned());
    of_all.chain(of_some).collect()
}

/// What the crates that compile everywhere need a kernel of one kind for: the package, and what stands in its manifest for
/// some systems only. Whether that is enough, `tests/portable.sh` finds out where a compiler has another system's library.
#[test]
fn what_only_some_systems_have_is_no_dependency_on_others() {
    const OF_SOME: [&str; 10] = [
        "components",
        "evdev",
        "gpiocdev",
        "i2cdev",
        "nix",
        "procfs",
        "pulseaudio",
        "rustix",
        "sd-notify",
        "zbus",
    ];
    for package in ["router/wamp", "router/link", "clients/rust", "clients/ctl", "pairing"] {
        let manifest = fs::read_to_string(root().join(package).join("Cargo.toml")).unwrap();
        let manifest: toml::Table = manifest.parse().unwrap();
        let everywhere = manifest["dependencies"].as_table().unwrap();
        let wrong: Vec<_> = OF_SOME.iter().filter(|it| everywhere.contains_key(**it)).collect();
        assert!(wrong.is_empty(), "{package} needs {wrong:?} on every system");
    }
}

#[test]
fn packages_use_only_those_they_may() {
    for (package, allowed) in ARROWS {
        let used = dependencies(package);
        let wrong: Vec<_> = used
            .iter()
            .filter(|it| OURS.contains(&it.as_str()) && !allowed.contains(&it.as_str()))
            .collect();
        assert!(wrong.is_empty(), "{package} may not use {wrong:?}");
    }
    for pure in ["router/wamp", "pairing"] {
        let used = dependencies(pure);
        assert!(
            !used.iter().any(|it| it.starts_with("tokio") || it == "tracing"),
            "{pure} must stay pure: {used:?}"
        );
    }
}

#[test]
fn every_dependency_has_its_reason_in_contributing() {
    let reasons = fs::read_to_string(root().join("docs/CONTRIBUTING.md")).unwrap();
    let mut users: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (package, _) in ARROWS {
        for dependency in dependencies(package) {
            users.entry(dependency).or_default().push(package);
        }
    }
    let is_explained = |name: &str| reasons.contains(&format!("`{name}`"));
    let missing: Vec<_> = users
        .keys()
        .filter(|name| !OURS.contains(&name.as_str()) && !is_explained(name))
        .collect();
    assert!(missing.is_empty(), "no reason in docs/CONTRIBUTING.md for {missing:?}");
}

#[test]
fn every_component_that_is_written_is_offered() {
    let written = files(&[".rs"]).into_iter().filter(|path| {
        let is_component = path.starts_with(root().join("clients/components/src"));
        is_component && fs::read_to_string(path).unwrap().contains("pub const ENTRY: Entry")
    });
    let written: Vec<_> = written.map(|path| shown(&path)).collect();
    assert_eq!(
        written.len(),
        components::ALL.len(),
        "one line in components::ALL for each of {written:?}"
    );
}

#[test]
fn the_component_of_the_readme_is_the_example_that_is_compiled() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let example = fs::read_to_string(root().join("clients/rust/examples/hello.rs")).unwrap();
    let (_, code) = example.split_once("\n\n").unwrap();
    assert!(
        readme.contains(&format!("```rust\n{code}```")),
        "clients/rust/examples/hello.rs differs from the README"
    );
}
