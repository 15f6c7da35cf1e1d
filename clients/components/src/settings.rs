//! What the configuration says of single components.
//!
//! The daemon reads it and hands it to the agent of a desktop session, which has
//! no configuration of its own; so all of it can be serialized.

use serde::{Deserialize, Serialize};

use crate::{command, gpio, host, keyboard, screen};

/// The settings of every component that has some.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Programs that may be run.
    pub command: command::Settings,
    /// How often the machine tells how it is.
    pub host: host::Settings,
    /// Lines of GPIO chips.
    pub gpio: gpio::Settings,
    /// How text becomes key strokes.
    pub keyboard: keyboard::Settings,
    /// The lock of the screen.
    pub screen: screen::Settings,
}
