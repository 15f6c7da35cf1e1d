//! The files of a queue: one for each publication, a PUBLISH as it will be sent, and one that says what is known of the whole.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use wamp::codec::{self, Serializer};
use wamp::id::{MAX_ID, RequestId};
use wamp::limits::Bounds;
use wamp::message::{Match, Message, Publish, PublishOptions, PublishSpecial, Queued};
use wamp::payload::Payload;
use wamp::uri::{Uri, UriRules};

use crate::random::draw_name;

/// What is known of the whole queue: its name, and the highest number that was given.
const WHOLE: &str = "queue";
/// What says that a program has the queue open.
const LOCK: &str = "lock";
/// What the names of publications end with; before it stands the number, in as many digits as the highest has.
const ENDING: &str = ".publish";
const DIGITS: usize = 16;

/// What was written here was taken once; the bounds of messages are the router's.
const UNBOUNDED: Bounds = Bounds {
    message_bytes: usize::MAX,
    depth: 256,
    values: usize::MAX,
};

/// A queue cannot be used, or not for this.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// Another program has it open.
    #[error("another program has the queue in {} open", .0.display())]
    Taken(PathBuf),
    /// As many wait as may, or as many bytes.
    #[error("{0} publications of {1} bytes wait already; the router must take some before there is room for more")]
    Full(usize, u64),
    /// The topic is none.
    #[error("nothing can be published to \"{0}\": {1}")]
    Topic(String, &'static str),
    /// The arguments cannot be sent.
    #[error("the arguments cannot be sent: {0}")]
    Arguments(#[from] wamp::error::Unconvertible),
    /// A file says what no queue says: the disk lost a part of it, or somebody else wrote it.
    #[error("{} is none of a queue: {}; the others can be used when it is taken away", .0.display(), .1)]
    Foreign(PathBuf, String),
    /// The disk.
    #[error("the queue's file {} cannot be used: {}", .0.display(), .1)]
    Io(PathBuf, #[source] io::Error),
}

#[derive(Debug)]
pub(super) struct Files {
    folder: PathBuf,
    /// Held as long as the queue is open.
    _lock: File,
    name: Box<str>,
    last: u64,
    /// The highest number that is written in the file of the whole.
    noted: u64,
    /// The publications that wait, with the bytes of each.
    waiting: BTreeMap<u64, u64>,
    bytes: u64,
    most: usize,
    most_bytes: u64,
}

impl Files {
    pub(super) fn open(folder: &Path, most: usize, most_bytes: u64) -> Result<Self, QueueError> {
        let failed = |error| QueueError::Io(folder.to_owned(), error);
        make_folder(folder).map_err(failed)?;
        let lock = File::create(folder.join(LOCK)).map_err(failed)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => QueueError::Taken(folder.to_owned()),
            TryLockError::Error(error) => failed(error),
        })?;
        let (name, noted) = match fs::read_to_string(folder.join(WHOLE)) {
            Ok(text) => read_whole(&text)
                .ok_or_else(|| QueueError::Foreign(folder.join(WHOLE), "it has no name and no number".to_owned()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => (draw_name().into(), 0),
            Err(error) => return Err(failed(error)),
        };
        let mut files = Self {
            folder: folder.to_owned(),
            _lock: lock,
            name,
            last: noted,
            noted,
            waiting: BTreeMap::new(),
            bytes: 0,
            most,
            most_bytes,
        };
        files.find()?;
        files.note(noted)?;
        Ok(files)
    }

    /// Finds what waits. What was not written to its end has no name of a publication yet, and is removed.
    fn find(&mut self) -> Result<(), QueueError> {
        let failed = |error| QueueError::Io(self.folder.clone(), error);
        for entry in fs::read_dir(&self.folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.ends_with(".part") {
                fs::remove_file(entry.path()).map_err(failed)?;
                continue;
            }
            let Some(number) = name.strip_suffix(ENDING).and_then(|digits| digits.parse().ok()) else {
                continue;
            };
            let bytes = entry.metadata().map_err(failed)?.len();
            self.waiting.insert(number, bytes);
            self.bytes += bytes;
            self.last = self.last.max(number);
        }
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    fn place(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:0DIGITS$}{ENDING}"))
    }

    pub(super) fn push(&mut self, topic: &str, payload: Payload, options: PublishOptions) -> Result<(), QueueError> {
        let topic = Uri::from(topic);
        if let Err(why) = UriRules::Loose.check(&topic, Match::Exact) {
            return Err(QueueError::Topic(topic.to_string(), why));
        }
        let number = self.last + 1;
        let special = PublishSpecial {
            queued: Some(Queued {
                name: self.name.clone(),
                number,
            }),
            ..options.special.map(|special| *special).unwrap_or_default()
        };
        let options = PublishOptions {
            acknowledge: true,
            special: Some(Box::new(special)),
            ..options
        };
        let publish = Message::Publish(Publish {
            request: RequestId::FIRST,
            options,
            topic,
            payload,
        });
        let mut frame = bytes::BytesMut::new();
        codec::encode(Serializer::MessagePack, &publish, &mut frame)?;
        let bytes = frame.len() as u64;
        if self.waiting.len() >= self.most || self.bytes + bytes > self.most_bytes || number > MAX_ID {
            return Err(QueueError::Full(self.waiting.len(), self.bytes));
        }
        let place = self.place(number);
        self.write(&place, &frame)?;
        self.last = number;
        self.waiting.insert(number, bytes);
        self.bytes += bytes;
        Ok(())
    }

    /// The number of the first that waits.
    pub(super) fn first(&self) -> Option<u64> {
        self.waiting.keys().next().copied()
    }

    /// A publication that waits.
    pub(super) fn read(&self, number: u64) -> Result<Publish, QueueError> {
        let place = self.place(number);
        let content = fs::read(&place).map_err(|error| QueueError::Io(place.clone(), error))?;
        match codec::decode(Serializer::MessagePack, &content.into(), &UNBOUNDED) {
            Ok(message) => into_publish(message, &place),
            Err(violation) => Err(QueueError::Foreign(place, violation.sentence)),
        }
    }

    /// Takes one away that the router has, or does not want.
    pub(super) fn remove(&mut self, number: u64) -> Result<(), QueueError> {
        // The number is given once, also when none of those that were given waits any more.
        if number == self.last {
            self.note(number)?;
        }
        let place = self.place(number);
        fs::remove_file(&place).map_err(|error| QueueError::Io(place, error))?;
        self.bytes -= self.waiting.remove(&number).unwrap_or_default();
        Ok(())
    }

    /// Writes down how far numbers were given.
    fn note(&mut self, last: u64) -> Result<(), QueueError> {
        if self.noted == last && self.folder.join(WHOLE).exists() {
            return Ok(());
        }
        let text = format!("name {}\nlast {last}\n", self.name);
        self.write(&self.folder.join(WHOLE), text.as_bytes())?;
        self.noted = last;
        Ok(())
    }

    /// Writes a file whole or not at all, and waits until it is on disk.
    fn write(&self, place: &Path, content: &[u8]) -> Result<(), QueueError> {
        let part = place.with_extension("part");
        let write = || {
            let mut file = File::create(&part)?;
            file.write_all(content)?;
            file.sync_all()?;
            fs::rename(&part, place)?;
            sync_folder(&self.folder)
        };
        write().map_err(|error| {
            // On a disk that is full, half a file would take the room that the rest needs.
            let _ = fs::remove_file(&part);
            QueueError::Io(place.to_owned(), error)
        })
    }
}

fn into_publish(message: Message, place: &Path) -> Result<Publish, QueueError> {
    if let Message::Publish(publish) = message {
        Ok(publish)
    } else {
        Err(QueueError::Foreign(place.to_owned(), "it holds no PUBLISH".to_owned()))
    }
}

fn read_whole(text: &str) -> Option<(Box<str>, u64)> {
    let mut lines = text.lines();
    let name = lines.next()?.strip_prefix("name ")?;
    let last = lines.next()?.strip_prefix("last ")?;
    Some((name.into(), last.parse().ok()?))
}

/// What waits is for nobody else to read.
#[cfg(unix)]
fn make_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// A new name is on disk when its folder is.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Elsewhere folders cannot be opened; names are on disk with their files.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
