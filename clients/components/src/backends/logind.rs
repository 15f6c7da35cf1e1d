//! logind: which session is the person's, lock it, ask whether it is locked,
//! set the brightness through it. `org.freedesktop.login1(5)`.
//!
//! The session is found anew for each call and never as `session/auto`: that
//! path means the caller's own session, which a service has not, and property
//! changes are announced on the concrete path only. Keeping no path also means
//! that nothing has to be thrown away when sessions come and go.
//!
//! It does not decide which lock answer to believe; `locker` does.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::stream::SelectAll;
use zbus::{MessageStream, OwnedObjectPath, OwnedVariant};

use super::bus::{self, Bus};
use super::{Failure, Missing};

pub(super) const NAME: &str = "org.freedesktop.login1";
pub(super) const MANAGER_PATH: &str = "/org/freedesktop/login1";
pub(super) const MANAGER: &str = "org.freedesktop.login1.Manager";
const SESSION: &str = "org.freedesktop.login1.Session";

/// What mends that it is not there.
pub(super) const START_IT: &str = "start it: sudo systemctl start systemd-logind (or elogind)";

const WHAT: &str = "your desktop session at logind";

/// Session types that show something but text, `sd_session_get_type(3)`.
const GRAPHICAL: [&str; 3] = ["x11", "wayland", "mir"];

/// Desktops that keep `LockedHint` up to date, by the session's desktop name in
/// lower case. On others a hint of "no" means nothing until it has once been
/// "yes": sway, for one, never sets it.
const KEEPS_LOCKED_HINT: [&str; 6] = ["gnome", "ubuntu", "kde", "plasma", "pantheon", "niri"];

/// The user that stands for everybody: root serves whoever sits at the machine.
const ANYBODY: u32 = 0;

type Properties = HashMap<String, OwnedVariant>;
type SessionRow = (String, u32, String, String, OwnedObjectPath);

/// logind on the system bus.
#[derive(Debug)]
pub(super) struct Logind {
    bus: Arc<Bus>,
    uid: u32,
}

/// The person's session, as it was a moment ago.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Session {
    pub(super) path: OwnedObjectPath,
    /// Whose it is.
    pub(super) uid: u32,
    pub(super) locked_hint: bool,
    pub(super) keeps_locked_hint: bool,
    is_graphical: bool,
}

impl Logind {
    /// logind on that bus, seen by the user this process runs as.
    pub(super) fn new(bus: Arc<Bus>) -> Self {
        Self {
            bus,
            uid: rustix::process::getuid().as_raw(),
        }
    }

    /// The active session of this user on a seat, a graphical one before one on
    /// a text console. Root serves whoever sits at the machine.
    pub(super) async fn session(&self) -> Result<Session, Missing> {
        self.in_front(self.uid).await
    }

    /// The active session on a seat, whosever it is.
    pub(super) async fn occupied(&self) -> Result<Session, Missing> {
        self.in_front(ANYBODY).await
    }

    async fn in_front(&self, whose: u32) -> Result<Session, Missing> {
        let connection = self.bus.connection().await?;
        let rows: Vec<SessionRow> = bus::call(&connection, NAME, MANAGER_PATH, MANAGER, "ListSessions", &())
            .await
            .map_err(|error| missing(&error))?;
        let mut best: Option<Session> = None;
        for (_, uid, _, seat, path) in rows {
            if !is_at_the_machine(&seat, uid, whose) {
                continue;
            }
            // A session that ended since the list was made is no error.
            let Ok(properties) = bus::call(&connection, NAME, path.as_str(), bus::PROPERTIES, "GetAll", &SESSION).await
            else {
                continue;
            };
            let Some(session) = Session::of(path, uid, &properties) else {
                continue;
            };
            if best
                .as_ref()
                .is_none_or(|best| session.is_graphical && !best.is_graphical)
            {
                best = Some(session);
            }
        }
        best.ok_or_else(|| Missing {
            what: WHAT,
            reason: "logind knows no active session of yours at this machine's own screen".into(),
            mend: "log in at the machine itself; a login over the network does not count".into(),
        })
    }

    /// Asks the session's desktop to lock: logind only passes the signal on, so
    /// success here does not mean that anything has locked.
    pub(super) async fn lock(&self, session: &Session) -> Result<(), Missing> {
        let connection = self.bus.connection().await?;
        bus::call(&connection, NAME, session.path.as_str(), SESSION, "Lock", &())
            .await
            .map_err(|error| missing(&error))
    }

    /// Asks the session's desktop to unlock, which it does without a password.
    pub(super) async fn unlock(&self, session: &Session) -> Result<(), Failure> {
        let connection = self.bus.connection().await?;
        let asked: zbus::Result<()> = bus::call(&connection, NAME, session.path.as_str(), SESSION, "Unlock", &()).await;
        asked.map_err(|error| {
            if bus::is_denied(&error) {
                return Failure::Refused(format!(
                    "logind does not let this program unlock: {}",
                    bus::reason(&error)
                ));
            }
            missing(&error).into()
        })
    }

