//! Actions: when something happens, then do something, as the configuration says (`docs/ACTIONS.md`).
//!
//! | file | what it does |
//! |---|---|
//! | `plan` | one action as it stands: from what happens to what is to be done now, without a clock |
//! | `trigger`, `hold`, `schedule`, `limit` | its parts: what a `when` has seen, what has to last, times of day, how often |
//! | `inner`, `handle` | what the tasks share; what procedures do with it |
//! | `watch` | listens to topics, and measures the machine |
//! | `render`, `perform`, `post` | fills a step in, and does it |
//! | `expression`, `template` | conditions, and texts with values in them |
//! | `dry`, `words`, `figures` | the dry run; actions in words; what became of them |
//! | `kept` | what outlives the daemon |
//!
//! Each action has a task that does one thing after the other, and a queue before it; one task keeps the time of all.

mod dry;
pub mod expression;
mod figures;
mod handle;
mod hold;
mod host;
mod inner;
mod kept;
pub mod limit;
mod moment;
mod perform;
mod plan;
mod post;
mod render;
mod schedule;
pub mod template;
mod trigger;
mod watch;
mod words;
mod work;

use std::sync::{Arc, Mutex};

use router::Router;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

pub(crate) use self::dry::Given;
pub(crate) use self::handle::Handle;
use self::inner::Inner;
use self::kept::Kept;
use self::perform::Performer;
pub(crate) use self::post::authorities_fault;
use crate::audit::Audit;
use crate::config::Config;
use crate::config::action::Action;
use crate::inside::Sessions;
use crate::store::Store;

/// The name of the sessions of actions, one in each realm for all of them. That keeps an action from hearing what actions publish:
/// an event does not come back to the session that published it (WAMP specification, "Publisher Exclusion").
pub(crate) const NAME: &str = "actions";

/// All actions of the daemon.
#[derive(Debug)]
pub struct Actions {
    inner: Arc<Inner>,
    tasks: Vec<AbortOnDropHandle<()>>,
}

/// There is no action of this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unknown {
    pub(crate) known: Vec<String>,
}

impl Actions {
    /// The actions of the configuration. They begin with [`Actions::begin`]. A plain router keeps nothing of them.
    pub(crate) fn new(router: &Router, (store, audit): (&Arc<Store>, &Audit), config: &Config) -> Self {
        let place = store.place().ok().filter(|_| config.desktop.enabled);
        let sessions = Arc::new(Sessions::new(router.clone(), NAME));
        let inner = Arc::new(Inner {
            begin: Instant::now(),
            book: Mutex::default(),
            kept: Mutex::new(Kept::open(place)),
            changed: Notify::new(),
            host_wanted: Notify::new(),
            performer: Performer::new(Arc::clone(&sessions)),
            sessions,
            has_desktop: config.desktop.enabled,
            store: Arc::clone(store),
            audit: audit.clone(),
        });
        inner.arrange(&config.actions, true);
        Self {
            inner,
            tasks: Vec::new(),
        }
    }

    /// Begins, when the realms are open: listens to every topic when this returns.
    pub(crate) async fn begin(&mut self) {
        for begun in self.inner.listen(&[]) {
            // A listener that is gone listens no later either.
            let _ = begun.await;
        }
        self.tasks = vec![
            AbortOnDropHandle::new(tokio::spawn(Arc::clone(&self.inner).keep_time())),
            AbortOnDropHandle::new(tokio::spawn(watch::measure(Arc::clone(&self.inner)))),
        ];
    }

    /// The handle that procedures have.
    pub(crate) fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.inner))
    }

    /// Takes another configuration. An action that is written as before goes on as it stands: with its counts, with what it
    /// waits for, and with what it is doing. One that has changed begins anew; what it is doing comes to its end.
    pub fn reconfigure(&self, actions: &[Action]) {
        self.handle().reconfigure(actions);
    }

    /// Ends at once what is under way, and keeps what has to be kept.
    pub fn stop(&self) {
        self.inner.keep();
        self.end();
    }

    /// Ends the tasks, which share this with each other.
    fn end(&self) {
        for task in &self.tasks {
            task.abort();
        }
        let mut book = self.inner.book();
        book.listeners.clear();
        book.workers.stop();
    }
}

impl Drop for Actions {
    fn drop(&mut self) {
        self.end();
    }
}

/// Why an action is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    Unknown(Unknown),
    /// Too much waits for it.
    Busy,
    /// It was taken out of the configuration, or the daemon ends.
    Ended,
    /// It is done, and nothing of it can be kept.
    NotKept(String),
}

#[cfg(test)]
mod tests;
