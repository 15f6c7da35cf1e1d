//! The keys for TLS and Noise, from what the store has and what the configuration names.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use router::{Keys, noise, tls};

use crate::certificates;
use crate::config::Config;
use crate::store::Store;

/// What this daemon proves itself with.
pub(super) struct Proofs {
    pub(super) keys: Keys,
    /// The pin of its own certificate. A plain router has none that anybody could know.
    pub(super) spki: Option<[u8; 32]>,
    pub(super) certificates: Arc<certificates::Configured>,
}

impl Proofs {
    pub(super) fn of(config: &Config, store: &Store) -> Result<Self> {
        if !config.desktop.enabled {
            ensure!(
                config.tls.client_ca.is_none() || config.tls.certificate.is_some(),
                "[tls] client_ca needs a certificate: a plain router has none of its own"
            );
            let certificates = certificates::Configured::open(&config.tls, None).context("[tls]")?;
            let has_any = config.tls.certificate.is_some();
            let tls = has_any
                .then(|| certificates.certificates().server_config())
                .transpose()?;
            let keys = Keys {
                tls: tls.map(Arc::new),
                noise: None,
            };
            return Ok(Self {
                keys,
                spki: None,
                certificates,
            });
        }
        let (certificate, key) = store.tls();
        let unusable = "the desktop's own certificate cannot be used";
        let spki = tls::spki_hash(&certificate).context(unusable)?;
        let own = tls::Chain::from_der(&certificate, &key).context(unusable)?;
        let certificates = certificates::Configured::open(&config.tls, Some(own)).context("[tls]")?;
        let responder = noise::Responder {
            secret: noise::Secret::new(store.noise_secret()),
            did: store.identity().did(),
        };
        let keys = Keys {
            tls: Some(Arc::new(certificates.certificates().server_config()?)),
            noise: Some(Arc::new(responder)),
        };
        Ok(Self {
            keys,
            spki: Some(spki),
            certificates,
        })
    }
}
