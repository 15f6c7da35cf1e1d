//! The program as it is typed, against a router on a Unix socket with a stand-in for the desktop's procedures. Against
//! the real daemon it is tested with that.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the answer")]

mod commands;
mod desktop;
mod log;
mod stage;
