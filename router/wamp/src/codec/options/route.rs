//! The way through other routers, as it is read: keys of our own in PUBLISH, EVENT, CALL and INVOCATION.

use std::sync::Arc;

use super::super::{Malformed, Read, Token};
use super::pubsub::FORGET;
use super::{flag, list, number, origin, text};
use crate::id::PublicationId;
use crate::message::{Passthru, Route, RouterId, SharedPassthru};

pub(super) const VIA: &str = "_via";
pub(super) const ORIGIN: &str = "_origin";
pub(super) const FROM: [&str; 3] = ["_from", "_from_authid", "_from_authrole"];
pub(super) const KEPT_AT: &str = "_kept_at";
pub(super) const AGAIN: &str = "_again";

/// Reads the value of a key, if it is one of a route.
pub(super) fn route<'f>(packed: &mut SharedPassthru, key: &str, reader: &mut impl Read<'f>) -> Result<bool, Malformed> {
    match key {
        VIA => of(packed).via = list(reader, router)?.unwrap_or_default(),
        ORIGIN => of(packed).origin = PublicationId::new(number(reader)?),
        "_from" | "_from_authid" | "_from_authrole" => {
            let route = of(packed);
            let mut from = route.from.take().map(Box::new);
            origin(&mut from, key, reader)?;
            route.from = from.map(|from| *from);
        }
        KEPT_AT => of(packed).kept_at = text(reader)?.map(Arc::from),
        AGAIN => flag(&mut of(packed).again, reader)?,
        FORGET => flag(&mut of(packed).forget, reader)?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn of(packed: &mut SharedPassthru) -> &mut Route {
    let packed: &mut Passthru = Arc::make_mut(packed.get_or_insert_default());
    packed.route.get_or_insert_default()
}

fn router(token: Token<'_>) -> Result<RouterId, Malformed> {
    const OTHERWISE: Malformed = Malformed::Shape("options", "a router is named by 16 hexadecimal digits");
    token.text().and_then(|text| text.parse().ok()).ok_or(OTHERWISE)
}
