//! The program as it is typed: against a router on a Unix socket with a stand-in for the desktop's procedures, and, where
//! two machines talk, against the daemon itself.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the answer")]

mod actions;
mod commands;
mod completions;
mod consent;
mod desktop;
mod distance;
mod doctor;
mod errors;
mod functions;
mod home;
mod join;
mod keeping;
mod log;
mod logged;
mod login;
mod manual;
mod reload;
mod screen;
mod secrecy;
mod secret;
mod session;
mod stage;
mod terminal;
mod top;
