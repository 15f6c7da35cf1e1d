//! The desktop's functions as WAMP procedures: slides, screen lock, brightness and more.
#![doc = include_str!("../README.md")]
//!
//! * [`backends`] is the machine: keys, locks, displays. Nothing of WAMP.
//! * [`Component`] is one function over it: [`slides`], [`screen`],
//!   [`brightness`]. Each has an [`Entry`] with the tables of its [`Procedure`]s
//!   and [`Topic`]s, and every other list of them (permissions, help,
//!   documentation) is made from these: [`ALL`], [`procedures`], [`topics`].
//! * [`start`] registers them on a session and publishes what changes.
//! * [`agent`] serves those that need the desktop session for a daemon outside it.
//!
//! A component is an ordinary client of the router. It does not know who may
//! call it, it does not see other components, and it decodes only the arguments
//! it declares.

use std::fmt::Debug;
use std::sync::Arc;

use client::Value;
use futures_util::future::BoxFuture;

pub mod agent;
mod arguments;
pub mod backends;
pub mod battery;
pub mod brightness;
pub mod command;
mod dimmer;
pub mod gpio;
pub mod host;
pub mod keyboard;
pub mod media;
pub mod notify;
pub mod pointer;
pub mod power;
mod rate;
mod refusal;
mod run;
pub mod screen;
mod settings;
mod shape;
pub mod slides;
mod snap;
mod sources;
#[cfg(test)]
mod testing;
pub mod url;
pub mod volume;

pub use arguments::Arguments;
pub use backends::{Machine, Missing, Places};
pub use refusal::Refusal;
pub use run::{Permit, Running, start};
pub use settings::Settings;
pub use snap::{snap_connect, snap_name};
pub use sources::uinput_command;

/// One procedure, as everything that lists procedures needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Procedure {
    /// Its URI.
    pub uri: &'static str,
    /// The shape of its arguments and its result, for people.
    pub shape: &'static str,
    /// What it does, in one line.
    pub help: &'static str,
    /// The roles that may call it. `owner` may call everything and is not
    /// listed; with none at all each device needs a grant of its own.
    pub roles: &'static [&'static str],
    /// The procedure it is an older name of.
    pub alias_of: Option<&'static str>,
    /// Whether it types or points: what is typed while the screen is locked
    /// goes into the password.
    pub is_input: bool,
}

impl Procedure {
    /// A procedure under its own name.
    #[must_use]
    pub const fn new(
        uri: &'static str,
        shape: &'static str,
        help: &'static str,
        roles: &'static [&'static str],
    ) -> Self {
        Self {
            uri,
            shape,
            help,
            roles,
            alias_of: None,
            is_input: false,
        }
    }

    /// The same procedure under a name that older clients call.
    #[must_use]
    pub const fn also(self, uri: &'static str) -> Self {
        Self {
            uri,
            alias_of: Some(self.uri),
            ..self
        }
    }

    /// A procedure that types or points.
    #[must_use]
    pub const fn input(self) -> Self {
        Self { is_input: true, ..self }
    }

    /// The name under which the component knows it.
    #[must_use]
    pub fn canonical(&self) -> &'static str {
        self.alias_of.unwrap_or(self.uri)
    }
}

/// One topic that a component publishes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topic {
    /// Its URI.
    pub uri: &'static str,
    /// The shape of its events, for people.
    pub event: &'static str,
    /// What it tells, in one line.
    pub help: &'static str,
    /// The roles that may subscribe.
    pub roles: &'static [&'static str],
    /// Whether the realm keeps the last event for those who come later.
    pub is_retained: bool,
}

impl Topic {
    /// A topic whose events are for those who listen now.
    #[must_use]
    pub const fn new(
        uri: &'static str,
        event: &'static str,
        help: &'static str,
        roles: &'static [&'static str],
    ) -> Self {
        Self {
            uri,
            event,
            help,
            roles,
            is_retained: false,
        }
    }

    /// A topic whose last event is kept.
    #[must_use]
    pub const fn retained(self) -> Self {
        Self {
            is_retained: true,
            ..self
        }
    }
}

/// Where a component has to run when the daemon serves several users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// In the daemon: it needs the machine.
    Machine,
    /// In the desktop session: it needs the person's session bus, or acts as the
    /// person.
    Session,
}

/// One component as every list needs it.
#[derive(Debug)]
pub struct Entry {
    /// Its name, as a configuration lists it.
    pub name: &'static str,
    /// What may be called.
    pub procedures: &'static [Procedure],
    /// What may be subscribed to.
    pub topics: &'static [Topic],
    /// Where it runs.
    pub home: Home,
    /// Makes it. Nothing is opened yet that others may need.
    pub make: fn(&Machine, &Settings) -> Arc<dyn Component>,
}

