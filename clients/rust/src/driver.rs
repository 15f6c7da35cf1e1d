//! The task of a session: reads what the router sends, writes what the session has to say.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use link::{BounceReason, Link, ReadError, Reader, Writer};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::time::timeout;
use wamp::codec::Serializer;
use wamp::error::{CANCELED, CLOSE_NORMAL, GOODBYE_AND_OUT, NO_SUCH_REGISTRATION, PAYLOAD_SIZE_EXCEEDED, UNAVAILABLE};
use wamp::id::RequestId;
use wamp::message::{self, Goodbye, Message, RequestKind, Yield, YieldOptions};
use wamp::outgoing::Outgoing;
use wamp::payload::Payload;
use wamp::uri::Uri;
use wamp::value::{Dict, Value};

use crate::args::Args;
use crate::error::{Closed, RequestError};
use crate::invocation::{Handler, Invocation, Progress};
use crate::table::{Reaction, Table};

/// Invocations that are served at a time; further ones are refused, so that a flood of calls costs no memory.
pub const MAX_INVOCATIONS: usize = 128;
/// How long a caller that has fallen behind with its intermediate results is waited for, and everything else of the
/// session with it. One that polls its call needs no time at all; one that does not gets its last result alone.
const PROGRESS_PATIENCE: Duration = Duration::from_secs(2);
/// Messages that are written at once.
const BATCH: usize = 64;

pub(crate) struct Driver {
    pub(crate) link: Link,
    pub(crate) serializer: Serializer,
    pub(crate) messages: mpsc::Receiver<Message>,
    pub(crate) outgoing: mpsc::WeakSender<Message>,
    pub(crate) table: Arc<Mutex<Table>>,
    pub(crate) end: watch::Sender<Option<Closed>>,
}

/// Serves the session until it ends.
pub(crate) async fn run(driver: Driver) {
    let Driver {
        link: Link { reader, mut writer },
        serializer,
        messages,
        outgoing,
        table,
        end,
    } = driver;
    let served = Served {
        serializer,
        outgoing,
        table: Arc::clone(&table),
        room: Arc::new(Semaphore::new(MAX_INVOCATIONS)),
        running: Arc::default(),
    };
    let mut batch = VecDeque::new();
    // In random order: whichever went first each time could use up the task's share of the thread, and the other starve.
    let End { closed, last } = tokio::select! {
        end = read_loop(&served, reader) => end,
        end = write_loop(&table, messages, &mut writer, &mut batch) => end,
    };
    locked(&table).close(&closed);
    served.interrupt_all();
    if let Some(goodbye) = last {
        let _ = writer.send(Message::Goodbye(goodbye)).await;
    }
    let _ = writer.close().await;
    // Whoever waits for the end sees everything ended.
    let _ = end.send(Some(closed));
}

/// How a session ends.
struct End {
    closed: Closed,
    /// What is still to be said to the router.
    last: Option<Goodbye>,
}

impl From<Closed> for End {
    fn from(closed: Closed) -> Self {
        Self { closed, last: None }
    }
}

