//! Switches discovery on and off while the daemon runs, and remembers what the owner chose.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Mutex;

use crate::discovery::{Advert, Discovery, DiscoveryError, Status};
use crate::store::{Store, StoreError};

/// Discovery, running or not.
#[derive(Debug)]
pub struct Advertiser {
    store: Arc<Store>,
    /// What the configuration says; the owner's command beats it.
    is_configured: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    advert: Option<Advert>,
    running: Option<Discovery>,
    is_pairing: bool,
}

/// Discovery could not be switched.
#[derive(Debug, thiserror::Error)]
pub enum SwitchError {
    /// mDNS does not work here.
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    /// The choice could not be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is nothing to be found.
    #[error(
        "this daemon listens on no TCP port, so there is nothing to be found; see [listen] tcp in the configuration"
    )]
    NothingToFind,
}

impl Advertiser {
    /// Discovery that is not running yet.
    #[must_use]
    pub fn new(store: Arc<Store>, is_configured: bool) -> Self {
        let state = State {
            advert: None,
            running: None,
            is_pairing: false,
        };
        Self {
            store,
            is_configured: AtomicBool::new(is_configured),
            state: Mutex::new(state),
        }
    }

    /// Whether the desktop should be shown.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.store
            .switches()
            .discovery
            .unwrap_or_else(|| self.is_configured.load(Ordering::Relaxed))
    }

    /// Begins to show `advert`, if that is wanted.
    ///
    /// # Errors
    /// mDNS does not work here.
    pub async fn start(&self, advert: Advert) -> Result<(), SwitchError> {
        let mut state = self.state.lock().await;
        state.advert = Some(advert);
        if self.is_wanted() { state.start() } else { Ok(()) }
    }

    /// Follows another configuration: shows this instead of what was shown, if that is wanted; nothing where there is nothing to
    /// show.
    ///
    /// # Errors
    /// mDNS does not work here.
    pub async fn follow(&self, is_configured: bool, advert: Option<Advert>) -> Result<(), SwitchError> {
        let mut state = self.state.lock().await;
        self.is_configured.store(is_configured, Ordering::Relaxed);
        state.stop().await;
        state.advert = advert;
        if state.advert.is_some() && self.is_wanted() {
            state.start()
        } else {
            Ok(())
        }
    }

    /// Shows the desktop from now on, also after a restart.
    ///
    /// # Errors
    /// mDNS does not work here, or the choice cannot be kept.
    pub async fn enable(&self) -> Result<(), SwitchError> {
        let mut state = self.state.lock().await;
        self.store.set_discovery(true)?;
        state.start()
    }

    /// Hides the desktop from now on, also after a restart.
    ///
    /// # Errors
    /// The choice cannot be kept.
    pub async fn disable(&self) -> Result<(), SwitchError> {
        let mut state = self.state.lock().await;
        self.store.set_discovery(false)?;
        state.stop().await;
        Ok(())
    }

    /// How the desktop is shown now, if it is.
    pub async fn status(&self) -> Option<Status> {
        self.state.lock().await.running.as_ref().map(Discovery::status)
    }

    /// Says on the network whether a pairing window is open.
    pub async fn set_pairing(&self, is_open: bool) {
        let mut state = self.state.lock().await;
        state.is_pairing = is_open;
        if let Some(running) = &state.running {
            running.set_pairing(is_open);
        }
    }

    /// Says goodbye on the network, because the daemon ends.
    pub async fn stop(&self) {
        self.state.lock().await.stop().await;
    }
}

impl State {
    fn start(&mut self) -> Result<(), SwitchError> {
        if self.running.is_some() {
            return Ok(());
        }
        let advert = self.advert.as_ref().ok_or(SwitchError::NothingToFind)?;
        let discovery = Discovery::start(advert)?;
        discovery.set_pairing(self.is_pairing);
        self.running = Some(discovery);
        Ok(())
    }

    async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }
}
