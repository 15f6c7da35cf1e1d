//! What devices may do changes while they are here: the owner changes it, a grant runs out, the screen is locked, a
//! pairing expires. Whatever the cause, the sessions of the device have the new role at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use client::Origin;
use components::{Permit, Refusal};
use pairing::Device;
use router::{Action, RealmHandle, Role};
use time::OffsetDateTime;
use tokio::sync::Notify;
use wamp::error::KILLED;
use wamp::message::Goodbye;

use super::{Access, roles};
use crate::audit::{Entry, Kind};
use crate::clock;

/// How long a timer for a time of day runs at most: the clock may be set meanwhile.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

const SCREEN_IS_LOCKED: &str = "the screen is locked, and keys would go into its password; unlock it first, or let the \
     owner give this device a grant of its own: deskconnctl devices grant";

/// The roles that sessions of devices have now, and what they depend on beside the list of devices.
#[derive(Debug, Default)]
pub(super) struct Rights {
    /// The role of each device that is here.
    given: Mutex<BTreeMap<Arc<str>, Arc<Role>>>,
    /// Whether the screen is locked, where somebody can tell.
    is_locked: Mutex<Option<bool>>,
    changed: Notify,
}

impl Rights {
    fn is_locked(&self) -> MutexGuard<'_, Option<bool>> {
        self.is_locked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn given(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Arc<Role>>> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A device joined with this role. Where its other sessions have another one, something changed while it joined: then
    /// what is given counts as unknown, and all of them get what holds now.
    pub(super) fn entered(&self, device: &Arc<str>, role: &Arc<Role>) {
        let mut given = self.given();
        match given.get(device) {
            None => drop(given.insert(Arc::clone(device), Arc::clone(role))),
            Some(other) if other != role => drop(given.remove(device)),
            Some(_) => {}
        }
        drop(given);
        // Its role may end by the clock.
        self.changed.notify_one();
    }

    /// Its last session left.
    pub(super) fn left(&self, device: &Arc<str>) {
        self.given().remove(device);
    }
}

impl Access {
    /// What a device may do now.
    #[must_use]
    pub fn role_of(&self, device: &Device) -> Role {
        self.roles
            .of_device(device, OffsetDateTime::now_utc(), self.is_unlocked())
    }

    /// What a device may do without its grants.
    #[must_use]
    pub fn role_without_grants(&self, device: &Device) -> Role {
        self.roles.without_grants(device)
    }

    /// What the caller of a procedure may do now.
    #[must_use]
    pub fn role_of_caller(&self, caller: &Origin) -> Role {
        match &*caller.authrole {
            roles::OWNER => roles::owner(),
            roles::COMPONENT => roles::component(&caller.authid),
            roles::AGENT => roles::agent(),
            _ => self.role_now(&caller.authid).unwrap_or_else(roles::pairing),
        }
    }

    /// The same by its id; `None` when it is not let in.
    pub(super) fn role_now(&self, device: &str) -> Option<Role> {
        let now = OffsetDateTime::now_utc();
        let role = |device: &Device| device.is_current(now).then(|| self.role_of(device));
        self.store.with_trust(|trust| trust.find(device).and_then(role))
    }

    /// Whether the screen is known to be unlocked. Where nobody can tell it counts as locked.
    #[must_use]
    pub fn is_unlocked(&self) -> bool {
        *self.rights.is_locked() == Some(false)
    }

    /// Notes whether the screen is locked; grants that hold only while it is not follow at once.
    pub fn set_locked(&self, is_locked: Option<bool>, realm: &RealmHandle) {
        *self.rights.is_locked() = is_locked;
        self.apply_rights(realm);
    }

