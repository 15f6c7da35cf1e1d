//! What a session does about the messages of the router: serves calls, wakes who waits. It lives as long as the session,
//! through all its connections.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;
use wamp::codec::Serializer;
use wamp::error::{
    CANCELED, FEATURE_NOT_SUPPORTED, GOODBYE_AND_OUT, INVALID_ARGUMENT, NO_SUCH_REGISTRATION, UNAVAILABLE,
};
use wamp::id::RequestId;
use wamp::message::{self, Goodbye, Message, RequestKind};
use wamp::uri::Uri;
use wamp::value::{Dict, Value};

use crate::answers::{encoded, error_message, failure};
use crate::args::Args;
use crate::credit::Credit;
use crate::driver::End;
use crate::error::{Closed, RequestError};
use crate::invocation::{Handler, Invocation, Progress};
use crate::parts::PartReceiver;
use crate::passing::Passing;
use crate::table::{Reaction, Table};

/// Invocations that are served at a time; further ones are refused, so that a flood of calls costs no memory.
pub const MAX_INVOCATIONS: usize = 128;
/// How long a caller that has fallen behind with its intermediate results is waited for, and everything else of the
/// session with it. One that polls its call needs no time at all; one that does not gets its last result alone.
const PROGRESS_PATIENCE: Duration = Duration::from_secs(2);

/// What serving calls needs.
#[derive(Clone)]
pub(crate) struct Served {
    serializer: Serializer,
    outgoing: mpsc::WeakSender<Message>,
    table: Arc<Mutex<Table>>,
    /// Where that goes of which the session knows nothing.
    passing: Option<Passing>,
    /// Room for invocations.
    room: Arc<Semaphore>,
    /// Invocations under way.
    running: Arc<Mutex<HashMap<RequestId, Running>>>,
    /// The number of the last one that began.
    last: Arc<AtomicU64>,
}

/// An invocation under way.
#[derive(Debug)]
struct Running {
    /// Dropping stops it; sending says why.
    interrupt: oneshot::Sender<RequestError>,
    credit: Option<Credit>,
    /// Where further parts of the call go, until the last has come.
    parts: Option<mpsc::Sender<Args>>,
}

/// What must be waited for before another message is taken. It outlives the connection on which the message came.
#[derive(Debug)]
pub(crate) enum Pending {
    /// An answer that has no room in the queue.
    Answer(Message),
    /// What the session knows nothing of.
    Pass(Message),
    /// An intermediate result whose caller has not taken those before it.
    Deliver(RequestId, mpsc::Sender<Args>, Args),
    /// A part of a call whose handler has not taken those before it.
    Part(RequestId, mpsc::Sender<Args>, Args),
}

/// What a message leads to.
pub(crate) enum Next {
    /// The next message.
    Go,
    /// The next message, after this.
    Wait(Pending),
    /// The end.
    End(End),
}

impl From<Option<Message>> for Next {
    fn from(answer: Option<Message>) -> Self {
        answer.map_or(Self::Go, |message| Self::Wait(Pending::Answer(message)))
    }
}

impl Served {
    pub(crate) fn new(
        serializer: Serializer,
        outgoing: mpsc::WeakSender<Message>,
        table: Arc<Mutex<Table>>,
        passing: Option<Passing>,
    ) -> Self {
        Self {
            serializer,
            outgoing,
            table,
            passing,
            room: Arc::new(Semaphore::new(MAX_INVOCATIONS)),
            running: Arc::default(),
            last: Arc::default(),
        }
    }

    pub(crate) fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one message.
    pub(crate) fn receive(&self, message: Message) -> Next {
        if let Message::Goodbye(goodbye) = message {
            return Next::End(end_of(&goodbye));
        }
        if let Message::Abort(abort) = message {
            return Next::End(by_router(&abort.reason, &abort.details).into());
        }
        if self.passing.is_some() && !self.knows(&message) {
            return Next::Wait(Pending::Pass(message));
        }
        if let Message::Interrupt(interrupt) = &message {
            self.running().remove(&interrupt.request);
            return Next::Go;
        }
        if let Message::Invocation(invocation) = &message
            && let Some(next) = self.goes_on(invocation)
        {
            return next;
        }
        let reaction = self.table().receive(&message);
        match (message, reaction) {
            (Message::Invocation(invocation), Reaction::Serve(handler)) => self.serve(handler, invocation).into(),
            (Message::Invocation(invocation), _) => {
                let error = RequestError::new(NO_SUCH_REGISTRATION, "this callee has no such procedure");
                Some(failure(invocation.request, error, self.serializer)).into()
            }
            (_, Reaction::GiveBack(message)) => Some(message).into(),
            (_, Reaction::Deliver(request, caller, args)) => Next::Wait(Pending::Deliver(request, caller, args)),
            (_, Reaction::Done | Reaction::Serve(_) | Reaction::Unknown) => Next::Go,
        }
    }

