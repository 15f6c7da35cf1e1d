//! What a change of the realm's words means for those who are there.

use std::sync::Arc;

use router::{Login, Role, Verdict};
use wamp::auth::Method;

use super::{ConfiguredRealm, Known, NAME_OF_ANOTHER};
use crate::config;

const NO_ROLE: &str = "the role of this session is not in the configuration any more";
const NOT_KNOWN: &str = "whoever this session is of is not in the configuration any more";
const OTHER_CREDENTIALS: &str = "the credentials of whoever this session is of have changed; log in again";
const NOBODY_VOUCHES: &str = "the authenticator that vouched for this session is not in the configuration any more";

impl ConfiguredRealm {
    /// Of somebody whom the configuration lets in.
    pub(in crate::access) fn judge_known(
        &self,
        before: &config::Realm,
        after: &config::Realm,
        login: Login<'_>,
    ) -> Verdict {
        let (authid, authrole, method) = (&*login.origin.authid, &*login.origin.authrole, login.method);
        if method == Method::Anonymous.name() {
            return match &self.anonymous {
                _ if self.is_taken(Some(authid)) => Verdict::Goes(NAME_OF_ANOTHER),
                Some(role) => Verdict::Becomes(Arc::clone(role)),
                None => Verdict::Goes(NOT_KNOWN),
            };
        }
        if method == Method::Tls.name() {
            return or_goes(self.with_certificate(authid), NOT_KNOWN);
        }
        // Somebody may have several keys, and nobody remembers which one a session came with.
        let is_meant = |it: &&config::Principal| it.authid == authid && it.login.method().name() == method;
        let still_is = |it: &config::Principal| {
            after
                .principals
                .iter()
                .filter(is_meant)
                .any(|now| now.login == it.login)
        };
        let known = |it: &&Known| it.authid == authid && it.login.method().name() == method;
        let roles: Vec<_> = self.principals.iter().filter(known).map(|it| &it.role).collect();
        if !roles.is_empty() && !before.principals.iter().filter(is_meant).all(still_is) {
            return Verdict::Goes(OTHER_CREDENTIALS);
        }
        let same = roles.iter().find(|role| **role.name() == *authrole);
        or_goes(same.or(roles.first()).copied(), NOT_KNOWN)
    }

    /// Of somebody for whom an authenticator has vouched.
    pub(in crate::access) fn judge_vouched(&self, after: &config::Realm, login: Login<'_>) -> Verdict {
        if self.is_taken(Some(&*login.origin.authid)) {
            return Verdict::Goes(NAME_OF_ANOTHER);
        }
        let mut methods = after.authenticators.iter().flat_map(|it| &it.methods);
        if !methods.any(|method| method.name() == login.method) {
            return Verdict::Goes(NOBODY_VOUCHES);
        }
        or_goes(self.roles.get(&*login.origin.authrole), NO_ROLE)
    }
}

fn or_goes(role: Option<&Arc<Role>>, why: &'static str) -> Verdict {
    role.map_or(Verdict::Goes(why), |role| Verdict::Becomes(Arc::clone(role)))
}
