//! `deskconnctl battery`.

use client::{Session, Value};

use super::ask;
use crate::failure::Failure;
use crate::output::Output;
use crate::values::{get, number};

pub(super) async fn run(session: &Session, output: &Output) -> Result<(), Failure> {
    let battery = ask(session, "org.deskconn.battery.get", ()).await?;
    output.result(&battery, || {
        if battery == Value::Null {
            return "no battery".to_owned();
        }
        let when = [("time_to_empty_s", "empty"), ("time_to_full_s", "full")]
            .map(|(key, what)| match number(&battery, key) {
                0 => String::new(),
                seconds => format!(", {what} in {}:{:02} h", seconds / 3_600, seconds / 60 % 60),
            })
            .concat();
        format!("{} %, {}{when}", number(&battery, "percent"), get(&battery, "state"))
    })
}
