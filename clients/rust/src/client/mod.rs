//! What outlives connections, and sessions too: a client that keeps a session open.

mod builder;
mod keeper;
mod opening;
mod places;
mod standing;
mod status;

use std::future::Future;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use wamp::id::PublicationId;
use wamp::message::{CallOptions, PublishOptions, RegisterOptions, SubscribeOptions};

pub use builder::{Builder, FIRST_PAUSE, LONGEST_PAUSE};
use keeper::{Current, Order};
pub use places::Unreached;
use standing::{Name, Standing, What};
pub use status::{Missing, Opened, Status};

use crate::args::Args;
use crate::call::{Call, within};
use crate::connect::{Options, Target};
use crate::error::{Closed, Error, RequestError};
use crate::invocation::{Handler, InParts, Invocation, Reply};
use crate::parts::PartSender;
use crate::session::Session;
use crate::subscription::{Event, Held, Listener, Subscription, feed};

/// Keeps a session with a router open, over all the connections that come and go. Clones share it; it ends with
/// [`Client::close`], or when the last one is dropped.
///
/// When a connection is lost it connects again, at once, then after pauses that grow. If the router still has the session
/// (`docs/RESUMPTION.md`) that goes on as if nothing had been: calls under way, intermediate results, invocations that are
/// being served, events. If not, calls under way fail with [`Error::Closed`], and in the new session everything that was
/// subscribed to and registered is so again, in its order and with its options.
///
/// What is asked for while no session is open waits for one. A call that would come too late then wants a `timeout`.
///
/// ```no_run
/// use deskconn_client::{Client, Options, Value};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::builder(Options::new("realm1")).at("ws://127.0.0.1:8080/ws".parse()?).open().await?;
/// client.register("com.example.hello", |_| async { Ok(Value::from("hello").into()) }).await?;
/// let mut status = client.status();
/// while status.changed().await.is_ok() {
///     println!("{:?}", *status.borrow_and_update());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Client(Arc<Handle>);

#[derive(Debug)]
struct Handle {
    standing: Arc<Standing>,
    status: watch::Receiver<Status>,
    current: watch::Receiver<Current>,
    place: watch::Receiver<Option<Target>>,
    orders: mpsc::Sender<Order>,
}

/// A procedure that a [`Client`] offers in each of its sessions. Dropping it changes nothing.
#[derive(Debug)]
pub struct Registration {
    client: Client,
    number: u64,
}

impl Registration {
    /// Withdraws the procedure.
    ///
    /// # Errors
    /// The session that has it has ended, which withdraws it too.
    pub async fn withdraw(self) -> Result<(), Error> {
        let stood = self.client.0.standing.remove(self.number);
        match (stood, self.client.current()) {
            (Some((id, Name::Registration(registration))), Current::Session(session)) if session.id() == id => {
                session.unregister(registration).await
            }
            _ => Ok(()),
        }
    }
}

impl Client {
    /// Begins to make one that logs in like this.
    #[must_use]
    pub const fn builder(options: Options) -> Builder {
        Builder::new(options)
    }

