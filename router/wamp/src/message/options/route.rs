//! What a router tells another one of an event or a call that it forwards (`docs/LINKS.md`).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::{Origin, Passthru, SharedPassthru};
use crate::id::PublicationId;

/// Hexadecimal digits of a [`RouterId`] in a message.
const DIGITS: usize = 16;

/// A router, as routers tell each other: drawn at random at each of its starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct RouterId(u64);

impl RouterId {
    /// The router with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }
}

/// 16 hexadecimal digits: many peers have no whole numbers of 64 bits.
impl fmt::Display for RouterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0DIGITS$x}", self.0)
    }
}

/// A text that is no [`RouterId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a router is named by 16 hexadecimal digits")]
pub struct NoRouterId;

impl FromStr for RouterId {
    type Err = NoRouterId;

    fn from_str(text: &str) -> Result<Self, NoRouterId> {
        let is_one = text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = is_one.then(|| u64::from_str_radix(text, 16).ok()).flatten();
        number.map(Self).ok_or(NoRouterId)
    }
}

/// The way of an event or a call through several routers. Only sessions that speak for a router may say it, and only they
/// are told.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Route {
    /// `_via`: the routers that have forwarded it, the one where it began first.
    pub via: Vec<RouterId>,
    /// `_origin`: the publication where it began, by which a second copy is known.
    pub origin: Option<PublicationId>,
    /// `_from`, `_from_authid`, `_from_authrole`: who called or published there, where that is disclosed.
    pub from: Option<Origin>,
    /// `_kept_at`: the event is retained, and was published at that time, as RFC 3339 text in universal time.
    pub kept_at: Option<Arc<str>>,
    /// `_again`: it is told again to a router that may have missed it.
    pub again: bool,
    /// `_forget`: what is retained of the topic is forgotten where it began, and so elsewhere.
    pub forget: bool,
}

impl Passthru {
    /// The same without what is for routers alone; none if nothing is left.
    #[must_use]
    pub fn without_route(&self) -> SharedPassthru {
        let rest = Self {
            route: None,
            ..self.clone()
        };
        (rest != Self::default()).then(|| Arc::new(rest))
    }

    /// A packing with this route beside it.
    #[must_use]
    pub fn with_route(packed: Option<&Self>, route: Route) -> SharedPassthru {
        Some(Arc::new(Self {
            route: Some(Box::new(route)),
            ..packed.cloned().unwrap_or_default()
        }))
    }

    /// The route beside a packing.
    #[must_use]
    pub fn route_of(packed: &SharedPassthru) -> Option<&Route> {
        packed.as_ref()?.route.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_router_is_read_as_it_is_written() {
        for number in [0, 1, 0xdead_beef, u64::MAX] {
            let router = RouterId::new(number);
            assert_eq!(router.to_string().parse(), Ok(router));
        }
        for text in ["", "1", "00000000000000000", "000000000000000g", "+000000000000001"] {
            assert_eq!(text.parse::<RouterId>(), Err(NoRouterId), "{text}");
        }
    }

    #[test]
    fn a_route_comes_off_and_leaves_the_packing() {
        let route = Route {
            via: vec![RouterId::new(1)],
            ..Route::default()
        };
        let alone = Passthru::with_route(None, route.clone()).unwrap();
        assert_eq!(alone.without_route(), None);
        let packing = Passthru {
            scheme: Some("x".into()),
            ..Passthru::default()
        };
        let both = Passthru::with_route(Some(&packing), route).unwrap();
        assert_eq!(both.without_route().as_deref(), Some(&packing));
    }
}
