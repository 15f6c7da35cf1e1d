//! The names of keys, and what `ctrl+shift+t` means. Codes are those of the kernel's `input-event-codes.h`.

use crate::Refusal;
use crate::backends::input::{Modifiers, Stroke};

/// Keys by their names. Letters, digits and signs are keys by their character.
pub(super) const KEYS: &[(&str, u16)] = &[
    ("escape", 1),
    ("esc", 1),
    ("backspace", 14),
    ("tab", 15),
    ("enter", 28),
    ("return", 28),
    ("space", 57),
    ("caps_lock", 58),
    ("f1", 59),
    ("f2", 60),
    ("f3", 61),
    ("f4", 62),
    ("f5", 63),
    ("f6", 64),
    ("f7", 65),
    ("f8", 66),
    ("f9", 67),
    ("f10", 68),
    ("f11", 87),
    ("f12", 88),
    ("home", 102),
    ("up", 103),
    ("page_up", 104),
    ("left", 105),
    ("right", 106),
    ("end", 107),
    ("down", 108),
    ("page_down", 109),
    ("insert", 110),
    ("delete", 111),
    ("menu", 127),
    ("ctrl", 29),
    ("shift", 42),
    ("alt", 56),
    ("altgr", 100),
    ("super", 125),
];

/// Characters of what was asked for that are said again: more than any name has.
const LONGEST_NAME: usize = 16;

/// The key of that name.
pub(super) fn code(name: &str) -> Option<u16> {
    let found = KEYS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, code)| *code)
}

/// The stroke for a character of a text that is no sign: the end of a line, and a tab.
pub(super) fn of_control(character: char) -> Option<Stroke> {
    let name = match character {
        '\n' => "enter",
        '\t' => "tab",
        _ => return None,
    };
    code(name).map(|code| Stroke {
        code,
        modifiers: Modifiers::default(),
    })
}

/// What is held, and the name or character of the key that is pressed. The sign `+` stands last, as in `ctrl++`.
pub(super) fn parse(text: &str) -> Result<(Modifiers, &str), Refusal> {
    let (held, key) = match text.strip_suffix("++") {
        Some(held) => (held, "+"),
        None if text == "+" => ("", "+"),
        None => text.rsplit_once('+').unwrap_or(("", text)),
    };
    let mut modifiers = Modifiers::default();
    for name in held.split('+').filter(|_| !held.is_empty()) {
        let modifier = match name.to_ascii_lowercase().as_str() {
            "ctrl" => &mut modifiers.ctrl,
            "shift" => &mut modifiers.shift,
            "alt" => &mut modifiers.alt,
            "altgr" => &mut modifiers.altgr,
            "super" => &mut modifiers.meta,
            _ => return Err(unknown(name)),
        };
        *modifier = true;
    }
    Ok((modifiers, key))
}

/// The refusal of what is no key.
pub(super) fn unknown(asked: &str) -> Refusal {
    let names: Vec<_> = KEYS.iter().map(|(name, _)| *name).collect();
    Refusal::NoSuch {
        sentence: format!(
            "argument 1 (key) has to be one character or one of {}; before it ctrl, shift, alt, altgr or super with a + each",
            names.join(", ")
        ),
        // What cannot be one is not repeated at length.
        asked: asked.chars().take(LONGEST_NAME).collect(),
        known: names.into_iter().map(str::to_owned).collect(),
    }
}
