//! The certificates of the user's own, and the authorities for clients: read at the start, and again when their files change
//! or somebody wants it, without a restart. What cannot be used is told and not taken; what held before goes on to hold.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, ensure};
use router::tls::{Authorities, Certificates, Chain};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};
use zeroize::Zeroizing;

use crate::config::Tls;

/// How often the files are looked at: who renews certificates does it days before their end, and a look costs nothing.
pub const LOOK: Duration = Duration::from_secs(60);

/// The longest file: the authorities of all the world have a quarter of it.
pub const MAX_FILE: u64 = 1 << 20;

/// Before its end a certificate is spoken of in the log for so long, once a day.
const WARNING: time::Duration = time::Duration::days(14);

/// The certificates of the configuration, and what of them is in use.
#[derive(Debug)]
pub struct Configured {
    files: Mutex<Tls>,
    certificates: Certificates,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    stamps: Vec<Stamp>,
    facts: Option<Facts>,
    /// Why the files of now are not in use.
    refused: Option<String>,
    warned: Option<OffsetDateTime>,
}

/// What changes when a file does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp(Option<(SystemTime, u64, u64)>);

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Whom it is for: names of hosts.
    pub names: Vec<String>,
    /// Its end.
    pub not_after: OffsetDateTime,
}

impl Configured {
    /// Reads the files for the first time. `own` is the daemon's own certificate.
    ///
    /// # Errors
    /// They cannot be used.
    pub fn open(files: &Tls, own: Option<Chain>) -> Result<Arc<Self>> {
        let kept = Self {
            files: Mutex::new(files.clone()),
            certificates: Certificates::new(own),
            seen: Mutex::default(),
        };
        kept.take()?;
        Ok(Arc::new(kept))
    }

    /// What a router makes its end of TLS of.
    #[must_use]
    pub const fn certificates(&self) -> &Certificates {
        &self.certificates
    }

    /// What the user's certificate says that is in use, and why the files of now are not.
    #[must_use]
    pub fn facts(&self) -> (Option<Facts>, Option<String>) {
        let seen = self.seen();
        (seen.facts.clone(), seen.refused.clone())
    }

    /// Goes by other files from now on.
    ///
    /// # Errors
    /// They cannot be used; then nothing changes.
    pub fn follow(&self, files: &Tls) -> Result<()> {
        let before = std::mem::replace(&mut *self.files(), files.clone());
        let taken = self.take();
        if taken.is_err() {
            *self.files() = before;
        }
        taken.map(drop)
    }

    /// The names in the user's certificate under which a client may ask for this daemon.
    pub fn hosts(&self) -> impl Iterator<Item = String> {
        let names = self.facts().0.map(|facts| facts.names);
        names.into_iter().flatten().filter(|name| !name.contains('*'))
    }

    /// Reads the files again, and says in the log what came of it.
    pub fn reload(&self) {
        if *self.files() == Tls::default() {
            return;
        }
        match self.take() {
            Ok(true) => tracing::info!("the certificates have changed; open connections go on with the old ones"),
            Ok(false) => tracing::debug!("the certificates were read again, and are the same"),
            Err(error) => {
                let why = format!("{error:#}");
                tracing::warn!("the certificates are not taken, those from before stay in use: {why}");
                self.seen().refused = Some(why);
            }
        }
    }

    /// Reads the files whenever they have changed, for as long as the daemon runs.
    pub async fn watch(self: Arc<Self>) {
        let mut clock = tokio::time::interval(LOOK);
        loop {
            clock.tick().await;
            self.look();
        }
    }

    /// Reads the files if they have changed.
    fn look(&self) {
        let has_changed = self.stamps() != self.seen().stamps;
        if has_changed {
            self.reload();
        }
        self.warn_of_the_end(OffsetDateTime::now_utc());
    }

