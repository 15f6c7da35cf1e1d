//! The screen's lock: lock it, ask about it, be told. Unlocking needs a grant of its own: it is what a password is for.

use std::sync::{Arc, Mutex, PoisonError};

use client::Value;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use serde::{Deserialize, Serialize};

use crate::backends::{Failure, Locker};
use crate::{Announce, Arguments, Component, Entry, Home, Missing, Procedure, Refusal, Topic};

/// The component's row.
pub const ENTRY: Entry = Entry {
    name: "screen",
    procedures: PROCEDURES,
    topics: &[ON_LOCKED],
    home: Home::Session,
    make: |machine, settings| Arc::new(Screen::new(Arc::clone(&machine.locker), &settings.screen)),
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

const UNLOCK: Procedure = Procedure::new(
    "org.deskconn.screen.unlock",
    "() → bool",
    "Unlock the screen without a password; true once the desktop reports it as unlocked",
    &[],
);

/// Every procedure of the screen.
pub const PROCEDURES: &[Procedure] = &[
    LOCK,
    IS_LOCKED,
    UNLOCK,
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

/// What the configuration says of the screen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The program that locks where neither logind nor the session bus does, and its arguments.
    pub lock_command: Vec<String>,
}

type Locking = Shared<BoxFuture<'static, Result<bool, Failure>>>;

/// The lock of the screen.
#[derive(Debug)]
pub struct Screen {
    locker: Arc<dyn Locker>,
    /// The lock under way: who asks meanwhile gets its answer, so that a caller
    /// in a loop does not pile up lockers. It comes to its end also when its
    /// caller leaves.
    locking: Mutex<Option<Locking>>,
}

impl Screen {
    /// The screen that this locks.
    #[must_use]
    pub fn new(locker: Arc<dyn Locker>, settings: &Settings) -> Self {
        locker.fall_back_on(settings.lock_command.clone());
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
        let under_way = tokio::spawn(async move { locker.lock().await });
        // Only a runtime that ends drops it.
        let started = async move { under_way.await.unwrap_or(Ok(false)) }.boxed().shared();
        *locking = Some(started.clone());
        started
    }

    async fn answer(&self, procedure: &'static Procedure, arguments: Arguments) -> Result<Value, Refusal> {
        arguments.end()?;
        match procedure.canonical() {
            uri if uri == LOCK.uri => Ok(Value::Bool(self.lock().await?)),
            uri if uri == UNLOCK.uri => Ok(Value::Bool(self.locker.unlock().await?)),
            _ => Ok(Value::from(self.locker.is_locked().await)),
        }
    }
}

impl Component for Screen {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        self.locker.missing()
    }

    fn reconfigure(&self, settings: &crate::Settings) {
        self.locker.fall_back_on(settings.screen.lock_command.clone());
    }

    fn call(&self, procedure: &'static Procedure, arguments: Arguments) -> BoxFuture<'_, Result<Value, Refusal>> {
        self.answer(procedure, arguments).boxed()
    }

    fn announce<'a>(&'a self, publish: &'a Announce) -> BoxFuture<'a, ()> {
        async move {
            let mut changes = self.locker.changes();
            let mut last = None;
            loop {
                let known = *changes.borrow_and_update();
                if let Some(state) = news(last, known) {
                    publish(ON_LOCKED.uri, vec![Value::Bool(state)]).await;
                }
                last = known.or(last);
                if changes.changed().await.is_err() {
                    return;
                }
            }
        }
        .boxed()
    }
}

/// What is to be told after what was last known. A source that is silent for a while changes nothing. Unlocked is what
/// everybody takes a screen for at the start; locked is told even then: it may have been locked a moment ago, by a call
/// that came before the first look.
fn news(last: Option<bool>, known: Option<bool>) -> Option<bool> {
    known.filter(|state| last.map_or(*state, |last| last != *state))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backends::fake::Fake;
    use crate::testing::Published;

    fn screen(fake: &Arc<Fake>) -> Screen {
        Screen::new(fake.machine().locker, &Settings::default())
    }

    #[tokio::test]
    async fn the_screen_is_locked_and_says_so_under_every_name() {
        let both: Vec<&Procedure> = PROCEDURES.iter().filter(|it| it.canonical() != UNLOCK.uri).collect();
        for procedures in both.chunks(2) {
            let fake = Arc::new(Fake::default());
            let screen = screen(&fake);
            let [lock, is_locked] = *procedures else {
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
    async fn the_screen_is_unlocked_by_who_has_a_grant_for_it_alone() {
        let fake = Arc::new(Fake::default());
        let screen = screen(&fake);
        fake.report_lock(Some(true));
        assert_eq!(screen.call(&UNLOCK, Arguments::default()).await, Ok(true.into()));
        assert_eq!(screen.call(&IS_LOCKED, Arguments::default()).await, Ok(false.into()));
        assert_eq!(UNLOCK.roles, <[&str; 0]>::default(), "no role has it");
    }

    #[tokio::test]
    async fn the_configured_locker_is_what_is_fallen_back_on() {
        let fake = Arc::new(Fake::default());
        let settings = Settings {
            lock_command: vec!["swaylock".into(), "-f".into()],
        };
        let _screen = Screen::new(fake.machine().locker, &settings);
        assert_eq!(fake.lock_command(), settings.lock_command);
    }

    #[tokio::test]
    async fn a_lock_comes_to_its_end_when_its_caller_leaves() {
        let fake = Arc::new(Fake::default());
        let screen = screen(&fake);
        drop(screen.lock());
        let mut locked = Locker::changes(&*fake);
        locked.wait_for(|locked| *locked == Some(true)).await.unwrap();
    }

    #[tokio::test]
    async fn what_nobody_can_tell_is_null() {
        let fake = Arc::new(Fake::default());
        fake.report_lock(None);
        let screen = screen(&fake);
        assert_eq!(screen.call(&IS_LOCKED, Arguments::default()).await, Ok(Value::Null));
    }

    #[tokio::test]
    async fn calls_during_a_lock_get_its_answer() {
        let fake = Arc::new(Fake::default());
        let screen = screen(&fake);
        let (first, second) = (screen.lock(), screen.lock());
        assert!(first.ptr_eq(&second));
        assert_eq!((first.await, second.await), (Ok(true), Ok(true)));
        let later = screen.lock();
        assert!(later.peek().is_none(), "a later call locks anew");
    }

    #[tokio::test]
    async fn a_screen_that_is_locked_at_the_start_is_told() {
        let fake = Arc::new(Fake::default());
        fake.report_lock(Some(true));
        let mut published = Published::by(Arc::new(screen(&fake)));
        assert_eq!(published.next().await, Some((ON_LOCKED.uri, vec![Value::Bool(true)])));
        assert_eq!(published.next().await, None);
    }

    #[tokio::test]
    async fn each_change_is_told_once_and_doubt_is_not_told() {
        let fake = Arc::new(Fake::default());
        fake.report_lock(None);
        let screen = screen(&fake);
        let mut published = Published::by(Arc::new(screen));
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
