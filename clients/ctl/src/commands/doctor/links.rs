//! Whether the links to other routers are up, and forward all that they should.

use std::path::Path;

use client::Value;

use super::Check;
use crate::values::{get, number};

const CHECK: &str = "link";

/// Judges what `org.deskconn.router.links` told: a check for each link.
pub(super) fn judge(told: Option<&Value>, config: &Path) -> Vec<Check> {
    let links = told.and_then(Value::as_list).into_iter().flatten();
    links.map(|link| judge_link(link, config)).collect()
}

fn judge_link(link: &Value, config: &Path) -> Check {
    let of = |key| get(link, key);
    let name = format!("\"{}\" of the realm {}", of("name"), of("realm"));
    let missing = link.as_dict().and_then(|link| link.get("missing")?.as_list());
    let missing: Vec<_> = missing.into_iter().flatten().filter_map(Value::as_str).collect();
    let lost = number(link, "dropped_out") + number(link, "dropped_in");
    match of("state") {
        "up" if !missing.is_empty() => Check::warning(
            CHECK,
            format!("{name} is up, but lacks {}", missing.join("; ")),
            format!(
                "let the role of the link at the other router allow it, or take its [[realm.link.forward]] out of {}",
                config.display()
            ),
        ),
        "up" if lost > 0 => Check::warning(
            CHECK,
            format!("{name} is up, and has lost {lost} events since the daemon started"),
            "the log says why: journalctl -u deskconnd, or --user -u deskconnd; with `keep = true` events that go out wait on disk",
        ),
        "up" => Check::ok(CHECK, format!("{name} is up at {}", of("address"))),
        "refused" => Check::failed(
            CHECK,
            format!("{name}: {}", of("why")),
            format!(
                "compare its [[realm.link]] in {} with the realm, the principal, the role and the pin of the other router; it is tried \
                 again every ten seconds",
                config.display()
            ),
        ),
        _ => Check::warning(
            CHECK,
            format!("{name} is down: {}", super::super::status::why_down(link)),
            "start the other router, and let its port in; the link comes up by itself",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    fn judged(link: &serde_json::Value) -> Check {
        let told: Value = serde_json::from_value(serde_json::json!([link])).unwrap();
        judge(Some(&told), Path::new("/etc/x.toml")).pop().unwrap()
    }

    #[test]
    fn a_link_that_is_up_and_has_all_is_fine() {
        let link = serde_json::json!({"name": "attic", "realm": "home", "state": "up", "address": "rs://b:5020", "missing": []});
        let check = judged(&link);
        assert_eq!((check.state, check.mend), (State::Ok, None));
        assert_eq!(check.found, "\"attic\" of the realm home is up at rs://b:5020");
    }

    #[test]
    fn what_is_wrong_with_a_link_is_told_with_where_to_mend_it() {
        let up = |key: &str, value: serde_json::Value| {
            let mut link = serde_json::json!({"name": "attic", "realm": "home", "state": "up"});
            link[key] = value;
            link
        };
        let refused =
            serde_json::json!({"name": "attic", "realm": "home", "state": "refused", "why": "the proof is wrong"});
        let down = serde_json::json!({"name": "attic", "realm": "home", "state": "down", "why": "nobody listens"});
        for (link, state, found, mend) in [
            (
                refused,
                State::Failed,
                "the proof is wrong",
                "[[realm.link]] in /etc/x.toml",
            ),
            (down, State::Warning, "is down: nobody listens", "comes up by itself"),
            (
                up("missing", serde_json::json!(["calls of \"a\": it may not"])),
                State::Warning,
                "lacks calls of \"a\": it may not",
                "/etc/x.toml",
            ),
            (
                up("dropped_in", 3.into()),
                State::Warning,
                "has lost 3 events",
                "keep = true",
            ),
        ] {
            let check = judged(&link);
            assert_eq!(check.state, state, "{check:?}");
            assert!(check.found.contains(found), "{check:?}");
            assert!(check.mend.as_ref().unwrap().contains(mend), "{check:?}");
        }
    }

    #[test]
    fn without_links_there_is_nothing_to_say() {
        assert!(judge(None, Path::new("/x")).is_empty());
        assert!(judge(Some(&Value::List(Vec::new())), Path::new("/x")).is_empty());
    }
}
