//! What the configuration says of who may come in, as it holds now, and what a change of it means for those who are there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

use router::{Login, Rate, Router, RuleError, Verdict};
use wamp::realm::INTERNAL_PROVIDER;

use super::realms::ConfiguredRealm;
use super::{Access, Authenticators};
use crate::config::{Config, Realm, Tls, size};

/// What holds now. Whoever begins to log in keeps what holds then, and the router closes logins that a change overtakes.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(super) realms: BTreeMap<String, Arc<ConfiguredRealm>>,
    pub(super) allows_anonymous_brightness: bool,
    pub(super) allows_plain_devices: bool,
    pub(super) sessions_per_device: usize,
    pub(super) message_rate: Option<Rate>,
    pub(super) input_rate: Option<Rate>,
}

impl Policy {
    /// That of a configuration. Of realms that `before` has in the same words, its own are taken.
    ///
    /// # Errors
    /// A role of the configuration cannot be taken.
    pub(super) fn new(
        config: &Config,
        before: Option<(&Config, &Self)>,
        authenticators: &Authenticators,
    ) -> Result<Self, RuleError> {
        let made = |realm: &Realm| {
            let known = before.and_then(|(config, policy)| {
                let words = config.realms.iter().find(|it| it.name == realm.name)?;
                Some((words, policy.realms.get(&realm.name)?))
            });
            match known {
                Some((words, made)) if words == realm => Ok(Arc::clone(made)),
                known => {
                    let made = known.map(|(_, made)| &**made);
                    ConfiguredRealm::new(realm, authenticators, made).map(Arc::new)
                }
            }
        };
        let realms = config.realms.iter();
        let realms = realms.map(|realm| Ok((realm.name.clone(), made(realm)?)));
        let limits = &config.limits;
        Ok(Self {
            realms: realms.collect::<Result<_, RuleError>>()?,
            allows_anonymous_brightness: config.compat.anonymous_brightness,
            allows_plain_devices: config.compat.plain_devices,
            sessions_per_device: limits.sessions_per_device.map_or(usize::MAX, size),
            message_rate: rate(limits.messages_per_s, limits.messages_burst),
            input_rate: rate(limits.input_messages_per_s, limits.messages_burst),
        })
    }

    /// Whoever registers an authenticator says who everybody is.
    pub(super) fn warn_of_open_doors(&self, config: &Config) {
        for authenticator in config.realms.iter().flat_map(|realm| &realm.authenticators) {
            let procedure = authenticator.procedure.as_str();
            let place = self.realms.get(&authenticator.realm);
            if place.is_some_and(|place| place.lets_anybody_register(&procedure.into())) {
                tracing::warn!(
                    realm = authenticator.realm,
                    procedure,
                    "anonymous clients may register this authenticator, and so come in as whoever they like"
                );
            }
        }
    }
}

/// What a change has done to those who were there.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Reviewed {
    /// Sessions that have another role now.
    pub changed: usize,
    /// Sessions that have ended.
    pub ended: usize,
}

impl Access {
    /// What holds now.
    pub(super) fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.policy.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What would hold with another configuration. Nothing changes yet.
    ///
    /// # Errors
    /// A role of it cannot be taken.
    pub(crate) fn prepare(&self, before: &Config, config: &Config) -> Result<Policy, RuleError> {
        Policy::new(config, Some((before, &*self.policy())), &self.authenticators)
    }

    /// From now on this holds: for those who come, and for those who are in realms whose words have changed.
    pub(crate) fn adopt(&self, policy: Policy, before: &Config, config: &Config, router: &Router) -> Reviewed {
        let policy = Arc::new(policy);
        policy.warn_of_open_doors(config);
        *self.policy.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&policy);
        // Logins from before come to nothing from here on, so nobody comes after the review who should be in it. Nobody is to be
        // reviewed where the words are the same; but files that they name may have others.
        if before != config || config.tls != Tls::default() {
            router.renew_logins();
        }
        let mut reviewed = Reviewed::default();
        for realm in &config.realms {
            let words = before.realms.iter().find(|it| it.name == realm.name);
            let Some(words) = words.filter(|words| *words != realm) else {
                continue;
            };
            let (Some(made), Some(handle)) = (policy.realms.get(&realm.name), router.realm(&realm.name)) else {
                continue;
            };
            let (changed, ended) = handle.review(|login| made.judge(words, realm, login));
            reviewed.changed += changed;
            reviewed.ended += ended;
        }
        reviewed
    }

    /// Has these users own the desktop from now on, beside those who do anyway. Sessions of others end.
    pub(crate) fn set_owners(&self, owners: BTreeSet<u32>) {
        self.household.set_owners(owners);
        self.seated.look_again();
    }
}

impl ConfiguredRealm {
    /// What becomes of a session whose realm was described by `before` and is now described by `after`.
    fn judge(&self, before: &Realm, after: &Realm, login: Login<'_>) -> Verdict {
        match login.provider {
            INTERNAL_PROVIDER => Verdict::Stays,
            super::STATIC_PROVIDER => self.judge_known(before, after, login),
            _ => self.judge_vouched(after, login),
        }
    }
}

/// The rate, where there is one.
fn rate(per_second: Option<u64>, burst: u64) -> Option<Rate> {
    let number = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    Rate::per_second(number(per_second?), number(burst))
}
