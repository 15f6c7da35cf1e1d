//! The screen's lock: lock it, ask about it, be told. Never unlock.

use std::sync::{Arc, Mutex, PoisonError};

use client::Value;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};

use crate::backends::{Failure, Locker};
use crate::{Announce, Arguments, Component, Entry, Home, Missing, Procedure, Refusal, Topic};

/// The component's row.
pub const ENTRY: Entry = Entry {
    name: "screen",
    procedures: PROCEDURES,
    topics: &[ON_LOCKED],
    home: Home::Session,
    make: |machine, _| Arc::new(Screen::new(Arc::clone(&machine.locker))),
};

const ROLES: &[&str] = &["remote", "full"];

const LOCK: Procedure = Procedure::new(
    "org.deskconn.screen.lock",
    "() → bool",
    "Lock the screen; true once the desktop reports it as locked",
    ROLES,
);
const IS_LOCKED: Procedure = Procedure::new(
    "org.deskconn.screen.is_locked",
    "() → bool or null",
    "Whether the screen is locked; null when nothing on this machine can tell",
    ROLES,
);

/// Every procedure of the screen.
pub const PROCEDURES: &[Procedure] = &[
    LOCK,
    IS_LOCKED,
    LOCK.also("org.deskconn.deskconn.display.lock"),
    IS_LOCKED.also("org.deskconn.deskconn.display.is_locked"),
    LOCK.also("io.xconn.deskconn.deskconnd.screen.lock"),
    IS_LOCKED.also("io.xconn.deskconn.deskconnd.screen.islocked"),
];

/// Told when the screen is locked or unlocked, by whomever.
pub const ON_LOCKED: Topic = Topic::new(
    "org.deskconn.screen.on_locked",
    "[bool]",
    "The screen was locked or unlocked",
    ROLES,
);

type Locking = Shared<BoxFuture<'static, Result<bool, Failure>>>;

/// The lock of the screen.
#[derive(Debug)]
pub struct Screen {
    locker: Arc<dyn Locker>,
    /// The lock under way: who asks meanwhile gets its answer, so that a caller
    /// in a loop does not pile up lockers.
    locking: Mutex<Option<Locking>>,
}

impl Screen {
    /// The screen that this locks.
    #[must_use]
    pub fn new(locker: Arc<dyn Locker>) -> Self {
        Self {
            locker,
            locking: Mutex::new(None),
        }
    }

    fn lock(&self) -> Locking {
        let mut locking = self.locking.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(under_way) = locking.as_ref().filter(|under_way| under_way.peek().is_none()) {
            return under_way.clone();
        }
        let locker = Arc::clone(&self.locker);
        let started = async move { locker.lock().await }.boxed().shared();
        *locking = Some(started.clone());
        started
    }

    async fn answer(&self, procedure: &'static Procedure, arguments: Arguments) -> Result<Value, Refusal> {
        arguments.end()?;
        if procedure.canonical() == LOCK.uri {
            return Ok(Value::Bool(self.lock().await?));
        }
        Ok(self.locker.is_locked().await.map_or(Value::Null, Value::Bool))
    }
}

impl Component for Screen {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        self.locker.missing()
    }

    fn call(&self, procedure: &'static Procedure, arguments: Arguments) -> BoxFuture<'_, Result<Value, Refusal>> {
        self.answer(procedure, arguments).boxed()
    }

    fn announce<'a>(&'a self, publish: &'a Announce) -> BoxFuture<'a, ()> {
        async move {
            let mut changes = self.locker.changes();
            // What is first known at the start is no change.
            let mut last = *changes.borrow_and_update();
            while changes.changed().await.is_ok() {
                let known = *changes.borrow_and_update();
                // A source that is silent for a while changes nothing.
                let Some(state) = known.filter(|_| known != last) else {
                    continue;
                };
                let is_first = last.is_none() && !state;
                last = known;
                if !is_first {
                    publish(ON_LOCKED.uri, vec![Value::Bool(state)]).await;
                }
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backends::fake::Fake;
    use crate::testing::Published;

    #[tokio::test]
    async fn the_screen_is_locked_and_says_so_under_every_name() {
        for procedures in PROCEDURES.chunks(2) {
            let fake = Arc::new(Fake::default());
            let screen = Screen::new(fake.machine().locker);
            let [lock, is_locked] = procedures else {
                panic!("they come in pairs")
            };
            assert_eq!(
                screen.call(is_locked, Arguments::default()).await,
                Ok(Value::Bool(false)),
                "{}",
                is_locked.uri
            );
            assert_eq!(
                screen.call(lock, Arguments::default()).await,
                Ok(Value::Bool(true)),
                "{}",
                lock.uri
            );
            assert_eq!(
                screen.call(is_locked, Arguments::default()).await,
                Ok(Value::Bool(true))
            );
        }
    }

    #[tokio::test]
    async fn what_nobody_can_tell_is_null() {
        let fake = Arc::new(Fake::default());
        fake.report_lock(None);
        let screen = Screen::new(fake.machine().locker);
        assert_eq!(screen.call(&IS_LOCKED, Arguments::default()).await, Ok(Value::Null));
    }

    #[tokio::test]
    async fn calls_during_a_lock_get_its_answer() {
        let fake = Arc::new(Fake::default());
        let screen = Screen::new(fake.machine().locker);
        let (first, second) = (screen.lock(), screen.lock());
        assert!(first.ptr_eq(&second));
        assert_eq!((first.await, second.await), (Ok(true), Ok(true)));
        let later = screen.lock();
        assert!(later.peek().is_none(), "a later call locks anew");
    }

    #[tokio::test]
    async fn each_change_is_told_once_and_doubt_is_not_told() {
        let fake = Arc::new(Fake::default());
        fake.report_lock(None);
        let screen = Screen::new(fake.machine().locker);
        let mut published = Published::by(Box::new(screen));
        for (state, told) in [
            (Some(false), None),
            (Some(true), Some(true)),
            (None, None),
            (Some(true), None),
            (Some(false), Some(false)),
        ] {
            fake.report_lock(state);
            let expected = told.map(|told| (ON_LOCKED.uri, vec![Value::Bool(told)]));
            assert_eq!(published.next().await, expected, "after {state:?}");
        }
    }
}
