//! What procedures do with actions: list, try, do and switch them.

use std::sync::Arc;

use tokio::sync::oneshot;
use wamp::value::Dict;

use super::dry::{self, Given};
use super::inner::Inner;
use super::plan::{Occasion, Plan};
use super::work::Job;
use super::{Refused, Unknown, host, words};
use crate::config::action::{Action, Event};

/// What procedures do with actions.
#[derive(Debug, Clone)]
pub(crate) struct Handle(pub(super) Arc<Inner>);

impl Handle {
    /// How it stands with each, in the order of the file.
    pub(crate) fn rows(&self) -> Vec<Dict> {
        let now = self.0.now();
        let mut rows: Vec<_> = {
            let book = self.0.book();
            let row = |plan: &Plan| {
                let queued = book.workers.queued(&plan.action.name);
                (Arc::clone(&plan.action), words::row(plan, queued, &now))
            };
            book.plans.iter().map(row).collect()
        };
        for (action, row) in &mut rows {
            // Nothing will ever go wrong with an action that waits for nobody.
            if let Some(device) = self.stranger(action) {
                row.insert("error".to_owned(), dry::not_paired(device).into());
            }
        }
        rows.into_iter().map(|(_, row)| row).collect()
    }

    /// A device that an action waits for and that is not paired.
    fn stranger<'a>(&self, action: &'a Action) -> Option<&'a str> {
        action.when.iter().find_map(|when| match &when.event {
            Event::Device { device, .. } => self.0.known(device).is_none().then_some(device.as_str()),
            Event::Topic(_) | Event::At { .. } | Event::Every(_) | Event::Host { .. } => None,
        })
    }

    /// Takes another configuration, as [`super::Actions::reconfigure`].
    pub(crate) fn reconfigure(&self, actions: &[Action]) {
        let fresh = self.0.arrange(actions, false);
        drop(self.0.listen(&fresh));
        self.0.changed.notify_one();
    }

    /// What an action would do on this occasion; that of another configuration, if one is given.
    pub(crate) async fn test(&self, name: &str, given: &Given, other: Option<&[Action]>) -> Result<Dict, Unknown> {
        let action = match other {
            None => self.0.find(name)?,
            Some(actions) => {
                let found = actions.iter().find(|action| action.name == name);
                let known = || actions.iter().map(|action| action.name.clone()).collect();
                Arc::new(found.cloned().ok_or_else(|| Unknown { known: known() })?)
            }
        };
        let mut now = self.0.now();
        if let Some(at) = given.at {
            now.wall = at;
        }
        let mut scope = given.scope(&action, |device| self.0.known(device), &now);
        // Of the machine itself the figure is known.
        let reading = action.when.iter().find_map(|when| {
            let Event::Host { reading, .. } = &when.event else {
                return None;
            };
            Some(reading)
        });
        let mut measured = None;
        if let Some(reading) = reading {
            let report = components::backends::host::Host::new("/".into()).report().await;
            let report = measured.insert(host::Measured(report));
            if let (Some(value), false) = (report.get(reading), scope.contains_key("value")) {
                scope.insert("value".to_owned(), value.into());
            }
        }
        let known = (|device: &str| self.0.known(device), measured.as_ref());
        Ok(dry::run(&action, given, &scope, known, &now).await)
    }

    /// Does an action now, whatever its conditions are and how often it was done, behind what waits for it already.
    pub(crate) async fn run(&self, name: &str, given: &Given) -> Result<Dict, Refused> {
        let action = self.0.find(name).map_err(Refused::Unknown)?;
        let scope = given.scope(&action, |device| self.0.known(device), &self.0.now());
        let (answer, done) = oneshot::channel();
        let job = Job {
            occasion: Occasion { trigger: "hand", scope },
            answer: Some(answer),
        };
        self.0.book().workers.give(name, job).map_err(|_| Refused::Busy)?;
        done.await.map_err(|_| Refused::Ended)
    }

    /// Switches an action on or off, for as long as nothing else is said; `true` if that outlives the daemon.
    pub(crate) fn switch(&self, name: &str, is_on: bool) -> Result<bool, Refused> {
        self.0.find(name).map_err(Refused::Unknown)?;
        let kept = self
            .0
            .kept()
            .switch(name, is_on)
            .map_err(|error| Refused::NotKept(error.to_string()));
        let now = self.0.now();
        if let Some(plan) = self.0.book().plans.iter_mut().find(|plan| plan.action.name == name) {
            plan.switch(is_on, &now);
        }
        self.0.changed.notify_one();
        self.0.host_wanted.notify_one();
        kept
    }
}
