//! A session: requests to the router, from any number of tasks.

use std::future::Future;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use link::Link;
use tokio::sync::oneshot::{self, error::RecvError};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use wamp::codec::Serializer;
use wamp::error::CLOSE_NORMAL;
use wamp::id::{RegistrationId, SessionId};
use wamp::limits::longest_message;
use wamp::message::{Goodbye, Match, Message, Register, RegisterOptions, Unregister, Welcome};
use wamp::value::{Dict, Value};

use crate::driver::Driver;
use crate::error::{Closed, Error, RequestError};
use crate::invocation::{Handler, Invocation, Reply};
use crate::passing::{Passed, Passing};
use crate::table::Table;

/// Messages that wait to be sent; who makes more waits.
const OUTGOING: usize = 256;
/// How long the router may take to answer GOODBYE.
const FAREWELL: Duration = Duration::from_secs(2);

/// The answer to a request, when it comes.
pub(crate) type Answer<T> = oneshot::Receiver<Result<T, Error>>;

/// An open session. Clones share it; it ends when the last one is dropped, or with [`Session::leave`]. Handlers and
/// subscriptions end with it.
#[derive(Debug, Clone)]
pub struct Session(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    outgoing: mpsc::Sender<Message>,
    table: Arc<Mutex<Table>>,
    pub(crate) serializer: Serializer,
    id: SessionId,
    details: Dict,
    longest: Option<usize>,
    ended: watch::Receiver<Option<Closed>>,
    pub(crate) next_subscriber: AtomicU64,
}

impl Session {
    /// A session that the router has welcomed, and what must serve it.
    pub(crate) fn new(
        serializer: Option<Serializer>,
        welcome: Welcome,
        is_resumable: bool,
        passed: Option<mpsc::Sender<Passed>>,
    ) -> (Self, Driver) {
        // Inside a process nothing is encoded, and nothing is too long.
        let longest = serializer.and_then(|_| longest_message(&welcome.details));
        let serializer = serializer.unwrap_or(Serializer::MessagePack);
        let (outgoing, messages) = mpsc::channel(OUTGOING);
        let (end, ended) = watch::channel(None);
        let table = Arc::<Mutex<Table>>::default();
        let queue = (outgoing.downgrade(), messages);
        let (id, details) = (welcome.session, welcome.details);
        let passing = passed.map(|to| Passing::new(id, to));
        let driver = Driver::new(serializer, queue, (Arc::clone(&table), passing), end, is_resumable);
        let session = Self(Arc::new(Inner {
            outgoing,
            table,
            serializer,
            id,
            details,
            longest,
            ended,
            next_subscriber: AtomicU64::new(0),
        }));
        (session, driver)
    }

    /// The same on its only connection.
    pub(crate) fn start(
        link: Link,
        keep_alive: Option<Duration>,
        welcome: Welcome,
        passed: Option<mpsc::Sender<Passed>>,
    ) -> Self {
        let (session, driver) = Self::new(link.writer.serializer(), welcome, false, passed);
        tokio::spawn(driver.run(link, keep_alive));
        session
    }

    pub(crate) fn table(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session's id.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.0.id
    }

    /// What WELCOME told: `authid`, `authrole`, the router's roles and features.
    #[must_use]
    pub fn details(&self) -> &Dict {
        &self.0.details
    }

    /// A text of [`Session::details`], such as `authid`.
    #[must_use]
    pub fn detail(&self, key: &str) -> Option<&str> {
        self.0.details.get(key).and_then(Value::as_str)
    }

    /// How many bytes the router takes as one message, if it says so.
    pub(crate) fn longest(&self) -> Option<usize> {
        self.0.longest
    }

    /// Whether the router announced this feature of this role, such as `event_retention` of `broker`.
    #[must_use]
    pub fn router_does(&self, role: &str, feature: &str) -> bool {
        let mut place = self.details();
        for key in ["roles", role, "features"] {
            let Some(inside) = place.get(key).and_then(Value::as_dict) else {
                return false;
            };
            place = inside;
        }
        place.get(feature) == Some(&Value::Bool(true))
    }

    /// Offers a procedure. Each call is served by a task of its own.
    ///
    /// # Errors
    /// The router refuses, or the session has ended.
    pub async fn register<F, R>(&self, procedure: &str, handler: F) -> Result<RegistrationId, Error>
    where
        F: Fn(Invocation) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Reply, RequestError>> + Send + 'static,
    {
        self.register_matching(procedure, Match::Exact, handler).await
    }

