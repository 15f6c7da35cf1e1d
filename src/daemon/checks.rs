//! What the configuration says and only the machine can tell to be right.

use std::sync::Arc;

use anyhow::Result;
use components::{Machine, Places};

use crate::access::Household;
use crate::config::Config;
use crate::paths::Paths;

/// Who of this machine's users owns the desktop.
pub(super) fn household(config: &Config, paths: &Paths, machine: Option<&Machine>) -> Result<Household> {
    if paths.is_system {
        let seat = machine.map_or_else(|| Machine::seat_alone(Places::default()), |it| Arc::clone(&it.seat));
        return Household::of_system(&config.owners, seat);
    }
    Household::no_owners(&config.owners)?;
    Ok(Household::of_user(rustix::process::geteuid().as_raw()))
}
