//! The link in the QR code: where the desktop is, which one it is, and a secret too long to guess.
//!
//! ```text
//! http://HOST:PORT/#p=1.<base64url(secret[16] ‖ did[0..16] ‖ expiry[4])>     expiry: Unix seconds, big end first
//! ```
//!
//! Everything secret stands in the fragment, which browsers neither send nor log. This module draws no QR code and
//! opens no connection.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryCryptoRng;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::random::{self, NoRandom};

/// Bytes of the secret: 128 bits cannot be guessed, so that a listener has no use for what he records.
pub const SECRET_BYTES: usize = 16;

/// Bytes of the desktop's id in the link: as hard to meet as the secret is to guess.
pub const DID_BYTES: usize = 16;

/// The longest link: 253 characters of a host name (RFC 1035, section 2.3.4) and the rest, which is of fixed length.
pub const MAX_LINK_BYTES: usize = 400;

const EXPIRY_BYTES: usize = 4;
const PAYLOAD_BYTES: usize = SECRET_BYTES + DID_BYTES + EXPIRY_BYTES;
const SCHEME: &str = "http://";
/// The first version of the payload.
const FRAGMENT: &str = "/#p=1.";

/// The secret of a link. Wiped when dropped, hidden in `Debug`.
#[derive(Clone)]
pub struct LinkSecret(Zeroizing<[u8; SECRET_BYTES]>);

impl LinkSecret {
    /// Draws a secret from `random`, which must be fit for secrets.
    ///
    /// # Errors
    /// When the source fails.
    pub fn generate<R: TryCryptoRng + ?Sized>(random: &mut R) -> Result<Self, NoRandom> {
        random::draw(random).map(Self)
    }

    /// The secret of these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; SECRET_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for the link and the key exchange and nobody else.
    #[must_use]
    pub fn bytes(&self) -> &[u8; SECRET_BYTES] {
        &self.0
    }
}

impl fmt::Debug for LinkSecret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("LinkSecret(hidden)")
    }
}

/// A pairing link. Its `Debug` form hides the secret; [`Link::url`] shows it.
#[derive(Clone, Debug)]
pub struct Link {
    /// Host name, IPv4 address, or IPv6 address without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// What the device proves to have read.
    pub secret: LinkSecret,
    /// The first bytes of the desktop's id, so that another desktop at this address is noticed.
    pub did: [u8; DID_BYTES],
    /// Unix time in seconds from which the link is of no use.
    pub expires: u32,
}

impl Link {
    /// The link to the desktop with this id.
    #[must_use]
    pub fn new(host: &str, port: u16, secret: LinkSecret, did: &[u8; 32], expires: u32) -> Self {
        let mut start = [0; DID_BYTES];
        start.iter_mut().zip(did).for_each(|(to, from)| *to = *from);
        Self {
            host: host.to_owned(),
            port,
            secret,
            did: start,
            expires,
        }
    }

    /// The link as text, secret and all; 81 characters with an IPv4 address at most.
    #[must_use]
    pub fn url(&self) -> Zeroizing<String> {
        let payload = Zeroizing::new([self.secret.bytes().as_slice(), &self.did, &self.expires.to_be_bytes()].concat());
        let payload = Zeroizing::new(URL_SAFE_NO_PAD.encode(&payload));
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        let (host, port) = (&self.host, self.port);
        Zeroizing::new(format!(
            "{SCHEME}{open}{host}{close}:{port}{FRAGMENT}{}",
            payload.as_str()
        ))
    }

    /// Whether this is the desktop with this id.
    #[must_use]
    pub fn is_to(&self, did: &[u8; 32]) -> bool {
        did.get(..DID_BYTES).is_some_and(|start| start.ct_eq(&self.did).into())
    }

    /// Whether the link is of no use any more at this Unix time.
    #[must_use]
    pub fn is_expired(&self, unix_now: u64) -> bool {
        unix_now >= u64::from(self.expires)
    }
}

impl FromStr for Link {
    type Err = NotALink;

