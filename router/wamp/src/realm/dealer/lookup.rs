//! Questions about registrations: what the meta API and reflection ask.

use super::Dealer;
use crate::id::RegistrationId;
use crate::message::Match;
use crate::uri::Uri;

impl Dealer {
    /// Every registration, in the order in which they were made.
    pub(in crate::realm) fn all(&self) -> Vec<(RegistrationId, &Uri, Match)> {
        #[allow(clippy::disallowed_methods, reason = "sorted before anybody sees it")]
        let rows = self
            .by_id
            .iter()
            .map(|(id, (procedure, policy))| (*id, procedure, *policy));
        let mut all: Vec<_> = rows.collect();
        all.sort_unstable_by_key(|(id, ..)| *id);
        all
    }

    /// The registration of just this procedure or pattern.
    pub(in crate::realm) fn lookup(&self, procedure: &[u8], policy: Match) -> Option<RegistrationId> {
        self.registrations.get(procedure, policy).map(|it| it.id)
    }

    /// The registration that a call of this procedure goes to.
    pub(in crate::realm) fn matching(&self, procedure: &Uri) -> Option<RegistrationId> {
        self.best(procedure).map(|(_, registration)| registration.id)
    }
}
