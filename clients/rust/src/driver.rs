//! The task of a session: reads what the router sends, writes what the session has to say. A session that can be resumed
//! has one connection after the other.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use link::{BounceReason, Link, ReadError, Reader, Writer};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use wamp::codec::Serializer;
use wamp::error::{CLOSE_NORMAL, PAYLOAD_SIZE_EXCEEDED, PROTOCOL_VIOLATION, Violation};
use wamp::id::RequestId;
use wamp::message::{Abort, Goodbye, Message, RequestKind};
use wamp::outgoing::Outgoing;
use wamp::value::Dict;

use crate::answers::{failure, too_long};
use crate::books::Books;
use crate::error::{Closed, RequestError};
use crate::parts::stop;
use crate::passing::Passing;
use crate::pulse::Pulse;
use crate::served::{Next, Pending, Served};
use crate::table::Table;

/// Messages that are written at once.
const BATCH: usize = 64;
/// How long the last word to the router may take.
const LAST_WORD: Duration = Duration::from_secs(2);

/// Serves one session.
pub(crate) struct Driver {
    served: Served,
    messages: mpsc::Receiver<Message>,
    /// Where the session can be resumed.
    books: Option<Books>,
    /// What has arrived and waits for room.
    pending: Option<Pending>,
    /// What goes out next.
    batch: VecDeque<Outgoing>,
    end: watch::Sender<Option<Closed>>,
}

impl Driver {
    pub(crate) fn new(
        serializer: Serializer,
        (outgoing, messages): (mpsc::WeakSender<Message>, mpsc::Receiver<Message>),
        (table, passing): (Arc<Mutex<Table>>, Option<Passing>),
        end: watch::Sender<Option<Closed>>,
        is_resumable: bool,
    ) -> Self {
        Self {
            served: Served::new(serializer, outgoing, table, passing),
            messages,
            books: is_resumable.then(Books::default),
            pending: None,
            batch: VecDeque::new(),
            end,
        }
    }

    /// Serves the session until it ends, on its only connection.
    pub(crate) async fn run(mut self, link: Link, keep_alive: Option<Duration>) {
        let closed = self.converse(link, keep_alive).await;
        self.finish(closed);
    }

    /// Serves the session until it ends, or until this connection does: then it says [`Closed::Lost`]. Where nothing is heard
    /// for so long it counts as lost, unless it answers when it is asked.
    pub(crate) async fn converse(&mut self, link: Link, keep_alive: Option<Duration>) -> Closed {
        let Link { reader, mut writer } = link;
        let pulse = keep_alive.map(Pulse::new);
        let Self {
            served,
            messages,
            books,
            pending,
            batch,
            ..
        } = self;
        let books = books.as_ref();
        let writing = Writing {
            served,
            books,
            messages,
            batch,
        };
        // In random order: whichever went first each time could use up the task's share of the thread, and the other starve.
        let End { closed, last } = tokio::select! {
            end = read_loop(served, books, pending, (reader, pulse)) => end,
            end = writing.run(&mut writer) => end,
        };
        if matches!(closed, Closed::Lost(_)) && books.is_some() {
            return closed;
        }
        let farewell = async {
            if let Some(last) = last {
                let _ = writer.send(last).await;
            }
            let _ = writer.close().await;
        };
        // A connection that takes nothing any more is let go of all the same.
        let _ = timeout(LAST_WORD, farewell).await;
        closed
    }

    /// How many messages have arrived here, where that is counted.
    pub(crate) fn received(&self) -> Option<u64> {
        self.books.as_ref().map(Books::received)
    }

    /// The session goes on, on another connection: so many of its messages had arrived at the router.
    ///
    /// # Errors
    /// It cannot be so many.
    pub(crate) fn resume(&mut self, arrived: u64) -> Result<(), Violation> {
        if let Some(books) = &self.books {
            self.batch = books.again(arrived)?;
        }
        Ok(())
    }

    /// The session has ended.
    pub(crate) fn finish(self, closed: Closed) {
        self.served.table().close(&closed);
        self.served.interrupt_all();
        // Whoever waits for the end sees everything ended.
        let _ = self.end.send(Some(closed));
    }
}

/// How a conversation ends.
pub(crate) struct End {
    pub(crate) closed: Closed,
    /// What is still to be said to the router.
    pub(crate) last: Option<Message>,
}

impl From<Closed> for End {
    fn from(closed: Closed) -> Self {
        Self { closed, last: None }
    }
}

/// The router broke the protocol, and is told so.
impl From<Violation> for End {
    fn from(violation: Violation) -> Self {
        let sentence = violation.to_string();
        Self {
            last: Some(Message::Abort(Abort::new(PROTOCOL_VIOLATION, sentence.clone()))),
            closed: Closed::Violation(sentence),
        }
    }
}

