//! Which users of this machine own the desktop. Of a user's own daemon it is that user. Of the system service it is
//! whoever sits at the machine, and those that the configuration names; the answer changes while the daemon runs.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::{Context as _, Result, bail};
use components::backends::Seat;
use nix::unistd::User;
use tokio::sync::watch;

/// Root may do everything anyway.
const ROOT: u32 = 0;

/// The users of this machine that may come over the Unix socket.
#[derive(Debug)]
pub struct Household {
    /// The user this daemon runs as.
    own: u32,
    /// Those of the configuration.
    owners: RwLock<BTreeSet<u32>>,
    /// Who sits at the machine, where that counts.
    occupant: Option<watch::Receiver<Option<u32>>>,
    /// Follows them for as long as it lives.
    _seat: Option<Arc<dyn Seat>>,
}

impl Household {
    /// Of a daemon that serves the user it runs as.
    #[must_use]
    pub const fn of_user(own: u32) -> Self {
        Self {
            own,
            owners: RwLock::new(BTreeSet::new()),
            occupant: None,
            _seat: None,
        }
    }

    /// Of the system service.
    ///
    /// # Errors
    /// The system has no user of a name in `owners`.
    pub fn of_system(owners: &[String], seat: Arc<dyn Seat>) -> Result<Self> {
        Ok(Self {
            own: ROOT,
            owners: RwLock::new(Self::uids(owners)?),
            occupant: Some(seat.occupant()),
            _seat: Some(seat),
        })
    }

    /// The users of these names.
    ///
    /// # Errors
    /// The system has no user of one of them.
    pub fn uids(owners: &[String]) -> Result<BTreeSet<u32>> {
        let uid = |name: &String| match User::from_name(name) {
            Ok(Some(user)) => Ok(user.uid.as_raw()),
            Ok(None) => bail!("owners names \"{name}\", and this machine has no user of that name"),
            Err(error) => Err(error).with_context(|| format!("the user \"{name}\" of owners cannot be looked up")),
        };
        owners.iter().map(uid).collect()
    }

    /// Fails where the daemon of a user names owners.
    ///
    /// # Errors
    /// There are some.
    pub fn no_owners(owners: &[String]) -> Result<()> {
        anyhow::ensure!(
            owners.is_empty(),
            "owners is for the system service; this daemon belongs to the user it runs as"
        );
        Ok(())
    }

    /// Has others own the desktop from now on, beside those who own it anyway.
    pub(super) fn set_owners(&self, owners: BTreeSet<u32>) {
        *self.owners.write().unwrap_or_else(PoisonError::into_inner) = owners;
    }

    fn is_named(&self, uid: u32) -> bool {
        self.owners
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&uid)
    }

    /// Whether this is the system service's.
    #[must_use]
    pub const fn is_of_system(&self) -> bool {
        self.occupant.is_some()
    }

    /// Whether a user owns the desktop now.
    #[must_use]
    pub fn has(&self, uid: u32) -> bool {
        uid == self.own || uid == ROOT || self.is_named(uid) || self.is_occupant(uid)
    }

    /// Whether a user sits at the machine now: then an agent of theirs serves the session in front.
    #[must_use]
    pub fn is_occupant(&self, uid: u32) -> bool {
        let occupant = self.occupant.as_ref();
        occupant.is_some_and(|occupant| *occupant.borrow() == Some(uid))
    }

    /// Who sits at the machine, as it changes; `None` where it does not count.
    #[must_use]
    pub fn occupant(&self) -> Option<watch::Receiver<Option<u32>>> {
        self.occupant.clone()
    }
}

#[cfg(test)]
mod tests {
    use components::backends::fake::Fake;

    use super::*;

    #[test]
    fn a_users_daemon_serves_that_user_and_root() {
        let household = Household::of_user(1000);
        assert!(household.has(1000) && household.has(0));
        assert!(!household.has(1001) && !household.is_occupant(1000));
    }

    #[test]
    fn the_system_service_serves_who_sits_there_as_long_as_they_do_and_who_is_named() {
        let seat = Arc::new(Fake::default());
        // Every system has this user (Debian policy 9.2.2).
        let household = Household::of_system(&["daemon".to_owned()], Arc::clone(&seat) as _).unwrap();
        let named = User::from_name("daemon").unwrap().unwrap().uid.as_raw();
        assert!(household.has(0) && household.has(named) && !household.has(1000));
        seat.seat(Some(1000));
        assert!(household.has(1000) && household.is_occupant(1000) && !household.is_occupant(named));
        seat.seat(Some(1001));
        assert!(!household.has(1000) && household.has(1001));
        seat.seat(None);
        assert!(!household.has(1001));
    }

    #[test]
    fn an_owner_whom_nobody_knows_is_an_error_with_the_name() {
        let error = Household::of_system(&["nobody-of-that-name".to_owned()], Arc::new(Fake::default())).unwrap_err();
        assert!(error.to_string().contains("nobody-of-that-name"), "{error}");
    }
}
