//! Whether a daemon runs on this machine and answers this user.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use client::{ConnectError, JoinError, Options, Session, Target, Value};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::Check;
use super::system::{Peer, Person};
use crate::args::Global;
use crate::failure::Failure;
use crate::here;
use crate::values::get;

const CHECK: &str = "daemon";
/// How long a daemon may take to let this program in.
const JOIN_WITHIN: Duration = Duration::from_secs(5);
/// And to answer: it asks each function what it lacks, and those ask services that may hang for seconds.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// How packages call the service.
const UNIT: &str = "deskconnd.service";
/// Where systemd looks for services of users and of the system (systemd.unit(5)).
const USER_UNITS: [&str; 3] = [
    "/etc/systemd/user",
    "/usr/local/lib/systemd/user",
    "/usr/lib/systemd/user",
];
const SYSTEM_UNITS: [&str; 4] = [
    "/etc/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];
const SNAP: &str = "/var/snap/deskconn";

#[derive(Debug)]
pub(super) struct Facts {
    /// What came of each place where its socket may be.
    tried: Vec<(PathBuf, Answer)>,
    talk: Option<Talk>,
    service: Option<Service>,
}

/// What a socket came to.
#[derive(Debug)]
enum Answer {
    Open,
    Absent,
    /// It is there, and this user may not use it.
    Closed,
    /// Whether it is there this directory on the way to it does not show.
    Hidden(PathBuf),
    /// It is there, and nobody listens.
    Dead,
    /// A router whose configuration wants no desktop.
    Plain,
    Other(String),
}

/// What the daemon told.
#[derive(Debug)]
pub(super) struct Talk {
    socket: PathBuf,
    peer: Peer,
    pub(super) info: Value,
    /// `None` when this user is not the desktop's owner.
    pub(super) discovery: Option<Value>,
    /// The same, or there is none.
    pub(super) certificate: Option<Value>,
    /// The same.
    pub(super) links: Option<Value>,
}

/// How the daemon is installed.
#[derive(Debug, Clone, Copy)]
enum Service {
    User,
    System,
    Snap,
}

impl Facts {
    pub(super) const fn talk(&self) -> Option<&Talk> {
        self.talk.as_ref()
    }

    /// The daemon, when it answered.
    pub(super) fn process(&self) -> Option<&Peer> {
        self.talk.as_ref().map(|talk| &talk.peer)
    }
}

/// The sockets to look at.
pub(super) fn places(global: &Global, person: &Person) -> Result<Vec<PathBuf>, Failure> {
    let remote = || Failure::Usage("doctor examines this machine: leave --desktop and --at away".to_owned());
    if global.desktop.is_some() {
        return Err(remote());
    }
    if let Some(at) = &global.at {
        return match at.parse() {
            Ok(Target::Unix(socket)) => Ok(vec![socket]),
            Ok(_) | Err(_) => Err(remote()),
        };
    }
    let mut places = here::sockets_here();
    if !person.is_self() {
        places.insert(0, person.runtime.join("deskconn/deskconn.sock"));
    }
    Ok(places)
}

pub(super) async fn look(places: Vec<PathBuf>) -> Facts {
    let mut facts = Facts {
        tried: Vec::new(),
        talk: None,
        service: installed(),
    };
    for socket in places {
        let answer = match talk(&socket).await {
            Ok(talk) => {
                facts.talk = Some(talk);
                Answer::Open
            }
            Err(answer) => answer,
        };
        let is_open = matches!(answer, Answer::Open);
        facts.tried.push((socket, answer));
        if is_open {
            break;
        }
    }
    facts
}

async fn talk(socket: &Path) -> Result<Talk, Answer> {
    let stream = UnixStream::connect(socket)
        .await
        .map_err(|error| shut(socket, &error))?;
    let peer = stream.peer_cred().map_err(|error| Answer::Other(error.to_string()))?;
    drop(stream);
    let options = Options {
        patience: JOIN_WITHIN,
        ..Options::new("deskconn")
    };
    let session = Session::connect(&Target::Unix(socket.to_owned()), options).await;
    // Whom it does not let in it leaves without a word.
    let session = session.map_err(|error| match &error {
        ConnectError::Lost(_) | ConnectError::NotWamp(..) => Answer::Closed,
        ConnectError::Join(JoinError::Refused(abort)) if abort.reason.as_str() == "wamp.error.no_such_realm" => {
            Answer::Plain
        }
        ConnectError::Target(_)
        | ConnectError::NoPin(_)
        | ConnectError::WouldBePlain(_)
        | ConnectError::Unreachable(..)
        | ConnectError::TooSlow(..)
        | ConnectError::Join(_)
        | ConnectError::PairingClosed(_)
        | ConnectError::Tls(..)
        | ConnectError::Noise(..) => Answer::Other(error.to_string()),
    })?;
    let info = ask(&session, "org.deskconn.info.get").await;
    let discovery = ask(&session, "org.deskconn.discovery.status").await.ok();
    let certificate = ask(&session, "org.deskconn.router.certificate").await.ok();
    let links = ask(&session, "org.deskconn.router.links").await.ok();
    session.leave().await;
    Ok(Talk {
        socket: socket.to_owned(),
        peer: Peer {
            pid: peer.pid(),
            uid: peer.uid(),
        },
        info: info.map_err(Answer::Other)?,
        discovery,
        certificate,
        links,
    })
}

fn shut(socket: &Path, error: &io::Error) -> Answer {
    if error.kind() == io::ErrorKind::NotFound {
        Answer::Absent
    } else if error.kind() == io::ErrorKind::PermissionDenied {
        here::hidden_by(socket).map_or(Answer::Closed, Answer::Hidden)
    } else if error.kind() == io::ErrorKind::ConnectionRefused {
        Answer::Dead
    } else {
        Answer::Other(error.to_string())
    }
}

async fn ask(session: &Session, procedure: &str) -> Result<Value, String> {
    let answer = timeout(ANSWER_WITHIN, session.call(procedure, ())).await;
    let late = |_| format!("{procedure} has no answer after {} s", ANSWER_WITHIN.as_secs());
    let result = answer.map_err(late)?.map_err(|error| error.to_string())?;
    Ok(result.into_value())
}

fn installed() -> Option<Service> {
    let has = |directory: &Path| directory.join(UNIT).exists();
    let config = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    let own = config.or_else(|| Some(std::env::home_dir()?.join(".config")));
    if own.is_some_and(|own| has(&own.join("systemd/user"))) || USER_UNITS.iter().any(|it| has(Path::new(it))) {
        return Some(Service::User);
    }
    if SYSTEM_UNITS.iter().any(|it| has(Path::new(it))) {
        return Some(Service::System);
    }
    Path::new(SNAP).exists().then_some(Service::Snap)
}

/// The command that starts it, or starts it anew.
const fn command(service: Option<Service>, is_restart: bool) -> &'static str {
    match (service, is_restart) {
        (Some(Service::User), false) => "systemctl --user enable --now deskconnd",
        (Some(Service::User), true) => "systemctl --user restart deskconnd",
        (Some(Service::System), false) => "sudo systemctl enable --now deskconnd",
        (Some(Service::System), true) => "sudo systemctl restart deskconnd",
        (Some(Service::Snap), false) => "sudo snap start --enable deskconn",
        (Some(Service::Snap), true) => "sudo snap restart deskconn",
        (None, false) => "start it: deskconnd; where it does not start, it says why",
        (None, true) => "end it, and start it again: deskconnd",
    }
}