    /// Whether somebody may type and point now. While the screen is known to be locked, keys would go into the password:
    /// then it takes the owner, or a device with a grant of its own for it.
    pub fn permit(access: &Arc<Self>) -> Permit {
        let access = Arc::clone(access);
        Arc::new(move |procedure, caller| {
            if !procedure.is_input || *access.rights.is_locked() != Some(true) {
                return Ok(());
            }
            let device = caller.and_then(|caller| access.known(&caller.authid));
            if device.is_none_or(|device| access.is_granted(&device, procedure.uri)) {
                return Ok(());
            }
            Err(Refusal::Refused(SCREEN_IS_LOCKED.to_owned()))
        })
    }

    /// Whether one of the device's own grants allows a call now, whatever its role says.
    fn is_granted(&self, device: &Device, procedure: &str) -> bool {
        let granted = roles::granted(device, OffsetDateTime::now_utc(), self.is_unlocked());
        granted.allows(Action::Call, &procedure.into()).is_some()
    }

    /// Gives every session of every device the role that it should have now, and ends those of devices that are not let
    /// in any more.
    pub fn apply_rights(&self, realm: &RealmHandle) {
        self.apply(realm);
        // What changed may have an end of its own.
        self.rights.changed.notify_one();
    }

    /// The same; says how long it holds, if a clock can change it.
    fn apply(&self, realm: &RealmHandle) -> Option<Duration> {
        // Held throughout, so that of two changes the later one wins. Who holds the realm's lock never waits for this one.
        let mut given = self.rights.given();
        let mut next = None;
        for device in self.presence.devices() {
            let Some(role) = self.role_now(&device) else {
                let goodbye = Goodbye::new(KILLED, "this device is no longer let in");
                let ended = realm.revoke_sessions(&goodbye, |origin| *origin.authid == *device);
                // One that was revoked is gone, and has its own entry in the log.
                if let (Some(known), 1..) = (self.known(&device), ended) {
                    let expired = Entry::new(Kind::Expired).device(&known);
                    self.audit.note(expired.detail(format!("sessions ended: {ended}")));
                }
                given.remove(&device);
                continue;
            };
            if given.get(&device).is_none_or(|it| **it != role) {
                let role = Arc::new(role);
                realm.set_role(&role, |origin| *origin.authid == *device);
                given.insert(Arc::clone(&device), role);
            }
            let end = self.next_change(&device);
            next = [next, end].into_iter().flatten().min();
        }
        next
    }

    /// How long what a device may do holds, if a clock can change it.
    fn next_change(&self, device: &str) -> Option<Duration> {
        let now = OffsetDateTime::now_utc();
        self.store.with_trust(|trust| {
            let device = trust.find(device)?;
            let ends = device.grants.iter().filter_map(|grant| grant.until);
            ends.chain(device.expires).map(|end| until_change(end, now)).min()
        })
    }

    /// Follows the clock for as long as the daemon runs.
    pub async fn keep_rights(self: Arc<Self>, realm: RealmHandle) {
        let mut clock = clock::Watch::new();
        loop {
            let changed = self.rights.changed.notified();
            match self.apply(&realm) {
                // A moment more: at the very moment the clock may still be before it.
                Some(left) => {
                    clock.look("grants and pairings with an end");
                    let wait = left.saturating_add(Duration::from_millis(1)).min(LONGEST_WAIT);
                    let _ = tokio::time::timeout(wait, changed).await;
                }
                None => changed.await,
            }
        }
    }
}

/// How long it is until a clock passes this end. One that is over comes back when the clock is put back, which is looked for.
fn until_change(end: OffsetDateTime, now: OffsetDateTime) -> Duration {
    let left = Duration::try_from(end - now).unwrap_or_default();
    if left.is_zero() { LONGEST_WAIT } else { left }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_waited_for_and_one_that_is_over_is_looked_at_again_as_the_clock_may_be_put_back() {
        let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        let second = Duration::from_secs(1);
        assert_eq!(until_change(now + second, now), second);
        assert_eq!(until_change(now, now), LONGEST_WAIT);
        assert_eq!(until_change(now - second, now), LONGEST_WAIT);
        assert_eq!(until_change(now - time::Duration::days(20_000), now), LONGEST_WAIT);
    }
}