fn locked(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn read_loop(served: &Served, mut reader: Reader) -> End {
    loop {
        let message = match reader.next().await {
            Ok(Some(message)) => message,
            Ok(None) => return Closed::Lost("the router closed it".to_owned()).into(),
            Err(ReadError::Io(error)) => return Closed::Lost(error.to_string()).into(),
            Err(ReadError::Violation(violation)) => return Closed::Violation(violation.to_string()).into(),
        };
        if let Some(end) = served.receive(message).await {
            return end;
        }
    }
}

async fn write_loop(
    table: &Mutex<Table>,
    mut messages: mpsc::Receiver<Message>,
    writer: &mut Writer,
    batch: &mut VecDeque<Outgoing>,
) -> End {
    let mut taken = Vec::with_capacity(BATCH);
    let mut bounced = Vec::new();
    loop {
        if messages.recv_many(&mut taken, BATCH).await == 0 {
            // Nobody holds the session any more.
            let goodbye = Goodbye {
                details: Dict::new(),
                reason: CLOSE_NORMAL,
            };
            return End {
                closed: Closed::Left,
                last: Some(goodbye),
            };
        }
        batch.extend(taken.drain(..).map(Outgoing::from));
        loop {
            if let Err(error) = writer.send_all(batch, &mut bounced).await {
                return Closed::Lost(error.to_string()).into();
            }
            for (outgoing, reason) in bounced.drain(..) {
                batch.extend(bounce(table, outgoing.into_message(), &reason).map(Outgoing::from));
            }
            if batch.is_empty() {
                break;
            }
        }
    }
}

/// Ends what could not be sent: a request fails here, a result becomes an error for the caller.
fn bounce(table: &Mutex<Table>, message: Message, reason: &BounceReason) -> Option<Message> {
    let sentence = match reason {
        BounceReason::TooLong => "the arguments are longer than the router takes".to_owned(),
        BounceReason::Unconvertible(why) => why.to_string(),
    };
    let error = RequestError::new(PAYLOAD_SIZE_EXCEEDED, sentence);
    if let Some((kind, request)) = request_of(&message) {
        locked(table).fail(kind, request, error);
    } else if let Message::Yield(it) = message {
        return Some(failure(it.request, error, Serializer::MessagePack));
    } else {
        tracing::warn!(message = message.name(), "a message could not be sent");
    }
    None
}

/// Which request a message makes.
const fn request_of(message: &Message) -> Option<(RequestKind, RequestId)> {
    match message {
        Message::Call(it) => Some((RequestKind::Call, it.request)),
        Message::Publish(it) => Some((RequestKind::Publish, it.request)),
        Message::Register(it) => Some((RequestKind::Register, it.request)),
        Message::Subscribe(it) => Some((RequestKind::Subscribe, it.request)),
        Message::Unregister(it) => Some((RequestKind::Unregister, it.request)),
        Message::Unsubscribe(it) => Some((RequestKind::Unsubscribe, it.request)),
        Message::Hello(_)
        | Message::Welcome(_)
        | Message::Abort(_)
        | Message::Challenge(_)
        | Message::Authenticate(_)
        | Message::Goodbye(_)
        | Message::Error(_)
        | Message::Published(_)
        | Message::Subscribed(_)
        | Message::Unsubscribed(_)
        | Message::SubscriptionRevoked(_)
        | Message::Event(_)
        | Message::Cancel(_)
        | Message::Result(_)
        | Message::Registered(_)
        | Message::Unregistered(_)
        | Message::RegistrationRevoked(_)
        | Message::Invocation(_)
        | Message::Interrupt(_)
        | Message::Yield(_)
        | Message::EventReceived(_)
        | Message::Received(_) => None,
    }
}

/// What serving calls needs.
#[derive(Clone)]
struct Served {
    serializer: Serializer,
    outgoing: mpsc::WeakSender<Message>,
    table: Arc<Mutex<Table>>,
    /// Room for invocations.
    room: Arc<Semaphore>,
    /// Invocations under way; sending, or dropping, stops one.
    running: Arc<Mutex<HashMap<RequestId, oneshot::Sender<()>>>>,
}

impl Served {
    /// Takes one message; says why, if the session is over.
    async fn receive(&self, message: Message) -> Option<End> {
        if let Message::Goodbye(goodbye) = message {
            if goodbye.reason == GOODBYE_AND_OUT {
                return Some(Closed::Left.into());
            }
            let answer = Goodbye {
                details: Dict::new(),
                reason: GOODBYE_AND_OUT,
            };
            return Some(End {
                closed: by_router(&goodbye.reason, &goodbye.details),
                last: Some(answer),
            });
        }
        if let Message::Abort(abort) = message {
            return Some(by_router(&abort.reason, &abort.details).into());
        }
        if let Message::Interrupt(interrupt) = &message {
            self.running().remove(&interrupt.request);
            return None;
        }
        let reaction = locked(&self.table).receive(&message);
        match (message, reaction) {
            (Message::Invocation(invocation), Reaction::Serve(handler)) => self.serve(handler, invocation).await,
            (Message::Invocation(invocation), _) => {
                let error = RequestError::new(NO_SUCH_REGISTRATION, "this callee has no such procedure");
                self.answer(failure(invocation.request, error, self.serializer)).await;
            }
            (_, Reaction::GiveBack(message)) => self.answer(message).await,
            (_, Reaction::Deliver(request, caller, args)) => self.deliver(request, &caller, args).await,
            (_, Reaction::Done | Reaction::Serve(_) | Reaction::Unknown) => {}
        }
        None
    }

    /// Waits until the caller has room. The connection is not read meanwhile, so its sender is slowed down too.
    async fn deliver(&self, request: RequestId, caller: &mpsc::Sender<Args>, args: Args) {
        if timeout(PROGRESS_PATIENCE, caller.send(args)).await.is_err() {
            tracing::debug!(%request, "intermediate results were dropped, their caller is too slow");
            locked(&self.table).drop_progress(request);
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<RequestId, oneshot::Sender<()>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn interrupt_all(&self) {
        self.running().clear();
    }

    /// Lets a task of its own serve the call.
    async fn serve(&self, handler: Arc<dyn Handler>, invocation: message::Invocation) {
        let request = invocation.request;
        let Ok(place) = Arc::clone(&self.room).try_acquire_owned() else {
            let error = RequestError::new(UNAVAILABLE, "the callee serves as many calls as it can");
            return self.answer(failure(request, error, self.serializer)).await;
        };
        let Args { args, kwargs } = match Args::decode(&invocation.payload) {
            Ok(args) => args,
            Err(error) => {
                let error = RequestError::new(wamp::error::INVALID_ARGUMENT, error.to_string());
                return self.answer(failure(request, error, self.serializer)).await;
            }
        };
        let message::InvocationDetails {
            caller,
            procedure,
            receive_progress,
            ..
        } = invocation.details;
        let progress = receive_progress.then(|| Progress {
            request,
            serializer: self.serializer,
            outgoing: self.outgoing.clone(),
        });
        let (caller, procedure) = (caller.map(|it| *it), procedure.map(|it| *it));
        let invocation = Invocation {
            args,
            kwargs,
            caller,
            procedure,
            progress,
        };
        let (interrupt, interrupted) = oneshot::channel::<()>();
        self.running().insert(request, interrupt);
        let mut open = Open {
            served: self.clone(),
            request,
            is_answered: false,
        };
        tokio::spawn(async move {
            let result = tokio::select! {
                result = async { handler.serve(invocation).await } => result,
                _ = interrupted => Err(RequestError::new(CANCELED, "the call was cancelled")),
            };
            let serializer = open.served.serializer;
            let answer = match result.and_then(|reply| encoded(request, &reply.0, serializer)) {
                Ok(answer) => answer,
                Err(error) => failure(request, error, serializer),
            };
            open.is_answered = true;
            open.served.answer(answer).await;
            drop(place);
        });
    }

    /// Answers the router. The reader may wait here for the writer, which never waits for the reader.
    async fn answer(&self, message: Message) {
        if let Some(outgoing) = self.outgoing.upgrade() {
            let _ = outgoing.send(message).await;
        }
    }
}

/// An invocation that a handler serves. If the handler panics, its caller is told all the same.
struct Open {
    served: Served,
    request: RequestId,
    is_answered: bool,
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

fn by_router(reason: &Uri, details: &Dict) -> Closed {
    let text = details.get("message").and_then(Value::as_str);
    Closed::ByRouter(reason.to_stored(), text.unwrap_or("without a reason").to_owned())
}

fn encoded(request: RequestId, result: &Args, serializer: Serializer) -> Result<Message, RequestError> {
    let payload = result.encode(serializer);
    let payload = payload.map_err(|error| RequestError::new(wamp::error::INVALID_ARGUMENT, error.to_string()))?;
    Ok(Message::Yield(Yield {
        request,
        options: YieldOptions::default(),
        payload,
    }))
}

fn failure(request: RequestId, error: RequestError, serializer: Serializer) -> Message {
    let payload = Payload::from_values(serializer, &error.args, &error.kwargs);
    let payload = payload.unwrap_or_else(|why| Payload::sentence(&why.to_string()));
    Message::Error(message::RequestError {
        details: message::ErrorDetails::default(),
        kind: RequestKind::Invocation,
        request,
        error: error.uri,
        payload,
    })
}
