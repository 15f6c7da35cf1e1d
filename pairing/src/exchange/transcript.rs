//! What binds an exchange together: the hash of what was sent, the keys of it, confirmations, seals.
//!
//! ```text
//! th        = SHA-512(lv(hello) ‖ lv(pake_a) ‖ lv(pake_b))            the frames as they were sent
//! K_label   = HKDF-SHA512(ikm = ISK, salt = th, info = label, 32 bytes)  Kmac_a, Kmac_b, Kenc_a, Kenc_b
//! mac_x     = HMAC-SHA256(Kmac_x, th)
//! sig_x     = Ed25519("deskconn-pair-sig-x/1" ‖ 0 ‖ th)
//! box_x     = ChaCha20-Poly1305(Kenc_x, nonce = 0, no associated data)
//! ```
//!
//! It does not know whose turn it is.

use chacha20poly1305::aead::Aead;
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256, Sha512};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::cpace::{SessionKey, absorb};
use super::messages::Confirm;
use crate::identity::{DeviceKey, Identity};

/// Whose key: the device is A, the desktop B.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Device,
    Desktop,
}

/// A confirmation does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unconfirmed {
    /// The other side has another key: another secret, or other messages.
    Mac,
    /// The other side does not have the identity it shows.
    Signature,
}

/// The keys of one exchange.
pub(super) struct Keys {
    th: [u8; 64],
    device: SideKeys,
    desktop: SideKeys,
}

struct SideKeys {
    mac: Zeroizing<[u8; 32]>,
    seal: Zeroizing<[u8; 32]>,
    label: &'static str,
}

impl Keys {
    /// The keys after these three frames.
    pub(super) fn new(session: &SessionKey, hello: &[u8], pake_a: &[u8], pake_b: &[u8]) -> Self {
        let mut hash = Sha512::new();
        absorb(&mut hash, &[hello, pake_a, pake_b]);
        let th: [u8; 64] = hash.finalize().into();
        let from = Hkdf::<Sha512>::new(Some(&th), session.as_slice());
        let key = |label: &str| {
            let mut key = Zeroizing::new([0; 32]);
            from.expand(label.as_bytes(), &mut *key)
                .expect("HKDF-SHA512 gives up to 16320 bytes");
            key
        };
        Self {
            device: SideKeys {
                mac: key("Kmac_a"),
                seal: key("Kenc_a"),
                label: "deskconn-pair-sig-a/1",
            },
            desktop: SideKeys {
                mac: key("Kmac_b"),
                seal: key("Kenc_b"),
                label: "deskconn-pair-sig-b/1",
            },
            th,
        }
    }

    fn of(&self, side: Side) -> &SideKeys {
        match side {
            Side::Device => &self.device,
            Side::Desktop => &self.desktop,
        }
    }

    fn mac(&self, side: Side) -> [u8; 32] {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(self.of(side).mac.as_slice())
            .expect("HMAC takes keys of any length");
        mac.update(&self.th);
        mac.finalize().into_bytes().into()
    }

    /// This side's confirmation.
    pub(super) fn confirm(&self, side: Side, identity: &Identity) -> Confirm {
        Confirm {
            mac: self.mac(side),
            signature: identity.sign(self.of(side).label, &self.th),
        }
    }

    /// Checks the other side's confirmation: first that it has the secret, then that it has the identity.
    pub(super) fn check(&self, side: Side, confirm: &Confirm, key: &DeviceKey) -> Result<(), Unconfirmed> {
        if !bool::from(self.mac(side).ct_eq(&confirm.mac)) {
            return Err(Unconfirmed::Mac);
        }
        if !key.verifies(self.of(side).label, &self.th, &confirm.signature) {
            return Err(Unconfirmed::Signature);
        }
        Ok(())
    }

    fn cipher(&self, side: Side) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new(self.of(side).seal.as_slice().try_into().expect("a key has 32 bytes"))
    }

    /// Seals what this side says last. Each key seals once, so the nonce may stand still.
    pub(super) fn seal(&self, side: Side, plain: &[u8]) -> Vec<u8> {
        self.cipher(side)
            .encrypt(&Nonce::default(), plain)
            .expect("a message of a few kilobytes can be sealed")
    }

    /// Opens what the other side sealed.
    pub(super) fn open(&self, side: Side, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.cipher(side)
            .decrypt(&Nonce::default(), sealed)
            .ok()
            .map(Zeroizing::new)
    }

    #[cfg(test)]
    pub(super) fn th(&self) -> &[u8; 64] {
        &self.th
    }

    /// The keys by their labels, for the test vectors.
    #[cfg(test)]
    pub(super) fn shown(&self) -> serde_json::Value {
        let text = |key: &Zeroizing<[u8; 32]>| hex::encode(**key);
        serde_json::json!({
            "Kmac_a": text(&self.device.mac), "Kmac_b": text(&self.desktop.mac),
            "Kenc_a": text(&self.device.seal), "Kenc_b": text(&self.desktop.seal),
        })
    }
}
