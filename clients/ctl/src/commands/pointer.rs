//! `deskconnctl pointer`.

use client::{Session, Value};

use super::ask;
use crate::args::{Button, Pointer};
use crate::failure::Failure;
use crate::output::Output;

pub(super) async fn run(session: &Session, command: &Pointer, output: &Output) -> Result<(), Failure> {
    let (uri, args) = match command {
        Pointer::Move { dx, dy } => ("org.deskconn.pointer.move", vec![Value::Float(*dx), Value::Float(*dy)]),
        Pointer::Click { button } => {
            let button = match button {
                Button::Left => "left",
                Button::Right => "right",
                Button::Middle => "middle",
            };
            ("org.deskconn.pointer.click", vec![button.into()])
        }
        Pointer::Scroll { dy, dx } => (
            "org.deskconn.pointer.scroll",
            vec![Value::Float(*dx), Value::Float(*dy)],
        ),
    };
    let done = ask(session, uri, args).await?;
    output.result(&done, String::new)
}
