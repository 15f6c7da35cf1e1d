//! Opens and closes the realms of the configuration, with the journals of those that keep something on disk.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use rand::TryRng as _;
use rand::rngs::SysRng;
use router::{RealmSettings, Restored, Router};
use wamp::message::RouterId;

use super::bounds::settings_of;
use crate::config::{Config, DESKTOP_REALM, Link, Realm};
use crate::links::{Links, Place};
use crate::paths::Paths;
use crate::store::{FileJournal, StateDir, Store};

/// What realms are opened with.
#[derive(Debug)]
pub(super) struct Realms {
    own: RouterId,
    paths: Paths,
    store: Arc<Store>,
    /// The state directory, once a realm needs it. A plain router has it for its journals alone, and holds it from then on.
    place: Mutex<Option<Arc<StateDir>>>,
}

impl Realms {
    pub(super) fn new(paths: &Paths, store: &Arc<Store>) -> Result<Self> {
        let own = SysRng.try_next_u64();
        Ok(Self {
            own: RouterId::new(own.context("the operating system has no random numbers")?),
            paths: paths.clone(),
            store: Arc::clone(store),
            place: Mutex::default(),
        })
    }

    /// Opens the realms of the configuration, and begins with their links to other routers.
    pub(super) fn open(&self, router: &Router, config: &Config) -> Result<Links> {
        for realm in &config.realms {
            self.open_one(router, config, realm)?;
        }
        let place = self.place_for(config)?;
        let links = Links::start(router, config, self.own, place.as_ref());
        links.context("events cannot wait on disk for another router")
    }

    /// Opens a realm.
    ///
    /// # Errors
    /// It keeps something on disk, and cannot.
    pub(super) fn open_one(&self, router: &Router, config: &Config, realm: &Realm) -> Result<()> {
        let journal = match realm.kept.is_on_disk() {
            true => Some(journal(&self.place(config)?, &self.store, &realm.name)?),
            false => None,
        };
        let settings = RealmSettings {
            router: self.own,
            ..settings_of(config, realm)
        };
        router.open_realm_with(&realm.name, settings, realm.kept.when_full, journal);
        Ok(())
    }

    /// Where events of links wait, if one of them wants that.
    ///
    /// # Errors
    /// There is no such place.
    pub(super) fn place_for(&self, config: &Config) -> Result<Option<Place>> {
        let keeps = |realm: &Realm| realm.links.iter().any(Link::keeps);
        if !config.realms.iter().any(keeps) {
            return Ok(None);
        }
        Ok(Some(Place::new(&self.paths.state, self.place(config)?)))
    }

    fn place(&self, config: &Config) -> Result<Arc<StateDir>> {
        let mut held = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = &*held {
            return Ok(Arc::clone(place));
        }
        let place = if config.desktop.enabled {
            self.store.place().map_err(anyhow::Error::msg)
        } else {
            Store::journals_at(&self.paths.state)
        };
        let place = place.context("a realm keeps events on disk, and there is no place for that")?;
        let place = Arc::new(place);
        *held = Some(Arc::clone(&place));
        Ok(place)
    }
}

/// The journal of the desktop's realm, which knows what clients have published from queues of their own. Without it that is
/// known as long as the daemon runs, which is no reason to leave the owner without a desktop.
pub(super) fn of_desktop(store: &Store) -> Option<Restored> {
    let place = Arc::new(store.place().ok()?);
    let opened = journal(&place, store, DESKTOP_REALM);
    opened
        .inspect_err(|error| tracing::warn!("what is published from queues is known until the daemon ends: {error:#}"))
        .ok()
}

fn journal(place: &Arc<StateDir>, store: &Store, realm: &str) -> Result<Restored> {
    let (journal, records) = FileJournal::open(Arc::clone(place), realm, store.losses_of(realm))
        .with_context(|| format!("the journal of the realm \"{realm}\" cannot be used"))?;
    Ok((Box::new(journal), records))
}
