//! Depth and number of values, counted while a message is read.

use super::Malformed;
use crate::limits::Bounds;

/// The deepest nesting that any bounds allow: readers and writers recurse, and a stack has an end.
pub(super) const DEEPEST: usize = 256;

/// What is left of the bounds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guard {
    depth: usize,
    values: usize,
}

impl Guard {
    pub(super) const fn new(bounds: &Bounds) -> Self {
        Self {
            depth: if bounds.depth < DEEPEST { bounds.depth } else { DEEPEST },
            values: bounds.values,
        }
    }

    /// An array or map begins, or a tag with the value behind it.
    pub(super) const fn enter(&mut self) -> Result<(), Malformed> {
        if self.depth == 0 {
            return Err(Malformed::TooDeep);
        }
        self.depth -= 1;
        Ok(())
    }

    /// It ends.
    pub(super) const fn leave(&mut self) {
        self.depth += 1;
    }

    /// So many of them end.
    pub(super) fn leave_all(&mut self, levels: u16) {
        self.depth += usize::from(levels);
    }

    /// One value more.
    pub(super) const fn count(&mut self) -> Result<(), Malformed> {
        if self.values == 0 {
            return Err(Malformed::TooManyValues);
        }
        self.values -= 1;
        Ok(())
    }

    /// `number` values more, as a length at the front of an array says.
    pub(super) fn count_all(&mut self, number: u64) -> Result<(), Malformed> {
        let number = usize::try_from(number).map_err(|_| Malformed::TooManyValues)?;
        self.values = self.values.checked_sub(number).ok_or(Malformed::TooManyValues)?;
        Ok(())
    }
}
