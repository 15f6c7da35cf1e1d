//! The key and the certificate with which the desktop speaks TLS.
//!
//! Devices remember the key (by the hash of its public half), never the certificate, so that one may follow the other.
//! It reads and makes both; when they are written, and what speaks TLS with them, is decided elsewhere.

use std::fmt;

use rand::TryRng as _;
use rand::rngs::SysRng;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PublicKeyData as _, SerialNumber,
};
use time::{Duration, OffsetDateTime};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate, parse_x509_pem};
use zeroize::{Zeroize as _, Zeroizing};

use super::files::StateDir;
use super::{StoreError, keys};

pub(super) const KEY: &str = "tls.key";
pub(super) const CERTIFICATE: &str = "tls.crt";

/// A P-256 key or a certificate with two names has under 1 KiB.
const MAX_PEM: u64 = 16 << 10;

/// How long a certificate holds (security design §3.2): longer than most desktops live, since only the key counts.
const VALIDITY: Duration = Duration::days(3_653);

/// A certificate is made anew this long before its end, so that a daemon that is restarted once a year never shows an
/// expired one.
const RENEWAL: Duration = Duration::days(365);

/// When a certificate begins to hold: the zero of the system clock. A computer without a battery clock, be it this
/// one or a device, believes in 1970 until it has reached a time server, and must be able to connect meanwhile.
const NOT_BEFORE: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

/// 2026-01-01T00:00:00Z, before this program existed. A clock that shows less is wrong, and counts as showing this:
/// ten years after 1970 would be over when the clock is set.
const EARLIEST_NOW: i64 = 1_767_225_600;

/// Bytes of a serial number. Random, because two certificates with one issuer and one number are refused by some
/// TLS libraries.
const SERIAL_BYTES: usize = 16;

/// What a TLS server needs.
pub(super) struct Tls {
    /// The certificate in DER.
    pub(super) certificate: Vec<u8>,
    /// The private key in PKCS#8 DER.
    pub(super) key: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// The files that must be written after [`Found::complete`], as PEM.
#[derive(Default)]
pub(super) struct Made {
    pub(super) key: Option<Zeroizing<String>>,
    pub(super) certificate: Option<String>,
}

/// What is on the disk already. The key is wiped by [`Found::complete`].
#[derive(Default)]
pub(super) struct Found {
    key: Option<KeyPair>,
    certificate: Option<Vec<u8>>,
}

impl Found {
    /// Reads both files.
    pub(super) fn read(directory: &StateDir) -> Result<Self, StoreError> {
        let key = directory.read(KEY, MAX_PEM)?.map(Zeroizing::new);
        let key = key.map(|text| read_key(directory, &text)).transpose()?;
        let certificate = directory.read(CERTIFICATE, MAX_PEM)?;
        let Some(text) = certificate else {
            return Ok(Self { key, certificate: None });
        };
        let key = key.ok_or_else(|| StoreError::LostKey {
            key: directory.path_of(KEY),
            certificate: directory.path_of(CERTIFICATE),
        })?;
        let damaged = |what| StoreError::DamagedCertificate {
            path: directory.path_of(CERTIFICATE),
            what,
        };
        let der = parse_x509_pem(&text).map(|(_, pem)| pem.contents).unwrap_or_default();
        let parsed = parse(&der).ok_or_else(|| damaged("is no certificate"))?;
        if parsed.public_key().raw != key.subject_public_key_info() {
            return Err(damaged("is not the certificate of tls.key"));
        }
        Ok(Self {
            key: Some(key),
            certificate: Some(der),
        })
    }

    /// Makes what is missing or ends soon. `id8` is part of the desktop's name on the network.
    pub(super) fn complete(self, id8: &str, now: OffsetDateTime) -> Result<(Tls, Made), StoreError> {
        let failed = |error: rcgen::Error| StoreError::NoCertificate(error.to_string());
        let names = names(id8);
        let mut made = Made::default();
        let mut key = match self.key {
            Some(key) => key,
            None => {
                let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
                made.key = Some(Zeroizing::new(key.serialize_pem()));
                key
            }
        };
        let kept = self.certificate.filter(|der| holds(der, &names, now));
        let certificate = match kept {
            Some(certificate) => certificate,
            None => {
                let certificate = parameters(names, now)?.self_signed(&key).map_err(failed)?;
                made.certificate = Some(certificate.pem());
                certificate.der().to_vec()
            }
        };
        let tls = Tls {
            certificate,
            key: Zeroizing::new(key.serialize_der()),
        };
        key.zeroize();
        Ok((tls, made))
    }
}

fn read_key(directory: &StateDir, text: &[u8]) -> Result<KeyPair, StoreError> {
    let text = std::str::from_utf8(text).ok();
    let key = text.and_then(|text| KeyPair::from_pkcs8_pem_and_sign_algo(text, &PKCS_ECDSA_P256_SHA256).ok());
    key.ok_or_else(|| StoreError::DamagedKey {
        path: directory.path_of(KEY),
        expected: "a P-256 key in PKCS#8 PEM is",
        loss: "every device that comes by TLS has",
        others: keys::others(directory, &[CERTIFICATE]),
    })
}

fn names(id8: &str) -> [String; 2] {
    [format!("deskconn-{id8}.local"), "localhost".to_owned()]
}

fn parse(der: &[u8]) -> Option<X509Certificate<'_>> {
    let (rest, certificate) = X509Certificate::from_der(der).ok()?;
    rest.is_empty().then_some(certificate)
}

/// Whether a certificate is still good: for these names, and for long enough.
fn holds(der: &[u8], names: &[String], now: OffsetDateTime) -> bool {
    let Some(certificate) = parse(der) else { return false };
    let alternative = certificate.subject_alternative_name().ok().flatten();
    let has = |name: &String| {
        let mut known = alternative.iter().flat_map(|extension| &extension.value.general_names);
        known.any(|known| matches!(known, GeneralName::DNSName(known) if known == name))
    };
    let ends = certificate.validity().not_after.timestamp();
    names.iter().all(has) && ends > now.saturating_add(RENEWAL).unix_timestamp()
}

fn parameters(names: [String; 2], now: OffsetDateTime) -> Result<CertificateParams, StoreError> {
    let failed = |error: &dyn fmt::Display| StoreError::NoCertificate(error.to_string());
    let mut serial = [0; SERIAL_BYTES];
    SysRng.try_fill_bytes(&mut serial).map_err(|error| failed(&error))?;
    // A serial number is positive and not zero (RFC 5280 §4.1.2.2).
    serial[0] = serial[0] & 0x7f | 0x40;
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, names[0].as_str());
    let mut parameters = CertificateParams::new(names).map_err(|error| failed(&error))?;
    parameters.distinguished_name = subject;
    parameters.serial_number = Some(SerialNumber::from_slice(&serial));
    parameters.not_before = NOT_BEFORE;
    let now = now.max(OffsetDateTime::from_unix_timestamp(EARLIEST_NOW).expect("a year of four digits"));
    parameters.not_after = now.saturating_add(VALIDITY);
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(parameters)
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
