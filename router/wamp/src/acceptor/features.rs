//! What clients announce.

use crate::value::{Dict, Value};

/// What a client can do, as far as the router acts on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Features {
    /// As a callee it understands INTERRUPT.
    pub call_canceling: bool,
    /// As a callee it sees to time-outs itself, if it wants to.
    pub call_timeout: bool,
    /// As a callee it takes a call in several parts.
    pub progressive_call_invocations: bool,
    /// As a callee it understands that the router ends a registration.
    pub registration_revocation: bool,
    /// As a callee it sends only as many progressive results as it is granted, and grants parts of calls.
    pub progress_credit: bool,
    /// As a subscriber it understands that the router ends a subscription.
    pub subscription_revocation: bool,
    /// As a subscriber it says that an event has arrived, when it is asked to.
    pub acknowledged_event_delivery: bool,
}

const ACKNOWLEDGED: &str = "x_acknowledged_event_delivery";

impl Features {
    /// What the roles of a HELLO announce. Where the specification has two spellings, both count.
    ///
    /// autobahn-python 26.10 announces `subscription_revocation`, and breaks off when it gets that message; it keeps its
    /// session where it is not told. No other library announces its encryption of payloads. That it says when an event has
    /// arrived, it announces as a publisher.
    pub(super) fn announced(roles: &Dict) -> Self {
        let callee = |feature| has_feature(roles, "callee", feature);
        let subscriber = |feature| has_feature(roles, "subscriber", feature);
        let breaks_off = subscriber("payload_encryption_cryptobox");
        Self {
            call_canceling: callee("call_canceling") || callee("call_cancelling"),
            call_timeout: callee("call_timeout"),
            progressive_call_invocations: callee("progressive_call_invocations"),
            progress_credit: callee("x_progress_credit"),
            registration_revocation: callee("registration_revocation"),
            subscription_revocation: subscriber("subscription_revocation") && !breaks_off,
            acknowledged_event_delivery: subscriber(ACKNOWLEDGED) || has_feature(roles, "publisher", ACKNOWLEDGED),
        }
    }
}

fn has_feature(roles: &Dict, role: &str, feature: &str) -> bool {
    let features = roles
        .get(role)
        .and_then(Value::as_dict)
        .and_then(|role| role.get("features"));
    features
        .and_then(Value::as_dict)
        .and_then(|features| features.get(feature))
        == Some(&Value::Bool(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announced(role: &str, names: &[&str]) -> Features {
        let features: Dict = names.iter().map(|name| ((*name).to_owned(), true.into())).collect();
        let announced = Dict::from([("features".to_owned(), features.into())]);
        Features::announced(&Dict::from([(role.to_owned(), announced.into())]))
    }

    #[test]
    fn a_client_confirms_events_whichever_of_its_roles_says_so() {
        for role in ["subscriber", "publisher"] {
            assert!(announced(role, &["x_acknowledged_event_delivery"]).acknowledged_event_delivery);
            assert!(!announced(role, &[]).acknowledged_event_delivery);
        }
        assert!(!announced("caller", &["x_acknowledged_event_delivery"]).acknowledged_event_delivery);
    }

    #[test]
    fn a_library_that_breaks_off_at_a_revoked_subscription_is_not_told_of_one() {
        let is_told = |names: &[&str]| announced("subscriber", names).subscription_revocation;
        assert!(is_told(&["subscription_revocation"]));
        assert!(!is_told(&["subscription_revocation", "payload_encryption_cryptobox"]));
    }
}
