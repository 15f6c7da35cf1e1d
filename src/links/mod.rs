//! Links to other routers: what a realm forwards to a realm of another router, and from it (`docs/LINKS.md`).
//!
//! A link is two sessions, one here and one there, and a task for each direction between them, which passes messages on as
//! they are. The session there is kept by [`client::Client`], which finds the other router again. What the realms do about
//! forwarded events and calls, so that none circles, is in `deskconn-wamp`.
//!
//! | file | what it does |
//! |---|---|
//! | `link` | a link's sessions: opens them, asks for what is to be forwarded, notices when one is lost |
//! | `pass` | one direction: from a message of one session to one of the other |
//! | `events`, `calls` | what becomes of an event; calls that are open between the two sessions |
//! | `rule` | which URIs are forwarded, and the role of the session here |
//! | `end` | one of the two sessions, with what it was asked for |
//! | `kept` | events that wait on disk for the other router |
//! | `state` | how it stands with a link, in words and figures |

mod calls;
mod end;
mod events;
mod kept;
mod link;
mod pass;
mod rule;
mod state;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use client::{Queue, QueueError};
use router::Router;
use sha2::{Digest as _, Sha256};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use wamp::message::RouterId;

use self::link::Link;
pub use self::link::RETRY;
pub(crate) use self::rule::{hearing_of_losses, role};
pub use self::state::Report;
use crate::config::Config;
use crate::store::StateDir;

/// What the name of a link's session here begins with.
const LOCAL: &str = "link ";
/// How long links take to say goodbye when the daemon stops.
const FAREWELL: Duration = Duration::from_secs(1);

/// The link whose session here has this name, if it is one of a link.
pub(crate) fn of_session(name: &str) -> Option<&str> {
    name.strip_prefix(LOCAL)
}

/// Every link of the daemon.
#[derive(Debug, Default)]
pub struct Links {
    links: Vec<Arc<Link>>,
    tasks: Vec<JoinHandle<()>>,
    _place: Option<Place>,
}

impl Links {
    /// Begins with the links of the configuration. Events wait in `place` for routers that are away, which is there if any
    /// link wants it.
    ///
    /// # Errors
    /// A queue on disk cannot be used.
    pub(crate) fn start(
        router: &Router,
        config: &Config,
        own: RouterId,
        place: Option<Place>,
    ) -> Result<Self, QueueError> {
        let (mut links, mut tasks) = (Vec::new(), Vec::new());
        for realm in &config.realms {
            for link in &realm.links {
                let place = place.as_ref().filter(|_| link.keeps());
                let queue = place.map(|place| place.queue(&realm.name, &link.name)).transpose()?;
                let (link, its_tasks) = Link::start(router.clone(), &realm.name, link, own, queue);
                links.push(link);
                tasks.extend(its_tasks);
            }
        }
        Ok(Self {
            links,
            tasks,
            _place: place,
        })
    }

    /// How it stands with each.
    #[must_use]
    pub fn reports(&self) -> Vec<Report> {
        self.links.iter().map(|link| link.report()).collect()
    }

    /// Says goodbye to the other routers.
    pub async fn stop(&self) {
        let closing = futures_util::future::join_all(self.links.iter().map(|link| link.close()));
        // A router that does not answer finds out by itself.
        let _ = timeout(FAREWELL, closing).await;
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Where events wait on disk.
#[derive(Debug)]
pub(crate) struct Place {
    state: PathBuf,
    /// Held, so that no other daemon has it.
    _directory: Arc<StateDir>,
}

impl Place {
    pub(crate) fn new(state: &Path, directory: Arc<StateDir>) -> Self {
        Self {
            state: state.to_owned(),
            _directory: directory,
        }
    }

    /// The queue of a link: names of realms and links may have any characters, those of folders may not.
    fn queue(&self, realm: &str, link: &str) -> Result<Queue, QueueError> {
        let name = Sha256::new()
            .chain_update(realm)
            .chain_update([0])
            .chain_update(link)
            .finalize();
        let folder = format!("link-{}", hex::encode(&name[..8]));
        Queue::open(&self.state.join(folder))
    }
}
