//! What a realm keeps of its events: `[[realm.history]]`, `[[realm.retained]]` and `events_when_full`.

use router::{HistoryRule, RetainedRule, Store, WhenFull};
use wamp::limits::MAX_HISTORY_EVENTS;

use super::ConfigError;
use super::read::Section;
use super::realm::{Match, read_match, read_uri};

/// Histories of a realm, and rules for retained events: each publication is compared with all of the latter.
pub const MAX_KEPT_RULES: usize = 64;

/// What a realm keeps of its events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Subscriptions with a history.
    pub history: Vec<HistoryRule>,
    /// Topics whose retained events are on disk.
    pub retained: Vec<RetainedRule>,
    /// What happens to events for which a session is too slow.
    pub when_full: WhenFull,
}

impl Kept {
    /// Whether any of it is kept on disk.
    #[must_use]
    pub fn is_on_disk(&self) -> bool {
        !self.retained.is_empty() || self.history.iter().any(|rule| rule.store == Store::Disk)
    }
}

pub(super) fn read(section: &mut Section<'_>) -> Result<Kept, ConfigError> {
    let mut history: Vec<HistoryRule> = Vec::new();
    for mut rule in section.sections("history", MAX_KEPT_RULES)? {
        let read = read_history(&mut rule)?;
        if history
            .iter()
            .any(|other| (&other.uri, other.policy) == (&read.uri, read.policy))
        {
            return Err(rule.error(format!(
                "there are two histories of {:?} with the same match",
                read.uri.as_str()
            )));
        }
        history.push(read);
        rule.finish()?;
    }
    let mut retained = Vec::new();
    for mut rule in section.sections("retained", MAX_KEPT_RULES)? {
        let (uri, policy) = pattern(&mut rule)?;
        rule.need("store", "\"disk\"; in memory retained events are anyway")?
            .text("\"disk\"", |word| (word == "disk").then_some(()))?;
        retained.push(RetainedRule { uri, policy });
        rule.finish()?;
    }
    let when_full = read_when_full(section)?;
    Ok(Kept {
        history,
        retained,
        when_full,
    })
}

fn read_history(rule: &mut Section<'_>) -> Result<HistoryRule, ConfigError> {
    let (uri, policy) = pattern(rule)?;
    let keep = rule.need("keep", "how many events are kept, the last ones")?;
    let keep = keep.number(1..=MAX_HISTORY_EVENTS as u64)?;
    let store = match rule.get("store") {
        None => Store::Memory,
        Some(field) => field.text("\"memory\" or \"disk\"", |word| match word {
            "memory" => Some(Store::Memory),
            "disk" => Some(Store::Disk),
            _ => None,
        })?,
    };
    Ok(HistoryRule {
        uri,
        policy,
        keep: usize::try_from(keep).unwrap_or(MAX_HISTORY_EVENTS),
        store,
    })
}

fn pattern(rule: &mut Section<'_>) -> Result<(wamp::uri::Uri, Match), ConfigError> {
    let matching = match rule.get("match") {
        Some(field) => field.text("\"exact\", \"prefix\" or \"wildcard\"", read_match)?,
        None => Match::Exact,
    };
    let field = rule.need("uri", "the topic, or a pattern of topics")?;
    let uri = read_uri(&field, matching)?;
    if uri.starts_with("wamp.") {
        return Err(field.error("another topic than those of the router itself, whose events are not kept"));
    }
    Ok((uri.as_str().into(), matching))
}

