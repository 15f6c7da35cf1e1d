//! A pointer and an American keyboard that are not there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::backends::input::{Keyboard, Layout, Modifiers, Motion, Names, Pointer, Stroke};
use crate::backends::{Failure, Missing};

/// What moved and what was typed.
#[derive(Debug, Default)]
pub struct FakeInput {
    motions: Mutex<Vec<Motion>>,
    strokes: Mutex<Vec<Stroke>>,
    asked: Mutex<Vec<Option<Names>>>,
    missing: Mutex<Option<Missing>>,
}

impl FakeInput {
    /// What the pointer did so far.
    pub fn motions(&self) -> Vec<Motion> {
        locked(&self.motions).clone()
    }

    /// What was typed so far.
    pub fn strokes(&self) -> Vec<Stroke> {
        locked(&self.strokes).clone()
    }

    /// The layouts that were asked for.
    pub fn layouts(&self) -> Vec<Option<Names>> {
        locked(&self.asked).clone()
    }

    /// From now on every call misses this; `None` mends it.
    pub fn miss(&self, missing: Option<Missing>) {
        *locked(&self.missing) = missing;
    }

    fn present(&self) -> Result<(), Missing> {
        locked(&self.missing).clone().map_or(Ok(()), Err)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pointer for FakeInput {
    fn act(&self, motion: Motion) -> BoxFuture<'_, Result<(), Failure>> {
        async move {
            self.present()?;
            locked(&self.motions).push(motion);
            Ok(())
        }
        .boxed()
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        std::future::ready(self.present().err()).boxed()
    }
}

impl Keyboard for FakeInput {
    fn layout(&self, names: Option<Names>) -> BoxFuture<'_, Result<Arc<Layout>, Missing>> {
        locked(&self.asked).push(names);
        std::future::ready(self.present().map(|()| Arc::new(american()))).boxed()
    }

    fn press(&self, stroke: Stroke) -> BoxFuture<'_, Result<(), Failure>> {
        async move {
            self.present()?;
            locked(&self.strokes).push(stroke);
            Ok(())
        }
        .boxed()
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        Pointer::missing(self)
    }
}

/// Letters, and few other characters.
fn american() -> Layout {
    let rows = [(16, "qwertyuiop"), (30, "asdfghjkl"), (44, "zxcvbnm"), (57, " ")];
    let plain = rows.into_iter().flat_map(|(first, row)| (first..).zip(row.chars()));
    let shifted = plain
        .clone()
        .map(|(code, character)| (code, character.to_ascii_uppercase()));
    let stroke = |shift| {
        move |(code, character)| {
            let modifiers = Modifiers {
                shift,
                ..Modifiers::default()
            };
            (character, Stroke { code, modifiers })
        }
    };
    let mut strokes: BTreeMap<char, Stroke> = shifted.map(stroke(true)).collect();
    strokes.insert('+', stroke(true)((13, '+')).1);
    strokes.extend(plain.map(stroke(false)));
    let names = Names {
        layout: "us".into(),
        ..Names::default()
    };
    Layout::new(names, strokes)
}
