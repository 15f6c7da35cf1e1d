//! `wamp.session.on_overflow`: what a session is told when it was too slow and has lost events. It is ours; the
//! specification knows no such topic.

use super::super::member::Member;
use super::super::role::Action;
use super::super::{Realm, send};
use super::own::payload;
use super::publication::SESSION_LIST;
use crate::id::SessionId;
use crate::message::{Match, Message};
use crate::outgoing::Delivery;
use crate::pattern::Visit;
use crate::uri::Uri;

/// `[session, dropped]`: the session that lost events, and how many since it was last told.
const TOPIC: Uri = Uri::from_static("wamp.session.on_overflow");

impl Realm {
    /// Tells that so many events of a session were dropped: itself, if it subscribed to that, and of the other
    /// subscribers those that may know which sessions there are.
    pub fn overflowed(&mut self, session: SessionId, dropped: u64, out: &mut Vec<Delivery>) {
        let topic = TOPIC;
        let payload = payload(&[session.get().into(), dropped.into()]);
        let publication = self.random_publication();
        let members = &self.members;
        let may_know = |receiver: SessionId| {
            let may_list = |member: &Member| member.permits(Action::Call, &SESSION_LIST, Match::Exact).is_some();
            receiver == session || members.get(receiver).is_some_and(may_list)
        };
        self.broker
            .subscriptions
            .visit(topic.as_bytes(), |policy, subscription| {
                let receivers = subscription.subscribers.iter().filter(|_| subscription.hears_router);
                for receiver in receivers.copied().filter(|receiver| may_know(*receiver)) {
                    let event = subscription.own_event(policy, &topic, publication, &payload);
                    send(out, receiver, Message::Event(event));
                }
                Visit::More
            });
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::role::{Consent, Disclose, Role, Rule};
    use super::super::super::scene::{Scene, subscribe};
    use super::*;

    /// A session that may subscribe to everything of the router, and call nothing.
    fn listener() -> Role {
        let rule = Rule {
            uri: "wamp.".into(),
            policy: Match::Prefix,
            allow: [Action::Subscribe].into_iter().collect(),
            disclose: Disclose::Never,
            consent: Consent::Given,
            trustlevel: None,
        };
        Role::new("listener", vec![rule]).unwrap()
    }

    #[test]
    fn a_session_that_lost_events_and_those_who_may_list_sessions_are_told_how_many() {
        let mut scene = Scene::of(&["owner"]);
        scene.join("slow", listener());
        scene.join("other", listener());
        for (name, topic, policy) in [
            ("owner", "wamp.session.", Match::Prefix),
            ("owner", "", Match::Prefix),
            ("slow", "wamp.session.on_overflow", Match::Exact),
            ("other", "wamp.session.on_overflow", Match::Exact),
        ] {
            scene.send(name, subscribe(1, topic, policy));
            while scene.take(name).is_some() {}
        }
        while scene.take("owner").is_some() {}
        let slow = scene.session("slow");
        let mut out = Vec::new();
        scene.realm.overflowed(slow, 7, &mut out);
        scene.sort(out);
        for name in ["owner", "slow"] {
            let Message::Event(event) = scene.expect(name) else {
                panic!("{name}")
            };
            assert_eq!(event.payload.to_args::<(u64, u64)>().unwrap(), (slow.get(), 7));
            scene.expect_nothing(name);
        }
        scene.expect_nothing("other");
    }
}
