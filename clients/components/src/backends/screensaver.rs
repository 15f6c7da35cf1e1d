//! The lockers of the session bus: each desktop's own screen saver, asked to
//! lock and whether it is active.
//!
//! Only names that somebody owns are called, so that asking never starts a
//! screen saver that the person does not use.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::future::join_all;
use futures_util::stream::SelectAll;
use zbus::{MatchRule, Message, MessageStream, fdo, message};

use super::Missing;
use super::bus::{self, Bus};

/// A locker some desktop offers. Path and interface are the service's own.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ScreenSaver {
    name: &'static str,
    path: &'static str,
    /// Cinnamon's `Lock` takes the message to show.
    lock_takes_message: bool,
}

/// In the order in which they are tried. A name that has two paths has two
/// rows: KDE answers at both, others at one.
///
/// Pantheon answers to the second name. LXQt and Xfce's session manager have no
/// name for it: both run a locker's command line (`xdg-screensaver`, `xflock4`).
const SCREEN_SAVERS: [ScreenSaver; 6] = [
    ScreenSaver {
        name: "org.gnome.ScreenSaver",
        path: "/org/gnome/ScreenSaver",
        lock_takes_message: false,
    },
    ScreenSaver {
        name: "org.freedesktop.ScreenSaver",
        path: "/ScreenSaver",
        lock_takes_message: false,
    },
    ScreenSaver {
        name: "org.freedesktop.ScreenSaver",
        path: "/org/freedesktop/ScreenSaver",
        lock_takes_message: false,
    },
    ScreenSaver {
        name: "org.cinnamon.ScreenSaver",
        path: "/org/cinnamon/ScreenSaver",
        lock_takes_message: true,
    },
    ScreenSaver {
        name: "org.mate.ScreenSaver",
        path: "/org/mate/ScreenSaver",
        lock_takes_message: false,
    },
    ScreenSaver {
        name: "org.xfce.ScreenSaver",
        path: "/org/xfce/ScreenSaver",
        lock_takes_message: false,
    },
];

/// The screen savers on one session bus.
#[derive(Debug)]
pub(super) struct ScreenSavers {
    bus: Arc<Bus>,
}

impl ScreenSavers {
    /// Those on that bus.
    pub(super) fn new(bus: Arc<Bus>) -> Self {
        Self { bus }
    }

    /// Those that run, in the order to try them.
    pub(super) async fn running(&self) -> Result<Vec<&'static ScreenSaver>, Missing> {
        let connection = self.bus.connection().await?;
        let bus = fdo::DBusProxy::new(&connection)
            .await
            .map_err(|error| missing(&error))?;
        let names = bus.list_names().await.map_err(|error| missing(&error.into()))?;
        let names: HashSet<&str> = names.iter().map(|name| name.as_str()).collect();
        Ok(SCREEN_SAVERS
            .iter()
            .filter(|saver| names.contains(saver.name))
            .collect())
    }

    /// Asks one to lock.
    pub(super) async fn lock(&self, saver: &ScreenSaver) -> Result<(), Missing> {
        let asked = if saver.lock_takes_message {
            self.ask(saver, "Lock", &"").await
        } else {
            self.ask(saver, "Lock", &()).await
        };
        asked.map(drop)
    }

    /// Whether one of those that run covers the screen; `None` when none
    /// answers. One that says yes is believed before one that says no.
    pub(super) async fn is_active(&self) -> Option<bool> {
        let running = self.running().await.ok()?;
        // Side by side: one that hangs must not add its time-out to the others'.
        let answers = join_all(running.into_iter().map(|saver| self.ask(saver, "GetActive", &()))).await;
        answers
            .into_iter()
            .flatten()
            .filter_map(|reply| reply.body().deserialize::<bool>().ok())
            .reduce(|a, b| a || b)
    }

    /// `ActiveChanged` of whichever screen saver there is, and their coming and
    /// going.
    pub(super) async fn signals(&self) -> Result<SelectAll<MessageStream>, Missing> {
        let connection = self.bus.connection().await?;
        let rule = MatchRule::builder()
            .msg_type(message::Type::Signal)
            .member("ActiveChanged")
            .build()
            .expect("the rule is made of valid names");
        let mut names: Vec<_> = SCREEN_SAVERS.iter().map(|saver| saver.name).collect();
        names.dedup();
        bus::signals(&connection, vec![rule], &names)
            .await
            .map_err(|error| missing(&error))
    }

    async fn ask<B>(&self, saver: &ScreenSaver, method: &str, body: &B) -> Result<Message, Missing>
    where
        B: serde::Serialize + zbus::DynamicType,
    {
        let connection = self.bus.connection().await?;
        connection
            .call_method(Some(saver.name), saver.path, Some(saver.name), method, body)
            .await
            .map_err(|error| missing(&error))
    }
}

fn missing(error: &zbus::Error) -> Missing {
    Missing {
        what: "a screen locker on the session bus",
        reason: bus::reason(error),
        mend: "check that your desktop's screen locker runs".into(),
    }
}
