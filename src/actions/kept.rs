//! What actions must not forget when the daemon ends: which were switched on or off by command, and up to when the times of
//! day have been seen to. A file in the state directory, `actions.json`; a plain router has none and forgets.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::store::{StateDir, StoreError};

/// The file.
const FILE: &str = "actions.json";

/// Every action with the longest name, twice over.
const MAX_FILE: u64 = 64 << 10;

/// What is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Content {
    /// What commands said, which beats `enabled` of the configuration.
    switched: BTreeMap<String, bool>,
    /// ISO 8601 by the action's name.
    checked: BTreeMap<String, String>,
}

/// The file and what is in it.
#[derive(Debug)]
pub(super) struct Kept {
    place: Option<StateDir>,
    content: Content,
}

impl Kept {
    /// Reads the file. What cannot be understood is left where it is, and nothing is written over it.
    pub(super) fn open(place: Option<StateDir>) -> Self {
        let read = place.as_ref().map(|place| place.read(FILE, MAX_FILE));
        let content = match read {
            None | Some(Ok(None)) => Ok(Content::default()),
            Some(Ok(Some(text))) => serde_json::from_slice(&text).map_err(|error| error.to_string()),
            Some(Err(error)) => Err(error.to_string()),
        };
        match content {
            Ok(content) => Self { place, content },
            Err(why) => {
                tracing::warn!(
                    "{FILE} in the state directory cannot be used, and nothing about actions is kept: {why}"
                );
                Self {
                    place: None,
                    content: Content::default(),
                }
            }
        }
    }

    /// What a command said last of an action.
    pub(super) fn switched(&self, name: &str) -> Option<bool> {
        self.content.switched.get(name).copied()
    }

    /// Up to when its times of day have been seen to.
    pub(super) fn checked(&self, name: &str) -> Option<Timestamp> {
        self.content.checked.get(name)?.parse().ok()
    }

    /// Notes what a command says, and keeps it; `Ok(false)` where nothing is kept.
    ///
    /// # Errors
    /// It cannot be written; then it holds until the daemon ends.
    pub(super) fn switch(&mut self, name: &str, is_on: bool) -> Result<bool, StoreError> {
        self.content.switched.insert(name.to_owned(), is_on);
        self.write()
    }

    /// Notes up to when the times of day have been seen to, of the actions that are there, and forgets all others.
    pub(super) fn note(&mut self, known: &BTreeMap<String, Option<Timestamp>>) {
        let before = self.content.clone();
        self.content.switched.retain(|name, _| known.contains_key(name));
        let checked = known
            .iter()
            .filter_map(|(name, checked)| Some((name.clone(), (*checked)?.to_string())));
        self.content.checked = checked.collect();
        if before != self.content
            && let Err(error) = self.write()
        {
            tracing::warn!(%error, "up to when actions were seen to is not kept");
        }
    }

    fn write(&self) -> Result<bool, StoreError> {
        let Some(place) = &self.place else {
            return Ok(false);
        };
        let mut text = serde_json::to_vec_pretty(&self.content).expect("texts and truths");
        text.push(b'\n');
        place.replace(FILE, &text, false).map(|()| true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    fn place(home: &tempfile::TempDir) -> Option<StateDir> {
        Store::open(&home.path().join("state")).unwrap().place().ok()
    }

    fn known(names: &[&str], checked: Option<&str>) -> BTreeMap<String, Option<Timestamp>> {
        let checked = checked.map(|checked| checked.parse().unwrap());
        names.iter().map(|name| ((*name).to_owned(), checked)).collect()
    }

    #[test]
    fn what_is_kept_is_there_again_and_what_is_gone_is_forgotten() {
        let home = tempfile::tempdir().unwrap();
        let mut kept = Kept::open(place(&home));
        assert!(kept.switch("a", false).unwrap() && kept.switch("b", true).unwrap());
        kept.note(&known(&["a"], Some("2026-06-01T12:00:00Z")));
        let again = Kept::open(place(&home));
        assert_eq!((again.switched("a"), again.switched("b")), (Some(false), None));
        assert_eq!(again.checked("a"), "2026-06-01T12:00:00Z".parse().ok());
    }

    #[test]
    fn a_file_that_cannot_be_understood_is_left_as_it_is() {
        let home = tempfile::tempdir().unwrap();
        drop(place(&home));
        let file = home.path().join("state").join(FILE);
        std::fs::write(&file, "{").unwrap();
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let mut kept = Kept::open(place(&home));
        assert!(!kept.switch("a", false).unwrap(), "nothing is kept");
        assert_eq!(kept.switched("a"), Some(false), "it holds as long as the daemon runs");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "{");
    }

    #[test]
    fn the_largest_file_that_there_can_be_is_read() {
        use crate::config::action::{MAX_ACTION_NAME, MAX_ACTIONS};
        let names: Vec<String> = (0..MAX_ACTIONS)
            .map(|number| format!("{number:0>MAX_ACTION_NAME$}"))
            .collect();
        let content = Content {
            switched: names.iter().map(|name| (name.clone(), false)).collect(),
            checked: names
                .iter()
                .map(|name| (name.clone(), Timestamp::MAX.to_string()))
                .collect(),
        };
        let length = serde_json::to_vec_pretty(&content).unwrap().len() as u64;
        assert!(length < MAX_FILE, "{length}");
    }
}
