//! Publications that wait on disk until the router has them, each of which it takes once (`docs/QUEUES.md`).

mod delivery;
mod files;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use wamp::codec::Serializer;
use wamp::message::PublishOptions;
use wamp::payload::Payload;

pub use delivery::{Delivered, Refused, Undeliverable};
use files::Files;
pub use files::QueueError;

use crate::args::Args;

/// Publications that may wait: who is away for so long that they are more hears of it instead of filling the disk.
pub const MAX_WAITING: usize = 10_000;
/// Bytes of their files.
pub const MAX_WAITING_BYTES: u64 = 64 << 20;

/// A folder of publications that wait for a router, of one client: of the same router, and of the same `authid`.
///
/// What [`Queue::push`] has put there survives the end of the program, and of the machine. [`Queue::deliver`] sends it, in its
/// order, and takes it away when the router has it. Whoever is killed on the way, each arrives once.
///
/// ```no_run
/// use deskconn_client::{Client, Options, PublishOptions, Queue, Value};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let queue = Queue::open("temperatures".as_ref())?;
/// let client = Client::builder(Options::new("realm1")).at("ws://127.0.0.1:8080/ws".parse()?).start();
/// queue.push("com.example.temperature", Value::from(21.5), PublishOptions::default())?;
/// queue.deliver(&client, |refused| eprintln!("{refused}")).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Queue {
    files: Mutex<Files>,
    pushed: Notify,
}

impl Queue {
    /// Opens the queue in a folder, and makes it if need be. Two programs cannot have it open.
    ///
    /// # Errors
    /// Another program has it, it cannot be read or written, or holds what is none of a queue.
    pub fn open(folder: &Path) -> Result<Self, QueueError> {
        Ok(Self {
            files: Mutex::new(Files::open(folder, MAX_WAITING, MAX_WAITING_BYTES)?),
            pushed: Notify::new(),
        })
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a publication behind the others. When this returns, it is on disk. It waits for the disk, some milliseconds.
    ///
    /// # Errors
    /// The topic is none, as many wait as may, or it could not be written; then it is not in the queue.
    pub fn push(&self, topic: &str, args: impl Into<Args>, options: PublishOptions) -> Result<(), QueueError> {
        let payload = args.into().encode(Serializer::MessagePack)?;
        self.push_as_it_is(topic, payload, options)
    }

    /// The same with arguments that are encoded already, in whatever serializer.
    ///
    /// # Errors
    /// As [`Queue::push`].
    pub fn push_as_it_is(&self, topic: &str, payload: Payload, options: PublishOptions) -> Result<(), QueueError> {
        self.files().push(topic, payload, options)?;
        self.pushed.notify_one();
        Ok(())
    }

    /// Waits until something was pushed that was not waited for yet. One task should do this, or [`Queue::deliver`].
    pub async fn pushed(&self) {
        self.pushed.notified().await;
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files().len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests;
