//! The keyboard: single keys with what is held beside them, and text.
//!
//! Text is typed as strokes of the desktop's layout. A text that has a character no stroke makes is refused before its
//! first stroke, so that nobody gets half of it.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use client::Value;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tokio::time::sleep;

mod keys;
#[cfg(test)]
mod tests;

use crate::backends::Missing;
use crate::backends::input::{Keyboard, Layout, Names, Stroke};
use crate::{Arguments, Component, Entry, Home, Procedure, Refusal};

/// The component's row.
pub const ENTRY: Entry = Entry {
    name: "keyboard",
    procedures: &[PRESS, TYPE],
    topics: &[],
    home: Home::Machine,
    make: |machine, settings| Arc::new(Typing::new(Arc::clone(&machine.keyboard), settings.keyboard.clone())),
};

/// Characters of one text: a long message. At [`PACE`] it takes ten seconds, which is as long as a person looks on.
pub const MAX_TEXT: usize = 1000;

/// Between two strokes. The kernel keeps some 64 events for a desktop that reads them frame by frame, and loses what
/// comes on top; a stroke is up to twelve.
pub const PACE: Duration = Duration::from_millis(10);

/// Bytes of a key's name with its modifiers.
const MAX_KEY: usize = 64;

const ROLES: &[&str] = &["input", "full"];

const PRESS: Procedure = Procedure::new(
    "org.deskconn.keyboard.press",
    "(key) → null",
    "Press a key, like enter, f5 or ctrl+shift+t",
    ROLES,
)
.input();
const TYPE: Procedure = Procedure::new(
    "org.deskconn.keyboard.type",
    "(text) → null",
    "Type a text of at most 1000 characters",
    ROLES,
)
.input();

/// How text becomes strokes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The layout, where the desktop has another one than the system.
    pub layout: Option<Names>,
}

/// The keyboard of this machine.
#[derive(Debug)]
pub struct Typing {
    keyboard: Arc<dyn Keyboard>,
    settings: RwLock<Settings>,
    /// Held while a text is typed: two at once would be one mixed text.
    turn: Mutex<()>,
}

impl Typing {
    /// Types on that.
    #[must_use]
    pub fn new(keyboard: Arc<dyn Keyboard>, settings: Settings) -> Self {
        Self {
            keyboard,
            settings: RwLock::new(settings),
            turn: Mutex::default(),
        }
    }

    async fn answer(&self, procedure: &'static Procedure, mut arguments: Arguments) -> Result<Value, Refusal> {
        let is_text = procedure.uri == TYPE.uri;
        let what = arguments.text(if is_text { "text" } else { "key" })?;
        arguments.end()?;
        let Ok(_turn) = self.turn.try_lock() else {
            return Err(Refusal::Busy("a text is being typed; wait for its end".into()));
        };
        let strokes = if is_text {
            self.text(&what).await?
        } else {
            vec![self.key(&what).await?]
        };
        for (number, stroke) in strokes.into_iter().enumerate() {
            if number > 0 {
                sleep(PACE).await;
            }
            self.keyboard.press(stroke).await?;
        }
        Ok(Value::Null)
    }

    async fn text(&self, text: &str) -> Result<Vec<Stroke>, Refusal> {
        let count = text.chars().count();
        if count > MAX_TEXT {
            let sentence = format!("a text has at most {MAX_TEXT} characters, this has {count}");
            return Err(Refusal::BadArgument(sentence));
        }
        let layout = self.layout().await?;
        let stroke = |character| keys::of_control(character).or_else(|| layout.stroke(character));
        let impossible: String = text.chars().filter(|character| stroke(*character).is_none()).collect();
        if impossible.is_empty() {
            return Ok(text.chars().filter_map(stroke).collect());
        }
        Err(untypable(&layout, &impossible))
    }

    async fn key(&self, key: &str) -> Result<Stroke, Refusal> {
        if key.len() > MAX_KEY {
            return Err(keys::unknown(key));
        }
        let (mut modifiers, name) = keys::parse(key)?;
        if let Some(code) = keys::code(name) {
            return Ok(Stroke { code, modifiers });
        }
        let mut characters = name.chars();
        let (Some(character), None) = (characters.next(), characters.next()) else {
            return Err(keys::unknown(name));
        };
        let layout = self.layout().await?;
        let Some(stroke) = layout.stroke(character) else {
            return Err(untypable(&layout, name));
        };
        modifiers.shift |= stroke.modifiers.shift;
        modifiers.altgr |= stroke.modifiers.altgr;
        Ok(Stroke {
            code: stroke.code,
            modifiers,
        })
    }

    async fn layout(&self) -> Result<Arc<Layout>, Refusal> {
        let wanted = self
            .settings
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .layout
            .clone();
        Ok(self.keyboard.layout(wanted).await?)
    }
}

/// The refusal of characters, each named once.
fn untypable(layout: &Layout, characters: &str) -> Refusal {
    let mut named = Vec::new();
    for character in characters.chars() {
        let name = match character.is_control() {
            true => format!("U+{:04X}", u32::from(character)),
            false => character.to_string(),
        };
        if !named.contains(&name) {
            named.push(name);
        }
    }
    let more = if named.len() > MOST_NAMED { " …" } else { "" };
    named.truncate(MOST_NAMED);
    Refusal::BadArgument(format!(
        "the keyboard layout \"{}\" has no key for: {}{more}",
        layout.names().layout,
        named.join(" ")
    ))
}

/// How many characters a refusal names.
const MOST_NAMED: usize = 10;

impl Component for Typing {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn call(&self, procedure: &'static Procedure, arguments: Arguments) -> BoxFuture<'_, Result<Value, Refusal>> {
        self.answer(procedure, arguments).boxed()
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        self.keyboard.missing()
    }

    fn reconfigure(&self, settings: &crate::Settings) {
        let mut own = self.settings.write().unwrap_or_else(PoisonError::into_inner);
        own.clone_from(&settings.keyboard);
    }
}
