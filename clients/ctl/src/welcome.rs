//! What somebody sees who types the name of the program alone: the few things that one needs first.

use std::process::ExitCode;

use crate::here;
use crate::output::{Color, Output};

/// Says it; wrong usage all the same, for the sake of scripts.
pub(crate) fn show() -> ExitCode {
    let output = Output::new(false, false, Color::Auto);
    let first = here::news();
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
