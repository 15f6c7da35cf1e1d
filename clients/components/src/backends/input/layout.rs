//! Which stroke makes which character: the layout by which desktops read a keyboard, from the XKB files of the machine.
//!
//! What is typed with a plain stroke, with Shift, with `AltGr` or with both is known. Characters that need a dead key or a
//! second layout are not; whoever types says so before the first stroke.

use std::collections::BTreeMap;
use std::path::Path;

use kbvm::lookup::LookupTable;
use kbvm::xkb::Context;
use kbvm::xkb::diagnostic::Diagnostic;
use kbvm::xkb::rmlvo::Group;
use kbvm::{GroupIndex, Keycode, Keysym, ModifierMask, syms};
use serde::{Deserialize, Serialize};
use zbus::Connection;

use super::keyboard::has;
use super::{Modifiers, Stroke};
use crate::backends::Missing;
use crate::backends::bus::{self, Bus};

const LOCALED: &str = "org.freedesktop.locale1";
const LOCALED_PATH: &str = "/org/freedesktop/locale1";

/// Keypad keys: what they make depends on Num Lock (kernel: `input-event-codes.h`).
const KEYPAD: [std::ops::RangeInclusive<u16>; 5] = [55..=55, 71..=83, 96..=96, 98..=98, 117..=121];

/// The right Alt.
const RIGHT_ALT: u32 = 100;

/// A layout by its names in XKB, such as "de" and "neo".
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// The layout.
    pub layout: String,
    /// Its variant; empty for the usual one.
    pub variant: String,
    /// The model of the keyboard; empty for the usual one.
    pub model: String,
    /// Options, with commas between them.
    pub options: String,
}

/// A layout that was read.
#[derive(Debug)]
pub struct Layout {
    names: Names,
    strokes: BTreeMap<char, Stroke>,
}

impl Layout {
    /// A layout of these strokes.
    #[must_use]
    pub const fn new(names: Names, strokes: BTreeMap<char, Stroke>) -> Self {
        Self { names, strokes }
    }

    /// Its names.
    #[must_use]
    pub const fn names(&self) -> &Names {
        &self.names
    }

    /// The stroke that makes a character, if one does.
    #[must_use]
    pub fn stroke(&self, character: char) -> Option<Stroke> {
        self.strokes.get(&character).copied()
    }

    /// Reads it from the machine's files. Blocks.
    pub(super) fn read(names: Names) -> Result<Self, Missing> {
        let mut problems: Vec<Diagnostic> = Vec::new();
        let group = Group {
            layout: &names.layout,
            variant: &names.variant,
        };
        let options: Vec<&str> = names.options.split(',').filter(|option| !option.is_empty()).collect();
        let mut context = Context::builder();
        // The files of whoever runs this may say something else than the desktop's.
        context.enable_environment(false);
        let keymap = context.build().keymap_from_names(
            &mut problems,
            None,
            Some(names.model.as_str()).filter(|model| !model.is_empty()),
            Some(&[group]),
            Some(&options),
        );
        let strokes = strokes(&keymap.to_builder().build_lookup_table());
        // Names that are not there give a map of what every keyboard has: the space, and few signs.
        if !strokes.keys().any(|character| character.is_alphabetic()) {
            let reason = problems.first().map(ToString::to_string);
            return Err(missing(&names, &reason.unwrap_or_else(|| "it has no letters".into())));
        }
        Ok(Self { names, strokes })
    }
}

fn missing(names: &Names, reason: &str) -> Missing {
    Missing {
        what: "the keyboard layout",
        reason: format!("\"{}\" \"{}\": {reason}", names.layout, names.variant),
        mend: "install the layouts (package xkb-data or xkeyboard-config), or name another one as layout in \
               [components.keyboard] of the configuration"
            .into(),
    }
}

/// Of several strokes for a character, the one with the fewest modifiers.
fn strokes(table: &LookupTable) -> BTreeMap<char, Stroke> {
    let plain = Modifiers::default();
    let (shift, altgr) = (Modifiers { shift: true, ..plain }, Modifiers { altgr: true, ..plain });
    let both = Modifiers { shift: true, ..altgr };
    let (shifted, third) = (ModifierMask::SHIFT, ModifierMask::MOD5);
    let mut levels = vec![(plain, ModifierMask::NONE), (shift, shifted)];
    // Not every layout has a third level, and on those the right Alt is another left one.
    let right_alt = table.lookup(GroupIndex::ZERO, ModifierMask::NONE, Keycode::from_evdev(RIGHT_ALT));
    if right_alt.into_iter().any(|it| it.keysym() == syms::ISO_Level3_Shift) {
        levels.extend([(altgr, third), (both, shifted | third)]);
    }
    let mut strokes = BTreeMap::new();
    for (modifiers, mask) in levels {
        let codes =
            (1..=u16::from(u8::MAX)).filter(|code| has(*code) && !KEYPAD.iter().any(|keys| keys.contains(code)));
        for code in codes {
            let made = table.lookup(GroupIndex::ZERO, mask, Keycode::from_evdev(code.into()));
            if let Some(character) = only_character(made.into_iter().map(|it| it.keysym())) {
                strokes.entry(character).or_insert(Stroke { code, modifiers });
            }
        }
    }
    strokes
}