    /// Waits until there is room, and is done with what waits then. It may be dropped and called again.
    pub(crate) async fn settle(&self, pending: &mut Option<Pending>) {
        match pending {
            None => return,
            // The reader may wait here for the writer, which never waits for the reader.
            Some(Pending::Answer(_)) => {
                if let Some(outgoing) = self.outgoing.upgrade()
                    && let Ok(room) = outgoing.reserve().await
                    && let Some(Pending::Answer(message)) = pending.take()
                {
                    room.send(message);
                }
            }
            Some(Pending::Pass(_)) => {
                if let Some(passing) = &self.passing
                    && let Some(room) = passing.room().await
                    && let Some(Pending::Pass(message)) = pending.take()
                {
                    room.send(passing.of(message));
                }
            }
            // The connection is not read meanwhile, so its sender is slowed down too.
            Some(Pending::Deliver(request, taker, _) | Pending::Part(request, taker, _)) => {
                let (request, taker) = (*request, taker.clone());
                match (timeout(PROGRESS_PATIENCE, taker.reserve()).await, pending.take()) {
                    (Ok(Ok(room)), Some(Pending::Deliver(_, _, args) | Pending::Part(_, _, args))) => room.send(args),
                    (Err(_), Some(Pending::Part(..))) => {
                        let error =
                            RequestError::new(UNAVAILABLE, "the callee does not take the parts of the call in time");
                        interrupt(self.running().remove(&request), error);
                    }
                    (Err(_), _) => {
                        tracing::warn!(%request, "intermediate results are left out, their caller is too slow");
                        self.table().drop_progress(request);
                    }
                    // A caller that has gone has cancelled the call, and a handler that takes no more may still answer.
                    (Ok(_), _) => {}
                }
            }
        }
        *pending = None;
    }

    /// Whether a message is about something that this session itself has open.
    fn knows(&self, message: &Message) -> bool {
        if let Message::Interrupt(interrupt) = message {
            return self.running().contains_key(&interrupt.request);
        }
        self.table().knows(message)
    }

    /// A request could not be sent: whoever made it is told.
    pub(crate) fn fail(&self, kind: RequestKind, request: RequestId, error: RequestError) {
        match &self.passing {
            Some(passing) if !self.table().has_asked(kind, request) => {
                passing.soon(error_message(kind, request, error, self.serializer));
            }
            Some(_) | None => self.table().fail(kind, request, error),
        }
    }

    /// What to do about more of an invocation that has begun, or has been answered already; nothing if it begins with this:
    /// numbers of invocations count up.
    fn goes_on(&self, invocation: &message::Invocation) -> Option<Next> {
        let (request, details) = (invocation.request, &invocation.details);
        if self.last.fetch_max(request.get(), Ordering::Relaxed) < request.get() {
            return None;
        }
        let mut all = self.running();
        let Some(running) = all.get_mut(&request) else {
            return Some(Next::Go);
        };
        if details.credit > 0 {
            // Its caller takes more intermediate results.
            if let Some(credit) = &running.credit {
                credit.grant(details.credit);
            }
            return Some(Next::Go);
        }
        let parts = if details.progress {
            running.parts.clone()
        } else {
            running.parts.take()
        };
        let part = match (parts, Args::decode(&invocation.payload)) {
            (Some(parts), Ok(args)) => parts.try_send(args).map_err(|error| (error, parts)),
            (None, _) => Ok(()),
            (Some(_), Err(error)) => {
                let running = all.remove(&request);
                drop(all);
                interrupt(running, RequestError::new(INVALID_ARGUMENT, error.to_string()));
                return Some(Next::Go);
            }
        };
        Some(match part {
            Err((TrySendError::Full(args), parts)) => Next::Wait(Pending::Part(request, parts, args)),
            // A handler that takes no more may still answer.
            Ok(()) | Err((TrySendError::Closed(_), _)) => Next::Go,
        })
    }

