//! The buses, the session at the machine and the sound server, as the person has them.

use std::ffi::OsString;
use std::path::PathBuf;

use tokio::net::UnixStream;

use super::Check;
use super::system::{Person, property, words};

/// More sessions than a person opens; each is asked about.
const MAX_SESSIONS: usize = 32;

#[derive(Debug)]
pub(super) struct Facts {
    session_bus: Reach,
    system_bus: Reach,
    sound: Reach,
    /// `None` when logind cannot be asked.
    sessions: Option<Vec<Seated>>,
}

/// What came of connecting to a socket.
#[derive(Debug, Clone)]
enum Reach {
    Open(PathBuf),
    Shut(PathBuf, String),
    /// It is at an address of another kind, which is not tried.
    Elsewhere(String),
}

/// A session of the person, as logind has it.
#[derive(Debug, Clone, Default)]
struct Seated {
    id: String,
    kind: String,
    seat: String,
    class: String,
    is_active: bool,
}

pub(super) async fn look(person: &Person) -> Facts {
    // With sudo the variables are root's, and of no use.
    let variable = |name: &str| std::env::var_os(name).filter(|_| person.is_self());
    let session = address(variable("DBUS_SESSION_BUS_ADDRESS"), person.runtime.join("bus"));
    let system = address(
        variable("DBUS_SYSTEM_BUS_ADDRESS"),
        "/run/dbus/system_bus_socket".into(),
    );
    let sound = address(variable("PULSE_SERVER"), person.runtime.join("pulse/native"));
    Facts {
        session_bus: reach(session).await,
        system_bus: reach(system).await,
        sound: reach(sound).await,
        sessions: sessions(person.uid).await,
    }
}

/// The socket of an address as D-Bus and PulseAudio write it (`unix:path=/…`, `unix:/…`, `/…`), or the address.
fn address(given: Option<OsString>, usual: PathBuf) -> Result<PathBuf, String> {
    let Some(given) = given.filter(|given| !given.is_empty()) else {
        return Ok(usual);
    };
    let text = given.to_string_lossy();
    let first = text.split(';').next().unwrap_or_default();
    let path = first.strip_prefix("unix:").unwrap_or(first);
    let mut parts = path.split(',').map(|part| part.strip_prefix("path=").unwrap_or(part));
    match parts.find(|part| part.starts_with('/')) {
        Some(path) => Ok(path.into()),
        None => Err(text.into_owned()),
    }
}

async fn reach(address: Result<PathBuf, String>) -> Reach {
    match address {
        Err(address) => Reach::Elsewhere(address),
        Ok(path) => match UnixStream::connect(&path).await {
            Ok(_) => Reach::Open(path),
            Err(error) => Reach::Shut(path, error.to_string()),
        },
    }
}

async fn sessions(uid: u32) -> Option<Vec<Seated>> {
    let (is_content, listing) = words("loginctl", &["list-sessions", "--no-legend", "--no-pager"]).await?;
    if !is_content {
        return None;
    }
    // SESSION UID USER SEAT TTY
    let rows = listing.lines().filter_map(|line| {
        let mut fields = line.split_whitespace();
        Some((fields.next()?, fields.next()?))
    });
    let own = rows.filter(|(_, user)| *user == uid.to_string()).take(MAX_SESSIONS);
    let mut sessions = Vec::new();
    for (id, _) in own {
        if let Some((true, text)) = words("loginctl", &["show-session", id]).await {
            sessions.push(seated(&text));
        }
    }
    Some(sessions)
}

fn seated(text: &str) -> Seated {
    let of = |name| property(text, name).unwrap_or_default().to_owned();
    Seated {
        id: of("Id"),
        kind: of("Type"),
        seat: of("Seat"),
        class: of("Class"),
        is_active: of("Active") == "yes",
    }
}

pub(super) fn judge(facts: &Facts) -> Vec<Check> {
    vec![
        bus(
            "session bus",
            &facts.session_bus,
            "media, notifications and screen savers are out of reach",
            "log in at the machine; without a desktop: sudo apt install dbus-user-session, and log in again",
        ),
        bus(
            "system bus",
            &facts.system_bus,
            "logind is out of reach: no lock, no brightness, no battery",
            "sudo systemctl start dbus",
        ),
        session(facts.sessions.as_deref()),
        bus(
            "sound",
            &facts.sound,
            "the volume is out of reach",
            "systemctl --user start pipewire-pulse.socket, or pulseaudio --start",
        ),
    ]
}

