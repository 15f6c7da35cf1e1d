//! `docs/API.md` against the code, both ways: each procedure and topic with the shape and the roles that the code has for it, each
//! error, each role; and nothing that is not there. What they are for is prose, which nobody can check.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Roles that devices do not have.
const OF_OTHERS: [&str; 5] = ["owner", "component", "agent", "brightness", "pairing"];

/// What other programs register or publish, and what stands for many.
const OF_OTHER_PROGRAMS: [&str; 2] = ["org.deskconn.agent.call", "org.deskconn.agent.missing"];

/// Errors of the specification that reflection describes and nothing here says.
const UNSAID: [&str; 4] = [
    "wamp.error.authorization_denied",
    "wamp.error.authorization_required",
    "wamp.error.network_failure",
    "wamp.error.no_such_principal",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn api() -> String {
    fs::read_to_string(root().join("docs/API.md")).unwrap()
}

/// The text of every Rust file below these folders.
fn sources(folders: &[&str]) -> String {
    let (mut text, mut folders) = (
        String::new(),
        folders.iter().map(|it| root().join(it)).collect::<Vec<_>>(),
    );
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                text.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    text
}

/// The rows of all tables whose first cell is this URI or one like it: URI to the other cells.
fn rows(prefix: &str) -> BTreeMap<String, Vec<String>> {
    let api = api();
    let rows = api
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |")?.split_once("` | "));
    let rows = rows.filter(|(uri, _)| uri.starts_with(prefix));
    let mut first: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (uri, rest) in rows {
        // A later row lists its other names.
        let cells = rest.split(" | ").map(str::to_owned).collect();
        first.entry(uri.to_owned()).or_insert(cells);
    }
    first
}

/// As the last cell says them.
fn who(roles: &[&str]) -> String {
    match roles {
        [] => "a grant of its own".to_owned(),
        roles => roles.join(", "),
    }
}

#[test]
fn every_procedure_and_topic_of_the_components_has_its_row_with_shape_and_roles() {
    let rows: BTreeMap<_, _> = rows("").into_iter().collect();
    let procedures = components::procedures().filter(|it| it.alias_of.is_none());
    let procedures = procedures.map(|it| (it.uri, format!("`{}`", it.shape), it.roles));
    let topics = components::topics().map(|it| {
        let kept = if it.is_retained { ", retained" } else { "" };
        (it.uri, format!("topic `{}`{kept}", it.event), it.roles)
    });
    let mut wrong = Vec::new();
    for (uri, shape, roles) in procedures.chain(topics) {
        let wanted = format!("| `{uri}` | {shape} | … | {} |", who(roles));
        let is_right = rows.get(uri).is_some_and(|cells| {
            cells.len() == 3 && cells[0] == shape && !cells[1].is_empty() && cells[2] == who(roles)
        });
        if !is_right {
            wrong.push(wanted);
        }
    }
    assert!(wrong.is_empty(), "docs/API.md does not have\n{}", wrong.join("\n"));
}

#[test]
fn every_row_of_the_components_is_of_one_that_there_is() {
    let api = api();
    let (_, rest) = api.split_once("## The desktop's functions").unwrap();
    let (functions, _) = rest.split_once("## For every device").unwrap();
    let all = components::procedures()
        .map(|it| it.uri)
        .chain(components::topics().map(|it| it.uri));
    let all: BTreeSet<_> = all.collect();
    // Rows that end with roles; the others list other names.
    let rows = functions.lines().filter(|line| line.matches(" | ").count() >= 3);
    let named = rows.filter_map(|row| row.strip_prefix("| `")?.split('`').next());
    let gone: Vec<_> = named.filter(|uri| !all.contains(uri)).collect();
    assert!(gone.is_empty(), "docs/API.md has what is not there: {gone:?}");
}

#[test]
fn every_older_name_of_a_procedure_is_told_and_no_other() {
    let api = api();
    let (_, rest) = api.split_once("| URI | other names |").unwrap();
    let table = rest.split("\n\n").next().unwrap();
    let cells = table.split('`').skip(1).step_by(2);
    let told: BTreeSet<String> = cells.filter(|cell| !cell.contains('…')).flat_map(spelled_out).collect();
    let told: BTreeSet<_> = told.into_iter().filter(|uri| uri != "org.deskconn.url.open").collect();
    let aliases = components::procedures().filter(|it| it.alias_of.is_some());
    // A procedure for older clients alone has a row of its own.
    let there: BTreeSet<String> = aliases.map(|it| it.uri.to_owned()).collect();
    assert_eq!(told, there);
}

/// `a.{b,c}` as `a.b` and `a.c`.
fn spelled_out(name: &str) -> Vec<String> {
    match name.split_once('{') {
        Some((start, rest)) => {
            let ends = rest.trim_end_matches('}').split(',');
            ends.map(|end| format!("{start}{end}")).collect()
        }
        None => vec![name.to_owned()],
    }
}

/// The shapes of the daemon's own procedures stand before the functions that serve them: `name(args) → result`, without the
/// beginning that all have.
fn shapes_in_code() -> BTreeMap<String, String> {
    let text = sources(&["src/procedures"]);
    let comments = text.split("\n/// `").skip(1).map(|rest| rest.replace("\n/// ", " "));
    let shapes = comments.filter_map(|comment| comment.split('`').next().map(str::to_owned));
    let shapes = shapes.filter_map(|shape| {
        let (name, _) = shape.split_once('(')?;
        Some((format!("org.deskconn.{name}"), shape.strip_prefix(name)?.to_owned()))
    });
    shapes.filter(|(_, shape)| shape.contains(") → ")).collect()
}

#[test]
fn every_procedure_of_the_daemon_has_its_row_with_its_shape() {
    let (rows, shapes) = (rows("org.deskconn."), shapes_in_code());
    assert!(shapes.len() > 20, "{shapes:?}");
    let api = api();
    let mut wrong = Vec::new();
    for (uri, shape) in &shapes {
        // What a row says of `info` says the text below it.
        let is_row = rows
            .get(uri)
            .is_some_and(|cells| cells[0] == format!("`{shape}`") && !cells[1].is_empty());
        if !is_row && !api.contains(&format!("`{uri}{shape}`")) && !api.contains(&format!("`{uri}` `{shape}`")) {
            wrong.push(format!("| `{uri}` | `{shape}` | … |"));
        }
    }
    assert!(wrong.is_empty(), "docs/API.md does not have\n{}", wrong.join("\n"));
}

#[test]
fn every_uri_that_the_daemon_offers_publishes_or_knows_is_told() {
    let api = api();
    let text = sources(&["src/procedures"]) + &sources(&["src/pair"]);
    let text = text + &fs::read_to_string(root().join("src/consent.rs")).unwrap();
    let literals: BTreeSet<_> = text.split('"').filter(|it| it.starts_with("org.deskconn.")).collect();
    let literals: Vec<_> = literals.into_iter().filter(|it| it.chars().all(is_of_uri)).collect();
    assert!(
        literals.len() > 30,
        "only {} URIs were found in the code",
        literals.len()
    );
    let is_told = |uri: &str| api.contains(&format!("`{uri}`")) || api.contains(&format!("`{uri}("));
    let untold: Vec<_> = literals.into_iter().filter(|uri| !is_told(uri)).collect();
    assert!(untold.is_empty(), "docs/API.md does not have {untold:#?}");
}

fn is_of_uri(character: char) -> bool {
    character.is_ascii_lowercase() || character == '_' || character == '.'
}

#[test]
fn every_row_of_the_daemon_is_of_something_that_the_code_says() {
    let text = sources(&["src", "clients/components/src"]);
    let mut gone = Vec::new();
    for (uri, cells) in rows("org.deskconn.") {
        let is_pattern = uri.contains(['<', '…']) || OF_OTHER_PROGRAMS.contains(&uri.as_str());
        let is_there = text.contains(&format!("\"{uri}\""));
        if !is_pattern && (!is_there || cells.iter().take(2).any(String::is_empty)) {
            gone.push(uri);
        }
    }
    assert!(
        gone.is_empty(),
        "nothing in the code is called {gone:#?}, or its row lacks a cell"
    );
}

#[test]
fn every_shape_that_a_row_of_the_daemon_has_stands_in_the_code() {
    let shapes = shapes_in_code();
    let of_components: BTreeSet<_> = components::procedures().map(|it| it.uri).collect();
    let wrong: Vec<_> = rows("org.deskconn.")
        .into_iter()
        .filter(|(uri, cells)| cells[0].starts_with("`(") && !of_components.contains(uri.as_str()))
        .filter(|(uri, _)| !OF_OTHER_PROGRAMS.contains(&uri.as_str()))
        .filter(|(uri, cells)| shapes.get(uri).is_none_or(|shape| cells[0] != format!("`{shape}`")))
        .map(|(uri, cells)| format!("{uri} {}: in the code {:?}", cells[0], shapes.get(&uri)))
        .collect();
    assert!(
        wrong.is_empty(),
        "no function of src/procedures says this before itself: {wrong:#?}"
    );
}

#[test]
fn every_procedure_and_topic_of_the_router_is_documented_as_the_router_knows_it() {
    let api = api();
    let procedures =
        wamp::realm::router_procedures().map(|it| format!("| `{}` | `{}` | {} |", it.uri, it.shape, it.does));
    let topics =
        wamp::realm::router_topics().map(|it| format!("| `{}` | topic `{}` | {} |", it.uri, it.shape, it.does));
    let wanted: Vec<_> = procedures.chain(topics).collect();
    let missing: Vec<_> = wanted.iter().filter(|row| !api.contains(*row)).collect();
    assert!(missing.is_empty(), "docs/API.md does not have\n{missing:#?}");
    let of_router = |line: &&str| line.starts_with("| `wamp.") && !line.starts_with("| `wamp.error.");
    let gone: Vec<_> = api
        .lines()
        .filter(of_router)
        .filter(|row| !wanted.iter().any(|it| it == row))
        .collect();
    assert!(
        gone.is_empty(),
        "docs/API.md has what the router has not\n{}",
        gone.join("\n")
    );
}

#[test]
fn every_feature_that_is_announced_is_documented() {
    let api = api();
    let (_, listed) = api.split_once("It announces the features of the broker").unwrap();
    let (listed, _) = listed.split_once("beside the features").unwrap();
    let listed: BTreeSet<_> = listed.split('`').skip(1).step_by(2).collect();
    let announced: BTreeSet<_> = wamp::realm::announced_features().collect();
    assert_eq!(listed, announced, "docs/API.md has others than WELCOME");
}

#[test]
fn every_error_that_the_code_knows_is_explained_and_no_other() {
    let text = sources(&[
        "src",
        "clients/components/src",
        "router/wamp/src",
        "router/src",
        "clients/rust/src",
    ]);
    let is_error = |literal: &&str| {
        let name = literal
            .strip_prefix("org.deskconn.error.")
            .or_else(|| literal.strip_prefix("wamp.error."));
        name.is_some_and(|name| !name.is_empty() && name.chars().all(is_of_uri))
    };
    let known: BTreeSet<_> = text.split('"').filter(is_error).collect();
    let api = api();
    let (_, rest) = api.split_once("## Errors").unwrap();
    let explained = rest.split("\n## ").next().unwrap();
    let explained: BTreeSet<_> = explained.split('`').filter(is_error).collect();
    let elsewhere = |uri: &&&str| api.contains(&format!("`{uri}`")) || UNSAID.contains(*uri);
    let untold: Vec<_> = known.difference(&explained).filter(|uri| !elsewhere(uri)).collect();
    let gone: Vec<_> = explained.difference(&known).collect();
    assert!(untold.is_empty(), "docs/API.md does not explain {untold:?}");
    assert!(gone.is_empty(), "nothing says {gone:?}");
}

#[test]
fn every_role_has_its_row_and_no_other() {
    let api = api();
    let (_, rest) = api.split_once("## Roles").unwrap();
    let table = rest.split("\n## ").next().unwrap();
    let rows = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    let told: BTreeSet<_> = rows
        .flat_map(|cell| cell.split(['`', ',', ' ']))
        .filter(|it| !it.is_empty())
        .collect();
    let roles = deskconnd::access::roles::Roles::of_components();
    let there: BTreeSet<_> = roles.names().chain(OF_OTHERS).collect();
    assert_eq!(told, there);
}

#[test]
fn what_a_report_of_the_machine_has_is_documented() {
    let documented = format!("A **report** is `{}`", components::host::REPORT);
    assert!(api().contains(&documented), "docs/API.md does not say: {documented}");
}
