//! A pointer and a keyboard: what a function of the desktop may ask of them.
//!
//! * [`mod@pointer`] and [`keyboard`] are such devices by the kernel's uinput,
//! * [`layout`] says which stroke makes which character.

use std::fmt::Debug;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::{Failure, Missing};

pub mod keyboard;
pub mod layout;
pub mod pointer;

pub use layout::{Layout, Names};

/// A button of a mouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Button {
    /// The first.
    Left,
    /// The second: menus.
    Right,
    /// The wheel, pressed.
    Middle,
}

/// Something that a mouse does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// It moves by so many counts, to the right and down. What that is on the screen is up to the desktop, which may
    /// accelerate it.
    Move {
        /// To the right.
        x: i32,
        /// Down.
        y: i32,
    },
    /// A button is pressed and released.
    Click(Button),
    /// The wheels turn, by 120ths of a notch, to the right and down.
    Scroll {
        /// To the right.
        x: i32,
        /// Down.
        y: i32,
    },
}

/// A mouse.
pub trait Pointer: Debug + Send + Sync {
    /// Does that; ends when the kernel has taken it.
    fn act(&self, motion: Motion) -> BoxFuture<'_, Result<(), Failure>>;

    /// What is missing for it right now.
    fn missing(&self) -> BoxFuture<'_, Option<Missing>>;
}

/// Keys that are held while another is pressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a key of its own")]
pub struct Modifiers {
    /// Control.
    pub ctrl: bool,
    /// Shift.
    pub shift: bool,
    /// Alt.
    pub alt: bool,
    /// The right Alt, which chooses the third level of a layout.
    pub altgr: bool,
    /// Super, the key with a picture on it.
    pub meta: bool,
}

/// A key that is pressed and released, with the keys that are held meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stroke {
    /// The key, by its code in the kernel's `input-event-codes.h`.
    pub code: u16,
    /// What is held.
    pub modifiers: Modifiers,
}

/// A keyboard.
pub trait Keyboard: Debug + Send + Sync {
    /// The layout by which the desktop reads this keyboard: that of `names`, or else that of the system.
    fn layout(&self, names: Option<Names>) -> BoxFuture<'_, Result<Arc<Layout>, Missing>>;

    /// Presses and releases keys; ends when the kernel has taken them.
    fn press(&self, stroke: Stroke) -> BoxFuture<'_, Result<(), Failure>>;

    /// What is missing for it right now.
    fn missing(&self) -> BoxFuture<'_, Option<Missing>>;
}
