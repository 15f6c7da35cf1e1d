//! What the desk writes into the audit log, and says in the log beside it: windows, and who was paired or not. Never a code or a
//! key.

use pairing::Device;
use pairing::exchange::Why;
use pairing::legacy::Refusal;
use pairing::window::{Closed, Terms};

use super::{Desk, Told};
use crate::audit::{Entry, Kind};

/// A window was opened.
pub(super) fn opened(terms: &Terms) -> Entry {
    let form = if terms.legacy {
        "the legacy form"
    } else {
        "the key exchange"
    };
    let entry = Entry::new(Kind::PairingOpened).role(&terms.role);
    entry.detail(format!("for {form}, {} s", terms.ttl.as_secs()))
}

/// It closed.
pub(super) fn closed(why: Closed) -> Entry {
    Entry::new(Kind::PairingClosed).detail(why.to_string())
}

/// A device was paired.
pub(super) fn granted(device: &Device) -> Entry {
    let entry = Entry::new(Kind::PairingGranted).device(device);
    entry.address(device.last_address.as_deref())
}

impl Desk {
    /// A device was refused.
    pub(super) fn not_paired(&self, address: Option<&str>, refusal: Refusal) {
        tracing::warn!(address = address.unwrap_or_default(), %refusal, "a device was not paired");
        let failed = Entry::new(Kind::PairingFailed).address(address);
        self.audit.note(failed.detail(refusal.to_string()));
    }

    /// A device's exchange ended without a pairing. What looks like somebody in between is said loudly.
    pub(super) fn exchange_failed(&self, address: Option<&str>, why: &Why) {
        let address_shown = address.unwrap_or_default();
        if why.is_alarming() {
            tracing::error!(address = address_shown, %why, "pairing was attacked");
            self.tell(Told::Alarm(why.to_string()));
        } else {
            tracing::warn!(address = address_shown, %why, "a device was not paired");
        }
        let failed = Entry::new(Kind::PairingFailed).address(address);
        self.audit.note(failed.detail(why.to_string()));
    }
}
