//! WAMP v2 as values with methods: no sockets, no clock, no randomness of its own, no logging.
#![doc = include_str!("../README.md")]
//!
//! **The one contract:** a message goes into [`realm::Realm::receive`], deliveries come out. Whoever holds the realm
//! puts them into queues; writers encode them with [`codec::encode`]. Before a session joins, an
//! [`acceptor::Acceptor`] speaks with its peer in the same manner; a [`joiner::Joiner`] is the other side of that.
//!
//! | module | what is in it |
//! |---|---|
//! | [`message`] | every message, with its Options and Details |
//! | [`codec`] | messages to bytes and back: JSON, `MessagePack`, CBOR |
//! | [`payload`], [`value`] | arguments as bytes; arguments as values, for clients |
//! | [`acceptor`], [`joiner`], [`auth`] | opening a session |
//! | [`realm`] | broker, dealer, roles |
//! | [`resumption`] | what both ends of a session count, so that it survives its connection |
//! | [`pattern`] | the index both use |
//! | [`outgoing`] | deliveries |
//! | [`id`], [`uri`], [`error`], [`limits`] | the small things everything is made of |

pub mod acceptor;
pub mod auth;
pub mod codec;
pub mod error;
pub mod id;
pub mod joiner;
pub mod limits;
pub mod message;
pub mod outgoing;
pub mod pattern;
pub mod payload;
pub mod realm;
pub mod resumption;
pub mod uri;
pub mod value;
