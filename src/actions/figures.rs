//! What became of an action: how often it was done, how often not and why.

use jiff::Timestamp;

/// The longest sentence that is kept of an error, in characters.
const MAX_SENTENCE: usize = 400;

/// The figures of an action, since the daemon began or the action was changed.
#[derive(Debug, Clone, Default)]
pub(super) struct Figures {
    /// How often it was done.
    pub(super) count: u64,
    /// How often of these a step failed.
    pub(super) failed: u64,
    /// How often it was triggered and not done.
    pub(super) left_out: u64,
    /// How often its condition could not be decided.
    pub(super) unfit: u64,
    /// When it was done last, how long that took, and whether all went well.
    pub(super) last: Option<Last>,
    /// What went wrong last.
    pub(super) error: Option<String>,
    /// Whether it has been told that some is left out, since it was done last.
    is_told: bool,
}

/// The last time that an action was done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Last {
    pub(super) at: Timestamp,
    pub(super) took_ms: u64,
    pub(super) is_ok: bool,
}

impl Figures {
    /// Counts one that was done.
    pub(super) fn done(&mut self, last: Last, error: Option<String>) {
        self.count += 1;
        self.last = Some(last);
        self.is_told = false;
        if let Some(error) = error {
            self.failed += 1;
            self.fail(error);
        }
    }

    /// The same without what went wrong before, which is over for who has just switched it.
    pub(super) fn without_error(self) -> Self {
        Self { error: None, ..self }
    }

    /// Remembers what went wrong.
    pub(super) fn fail(&mut self, error: String) {
        self.error = Some(if error.chars().count() > MAX_SENTENCE {
            error.chars().take(MAX_SENTENCE).chain(['…']).collect()
        } else {
            error
        });
    }

    /// Counts occasions that nothing was done on; the log has it once, until something is done again.
    pub(super) fn leave_out(&mut self, count: u64, why: &str, name: &str) {
        self.left_out += count;
        if !std::mem::replace(&mut self.is_told, true) {
            tracing::info!(action = name, "not done: {why}; `deskconnctl actions` counts how often");
        }
    }

    /// Counts something of which nobody can say whether it counts.
    pub(super) fn unfit(&mut self, why: String) {
        self.unfit += 1;
        tracing::debug!("{why}");
        self.fail(why);
    }
}
