//! A WAMP v2 client for tokio.
#![doc = include_str!("../README.md")]
//!
//! A [`Session`] is opened with [`Session::connect`] and then calls, registers, publishes and subscribes, from as many
//! tasks as one likes. The desktop's own functions use it over a link inside the daemon, `deskconnctl` over the Unix
//! socket, other programs over the network.

mod answers;
mod args;
mod books;
mod call;
mod client;
mod connect;
mod credit;
pub mod discovery;
mod driver;
mod error;
mod invocation;
mod login;
pub mod pairing;
mod parts;
mod passing;
mod pubsub;
mod pulse;
mod queue;
mod race;
mod random;
mod served;
mod session;
mod subscription;
mod table;

pub use self::pairing::{Membership, PairingChannel};
pub use args::Args;
pub use call::Call;
pub use client::{Builder, Client, FIRST_PAUSE, LONGEST_PAUSE, Missing, Opened, Registration, Status, Unreached};
pub use connect::{Options, Target};
pub use ed25519_dalek::SigningKey;
pub use error::{Closed, ConnectError, Error, RequestError};
pub use invocation::{Invocation, Progress, Reply};
pub use link::noise::{Initiator as NoiseLogin, Secret as NoiseSecret};
pub use link::{noise, tls};
pub use login::Secret;
pub use parts::{PartReceiver, PartSender};
pub use passing::Passed;
pub use pulse::KEEP_ALIVE;
pub use queue::{Delivered, MAX_WAITING, MAX_WAITING_BYTES, Queue, QueueError, Refused, Undeliverable};
pub use served::MAX_INVOCATIONS;
pub use session::Session;
pub use subscription::{Event, Listener, QUEUE, Subscription};
pub use wamp::auth::{cra, scram};
pub use wamp::codec::Serializer;
pub use wamp::joiner::JoinError;
pub use wamp::message::{
    Audience, CallOptions, CancelMode, Flow, Invoke, Match, Origin, PublishOptions, PublishSpecial, RegisterOptions,
    Retained, SubscribeOptions,
};
pub use wamp::uri::Uri;
pub use wamp::value::{Dict, Value, dict};
