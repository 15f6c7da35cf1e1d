//! What a change of the configuration means for those who are there.

use std::sync::Arc;

use wamp::error::KILLED;
use wamp::limits::Quota;
use wamp::message::{Goodbye, Origin};
use wamp::realm::role::Role;

use super::{RealmHandle, State};

/// What becomes of a session.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// It stays as it is.
    Stays,
    /// It has this role from now on.
    Becomes(Arc<Role>),
    /// It ends, and its client is told this sentence. Its testaments are dropped.
    Goes(&'static str),
}

/// How a session logged in.
#[derive(Debug, Clone, Copy)]
pub struct Login<'a> {
    /// Who it is.
    pub origin: &'a Origin,
    /// By which method: `anonymous`, `cryptosign`.
    pub method: &'static str,
    /// Who vouched for it: `static`, `trust`, `dynamic`, `internal`.
    pub provider: &'static str,
}

impl RealmHandle {
    /// Decides about every session that is there. Says how many got another role, and how many ended.
    pub fn review(&self, judge: impl Fn(Login<'_>) -> Verdict) -> (usize, usize) {
        let mut state = self.state();
        let State {
            realm,
            deliveries,
            seats,
            ..
        } = &mut *state;
        let (mut changed, mut gone) = (0, Vec::new());
        for session in realm.sessions() {
            let (Some(origin), Some((method, provider, role))) = (realm.origin(session), realm.login(session)) else {
                continue;
            };
            let login = Login {
                origin,
                method,
                provider,
            };
            match judge(login) {
                Verdict::Stays => {}
                Verdict::Becomes(new) if new == *role => {}
                Verdict::Becomes(new) => {
                    changed += 1;
                    realm.set_role(session, new, deliveries);
                    // What waited for an authorizer may not wait under the new role.
                    if let Some(seat) = seats.get(&session) {
                        seat.release();
                    }
                }
                Verdict::Goes(why) => gone.push((session, why)),
            }
        }
        for (session, why) in &gone {
            realm.drop_testaments(*session);
            realm.dismiss(&[*session], &Goodbye::new(KILLED, *why), deliveries);
        }
        self.deliver(&mut state);
        (changed, gone.len())
    }

    pub(crate) fn set_quota(&self, quota: Quota, message_bytes: usize) {
        self.state().realm.set_quota(quota, message_bytes);
    }
}
