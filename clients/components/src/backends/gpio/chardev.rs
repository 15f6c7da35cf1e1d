//! GPIO by the kernel's character device, version 2 of its interface (`Documentation/userspace-api/gpio/chardev.rst`).
//!
//! Changes of inputs come as edge events. Chips without interrupts have none; their inputs are read every [`READ_EVERY`]
//! instead. A chip that vanishes (a USB adapter) makes its lines fail, and whoever asks for them again finds them when it
//! is back.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use gpiocdev::line::{self, EdgeDetection, EdgeKind, Value};
use gpiocdev::{Chip, Request};
use rustix::fs::OFlags;
use tokio::net::unix::pipe;
use tokio::sync::Mutex;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::find::{Place, find};
use super::{Bias, Direction, Gpio, Line, Wanted};
use crate::backends::{Missing, thread};

/// How often an input is read whose chip has no interrupts. A pressed button is held for a tenth of a second.
pub const READ_EVERY: Duration = Duration::from_millis(50);

/// How often an output is looked at, to learn that its chip is gone.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How long a chip may take to answer. One on a USB adapter takes a few milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// Who holds the line, as `gpioinfo` shows it.
const CONSUMER: &str = "deskconn";

const WHAT: &str = "the GPIO line";

/// Events that are taken at once.
const EVENTS: usize = 16;

/// The chips below `/dev`.
#[derive(Debug, Default)]
pub struct Chardev {
    turn: Arc<Mutex<()>>,
}

impl Gpio for Chardev {
    fn request(&self, wanted: Wanted) -> BoxFuture<'_, Result<Arc<dyn Line>, Missing>> {
        async move {
            let taken = blocking(&self.turn, move || take(&wanted)).await??;
            let line = taken.into_line().map_err(|error| missing(error.to_string(), ""))?;
            Ok(Arc::new(line) as Arc<dyn Line>)
        }
        .boxed()
    }
}

/// A line of an expander on a slow bus takes milliseconds, and on a broken one it never answers. What hangs keeps
/// `turn`, so that it hangs on one thread, however often it is asked.
async fn blocking<T: Send + 'static>(
    turn: &Arc<Mutex<()>>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Missing> {
    let mine = async {
        let turn = Arc::clone(turn).lock_owned().await;
        let work = move || {
            let _turn = turn;
            work()
        };
        thread::blocking(work).await
    };
    let late = |_| {
        missing(
            format!("no answer within {} s", PATIENCE.as_secs()),
            "attach the chip again",
        )
    };
    timeout(PATIENCE, mine).await.map_err(late)
}

/// A line as the kernel gave it.
struct Taken {
    place: Place,
    request: Request,
    direction: Direction,
    has_edges: bool,
}

fn take(wanted: &Wanted) -> Result<Taken, Missing> {
    let place = find(wanted)?;
    let mut builder = Request::builder();
    builder
        .on_chip(&place.path)
        .with_consumer(CONSUMER)
        .with_line(place.offset);
    match wanted.direction {
        Direction::In => builder.as_input(),
        Direction::Out => builder.as_output(level(wanted.initial)),
    };
    if wanted.active_low {
        builder.as_active_low();
    }
    if let Some(bias) = wanted.bias {
        builder.with_bias(match bias {
            Bias::PullUp => line::Bias::PullUp,
            Bias::PullDown => line::Bias::PullDown,
            Bias::Disabled => line::Bias::Disabled,
        });
    }
    if wanted.direction == Direction::Out {
        return Ok(Taken {
            request: builder.request().map_err(|error| refused(&place, &error))?,
            place,
            direction: wanted.direction,
            has_edges: false,
        });
    }
    // A chip without interrupts refuses edges and nothing else.
    let with_edges = builder.with_edge_detection(EdgeDetection::BothEdges).request();
    let has_edges = with_edges.is_ok();
    let request = with_edges.or_else(|_| builder.with_edge_detection(None).request());
    Ok(Taken {
        request: request.map_err(|error| refused(&place, &error))?,
        place,
        direction: wanted.direction,
        has_edges,
    })
}

fn refused(place: &Place, error: &gpiocdev::Error) -> Missing {
    let info = Chip::from_path(&place.path).and_then(|chip| chip.line_info(place.offset));
    let holder = info.ok().filter(|info| info.used).map(|info| info.consumer);
    let reason = format!("line {} of {}: {error}", place.offset, place.label);
    match holder {
        Some(holder) => missing(
            format!("{reason}; \"{holder}\" holds it"),
            "end the program that holds it",
        ),
        None => missing(reason, "see what gpioinfo says of the line"),
    }
}

pub(super) fn missing(reason: String, mend: &str) -> Missing {
    Missing {
        what: WHAT,
        reason,
        mend: mend.into(),
    }
}

const fn level(value: bool) -> Value {
    if value { Value::Active } else { Value::Inactive }
}

