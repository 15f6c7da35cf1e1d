//! CPace over ristretto255 with SHA-512, initiator and responder: two sides with one secret agree on a key, and a
//! stranger learns from a run whether one guess was right, nothing more.
//!
//! The source is draft-irtf-cfrg-cpace-21, suite CPACE-RISTR255-SHA512, section 8.3 and appendix B.3. Its labels stand
//! here as they are in that draft and stay so under the version of our own protocol, whatever later drafts do. It
//! knows neither messages nor who may be trusted.

use curve25519_dalek::Scalar;
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::traits::IsIdentity;
use rand::TryCryptoRng;
use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

use crate::random::{self, NoRandom};

/// The draft's `G.DSI`.
const DSI: &[u8] = b"CPaceRistretto255";

/// The draft's `G.DSI_ISK`.
const DSI_ISK: &[u8] = b"CPaceRistretto255_ISK";

/// The draft's `H.s_in_bytes`: SHA-512 takes blocks of 128 bytes.
const HASH_BLOCK_BYTES: usize = 128;

/// Zeros as padding of the first block.
const ZEROS: [u8; HASH_BLOCK_BYTES] = [0; HASH_BLOCK_BYTES];

/// The key that both sides end with.
pub(super) type SessionKey = Zeroizing<[u8; 64]>;

/// What was received is no element of the group, or the neutral one, with which the key would be known to everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadPoint;

/// The length of `data` in LEB128, as the draft's `prepend_len` writes it.
fn length(data: &[u8]) -> Vec<u8> {
    let mut rest = data.len();
    let mut bytes = Vec::with_capacity(2);
    loop {
        let low = u8::try_from(rest & 0x7f).unwrap_or(0);
        rest >>= 7;
        if rest == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// Feeds `lv(part)`, its length and itself, for each part: the draft's `lv_cat`. Nothing secret is copied on the way.
pub(super) fn absorb(hash: &mut Sha512, parts: &[&[u8]]) {
    for part in parts {
        hash.update(length(part));
        hash.update(part);
    }
}

/// `lv_cat` of what is public.
pub(super) fn lv(parts: &[&[u8]]) -> Vec<u8> {
    parts
        .iter()
        .flat_map(|part| length(part).into_iter().chain(part.iter().copied()))
        .collect()
}

/// The generator that belongs to the secret `prs`: `calculate_generator` of section 8.3.
fn generator(prs: &[u8], ci: &[u8], sid: &[u8]) -> Zeroizing<RistrettoPoint> {
    let used = 1 + length(prs).len() + prs.len() + length(DSI).len() + DSI.len();
    let padding = ZEROS.get(..HASH_BLOCK_BYTES.saturating_sub(used)).unwrap_or_default();
    let mut hash = Sha512::new();
    absorb(&mut hash, &[DSI, prs, padding, ci, sid]);
    let uniform: SessionKey = Zeroizing::new(hash.finalize().into());
    Zeroizing::new(RistrettoPoint::from_uniform_bytes(&uniform))
}

/// One side's share of a run: a secret number and what is sent of it.
pub(super) struct Share {
    secret: Zeroizing<Scalar>,
    public: [u8; 32],
}

impl Share {
    /// A new share for the secret `prs`, the parties `ci` and the run `sid`. Takes 64 bytes from `random`.
    pub(super) fn generate<R>(prs: &[u8], ci: &[u8], sid: &[u8], random: &mut R) -> Result<Self, NoRandom>
    where
        R: TryCryptoRng + ?Sized,
    {
        // Twice the length of the order, so that the remainder is even to 2⁻²⁵⁶.
        let wide = random::draw(random)?;
        let secret = Zeroizing::new(Scalar::from_bytes_mod_order_wide(&wide));
        if *secret == Scalar::ZERO {
            return Err(NoRandom("it gave zeros".into()));
        }
        Ok(Self::of(secret, prs, ci, sid))
    }

    fn of(secret: Zeroizing<Scalar>, prs: &[u8], ci: &[u8], sid: &[u8]) -> Self {
        let public = (*generator(prs, ci, sid) * *secret).compress().to_bytes();
        Self { secret, public }
    }

    /// What is sent.
    pub(super) fn public(&self) -> &[u8; 32] {
        &self.public
    }

    /// The draft's `scalar_mult_vfy`: the point that both sides reach.
    fn meet(&self, other: &[u8; 32]) -> Result<Zeroizing<[u8; 32]>, BadPoint> {
        // Decompression takes the canonical encoding only (RFC 9496, section 4.3.1).
        let point = CompressedRistretto(*other).decompress().ok_or(BadPoint)?;
        let met = Zeroizing::new(point * *self.secret);
        if met.is_identity() {
            return Err(BadPoint);
        }
        Ok(Zeroizing::new(met.compress().to_bytes()))
    }

    /// The initiator's key. `ad_a` and `ad_b` are what both sides know to have been said beside the points.
    pub(super) fn initiate(&self, yb: &[u8; 32], ad_a: &[u8], ad_b: &[u8], sid: &[u8]) -> Result<SessionKey, BadPoint> {
        Ok(session_key(&*self.meet(yb)?, sid, [(&self.public, ad_a), (yb, ad_b)]))
    }

    /// The responder's key.
    pub(super) fn respond(&self, ya: &[u8; 32], ad_a: &[u8], ad_b: &[u8], sid: &[u8]) -> Result<SessionKey, BadPoint> {
        Ok(session_key(&*self.meet(ya)?, sid, [(ya, ad_a), (&self.public, ad_b)]))
    }
}

/// `ISK = H(lv(DSI_ISK) ‖ lv(sid) ‖ lv(K) ‖ transcript_ir(…))`.
fn session_key(met: &[u8; 32], sid: &[u8], sides: [(&[u8; 32], &[u8]); 2]) -> SessionKey {
    let mut hash = Sha512::new();
    absorb(&mut hash, &[DSI_ISK, sid, met]);
    for (point, ad) in sides {
        absorb(&mut hash, &[point, ad]);
    }
    Zeroizing::new(hash.finalize().into())
}

#[cfg(test)]
#[path = "cpace_tests.rs"]
mod tests;
