//! What somebody sees who types the name of the program alone: the few things that one needs first.

use std::process::ExitCode;

use crate::connect;
use crate::output::{Color, Output};

/// Says it; wrong usage all the same, for the sake of scripts.
pub(crate) fn show() -> ExitCode {
    let output = Output::new(false, false, Color::Auto);
    let is_running = connect::sockets_here()
        .iter()
        .any(|socket| std::os::unix::net::UnixStream::connect(socket).is_ok());
    let first = if is_running {
        "A desktop is running here.".to_owned()
    } else {
        let start = connect::how_to_start();
        format!("No desktop is running here. Start it: {start}, or deskconnd in a terminal.")
    };
    output.page(&format!(
        "deskconnctl talks to the desktop on this machine, or to another one. {first}

  deskconnctl status              how the desktop is
  deskconnctl doctor              what is missing, and what mends it
  deskconnctl pair                let a phone or another machine in, by a code
  deskconnctl slides next         do something: slides, screen, brightness, media, volume, notify, open …
  deskconnctl join                pair with another desktop, then: deskconnctl --desktop NAME slides next
  deskconnctl help                every command; deskconnctl help COMMAND says more, with examples

Tab completes names too: deskconnctl help completions"
    ));
    ExitCode::from(2)
}
