//! `deskconnctl gpio`.

use client::{Session, Value};

use super::ask;
use crate::args::{Gpio, Switch};
use crate::failure::Failure;
use crate::output::Output;
use crate::values::{get, text};

pub(super) async fn run(session: &Session, command: Option<&Gpio>, output: &Output) -> Result<(), Failure> {
    let (uri, args) = match command.unwrap_or(&Gpio::List) {
        Gpio::List => return list(session, output).await,
        Gpio::Get { line } => ("org.deskconn.gpio.get", vec![Value::from(line.as_str())]),
        Gpio::Set { line, value } => {
            let value = Value::Bool(*value == Switch::On);
            ("org.deskconn.gpio.set", vec![Value::from(line.as_str()), value])
        }
    };
    let now = ask(session, uri, args).await?;
    output.result(&now, || on_or_off(&now).to_owned())
}

async fn list(session: &Session, output: &Output) -> Result<(), Failure> {
    let lines = ask(session, "org.deskconn.gpio.list", ()).await?;
    let lines = lines.as_list().unwrap_or_default();
    if lines.is_empty() {
        output.remark("the desktop has no lines: [[components.gpio.line]] in its configuration names some");
    }
    output.table(lines, &["NAME", "CHIP", "LINE", "DIRECTION", "VALUE"], |line| {
        let of = |key| line.as_dict().and_then(|line| line.get(key));
        let number = of("line").filter(|number| **number != Value::Null);
        vec![
            get(line, "name").into(),
            get(line, "chip").into(),
            number.map(text).unwrap_or_default().into(),
            get(line, "direction").into(),
            of("value").map(on_or_off).unwrap_or_default().into(),
        ]
    })
}

/// A value in the words that are typed; nothing for a line whose chip is away.
fn on_or_off(value: &Value) -> &'static str {
    value.as_bool().map_or("-", |value| if value { "on" } else { "off" })
}
