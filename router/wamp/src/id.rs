//! The identifiers of WAMP, one type each, so that no two kinds can be mixed up.
//!
//! Ids are integers in `1..=2^53` (WAMP specification, "IDs"): the range in which a double-precision
//! float is exact, because many peers have no other number. Drawing them is the realm's business.

use std::fmt;

/// The largest id the specification allows, 2^53.
pub const MAX_ID: u64 = 1 << 53;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub struct $name(u64);

        impl $name {
            /// The id with this number, or `None` outside `1..=2^53`.
            #[must_use]
            pub const fn new(number: u64) -> Option<Self> {
                if number >= 1 && number <= MAX_ID { Some(Self(number)) } else { None }
            }

            /// The number as it goes over the wire.
            #[must_use]
            pub const fn get(self) -> u64 {
                self.0
            }

            /// The id that follows, for ids that count 1, 2, 3 (after 2^53 comes 1 again).
            #[must_use]
            pub const fn next(self) -> Self {
                Self(if self.0 == MAX_ID { 1 } else { self.0 + 1 })
            }

            /// The first id of a counting sequence.
            pub const FIRST: Self = Self(1);
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// A session, unique in the whole router: drawn at random (global scope).
    SessionId
);
id!(
    /// A request, counting 1, 2, 3 in each direction of a session (session scope).
    RequestId
);
id!(
    /// A publication, drawn at random (global scope).
    PublicationId
);
id!(
    /// A subscription of a realm (router scope): counts up from 1, because some clients read 64-bit integers badly.
    SubscriptionId
);
id!(
    /// A registration of a realm (router scope): counts up from 1, as subscriptions do.
    RegistrationId
);
id!(
    /// A call that waits for consent (realm scope).
    QuestionId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_outside_the_range_of_the_specification_do_not_exist() {
        assert_eq!(RequestId::new(0), None);
        assert_eq!(RequestId::new(MAX_ID).map(RequestId::get), Some(MAX_ID));
        assert_eq!(RequestId::new(MAX_ID + 1), None);
    }

    #[test]
    fn counting_wraps_to_one() {
        assert_eq!(RequestId::new(MAX_ID).map(RequestId::next), Some(RequestId::FIRST));
    }
}