/// The character, if a stroke makes that one and nothing else.
fn only_character(mut symbols: impl Iterator<Item = Keysym>) -> Option<char> {
    let character = symbols.next()?.char().filter(|character| !character.is_control());
    character.filter(|_| symbols.next().is_none())
}

/// The system's layout: what localed says (`org.freedesktop.locale1`), or else the file of Debian's `keyboard(5)`, or else
/// the American one. Of several layouts the first.
pub(super) async fn of_system(system: &Bus, file: &Path) -> Names {
    let told = match system.connection().await {
        Ok(connection) => of_localed(&connection).await,
        Err(_) => None,
    };
    let names = told.or_else(|| of_file(&std::fs::read_to_string(file).unwrap_or_default()));
    names.unwrap_or_else(|| Names {
        layout: "us".into(),
        ..Names::default()
    })
}

async fn of_localed(connection: &Connection) -> Option<Names> {
    let property = async |name: &str| {
        let body = (LOCALED, name);
        let value = bus::call(connection, LOCALED, LOCALED_PATH, bus::PROPERTIES, "Get", &body).await;
        let value: zbus::OwnedVariant = value.ok()?;
        <&str>::try_from(&value).ok().map(str::to_owned)
    };
    let layout = property("X11Layout").await?;
    let variant = property("X11Variant").await.unwrap_or_default();
    let model = property("X11Model").await.unwrap_or_default();
    let options = property("X11Options").await.unwrap_or_default();
    first(&layout, &variant, &model, &options)
}

/// `KEY="value"` lines, as a shell reads them.
fn of_file(text: &str) -> Option<Names> {
    let value = |key: &str| {
        let mut lines = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='));
        lines
            .next_back()
            .unwrap_or_default()
            .trim_matches(['"', '\''])
            .to_owned()
    };
    first(
        &value("XKBLAYOUT"),
        &value("XKBVARIANT"),
        &value("XKBMODEL"),
        &value("XKBOPTIONS"),
    )
}

/// The first of several layouts with its variant; none where there is none.
fn first(layouts: &str, variants: &str, model: &str, options: &str) -> Option<Names> {
    let first = |list: &str| list.split(',').next().unwrap_or_default().trim().to_owned();
    let layout = Some(first(layouts)).filter(|layout| !layout.is_empty())?;
    Some(Names {
        layout,
        variant: first(variants),
        model: model.to_owned(),
        options: options.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(layout: &str, variant: &str) -> Names {
        Names {
            layout: layout.into(),
            variant: variant.into(),
            ..Names::default()
        }
    }

    fn told(layout: &Layout, text: &str) -> Vec<(u16, &'static str)> {
        let modifiers = |modifiers: Modifiers| match (modifiers.shift, modifiers.altgr) {
            (false, false) => "",
            (true, false) => "shift",
            (false, true) => "altgr",
            (true, true) => "shift altgr",
        };
        let stroke = |character| layout.stroke(character).unwrap();
        text.chars()
            .map(stroke)
            .map(|it| (it.code, modifiers(it.modifiers)))
            .collect()
    }

    #[test]
    fn characters_are_where_the_layout_has_them() {
        let us = Layout::read(names("us", "")).unwrap();
        assert_eq!(
            told(&us, "aA@y "),
            [(30, ""), (30, "shift"), (3, "shift"), (21, ""), (57, "")]
        );
        assert_eq!(us.stroke('ä'), None);
        let german = Layout::read(names("de", "")).unwrap();
        assert_eq!(
            told(&german, "ä@yz€"),
            [(40, ""), (16, "altgr"), (44, ""), (21, ""), (18, "altgr")]
        );
        let french = Layout::read(names("fr", "")).unwrap();
        assert_eq!(told(&french, "1a&"), [(2, "shift"), (16, ""), (2, "")]);
        let dvorak = Layout::read(names("us", "dvorak")).unwrap();
        assert_eq!(told(&dvorak, "o"), [(31, "")]);
        assert_eq!(told(&Layout::read(names("ru", "")).unwrap(), "ы"), [(31, "")]);
    }

    #[test]
    fn a_layout_that_is_not_there_says_so() {
        assert!(Layout::read(names("us", "submerged")).is_err());
        let missing = Layout::read(names("atlantis", "")).unwrap_err();
        assert!(
            missing.reason.contains("atlantis") && missing.mend.contains("[components.keyboard]"),
            "{missing}"
        );
    }

    #[test]
    fn debians_file_is_read_and_the_first_layout_counts() {
        let text = "# comment\nXKBMODEL=\"pc105\"\nXKBLAYOUT=\"de,us\"\nXKBVARIANT=\"neo,\"\nXKBOPTIONS=\"\"\n";
        let expected = Names {
            model: "pc105".into(),
            ..names("de", "neo")
        };
        assert_eq!(of_file(text), Some(expected));
        assert_eq!(of_file("XKBLAYOUT=us\n"), Some(names("us", "")));
        assert_eq!(of_file("XKBLAYOUT=\"\"\n"), None);
        assert_eq!(of_file(""), None);
    }
}
