//! `deskconnctl notify`.

use client::{Args, Session};

use super::ask;
use crate::args::Notify;
use crate::failure::Failure;
use crate::output::Output;

pub(super) async fn run(session: &Session, notify: &Notify, output: &Output) -> Result<(), Failure> {
    let mut args = Args::from([notify.summary.as_str().into()]);
    for (key, text) in [("body", &notify.body), ("app", &notify.app)] {
        if let Some(text) = text {
            args = args.with(key, text.as_str());
        }
    }
    let id = ask(session, "org.deskconn.notify.send", args).await?;
    output.result(&id, String::new)
}