    /// Offers every procedure that matches; [`Invocation::procedure`] says which one was called.
    ///
    /// # Errors
    /// The router refuses, or the session has ended.
    pub async fn register_matching<F, R>(
        &self,
        procedure: &str,
        policy: Match,
        handler: F,
    ) -> Result<RegistrationId, Error>
    where
        F: Fn(Invocation) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Reply, RequestError>> + Send + 'static,
    {
        let options = RegisterOptions {
            policy,
            ..RegisterOptions::default()
        };
        self.register_with(procedure, options, handler).await
    }

    /// Offers procedures as the options say: which ones, shared with whom.
    ///
    /// # Errors
    /// The router refuses, or the session has ended.
    pub async fn register_with<F, R>(
        &self,
        procedure: &str,
        options: RegisterOptions,
        handler: F,
    ) -> Result<RegistrationId, Error>
    where
        F: Fn(Invocation) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Reply, RequestError>> + Send + 'static,
    {
        let registered = self.ask_to_register(procedure, options, Arc::new(handler)).await?;
        self.wait(registered).await
    }

    /// Sends REGISTER; the answer comes later.
    pub(crate) async fn ask_to_register(
        &self,
        procedure: &str,
        options: RegisterOptions,
        handler: Arc<dyn Handler>,
    ) -> Result<Answer<RegistrationId>, Error> {
        let (answer, registered) = oneshot::channel();
        let register = |table: &mut Table| {
            let request = table.register(handler, answer)?;
            Ok((
                Message::Register(Register {
                    request,
                    options,
                    procedure: procedure.into(),
                }),
                (),
            ))
        };
        self.request(register).await?;
        Ok(registered)
    }

    /// Withdraws a procedure.
    ///
    /// # Errors
    /// There is no such registration, or the session has ended.
    pub async fn unregister(&self, registration: RegistrationId) -> Result<(), Error> {
        let (answer, unregistered) = oneshot::channel();
        let unregister = |table: &mut Table| {
            let request = table.unregister(answer)?;
            Ok((Message::Unregister(Unregister { request, registration }), ()))
        };
        self.request(unregister).await?;
        self.wait(unregistered).await?;
        self.table().drop_registration(registration);
        Ok(())
    }

    /// The same from where nobody can wait.
    pub(crate) fn end_registration(&self, registration: RegistrationId) {
        let mut table = self.table();
        table.drop_registration(registration);
        if let Ok(request) = table.next_request() {
            self.send_soon(Message::Unregister(Unregister { request, registration }));
        }
    }

    /// Says goodbye and waits until the session has ended.
    pub async fn leave(&self) {
        let goodbye = Goodbye {
            details: Dict::new(),
            reason: CLOSE_NORMAL,
        };
        let leaving = async {
            if self.0.outgoing.send(Message::Goodbye(goodbye)).await.is_ok() {
                self.closed().await;
            }
        };
        let _ = timeout(FAREWELL, leaving).await;
    }

    /// Whether the session has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.0.ended.borrow().is_some() || self.0.outgoing.is_closed()
    }

    /// Waits until the session has ended, and says why.
    pub async fn closed(&self) -> Closed {
        let mut ended = self.0.ended.clone();
        match ended.wait_for(Option::is_some).await {
            Ok(closed) => closed.clone().unwrap_or(Closed::Left),
            Err(_) => Closed::Left,
        }
    }

    /// Makes a request. Its number and its place in the queue are taken together, because the router wants to see the
    /// numbers in their order (WAMP specification, "IDs").
    pub(crate) async fn request<T>(
        &self,
        make: impl FnOnce(&mut Table) -> Result<(Message, T), Error>,
    ) -> Result<T, Error> {
        let room = self.0.outgoing.reserve().await.map_err(|_| self.closed_error())?;
        let mut table = self.table();
        let (message, rest) = make(&mut table)?;
        room.send(message);
        Ok(rest)
    }

    /// Sends from where nobody can wait. A queue that is full loses it: the router forgets with the session.
    pub(crate) fn send_soon(&self, message: Message) {
        if let Err(error) = self.0.outgoing.try_send(message) {
            tracing::debug!(%error, "a message was not sent");
        }
    }

    pub(crate) async fn wait<T>(
        &self,
        answer: impl Future<Output = Result<Result<T, Error>, RecvError>>,
    ) -> Result<T, Error> {
        answer.await.unwrap_or_else(|_| Err(self.closed_error()))
    }

    fn closed_error(&self) -> Error {
        Error::Closed(self.table().closed().cloned().unwrap_or(Closed::Left))
    }
}
