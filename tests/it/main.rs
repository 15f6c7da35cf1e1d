//! The daemon and the router as their peers see them: real sockets, a real daemon on a free port, a machine of the
//! tests. One binary, one chapter a file.

#![allow(
    clippy::unwrap_used,
    clippy::large_futures,
    clippy::excessive_nesting,
    reason = "a test fails by panicking, and is as deep as what it tests"
)]

mod access;
mod actions;
mod apart;
mod api;
mod audit;
mod authenticator;
mod authorizer;
mod bad_input;
mod blocks;
mod bridge;
mod building;
mod call;
mod certificates;
mod commands;
mod described;
mod desktop;
mod exchange;
mod fences;
mod front_door;
mod keepalive;
mod keeping;
mod kept;
mod links;
mod locked;
mod longpoll;
mod manual;
mod meta;
mod mitm;
mod notice;
mod older;
mod operation;
mod own_frames;
mod papers;
mod phone;
mod publish;
mod quic;
mod rates;
mod realms;
mod references;
mod resumption;
mod rights;
mod secure;
mod sessions;
mod shutdown;
mod siege;
mod slow_peer;
mod support;
mod system;
mod tidy;
mod undeliverable;
mod vault;
mod window;