    /// Sets a backlight to a raw value as the session's own right, which needs
    /// no privilege (`SetBrightness`, since systemd 243).
    pub(super) async fn set_brightness(&self, name: &str, raw: u32) -> Result<(), Missing> {
        let session = self.session().await?;
        let connection = self.bus.connection().await?;
        bus::call(
            &connection,
            NAME,
            session.path.as_str(),
            SESSION,
            "SetBrightness",
            &("backlight", name, raw),
        )
        .await
        .map_err(|error| missing(&error))
    }

    /// Everything logind announces: sessions that come and go, and properties
    /// that change; and its own coming and going.
    pub(super) async fn signals(&self) -> Result<SelectAll<MessageStream>, Missing> {
        let connection = self.bus.connection().await?;
        bus::signals(&connection, vec![bus::said_by(NAME, MANAGER_PATH)], &[NAME])
            .await
            .map_err(|error| missing(&error))
    }
}

/// Whether a session is one that this process may serve: at the machine's own
/// screen, and the user's own unless root serves whoever sits there.
fn is_at_the_machine(seat: &str, owner: u32, own: u32) -> bool {
    !seat.is_empty() && (own == ANYBODY || owner == own)
}

impl Session {
    /// The session, unless it is a greeter, a remote login or not in front.
    fn of(path: OwnedObjectPath, uid: u32, properties: &Properties) -> Option<Self> {
        let text = |name: &str| {
            properties
                .get(name)
                .and_then(|value| <&str>::try_from(value).ok())
                .unwrap_or_default()
        };
        let flag = |name: &str| {
            properties
                .get(name)
                .and_then(|value| bool::try_from(value).ok())
                .unwrap_or_default()
        };
        if text("Class") != "user" || !flag("Active") {
            return None;
        }
        let desktop = text("Desktop").to_lowercase();
        Some(Self {
            path,
            uid,
            locked_hint: flag("LockedHint"),
            keeps_locked_hint: KEEPS_LOCKED_HINT.iter().any(|name| desktop.contains(name)),
            is_graphical: GRAPHICAL.contains(&text("Type")),
        })
    }
}

fn missing(error: &zbus::Error) -> Missing {
    let mend = if bus::is_absent(error) {
        START_IT
    } else {
        "see its log: journalctl -u systemd-logind"
    };
    Missing {
        what: WHAT,
        reason: bus::reason(error),
        mend: mend.into(),
    }
}

#[cfg(test)]
mod tests {
    use zbus::Variant;

    use super::*;

    fn session(changes: &[(&str, Variant<'static>)]) -> Option<Session> {
        let usual: [(&str, Variant<'static>); 5] = [
            ("Class", "user".into()),
            ("Type", "wayland".into()),
            ("Active", true.into()),
            ("LockedHint", false.into()),
            ("Desktop", "".into()),
        ];
        let all = usual.into_iter().chain(changes.iter().cloned());
        let properties = all
            .map(|(name, value)| (name.to_owned(), value.try_into().unwrap()))
            .collect();
        Session::of(OwnedObjectPath::try_from("/session").unwrap(), 1000, &properties)
    }

    #[test]
    fn only_a_person_in_front_has_a_session() {
        assert!(session(&[]).is_some());
        for class in ["greeter", "lock-screen", "background", "manager"] {
            assert_eq!(session(&[("Class", class.into())]), None, "{class}");
        }
        assert_eq!(session(&[("Active", false.into())]), None);
        assert_eq!(
            session(&[("Active", "yes".into())]),
            None,
            "a property of another type counts for nothing"
        );
    }

    #[test]
    fn a_user_serves_the_own_session_and_root_whoever_sits_there() {
        assert!(is_at_the_machine("seat0", 1000, 1000));
        assert!(!is_at_the_machine("seat0", 1001, 1000));
        assert!(
            !is_at_the_machine("", 1000, 1000),
            "a login over the network has no seat"
        );
        assert!(is_at_the_machine("seat0", 1000, 0));
        assert!(!is_at_the_machine("", 1000, 0));
    }

    #[test]
    fn the_lock_hint_is_believed_from_desktops_that_keep_it() {
        for (desktop, keeps) in [
            ("GNOME", true),
            ("ubuntu:GNOME", true),
            ("KDE", true),
            ("niri", true),
            ("sway", false),
            ("", false),
        ] {
            assert_eq!(
                session(&[("Desktop", desktop.into())]).unwrap().keeps_locked_hint,
                keeps,
                "{desktop}"
            );
        }
    }
}
