//! Who does actions: a task for each, that does one thing after the other.

use std::collections::HashMap;
use std::sync::Arc;

use client::Args;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;
use wamp::value::Dict;

use super::figures::Last;
use super::inner::Inner;
use super::plan::{Occasion, complete};
use super::words;
use crate::config::DESKTOP_REALM;
use crate::config::action::Action;

/// The topic on which it is told that an action was done.
const ON_RUN: &str = "org.deskconn.actions.on_run";

/// Occasions that wait for an action that is being done. More say nothing new, and are left out.
pub(super) const QUEUE: usize = 16;

/// Something to be done.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) occasion: Occasion,
    /// Who waits for what becomes of it.
    pub(super) answer: Option<oneshot::Sender<Dict>>,
}

/// The queues, by the names of the actions.
#[derive(Debug, Default)]
pub(super) struct Workers {
    queues: HashMap<String, mpsc::Sender<Job>>,
    tasks: Vec<AbortOnDropHandle<()>>,
}

impl Workers {
    /// Puts a worker in the place of another one, who does what waits for it and ends.
    pub(super) fn put(&mut self, inner: Arc<Inner>, action: Arc<Action>) {
        let (queue, jobs) = mpsc::channel(QUEUE);
        self.queues.insert(action.name.clone(), queue);
        self.tasks.retain(|task| !task.is_finished());
        self.tasks
            .push(AbortOnDropHandle::new(tokio::spawn(work(inner, action, jobs))));
    }

    pub(super) fn drop_one(&mut self, name: &str) {
        self.queues.remove(name);
    }

    /// Gives somebody something to do.
    ///
    /// # Errors
    /// Why it is left out.
    pub(super) fn give(&self, name: &str, job: Job) -> Result<(), &'static str> {
        let queue = self
            .queues
            .get(name)
            .ok_or("it has been taken out of the configuration")?;
        queue
            .try_send(job)
            .map_err(|_| "too many wait for it already, and it has not come to an end")
    }

    /// How many wait.
    pub(super) fn queued(&self, name: &str) -> usize {
        self.queues
            .get(name)
            .map_or(0, |queue| queue.max_capacity() - queue.capacity())
    }

    pub(super) fn stop(&mut self) {
        self.queues.clear();
        self.tasks.clear();
    }
}

async fn work(inner: Arc<Inner>, action: Arc<Action>, mut jobs: mpsc::Receiver<Job>) {
    while let Some(Job { occasion, answer }) = jobs.recv().await {
        let now = inner.now();
        let began = Instant::now();
        let Occasion { trigger, mut scope } = occasion;
        complete(&mut scope, &action, trigger, &now);
        let outcome = inner.performer.perform(&action, scope).await;
        let took = began.elapsed();
        let last = Last {
            at: now.wall,
            took_ms: words::milliseconds(took),
            is_ok: outcome.error.is_none(),
        };
        tracing::debug!(action = %action.name, trigger, took_ms = last.took_ms, ok = last.is_ok, "done");
        if let Some(plan) = inner.book().plans.iter_mut().find(|plan| plan.action == action) {
            plan.figures.done(last, outcome.error.clone());
        }
        if let Some(entry) = words::entry(&action.name, trigger, &outcome) {
            inner.audit.note(entry);
        }
        if inner.has_desktop {
            tell(&inner, &action.name, trigger, words::outcome(&outcome, took, false)).await;
        }
        if let Some(answer) = answer {
            // Who asked may have gone.
            let _ = answer.send(words::outcome(&outcome, took, true));
        }
    }
}

/// Tells on the desktop what was done. Nobody waits for that.
async fn tell(inner: &Inner, name: &str, trigger: &str, outcome: Dict) {
    let Ok(session) = inner.sessions.of(DESKTOP_REALM).await else {
        return;
    };
    let args = Args::from([name.into()]).with("trigger", trigger);
    let args = outcome
        .into_iter()
        .fold(args, |args, (key, value)| args.with(&key, value));
    if let Err(error) = session.publish(ON_RUN, args).await {
        tracing::debug!(%error, "what an action did was not published");
    }
}
