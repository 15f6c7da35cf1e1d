//! Displays as those who follow them know them: they hear of one only when something about it is another.

use tokio::sync::watch;

use super::{Display, Failure};

/// The displays that were last told.
#[derive(Debug)]
pub(super) struct Seen(watch::Sender<Vec<Display>>);

impl Seen {
    /// None yet.
    pub(super) fn none() -> Self {
        Self(watch::Sender::new(Vec::new()))
    }

    /// These are all there are now.
    pub(super) fn all(&self, displays: &[Display]) {
        self.0.send_if_modified(|seen| {
            let is_new = seen != displays;
            if is_new {
                displays.clone_into(seen);
            }
            is_new
        });
    }

    /// One of them is like this now; the others keep what was last seen of them.
    pub(super) fn one(&self, display: &Display) {
        self.0.send_if_modified(|seen| {
            let known = seen.iter_mut().find(|seen| seen.id == display.id && *seen != display);
            known.map(|seen| seen.clone_from(display)).is_some()
        });
    }

    /// The displays, as they change.
    pub(super) fn changes(&self) -> watch::Receiver<Vec<Display>> {
        self.0.subscribe()
    }
}

/// The place of the display that is asked for in this list of names; the first where none is asked for.
pub(super) fn place_of<'a>(
    asked: Option<&str>,
    known: impl Iterator<Item = &'a String> + Clone,
) -> Result<usize, Failure> {
    let Some(asked) = asked else {
        return Ok(0);
    };
    let place = known.clone().position(|id| id == asked);
    place.ok_or_else(|| Failure::no_such("display", Some(asked), known.cloned()))
}
