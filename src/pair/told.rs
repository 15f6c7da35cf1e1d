//! What the desk has to tell, and why it refuses its owner something.

use pairing::question::{NotAsked, Question};
use pairing::window::{Closed, NotOpened};
use pairing::{Device, NoRandom};

use crate::store::StoreError;

/// What the desk has to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The owner should answer this.
    Asked(Question),
    /// The window closed; with the device, if one was paired.
    Closed(Closed, Option<Box<Device>>),
    /// Somebody seems to be in between: a sentence for the owner.
    Alarm(String),
    /// A window was opened or closed: whether a code would be looked at now.
    IsOpen(bool),
    /// The list of devices changed.
    Devices,
}

/// The owner's answer could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// Nobody asks that.
    #[error(transparent)]
    NotAsked(#[from] NotAsked),
    /// The device left, or did not confirm in time.
    #[error("the device went away, or did not confirm in time; it is not paired")]
    Gone,
    /// The device could not be stored, so it was refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A window could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// For the machine's own reasons.
    #[error(transparent)]
    NotOpened(#[from] NotOpened),
    /// What would be paired could not be kept.
    #[error("nothing can be stored, so pairing is refused: {0}")]
    ReadOnly(String),
    /// No code could be drawn.
    #[error(transparent)]
    NoRandom(#[from] NoRandom),
}
