//! `deskconnctl slides`.

use client::Session;

use super::ask;
use crate::args::Slides;
use crate::failure::Failure;
use crate::output::Output;

pub(super) async fn run(session: &Session, command: Slides, output: &Output) -> Result<(), Failure> {
    let procedure = match command {
        Slides::Next => "org.deskconn.slides.next",
        Slides::Previous => "org.deskconn.slides.previous",
        Slides::Start => "org.deskconn.slides.start",
        Slides::End => "org.deskconn.slides.end",
        Slides::Blank => "org.deskconn.slides.blank",
    };
    let done = ask(session, procedure, ()).await?;
    output.result(&done, String::new)
}
