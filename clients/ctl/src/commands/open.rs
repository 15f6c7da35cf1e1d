//! `deskconnctl open`.

use client::Session;

use super::ask;
use crate::args::Open;
use crate::failure::Failure;
use crate::output::Output;

pub(super) async fn run(session: &Session, open: &Open, output: &Output) -> Result<(), Failure> {
    let done = ask(session, "org.deskconn.url.open", [open.url.as_str().into()]).await?;
    output.result(&done, String::new)
}
