//! What a session is told when it has joined.

use super::{Principal, Realm};
use crate::limits::LONGEST_MESSAGE;
use crate::resumption::Granted;
use crate::value::{Dict, Value};

impl Realm {
    pub(super) fn welcome(&self, principal: &Principal, granted: Option<&Granted>) -> Dict {
        let mut details = Dict::from([
            ("realm".to_owned(), self.name.as_str().into()),
            ("roles".to_owned(), announced_roles().into()),
            ("authid".to_owned(), (&*principal.authid).into()),
            ("authrole".to_owned(), (&**principal.role.name()).into()),
            ("authmethod".to_owned(), principal.method.into()),
            ("authprovider".to_owned(), principal.provider.into()),
            (
                "agent".to_owned(),
                concat!("deskconn-", env!("CARGO_PKG_VERSION")).into(),
            ),
        ]);
        if !principal.authextra.is_empty() {
            details.insert("authextra".to_owned(), principal.authextra.clone().into());
        }
        if principal.role.is_link() {
            details.insert("_router".to_owned(), self.settings.router.to_string().into());
        }
        if let Some(bytes) = self.settings.message_bytes {
            details.insert(LONGEST_MESSAGE.to_owned(), (bytes as u64).into());
        }
        if let Some(granted) = granted {
            granted.tell(&mut details);
        }
        details
    }
}

/// What the broker announces.
const BROKER: &[&str] = &[
    "event_history",
    "event_retention",
    "pattern_based_subscription",
    "payload_passthru_mode",
    "publication_trustlevels",
    "publisher_exclusion",
    "publisher_identification",
    "sharded_subscription",
    // The specification's own spelling.
    "shareded_subscriptions",
    "subscriber_blackwhite_listing",
    "subscription_revocation",
    "x_acknowledged_event_delivery",
    "x_forget_retained",
    "x_publication_queue",
    "session_meta_api",
    "subscription_meta_api",
];

/// What the dealer announces.
const DEALER: &[&str] = &[
    "call_canceling",
    "call_reroute",
    "call_timeout",
    "call_trustlevels",
    "caller_identification",
    "pattern_based_registration",
    "payload_passthru_mode",
    "progressive_call_invocations",
    "progressive_call_results",
    "registration_meta_api",
    "registration_revocation",
    "session_meta_api",
    "sharded_registration",
    "shared_registration",
    "testament_meta_api",
    "x_progress_credit",
];

/// Every feature that WELCOME announces, as often as there are roles that have it.
pub fn announced_features() -> impl Iterator<Item = &'static str> {
    BROKER.iter().chain(DEALER).copied()
}

/// The roles and features that WELCOME announces: those that are there. Reflection stands beside the features (WAMP
/// specification, "Interface Reflection").
fn announced_roles() -> Dict {
    let role = |features: &[&str]| -> Value {
        let features: Dict = features
            .iter()
            .map(|feature| ((*feature).to_owned(), true.into()))
            .collect();
        Dict::from([
            ("features".to_owned(), features.into()),
            ("reflection".to_owned(), true.into()),
        ])
        .into()
    };
    Dict::from([("broker".to_owned(), role(BROKER)), ("dealer".to_owned(), role(DEALER))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_roles_announce_that_they_revoke() {
        let roles = announced_roles();
        for (role, feature) in [
            ("broker", "subscription_revocation"),
            ("dealer", "registration_revocation"),
        ] {
            let features = roles[role].as_dict().unwrap()["features"].as_dict().unwrap();
            assert_eq!(features[feature], true.into());
        }
    }

    #[test]
    fn both_roles_announce_reflection_and_what_of_the_meta_api_is_theirs() {
        let roles = announced_roles();
        for (role, own) in [("broker", "subscription_meta_api"), ("dealer", "registration_meta_api")] {
            let role = roles[role].as_dict().unwrap();
            assert_eq!(role["reflection"], true.into());
            let features = role["features"].as_dict().unwrap();
            assert_eq!(features["session_meta_api"], true.into());
            assert_eq!(features[own], true.into());
        }
    }
}
