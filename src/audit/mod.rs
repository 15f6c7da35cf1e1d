//! The audit log: who was paired, who came in, who was kept out, what was denied, what actions did.
//!
//! | file | what it does |
//! |---|---|
//! | `entry` | what an entry says |
//! | `ledger` | what is written and what is merely counted: pure |
//! | `log` | the files: appending, rotating, reading back |
//!
//! [`Audit::note`] never waits: it is called while messages are routed. What the disk does not take is lost, counted,
//! and the loss is an entry itself.

mod entry;
mod ledger;
mod log;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::Instant;

pub use entry::{Entry, Kind, MAX_TEXT, Record};
pub use ledger::{
    FILES, LONGEST_SPAN, Ledger, MAX_FILE, MAX_SUBJECTS, OF_ACTIONS, OF_STRANGERS, Ration, file_name, is_full,
};
pub use log::MAX_ANSWER;

use crate::store::StateDir;
use log::Log;

/// Entries that wait for the disk: what [`OF_STRANGERS`] lets through in a minute, several times over.
const QUEUE: usize = 1_024;

/// Entries that wait for a follower; one that is slower misses some, and can read them back.
const FOLLOWING: usize = 256;

/// Entries that are written at once.
const BATCH: usize = 64;

/// Entries that one reading gives at most.
pub const MAX_RECENT: usize = 1_000;

/// The log, for everybody who has something to note. A clone is the same log.
#[derive(Clone, Debug)]
pub struct Audit {
    shared: Arc<Shared>,
    orders: mpsc::Sender<Order>,
}

#[derive(Debug)]
struct Shared {
    ledger: Mutex<Ledger>,
    /// The zero of the ledger's clock.
    started: Instant,
    /// Entries that found the queue full.
    lost: AtomicU64,
    /// Entries that were lost since the daemon started, for whatever reason.
    all_lost: AtomicU64,
    followers: broadcast::Sender<Record>,
}

/// What the writer is to do.
#[derive(Debug)]
enum Order {
    Write(Record),
    /// Something was left out for the first time: there will be something to tell when its span is over.
    Watch,
    Read(usize, Option<String>, oneshot::Sender<Result<Vec<Record>, String>>),
    Close(oneshot::Sender<()>),
}

impl Audit {
    /// Starts the log in a directory of the store; `Err` says why there is none, and then nothing is written.
    ///
    /// Must be called inside a tokio runtime.
    pub(crate) fn start(place: Result<StateDir, String>) -> Self {
        let (orders, taken) = mpsc::channel(QUEUE);
        let shared = Arc::new(Shared {
            ledger: Mutex::default(),
            started: Instant::now(),
            lost: AtomicU64::new(0),
            all_lost: AtomicU64::new(0),
            followers: broadcast::channel(FOLLOWING).0,
        });
        let writer = Writer {
            shared: Arc::clone(&shared),
            log: place.map(|place| Arc::new(Mutex::new(Log::new(place)))),
            unwritten: 0,
        };
        tokio::spawn(writer.run(taken));
        Self { shared, orders }
    }

    /// Notes an entry. Never waits; entries that come too often from one subject are counted instead.
    pub fn note(&self, entry: Entry) {
        let order = {
            let mut ledger = self.shared.ledger();
            let was_watching = ledger.deadline().is_some();
            match ledger.admit(entry, self.shared.now(), OffsetDateTime::now_utc()) {
                Some(record) => Order::Write(record),
                None if was_watching => return,
                None => Order::Watch,
            }
        };
        let is_entry = matches!(order, Order::Write(_));
        if self.orders.try_send(order).is_err() && is_entry {
            self.shared.lost.fetch_add(1, Ordering::Relaxed);
            self.shared.all_lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The newest entries, the oldest of them first; of one device (by id or name) or address only, if it is named. No more
    /// than [`MAX_RECENT`] entries and [`MAX_ANSWER`] bytes.
    ///
    /// # Errors
    /// A sentence: nothing is stored here, or a file cannot be read.
    pub async fn recent(&self, limit: usize, device: Option<String>) -> Result<Vec<Record>, String> {
        let (reply, answer) = oneshot::channel();
        let order = Order::Read(limit.min(MAX_RECENT), device, reply);
        let closed = || "the audit log is closed, because the daemon stops".to_owned();
        self.orders.send(order).await.map_err(|_| closed())?;
        answer.await.unwrap_or_else(|_| Err(closed()))
    }

    /// The entries from now on, as they are written.
    #[must_use]
    pub fn follow(&self) -> broadcast::Receiver<Record> {
        self.shared.followers.subscribe()
    }

    /// How often each kind of thing happened since the daemon started.
    #[must_use]
    pub fn happened(&self) -> Vec<(Kind, u64)> {
        let ledger = self.shared.ledger();
        let counted = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Lost);
        let mut counts: Vec<_> = counted.map(|kind| (kind, ledger.happened(kind))).collect();
        counts.push((Kind::Lost, self.shared.all_lost.load(Ordering::Relaxed)));
        counts
    }

    /// Writes what is left, and ends.
    pub async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        if self.orders.send(Order::Close(reply)).await.is_ok() {
            let _ = closed.await;
        }
    }
}

