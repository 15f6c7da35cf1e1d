//! `deskconnctl keyboard`.

use std::io::Read as _;

use client::{Session, Value};

use super::ask;
use crate::args::Keyboard;
use crate::failure::Failure;
use crate::output::Output;

/// The most that is read of the standard input: more than the desktop takes, so that it says why it does not.
const MAX_INPUT: u64 = 64 << 10;

pub(super) async fn run(session: &Session, command: &Keyboard, output: &Output) -> Result<(), Failure> {
    let mut done = Value::Null;
    match command {
        Keyboard::Press { keys } => {
            for key in keys {
                done = ask(session, "org.deskconn.keyboard.press", [key.as_str().into()]).await?;
            }
        }
        Keyboard::Type { text } => {
            let text = match text.as_deref().filter(|text| *text != "-") {
                Some(text) => text.to_owned(),
                None => input()?,
            };
            done = ask(session, "org.deskconn.keyboard.type", [Value::Text(text)]).await?;
        }
    }
    output.result(&done, String::new)
}

/// What the standard input says, to its end.
fn input() -> Result<String, Failure> {
    let mut text = String::new();
    let read = std::io::stdin().lock().take(MAX_INPUT).read_to_string(&mut text);
    read.map_err(|error| Failure::failed(format!("the text cannot be read: {error}")))?;
    Ok(text)
}
