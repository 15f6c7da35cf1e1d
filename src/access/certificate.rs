//! What a client's certificate says of it. Whether it is genuine, TLS has found out before.

use router::Peer;
use sha2::{Digest as _, Sha256};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

/// The longest name, as of principals in the configuration.
const MAX_NAME: usize = 255;

/// Whom a certificate is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Certified {
    /// Its common name; where the subject has none, the first e-mail address or name of a host among its alternative names.
    pub(super) name: String,
    /// SHA-256 of all of it, in hexadecimal digits.
    pub(super) fingerprint: String,
}

/// By whose certificate a client is known; `None` where it has shown none, or one without a name that can be one here.
pub(super) fn of(peer: &Peer) -> Option<Certified> {
    read(peer.channel.client_certificate()?)
}

fn read(der: &[u8]) -> Option<Certified> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let common = certificate
        .subject()
        .iter_common_name()
        .find_map(|name| name.as_str().ok());
    let alternative = certificate.subject_alternative_name().ok().flatten();
    let alternative = alternative.iter().flat_map(|it| &it.value.general_names);
    let alternative = alternative.filter_map(|name| {
        let (GeneralName::RFC822Name(name) | GeneralName::DNSName(name)) = name else {
            return None;
        };
        Some(*name)
    });
    let name = common.into_iter().chain(alternative).next()?;
    let is_one = (1..=MAX_NAME).contains(&name.len()) && !name.chars().any(char::is_control);
    is_one.then(|| Certified {
        name: name.to_owned(),
        fingerprint: hex::encode(Sha256::digest(der)),
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;

    fn certificate(common: Option<&str>, alternative: Vec<SanType>) -> Vec<u8> {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        if let Some(name) = common {
            parameters.distinguished_name.push(DnType::CommonName, name);
        }
        parameters.subject_alt_names = alternative;
        let key = KeyPair::generate().unwrap();
        parameters.self_signed(&key).unwrap().der().to_vec()
    }

    fn name(common: Option<&str>, alternative: Vec<SanType>) -> Option<String> {
        read(&certificate(common, alternative)).map(|it| it.name)
    }

    #[test]
    fn the_common_name_comes_before_the_alternative_ones() {
        let mail = || SanType::Rfc822Name("joe@example.org".try_into().unwrap());
        let host = || SanType::DnsName("joe.example.org".try_into().unwrap());
        assert_eq!(name(Some("joe"), vec![mail()]).unwrap(), "joe");
        assert_eq!(name(None, vec![mail(), host()]).unwrap(), "joe@example.org");
        assert_eq!(name(None, vec![host(), mail()]).unwrap(), "joe.example.org");
        let address = SanType::IpAddress([127, 0, 0, 1].into());
        assert_eq!(name(None, vec![address]), None);
    }

    #[test]
    fn a_name_that_is_too_long_or_has_control_characters_is_none() {
        let longest = "x".repeat(MAX_NAME);
        assert_eq!(name(Some(&longest), Vec::new()), Some(longest.clone()));
        assert_eq!(name(Some(&format!("{longest}x")), Vec::new()), None);
        assert_eq!(name(Some("a\nb"), Vec::new()), None);
        assert_eq!(name(Some(""), Vec::new()), None);
        assert_eq!(read(b"no certificate"), None);
    }
}
