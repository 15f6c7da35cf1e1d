//! Which subscribers an event is for: black and white lists (WAMP specification, "Subscriber Black- and Whitelisting")
//! and, where several share the events of a subscription, the one node that the event belongs to ("Sharded
//! Subscriptions"). Only publications that ask for any of it come here.

use std::collections::{BTreeMap, BTreeSet};

use super::super::member::{Member, Members};
use super::super::send;
use crate::id::SessionId;
use crate::message::{Audience, Event, Message};
use crate::outgoing::{Delivery, Outgoing, Shared};

/// The lists of a publication, sorted: each may be as long as a message, and every subscriber is looked for in them.
#[derive(Debug)]
pub(super) struct Filter<'a> {
    eligible: Option<Vec<SessionId>>,
    eligible_authid: Option<Vec<&'a str>>,
    eligible_authrole: Option<Vec<&'a str>>,
    exclude: Vec<SessionId>,
    exclude_authid: Vec<&'a str>,
    exclude_authrole: Vec<&'a str>,
    rkey: Option<&'a str>,
}

impl<'a> Filter<'a> {
    pub(super) fn of(audience: &'a Audience) -> Self {
        Self {
            eligible: audience.eligible.as_deref().map(ids),
            eligible_authid: audience.eligible_authid.as_deref().map(names),
            eligible_authrole: audience.eligible_authrole.as_deref().map(names),
            exclude: ids(&audience.exclude),
            exclude_authid: names(&audience.exclude_authid),
            exclude_authrole: names(&audience.exclude_authrole),
            rkey: audience.rkey.as_deref(),
        }
    }

    /// Whether a session is meant: it is on every white list that there is, and on no black one.
    pub(super) fn admits(&self, member: &Member) -> bool {
        let origin = &member.origin;
        let is_on = |list: &[&str], name: &str| list.binary_search(&name).is_ok();
        let may = |list: &Option<Vec<&str>>, name: &str| list.as_ref().is_none_or(|list| is_on(list, name));
        self.eligible
            .as_ref()
            .is_none_or(|list| list.binary_search(&origin.session).is_ok())
            && may(&self.eligible_authid, &origin.authid)
            && may(&self.eligible_authrole, &origin.authrole)
            && self.exclude.binary_search(&origin.session).is_err()
            && !is_on(&self.exclude_authid, &origin.authid)
            && !is_on(&self.exclude_authrole, &origin.authrole)
    }

    /// The sessions of a subscription that are meant, in their order.
    pub(super) fn select<'s>(
        &self,
        subscribers: &'s [SessionId],
        nodes: Option<&Nodes>,
        members: &'s Members,
    ) -> Vec<&'s Member> {
        let owner = self.rkey.and_then(|rkey| nodes?.owner(rkey));
        let is_of_node = |session| match (owner, nodes.and_then(|nodes| nodes.of(session))) {
            (Some(owner), Some(node)) => owner == node,
            _ => true,
        };
        let members = subscribers.iter().filter_map(|session| members.get(*session));
        members
            .filter(|member| self.admits(member) && is_of_node(member.origin.session))
            .collect()
    }
}

impl Audience {
    /// Whether it names sessions, which says nothing to those who come later.
    pub(super) const fn names_sessions(&self) -> bool {
        self.eligible.is_some() || !self.exclude.is_empty()
    }

    /// Bytes of memory that its lists hold, to charge whatever keeps it by.
    pub(super) fn weight(&self) -> usize {
        let sessions = self.eligible.as_ref().map_or(0, Vec::len) + self.exclude.len();
        let white = [&self.eligible_authid, &self.eligible_authrole];
        let white = white.into_iter().flatten();
        let names = white.chain([&self.exclude_authid, &self.exclude_authrole]).flatten();
        let names: usize = names.map(|name| size_of::<Box<str>>() + name.len()).sum();
        size_of::<Self>() + sessions * size_of::<SessionId>() + names
    }
}

fn ids(list: &[SessionId]) -> Vec<SessionId> {
    let mut list = list.to_vec();
    list.sort_unstable();
    list
}

fn names(list: &[Box<str>]) -> Vec<&str> {
    let mut list: Vec<&str> = list.iter().map(|name| &**name).collect();
    list.sort_unstable();
    list
}

/// The node keys of the subscribers that share a subscription.
#[derive(Debug, Default)]
pub(super) struct Nodes(BTreeMap<SessionId, Box<str>>);

impl Nodes {
    pub(super) fn set(&mut self, session: SessionId, node: Box<str>) {
        self.0.insert(session, node);
    }

    pub(super) fn remove(&mut self, session: SessionId) {
        self.0.remove(&session);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn of(&self, session: SessionId) -> Option<&str> {
        self.0.get(&session).map(|node| &**node)
    }

    /// The node that a resource key belongs to. When a node comes or goes, only the keys that it gets or had move.
    fn owner(&self, rkey: &str) -> Option<&str> {
        let nodes = self.0.values().map(|node| &**node);
        nodes.max_by_key(|node| (weight(rkey, node), *node))
    }
}

/// How much a resource key wants to be at a node (rendezvous hashing): FNV-1a over both, then mixed as in `MurmurHash3`,
/// since of FNV alone the last bytes hardly reach the upper bits. It is the same in every run.
fn weight(rkey: &str, node: &str) -> u64 {
    // No text has the byte 255, so no two pairs look alike.
    let bytes = rkey.bytes().chain([0xff]).chain(node.bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let hash = (hash ^ hash >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ hash >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ hash >> 33
}

/// An event to each of these; those that can are asked to say that they have it, if somebody waits for that.
pub(super) fn hand_out(
    mut event: Event,
    receivers: Vec<&Member>,
    awaits: bool,
    asked: &mut BTreeSet<SessionId>,
    out: &mut Vec<Delivery>,
) {
    let can_confirm = |member: &&Member| awaits && member.features.acknowledged_event_delivery;
    let (confirming, others): (Vec<_>, Vec<_>) = receivers.into_iter().partition(can_confirm);
    if !others.is_empty() {
        hand_to_each(event.clone(), &others, out);
    }
    event.details.acknowledge = true;
    hand_to_each(event, &confirming, out);
    asked.extend(confirming.iter().map(|member| member.origin.session));
}

/// An event to each of these.
fn hand_to_each(event: Event, receivers: &[&Member], out: &mut Vec<Delivery>) {
    match receivers {
        [] => {}
        [only] => send(out, only.origin.session, Message::Event(event)),
        _ => {
            let shared = Shared::new(event);
            out.extend(receivers.iter().map(|to| Delivery {
                to: to.origin.session,
                outgoing: Outgoing::Shared(shared.clone()),
            }));
        }
    }
}

#[cfg(test)]
mod tests;