/// `events_when_full`.
pub(super) fn read_when_full(section: &mut Section<'_>) -> Result<WhenFull, ConfigError> {
    let Some(field) = section.get("events_when_full") else {
        return Ok(WhenFull::default());
    };
    field.text(
        "\"drop_newest\", \"drop_oldest\" or \"disconnect\"",
        |word| match word {
            "drop_newest" => Some(WhenFull::DropNewest),
            "drop_oldest" => Some(WhenFull::DropOldest),
            "disconnect" => Some(WhenFull::Disconnect),
            _ => None,
        },
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Config;
    use super::*;

    fn realm(text: &str) -> Result<Kept, ConfigError> {
        let role = "[[realm]]\nname = \"home\"\n[[realm.role]]\nname = \"anonymous\"\nrules = []\n";
        let config = Config::parse(Path::new("test.toml"), &format!("{role}{text}"))?;
        Ok(config.realms[0].kept.clone())
    }

    fn error(text: &str) -> String {
        realm(text).unwrap_err().to_string()
    }

    #[test]
    fn a_realm_says_what_it_keeps() {
        let kept = realm(
            "[[realm.history]]\nuri = \"com.t\"\nkeep = 9\n\
             [[realm.history]]\nuri = \"com.\"\nmatch = \"prefix\"\nkeep = 100000\nstore = \"disk\"\n\
             [[realm.retained]]\nuri = \"com..x\"\nmatch = \"wildcard\"\nstore = \"disk\"\n",
        );
        let kept = kept.unwrap();
        let rules: Vec<_> = kept
            .history
            .iter()
            .map(|it| (it.uri.as_str(), it.policy.name(), it.keep, it.store))
            .collect();
        assert_eq!(
            rules,
            [
                ("com.t", "exact", 9, Store::Memory),
                ("com.", "prefix", 100_000, Store::Disk)
            ]
        );
        assert_eq!(kept.retained[0].uri.as_str(), "com..x");
        assert!(kept.is_on_disk() && kept.when_full == WhenFull::DropNewest);
        assert_eq!(realm("").unwrap(), Kept::default());
        assert!(
            !realm("[[realm.history]]\nuri = \"com.t\"\nkeep = 9\n")
                .unwrap()
                .is_on_disk()
        );
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (text, told) in [
            (
                "[[realm.history]]\nuri = \"com.t\"\n",
                "line 6: `realm.history.keep` is missing",
            ),
            (
                "[[realm.history]]\nuri = \"com.t\"\nkeep = 0\n",
                "line 8: `realm.history.keep` must be a whole number from 1 to 100000",
            ),
            ("[[realm.history]]\nuri = \"com.t\"\nkeep = 100001\n", "line 8"),
            (
                "[[realm.history]]\nuri = \"com.t\"\nkeep = 1\nstore = \"tape\"\n",
                "`realm.history.store` must be \"memory\" or \"disk\"",
            ),
            (
                "[[realm.history]]\nuri = \"com..t\"\nkeep = 1\n",
                "`realm.history.uri` must be a URI",
            ),
            (
                "[[realm.history]]\nuri = \"wamp.session.on_join\"\nkeep = 1\n",
                "those of the router itself",
            ),
            (
                "[[realm.history]]\nuri = \"com.t\"\nkeep = 1\n[[realm.history]]\nuri = \"com.t\"\nkeep = 2\n",
                "two histories of \"com.t\"",
            ),
            (
                "[[realm.retained]]\nuri = \"com.t\"\n",
                "`realm.retained.store` is missing",
            ),
            (
                "[[realm.retained]]\nuri = \"com.t\"\nstore = \"memory\"\n",
                "must be \"disk\"",
            ),
            (
                "[[realm.retained]]\nuri = \"com.t\"\nstore = \"disk\"\nkeep = 1\n",
                "there is no key `realm.retained.keep`",
            ),
        ] {
            let error = error(text);
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn what_a_slow_session_loses_is_chosen_by_name() {
        let parse = |text: &str| Config::parse(Path::new("test.toml"), text);
        let limits =
            |word: &str| parse(&format!("[limits]\nevents_when_full = \"{word}\"\n")).map(|it| it.limits.when_full);
        assert_eq!(limits("drop_oldest"), Ok(WhenFull::DropOldest));
        assert_eq!(limits("disconnect"), Ok(WhenFull::Disconnect));
        assert_eq!(limits("drop_newest"), Ok(WhenFull::DropNewest));
        let error = limits("drop").unwrap_err().to_string();
        assert!(
            error.contains("`limits.events_when_full` must be \"drop_newest\", \"drop_oldest\" or"),
            "{error}"
        );
    }
}
