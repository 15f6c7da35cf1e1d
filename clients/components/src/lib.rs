//! The desktop's functions as WAMP procedures: slides, screen lock, brightness.
//!
//! * [`backends`] is the machine: keys, locks, displays. Nothing of WAMP.
//! * [`Component`] is one function over it: [`slides`], [`screen`],
//!   [`brightness`]. Each has a table of its [`Procedure`]s and [`Topic`]s, and
//!   every other list of them (permissions, help, documentation) is made from
//!   these tables: [`procedures`], [`topics`].
//! * [`start`] registers them on a session and publishes what changes.
//!
//! A component is an ordinary client of the router. It does not know who may
//! call it, it does not see other components, and it decodes only the arguments
//! it declares.

use std::fmt::Debug;
use std::sync::Arc;

use client::Value;
use futures_util::future::BoxFuture;

pub mod backends;
pub mod brightness;
mod call;
mod dimmer;
mod run;
pub mod screen;
pub mod slides;
#[cfg(test)]
mod testing;

pub use backends::{Machine, Missing, Places};
pub use call::{Arguments, Refusal};
pub use run::start;

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
    /// listed.
    pub roles: &'static [&'static str],
    /// The procedure it is an older name of.
    pub alias_of: Option<&'static str>,
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
}

/// Publishes an event.
pub type Announce = dyn Fn(&'static str, Vec<Value>) -> BoxFuture<'static, ()> + Send + Sync;

/// One function of the desktop.
pub trait Component: Debug + Send + Sync {
    /// Its name, as a configuration lists it.
    fn name(&self) -> &'static str;

    /// What may be called.
    fn procedures(&self) -> &'static [Procedure];

    /// What may be subscribed to.
    fn topics(&self) -> &'static [Topic];

    /// Answers a call of one of its procedures. Calls come side by side.
    fn call(&self, procedure: &'static Procedure, arguments: Arguments) -> BoxFuture<'_, Result<Value, Refusal>>;

    /// Publishes what changes, for as long as it is polled.
    fn announce<'a>(&'a self, _publish: &'a Announce) -> BoxFuture<'a, ()> {
        Box::pin(std::future::pending())
    }
}

/// Every component, over this machine. A new one is one more line here, and one
/// each in [`names`], [`procedures`] and, if it publishes, [`topics`].
#[must_use]
pub fn all(machine: &Machine) -> Vec<Arc<dyn Component>> {
    vec![
        Arc::new(slides::Slides::new(machine.keys.clone())),
        Arc::new(screen::Screen::new(machine.locker.clone())),
        Arc::new(brightness::Brightness::new(machine.backlight.clone())),
    ]
}

/// The names of the components, as a configuration lists them.
pub fn names() -> impl Iterator<Item = &'static str> {
    [slides::NAME, screen::NAME, brightness::NAME].into_iter()
}

/// The procedures of every component.
pub fn procedures() -> impl Iterator<Item = &'static Procedure> {
    [slides::PROCEDURES, screen::PROCEDURES, brightness::PROCEDURES]
        .into_iter()
        .flatten()
}

/// The topics of every component.
pub fn topics() -> impl Iterator<Item = &'static Topic> {
    [&screen::ON_LOCKED, &brightness::ON_CHANGED].into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_static_tables_are_those_of_the_components() {
        let all = all(&Arc::new(backends::fake::Fake::default()).machine());
        let served: Vec<_> = all.iter().flat_map(|component| component.procedures()).collect();
        assert_eq!(procedures().collect::<Vec<_>>(), served);
        let published: Vec<_> = all.iter().flat_map(|component| component.topics()).collect();
        assert_eq!(topics().collect::<Vec<_>>(), published);
        assert_eq!(
            names().collect::<Vec<_>>(),
            all.iter().map(|component| component.name()).collect::<Vec<_>>()
        );
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
    fn every_row_says_what_it_is_and_who_may_use_it() {
        for procedure in procedures() {
            assert!(
                procedure.shape.starts_with('(') && !procedure.help.is_empty(),
                "{}",
                procedure.uri
            );
            assert!(procedure.roles.contains(&"full"), "{}", procedure.uri);
        }
        let unlocks = procedures()
            .filter(|procedure| procedure.uri.contains("unlock"))
            .count();
        assert_eq!(unlocks, 0, "nothing unlocks");
    }
}
