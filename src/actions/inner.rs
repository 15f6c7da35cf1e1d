//! What the tasks of actions share: how it stands with each, who listens and who does them, and the task that keeps the time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until};
use tokio_util::task::AbortOnDropHandle;
use wamp::value::Dict;

use super::kept::Kept;
use super::moment::Moment;
use super::perform::Performer;
use super::plan::{Known, Occasion, Plan};
use super::watch::{self, Key};
use super::work::{Job, Workers};
use super::{Unknown, host};
use crate::audit::Audit;
use crate::clock;
use crate::config::action::{Action, Event};
use crate::inside::Sessions;
use crate::store::Store;

/// What the tasks share.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) begin: Instant,
    pub(super) book: Mutex<Book>,
    pub(super) kept: Mutex<Kept>,
    /// Something is due earlier than was thought.
    pub(super) changed: Notify,
    /// An action is about the machine.
    pub(super) host_wanted: Notify,
    pub(super) sessions: Arc<Sessions>,
    /// Whether there is a desktop, on which is told what was done.
    pub(super) has_desktop: bool,
    pub(super) performer: Performer,
    pub(super) store: Arc<Store>,
    pub(super) audit: Audit,
}

/// What is under one lock, which is never held over a wait.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// In the order of the file.
    pub(super) plans: Vec<Plan>,
    pub(super) workers: Workers,
    pub(super) listeners: BTreeMap<Key, AbortOnDropHandle<()>>,
    /// Which devices are there, as far as was heard.
    pub(super) presence: BTreeMap<String, bool>,
    /// Up to when the task that keeps the time sleeps.
    pub(super) armed: Option<std::time::Duration>,
}

impl Inner {
    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Moment {
        Moment::now(self.begin)
    }

    pub(super) fn find(&self, name: &str) -> Result<Arc<Action>, Unknown> {
        let book = self.book();
        let found = book.plans.iter().find(|plan| plan.action.name == name);
        let known = || book.plans.iter().map(|plan| plan.action.name.clone()).collect();
        found
            .map(|plan| Arc::clone(&plan.action))
            .ok_or_else(|| Unknown { known: known() })
    }

    /// The paired device of this id or name.
    pub(super) fn known(&self, device: &str) -> Option<Known> {
        self.store.with_trust(|trust| {
            let found = trust.devices().iter().find(|it| it.id == device || it.name == device)?;
            Some(Known {
                id: found.id.clone(),
                name: found.name.clone(),
                kind: found.kind.word().to_owned(),
            })
        })
    }

    /// Puts the plans of these actions in the place of those that are there, and gives what those that are new listen to. What
    /// passed while the daemon was down counts at its start alone: what is written later was not there then.
    pub(super) fn arrange(self: &Arc<Self>, actions: &[Action], is_start: bool) -> Vec<Key> {
        let now = self.now();
        let mut book = self.book();
        let mut before: BTreeMap<String, Plan> = std::mem::take(&mut book.plans)
            .into_iter()
            .map(|plan| (plan.action.name.clone(), plan))
            .collect();
        let (mut plans, mut fresh) = (Vec::new(), Vec::new());
        for action in actions {
            if let Some(plan) = before.remove(&action.name).filter(|plan| *plan.action == *action) {
                plans.push(plan);
                continue;
            }
            let kept = self.kept();
            let is_on = kept.switched(&action.name).unwrap_or(action.enabled);
            let action = Arc::new(action.clone());
            let checked = kept.checked(&action.name).filter(|_| is_start);
            let mut plan = Plan::new(Arc::clone(&action), is_on, checked, &now);
            drop(kept);
            for (device, is_present) in &book.presence {
                if let Some(known) = self.known(device) {
                    plan.met(&known, *is_present, true, &now);
                }
            }
            fresh.extend(
                action
                    .when
                    .iter()
                    .filter_map(|when| Key::of(&action.realm, &when.event)),
            );
            book.workers.put(Arc::clone(self), action);
            plans.push(plan);
        }
        for name in before.keys() {
            book.workers.drop_one(name);
        }
        book.plans = plans;
        fresh
    }

    /// Listens to what the plans want and to nothing else; anew to what those want that are new, so that they hear what is
    /// retained. Each has begun when its receiver says so.
    pub(super) fn listen(self: &Arc<Self>, fresh: &[Key]) -> Vec<oneshot::Receiver<()>> {
        let mut book = self.book();
        let keys = book.plans.iter().flat_map(|plan| {
            let keys = plan
                .action
                .when
                .iter()
                .map(|when| Key::of(&plan.action.realm, &when.event));
            keys.flatten()
        });
        let wanted: Vec<Key> = keys.collect();
        book.listeners
            .retain(|key, _| wanted.contains(key) && !(key.retained && fresh.contains(key)));
        let mut begun = Vec::new();
        for key in wanted {
            if book.listeners.contains_key(&key) {
                continue;
            }
            let (begins, begin) = oneshot::channel();
            let task = tokio::spawn(watch::listen(Arc::clone(self), key.clone(), begins));
            book.listeners.insert(key, AbortOnDropHandle::new(task));
            begun.push(begin);
        }
        drop(book);
        self.host_wanted.notify_one();
        begun
    }

