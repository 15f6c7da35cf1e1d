//! Sessions that outlive their connection, as far as the realm has to know: a session that waits for its client is a
//! member as any other.

use std::sync::Arc;

use super::meta::Scope;
use super::{Principal, Proceed, Realm};
use crate::id::SessionId;
use crate::message::{Message, Welcome};
use crate::outgoing::Delivery;
use crate::resumption::Granted;
use crate::value::Dict;

/// What `transport` says of a session whose connection is lost.
const DETACHED: &str = "detached";

impl Realm {
    /// The connection of a session is lost, and its client may return: its testaments of the scope `detached` are
    /// published, once.
    pub fn detach(&mut self, session: SessionId, out: &mut Vec<Delivery>) {
        if let Some(member) = self.members.get_mut(session) {
            member.transport.insert(DETACHED.to_owned(), true.into());
        }
        self.publish_testaments(session, &[Scope::Detached], out);
    }

    /// Whether this is who a session belongs to, known in the same way.
    #[must_use]
    pub fn is_of(&self, session: SessionId, principal: &Principal) -> bool {
        self.members.get(session).is_some_and(|member| {
            member.origin.authid == principal.authid
                && member.method == principal.method
                && member.provider == principal.provider
        })
    }

    /// A client has returned to its session over another connection: WELCOME for it, which comes before whatever else is
    /// sent. If its role is another now, that holds from here on.
    #[must_use]
    pub fn resume(
        &mut self,
        session: SessionId,
        principal: &Principal,
        transport: Dict,
        granted: &Granted,
        out: &mut Vec<Delivery>,
    ) -> Message {
        if let Some(member) = self.members.get_mut(session) {
            member.transport = transport;
            if *member.role != *principal.role {
                self.set_role(session, Arc::clone(&principal.role), out);
            }
        }
        let details = self.welcome(principal, Some(granted));
        Message::Welcome(Welcome { session, details })
    }

    /// Whether a session may be read: [`Proceed::Wait`] while as much as may waits for its authorizer.
    #[must_use]
    pub fn proceed(&self, session: SessionId) -> Proceed {
        let Some(member) = self.members.get(session) else {
            return Proceed::Leave;
        };
        member
            .dynamic
            .as_ref()
            .map_or(Proceed::Continue, |dynamic| dynamic.proceed())
    }
}
