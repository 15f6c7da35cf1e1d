//! Slides: five keys of a presentation, and no others.

use std::sync::Arc;

use client::Value;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::backends::{Key, Keys};
use crate::{Announce, Arguments, Component, Entry, Home, Missing, Procedure, Refusal};

/// The component's row.
pub const ENTRY: Entry = Entry {
    name: "slides",
    procedures: PROCEDURES,
    topics: &[],
    home: Home::Machine,
    make: |machine, _| Arc::new(Slides::new(Arc::clone(&machine.keys))),
};

const ROLES: &[&str] = &["slides", "remote", "full"];

const NEXT: Procedure =
    Procedure::new("org.deskconn.slides.next", "() → null", "Next slide (Page Down)", ROLES).input();
const PREVIOUS: Procedure = Procedure::new(
    "org.deskconn.slides.previous",
    "() → null",
    "Previous slide (Page Up)",
    ROLES,
)
.input();
const START: Procedure = Procedure::new(
    "org.deskconn.slides.start",
    "() → null",
    "Start the presentation (F5)",
    ROLES,
)
.input();
const END: Procedure = Procedure::new(
    "org.deskconn.slides.end",
    "() → null",
    "End the presentation (Escape)",
    ROLES,
)
.input();
const BLANK: Procedure = Procedure::new(
    "org.deskconn.slides.blank",
    "() → null",
    "Blank the screen, and back (B)",
    ROLES,
)
.input();

/// Every procedure of the slides.
pub const PROCEDURES: &[Procedure] = &[
    NEXT,
    PREVIOUS,
    START,
    END,
    BLANK,
    NEXT.also("org.deskconn.deskconn.slides.next"),
    PREVIOUS.also("org.deskconn.deskconn.slides.previous"),
    START.also("org.deskconn.deskconn.slides.start"),
    END.also("org.deskconn.deskconn.slides.end"),
];

/// Turns calls into keys.
#[derive(Debug)]
pub struct Slides {
    keys: Arc<dyn Keys>,
}

impl Slides {
    /// Slides by those keys.
    #[must_use]
    pub fn new(keys: Arc<dyn Keys>) -> Self {
        Self { keys }
    }

    async fn tap(&self, procedure: &'static Procedure, arguments: Arguments) -> Result<Value, Refusal> {
        arguments.end()?;
        self.keys.tap(key(procedure.canonical())).await?;
        Ok(Value::Null)
    }
}

fn key(uri: &str) -> Key {
    match uri {
        uri if uri == NEXT.uri => Key::PageDown,
        uri if uri == PREVIOUS.uri => Key::PageUp,
        uri if uri == START.uri => Key::F5,
        uri if uri == END.uri => Key::Escape,
        uri if uri == BLANK.uri => Key::B,
        other => unreachable!("{other} is no procedure of the slides"),
    }
}

impl Component for Slides {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn call(&self, procedure: &'static Procedure, arguments: Arguments) -> BoxFuture<'_, Result<Value, Refusal>> {
        self.tap(procedure, arguments).boxed()
    }

    fn announce<'a>(&'a self, _publish: &'a Announce) -> BoxFuture<'a, ()> {
        async {
            // The keyboard is there before the first key, so that the desktop has found it by then.
            let _ = self.keys.missing().await;
            std::future::pending::<()>().await;
        }
        .boxed()
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        self.keys.missing()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backends::Missing;
    use crate::backends::fake::Fake;

    #[tokio::test]
    async fn every_procedure_presses_its_key() {
        let fake = Arc::new(Fake::default());
        let slides = Slides::new(fake.machine().keys);
        for procedure in PROCEDURES {
            assert_eq!(
                slides.call(procedure, Arguments::default()).await,
                Ok(Value::Null),
                "{}",
                procedure.uri
            );
        }
        let keys = [Key::PageDown, Key::PageUp, Key::F5, Key::Escape];
        assert_eq!(
            fake.taps(),
            [&keys[..], &[Key::B], &keys[..]].concat(),
            "the aliases have no blank"
        );
    }

    #[tokio::test]
    async fn a_call_with_an_argument_presses_nothing() {
        let fake = Arc::new(Fake::default());
        let slides = Slides::new(fake.machine().keys);
        let refusal = slides
            .call(&NEXT, Arguments::new(vec![Value::UInt(1)], Default::default()))
            .await
            .unwrap_err();
        assert_eq!(refusal.to_string(), "takes at most 0 arguments, not 1");
        assert_eq!(fake.taps(), []);
    }

    #[tokio::test]
    async fn missing_keys_are_unavailable_with_the_step_that_mends_it() {
        let fake = Arc::new(Fake::default());
        let missing = Missing {
            what: "the keyboard",
            reason: "it is away".into(),
            mend: "fetch it".into(),
        };
        fake.miss(Some(missing));
        let slides = Slides::new(fake.machine().keys);
        let refusal = slides.call(&NEXT, Arguments::default()).await.unwrap_err();
        assert_eq!(refusal.uri(), "org.deskconn.error.unavailable");
        assert_eq!(
            refusal.to_string(),
            "the keyboard cannot be reached: it is away; fetch it"
        );
        assert_eq!(refusal.details()["mend"], Value::Text("fetch it".into()));
        fake.miss(None);
        assert_eq!(slides.call(&NEXT, Arguments::default()).await, Ok(Value::Null));
    }
}
