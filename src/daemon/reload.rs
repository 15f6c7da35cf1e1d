//! Takes another configuration while the daemon runs: what can be taken is, at once, and what cannot is said by its key.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use anyhow::{Context as _, Result};
use components::Running;
use router::Router;
use tokio::sync::Mutex;

use super::bounds::{limits, quota};
use super::realms::Realms;
use super::{Source, advert, computer_name, origins};
use crate::access::{Access, Household, Policy};
use crate::actions;
use crate::advertiser::Advertiser;
use crate::certificates;
use crate::check;
use crate::config::{Config, Tls};
use crate::front_door::Front;
use crate::links::Links;
use crate::metrics::Listeners;
use crate::pair::Desk;
use crate::procedures::Said;
use crate::store::Store;

pub use self::changes::{CHANGES, Change, Takes};

mod changes;

/// What became of another configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// Keys that have changed and are in force.
    pub taken: Vec<&'static str>,
    /// Keys that have changed and wait for a restart, with the reason.
    pub restart: Vec<(&'static str, &'static str)>,
    /// What was wanted and could not be had, a sentence each.
    pub failed: Vec<String>,
    /// What is legal and surely not meant, a sentence each.
    pub warnings: Vec<String>,
    /// Sessions whose role has changed.
    pub sessions_changed: usize,
    /// Sessions that have ended, because they may not be there any more.
    pub sessions_ended: usize,
}

impl Reloaded {
    /// The same in a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        if self.taken.is_empty() && self.restart.is_empty() && self.failed.is_empty() {
            return "nothing has changed".to_owned();
        }
        let mut parts = Vec::new();
        if !self.taken.is_empty() {
            parts.push(format!("taken: {}", self.taken.join(", ")));
        }
        parts.extend(
            self.restart
                .iter()
                .map(|(key, why)| format!("{key} needs a restart: {why}")),
        );
        parts.extend(self.failed.iter().cloned());
        parts.join("; ")
    }
}

/// The parts of a daemon that can go by another configuration.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) router: Router,
    pub(super) realms: Realms,
    pub(super) links: Arc<Links>,
    pub(super) actions: actions::Handle,
    pub(super) store: Arc<Store>,
    pub(super) access: Arc<Access>,
    pub(super) desk: Arc<Desk>,
    pub(super) said: Arc<Said>,
    /// The desktop's functions, where there are any.
    pub(super) functions: Option<Arc<Running>>,
    pub(super) advertiser: Arc<Advertiser>,
    pub(super) certificates: Arc<certificates::Configured>,
    pub(super) front: Arc<Front>,
    pub(super) listeners: Arc<Listeners>,
    pub(super) addresses: Vec<SocketAddr>,
}

/// How often a configuration was taken, and how often it was not.
#[derive(Debug, Default)]
pub(crate) struct Reloads([AtomicU64; 2]);

impl Reloads {
    pub(crate) fn read(&self) -> [u64; 2] {
        self.0.each_ref().map(|it| it.load(Ordering::Relaxed))
    }
}

/// Takes other configurations, one at a time.
#[derive(Debug)]
pub(crate) struct Reloader {
    source: Option<Source>,
    /// The one in force, but for what waits for a restart: that is as it was at the start.
    config: Mutex<Config>,
    parts: OnceLock<Parts>,
    counts: Arc<Reloads>,
}

/// What was looked at before anything changes.
struct Prepared {
    policy: Policy,
    owners: Option<BTreeSet<u32>>,
}

impl Reloader {
    pub(super) fn new(source: Option<Source>, config: &Config) -> Arc<Self> {
        Arc::new(Self {
            source,
            config: Mutex::new(config.clone()),
            parts: OnceLock::new(),
            counts: Arc::default(),
        })
    }

    /// Everything has started.
    pub(super) fn is_ready(&self, parts: Parts) {
        let _ = self.parts.set(parts);
    }

    /// How often a configuration was taken, and how often it was not.
    pub(crate) fn counts(&self) -> Arc<Reloads> {
        Arc::clone(&self.counts)
    }

    /// Reads the file again and takes what it says. What came of it stands in the log too.
    ///
    /// # Errors
    /// It is wrong, and nothing has changed: a sentence for each mistake.
    pub(crate) async fn reload(&self) -> Result<Reloaded, Vec<String>> {
        let reloaded = self.try_reload().await;
        self.counts.0[usize::from(reloaded.is_err())].fetch_add(1, Ordering::Relaxed);
        match &reloaded {
            Ok(reloaded) => {
                tracing::info!(
                    sessions_changed = reloaded.sessions_changed,
                    sessions_ended = reloaded.sessions_ended,
                    "the configuration was read again; taken: {}",
                    if reloaded.taken.is_empty() {
                        "nothing".to_owned()
                    } else {
                        reloaded.taken.join(", ")
                    }
                );
                for (key, why) in &reloaded.restart {
                    tracing::warn!(key, "this change of the configuration needs a restart: {why}");
                }
                for failed in &reloaded.failed {
                    tracing::warn!("of the new configuration this cannot be had: {failed}");
                }
                for warning in &reloaded.warnings {
                    tracing::warn!("the configuration: {warning}");
                }
            }
            Err(errors) => {
                for error in errors {
                    tracing::error!("the configuration is not taken, the one from before stays in force: {error}");
                }
            }
        }
        reloaded
    }

