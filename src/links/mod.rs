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
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
use crate::config::{self, Config};
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
#[derive(Debug)]
pub struct Links {
    router: Router,
    own: RouterId,
    running: Mutex<Vec<Running>>,
}

/// A link with the words of the configuration that it goes by.
#[derive(Debug)]
struct Running {
    realm: String,
    words: config::Link,
    link: Arc<Link>,
    tasks: Vec<JoinHandle<()>>,
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
        place: Option<&Place>,
    ) -> Result<Self, QueueError> {
        let links = Self {
            router: router.clone(),
            own,
            running: Mutex::default(),
        };
        for (realm, words) in of(config) {
            links.begin(realm, words, place)?;
        }
        Ok(links)
    }

    fn running(&self) -> MutexGuard<'_, Vec<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, realm: &str, words: &config::Link, place: Option<&Place>) -> Result<(), QueueError> {
        let place = place.filter(|_| words.keeps());
        let queue = place.map(|place| place.queue(realm, &words.name)).transpose()?;
        let (link, tasks) = Link::start(self.router.clone(), realm, words, self.own, queue);
        self.running().push(Running {
            realm: realm.to_owned(),
            words: words.clone(),
            link,
            tasks,
        });
        Ok(())
    }

    /// Ends the links that the configuration does not have any more in these words.
    pub(crate) async fn end_others(&self, config: &Config) -> usize {
        let stays = |it: &Running| of(config).any(|(realm, words)| it.realm == realm && it.words == *words);
        let gone = {
            let mut running = self.running();
            let (stay, gone) = running.drain(..).partition(stays);
            *running = stay;
            gone
        };
        for Running { realm, words, .. } in &gone {
            tracing::info!(link = %words.name, realm, "the link ends, since the configuration has it no more in these words");
        }
        end(gone).await
    }

    /// Begins with the links that are new in the configuration.
    pub(crate) fn begin_others(&self, config: &Config, place: Option<&Place>) -> (usize, Vec<String>) {
        let (mut begun, mut failed) = (0, Vec::new());
        for (realm, words) in of(config) {
            let is_there = self.running().iter().any(|it| it.realm == realm && it.words == *words);
            if is_there {
                continue;
            }
            match self.begin(realm, words, place) {
                Ok(()) => begun += 1,
                Err(error) => failed.push(format!("the link \"{}\" of the realm \"{realm}\": {error}", words.name)),
            }
        }
        (begun, failed)
    }

    /// How it stands with each.
    #[must_use]
    pub fn reports(&self) -> Vec<Report> {
        self.running().iter().map(|it| it.link.report()).collect()
    }

    /// Says goodbye to the other routers.
    pub async fn stop(&self) {
        let all = std::mem::take(&mut *self.running());
        end(all).await;
    }
}

/// Every link of a configuration, with its realm.
fn of<'a>(config: &'a Config) -> impl Iterator<Item = (&'a str, &'a config::Link)> {
    let of_realm = |realm: &'a config::Realm| realm.links.iter().map(|link| (realm.name.as_str(), link));
    config.realms.iter().flat_map(of_realm)
}

/// Says goodbye to these routers, and waits until nothing is left of the links: a queue on disk is one link's at a time.
async fn end(links: Vec<Running>) -> usize {
    let number = links.len();
    let closing = futures_util::future::join_all(links.iter().map(|it| it.link.close()));
    // A router that does not answer finds out by itself.
    let _ = timeout(FAREWELL, closing).await;
    for task in links.into_iter().flat_map(|it| it.tasks) {
        task.abort();
        let _ = task.await;
    }
    number
}

/// Where events wait on disk.
#[derive(Debug, Clone)]
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