/// Publishes an event.
pub type Announce = dyn Fn(&'static str, Vec<Value>) -> BoxFuture<'static, ()> + Send + Sync;

/// Passes an intermediate result on to the caller.
pub type Report = dyn Fn(Value) -> BoxFuture<'static, ()> + Send + Sync;

/// One function of the desktop.
pub trait Component: Debug + Send + Sync {
    /// Its row.
    fn entry(&self) -> &'static Entry;

    /// Answers a call of one of its procedures. Calls come side by side; one
    /// that is cancelled is dropped.
    fn call(&self, procedure: &'static Procedure, arguments: Arguments) -> BoxFuture<'_, Result<Value, Refusal>>;

    /// The same for a caller who takes intermediate results, if there is a
    /// `report`.
    fn call_reporting<'a>(
        &'a self,
        procedure: &'static Procedure,
        arguments: Arguments,
        _report: Option<&'a Report>,
    ) -> BoxFuture<'a, Result<Value, Refusal>> {
        self.call(procedure, arguments)
    }

    /// Publishes what changes, for as long as it is polled.
    fn announce<'a>(&'a self, _publish: &'a Announce) -> BoxFuture<'a, ()> {
        Box::pin(std::future::pending())
    }

    /// Goes by other settings from now on, as far as that is possible without making it anew. Calls under way come to their
    /// end as they began.
    fn reconfigure(&self, _settings: &Settings) {}

    /// What it lacks right now.
    fn missing(&self) -> BoxFuture<'_, Option<Missing>>;
}

/// Every component. A new one is one more line here.
pub const ALL: &[&Entry] = &[
    &slides::ENTRY,
    &screen::ENTRY,
    &brightness::ENTRY,
    &pointer::ENTRY,
    &keyboard::ENTRY,
    &media::ENTRY,
    &host::ENTRY,
    &gpio::ENTRY,
    &command::ENTRY,
    &volume::ENTRY,
    &notify::ENTRY,
    &url::ENTRY,
    &battery::ENTRY,
    &power::ENTRY,
];

/// The components that are wanted by name, over this machine.
pub fn make(machine: &Machine, settings: &Settings, wanted: impl Fn(&Entry) -> bool) -> Vec<Arc<dyn Component>> {
    let entries = ALL.iter().filter(|entry| wanted(entry));
    entries.map(|entry| (entry.make)(machine, settings)).collect()
}

/// The names of the components, as a configuration lists them.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|entry| entry.name)
}

/// The procedures of every component.
pub fn procedures() -> impl Iterator<Item = &'static Procedure> {
    ALL.iter().flat_map(|entry| entry.procedures)
}

/// The topics of every component.
pub fn topics() -> impl Iterator<Item = &'static Topic> {
    ALL.iter().flat_map(|entry| entry.topics)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_component_is_the_one_of_its_row() {
        let machine = Arc::new(backends::fake::Fake::default()).machine();
        let made = make(&machine, &Settings::default(), |_| true);
        let rows: Vec<_> = made.iter().map(|component| component.entry().name).collect();
        assert_eq!(names().collect::<Vec<_>>(), rows);
    }

    #[test]
    fn no_name_is_served_twice_and_every_alias_means_a_procedure() {
        let names: BTreeSet<_> = procedures().map(|procedure| procedure.uri).collect();
        assert_eq!(names.len(), procedures().count());
        for alias in procedures().filter(|procedure| procedure.alias_of.is_some()) {
            assert!(names.contains(alias.canonical()), "{}", alias.uri);
            let own = procedures().find(|own| own.uri == alias.canonical()).unwrap();
            assert_eq!(own.alias_of, None, "{} is an alias of an alias", alias.uri);
        }
    }

    #[test]
    fn every_row_says_what_it_is_and_only_what_needs_a_grant_of_its_own_is_not_in_full() {
        for procedure in procedures() {
            let is_told = procedure.shape.starts_with('(') && !procedure.help.is_empty();
            assert!(is_told, "{}", procedure.uri);
            let needs_grant = ["org.deskconn.power.", "org.deskconn.command."]
                .iter()
                .any(|prefix| procedure.canonical().starts_with(prefix))
                || procedure.canonical() == "org.deskconn.screen.unlock";
            assert_eq!(procedure.roles.contains(&"full"), !needs_grant, "{}", procedure.uri);
            assert!(!needs_grant || procedure.roles.is_empty(), "{}", procedure.uri);
        }
    }
}
