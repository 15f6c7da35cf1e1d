//! The brightness of the built-in display: read from sysfs, set through logind
//! (which needs no privilege) or else written to sysfs (which needs root), and
//! followed whoever changes it.
//!
//! Monitors on a cable are not here: they are another protocol (DDC/CI) with
//! another pace.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rustix::fs::inotify;
use tokio::net::unix::pipe;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::logind::Logind;
use super::seen::{Seen, place_of};
use super::sysfs::{self, Panel};
use super::thread::blocking;
use super::{Backlight, Display, Failure, Missing};

/// How often backlights are looked for that came or went. sysfs does not tell
/// watchers about new directories; a display that appears 10 s after its driver
/// was loaded is soon enough.
const RESCAN_EVERY: Duration = Duration::from_secs(10);

const WHAT: &str = "the brightness of a built-in display";

/// The backlights of one sysfs tree.
#[derive(Debug)]
pub struct Sysfs {
    source: Arc<Source>,
    /// Aborted when the backlight is dropped.
    _follower: JoinSet<()>,
}

#[derive(Debug)]
struct Source {
    root: PathBuf,
    logind: Arc<Logind>,
    seen: Seen,
}

impl Sysfs {
    /// Starts to follow the backlights below `root`.
    pub(super) fn start(root: PathBuf, logind: Arc<Logind>) -> Self {
        let source = Arc::new(Source {
            root,
            logind,
            seen: Seen::none(),
        });
        let mut follower = JoinSet::new();
        follower.spawn(follow(Arc::clone(&source)));
        Self {
            source,
            _follower: follower,
        }
    }
}

impl Backlight for Sysfs {
    fn displays(&self) -> BoxFuture<'_, Result<Vec<Display>, Failure>> {
        async { self.source.displays().await.map_err(Failure::Missing) }.boxed()
    }

    fn set(&self, display: Option<String>, percent: u8) -> BoxFuture<'_, Result<Display, Failure>> {
        async move { self.source.set(display, percent).await }.boxed()
    }

    fn changes(&self) -> watch::Receiver<Vec<Display>> {
        self.source.seen.changes()
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        async { self.source.panels().await.err() }.boxed()
    }
}

impl Source {
    async fn panels(&self) -> Result<Vec<Panel>, Missing> {
        let root = self.root.clone();
        let panels = blocking(move || sysfs::panels(&root)).await;
        match panels {
            Ok(panels) if panels.is_empty() => Err(self.missing("it has no backlight that can be set")),
            Ok(panels) => Ok(panels),
            Err(error) => Err(self.missing(&error.to_string())),
        }
    }

    fn missing(&self, reason: &str) -> Missing {
        Missing {
            what: WHAT,
            reason: format!("{}: {reason}", self.root.display()),
            mend: "nothing to mend on a machine without a built-in display; on a laptop, load its graphics driver"
                .into(),
        }
    }

    async fn displays(&self) -> Result<Vec<Display>, Missing> {
        let panels = self.panels().await?;
        let displays = blocking(move || readable(&panels))
            .await
            .map_err(|error| self.missing(&error.to_string()))?;
        self.seen.all(&displays);
        Ok(displays)
    }

    async fn set(&self, display: Option<String>, percent: u8) -> Result<Display, Failure> {
        let mut panels = self.panels().await?;
        let index = place_of(display.as_deref(), panels.iter().map(|panel| &panel.id))?;
        let panel = panels.swap_remove(index);
        let raw = panel.raw(percent.clamp(1, 100));
        let read = panel.clone();
        if blocking(move || read.requested()).await.ok() != Some(raw) {
            self.write(&panel, raw).await?;
        }
        let shown = blocking(move || panel.display())
            .await
            .map_err(|error| self.missing(&error.to_string()))?;
        self.seen.one(&shown);
        Ok(shown)
    }

    async fn write(&self, panel: &Panel, raw: u32) -> Result<(), Missing> {
        let Err(refused) = self.logind.set_brightness(&panel.id, raw).await else {
            return Ok(());
        };
        let panel = panel.clone();
        blocking(move || panel.write(raw)).await.map_err(|error| Missing {
            what: WHAT,
            reason: format!("logind: {}; written directly: {error}", refused.reason),
            mend: refused.mend,
        })
    }
}

/// The panels that can be read; why not, if none can.
fn readable(panels: &[Panel]) -> io::Result<Vec<Display>> {
    let (read, failed): (Vec<_>, Vec<_>) = panels.iter().map(Panel::display).partition(Result::is_ok);
    match failed.into_iter().next() {
        Some(Err(error)) if read.is_empty() => Err(error),
        _ => Ok(read.into_iter().flatten().collect()),
    }
}

/// Tells of each change until it is aborted.
async fn follow(source: Arc<Source>) {
    loop {
        let watcher = match source.panels().await {
            Ok(panels) => Watcher::new(&panels).ok(),
            Err(_) => {
                source.seen.all(&[]);
                None
            }
        };
        let Some(watcher) = watcher else {
            tokio::time::sleep(RESCAN_EVERY).await;
            continue;
        };
        // The watch stands before the reading, so no change falls in between.
        while source.displays().await.is_ok() {
            // A quiet time is the time to look whether the panels are the same.
            let Ok(Ok(())) = timeout(RESCAN_EVERY, watcher.changed()).await else {
                break;
            };
        }
    }
}

/// inotify on the attributes. Somebody's write to `brightness` is seen like a
/// write to any file, and for what the kernel itself changes (keys handled by
/// firmware) it calls `sysfs_notify` on `actual_brightness`, which inotify
/// reports too.
///
/// The descriptor is read as if it were a pipe, which needs the same calls;
/// tokio has no safe type of its own for it.
#[derive(Debug)]
struct Watcher {
    inotify: pipe::Receiver,
}

impl Watcher {
    fn new(panels: &[Panel]) -> io::Result<Self> {
        let inotify = inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC)?;
        for path in panels.iter().flat_map(Panel::watched) {
            watch_file(&inotify, &path)?;
        }
        Ok(Self {
            inotify: pipe::Receiver::from_file_unchecked(File::from(inotify))?,
        })
    }

    /// Waits for a change and takes all that are there: they mean one reading.
    async fn changed(&self) -> io::Result<()> {
        loop {
            self.inotify.readable().await?;
            match self.inotify.try_read(&mut [0; 4096]) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                taken => return taken.map(drop),
            }
        }
    }
}

fn watch_file(inotify: &OwnedFd, path: &Path) -> io::Result<()> {
    match inotify::add_watch(inotify, path, inotify::WatchFlags::MODIFY) {
        // Not every driver has both attributes.
        Err(rustix::io::Errno::NOENT) => Ok(()),
        other => Ok(other.map(drop)?),
    }
}
