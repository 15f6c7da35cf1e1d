//! A session: requests to the router, from any number of tasks.

use std::future::Future;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use link::Link;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;
use wamp::codec::Serializer;
use wamp::error::CLOSE_NORMAL;
use wamp::id::{RegistrationId, RequestId, SessionId};
use wamp::message::{
    Call, CallOptions, Cancel, CancelMode, CancelOptions, Goodbye, Match, Message, Register, RegisterOptions,
    Unregister, Welcome,
};
use wamp::value::{Dict, Value};

use crate::args::Args;
use crate::driver;
use crate::error::{Closed, Error, RequestError};
use crate::invocation::{Handler, Invocation, Reply};
use crate::table::{Table, WaitingCall};

/// Messages that wait to be sent; who makes more waits.
const OUTGOING: usize = 256;
/// Progressive results that wait for their caller.
const PROGRESS: usize = 64;
/// How long the router may take to answer GOODBYE.
const FAREWELL: Duration = Duration::from_secs(2);

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
    ended: watch::Receiver<Option<Closed>>,
    pub(crate) next_subscriber: AtomicU64,
}

impl Session {
    pub(crate) fn start(link: Link, serializer: Serializer, welcome: Welcome) -> Self {
        let (outgoing, messages) = mpsc::channel(OUTGOING);
        let (end, ended) = watch::channel(None);
        let table = Arc::<Mutex<Table>>::default();
        tokio::spawn(driver::run(driver::Driver {
            link,
            serializer,
            messages,
            outgoing: outgoing.downgrade(),
            table: Arc::clone(&table),
            end,
        }));
        let (id, details) = (welcome.session, welcome.details);
        Self(Arc::new(Inner {
            outgoing,
            table,
            serializer,
            id,
            details,
            ended,
            next_subscriber: AtomicU64::new(0),
        }))
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

    /// Calls a procedure and waits for its result. Dropping the future cancels the call.
    ///
    /// # Errors
    /// The call failed, or the session has ended.
    pub async fn call(&self, procedure: &str, args: impl Into<Args>) -> Result<Args, Error> {
        self.call_with(procedure, args, CallOptions::default(), None).await
    }

    /// The same for a procedure that sends intermediate results: `progress` gets those.
    ///
    /// # Errors
    /// The call failed, or the session has ended.
    pub async fn call_progressively(
        &self,
        procedure: &str,
        args: impl Into<Args>,
        mut progress: impl FnMut(Args),
    ) -> Result<Args, Error> {
        let (results, mut received) = mpsc::channel(PROGRESS);
        let mut call = std::pin::pin!(self.call_into(procedure, args, results));
        loop {
            tokio::select! {
                biased;
                Some(result) = received.recv() => progress(result),
                result = &mut call => {
                    while let Ok(result) = received.try_recv() {
                        progress(result);
                    }
                    return result;
                }
            }
        }
    }

    /// The same with a channel of the caller's own. Intermediate results that find it full are dropped.
    ///
    /// # Errors
    /// The call failed, or the session has ended.
    pub async fn call_into(
        &self,
        procedure: &str,
        args: impl Into<Args>,
        results: mpsc::Sender<Args>,
    ) -> Result<Args, Error> {
        let options = CallOptions {
            receive_progress: true,
            ..CallOptions::default()
        };
        self.call_with(procedure, args, options, Some(results)).await
    }

    async fn call_with(
        &self,
        procedure: &str,
        args: impl Into<Args>,
        options: CallOptions,
        progress: Option<mpsc::Sender<Args>>,
    ) -> Result<Args, Error> {
        let payload = args.into().encode(self.0.serializer)?;
        let (answer, result) = oneshot::channel();
        let call = |table: &mut Table| {
            let request = table.call(WaitingCall { answer, progress })?;
            let call = Call {
                request,
                options,
                procedure: procedure.into(),
                payload,
            };
            Ok((Message::Call(call), request))
        };
        let request = self.request(call).await?;
        let guard = CancelOnDrop { session: self, request };
        let result = self.wait(result).await;
        drop(guard);
        result
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
        let handler: Arc<dyn Handler> = Arc::new(handler);
        let (answer, registered) = oneshot::channel();
        let register = |table: &mut Table| {
            let request = table.register(handler, answer)?;
            let options = RegisterOptions {
                policy,
                ..RegisterOptions::default()
            };
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
        self.wait(registered).await
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

    pub(crate) async fn wait<T>(&self, answer: oneshot::Receiver<Result<T, Error>>) -> Result<T, Error> {
        answer.await.unwrap_or_else(|_| Err(self.closed_error()))
    }

    fn closed_error(&self) -> Error {
        Error::Closed(self.table().closed().cloned().unwrap_or(Closed::Left))
    }
}

/// Cancels a call whose caller no longer waits.
struct CancelOnDrop<'a> {
    session: &'a Session,
    request: RequestId,
}

impl Drop for CancelOnDrop<'_> {
    fn drop(&mut self) {
        let was_open = self.session.table().drop_call(self.request);
        if was_open {
            let options = CancelOptions {
                mode: CancelMode::KillNoWait,
            };
            self.session.send_soon(Message::Cancel(Cancel {
                request: self.request,
                options,
            }));
        }
    }
}
