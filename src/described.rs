//! What programs say of the procedures and topics they offer, so that a client can draw them without knowing them.
//!
//! A description lasts as long as the session that gave it. It gives nobody a right: who sees it is who may use it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use client::Origin;
use router::{Action, Role};
use tokio::sync::Notify;
use wamp::id::SessionId;
use wamp::value::{Dict, Value};

/// Items of one session: as many as a screen full of switches for a whole house.
pub const MAX_ITEMS: usize = 64;
/// Bytes of a title, a group or the name of an icon: more does not fit on a button.
pub const MAX_TEXT: usize = 128;
/// Bytes of a URI; the longest of our own has a third of that.
pub const MAX_URI: usize = 255;

/// What a client draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Calls the procedure without arguments.
    Button,
    /// Calls it with `[bool]`.
    Toggle,
    /// Calls it with `[number]` between `min` and `max`.
    Slider,
    /// Calls it with `[text]`.
    Text,
    /// Shows the last event of a topic, and calls nothing.
    Value,
}

impl Kind {
    const ALL: [(&'static str, Self); 5] = [
        ("button", Self::Button),
        ("toggle", Self::Toggle),
        ("slider", Self::Slider),
        ("text", Self::Text),
        ("value", Self::Value),
    ];
}

/// One thing that is offered.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    uri: String,
    kind: Kind,
    topic: Option<String>,
    /// As it is told on.
    row: Dict,
}

/// The descriptions of all sessions.
#[derive(Debug, Default)]
pub struct Described {
    sessions: Mutex<BTreeMap<SessionId, Vec<Item>>>,
    changed: Notify,
}

impl Described {
    fn sessions(&self) -> MutexGuard<'_, BTreeMap<SessionId, Vec<Item>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts what a session offers in the place of what it said before.
    pub fn put(&self, session: SessionId, items: Vec<Item>) {
        if items.is_empty() {
            self.sessions().remove(&session);
        } else {
            self.sessions().insert(session, items);
        }
        self.changed.notify_one();
    }

    /// A session has ended.
    pub fn forget(&self, session: SessionId) {
        if self.sessions().remove(&session).is_some() {
            self.changed.notify_one();
        }
    }

    /// What somebody with this role may use of it.
    #[must_use]
    pub fn usable_by(&self, role: &Role) -> Vec<Value> {
        let sessions = self.sessions();
        let usable = sessions.values().flatten().filter(|item| item.is_usable_by(role));
        usable.map(|item| Value::Dict(item.row.clone())).collect()
    }

    /// Waits until something has changed since the last time.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }
}

impl Item {
    fn is_usable_by(&self, role: &Role) -> bool {
        let may = |action, uri: &str| role.allows(action, &uri.into()).is_some();
        match self.kind {
            Kind::Value => may(Action::Subscribe, self.topic.as_deref().unwrap_or(&self.uri)),
            Kind::Button | Kind::Toggle | Kind::Slider | Kind::Text => may(Action::Call, &self.uri),
        }
    }

    /// Reads a description by somebody with this role, who may describe nothing but what the role lets them offer.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn read(row: &Dict, who: &Origin, role: &Role) -> Result<Self, String> {
        if let Some(unknown) = row.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(format!(
                "there is no key \"{}\"; there are {}",
                shown(unknown),
                KEYS.join(", ")
            ));
        }
        let uri = text(row, "uri", MAX_URI)?.ok_or("it has no uri")?;
        text(row, "title", MAX_TEXT)?.ok_or("it has no title")?;
        text(row, "icon", MAX_TEXT)?;
        text(row, "group", MAX_TEXT)?;
        let topic = text(row, "topic", MAX_URI)?;
        let kind = text(row, "kind", MAX_TEXT)?;
        let kind = Kind::ALL.into_iter().find(|(name, _)| kind == Some(*name));
        let (_, kind) = kind.ok_or("kind is one of button, toggle, slider, text and value")?;
        check_range(row, kind)?;
        let may = |action, uri: &str| role.allows(action, &uri.into()).is_some();
        if !may(Action::Register, uri) && !may(Action::Publish, uri) {
            return Err(format!("you may offer nothing under {}", shown(uri)));
        }
        if let Some(topic) = topic.filter(|topic| !may(Action::Publish, topic)) {
            return Err(format!("you may publish nothing to {}", shown(topic)));
        }
        let mut told = row.clone();
        told.insert("by".to_owned(), who.authid.as_ref().into());
        Ok(Self {
            uri: uri.to_owned(),
            kind,
            topic: topic.map(str::to_owned),
            row: told,
        })
    }
}