    /// Gives what is to be done to those who do it. The clock is set if something is due earlier than was thought.
    fn give(&self, book: &mut Book, found: Vec<(String, Occasion)>, now: &Moment) {
        for (name, occasion) in found {
            let job = Job { occasion, answer: None };
            if let Err(full) = book.workers.give(&name, job)
                && let Some(plan) = book.plans.iter_mut().find(|plan| plan.action.name == name)
            {
                plan.figures.leave_out(1, full, &name);
            }
        }
        let due = book.plans.iter().filter_map(|plan| plan.deadline(now)).min();
        if due.is_some_and(|due| book.armed.is_none_or(|armed| due < armed)) {
            self.changed.notify_one();
        }
    }

    /// An event has come.
    pub(super) fn heard(&self, key: &Key, mut scope: Dict, is_retained: bool, is_too_long: bool) {
        let now = self.now();
        let mut book = self.book();
        let mut found = Vec::new();
        for plan in &mut book.plans {
            let action = Arc::clone(&plan.action);
            for (index, when) in action.when.iter().enumerate() {
                let is_meant = matches!(when.event, Event::Topic(_)) && key.is_of(&action.realm, &when.event);
                if !is_meant {
                    continue;
                }
                if is_too_long {
                    let why = format!("an event has more than {} bytes", watch::MAX_PAYLOAD);
                    plan.figures.leave_out(1, &why, &action.name);
                } else if let Some(occasion) = plan.heard(index, &mut scope, is_retained, &now) {
                    found.push((action.name.clone(), occasion));
                }
            }
        }
        self.give(&mut book, found, &now);
    }

    /// A device has come or gone.
    pub(super) fn met(&self, device: &str, is_present: bool, is_retained: bool) {
        let now = self.now();
        let known = self.known(device);
        let mut book = self.book();
        let Some(known) = known else {
            // It is no longer paired.
            book.presence.remove(device);
            return;
        };
        book.presence.insert(device.to_owned(), is_present);
        // That somebody is absent says, the first time, that the daemon has begun.
        let is_first = is_retained || !is_present;
        let mut found = Vec::new();
        for plan in &mut book.plans {
            let name = plan.action.name.clone();
            let occasions = plan.met(&known, is_present, is_first, &now);
            found.extend(occasions.into_iter().map(|occasion| (name.clone(), occasion)));
        }
        self.give(&mut book, found, &now);
    }

    pub(super) fn wants_host(&self) -> bool {
        let of_host = |plan: &Plan| {
            plan.is_on
                && plan
                    .action
                    .when
                    .iter()
                    .any(|when| matches!(when.event, Event::Host { .. }))
        };
        self.book().plans.iter().any(of_host)
    }

    pub(super) fn measured(&self, report: &host::Measured) {
        let now = self.now();
        let mut book = self.book();
        let mut found = Vec::new();
        for plan in &mut book.plans {
            let name = plan.action.name.clone();
            let occasions = plan.measured(report, &now);
            found.extend(occasions.into_iter().map(|occasion| (name.clone(), occasion)));
        }
        self.give(&mut book, found, &now);
    }

    /// Events came faster than they could be looked at.
    pub(super) fn lost(&self, key: &Key, count: u64) {
        if count > 0 {
            let why = "events came faster than they were looked at";
            self.of_key(key, |plan| plan.figures.leave_out(count, why, &plan.action.name));
        }
    }

    /// A topic cannot be listened to.
    pub(super) fn unheard(&self, key: &Key, why: &str) {
        tracing::warn!(realm = key.realm, topic = key.uri, "actions do not hear it: {why}");
        self.of_key(key, |plan| {
            plan.figures.fail(format!("{} is not heard: {why}", key.uri));
        });
    }

    fn of_key(&self, key: &Key, mut tell: impl FnMut(&mut Plan)) {
        for plan in &mut self.book().plans {
            let action = Arc::clone(&plan.action);
            if action.when.iter().any(|when| key.is_of(&action.realm, &when.event)) {
                tell(plan);
            }
        }
    }

    /// Keeps the time of all actions, for as long as the daemon runs.
    pub(super) async fn keep_time(self: Arc<Self>) {
        let mut clock = clock::Watch::new();
        loop {
            // First of all: a time may have passed while the daemon was down.
            self.tick();
            if self.book().plans.iter().any(|plan| plan.checked().is_some()) {
                clock.look("times of day of actions");
            }
            let now = self.now();
            let due = {
                let mut book = self.book();
                book.armed = book.plans.iter().filter_map(|plan| plan.deadline(&now)).min();
                book.armed
            };
            let sleep = async {
                match due {
                    Some(due) => sleep_until(self.begin + due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = sleep => {}
                () = self.changed.notified() => {}
            }
        }
    }

    fn tick(&self) {
        let now = self.now();
        let mut book = self.book();
        let mut found = Vec::new();
        for plan in &mut book.plans {
            let name = plan.action.name.clone();
            found.extend(plan.tick(&now).into_iter().map(|occasion| (name.clone(), occasion)));
        }
        // Of intervals nothing is kept: an action of each second must not write each second.
        let has_times = |name: &str| {
            book.plans
                .iter()
                .any(|plan| plan.action.name == name && plan.checked().is_some())
        };
        let was_time = found
            .iter()
            .any(|(name, occasion)| occasion.trigger == "time" && has_times(name));
        self.give(&mut book, found, &now);
        drop(book);
        if was_time {
            self.keep();
        }
    }

    /// Keeps up to when the times of day have been seen to.
    pub(super) fn keep(&self) {
        let known = self
            .book()
            .plans
            .iter()
            .map(|plan| (plan.action.name.clone(), plan.checked()))
            .collect();
        self.kept().note(&known);
    }
}
