//! Sessions that speak for another router, and the way of calls through several (`docs/LINKS.md`). Events have
//! `broker/origins.rs`.

use super::{Realm, Refusal};
use crate::error;
use crate::id::SessionId;
use crate::limits::MAX_VIA;
use crate::message::{InvocationDetails, Passthru, SharedPassthru};

const CIRCLES: Refusal = Refusal(
    error::NO_SUCH_PROCEDURE,
    "nobody offers this procedure: the call has come round to a router that had it",
);
const TOO_FAR: Refusal = Refusal(
    error::NO_SUCH_PROCEDURE,
    "nobody offers this procedure within 16 routers",
);

impl Realm {
    /// Whether a session speaks for another router.
    pub(super) fn is_link(&self, session: SessionId) -> bool {
        self.members.get(session).is_some_and(|member| member.role.is_link())
    }

    /// Looks at the route of a call. Who may not speak for a router has none, whatever it says.
    #[cold]
    pub(super) fn check_route(&self, from: SessionId, packed: &mut SharedPassthru) -> Result<(), Refusal> {
        let Some(route) = Passthru::route_of(packed) else {
            return Ok(());
        };
        if !self.is_link(from) {
            *packed = packed.as_ref().and_then(|packed| packed.without_route());
            return Ok(());
        }
        if route.via.contains(&self.settings.router) {
            return Err(CIRCLES);
        }
        if route.via.len() >= MAX_VIA {
            return Err(TOO_FAR);
        }
        Ok(())
    }

    /// What a callee is told of the route of a call: all of it, if it speaks for a router; if not, who called where it began.
    #[cold]
    pub(super) fn tell_route(&self, callee: SessionId, details: &mut InvocationDetails) {
        let packed = details.passthru.as_ref().filter(|packed| packed.route.is_some());
        let Some(packed) = packed.filter(|_| !self.is_link(callee)) else {
            return;
        };
        if let Some(from) = packed.route.as_ref().and_then(|route| route.from.clone()) {
            details.caller = Some(Box::new(from));
        }
        details.passthru = packed.without_route();
    }
}

#[cfg(test)]
mod tests;
