//! Opening a page in the person's browser: by the desktop's portal (XDG Desktop Portal, `org.freedesktop.portal.OpenURI`),
//! else by `xdg-open`, to which the address is one argument and never a line for a shell.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use tokio::process::Command;
use tokio::time::timeout;
use url::Url;
use zbus::{Connection, MatchRule, MessageStream, OwnedObjectPath, OwnedVariant, Variant, message};

use super::bus::{self, Bus};
use super::program::is_installed;
use super::thread::blocking;
use super::{Failure, Missing};

const PORTAL: &str = "org.freedesktop.portal.Desktop";
const PORTAL_PATH: &str = "/org/freedesktop/portal/desktop";
const OPEN_URI: &str = "org.freedesktop.portal.OpenURI";
const REQUEST: &str = "org.freedesktop.portal.Request";
const REQUEST_PATHS: &str = "/org/freedesktop/portal/desktop/request";

/// How long opening gets to succeed or fail. What takes longer is a question to the person, or a browser that
/// `xdg-open` started and waits for: both go on.
pub const OPEN_WITHIN: Duration = Duration::from_secs(5);

/// Opens pages.
pub trait Opener: Debug + Send + Sync {
    /// Opens an address in the browser of the person in front.
    fn open(&self, address: Url) -> BoxFuture<'_, Result<(), Failure>>;

    /// What is missing for it right now.
    fn missing(&self) -> BoxFuture<'_, Option<Missing>>;
}

/// The program that opens pages where there is no portal.
#[derive(Debug, Clone)]
pub struct Program {
    /// `xdg-open`, or what does the same.
    pub path: PathBuf,
    /// Whether this process is part of a graphical session, without which there is no browser to be seen.
    pub is_graphical: bool,
    /// What is set for it beside the environment of this process.
    pub environment: BTreeMap<String, String>,
}

impl Program {
    /// As the environment says.
    #[must_use]
    pub fn of_environment() -> Self {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        Self {
            path: PathBuf::from("xdg-open"),
            is_graphical: is_set("WAYLAND_DISPLAY") || is_set("DISPLAY"),
            environment: BTreeMap::new(),
        }
    }
}

/// Opens pages on the desktop of one session bus.
#[derive(Debug)]
pub struct DesktopOpener {
    bus: Arc<Bus>,
    program: Program,
}

impl DesktopOpener {
    /// That of this bus, else this program.
    pub(super) const fn new(bus: Arc<Bus>, program: Program) -> Self {
        Self { bus, program }
    }

    async fn open(&self, address: &Url) -> Result<(), Failure> {
        match self.ask_portal(address).await {
            Ok(Answer::Opened) => Ok(()),
            Ok(Answer::Declined) => Err(Failure::Refused("somebody at the desktop said no".into())),
            Ok(Answer::Failed) => self.run(address, "the desktop's portal failed").await,
            Err(reason) => self.run(address, &reason).await,
        }
    }

    async fn ask_portal(&self, address: &Url) -> Result<Answer, String> {
        let connection = self.bus.connection().await.map_err(|missing| missing.reason)?;
        let asking = portal(&connection, address);
        match timeout(OPEN_WITHIN, asking).await {
            Ok(answer) => answer.map_err(|error| bus::reason(&error)),
            // It asks the person, who may take as long as it takes.
            Err(_) => Ok(Answer::Opened),
        }
    }

    /// Runs the program. `reason` is why the portal did not do it.
    async fn run(&self, address: &Url, reason: &str) -> Result<(), Failure> {
        if !self.program.is_graphical {
            return Err(no_session(reason).into());
        }
        let mut command = Command::new(&self.program.path);
        command
            .arg(address.as_str())
            .envs(&self.program.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C is for the daemon, and not for the browser.
            .process_group(0);
        let mut running = command.spawn().map_err(|error| not_run(&self.program.path, &error))?;
        match timeout(OPEN_WITHIN, running.wait()).await {
            // It runs for as long as the browser does; nobody waits for it any longer.
            Err(_) => Ok(()),
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(no_browser(&format!("{} ended with {status}", self.program.path.display())).into()),
            Ok(Err(error)) => Err(not_run(&self.program.path, &error).into()),
        }
    }

    async fn missing(&self) -> Option<Missing> {
        let reason = match self.bus.connection().await {
            Ok(connection) => match bus::offers(&connection, PORTAL).await {
                Ok(true) => return None,
                Ok(false) => "nobody on the session bus opens pages".to_owned(),
                Err(error) => bus::reason(&error),
            },
            Err(missing) => missing.reason,
        };
        if !self.program.is_graphical {
            return Some(no_session(&reason));
        }
        let path = self.program.path.clone();
        let is_there = blocking(move || is_installed(&path)).await;
        let absent = std::io::Error::from(ErrorKind::NotFound);
        (!is_there).then(|| not_run(&self.program.path, &absent))
    }
}

/// What the portal did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Opened,
    /// The person said no.
    Declined,
    Failed,
}

async fn portal(connection: &Connection, address: &Url) -> zbus::Result<Answer> {
    // Before the question, so that the quickest answer is heard.
    let rule = MatchRule::builder()
        .msg_type(message::Type::Signal)
        .sender(PORTAL)
        .interface(REQUEST)
        .member("Response")
        .path_namespace(REQUEST_PATHS)
        .build()?;
    let mut answers = MessageStream::for_match_rule(rule, connection, None).await?;
    let no_window = "";
    let options: HashMap<&str, Variant<'_>> = HashMap::new();
    let question = (no_window, address.as_str(), options);
    let request: OwnedObjectPath = bus::call(connection, PORTAL, PORTAL_PATH, OPEN_URI, "OpenURI", &question).await?;
    while let Some(answer) = answers.next().await {
        let answer = answer?;
        if answer.header().path().is_none_or(|path| *path != *request) {
            continue;
        }
        let (answer, _details): (u32, HashMap<String, OwnedVariant>) = answer.body().deserialize()?;
        return Ok(match answer {
            0 => Answer::Opened,
            1 => Answer::Declined,
            _ => Answer::Failed,
        });
    }
    Ok(Answer::Failed)
}

fn no_session(reason: &str) -> Missing {
    Missing {
        what: "the desktop session",
        reason: format!("{reason}, and neither WAYLAND_DISPLAY nor DISPLAY is set"),
        mend: "inside the session run: systemctl --user import-environment WAYLAND_DISPLAY DISPLAY".into(),
    }
}

fn not_run(program: &Path, error: &std::io::Error) -> Missing {
    Missing {
        what: "the program that opens pages",
        reason: format!("{}: {error}", program.display()),
        mend: "install xdg-utils, or a portal of your desktop (xdg-desktop-portal)".into(),
    }
}

fn no_browser(reason: &str) -> Missing {
    Missing {
        what: "a web browser",
        reason: reason.into(),
        mend: "install one, and choose it: xdg-settings set default-web-browser NAME.desktop".into(),
    }
}

impl Opener for DesktopOpener {
    fn open(&self, address: Url) -> BoxFuture<'_, Result<(), Failure>> {
        async move { Self::open(self, &address).await }.boxed()
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        Self::missing(self).boxed()
    }
}