async fn read_loop(
    served: &Served,
    books: Option<&Books>,
    pending: &mut Option<Pending>,
    (mut reader, mut pulse): (Reader, Option<Pulse>),
) -> End {
    loop {
        served.settle(pending).await;
        let read = match &mut pulse {
            Some(pulse) => pulse.next(&mut reader).await,
            None => reader.next().await,
        };
        let message = match read {
            Ok(Some(message)) => message,
            Ok(None) => return Closed::Lost("the router closed it".to_owned()).into(),
            Err(ReadError::Io(error)) => return Closed::Lost(error.to_string()).into(),
            Err(ReadError::Violation(violation)) => return violation.into(),
        };
        if let Message::Received(received) = &message {
            let taken = books
                .ok_or_else(|| Violation::new("RECEIVED came in a session that cannot be resumed"))
                .and_then(|books| books.acknowledged(received.count));
            match taken {
                Ok(()) => continue,
                Err(violation) => return violation.into(),
            }
        }
        if let Some(books) = books {
            books.arrived(&message);
        }
        match served.receive(message) {
            Next::Go => {}
            Next::Wait(what) => *pending = Some(what),
            Next::End(end) => return end,
        }
    }
}

/// The half that writes.
struct Writing<'a> {
    served: &'a Served,
    books: Option<&'a Books>,
    messages: &'a mut mpsc::Receiver<Message>,
    batch: &'a mut VecDeque<Outgoing>,
}

impl Writing<'_> {
    async fn run(mut self, writer: &mut Writer) -> End {
        let mut bounced = Vec::new();
        loop {
            while !self.batch.is_empty() {
                if let Err(error) = writer.send_all(self.batch, &mut bounced).await {
                    return Closed::Lost(error.to_string()).into();
                }
                for (outgoing, reason) in bounced.drain(..) {
                    self.bounce(outgoing.into_message(), &reason);
                }
            }
            let is_over = match self.books {
                None => self.take().await,
                Some(books) => self.take_counted(books).await,
            };
            if is_over {
                // Nobody holds the session any more.
                let goodbye = Goodbye {
                    details: Dict::new(),
                    reason: CLOSE_NORMAL,
                };
                return End {
                    closed: Closed::Left,
                    last: Some(Message::Goodbye(goodbye)),
                };
            }
        }
    }

    /// Waits for messages, and takes those that are there; `true` if none can come any more.
    async fn take(&mut self) -> bool {
        let Some(first) = self.messages.recv().await else {
            return true;
        };
        self.batch.push_back(first.into());
        while self.batch.len() < BATCH
            && let Ok(message) = self.messages.try_recv()
        {
            self.batch.push_back(message.into());
        }
        false
    }

    /// The same in a session that can be resumed: only what there is room for, and what has arrived is told in time.
    async fn take_counted(&mut self, books: &Books) -> bool {
        let has_room = books.has_room();
        let first = tokio::select! {
            first = self.messages.recv(), if has_room => match first {
                Some(first) => Some(first),
                None => return true,
            },
            () = books.news() => None,
        };
        let mut next = first;
        while let Some(message) = next {
            books.sent(&message);
            self.batch.push_back(message.into());
            let has_room = self.batch.len() < BATCH && books.has_room();
            next = has_room.then(|| self.messages.try_recv().ok()).flatten();
        }
        self.batch.extend(books.due().map(Outgoing::from));
        false
    }

    /// Ends what could not be sent: a request fails here, a result becomes an error for the caller.
    fn bounce(&mut self, message: Message, reason: &BounceReason) {
        if let Some(books) = self.books {
            books.unsent(&message);
        }
        let error = match reason {
            BounceReason::TooLong => too_long(),
            BounceReason::Unconvertible(why) => RequestError::new(PAYLOAD_SIZE_EXCEEDED, why.to_string()),
        };
        if let Some((kind, request)) = request_of(&message) {
            let table = self.served.table();
            // The router has its first parts, or else passes over what ends it.
            let is_known = kind == RequestKind::Call && table.has_call_in_parts(request);
            drop(table);
            self.served.fail(kind, request, error);
            if is_known {
                self.add(stop(request));
            }
        } else if let Message::Yield(it) = message {
            self.add(failure(it.request, error, Serializer::MessagePack));
        } else {
            tracing::warn!(message_type = message.name(), "a message could not be sent");
        }
    }

    /// Sends this in place of what could not be sent.
    fn add(&mut self, message: Message) {
        if let Some(books) = self.books {
            books.sent(&message);
        }
        self.batch.push_back(message.into());
    }
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