    fn running(&self) -> MutexGuard<'_, HashMap<RequestId, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn interrupt_all(&self) {
        self.running().clear();
    }

    /// Lets a task of its own serve the call; gives the answer where there can be none other.
    fn serve(&self, handler: Arc<dyn Handler>, invocation: message::Invocation) -> Option<Message> {
        let request = invocation.request;
        let Ok(place) = Arc::clone(&self.room).try_acquire_owned() else {
            let error = RequestError::new(UNAVAILABLE, "the callee serves as many calls as it can");
            return Some(failure(request, error, self.serializer));
        };
        let Args { args, kwargs } = match Args::decode(&invocation.payload) {
            Ok(args) => args,
            Err(error) => {
                let error = RequestError::new(INVALID_ARGUMENT, error.to_string());
                return Some(failure(request, error, self.serializer));
            }
        };
        if invocation.details.progress && !handler.takes_parts() {
            let error = RequestError::new(
                FEATURE_NOT_SUPPORTED,
                "this procedure does not take its arguments in parts",
            );
            return Some(failure(request, error, self.serializer));
        }
        let message::InvocationDetails {
            caller,
            procedure,
            receive_progress,
            progress: has_more,
            credit,
            await_credit,
            ..
        } = invocation.details;
        let (parts, receiver) = has_more
            .then(|| PartReceiver::new(request, self.outgoing.clone(), await_credit))
            .unzip();
        let credit = Credit::of(credit);
        let progress = receive_progress.then(|| Progress {
            request,
            serializer: self.serializer,
            outgoing: self.outgoing.clone(),
            credit: credit.clone(),
        });
        let (caller, procedure) = (caller.map(|it| *it), procedure.map(|it| *it));
        let invocation = Invocation {
            args,
            kwargs,
            caller,
            procedure,
            progress,
            parts: receiver,
        };
        let (interrupt, interrupted) = oneshot::channel();
        let running = Running {
            interrupt,
            credit,
            parts,
        };
        self.running().insert(request, running);
        let open = Open {
            served: self.clone(),
            request,
            is_answered: false,
        };
        tokio::spawn(async move {
            open.attend(&*handler, invocation, interrupted).await;
            drop(place);
        });
        None
    }
}

/// Stops an invocation, unless it was answered meanwhile.
fn interrupt(running: Option<Running>, why: RequestError) {
    if let Some(running) = running {
        let _ = running.interrupt.send(why);
    }
}

/// An invocation that a handler serves. If the handler panics, its caller is told all the same.
struct Open {
    served: Served,
    request: RequestId,
    is_answered: bool,
}

impl Open {
    /// Waits for the handler's answer, or for what interrupts it, and sends that.
    async fn attend(
        mut self,
        handler: &dyn Handler,
        invocation: Invocation,
        interrupted: oneshot::Receiver<RequestError>,
    ) {
        let result = tokio::select! {
            result = async { handler.serve(invocation).await } => result,
            why = interrupted => {
                Err(why.unwrap_or_else(|_| RequestError::new(CANCELED, "the call was cancelled")))
            }
        };
        let serializer = self.served.serializer;
        let answer = match result.and_then(|reply| encoded(self.request, &reply.0, serializer)) {
            Ok(answer) => answer,
            Err(error) => failure(self.request, error, serializer),
        };
        self.is_answered = true;
        if let Some(outgoing) = self.served.outgoing.upgrade() {
            let _ = outgoing.send(answer).await;
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.served.running().remove(&self.request);
        if self.is_answered {
            return;
        }
        let error = RequestError::new(CANCELED, "the callee failed while it served the call");
        let answer = failure(self.request, error, self.served.serializer);
        let sent = self.served.outgoing.upgrade().map(|outgoing| outgoing.try_send(answer));
        if matches!(sent, Some(Err(_))) {
            tracing::warn!(request = %self.request, "a handler failed, and its caller could not be told");
        }
    }
}

/// How a GOODBYE ends a session: it is answered, unless it is the answer to one.
fn end_of(goodbye: &Goodbye) -> End {
    if goodbye.reason == GOODBYE_AND_OUT {
        return Closed::Left.into();
    }
    let answer = Goodbye {
        details: Dict::new(),
        reason: GOODBYE_AND_OUT,
    };
    End {
        closed: by_router(&goodbye.reason, &goodbye.details),
        last: Some(Message::Goodbye(answer)),
    }
}

fn by_router(reason: &Uri, details: &Dict) -> Closed {
    let text = details.get("message").and_then(Value::as_str);
    Closed::ByRouter(reason.to_stored(), text.unwrap_or("without a reason").to_owned())
}