pub(super) fn judge(facts: &Facts) -> Vec<Check> {
    if let Some(talk) = &facts.talk {
        return vec![running(talk, facts.service)];
    }
    // Of several sockets the one that is there says most, and then one that may be there.
    let find = |is_it: fn(&Answer) -> bool| facts.tried.iter().find(|(_, answer)| is_it(answer));
    let there = find(|answer| !matches!(answer, Answer::Absent | Answer::Hidden(_)));
    let there = there.or_else(|| find(|answer| matches!(answer, Answer::Hidden(_))));
    let start = command(facts.service, false);
    let check = match there {
        Some((socket, Answer::Dead)) => {
            let found = format!(
                "it runs no more: nobody listens at {}, which it left behind",
                socket.display()
            );
            Check::failed(CHECK, found, start)
        }
        Some((socket, Answer::Closed)) => {
            let found = format!("one runs at {}, but does not let this user in", socket.display());
            let mend = "the desktop belongs to another user, or to whoever's session is in front: ask there, or have \
                        root name this user in `owners`";
            Check::failed(CHECK, found, mend)
        }
        Some((_, Answer::Hidden(directory))) => {
            let found = format!(
                "{} cannot be looked into, so that nobody knows whether one runs",
                directory.display()
            );
            Check::failed(CHECK, found, here::how_to_open(directory))
        }
        Some((socket, Answer::Plain)) => {
            let found = format!("a router without a desktop answers at {}", socket.display());
            Check::ok(CHECK, found)
        }
        Some((socket, Answer::Other(sentence))) => {
            let found = format!("one runs at {}, but: {sentence}", socket.display());
            Check::failed(CHECK, found, command(facts.service, true))
        }
        Some((_, Answer::Absent | Answer::Open)) | None => {
            let places: Vec<String> = facts
                .tried
                .iter()
                .map(|(socket, _)| socket.display().to_string())
                .collect();
            Check::failed(CHECK, format!("none runs (looked at {})", places.join(", ")), start)
        }
    };
    vec![check]
}

