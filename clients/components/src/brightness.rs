//! The brightness of displays: get, set at once or in a fade, list, be told.

use std::sync::Arc;
use std::time::Duration;

use client::Value;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::backends::{Backlight, Display, DisplayKind, whole_percent};
use crate::dimmer::Dimmer;
use crate::{Announce, Arguments, Component, Entry, Home, Missing, Procedure, Refusal, Topic};

/// The longest fade: a sunrise of an hour is a client's own loop, not one call
/// that outlives its caller.
pub const FADE_MS: u64 = 60_000;

/// The component's row.
pub const ENTRY: Entry = Entry {
    name: "brightness",
    procedures: PROCEDURES,
    topics: &[ON_CHANGED],
    home: Home::Machine,
    make: |machine, _| Arc::new(Brightness::new(Arc::clone(&machine.backlight))),
};

const ROLES: &[&str] = &["remote", "full"];

const GET: Procedure = Procedure::new(
    "org.deskconn.brightness.get",
    "(display?) → percent",
    "Brightness of a display",
    ROLES,
);
const SET: Procedure = Procedure::new(
    "org.deskconn.brightness.set",
    "(percent, display?, kw: duration_ms) → percent",
    "Set the brightness, 1 to 100, at once or in a fade",
    ROLES,
);
const RAISE: Procedure = Procedure::new(
    "org.deskconn.brightness.raise",
    "(percent, display?, kw: duration_ms) → percent",
    "Make a display brighter by so many percent",
    ROLES,
);
const LOWER: Procedure = Procedure::new(
    "org.deskconn.brightness.lower",
    "(percent, display?, kw: duration_ms) → percent",
    "Make a display darker by so many percent",
    ROLES,
);
const DISPLAYS: Procedure = Procedure::new(
    "org.deskconn.brightness.displays",
    "() → [{id, name, kind, percent}]",
    "The displays whose brightness can be set",
    ROLES,
);

/// Every procedure of the brightness.
pub const PROCEDURES: &[Procedure] = &[
    GET,
    SET,
    RAISE,
    LOWER,
    DISPLAYS,
    GET.also("org.deskconn.deskconn.brightness.get"),
    SET.also("org.deskconn.deskconn.brightness.set"),
    GET.also("io.xconn.deskconn.deskconnd.screen.brightness.get"),
    SET.also("io.xconn.deskconn.deskconnd.screen.brightness.set"),
];

/// Told when the brightness of a display changes, by whomever.
pub const ON_CHANGED: Topic = Topic::new(
    "org.deskconn.brightness.on_changed",
    "[percent, display]",
    "The brightness of a display changed",
    ROLES,
);

/// The brightness of this machine's displays.
#[derive(Debug)]
pub struct Brightness {
    dimmer: Dimmer,
}

impl Brightness {
    /// The brightness by that backlight.
    #[must_use]
    pub fn new(backlight: Arc<dyn Backlight>) -> Self {
        Self {
            dimmer: Dimmer::new(backlight),
        }
    }

    async fn answer(&self, procedure: &'static Procedure, arguments: Arguments) -> Result<Value, Refusal> {
        match procedure.canonical() {
            uri if uri == GET.uri => self.get(arguments).await,
            uri if uri == DISPLAYS.uri => self.displays(arguments).await,
            uri => self.set(uri, arguments).await,
        }
    }

    async fn get(&self, mut arguments: Arguments) -> Result<Value, Refusal> {
        let display = arguments.display()?;
        arguments.end()?;
        Ok(percent(&self.dimmer.find(display).await?))
    }

    async fn displays(&self, arguments: Arguments) -> Result<Value, Refusal> {
        arguments.end()?;
        let displays = self.dimmer.backlight().displays().await?;
        Ok(Value::List(displays.iter().map(describe).collect()))
    }

    async fn set(&self, uri: &str, mut arguments: Arguments) -> Result<Value, Refusal> {
        let number = arguments.percent()?;
        let display = arguments.display()?;
        let fade = arguments.keyword_integer("duration_ms", 0..=FADE_MS)?;
        arguments.end()?;
        let display = self.dimmer.find(display).await?;
        let goal = match uri {
            uri if uri == RAISE.uri => f64::from(display.percent) + number.max(0.0),
            uri if uri == LOWER.uri => f64::from(display.percent) - number.max(0.0),
            _ => number,
        };
        let duration = Duration::from_millis(fade.unwrap_or_default());
        Ok(percent(
            &self.dimmer.go(display, whole_percent(goal, 1), duration).await?,
        ))
    }
}

