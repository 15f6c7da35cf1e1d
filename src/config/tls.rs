//! `[tls]`: a certificate of the user's own beside the daemon's, and whose certificates of clients are taken.

use std::path::PathBuf;

use super::ConfigError;
use super::read::Section;

/// `[tls]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// The certificate and its key, in PEM.
    pub certificate: Option<CertificateFiles>,
    /// The authorities whose certificates of clients are taken, in PEM.
    pub client_ca: Option<PathBuf>,
    /// What those have revoked, in PEM.
    pub client_crl: Option<PathBuf>,
}

/// A certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate, and behind it those that lead to its authority.
    pub certificate: PathBuf,
    /// The key, not encrypted.
    pub key: PathBuf,
}

impl Tls {
    /// Every file that is named.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let pair = self.certificate.iter().flat_map(|it| [&it.certificate, &it.key]);
        pair.chain(&self.client_ca).chain(&self.client_crl)
    }
}

pub(super) fn read(mut section: Section<'_>) -> Result<Tls, ConfigError> {
    let accepted = "an absolute path of a file in PEM";
    let mut path = |key| match section.get(key) {
        Some(field) => field
            .text(accepted, |text| {
                let path = PathBuf::from(text);
                (path.is_absolute() && text.len() <= MAX_PATH).then_some(path)
            })
            .map(Some),
        None => Ok(None),
    };
    let (certificate, key) = (path("certificate")?, path("key")?);
    let (client_ca, client_crl) = (path("client_ca")?, path("client_crl")?);
    let certificate = match (certificate, key) {
        (Some(certificate), Some(key)) => Some(CertificateFiles { certificate, key }),
        (None, None) => None,
        (Some(_), None) => return Err(section.error("`tls.key` is missing: it is the key of `tls.certificate`".into())),
        (None, Some(_)) => return Err(section.error("`tls.certificate` is missing: it is that of `tls.key`".into())),
    };
    if client_crl.is_some() && client_ca.is_none() {
        let what = "`tls.client_ca` is missing: without it there is nothing to revoke";
        return Err(section.error(what.into()));
    }
    section.finish()?;
    Ok(Tls {
        certificate,
        client_ca,
        client_crl,
    })
}

/// The longest path that Linux takes.
const MAX_PATH: usize = 4095;
