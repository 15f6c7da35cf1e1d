//! A WAMP v2 client for tokio.
//!
//! A [`Session`] is opened with [`Session::connect`] and then calls, registers, publishes and subscribes, from as many
//! tasks as one likes. The desktop's own functions use it over a link inside the daemon, `deskconnctl` over the Unix
//! socket, other programs over the network.
//!
//! ```no_run
//! use deskconn_client::{Options, Session, Value};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let session = Session::connect(&"ws://127.0.0.1:8080/ws".parse()?, Options::new("realm1")).await?;
//! session.register("com.example.double", |call| async move {
//!     let (number,): (u64,) = call.to()?;
//!     Ok(Value::from(2 * number).into())
//! }).await?;
//! let result = session.call("com.example.double", [21_u64.into()]).await?;
//! assert_eq!(result.to::<(u64,)>()?, (42,));
//! # Ok(())
//! # }
//! ```

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
mod served;
mod session;
mod subscription;
mod table;

pub use self::pairing::{MAX_FRAME, Membership, PairingChannel};
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
    Audience, CallOptions, CancelMode, Flow, Invoke, Match, Origin, PublishOptions, RegisterOptions, Retained,
    SubscribeOptions,
};
pub use wamp::uri::Uri;
pub use wamp::value::{Dict, Value};
