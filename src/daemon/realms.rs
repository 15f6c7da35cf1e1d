//! Opens the realms of the configuration, with the journals of those that keep something on disk.

use std::sync::Arc;

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

/// Opens them, and begins with their links to other routers.
pub(super) fn open(router: &Router, config: &Config, paths: &Paths, store: &Store) -> Result<Links> {
    let own = RouterId::new(
        SysRng
            .try_next_u64()
            .context("the operating system has no random numbers")?,
    );
    let place = place(config, paths, store)?;
    for realm in &config.realms {
        let journal = match &place {
            Some(place) if realm.kept.is_on_disk() => Some(journal(place, &realm.name)?),
            Some(_) | None => None,
        };
        let settings = RealmSettings {
            router: own,
            ..settings_of(config, realm)
        };
        router.open_realm_with(&realm.name, settings, realm.kept.when_full, journal);
    }
    let place = place.map(|place| Place::new(&paths.state, place));
    let links = Links::start(router, config, own, place);
    links.context("events cannot wait on disk for another router")
}

/// The state directory, if a realm needs it. A plain router has it for its journals alone, and holds it as long as one of
/// them is open.
fn place(config: &Config, paths: &Paths, store: &Store) -> Result<Option<Arc<StateDir>>> {
    let needs_it = |realm: &Realm| realm.kept.is_on_disk() || realm.links.iter().any(Link::keeps);
    if !config.realms.iter().any(needs_it) {
        return Ok(None);
    }
    let place = if config.desktop.enabled {
        store.place().map_err(anyhow::Error::msg)
    } else {
        Store::journals_at(&paths.state)
    };
    let place = place.context("a realm keeps events on disk, and there is no place for that")?;
    Ok(Some(Arc::new(place)))
}

/// The journal of the desktop's realm, which knows what clients have published from queues of their own. Without it that is
/// known as long as the daemon runs, which is no reason to leave the owner without a desktop.
pub(super) fn of_desktop(store: &Store) -> Option<Restored> {
    let place = Arc::new(store.place().ok()?);
    let opened = journal(&place, DESKTOP_REALM);
    opened
        .inspect_err(|error| tracing::warn!("what is published from queues is known until the daemon ends: {error:#}"))
        .ok()
}

fn journal(place: &Arc<StateDir>, realm: &str) -> Result<Restored> {
    let (journal, records) = FileJournal::open(Arc::clone(place), realm)
        .with_context(|| format!("the journal of the realm \"{realm}\" cannot be used"))?;
    Ok((Box::new(journal), records))
}
