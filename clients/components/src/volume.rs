//! The volume of what the desktop plays.

use std::sync::Arc;

use client::Value;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::backends::sound::{Loudness, Sound};
use crate::backends::whole_percent;
use crate::{Announce, Arguments, Component, Entry, Home, Missing, Procedure, Refusal, Topic};

/// The component's row.
pub const ENTRY: Entry = Entry {
    name: "volume",
    procedures: PROCEDURES,
    topics: &[ON_CHANGED],
    home: Home::Session,
    make: |machine, _| Arc::new(Volume::new(Arc::clone(&machine.sound))),
};

const ROLES: &[&str] = &["media", "remote", "full"];

const GET: Procedure = Procedure::new(
    "org.deskconn.volume.get",
    "() → {percent, muted}",
    "The volume of the output that is played to",
    ROLES,
);
const SET: Procedure = Procedure::new(
    "org.deskconn.volume.set",
    "(percent) → {percent, muted}",
    "Set the volume, 0 to 100",
    ROLES,
);
const RAISE: Procedure = Procedure::new(
    "org.deskconn.volume.raise",
    "(percent) → {percent, muted}",
    "Make it louder by so many percent",
    ROLES,
);
const LOWER: Procedure = Procedure::new(
    "org.deskconn.volume.lower",
    "(percent) → {percent, muted}",
    "Make it quieter by so many percent",
    ROLES,
);
const MUTE: Procedure = Procedure::new(
    "org.deskconn.volume.mute",
    "(muted) → {percent, muted}",
    "Silence it, or let it be heard again",
    ROLES,
);

// Older clients silence with four procedures that take nothing, two of which say whether it is silent.
const OLD_MUTE: Procedure = Procedure::new(
    "io.xconn.deskconn.deskconnd.audio.mute",
    "() → null",
    "Silence it, as older clients do",
    ROLES,
);
const OLD_UNMUTE: Procedure = Procedure::new(
    "io.xconn.deskconn.deskconnd.audio.unmute",
    "() → null",
    "Let it be heard again, as older clients do",
    ROLES,
);
const OLD_TOGGLE: Procedure = Procedure::new(
    "io.xconn.deskconn.deskconnd.audio.togglemute",
    "() → bool",
    "Silence it, or let it be heard again, as older clients do",
    ROLES,
);
const OLD_IS_MUTED: Procedure = Procedure::new(
    "io.xconn.deskconn.deskconnd.audio.ismuted",
    "() → bool",
    "Whether it is silenced, as older clients ask",
    ROLES,
);

/// Every procedure of the volume.
pub const PROCEDURES: &[Procedure] = &[
    GET,
    SET,
    RAISE,
    LOWER,
    MUTE,
    OLD_MUTE,
    OLD_UNMUTE,
    OLD_TOGGLE,
    OLD_IS_MUTED,
];

/// Told when the volume changes, by whomever.
pub const ON_CHANGED: Topic = Topic::new(
    "org.deskconn.volume.on_changed",
    "[{percent, muted}]",
    "The volume changed, or another output is played to",
    ROLES,
);

/// The volume of the desktop.
#[derive(Debug)]
pub struct Volume {
    sound: Arc<dyn Sound>,
}

impl Volume {
    /// The volume of that output.
    #[must_use]
    pub fn new(sound: Arc<dyn Sound>) -> Self {
        Self { sound }
    }

    async fn answer(&self, procedure: &'static Procedure, mut arguments: Arguments) -> Result<Value, Refusal> {
        let now = match procedure.uri {
            uri if [SET.uri, RAISE.uri, LOWER.uri].contains(&uri) => return self.set(uri, arguments).await,
            uri if uri == MUTE.uri => {
                let mute = arguments.boolean("muted")?;
                arguments.end()?;
                return Ok(describe(self.sound.mute(mute).await?));
            }
            _ => {
                arguments.end()?;
                self.sound.loudness().await?
            }
        };
        match procedure.uri {
            uri if uri == OLD_MUTE.uri => self.sound.mute(true).await.map(|_| Value::Null),
            uri if uri == OLD_UNMUTE.uri => self.sound.mute(false).await.map(|_| Value::Null),
            uri if uri == OLD_TOGGLE.uri => self.sound.mute(!now.is_muted).await.map(|now| now.is_muted.into()),
            uri if uri == OLD_IS_MUTED.uri => Ok(now.is_muted.into()),
            _ => Ok(describe(now)),
        }
        .map_err(Refusal::from)
    }

    async fn set(&self, uri: &str, mut arguments: Arguments) -> Result<Value, Refusal> {
        let number = arguments.percent()?;
        arguments.end()?;
        let goal = if uri == SET.uri {
            number
        } else {
            let now = self.sound.loudness().await?;
            let before = f64::from(now.percent);
            let step = number.max(0.0);
            let goal = if uri == RAISE.uri { before + step } else { before - step };
            // Somebody amplifies beyond what is set here: louder must not become quieter.
            if uri == RAISE.uri && before >= 100.0 {
                return Ok(describe(now));
            }
            goal
        };
        Ok(describe(self.sound.set_percent(whole_percent(goal, 0)).await?))
    }
}

