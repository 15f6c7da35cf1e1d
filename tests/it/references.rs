//! The links of the documents: those to files and headings of ours lead somewhere, those to others have the right form and go to
//! sites that are named here.

use std::fs;
use std::path::Path;

use hyper::Uri;

use crate::fences::{documents, shown};

/// Sites that documents link to; nothing asks them in a test.
const SITES: [&str; 8] = [
    "github.com",
    "keepachangelog.com",
    "paulmillr.com",
    "pypi.org",
    "semver.org",
    "toml.io",
    "wamp-proto.org",
    "www.npmjs.com",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The targets of the links of a document, without its blocks of code.
fn targets(text: &str) -> Vec<&str> {
    let mut is_block = false;
    let prose = text.lines().filter(|line| {
        is_block ^= line.starts_with("```");
        !is_block
    });
    let links = prose.flat_map(|line| line.split("](").skip(1));
    links.map(|rest| rest.split(')').next().unwrap_or_default()).collect()
}

#[test]
fn every_link_of_a_document_leads_somewhere() {
    let mut wrong = Vec::new();
    for document in documents(root()) {
        let text = fs::read_to_string(&document).unwrap();
        for target in targets(&text).into_iter().filter(|target| !target.contains("://")) {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let place = match file {
                "" => document.clone(),
                file => document.parent().unwrap().join(file),
            };
            let has_heading =
                || fs::read_to_string(&place).is_ok_and(|text| slugs(&text).iter().any(|it| it == anchor));
            if !place.exists() || (!anchor.is_empty() && !has_heading()) {
                wrong.push(format!("{}: {target}", shown(root(), &document)));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The anchors of a document's headings, as hosts of repositories make them: of those that are the same the later ones are
/// numbered.
fn slugs(text: &str) -> Vec<String> {
    let mut is_block = false;
    let mut slugs: Vec<String> = Vec::new();
    for line in text.lines() {
        is_block ^= line.starts_with("```");
        if is_block || !line.starts_with('#') {
            continue;
        }
        let heading = line.trim_start_matches('#').trim().to_lowercase();
        let kept = heading
            .chars()
            .filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
        let slug: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let earlier = slugs.iter().filter(|it| **it == slug).count();
        slugs.push(match earlier {
            0 => slug,
            earlier => format!("{slug}-{earlier}"),
        });
    }
    slugs
}

#[test]
fn every_link_to_another_site_has_the_right_form() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    for document in documents(root()) {
        let text = fs::read_to_string(&document).unwrap();
        for target in targets(&text).into_iter().filter(|target| target.contains("://")) {
            count += 1;
            let uri = target.parse::<Uri>().ok();
            let is_right = uri.is_some_and(|uri| {
                uri.scheme_str() == Some("https") && uri.host().is_some_and(|host| SITES.contains(&host))
            });
            if !is_right {
                wrong.push(format!("{}: {target}", shown(root(), &document)));
            }
        }
    }
    assert!(wrong.is_empty() && count > 3, "{count} links, of which {wrong:#?}");
}

/// A document that no other one links to is not found.
#[test]
fn every_document_can_be_reached_from_the_front_door() {
    let all = documents(root());
    let mut reached = vec![root().join("README.md")];
    let mut next = 0;
    while let Some(document) = reached.get(next).cloned() {
        next += 1;
        let text = fs::read_to_string(&document).unwrap();
        for target in targets(&text).into_iter().filter(|target| !target.contains("://")) {
            let file = target.split('#').next().unwrap_or_default();
            let place = document.parent().unwrap().join(file);
            let place = if place.is_dir() { place.join("README.md") } else { place };
            let Ok(place) = place.canonicalize() else { continue };
            if place.extension().is_some_and(|ending| ending == "md") && !reached.contains(&place) {
                reached.push(place);
            }
        }
    }
    let lost = all
        .iter()
        .filter(|document| !reached.contains(&document.canonicalize().unwrap()));
    let lost: Vec<_> = lost.map(|document| shown(root(), document)).collect();
    assert!(lost.is_empty(), "nothing leads to {lost:?}");
}