fn percent(display: &Display) -> Value {
    Value::UInt(display.percent.into())
}

fn describe(display: &Display) -> Value {
    let kind = match display.kind {
        DisplayKind::Internal => "internal",
        DisplayKind::External => "external",
    };
    Value::dict([
        ("id", display.id.as_str().into()),
        ("name", display.name.as_str().into()),
        ("kind", kind.into()),
        ("percent", percent(display)),
    ])
}

impl Component for Brightness {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        self.dimmer.backlight().missing()
    }

    fn call(&self, procedure: &'static Procedure, arguments: Arguments) -> BoxFuture<'_, Result<Value, Refusal>> {
        self.answer(procedure, arguments).boxed()
    }

    fn announce<'a>(&'a self, publish: &'a Announce) -> BoxFuture<'a, ()> {
        async move {
            let mut changes = self.dimmer.backlight().changes();
            let mut last = changes.borrow_and_update().clone();
            while changes.changed().await.is_ok() {
                let now = changes.borrow_and_update().clone();
                for display in now.iter().filter(|display| has_changed(&last, display)) {
                    publish(ON_CHANGED.uri, vec![percent(display), Value::Text(display.id.clone())]).await;
                }
                last = now;
            }
        }
        .boxed()
    }
}

/// Whether a display shows another brightness than before; one that has just
/// been found does not.
fn has_changed(last: &[Display], display: &Display) -> bool {
    last.iter()
        .any(|before| before.id == display.id && before.percent != display.percent)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Instant;

    use super::*;
    use crate::backends::fake::Fake;
    use crate::testing::{Published, ask};

    fn stage() -> (Arc<Fake>, Brightness) {
        let fake = Arc::new(Fake::default());
        let brightness = Brightness::new(fake.machine().backlight);
        (fake, brightness)
    }

    fn fading(percent: u64, milliseconds: u64) -> Arguments {
        let duration = ("duration_ms".to_owned(), Value::UInt(milliseconds));
        Arguments::new(vec![Value::UInt(percent)], BTreeMap::from([duration]))
    }

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    #[tokio::test]
    async fn brightness_is_set_raised_and_lowered_within_its_bounds() {
        let (fake, brightness) = stage();
        let steps = [
            (&SET, Value::UInt(30), 30),
            (&RAISE, Value::UInt(25), 55),
            (&LOWER, Value::Float(5.4), 50),
            (&LOWER, Value::UInt(200), 1),
            (&RAISE, Value::UInt(u64::MAX), 100),
            (&SET, Value::Int(-20), 1),
            (&SET, Value::UInt(101), 100),
            (&LOWER, Value::Int(-20), 100),
        ];
        for (procedure, number, percent) in steps {
            assert_eq!(ask(&brightness, procedure, &[number]).await, Ok(Value::UInt(percent)));
            assert_eq!(ask(&brightness, &GET, &[]).await, Ok(Value::UInt(percent)));
        }
        assert_eq!(fake.writes().first(), Some(&("panel".into(), 30)));
    }

    #[tokio::test]
    async fn equal_values_in_a_row_are_written_once() {
        let (fake, brightness) = stage();
        for _ in 0..5 {
            assert_eq!(ask(&brightness, &SET, &[Value::UInt(42)]).await, Ok(Value::UInt(42)));
        }
        assert_eq!(fake.writes(), [("panel".into(), 42)]);
    }

    #[tokio::test]
    async fn a_display_is_chosen_by_its_id() {
        let (fake, brightness) = stage();
        assert_eq!(
            ask(&brightness, &SET, &[Value::UInt(7), text("monitor")]).await,
            Ok(Value::UInt(7))
        );
        assert_eq!(ask(&brightness, &GET, &[text("monitor")]).await, Ok(Value::UInt(7)));
        assert_eq!(ask(&brightness, &GET, &[]).await, Ok(Value::UInt(50)));
        assert_eq!(fake.writes(), [("monitor".into(), 7)]);

        let refusal = ask(&brightness, &GET, &[text("wall")]).await.unwrap_err();
        assert_eq!(refusal.uri(), "org.deskconn.error.bad_argument");
        assert_eq!(
            refusal.to_string(),
            "there is no display \"wall\"; there are \"panel\" and \"monitor\""
        );
    }

    #[tokio::test]
    async fn displays_are_listed_with_what_a_client_shows() {
        let (_, brightness) = stage();
        let Ok(Value::List(displays)) = ask(&brightness, &DISPLAYS, &[]).await else {
            panic!("it is a list")
        };
        let Value::Dict(monitor) = &displays[1] else {
            panic!("of dictionaries")
        };
        let expected = [
            ("id", text("monitor")),
            ("kind", text("external")),
            ("name", text("Display monitor")),
        ];
        for (key, value) in expected {
            assert_eq!(monitor[key], value);
        }
        assert_eq!(monitor["percent"], Value::UInt(50));
    }

    #[tokio::test]
    async fn wrong_arguments_change_nothing() {
        let (fake, brightness) = stage();
        let wrong: [(&Procedure, &[Value]); 5] = [
            (&SET, &[]),
            (&SET, &[text("60")]),
            (&SET, &[Value::UInt(60), Value::UInt(0)]),
            (&SET, &[Value::UInt(60), text("panel"), Value::Null]),
            (&DISPLAYS, &[Value::UInt(1)]),
        ];
        for (procedure, args) in wrong {
            let refusal = ask(&brightness, procedure, args).await.unwrap_err();
            assert_eq!(refusal.uri(), "org.deskconn.error.bad_argument", "{args:?}");
        }
        let refusal = brightness.call(&SET, fading(60, FADE_MS + 1)).await.unwrap_err();
        assert!(refusal.to_string().contains("duration_ms"), "{refusal}");
        assert_eq!(fake.writes(), []);
    }

    #[tokio::test]
    async fn a_fade_answers_at_once_and_goes_through_steps_to_its_end() {
        let (fake, brightness) = stage();
        let mut changes = Backlight::changes(&*fake);
        let asked = Instant::now();
        assert_eq!(brightness.call(&SET, fading(90, 300)).await, Ok(Value::UInt(50)));
        changes.wait_for(|displays| displays[0].percent == 90).await.unwrap();
        assert!(asked.elapsed() >= Duration::from_millis(250), "{:?}", asked.elapsed());
        let steps: Vec<u8> = fake.writes().into_iter().map(|(_, percent)| percent).collect();
        assert_eq!(steps, [56, 63, 70, 76, 83, 90]);
    }

    #[tokio::test]
    async fn a_new_value_ends_a_fade() {
        let (fake, brightness) = stage();
        let mut changes = Backlight::changes(&*fake);
        assert_eq!(brightness.call(&SET, fading(100, FADE_MS)).await, Ok(Value::UInt(50)));
        changes.wait_for(|displays| displays[0].percent > 50).await.unwrap();
        assert_eq!(ask(&brightness, &SET, &[Value::UInt(20)]).await, Ok(Value::UInt(20)));
        assert!(brightness.dimmer.fade_ended().await, "the fade ended by itself");
        assert_eq!(fake.writes().last(), Some(&("panel".into(), 20)));
    }

    #[tokio::test]
    async fn every_change_is_told_whoever_made_it() {
        let (fake, brightness) = stage();
        let mut published = Published::by(Arc::new(Brightness::new(fake.machine().backlight)));
        assert_eq!(
            published.next().await,
            None,
            "what is found at the start has not changed"
        );
        let event = |percent, id| Some((ON_CHANGED.uri, vec![Value::UInt(percent), text(id)]));
        fake.turn_knob(80);
        assert_eq!(published.next().await, event(80, "panel"));
        ask(&brightness, &SET, &[Value::UInt(33), text("monitor")])
            .await
            .unwrap();
        assert_eq!(published.next().await, event(33, "monitor"));
        ask(&brightness, &SET, &[Value::UInt(33), text("monitor")])
            .await
            .unwrap();
        assert_eq!(published.next().await, None);
    }
}
