//! `deskconnctl screen`.

use client::{Session, Value};

use super::ask;
use crate::args::Screen;
use crate::failure::Failure;
use crate::output::Output;

pub(super) async fn run(session: &Session, command: Screen, output: &Output) -> Result<(), Failure> {
    match command {
        Screen::Lock => {
            let is_locked = ask(session, "org.deskconn.screen.lock", ()).await?;
            output.result(&is_locked, || sentence(&is_locked).to_owned())?;
            if is_locked == Value::Bool(false) {
                return Err(Failure::failed(
                    "the desktop was asked to lock its screen, and does not report that it has",
                ));
            }
            Ok(())
        }
        Screen::Unlock => {
            let is_unlocked = ask(session, "org.deskconn.screen.unlock", ()).await?;
            if is_unlocked == Value::Bool(false) {
                output.result(&is_unlocked, String::new)?;
                return Err(Failure::failed(
                    "the desktop was asked to unlock its screen, and does not report that it has",
                ));
            }
            output.result(&is_unlocked, || "not locked".to_owned())
        }
        Screen::Status => {
            let is_locked = ask(session, "org.deskconn.screen.is_locked", ()).await?;
            output.result(&is_locked, || sentence(&is_locked).to_owned())
        }
    }
}

fn sentence(is_locked: &Value) -> &'static str {
    match is_locked.as_bool() {
        Some(true) => "locked",
        Some(false) => "not locked",
        None => "unknown: nothing on this desktop tells",
    }
}