    /// How it stands, now and whenever it changes.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<Status> {
        self.0.status.clone()
    }

    /// Where the router was found last.
    #[must_use]
    pub fn place(&self) -> Option<Target> {
        self.0.place.borrow().clone()
    }

    /// Tries to connect now, whatever was said before: the network changed, or the device was paired again.
    pub fn retry(&self) {
        // A full queue says it already.
        let _ = self.0.orders.try_send(Order::Retry);
    }

    /// Says goodbye, and waits until everything has ended.
    pub async fn close(&self) {
        if self.0.orders.send(Order::Close).await.is_ok() {
            self.closed().await;
        }
    }

    /// Waits until it is closed.
    pub async fn closed(&self) {
        let mut status = self.status();
        let _ = status.wait_for(|status| matches!(status, Status::Closed)).await;
    }

    fn current(&self) -> Current {
        self.0.current.borrow().clone()
    }

    /// The session that is open, or the next one: for what is to be asked in one session, such as a welcome. It survives its
    /// connections, but there may be another one after it.
    ///
    /// # Errors
    /// The client is closed, or the router does not let it in and will not.
    pub async fn session(&self) -> Result<Session, Error> {
        let mut current = self.0.current.clone();
        let found = current.wait_for(|current| !matches!(current, Current::Away)).await;
        match found.as_deref() {
            Ok(Current::Session(session)) => Ok(session.clone()),
            Ok(Current::Refused(reason)) => Err(Error::Closed(Closed::Refused(reason.clone()))),
            Ok(Current::Closed | Current::Away) | Err(_) => Err(Error::Closed(Closed::Left)),
        }
    }

    /// Calls a procedure and waits for its result. Dropping the future cancels the call.
    ///
    /// # Errors
    /// The call failed, or the session was lost and could not go on.
    pub async fn call(&self, procedure: &str, args: impl Into<Args>) -> Result<Args, Error> {
        self.call_with(procedure, args, CallOptions::default()).await
    }

    /// The same with options: with a `timeout`, in milliseconds, it fails with `wamp.error.timeout` when that is over, also
    /// where no session was open meanwhile.
    ///
    /// # Errors
    /// The call failed, or the session was lost and could not go on.
    pub async fn call_with(&self, procedure: &str, args: impl Into<Args>, options: CallOptions) -> Result<Args, Error> {
        let limit = options.timeout;
        let call = async { self.start_call(procedure, args, options).await?.result().await };
        within(limit, call).await
    }

    /// Calls a procedure that sends intermediate results: `progress` gets those.
    ///
    /// # Errors
    /// The call failed, or the session was lost and could not go on.
    pub async fn call_progressively(
        &self,
        procedure: &str,
        args: impl Into<Args>,
        progress: impl FnMut(Args),
    ) -> Result<Args, Error> {
        self.session()
            .await?
            .call_progressively(procedure, args, progress)
            .await
    }

    /// Makes a call, and gives it while it is under way.
    ///
    /// # Errors
    /// The client is closed or refused, or the arguments cannot be sent.
    pub async fn start_call(
        &self,
        procedure: &str,
        args: impl Into<Args>,
        options: CallOptions,
    ) -> Result<Call, Error> {
        self.session().await?.start_call(procedure, args, options).await
    }

    /// Makes a call whose arguments come in parts, with the first of them. Like every call it ends with its session.
    ///
    /// # Errors
    /// The client is closed or refused, or the part cannot be sent.
    pub async fn start_call_in_parts(
        &self,
        procedure: &str,
        first: impl Into<Args>,
        options: CallOptions,
    ) -> Result<(PartSender, Call), Error> {
        let session = self.session().await?;
        session.start_call_in_parts(procedure, first, options).await
    }

    /// Publishes, and does not wait for the router: what the router has not taken when a session is lost for good is lost
    /// with it.
    ///
    /// # Errors
    /// The client is closed or refused, or the arguments cannot be sent.
    pub async fn publish(&self, topic: &str, args: impl Into<Args>) -> Result<(), Error> {
        self.session().await?.publish(topic, args).await
    }

    /// Publishes and waits until the router has taken it.
    ///
    /// # Errors
    /// The router refuses it, or the session was lost and could not go on: then it may have been published or not.
    pub async fn publish_acknowledged(&self, topic: &str, args: impl Into<Args>) -> Result<PublicationId, Error> {
        self.session().await?.publish_acknowledged(topic, args).await
    }

    /// Publishes as the options say.
    ///
    /// # Errors
    /// As those of [`Session::publish_with`].
    pub async fn publish_with(
        &self,
        topic: &str,
        args: impl Into<Args>,
        options: PublishOptions,
    ) -> Result<Option<PublicationId>, Error> {
        self.session().await?.publish_with(topic, args, options).await
    }

    /// Subscribes to a topic, in this session and all that follow.
    ///
    /// # Errors
    /// The router refuses, or the client is closed.
    pub async fn subscribe(&self, topic: &str) -> Result<Subscription, Error> {
        self.subscribe_with(topic, SubscribeOptions::default()).await
    }

    /// The same as the options say. With `get_retained` what is kept comes first in each session.
    ///
    /// # Errors
    /// The router refuses, or the client is closed.
    pub async fn subscribe_with(&self, topic: &str, options: SubscribeOptions) -> Result<Subscription, Error> {
        let (feed, events) = feed();
        let dropped = Arc::clone(&feed.dropped);
        let number = self.stand(topic, What::Topic(options, feed)).await?;
        let held = Held::ByClient(self.clone(), number);
        Ok(Subscription { held, events, dropped })
    }

    /// Has a function called with each event, one after the other, in this session and all that follow. An event
    /// at which it panics is passed over.
    ///
    /// # Errors
    /// The router refuses, or the client is closed.
    pub async fn listen<F, R>(&self, topic: &str, options: SubscribeOptions, handler: F) -> Result<Listener, Error>
    where
        F: FnMut(Event) -> R + Send + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        Ok(self.subscribe_with(topic, options).await?.handled_by(handler))
    }

    /// Offers a procedure, in this session and all that follow. Each call is served by a task of its own.
    ///
    /// # Errors
    /// The router refuses, or the client is closed.
    pub async fn register<F, R>(&self, procedure: &str, handler: F) -> Result<Registration, Error>
    where
        F: Fn(Invocation) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Reply, RequestError>> + Send + 'static,
    {
        self.register_with(procedure, RegisterOptions::default(), handler).await
    }

    /// The same as the options say: which procedures, shared with whom.
    ///
    /// # Errors
    /// The router refuses, or the client is closed.
    pub async fn register_with<F, R>(
        &self,
        procedure: &str,
        options: RegisterOptions,
        handler: F,
    ) -> Result<Registration, Error>
    where
        F: Fn(Invocation) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Reply, RequestError>> + Send + 'static,
    {
        self.offer(procedure, options, Arc::new(handler)).await
    }

    /// The same for procedures that take the arguments of a call in parts, too: see [`Session::register_in_parts`].
    ///
    /// # Errors
    /// The router refuses, or the client is closed.
    pub async fn register_in_parts<F, R>(
        &self,
        procedure: &str,
        options: RegisterOptions,
        handler: F,
    ) -> Result<Registration, Error>
    where
        F: Fn(Invocation) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Reply, RequestError>> + Send + 'static,
    {
        self.offer(procedure, options, Arc::new(InParts(handler))).await
    }

    async fn offer(
        &self,
        procedure: &str,
        options: RegisterOptions,
        handler: Arc<dyn Handler>,
    ) -> Result<Registration, Error> {
        let number = self.stand(procedure, What::Procedure(options, handler)).await?;
        let client = self.clone();
        Ok(Registration { client, number })
    }

    /// Has something stand, in the first session that lasts until it does.
    async fn stand(&self, uri: &str, what: What) -> Result<u64, Error> {
        loop {
            let session = self.session().await?;
            let is_current = || matches!(self.current(), Current::Session(it) if it.id() == session.id());
            match self.0.standing.add(&session, is_current, uri, what.clone()).await {
                Ok(Some(number)) => return Ok(number),
                Ok(None) | Err(Error::Closed(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }

    pub(crate) fn end_subscription(&self, number: u64) {
        let stood = self.0.standing.remove(number);
        if let (Some((id, Name::Subscription(subscription, subscriber))), Current::Session(session)) =
            (stood, self.current())
            && session.id() == id
        {
            session.end_subscription(subscription, subscriber);
        }
    }
}
