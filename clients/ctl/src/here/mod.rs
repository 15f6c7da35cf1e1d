//! The desktop on this machine, over its Unix socket; where there are none, another one has to be named.

#[cfg(not(unix))]
mod elsewhere;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(crate) use elsewhere::*;
#[cfg(unix)]
pub(crate) use unix::*;

/// What to do instead of talking to the desktop on this machine.
const NAME_ANOTHER: &str = "--desktop NAME for one of `deskconnctl desktops`, --at HOST:PORT for any";