impl Shared {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Entries for what was left out in the spans that are over `ahead` from now.
    fn left_out(&self, ahead: Duration) -> Vec<Record> {
        let now = self.now() + ahead;
        let mut ledger = self.ledger();
        let entries = ledger.expire(now);
        let time = OffsetDateTime::now_utc();
        entries.into_iter().map(|entry| ledger.record(entry, time)).collect()
    }
}

/// The one task that touches the files.
struct Writer {
    shared: Arc<Shared>,
    log: Result<Arc<Mutex<Log>>, String>,
    /// Entries that the disk did not take since it last took one.
    unwritten: u64,
}

impl Writer {
    async fn run(mut self, mut taken: mpsc::Receiver<Order>) {
        let mut orders = Vec::new();
        loop {
            let deadline = self.shared.ledger().deadline();
            let over = async {
                match deadline {
                    Some(deadline) => tokio::time::sleep_until(self.shared.started + deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                count = taken.recv_many(&mut orders, BATCH) => if count == 0 { return },
                () = over => {}
            }
            let mut records = self.shared.left_out(Duration::ZERO);
            let mut closing = None;
            for order in orders.drain(..) {
                match order {
                    Order::Write(record) => records.push(record),
                    Order::Watch => {}
                    Order::Read(limit, device, reply) => {
                        self.write(std::mem::take(&mut records)).await;
                        let _ = reply.send(self.read(limit, device).await);
                    }
                    Order::Close(reply) => closing = Some(reply),
                }
            }
            if closing.is_some() {
                // There will be no end of their spans.
                records.extend(self.shared.left_out(LONGEST_SPAN));
            }
            self.write(records).await;
            if let Some(reply) = closing {
                let _ = reply.send(());
                return;
            }
        }
    }

    async fn write(&mut self, mut records: Vec<Record>) {
        let lost = self.unwritten + self.shared.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let entry = Entry::new(Kind::Lost).detail(format!("entries lost before this one: {lost}"));
            let record = self.shared.ledger().record(entry, OffsetDateTime::now_utc());
            records.insert(0, record);
        }
        if records.is_empty() {
            return;
        }
        if let Ok(log) = &self.log {
            let log = Arc::clone(log);
            let append = move || {
                let result = lock(&log).append(&records);
                (records, result)
            };
            let Ok((written, result)) = tokio::task::spawn_blocking(append).await else {
                return tracing::error!("entries of the audit log are lost by a fault of the daemon");
            };
            records = written;
            self.unwritten = result.map_or_else(
                |(missing, error)| {
                    if lost == 0 {
                        // Once for each time that the disk begins to refuse, not once for each entry.
                        tracing::warn!("entries of the audit log are lost: {error}");
                    }
                    // The entry about a loss is none itself: it is made anew with the next one.
                    let is_retold = lost > 0 && missing == records.len();
                    let own = missing as u64 - u64::from(is_retold);
                    self.shared.all_lost.fetch_add(own, Ordering::Relaxed);
                    own + if is_retold { lost } else { 0 }
                },
                |()| 0,
            );
        }
        for record in records {
            // Nobody may be following.
            let _ = self.shared.followers.send(record);
        }
    }

    async fn read(&self, limit: usize, device: Option<String>) -> Result<Vec<Record>, String> {
        let log = Arc::clone(self.log.as_ref().map_err(Clone::clone)?);
        let read = move || lock(&log).newest(limit, device.as_deref());
        let read = tokio::task::spawn_blocking(read).await;
        read.map_err(|error| error.to_string())?
            .map_err(|error| error.to_string())
    }
}

fn lock(log: &Mutex<Log>) -> MutexGuard<'_, Log> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
