//! Where the daemon is found: its sockets, its front door, and how it shows itself.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use router::Origins;

use super::Daemon;
use super::keys::Proofs;
use super::socket::{SYSTEM_MODES, USER_MODES, listen_unix};
use crate::bridge::Bridge;
use crate::certificates;
use crate::config::{self, Config};
use crate::discovery::Advert;
use crate::front_door::{self, Front};
use crate::pair::Desk;
use crate::paths::Paths;
use crate::site::{self, Site};
use crate::store::Store;

impl Daemon {
    pub(super) fn listen(&mut self, config: &Config, paths: &Paths) -> Result<()> {
        if !config.listen.tcp.is_empty() {
            let listening = self.router.listen_tcp(&config.listen.tcp)?;
            self.addresses = listening.addresses().to_vec();
            for address in &self.addresses {
                tracing::info!(%address, "listening");
            }
        }
        if !config.listen.quic.is_empty() {
            self.quic = self.router.listen_quic(&config.listen.quic)?.addresses().to_vec();
            for address in &self.quic {
                tracing::info!(%address, "listening for QUIC");
            }
        }
        let (socket, is_chosen) = match &config.listen.unix {
            config::Unix::Off => return Ok(()),
            config::Unix::Auto => (&paths.socket, false),
            config::Unix::At(path) => (path, true),
        };
        let modes = if paths.is_system { SYSTEM_MODES } else { USER_MODES };
        match listen_unix(&self.router, socket, !is_chosen, modes) {
            Ok(()) => {
                tracing::info!(socket = %socket.display(), "listening");
                self.socket = Some(socket.clone());
            }
            Err(error) if is_chosen => return Err(error),
            Err(error) => tracing::warn!("deskconnctl cannot reach this daemon: {error:#}"),
        }
        for path in &config.compat.sockets {
            listen_unix(&self.router, path, false, modes)?;
        }
        Ok(())
    }

    /// Where devices reach this daemon: best from the network.
    pub(super) fn reachable(&self) -> Option<SocketAddr> {
        let outward = self.addresses.iter().find(|address| is_outward(address));
        outward.or(self.addresses.first()).copied()
    }

    /// Shows the desktop on the network. Without mDNS everything else works.
    pub(super) async fn advertise(&self, config: &Config) {
        let Some(advert) = advert(config, &self.store, &self.addresses) else {
            return;
        };
        if let Err(error) = self.advertiser.start(advert).await {
            tracing::warn!("phones cannot find this desktop by themselves: {error}");
        }
    }
}

fn is_outward(address: &SocketAddr) -> bool {
    !address.ip().is_loopback()
}

/// What is shown on the network, if there is something to find.
pub(super) fn advert(config: &Config, store: &Store, addresses: &[SocketAddr]) -> Option<Advert> {
    let address = addresses.iter().find(|address| is_outward(address));
    let address = address.filter(|_| config.desktop.enabled)?;
    Some(Advert::of(config, &store.identity().id(), address.port()))
}

fn local_name(store: &Store) -> String {
    format!("deskconn-{}.local", store.identity().id8())
}

/// Which hosts and origins of browsers are let in.
pub(super) fn origins(config: &Config, certificates: &certificates::Configured, store: &Store) -> Origins {
    Origins {
        hosts: certificates.hosts().chain([local_name(store)]).collect(),
        allowed: config.http.allowed_origins.clone(),
        extensions: config.compat.anonymous_brightness,
    }
}

/// The door of browsers, and of programs that make single requests.
pub(super) fn front(
    config: &Config,
    proofs: &Proofs,
    (store, desk): (&Store, &Arc<Desk>),
    bridge: Option<Arc<Bridge>>,
) -> Arc<Front> {
    let desktop = config.desktop.enabled.then(|| front_door::Desktop {
        desk: Arc::clone(desk),
        site: Site::new(site::BUILT),
        local_name: local_name(store),
    });
    Arc::new(Front::new(
        origins(config, &proofs.certificates, store),
        desktop,
        bridge,
    ))
}
