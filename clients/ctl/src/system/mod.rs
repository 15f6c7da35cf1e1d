//! What this program asks of the operating system beyond the standard library: the terminal, signals, who may read a
//! file. `unix` has it for Linux and macOS, `elsewhere` says what becomes of each on other systems.

#[cfg(not(unix))]
mod elsewhere;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(crate) use elsewhere::*;
#[cfg(unix)]
pub(crate) use unix::*;
