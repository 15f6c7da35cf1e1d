//! Suspending and switching off, by logind (`org.freedesktop.login1(5)`, "Manager").
//!
//! logind asks its policy who may. It is never let ask for a password: whoever is asked would be whoever sits in front,
//! and the question came from elsewhere.

use std::fmt::Debug;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};

use super::bus::{self, Bus};
use super::logind::{MANAGER, MANAGER_PATH, NAME, START_IT};
use super::{Failure, Missing};

/// What the machine can be told to become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PowerState {
    /// Asleep, with its memory kept.
    Suspended,
    /// Off, with its memory on the disk.
    Hibernated,
    /// Started anew.
    Rebooted,
    /// Off.
    Off,
}

impl PowerState {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Suspended, Self::Hibernated, Self::Rebooted, Self::Off];

    /// logind's method for it, and the one that says whether it would.
    const fn methods(self) -> (&'static str, &'static str) {
        match self {
            Self::Suspended => ("Suspend", "CanSuspend"),
            Self::Hibernated => ("Hibernate", "CanHibernate"),
            Self::Rebooted => ("Reboot", "CanReboot"),
            Self::Off => ("PowerOff", "CanPowerOff"),
        }
    }
}

/// Turns the machine off, and the like.
pub trait Power: Debug + Send + Sync {
    /// Begins it; ends when logind has accepted it.
    fn go(&self, state: PowerState) -> BoxFuture<'_, Result<(), Failure>>;

    /// What logind says of each state: `yes`, `no`, `challenge` where a password would be asked for, `na` where the
    /// machine cannot; and whatever other word it may have.
    fn can(&self) -> BoxFuture<'_, Result<Vec<(PowerState, String)>, Failure>>;

    /// What is missing for it right now.
    fn missing(&self) -> BoxFuture<'_, Option<Missing>>;
}

/// The machine of one system bus.
#[derive(Debug)]
pub struct LogindPower {
    bus: Arc<Bus>,
}

impl LogindPower {
    /// That of this bus.
    pub(super) const fn new(bus: Arc<Bus>) -> Self {
        Self { bus }
    }

    async fn go(&self, state: PowerState) -> Result<(), Failure> {
        let connection = self.bus.connection().await?;
        let (method, _) = state.methods();
        let is_interactive = false;
        let asked: zbus::Result<()> =
            bus::call(&connection, NAME, MANAGER_PATH, MANAGER, method, &is_interactive).await;
        asked.map_err(|error| failure(&error))
    }

    async fn can(&self) -> Result<Vec<(PowerState, String)>, Failure> {
        let connection = self.bus.connection().await?;
        let answers = PowerState::ALL.map(|state| {
            let connection = &connection;
            async move {
                let (_, method) = state.methods();
                let answer: String = bus::call(connection, NAME, MANAGER_PATH, MANAGER, method, &()).await?;
                Ok((state, answer))
            }
        });
        let answers: zbus::Result<Vec<_>> = join_all(answers).await.into_iter().collect();
        answers.map_err(|error| failure(&error))
    }

    async fn missing(&self) -> Option<Missing> {
        match self.bus.connection().await {
            Err(missing) => Some(missing),
            Ok(connection) => match bus::offers(&connection, NAME).await {
                Ok(true) => None,
                Ok(false) => Some(absent("nobody on the bus has its name")),
                Err(error) => Some(absent(&bus::reason(&error))),
            },
        }
    }
}

fn failure(error: &zbus::Error) -> Failure {
    let reason = bus::reason(error);
    if bus::is_absent(error) || bus::is_unanswered(error) {
        return absent(&reason).into();
    }
    if bus::is_denied(error) {
        return Failure::Refused(format!(
            "the machine's policy does not let this program do that: {reason}"
        ));
    }
    Failure::Refused(format!("logind does not do that: {reason}"))
}

fn absent(reason: &str) -> Missing {
    Missing {
        what: "logind",
        reason: reason.into(),
        mend: START_IT.into(),
    }
}

impl Power for LogindPower {
    fn go(&self, state: PowerState) -> BoxFuture<'_, Result<(), Failure>> {
        Self::go(self, state).boxed()
    }

    fn can(&self) -> BoxFuture<'_, Result<Vec<(PowerState, String)>, Failure>> {
        Self::can(self).boxed()
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        Self::missing(self).boxed()
    }
}