    fn from_str(text: &str) -> Result<Self, NotALink> {
        let text = text.trim();
        if text.len() > MAX_LINK_BYTES {
            return Err(NotALink);
        }
        let (place, payload) = text
            .strip_prefix(SCHEME)
            .and_then(|rest| rest.split_once(FRAGMENT))
            .ok_or(NotALink)?;
        let (host, port) = place.rsplit_once(':').ok_or(NotALink)?;
        let host = match host.strip_prefix('[') {
            Some(inner) => inner.strip_suffix(']').filter(|inner| inner.contains(':')),
            None => Some(host).filter(|host| !host.contains(':')),
        };
        let host = host.filter(|host| is_host(host)).ok_or(NotALink)?;
        let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port
            .parse()
            .ok()
            .filter(|port| is_number && *port != 0)
            .ok_or(NotALink)?;
        let payload = Zeroizing::new(URL_SAFE_NO_PAD.decode(payload).map_err(|_| NotALink)?);
        let payload: &[u8; PAYLOAD_BYTES] = payload.as_slice().try_into().map_err(|_| NotALink)?;
        let (secret, rest) = payload.split_first_chunk().ok_or(NotALink)?;
        let (did, rest) = rest.split_first_chunk().ok_or(NotALink)?;
        let (expires, _) = rest.split_first_chunk().ok_or(NotALink)?;
        Ok(Self {
            host: host.to_owned(),
            port,
            secret: LinkSecret::from_bytes(*secret),
            did: *did,
            expires: u32::from_be_bytes(*expires),
        })
    }
}

/// Letters of host names and addresses: nothing that would end the host in a URL.
fn is_host(host: &str) -> bool {
    !host.is_empty()
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte))
}

/// What was given is no pairing link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no pairing link; it looks like http://192.168.1.20:5020/#p=1.…, as `deskconnctl pair` shows it")]
pub struct NotALink;

#[cfg(test)]
mod tests {
    use super::*;

    fn link(host: &str) -> Link {
        Link::new(
            host,
            5020,
            LinkSecret::from_bytes([0x5a; 16]),
            &[0xc3; 32],
            1_795_254_000,
        )
    }

    #[test]
    fn a_link_is_read_as_it_was_written() {
        for host in ["192.168.1.20", "deskconn-2eae5088.local", "fd00::1"] {
            let url = link(host).url();
            let read: Link = format!(" {}\n", url.as_str()).parse().unwrap();
            assert_eq!(read.url(), url);
            assert_eq!(
                (read.host.as_str(), read.port, read.expires),
                (host, 5020, 1_795_254_000)
            );
        }
    }

    #[test]
    fn the_form_is_the_documented_one_and_fits_a_small_qr_code() {
        let url = link("192.168.1.20").url();
        // base64url of 5a × 16, c3 × 16, 6b01 66f0: by `xxd -r -p | base64 | tr +/ -_`.
        let payload = "WlpaWlpaWlpaWlpaWlpaWsPDw8PDw8PDw8PDw8PDw8NrAWbw";
        assert_eq!(url.as_str(), format!("http://192.168.1.20:5020/#p=1.{payload}"));
        assert!(link("255.255.255.255").url().len() <= 81);
        assert!(link("fd00::1").url().starts_with("http://[fd00::1]:5020/#p=1."));
    }

    #[test]
    fn it_knows_its_desktop_by_sixteen_bytes_and_its_end_by_the_second() {
        let mut did = [0xc3; 32];
        did[16] = 0;
        assert!(link("a").is_to(&did));
        did[15] = 0;
        assert!(!link("a").is_to(&did));
        assert!(!link("a").is_expired(1_795_253_999));
        assert!(link("a").is_expired(1_795_254_000));
    }

    #[test]
    fn anything_else_is_no_link() {
        let good = link("a").url();
        let payload = good.split_once("p=1.").unwrap().1;
        let place = |place: &str| format!("http://{place}/#p=1.{payload}");
        assert!(place("a:1").parse::<Link>().is_ok());
        let bad = [
            String::new(),
            format!("{}A", good.as_str()),
            good.replace("p=1", "p=2"),
            good.replace("http:", "https:"),
            good.chars().take(good.len() - 1).collect(),
            place("a"),
            place("a:0"),
            place("a:65536"),
            place("a:+1"),
            place(":1"),
            place("a/b:1"),
            place("u@a:1"),
            place("[a]:1"),
            place("fd00::1:1"),
            place("[fd00::1:1"),
        ];
        for text in bad {
            assert_eq!(text.parse::<Link>().unwrap_err(), NotALink, "{text:?}");
        }
    }

    #[test]
    fn a_link_of_the_limit_is_read_and_one_past_it_is_not() {
        let rest = link("").url().len();
        assert!(link(&"a".repeat(MAX_LINK_BYTES - rest)).url().parse::<Link>().is_ok());
        assert!(
            link(&"a".repeat(MAX_LINK_BYTES - rest + 1))
                .url()
                .parse::<Link>()
                .is_err()
        );
    }

    #[test]
    fn the_debug_form_hides_the_secret() {
        let shown = format!("{:?}", link("a"));
        assert!(shown.contains("hidden") && !shown.contains("90, 90"), "{shown}");
    }
}
