//! All displays whose brightness can be set, by whoever does it best: the desktop's own service, so that its slider
//! follows; or else the backlight of the built-in display, through logind or directly; and DDC/CI for monitors on cables,
//! where the desktop does not do that itself.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

mod desktop;

use self::desktop::{Desktop, Served};
use super::backlight::Sysfs;
use super::bus::Bus;
use super::ddc::Monitors;
use super::logind::Logind;
use super::seen::{Seen, place_of};
use super::{Backlight, Display, Failure, Missing};

/// How often it is looked for displays that come or go without a word: monitors on cables, and desktops that start.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// The displays of this machine.
#[derive(Debug)]
pub struct Displays {
    source: Arc<Source>,
    /// Aborted with the displays.
    _follower: JoinSet<()>,
}

#[derive(Debug)]
struct Source {
    desktop: Desktop,
    panels: Sysfs,
    monitors: Monitors,
    seen: Seen,
}

/// Where displays are looked for.
#[derive(Debug, Clone)]
pub struct DisplayPlaces {
    /// The directory with one entry for each backlight.
    pub backlights: PathBuf,
    /// The directory with one entry for each connector of a graphics card.
    pub connectors: PathBuf,
    /// The directory with the buses of monitors.
    pub buses: PathBuf,
}

impl Default for DisplayPlaces {
    fn default() -> Self {
        Self {
            backlights: "/sys/class/backlight".into(),
            connectors: "/sys/class/drm".into(),
            buses: "/dev".into(),
        }
    }
}

/// How well monitors on cables have to be known.
#[derive(Debug, Clone, Copy)]
enum Monitored {
    Now,
    Last,
}

/// Every display as it was found at one time.
struct Found {
    served: Option<Served>,
    displays: Vec<Display>,
}

impl Displays {
    /// Starts to follow the displays at these places.
    pub(super) fn start(places: DisplayPlaces, logind: Arc<Logind>, session: Arc<Bus>) -> Self {
        let source = Arc::new(Source {
            desktop: Desktop::new(session),
            panels: Sysfs::start(places.backlights, logind),
            monitors: Monitors::new(places.connectors, places.buses),
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

impl Backlight for Displays {
    fn displays(&self) -> BoxFuture<'_, Result<Vec<Display>, Failure>> {
        async { Ok(self.source.find(Monitored::Now).await?.displays) }.boxed()
    }

    fn set(&self, display: Option<String>, percent: u8) -> BoxFuture<'_, Result<Display, Failure>> {
        self.source.set(display, percent).boxed()
    }

    fn changes(&self) -> watch::Receiver<Vec<Display>> {
        self.source.seen.changes()
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        async { self.source.find(Monitored::Last).await.err() }.boxed()
    }
}

impl Source {
    /// Every display; monitors on cables as they are now, or as they were last for whoever only follows.
    async fn find(&self, monitors: Monitored) -> Result<Found, Missing> {
        let served = self.desktop.displays().await;
        let (mut displays, panels) = match &served {
            Some(served) => (served.displays.clone(), None),
            None => match self.panels.displays().await {
                Ok(displays) => (displays, None),
                Err(failure) => (Vec::new(), Some(failure)),
            },
        };
        if !served.as_ref().is_some_and(Served::has_external) {
            displays.extend(match monitors {
                Monitored::Now => self.monitors.displays().await,
                Monitored::Last => self.monitors.known().await,
            });
        }
        if displays.is_empty() {
            // A panel that cannot be read at this moment is not gone.
            if self.panels.changes().borrow().is_empty() {
                self.seen.all(&displays);
            }
            // A monitor that is attached and refuses says more than that there is no panel.
            return Err(match (self.monitors.missing().await, panels) {
                (None, Some(Failure::Missing(missing))) | (Some(missing), _) => missing,
                (None, _) => none(),
            });
        }
        self.seen.all(&displays);
        Ok(Found { served, displays })
    }

    async fn set(&self, asked: Option<String>, percent: u8) -> Result<Display, Failure> {
        let found = self.find(Monitored::Now).await?;
        let index = place_of(asked.as_deref(), found.displays.iter().map(|display| &display.id))?;
        let display = &found.displays[index];
        let percent = percent.clamp(1, 100);
        if display.percent == percent {
            return Ok(display.clone());
        }
        let set = match &found.served {
            Some(served) if index < served.displays.len() => self.desktop.set(served, index, percent).await?,
            _ => match self.monitors.set(&display.id, percent).await {
                Some(set) => set?,
                None => self.panels.set(Some(display.id.clone()), percent).await?,
            },
        };
        self.seen.one(&set);
        Ok(set)
    }
}

fn none() -> Missing {
    Missing {
        what: "the brightness of a display",
        reason: "there is none that can be set".into(),
        mend: "nothing to mend on a machine without a display".into(),
    }
}

/// Tells of each change until it is aborted.
async fn follow(source: Arc<Source>) {
    let (mut panels, mut monitors) = (source.panels.changes(), source.monitors.changes());
    let mut signals = None;
    loop {
        if signals.is_none() {
            signals = source.desktop.signals().await;
        }
        // What is asked here is told to those who follow; that there is nothing is told as well.
        let _ = source.find(Monitored::Last).await;
        let is_alive = tokio::select! {
            _ = panels.changed() => true,
            _ = monitors.changed() => true,
            is_alive = desktop::next(signals.as_mut()) => is_alive,
            () = sleep(LOOK_EVERY) => true,
        };
        if !is_alive {
            signals = None;
        }
    }
}
