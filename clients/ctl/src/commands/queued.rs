//! `deskconnctl publish --queue`: what cannot be delivered now waits on disk, in front of what is published later.

use std::path::PathBuf;
use std::time::Duration;

use client::{PublishOptions, Queue, QueueError, Undeliverable};
use tokio::time::{Instant, sleep};

use crate::args::{Global, Publish};
use crate::connect;
use crate::failure::Failure;
use crate::key;
use crate::output::Output;
use crate::values;

/// The folder of all queues, in the state directory.
const FOLDER: &str = "queues";
/// How long another program of this kind may have the queue.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks whether it still has. Nothing tells when a lock on a file is given back.
const LOOK: Duration = Duration::from_millis(50);

pub(super) async fn run(global: &Global, publish: &Publish, output: &Output) -> Result<(), Failure> {
    let queue = open(global).await?;
    let options = PublishOptions {
        retain: publish.retain,
        ..PublishOptions::default()
    };
    queue
        .push(&publish.uri, values::arguments(&publish.arguments)?, options)
        .map_err(|error| Failure::failed(error.to_string()))?;
    let session = match Box::pin(connect::open(global)).await {
        Ok(session) => session,
        Err(failure) => {
            output.remark(&format!(
                "{} kept on disk, for the next `publish --queue`: {failure}",
                many(queue.len())
            ));
            return Ok(());
        }
    };
    let mut refused = Vec::new();
    let delivered = queue.flush(&session, |it| refused.push(it.to_string())).await;
    session.leave().await;
    match delivered {
        Ok(_) if refused.is_empty() => Ok(()),
        Ok(delivered) => Err(Failure::failed(format!(
            "refused: {}; that waits no more, and of the others were delivered: {}",
            refused.join("; "),
            delivered.taken
        ))),
        Err(error @ Undeliverable::Client(_)) => {
            output.remark(&format!(
                "{} kept on disk, for the next `publish --queue`: {error}",
                many(queue.len())
            ));
            Ok(())
        }
        Err(error @ (Undeliverable::Unsupported | Undeliverable::Queue(_))) => Err(Failure::failed(error.to_string())),
    }
}

fn many(number: usize) -> String {
    if number == 1 {
        "1 publication is".to_owned()
    } else {
        format!("{number} publications are")
    }
}

/// The queue for a desktop, which another command may have just now.
async fn open(global: &Global) -> Result<Queue, Failure> {
    let no_home = || Failure::failed("this user has no home directory; set HOME or XDG_DATA_HOME");
    let folder = key::directory().ok_or_else(no_home)?.join(FOLDER).join(name(global));
    let end = Instant::now() + PATIENCE;
    loop {
        match Queue::open(&folder) {
            Err(QueueError::Taken(_)) if Instant::now() < end => sleep(LOOK).await,
            opened => return opened.map_err(|error| Failure::failed(error.to_string())),
        }
    }
}

/// One queue for each way to log in: a queue is of one principal at one router.
fn name(global: &Global) -> PathBuf {
    let place = match (&global.desktop, &global.at) {
        (Some(desktop), _) => format!("desktop {desktop}"),
        (None, Some(at)) => format!("at {at}"),
        (None, None) => "here".to_owned(),
    };
    let login = &global.login;
    let who = match (&login.authid, login.key.as_ref().or(login.certificate.as_ref())) {
        (Some(authid), _) => format!("authid {authid}"),
        (None, Some(file)) => file.display().to_string(),
        (None, None) if login.anonymous => "anonymous".to_owned(),
        (None, None) => String::new(),
    };
    let realm = global.realm.as_deref().unwrap_or_default();
    [place, who, realm.to_owned()]
        .map(|part| in_a_name(&part))
        .join(",")
        .into()
}

/// Text that may stand in the name of a file: what may not is written as a percent sign and two digits.
fn in_a_name(text: &str) -> String {
    let shown = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => char::from(byte).to_string(),
        _ => format!("%{byte:02x}"),
    };
    text.bytes().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_places_have_different_names_that_a_file_may_have() {
        let names = ["a/b", "a%2fb", "../x", "wss://h:1/ws", "a,b"].map(in_a_name);
        for name in &names {
            assert!(!name.contains(['/', '.', ',']), "{name}");
        }
        assert_ne!(names[0], names[1]);
    }
}