const KEYS: [&str; 9] = ["uri", "title", "kind", "min", "max", "step", "icon", "group", "topic"];

fn check_range(row: &Dict, kind: Kind) -> Result<(), String> {
    let number = |key: &str| match row.get(key) {
        None => Ok(None),
        Some(value) => match value.as_f64().filter(|number| number.is_finite()) {
            Some(number) if kind == Kind::Slider => Ok(Some(number)),
            Some(_) => Err(format!("{key} is for a slider")),
            None => Err(format!("{key} is a number")),
        },
    };
    let (min, max, step) = (number("min")?, number("max")?, number("step")?);
    if kind != Kind::Slider {
        return Ok(());
    }
    match (min, max) {
        (Some(min), Some(max)) if min < max => {}
        _ => return Err("a slider needs min and max, and min is less than max".to_owned()),
    }
    match step {
        Some(step) if step <= 0.0 => Err("step is more than 0".to_owned()),
        _ => Ok(()),
    }
}

/// A text without control characters under a key, if it is there.
fn text<'a>(row: &'a Dict, key: &str, most: usize) -> Result<Option<&'a str>, String> {
    let Some(value) = row.get(key) else { return Ok(None) };
    let text = value.as_str().filter(|text| (1..=most).contains(&text.len()));
    let text = text.filter(|text| !text.chars().any(char::is_control));
    text.map(Some).ok_or(format!("{key} is a text of 1 to {most} bytes"))
}

/// What somebody wrote, short enough for a sentence.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::access::roles;

    use super::*;

    fn row(pairs: &[(&str, Value)]) -> Dict {
        let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
        pairs.collect()
    }

    fn usual(changes: &[(&str, Value)]) -> Dict {
        let mut row = row(&[
            ("uri", "org.deskconn.component.lamp.set".into()),
            ("title", "Lamp".into()),
            ("kind", "toggle".into()),
        ]);
        row.extend(changes.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        row
    }

    fn read(row: &Dict) -> Result<Item, String> {
        let who = Origin {
            session: SessionId::new(7).unwrap(),
            authid: "lamp".into(),
            authrole: Arc::from("component"),
        };
        Item::read(row, &who, &roles::component("lamp"))
    }

    #[test]
    fn a_description_is_told_as_it_was_given_with_who_gave_it() {
        let item = read(&usual(&[("topic", "org.deskconn.component.lamp.on_changed".into())])).unwrap();
        assert_eq!(item.row["by"], Value::from("lamp"));
        assert_eq!(item.row["title"], Value::from("Lamp"));
    }

    #[test]
    fn what_cannot_be_drawn_is_refused_with_the_reason() {
        let wrong = [
            (usual(&[("kind", "lever".into())]), "kind is one of"),
            (
                usual(&[("uri", "org.deskconn.slides.next".into())]),
                "you may offer nothing",
            ),
            (
                usual(&[("topic", "org.deskconn.slides.next".into())]),
                "you may publish nothing",
            ),
            (usual(&[("colour", "red".into())]), "no key \"colour\""),
            (usual(&[("title", "".into())]), "title is a text"),
            (usual(&[("title", "a\u{7}b".into())]), "title is a text"),
            (usual(&[("min", 1_u64.into())]), "min is for a slider"),
            (usual(&[("kind", "slider".into())]), "needs min and max"),
            (
                usual(&[("kind", "slider".into()), ("min", 5_u64.into()), ("max", 5_u64.into())]),
                "min is less than max",
            ),
            (row(&[("title", "Lamp".into())]), "no uri"),
        ];
        for (row, sentence) in wrong {
            let error = read(&row).unwrap_err();
            assert!(error.contains(sentence), "{error}");
        }
    }

    #[test]
    fn the_longest_title_is_taken_and_a_longer_one_is_not() {
        let titled = |length: usize| read(&usual(&[("title", "x".repeat(length).into())]));
        assert!(titled(MAX_TEXT).is_ok());
        assert!(titled(MAX_TEXT + 1).is_err());
        let uri = |length: usize| {
            let uri = format!("org.deskconn.component.lamp.{}", "x".repeat(length));
            read(&usual(&[("uri", uri.into())]))
        };
        let prefix = "org.deskconn.component.lamp.".len();
        assert!(uri(MAX_URI - prefix).is_ok());
        assert!(uri(MAX_URI - prefix + 1).is_err());
    }
}
