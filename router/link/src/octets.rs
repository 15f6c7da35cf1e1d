//! How much comes and goes over many connections together.

use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that connections read and wrote, as frames inside TLS or QUIC: what those add is not in it. Each
/// read and each write adds once.
#[derive(Debug, Default)]
pub struct Octets {
    received: AtomicU64,
    sent: AtomicU64,
}

impl Octets {
    pub(crate) fn receive(&self, count: usize) {
        self.received.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(crate) fn send(&self, count: usize) {
        self.sent.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// How many were received, and how many sent.
    #[must_use]
    pub fn read(&self) -> [u64; 2] {
        [&self.received, &self.sent].map(|it| it.load(Ordering::Relaxed))
    }
}