fn bus(check: &str, reach: &Reach, loss: &str, mend: &str) -> Check {
    match reach {
        Reach::Open(path) => Check::ok(check, path.display().to_string()),
        Reach::Elsewhere(address) => Check::ok(check, format!("{address}, which was not tried")),
        Reach::Shut(path, error) => Check::warning(check, format!("{}: {error}; {loss}", path.display()), mend),
    }
}

fn session(sessions: Option<&[Seated]>) -> Check {
    const CHECK: &str = "session";
    let Some(sessions) = sessions else {
        let found = "logind cannot be asked: nobody knows who sits at the machine";
        return Check::warning(CHECK, found, "sudo systemctl start systemd-logind");
    };
    let here: Vec<&Seated> = sessions
        .iter()
        .filter(|it| it.class == "user" && !it.seat.is_empty())
        .collect();
    match (here.iter().find(|it| it.is_active), here.first()) {
        (Some(it), _) => Check::ok(CHECK, format!("{} ({}) is in front on {}", it.id, it.kind, it.seat)),
        (None, Some(it)) => Check::warning(
            CHECK,
            format!("{} ({}) on {} is behind that of somebody else", it.id, it.kind, it.seat),
            format!("loginctl activate {}", it.id),
        ),
        (None, None) => Check::warning(
            CHECK,
            "this user is not logged in at the machine: there is no screen to lock and none to show slides on",
            "log in at the machine",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    fn at_the_machine() -> Seated {
        Seated {
            id: "2".to_owned(),
            kind: "wayland".to_owned(),
            seat: "seat0".to_owned(),
            class: "user".to_owned(),
            is_active: true,
        }
    }

    #[test]
    fn the_session_in_front_is_fine_and_every_other_is_told_apart() {
        let state = |sessions: &[Seated]| session(Some(sessions));
        assert_eq!(state(&[at_the_machine()]).state, State::Ok);
        let behind = state(&[Seated {
            is_active: false,
            ..at_the_machine()
        }]);
        assert_eq!(
            (behind.state, behind.mend.as_deref()),
            (State::Warning, Some("loginctl activate 2"))
        );
        let remote = Seated {
            seat: String::new(),
            ..at_the_machine()
        };
        assert!(
            state(&[remote]).found.contains("not logged in at the machine"),
            "ssh is no seat"
        );
        assert_eq!(session(None).state, State::Warning);
    }

    #[test]
    fn the_words_of_logind_are_understood() {
        let seat = seated("Id=4\nUser=1000\nType=x11\nClass=user\nSeat=seat0\nActive=yes\n");
        assert!(seat.is_active && seat.id == "4" && seat.kind == "x11" && seat.class == "user");
        assert!(!seated("Id=4\nActive=no\n").is_active);
    }

    #[test]
    fn addresses_of_buses_lead_to_their_sockets() {
        for (given, expected) in [
            ("unix:path=/run/user/1/bus", Ok("/run/user/1/bus")),
            ("unix:path=/a,guid=12;tcp:host=x", Ok("/a")),
            ("unix:guid=12,path=/a", Ok("/a")),
            ("unix:/run/pulse", Ok("/run/pulse")),
            ("/run/pulse", Ok("/run/pulse")),
            ("unix:abstract=/tmp/x", Err("unix:abstract=/tmp/x")),
            ("tcp:host=x", Err("tcp:host=x")),
            ("", Ok("/usual")),
        ] {
            let expected = expected.map(PathBuf::from).map_err(str::to_owned);
            assert_eq!(address(Some(given.into()), "/usual".into()), expected, "{given}");
        }
        assert_eq!(address(None, "/usual".into()), Ok("/usual".into()));
    }

    #[tokio::test]
    async fn a_socket_that_nobody_serves_is_a_warning_with_a_mend() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bus");
        let shut = reach(Ok(path.clone())).await;
        assert_eq!(bus("bus", &shut, "all is lost", "start it").state, State::Warning);
        let _listener = tokio::net::UnixListener::bind(&path).unwrap();
        assert_eq!(bus("bus", &reach(Ok(path)).await, "", "").state, State::Ok);
    }
}