impl Taken {
    fn into_line(self) -> io::Result<Held> {
        let events = match (self.direction, self.has_edges) {
            (Direction::In, true) => Changes::Edges(Edges::of(&self.request)?),
            (Direction::In, false) => Changes::Read { last: None },
            (Direction::Out, _) => Changes::None,
        };
        Ok(Held {
            place: self.place,
            request: Arc::new(self.request),
            turn: Arc::default(),
            changes: Mutex::new(events),
        })
    }
}

/// A line that this process holds.
#[derive(Debug)]
struct Held {
    place: Place,
    request: Arc<Request>,
    turn: Arc<Mutex<()>>,
    changes: Mutex<Changes>,
}

/// How changes are learned.
#[derive(Debug)]
enum Changes {
    Edges(Edges),
    Read { last: Option<bool> },
    None,
}

impl Held {
    fn lost(&self, error: &dyn std::error::Error) -> Missing {
        let reason = format!("line {} of {}: {error}", self.place.offset, self.place.label);
        missing(reason, "attach the chip again")
    }

    async fn read(&self) -> Result<bool, Missing> {
        let (request, offset) = (Arc::clone(&self.request), self.place.offset);
        let value = blocking(&self.turn, move || request.value(offset)).await?;
        value
            .map(|value| value == Value::Active)
            .map_err(|error| self.lost(&error))
    }
}

impl Held {
    /// Reads until the line is not what it was last.
    async fn read_until_other(&self, last: &mut Option<bool>) -> Result<bool, Missing> {
        let mut pace = paced(READ_EVERY);
        loop {
            pace.tick().await;
            let now = self.read().await?;
            if last.replace(now).is_some_and(|before| before != now) {
                return Ok(now);
            }
        }
    }

    async fn read_until_lost(&self) -> Result<bool, Missing> {
        let mut pace = paced(LOOK_EVERY);
        loop {
            pace.tick().await;
            self.read().await?;
        }
    }
}

impl Line for Held {
    fn chip(&self) -> &str {
        &self.place.label
    }

    fn offset(&self) -> u32 {
        self.place.offset
    }

    fn value(&self) -> BoxFuture<'_, Result<bool, Missing>> {
        self.read().boxed()
    }

    fn set(&self, value: bool) -> BoxFuture<'_, Result<(), Missing>> {
        async move {
            let (request, offset) = (Arc::clone(&self.request), self.place.offset);
            let set = blocking(&self.turn, move || request.set_value(offset, level(value))).await?;
            set.map_err(|error| self.lost(&error))
        }
        .boxed()
    }

    fn changed(&self) -> BoxFuture<'_, Result<bool, Missing>> {
        async move {
            match &mut *self.changes.lock().await {
                Changes::Edges(edges) => edges.next(&self.request).await.map_err(|error| self.lost(&error)),
                Changes::Read { last } => self.read_until_other(last).await,
                Changes::None => self.read_until_lost().await,
            }
        }
        .boxed()
    }
}

fn paced(period: Duration) -> tokio::time::Interval {
    let mut pace = interval(period);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pace
}

/// The edge events of a line. Its descriptor is read as if it were a pipe, which needs the same calls; tokio has no safe
/// type of its own for it.
#[derive(Debug)]
struct Edges {
    events: pipe::Receiver,
    /// Bytes of whole events that were read and not yet given, behind `given`.
    buffer: Vec<u8>,
    given: usize,
}

impl Edges {
    fn of(request: &Request) -> io::Result<Self> {
        let events = std::os::fd::AsFd::as_fd(request).try_clone_to_owned()?;
        let flags = rustix::fs::fcntl_getfl(&events)?;
        rustix::fs::fcntl_setfl(&events, flags | OFlags::NONBLOCK)?;
        Ok(Self {
            events: pipe::Receiver::from_file_unchecked(File::from(events))?,
            buffer: Vec::new(),
            given: 0,
        })
    }

    async fn next(&mut self, request: &Request) -> io::Result<bool> {
        let size = request.edge_event_size();
        while self.given + size > self.buffer.len() {
            self.events.readable().await?;
            let mut buffer = vec![0; size * EVENTS];
            match self.events.try_read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
                // A pipe would be at its end; the kernel says it of a chip that is gone.
                Ok(0) => return Err(io::Error::from(io::ErrorKind::NotFound)),
                Ok(count) => {
                    buffer.truncate(count);
                    (self.buffer, self.given) = (buffer, 0);
                }
            }
        }
        let event = self.buffer.get(self.given..self.given + size).unwrap_or_default();
        let words: Vec<u64> = event
            .as_chunks()
            .0
            .iter()
            .map(|word| u64::from_ne_bytes(*word))
            .collect();
        self.given += size;
        let event = request.edge_event_from_slice(&words).map_err(io::Error::other)?;
        Ok(event.kind == EdgeKind::Rising)
    }
}
