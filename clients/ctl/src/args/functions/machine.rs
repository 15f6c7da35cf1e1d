//! What can be typed for the functions of the machine itself: its power.

use clap::Subcommand;

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Power {
    /// What of it the machine would do, and whether it would ask for a password
    Can,
    /// Let it sleep
    Suspend,
    /// Switch it off, its memory kept on the disk
    Hibernate,
    /// Start it anew
    Reboot,
    /// Switch it off
    Poweroff,
}