fn running(talk: &Talk, service: Option<Service>) -> Check {
    let (own, version) = (env!("CARGO_PKG_VERSION"), get(&talk.info, "version"));
    let name = get(&talk.info, "name");
    if version != own {
        let found = format!("\"{name}\" runs version {version}, and this is deskconnctl {own}");
        return Check::warning(CHECK, found, command(service, true));
    }
    let socket = talk.socket.display();
    Check::ok(CHECK, format!("\"{name}\", version {version}, answers at {socket}"))
}

#[cfg(test)]
mod tests {
    use client::Dict;

    use super::super::State;
    use super::*;

    fn silent(answers: Vec<Answer>) -> Facts {
        let tried = answers.into_iter().map(|answer| (PathBuf::from("/run/x.sock"), answer));
        Facts {
            tried: tried.collect(),
            talk: None,
            service: Some(Service::User),
        }
    }

    fn only(facts: &Facts) -> Check {
        judge(facts).pop().unwrap()
    }

    #[test]
    fn without_a_daemon_the_command_that_starts_it_is_named() {
        let check = only(&silent(vec![Answer::Absent, Answer::Absent]));
        assert_eq!(check.state, State::Failed);
        assert!(check.found.contains("none runs (looked at /run/x.sock"), "{check:?}");
        assert_eq!(check.mend.unwrap(), "systemctl --user enable --now deskconnd");
        for (service, words) in [
            (Some(Service::System), "sudo systemctl enable"),
            (Some(Service::Snap), "snap start"),
            (None, "deskconnd"),
        ] {
            let facts = Facts {
                service,
                ..silent(Vec::new())
            };
            assert!(only(&facts).mend.unwrap().contains(words), "{service:?}");
        }
    }

    #[test]
    fn a_socket_that_is_there_says_more_than_one_that_is_not() {
        let check = only(&silent(vec![Answer::Absent, Answer::Dead]));
        assert!(check.found.contains("nobody listens"), "{check:?}");
        let check = only(&silent(vec![Answer::Closed, Answer::Absent]));
        assert!(check.found.contains("does not let this user in"), "{check:?}");
        let hidden = || Answer::Hidden("/".into());
        let check = only(&silent(vec![Answer::Absent, hidden()]));
        assert!(check.found.contains("/ cannot be looked into"), "{check:?}");
        let check = only(&silent(vec![hidden(), Answer::Dead]));
        assert!(check.found.contains("nobody listens"), "{check:?}");
        let check = only(&silent(vec![Answer::Plain]));
        assert!(
            check.state == State::Ok && check.found.contains("without a desktop"),
            "{check:?}"
        );
        let check = only(&silent(vec![Answer::Other("it is mute".to_owned())]));
        assert!(check.found.contains("it is mute"), "{check:?}");
        assert_eq!(check.mend.unwrap(), "systemctl --user restart deskconnd");
    }

    #[test]
    fn a_daemon_of_another_version_is_to_be_started_anew() {
        let of = |version: &str| Facts {
            talk: Some(Talk {
                socket: "/run/x.sock".into(),
                peer: Peer { pid: None, uid: 1000 },
                info: Value::Dict(Dict::from([("version".to_owned(), version.into())])),
                discovery: None,
                certificate: None,
                links: None,
            }),
            ..silent(Vec::new())
        };
        assert_eq!(only(&of(env!("CARGO_PKG_VERSION"))).state, State::Ok);
        let check = only(&of("0.0.1"));
        assert_eq!(check.state, State::Warning);
        assert!(check.found.contains("version 0.0.1"), "{check:?}");
    }
}
