//! Lines of GPIO chips: what a function of the desktop may ask of them. [`chardev`] is how Linux has them.
//!
//! Values are logical: on a line that is configured as active low, `true` is the low level.

use std::fmt::Debug;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::Missing;

pub mod chardev;
mod find;

/// Which line is meant, and how it is used. Chips and lines are found by what does not change from start to start:
/// numbers of chips do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// The chip: its label (`pinctrl-bcm2711`), its name (`gpiochip0`) or its path. It may be left out where the line
    /// is given by name.
    pub chip: Option<String>,
    /// The line on the chip.
    pub line: LineId,
    /// Which way it is used.
    pub direction: Direction,
    /// The low level counts as `true`.
    pub active_low: bool,
    /// What an output is set to when it is taken.
    pub initial: bool,
    /// What holds an input that nothing drives; as the chip has it when this is left out.
    pub bias: Option<Bias>,
}

/// A line of a chip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineId {
    /// By its number on the chip.
    Offset(u32),
    /// By the name that the kernel has for it, from the device tree.
    Name(String),
}

/// Which way a line is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// It is read.
    In,
    /// It is driven.
    Out,
}

/// What holds a line that nothing drives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bias {
    /// A resistor to the high level.
    PullUp,
    /// A resistor to the low level.
    PullDown,
    /// Nothing.
    Disabled,
}

/// The GPIO chips of this machine.
pub trait Gpio: Debug + Send + Sync {
    /// Takes a line: nobody else can have it until what this gives is dropped.
    fn request(&self, wanted: Wanted) -> BoxFuture<'_, Result<Arc<dyn Line>, Missing>>;
}

/// A line that was taken. An output keeps its value as long as this lives; what it has afterwards is up to the chip.
pub trait Line: Debug + Send + Sync {
    /// The chip's label.
    fn chip(&self) -> &str;

    /// Its number on the chip.
    fn offset(&self) -> u32;

    /// What it is now.
    fn value(&self) -> BoxFuture<'_, Result<bool, Missing>>;

    /// Drives it. Only for outputs.
    fn set(&self, value: bool) -> BoxFuture<'_, Result<(), Missing>>;

    /// What it has become, each change in its order. An output does not change by itself: this ends only when it is
    /// lost. For one caller at a time; cancelling it loses nothing.
    fn changed(&self) -> BoxFuture<'_, Result<bool, Missing>>;
}
