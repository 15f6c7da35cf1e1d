//! Links between routers (`docs/LINKS.md`): real daemons, real sockets, programs in each of them.

mod calls;
mod chain;
mod faults;
mod ring;
mod rules;
mod silent;

use std::time::Duration;

use client::{Options, PublishOptions, Serializer, Session, SubscribeOptions, Subscription, Value};
use wamp::value::Dict;

use crate::support::{Desk, Way, soon};

/// What routers exchange in most tests.
pub(crate) const ALL: &str = "uri = \"com.\"\nmatch = \"prefix\"\ndirection = \"both\"";

/// A realm where everybody may do everything, and routers what begins with `com.`; with more of its table.
pub(crate) fn realm(more: &str) -> String {
    realm_with("com.", more)
}

/// The same, where routers may do what begins so.
pub(crate) fn realm_with(prefix: &str, more: &str) -> String {
    let all = r#"["call", "register", "publish", "subscribe"]"#;
    format!(
        r#"
        [[realm]]
        name = "home"
        [[realm.role]]
        name = "anonymous"
        rules = [{{ uri = "", match = "prefix", allow = {all}, disclose = true }}]
        [[realm.role]]
        name = "router"
        link = true
        rules = [{{ uri = "{prefix}", match = "prefix", allow = {all}, disclose = true }}]
        [[realm.principal]]
        authid = "north"
        role = "router"
        method = "ticket"
        secret = "open"
        [[realm.principal]]
        authid = "south"
        role = "router"
        method = "ticket"
        secret = "open"
        {more}
        "#
    )
}

/// A link to these addresses that forwards this.
pub(crate) fn link(name: &str, to: &[String], forward: &str) -> String {
    link_as("north", name, to, forward)
}

pub(crate) fn link_as(authid: &str, name: &str, to: &[String], forward: &str) -> String {
    format!(
        "[[realm.link]]\nname = \"{name}\"\nto = {to:?}\nauthid = \"{authid}\"\nmethod = \"ticket\"\nsecret = \"open\"\n\
         [[realm.link.forward]]\n{forward}\n"
    )
}

/// The address of a router, for a link.
pub(crate) fn address(desk: &Desk) -> String {
    desk.target(Way::WebSocket).to_string()
}

/// A router that accepts links, and has none of its own.
pub(crate) async fn alone() -> Desk {
    Desk::with(&realm("")).await
}

/// A router with links to these, which forward this.
pub(crate) async fn linked(to: &[&Desk], forward: &str) -> Desk {
    let names = ["first", "second"];
    let links = to.iter().zip(names);
    let links: String = links
        .map(|(desk, name)| link(name, &[address(desk)], forward))
        .collect();
    up(Desk::with(&realm(&links)).await).await
}

/// The same desk when all its links are up.
pub(crate) async fn up(desk: Desk) -> Desk {
    state(&desk, "up").await;
    desk
}

/// What a desk says of its links, when all of them are in this state.
pub(crate) async fn state(desk: &Desk, state: &str) -> Vec<Dict> {
    let is_so = |links: &[Dict]| links.iter().all(|link| link["state"].as_str() == Some(state));
    links_when(desk, state, is_so).await
}

/// What a desk says of its links, when that is so.
pub(crate) async fn links_when(desk: &Desk, what: &str, is_so: impl Fn(&[Dict]) -> bool) -> Vec<Dict> {
    let owner = desk.owner().await;
    let looking = async {
        loop {
            let links = links(&owner).await;
            if is_so(&links) {
                return links;
            }
            look_again().await;
        }
    };
    soon(&format!("links that are {what}"), looking).await
}

/// Before something is asked again that nobody tells by itself: a loop without rest takes the processor from what it waits for.
pub(crate) async fn look_again() {
    tokio::time::sleep(Duration::from_millis(5)).await;
}

pub(crate) async fn links(owner: &Session) -> Vec<Dict> {
    let links = owner.call("org.deskconn.router.links", ()).await.unwrap().into_value();
    let links = links.as_list().unwrap().iter();
    links.map(|link| link.as_dict().unwrap().clone()).collect()
}

/// A program in a realm.
pub(crate) async fn program(desk: &Desk, serializer: Serializer) -> Session {
    desk.join(Way::WebSocket, serializer, "home").await
}

/// A program that announces all that there is, and gives what it has no use for to the test.
pub(crate) async fn bare(desk: &Desk) -> (Session, tokio::sync::mpsc::Receiver<client::Passed>) {
    let (passed, messages) = tokio::sync::mpsc::channel(64);
    let options = Options {
        passed: Some(passed),
        ..Options::new("home")
    };
    (desk.try_join(Way::RawSocket, options).await.unwrap(), messages)
}

/// A subscription to everything that begins with `com.`.
pub(crate) async fn listen(session: &Session) -> Subscription {
    let options = SubscribeOptions {
        policy: client::Match::Prefix,
        ..SubscribeOptions::default()
    };
    session.subscribe_with("com.", options).await.unwrap()
}

pub(crate) async fn publish(session: &Session, topic: &str, number: u64) {
    let published = session.publish_with(topic, [number.into()], PublishOptions::default());
    soon("the publication", published).await.unwrap();
}

/// The number of the next event.
pub(crate) async fn next(events: &mut Subscription) -> u64 {
    let event = soon("an event", events.next()).await.unwrap();
    event.args.args.first().and_then(Value::as_u64).unwrap()
}

/// The numbers of the next events, up to this one: what would come twice comes before it.
pub(crate) async fn numbers_to(events: &mut Subscription, last: u64) -> Vec<u64> {
    let mut numbers = Vec::new();
    while numbers.last() != Some(&last) {
        numbers.push(next(events).await);
    }
    numbers
}
