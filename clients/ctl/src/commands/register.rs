//! `deskconnctl register`: a shell command as a procedure.

use std::sync::Arc;

use client::{Client, RegisterOptions};
use tokio::sync::Semaphore;

use super::keeping::told;
use super::shell::Command;
use super::{Interrupts, seconds};
use crate::args::{Policy, Register};
use crate::explain::{Deed, explain};
use crate::failure::Failure;
use crate::output::Output;

/// Commands that run at a time; further calls wait. More would make a small machine crawl.
const MAX_RUNNING: usize = 8;

pub(super) async fn run(client: &Client, register: &Register, output: &Output) -> Result<(), Failure> {
    let mut interrupts = Interrupts::new()?;
    let command = Arc::new(Command {
        line: register.command.clone(),
        arguments: register.arguments.clone(),
        limit: seconds(register.timeout)?,
    });
    let room = Arc::new(Semaphore::new(MAX_RUNNING));
    let uri = register.uri.clone();
    let serve = move |mut call: client::Invocation| {
        let (command, room) = (Arc::clone(&command), Arc::clone(&room));
        let procedure = call
            .procedure
            .take()
            .map_or_else(|| uri.clone(), |procedure| procedure.as_str().to_owned());
        async move {
            // Nobody closes it.
            let _place = room.acquire().await;
            command.run(&procedure, call).await
        }
    };
    let options = RegisterOptions {
        policy: register.policy.unwrap_or_else(|| Policy::of(&register.uri)).into(),
        ..RegisterOptions::default()
    };
    let told = told(client, "", output);
    if let Err(error) = client.register_with(&register.uri, options, serve).await {
        return Err(explain(&client.session().await?, Deed::Register, &register.uri, error).await);
    }
    output.remark(&format!("{} is offered; Ctrl-C ends it", register.uri));
    tokio::select! {
        failure = told => Err(failure),
        () = interrupts.next() => Ok(()),
    }
}
