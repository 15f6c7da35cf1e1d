//! The pointer: moved, clicked and scrolled like a mouse.

use std::sync::{Arc, Mutex, PoisonError};

use client::Value;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::backends::Missing;
use crate::backends::input::pointer::NOTCH;
use crate::backends::input::{Button, Motion, Pointer};
use crate::{Arguments, Component, Entry, Home, Procedure, Refusal};

/// The component's row.
pub const ENTRY: Entry = Entry {
    name: "pointer",
    procedures: &[MOVE, CLICK, SCROLL],
    topics: &[],
    home: Home::Machine,
    make: |machine, _| Arc::new(Pointing::new(Arc::clone(&machine.pointer))),
};

/// The furthest that one call moves: from corner to corner of any desktop.
pub const MAX_MOVE: f64 = 20_000.0;

/// The furthest that one call scrolls, in notches: a long document.
pub const MAX_SCROLL: f64 = 100.0;

const ROLES: &[&str] = &["input", "full"];

const MOVE: Procedure = Procedure::new(
    "org.deskconn.pointer.move",
    "(dx, dy) → null",
    "Move the pointer to the right and down",
    ROLES,
)
.input();
const CLICK: Procedure = Procedure::new(
    "org.deskconn.pointer.click",
    "(button?) → null",
    "Click: left, right or middle",
    ROLES,
)
.input();
const SCROLL: Procedure = Procedure::new(
    "org.deskconn.pointer.scroll",
    "(dx, dy) → null",
    "Scroll by notches of a wheel, to the right and down",
    ROLES,
)
.input();

/// The pointer of this machine.
#[derive(Debug)]
pub struct Pointing {
    pointer: Arc<dyn Pointer>,
    /// What is left of moves and turns smaller than a count.
    moved: Mutex<(f64, f64)>,
    turned: Mutex<(f64, f64)>,
}

impl Pointing {
    /// Points by that.
    #[must_use]
    pub fn new(pointer: Arc<dyn Pointer>) -> Self {
        Self {
            pointer,
            moved: Mutex::default(),
            turned: Mutex::default(),
        }
    }

    async fn answer(&self, procedure: &'static Procedure, mut arguments: Arguments) -> Result<Value, Refusal> {
        let motion = if procedure.uri == CLICK.uri {
            let button = arguments.optional_text("button", "left, right or middle")?;
            arguments.end()?;
            Motion::Click(button_named(button.as_deref().unwrap_or("left"))?)
        } else {
            let is_move = procedure.uri == MOVE.uri;
            let most = if is_move { MAX_MOVE } else { MAX_SCROLL };
            let (x, y) = (
                bounded(&mut arguments, "dx", most)?,
                bounded(&mut arguments, "dy", most)?,
            );
            arguments.end()?;
            if is_move {
                let (x, y) = whole(&self.moved, x, y);
                Motion::Move { x, y }
            } else {
                let (x, y) = whole(&self.turned, x * f64::from(NOTCH), y * f64::from(NOTCH));
                Motion::Scroll { x, y }
            }
        };
        self.pointer.act(motion).await?;
        Ok(Value::Null)
    }
}

fn button_named(name: &str) -> Result<Button, Refusal> {
    match name {
        "left" => Ok(Button::Left),
        "right" => Ok(Button::Right),
        "middle" => Ok(Button::Middle),
        _ => Err(Refusal::BadArgument(
            "argument 1 (button) has to be left, right or middle".into(),
        )),
    }
}

fn bounded(arguments: &mut Arguments, key: &str, most: f64) -> Result<f64, Refusal> {
    let number = arguments.number(key)?;
    if number.abs() > most {
        return Err(Refusal::BadArgument(format!(
            "{key} has to be between -{most} and {most}"
        )));
    }
    Ok(number)
}

/// Whole counts; what is left over is kept for the next call, so that many small steps make a large one.
fn whole(left: &Mutex<(f64, f64)>, x: f64, y: f64) -> (i32, i32) {
    let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
    let take = |left: &mut f64, by: f64| {
        let all = *left + by;
        let counts = all.round();
        *left = all - counts;
        #[allow(
            clippy::cast_possible_truncation,
            reason = "it is bounded by MAX_MOVE, or MAX_SCROLL notches"
        )]
        let counts = counts as i32;
        counts
    };
    (take(&mut left.0, x), take(&mut left.1, y))
}

impl Component for Pointing {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn call(&self, procedure: &'static Procedure, arguments: Arguments) -> BoxFuture<'_, Result<Value, Refusal>> {
        self.answer(procedure, arguments).boxed()
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        self.pointer.missing()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backends::fake::{Fake, FakeInput};
    use crate::testing::ask;

    fn stage() -> (Arc<FakeInput>, Pointing) {
        let fake = Arc::new(Fake::default());
        (Arc::clone(&fake.input), Pointing::new(fake.machine().pointer))
    }

    #[tokio::test]
    async fn the_pointer_moves_clicks_and_scrolls() {
        let (input, pointing) = stage();
        ask(&pointing, &MOVE, &[Value::Int(-3), Value::UInt(20_000)])
            .await
            .unwrap();
        ask(&pointing, &CLICK, &[]).await.unwrap();
        ask(&pointing, &CLICK, &["middle".into()]).await.unwrap();
        ask(&pointing, &SCROLL, &[Value::UInt(0), Value::Float(-1.5)])
            .await
            .unwrap();
        assert_eq!(
            input.motions(),
            [
                Motion::Move { x: -3, y: 20_000 },
                Motion::Click(Button::Left),
                Motion::Click(Button::Middle),
                Motion::Scroll { x: 0, y: -180 },
            ]
        );
    }

    #[tokio::test]
    async fn small_steps_add_up_and_none_is_lost() {
        let (input, pointing) = stage();
        for _ in 0..10 {
            ask(&pointing, &MOVE, &[Value::Float(0.3), Value::Float(-0.1)])
                .await
                .unwrap();
        }
        let sum = input.motions().iter().fold((0, 0), |sum, motion| match motion {
            Motion::Move { x, y } => (sum.0 + x, sum.1 + y),
            Motion::Click(_) | Motion::Scroll { .. } => sum,
        });
        assert_eq!(sum, (3, -1));
    }

    #[tokio::test]
    async fn what_is_too_far_or_no_number_moves_nothing() {
        let (input, pointing) = stage();
        let wrong: [(&Procedure, &[Value]); 6] = [
            (&MOVE, &[Value::UInt(20_001), Value::UInt(0)]),
            (&MOVE, &[Value::UInt(1)]),
            (&MOVE, &[Value::Float(f64::NAN), Value::UInt(0)]),
            (&SCROLL, &[Value::UInt(0), Value::Float(-100.5)]),
            (&CLICK, &["back".into()]),
            (&CLICK, &[Value::UInt(1)]),
        ];
        for (procedure, args) in wrong {
            let refusal = ask(&pointing, procedure, args).await.unwrap_err();
            assert_eq!(refusal.uri(), "org.deskconn.error.bad_argument", "{args:?}");
        }
        assert_eq!(input.motions(), []);
    }
}