    async fn try_reload(&self) -> Result<Reloaded, Vec<String>> {
        let one = |sentence: &str| vec![sentence.to_owned()];
        let source = self.source.as_ref();
        let source = source.ok_or_else(|| one("this daemon was not started from a file"))?;
        let parts = self.parts.get().ok_or_else(|| one("the daemon is still starting"))?;
        // Hashing passwords takes its time.
        let origin = source.origin.clone();
        let loaded = tokio::task::spawn_blocking(move || origin.load()).await;
        let loaded = loaded.map_err(|error| vec![error.to_string()])?;
        let config = loaded.map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        let mut before = self.config.lock().await;
        let changes: Vec<_> = CHANGES
            .iter()
            .filter(|change| (change.is_in)(&before, &config))
            .collect();
        let mut next = config;
        let mut reloaded = Reloaded::default();
        for change in &changes {
            match change.takes {
                Takes::Now => reloaded.taken.push(change.key),
                Takes::Restart(keep) => {
                    reloaded.restart.push((change.key, change.why()));
                    keep(&before, &mut next);
                }
            }
        }
        let prepared = parts.prepare(&before, &next);
        let prepared = prepared.map_err(|error| vec![format!("{}: {error:#}", source.origin.file().display())])?;
        if let Some(log) = &source.log {
            log.follow(&next).map_err(|error| vec![format!("{error:#}")])?;
        }
        // Files are looked at, which may be on a disk that hangs.
        let checked = next.clone();
        let warnings = tokio::task::spawn_blocking(move || check::warnings(&checked)).await;
        reloaded.warnings = warnings.map_err(|error| vec![error.to_string()])?;
        parts.apply(&before, &next, prepared, &mut reloaded).await;
        *before = next;
        Ok(reloaded)
    }
}

impl Parts {
    /// Looks at everything that may be wrong, and reads the certificates, which is the last that may fail.
    fn prepare(&self, before: &Config, next: &Config) -> Result<Prepared> {
        if let Some(fault) = check::faults(next).into_iter().next() {
            return Err(fault);
        }
        let policy = self.access.prepare(before, next)?;
        let owners = match (before.owners == next.owners, self.access.is_of_system()) {
            (true, _) => None,
            (false, true) => Some(Household::uids(&next.owners)?),
            (false, false) => {
                Household::no_owners(&next.owners)?;
                None
            }
        };
        if before.tls != next.tls {
            self.certificates.follow(&next.tls).context("[tls]")?;
        }
        Ok(Prepared { policy, owners })
    }

    async fn apply(&self, before: &Config, next: &Config, prepared: Prepared, reloaded: &mut Reloaded) {
        let Prepared { policy, owners } = prepared;
        if before.tls == next.tls && next.tls != Tls::default() {
            self.certificates.reload();
            let refused = self.certificates.facts().1;
            reloaded
                .failed
                .extend(refused.map(|why| format!("the certificates as they are now: {why}")));
        }
        let names = |config: &Config| {
            let realms = config.realms.iter().map(|realm| realm.name.clone());
            realms.collect::<BTreeSet<_>>()
        };
        let (had, has) = (names(before), names(next));
        // A link speaks in a session of its realm, so it ends first and begins last.
        self.links.end_others(next).await;
        let of_router = limits(&next.limits);
        self.router.set_limits(of_router, quota(&next.limits));
        for realm in next.realms.iter().filter(|realm| !had.contains(&realm.name)) {
            if let Err(error) = self.realms.open_one(&self.router, next, realm) {
                reloaded.failed.push(format!("{error:#}"));
            }
        }
        let reviewed = self.access.adopt(policy, before, next, &self.router);
        reloaded.sessions_changed = reviewed.changed;
        reloaded.sessions_ended = reviewed.ended;
        for name in had.difference(&has) {
            reloaded.sessions_ended += self.router.realm(name).map_or(0, |realm| realm.session_count());
            self.router.close_realm(name);
        }
        match self.realms.place_for(next) {
            Ok(place) => reloaded.failed.extend(self.links.begin_others(next, place.as_ref()).1),
            Err(error) => reloaded.failed.push(format!("{error:#}")),
        }
        self.said.set(computer_name(next), next);
        // Before the actions, which may run a new command at once.
        if let (Some(functions), true) = (&self.functions, before.components != next.components) {
            functions.reconfigure(&next.components);
        }
        self.actions.reconfigure(&next.actions);
        if let Some(owners) = owners {
            self.access.set_owners(owners);
        }
        self.front.set_origins(origins(next, &self.certificates, &self.store));
        self.desk.rename(&computer_name(next));
        if (&before.discovery, &before.advertise) != (&next.discovery, &next.advertise) {
            let advert = advert(next, &self.store, &self.addresses);
            if let Err(error) = self.advertiser.follow(next.discovery.enabled, advert).await {
                reloaded
                    .failed
                    .push(format!("phones cannot find this desktop by themselves: {error}"));
            }
        }
        if let Err(error) = self.listeners.follow(&next.metrics).await {
            reloaded.failed.push(format!("{error:#}"));
        }
    }
}
