//! The clock, by which grants end and times are shown.

use std::time::{Duration, SystemTime};

use super::Check;
use super::system::words;

const CHECK: &str = "clock";
/// 2026-01-01: this program is younger.
const EARLIEST: Duration = Duration::from_secs(1_767_225_600);

#[derive(Debug)]
pub(super) struct Facts {
    /// Since 1970.
    now: Duration,
    /// Whether it is kept right by the network; `None` when nobody says.
    is_kept: Option<bool>,
}

pub(super) async fn look() -> Facts {
    let told = words("timedatectl", &["show", "--property=NTPSynchronized", "--value"]).await;
    let told = told.filter(|(is_content, _)| *is_content);
    Facts {
        now: SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default(),
        is_kept: told.map(|(_, text)| text.trim() == "yes"),
    }
}

pub(super) fn judge(facts: &Facts) -> Vec<Check> {
    let set = "sudo timedatectl set-ntp true";
    let check = if facts.now < EARLIEST {
        Check::failed(CHECK, "it is years behind: what ends at a time does not", set)
    } else if facts.is_kept == Some(false) {
        Check::warning(CHECK, "nothing keeps it right", set)
    } else {
        Check::ok(
            CHECK,
            if facts.is_kept.is_some() {
                "it is kept right"
            } else {
                "it is plausible"
            },
        )
    };
    vec![check]
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn a_clock_behind_its_program_fails_and_one_that_nobody_keeps_is_a_warning() {
        let state = |now, is_kept| judge(&Facts { now, is_kept })[0].state;
        assert_eq!(state(Duration::ZERO, Some(true)), State::Failed);
        assert_eq!(
            state(EARLIEST.saturating_sub(Duration::from_secs(1)), None),
            State::Failed
        );
        assert_eq!(state(EARLIEST, Some(false)), State::Warning);
        assert_eq!(state(EARLIEST, Some(true)), State::Ok);
        assert_eq!(state(EARLIEST, None), State::Ok);
    }
}
