//! A connection to a sound server that speaks PulseAudio's native protocol: questions with their answers, and a
//! wake-up for each event.
//!
//! Questions may be asked side by side; each waits for its own answer and no longer than [`ANSWER_WITHIN`]. It knows
//! no sound.

use std::collections::HashMap;
use std::ffi::CString;
use std::io::Cursor;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pulseaudio::protocol::{
    self, AuthParams, AuthReply, Command, CommandReply, Prop, Props, ProtocolError, PulseError, SetClientNameReply,
    SubscriptionMask, TagStructReader,
};
use rustix::net::sockopt;
use tokio::io::AsyncReadExt as _;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// The longest that an answer, or connecting, may take; a healthy server answers in milliseconds.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// The longest message: what a server says of an output with all its properties has a few kilobytes.
pub(super) const MAX_MESSAGE_BYTES: u32 = 1 << 20;

/// Messages about what is asked travel on no stream's channel.
const CONTROL: u32 = u32::MAX;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The server cannot be reached.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// What it says cannot be understood.
    #[error("what the sound server says cannot be understood: {0}")]
    Protocol(#[from] ProtocolError),
    /// It said no.
    #[error("the sound server says: {0}")]
    Server(PulseError),
    /// It went away meanwhile.
    #[error("the sound server went away")]
    Closed,
    /// It did not answer.
    #[error("no answer within {} s", ANSWER_WITHIN.as_secs())]
    TimedOut,
}

/// The rest of an answer behind its head, or the server's no.
type Answer = Result<Cursor<Vec<u8>>, PulseError>;

/// A connection. Its task ends with it.
#[derive(Debug)]
pub(super) struct Client {
    version: u16,
    writer: OwnedWriteHalf,
    next: AtomicU32,
    shared: Arc<Shared>,
    _reading: JoinSet<()>,
}

/// What the connection and its task share.
#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// Something happened, or the connection is gone.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    answers: HashMap<u32, oneshot::Sender<Answer>>,
    is_closed: bool,
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        let mut waiting = self.waiting();
        waiting.is_closed = true;
        waiting.answers.clear();
        self.changed.notify_one();
    }
}

impl Client {
    /// Connects, proves who this is, and asks to be told of changes of outputs and of the server.
    pub(super) async fn connect(path: &Path, cookie: Vec<u8>) -> Result<Self, Error> {
        timeout(ANSWER_WITHIN, Self::join(path, cookie))
            .await
            .unwrap_or(Err(Error::TimedOut))
    }

    async fn join(path: &Path, cookie: Vec<u8>) -> Result<Self, Error> {
        let stream = UnixStream::connect(path).await?;
        // The server knows its user by the credentials that come with the first message (unix(7), SCM_CREDENTIALS). The
        // kernel adds them when one end wants them; between its accept and its asking for them the server does not.
        sockopt::set_socket_passcred(&stream, true).map_err(std::io::Error::from)?;
        let (reader, writer) = stream.into_split();
        let shared = Arc::new(Shared::default());
        let mut reading = JoinSet::new();
        let told = Arc::clone(&shared);
        reading.spawn(async move {
            // Whatever ended it, those who wait are told that it ended.
            let _ = read(reader, &told).await;
            told.close();
        });
        let mut client = Self {
            version: protocol::MAX_VERSION,
            writer,
            next: AtomicU32::new(0),
            shared,
            _reading: reading,
        };
        let auth = AuthParams {
            version: protocol::MAX_VERSION,
            supports_shm: false,
            supports_memfd: false,
            cookie,
        };
        let agreed: AuthReply = client.ask(&Command::Auth(auth)).await?;
        if agreed.version < protocol::MIN_VERSION {
            return Err(ProtocolError::UnsupportedVersion(agreed.version).into());
        }
        client.version = agreed.version.min(protocol::MAX_VERSION);
        let mut properties = Props::new();
        properties.set(Prop::ApplicationName, CString::from(c"deskconn"));
        let _: SetClientNameReply = client.ask(&Command::SetClientName(properties)).await?;
        let events = SubscriptionMask::SINK | SubscriptionMask::SERVER;
        client.tell(&Command::Subscribe(events)).await?;
        Ok(client)
    }

    /// Asks something and gives what the server answers.
    pub(super) async fn ask<R: CommandReply>(&self, question: &Command) -> Result<R, Error> {
        let mut rest = self.exchange(question).await?;
        let mut reader = TagStructReader::new(&mut rest, self.version);
        Ok(R::read(&mut reader, self.version)?)
    }

    /// Asks for something to be done, and waits until the server has.
    pub(super) async fn tell(&self, command: &Command) -> Result<(), Error> {
        self.exchange(command).await.map(drop)
    }

    /// Whether the server is gone.
    pub(super) fn is_closed(&self) -> bool {
        self.shared.waiting().is_closed
    }

    /// Waits until something has happened since the last time, be it the end of the connection.
    pub(super) async fn changed(&self) {
        self.shared.changed.notified().await;
    }

    async fn exchange(&self, question: &Command) -> Result<Cursor<Vec<u8>>, Error> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        {
            let mut waiting = self.shared.waiting();
            if waiting.is_closed {
                return Err(Error::Closed);
            }
            waiting.answers.insert(number, answer);
        }
        let asking = async {
            self.send(number, question).await?;
            answered.await.map_err(|_| Error::Closed)?.map_err(Error::Server)
        };
        let answer = timeout(ANSWER_WITHIN, asking).await.unwrap_or(Err(Error::TimedOut));
        self.shared.waiting().answers.remove(&number);
        answer
    }

    async fn send(&self, number: u32, question: &Command) -> Result<(), Error> {
        let mut message = Vec::new();
        protocol::write_command_message(&mut message, number, question, self.version)?;
        loop {
            self.writer.writable().await?;
            // As a whole or not at all, so that a call that is cancelled leaves no half of it behind. A socket takes
            // hundreds of such messages that nobody reads.
            match self.writer.try_write(&message) {
                Ok(length) if length == message.len() => return Ok(()),
                Ok(_) => {
                    self.shared.close();
                    return Err(Error::Closed);
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Reads until the connection ends or makes no sense.
async fn read(mut reader: OwnedReadHalf, shared: &Shared) -> Result<(), Error> {
    let mut head = [0; protocol::DESCRIPTOR_SIZE];
    loop {
        reader.read_exact(&mut head).await?;
        let descriptor = protocol::read_descriptor(&mut head.as_slice())?;
        if descriptor.channel != CONTROL || descriptor.length > MAX_MESSAGE_BYTES {
            return Err(ProtocolError::Invalid("a message that nobody asked for".into()).into());
        }
        let mut body = vec![0; descriptor.length as usize];
        reader.read_exact(&mut body).await?;
        let mut body = Cursor::new(body);
        // The version matters for nothing that is read here: heads and events are the same in all.
        match Command::read_tag_prefixed(&mut body, protocol::MAX_VERSION) {
            Ok((number, Command::Reply)) => pass_on(shared, number, Ok(body)),
            Ok((number, Command::Error(error))) => pass_on(shared, number, Err(error)),
            Ok((_, Command::SubscribeEvent(_))) => shared.changed.notify_one(),
            // Servers add commands; none of them is for a client that plays nothing.
            Ok(_) | Err(ProtocolError::Unimplemented(..)) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn pass_on(shared: &Shared, number: u32, answer: Answer) {
    if let Some(waiting) = shared.waiting().answers.remove(&number) {
        // Who no longer waits is not told.
        let _ = waiting.send(answer);
    }
}