    fn warn_of_the_end(&self, now: OffsetDateTime) {
        let mut seen = self.seen();
        let Some(facts) = seen.facts.clone().filter(|facts| facts.not_after - now < WARNING) else {
            return;
        };
        // In both directions: a clock that was wrong for a while must not silence it for years.
        if seen.warned.is_some_and(|last| (now - last).abs() < time::Duration::DAY) {
            return;
        }
        seen.warned = Some(now);
        let end = facts.end();
        let state = if facts.not_after < now {
            "has ended"
        } else {
            "ends soon"
        };
        tracing::warn!(names = facts.names.join(", "), end, "the certificate of [tls] {state}");
    }

    /// Reads the files. `true` if they are others than those in use, or those were refused before.
    fn take(&self) -> Result<bool> {
        // First: a change while they are read is seen by the next look.
        let stamps = self.stamps();
        let before = std::mem::replace(&mut self.seen().stamps, stamps.clone());
        let files = self.files().clone();
        let named = files.certificate.as_ref();
        let named = named.map(|it| chain(&it.certificate, &it.key)).transpose()?;
        let facts = named.as_ref().map(|named| facts(named.certificate())).transpose()?;
        let authorities = files.client_ca.as_ref();
        let authorities = authorities
            .map(|ca| authorities_of(ca, files.client_crl.as_deref()))
            .transpose()?;
        self.certificates.replace(named, authorities);
        let mut seen = self.seen();
        seen.facts = facts;
        let was_refused = seen.refused.take().is_some();
        if was_refused || before != stamps {
            // Of one that is the same the end was spoken of.
            seen.warned = None;
        }
        Ok(was_refused || before != stamps)
    }

    fn stamps(&self) -> Vec<Stamp> {
        self.files().files().map(stamp).collect()
    }

    fn files(&self) -> std::sync::MutexGuard<'_, Tls> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Facts {
    /// Its end, ISO 8601.
    #[must_use]
    pub fn end(&self) -> String {
        self.not_after.format(&Rfc3339).unwrap_or_default()
    }
}

fn stamp(file: &PathBuf) -> Stamp {
    use std::os::unix::fs::MetadataExt as _;
    let stamp = |it: fs::Metadata| Some((it.modified().ok()?, it.len(), it.ino()));
    Stamp(fs::metadata(file).ok().and_then(stamp))
}

fn chain(certificate: &Path, key: &Path) -> Result<Chain> {
    let chain = Chain::from_pem(&read(certificate)?, &read(key)?);
    chain.with_context(|| format!("{} and {}", certificate.display(), key.display()))
}

fn authorities_of(ca: &Path, revoked: Option<&Path>) -> Result<Authorities> {
    let lists = revoked.map(read).transpose()?;
    let authorities = Authorities::from_pem(&read(ca)?, lists.as_ref().map(|lists| &lists[..]));
    authorities.with_context(|| match revoked {
        Some(revoked) => format!("{} and {}", ca.display(), revoked.display()),
        None => ca.display().to_string(),
    })
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let name = || path.display().to_string();
    // A pipe would be waited for.
    ensure!(
        fs::metadata(path).with_context(name)?.is_file(),
        "{} is no file",
        name()
    );
    let mut bytes = Zeroizing::new(Vec::new());
    let file = File::open(path).with_context(name)?;
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).with_context(name)?;
    ensure!(
        bytes.len() as u64 <= MAX_FILE,
        "{} has more than {MAX_FILE} bytes and is no certificate",
        name()
    );
    Ok(bytes)
}

fn facts(certificate: &[u8]) -> Result<Facts> {
    let (_, parsed) = X509Certificate::from_der(certificate).context("the certificate is no X.509")?;
    let alternative = parsed.subject_alternative_name().ok().flatten();
    let names = alternative.iter().flat_map(|it| &it.value.general_names);
    let names = names.filter_map(|name| {
        let GeneralName::DNSName(name) = name else { return None };
        Some((*name).to_owned())
    });
    Ok(Facts {
        names: names.collect(),
        not_after: parsed.validity().not_after.to_datetime(),
    })
}

#[cfg(test)]
mod tests;