fn describe(now: Loudness) -> Value {
    Value::dict([
        ("percent", u64::from(now.percent).into()),
        ("muted", now.is_muted.into()),
    ])
}

impl Component for Volume {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn call(&self, procedure: &'static Procedure, arguments: Arguments) -> BoxFuture<'_, Result<Value, Refusal>> {
        self.answer(procedure, arguments).boxed()
    }

    fn announce<'a>(&'a self, publish: &'a Announce) -> BoxFuture<'a, ()> {
        let tell = async move {
            let mut told = self.sound.changes();
            let mut last = *told.borrow_and_update();
            while told.changed().await.is_ok() {
                // A server that goes away for a while changes nothing.
                let Some(now) = *told.borrow_and_update() else { continue };
                // What is first known is no change.
                if last.replace(now).is_some_and(|last| last != now) {
                    publish(ON_CHANGED.uri, vec![describe(now)]).await;
                }
            }
        };
        async move {
            tokio::select! {
                () = self.sound.follow() => {}
                () = tell => {}
            }
        }
        .boxed()
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        self.sound.missing()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backends::fake::FakeSound;
    use crate::testing::{Published, ask};

    fn stage() -> (Arc<FakeSound>, Volume) {
        let fake = Arc::new(FakeSound::default());
        let volume = Volume::new(Arc::clone(&fake) as Arc<dyn Sound>);
        (fake, volume)
    }

    fn is(percent: u16, is_muted: bool) -> Value {
        describe(Loudness { percent, is_muted })
    }

    #[tokio::test]
    async fn the_volume_is_set_raised_and_lowered_within_its_bounds() {
        let (_, volume) = stage();
        let steps = [
            (&SET, Value::UInt(30), 30),
            (&RAISE, Value::UInt(25), 55),
            (&LOWER, Value::Float(5.4), 50),
            (&LOWER, Value::UInt(200), 0),
            (&RAISE, Value::UInt(u64::MAX), 100),
            (&RAISE, Value::Int(-20), 100),
            (&SET, Value::Int(-20), 0),
            (&SET, Value::UInt(101), 100),
            (&LOWER, Value::Int(-20), 100),
        ];
        for (procedure, number, percent) in steps {
            assert_eq!(ask(&volume, procedure, &[number]).await, Ok(is(percent, false)));
            assert_eq!(ask(&volume, &GET, &[]).await, Ok(is(percent, false)));
        }
    }

    #[tokio::test]
    async fn what_is_amplified_beyond_a_hundred_is_never_made_louder_and_never_quieter_by_louder() {
        let (fake, volume) = stage();
        fake.change(Some(Loudness {
            percent: 130,
            is_muted: false,
        }));
        assert_eq!(ask(&volume, &RAISE, &[5_u64.into()]).await, Ok(is(130, false)));
        assert_eq!(ask(&volume, &LOWER, &[5_u64.into()]).await, Ok(is(100, false)));
    }

    #[tokio::test]
    async fn it_is_silenced_and_heard_again_as_newer_and_older_clients_ask() {
        let (_, volume) = stage();
        assert_eq!(ask(&volume, &MUTE, &[true.into()]).await, Ok(is(50, true)));
        assert_eq!(ask(&volume, &OLD_IS_MUTED, &[]).await, Ok(true.into()));
        assert_eq!(ask(&volume, &OLD_TOGGLE, &[]).await, Ok(false.into()));
        assert_eq!(ask(&volume, &OLD_MUTE, &[]).await, Ok(Value::Null));
        assert_eq!(ask(&volume, &GET, &[]).await, Ok(is(50, true)));
        assert_eq!(ask(&volume, &OLD_UNMUTE, &[]).await, Ok(Value::Null));
        assert_eq!(ask(&volume, &GET, &[]).await, Ok(is(50, false)));
    }

    #[tokio::test]
    async fn wrong_arguments_change_nothing() {
        let (_, volume) = stage();
        let wrong: [(&Procedure, &[Value]); 5] = [
            (&SET, &[]),
            (&SET, &["loud".into()]),
            (&MUTE, &[1_u64.into()]),
            (&GET, &[1_u64.into()]),
            (&OLD_TOGGLE, &[true.into()]),
        ];
        for (procedure, args) in wrong {
            let refusal = ask(&volume, procedure, args).await.unwrap_err();
            assert_eq!(refusal.uri(), "org.deskconn.error.bad_argument", "{args:?}");
        }
        assert_eq!(ask(&volume, &GET, &[]).await, Ok(is(50, false)));
    }

    #[tokio::test]
    async fn each_change_is_told_and_a_server_that_comes_back_as_it_was_is_none() {
        let (fake, volume) = stage();
        let mut published = Published::by(Arc::new(volume));
        assert_eq!(published.next().await, None);
        let loud = Loudness {
            percent: 80,
            is_muted: false,
        };
        for (now, told) in [(Some(loud), true), (None, false), (Some(loud), false)] {
            fake.change(now);
            let expected = told.then(|| (ON_CHANGED.uri, vec![is(80, false)]));
            assert_eq!(published.next().await, expected, "after {now:?}");
        }
    }
}
