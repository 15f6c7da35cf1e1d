//! `deskconnctl agent`: serves, inside a desktop session, the functions that the system's desktop cannot serve from outside.

use std::time::Duration;

use client::{Client, ConnectError, Error, JoinError, Options, Session};
use components::{Machine, Places, agent};
use tokio::sync::watch;
use tokio::time::timeout;

use super::Interrupts;
use crate::args::Global;
use crate::failure::Failure;
use crate::here;
use crate::output::Output;

/// The role to ask for.
const ROLE: &str = "agent";
/// After a desktop that is not there it is looked for again so soon, and each time later, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

pub(super) async fn run(global: &Global, output: &Output) -> Result<(), Failure> {
    let mut interrupts = Interrupts::new()?;
    let machine = Machine::detect(Places::default());
    tokio::select! {
        () = interrupts.next() => Ok(()),
        ended = serve(global, &machine, output) => ended,
    }
}

/// Serves whenever this user's session is the one in front, until something is wrong that does not mend itself.
async fn serve(global: &Global, machine: &Machine, output: &Output) -> Result<(), Failure> {
    let own = rustix::process::getuid().as_raw();
    let mut occupant = machine.seat.occupant();
    let mut pause = FIRST_PAUSE;
    let mut said = String::new();
    let mut say = |sentence: String| {
        if sentence != said {
            output.remark(&sentence);
            said = sentence;
        }
    };
    loop {
        if *occupant.borrow_and_update() != Some(own) {
            say("waiting until this user's session is the one in front".to_owned());
            seated(&mut occupant, own).await?;
        }
        match open(global, machine).await {
            Ok((client, session, running)) => {
                pause = FIRST_PAUSE;
                say(format!("serving {}", running.names().collect::<Vec<_>>().join(", ")));
                // It survives its connection. What follows it must introduce itself again.
                let closed = session.closed().await;
                running.ended().await;
                client.close().await;
                say(format!("the desktop has ended the session: {closed}"));
            }
            Err(Attempt::Hopeless(failure)) => return Err(failure),
            Err(Attempt::Later(sentence)) => say(sentence),
        }
        // Whoever comes to the front is served at once.
        let _ = timeout(pause, occupant.changed()).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn seated(occupant: &mut watch::Receiver<Option<u32>>, own: u32) -> Result<(), Failure> {
    let seated = occupant.wait_for(|occupant| *occupant == Some(own)).await;
    seated
        .map(drop)
        .map_err(|_| Failure::failed("who sits at the machine cannot be followed any more"))
}

/// Why there is no session now.
enum Attempt {
    Later(String),
    Hopeless(Failure),
}

/// A desktop that wants no agent will not want one later.
fn is_hopeless(error: &ConnectError) -> bool {
    const NO_SUCH_ROLE: &str = "wamp.error.no_such_role";
    matches!(error, ConnectError::Target(_))
        || matches!(error, ConnectError::Join(JoinError::Refused(abort)) if abort.reason == NO_SUCH_ROLE)
}

async fn open(global: &Global, machine: &Machine) -> Result<(Client, Session, components::Running), Attempt> {
    let options = Options {
        authrole: Some(ROLE.to_owned()),
        ..Options::new("deskconn")
    };
    let client = here::keep_system(global, options).await.map_err(|error| {
        if is_hopeless(&error) {
            Attempt::Hopeless(error.into())
        } else {
            Attempt::Later(error.to_string())
        }
    })?;
    let serving = async {
        let session = client.session().await?;
        let running = agent::serve(&session, machine).await?;
        Ok::<_, Error>((session, running))
    };
    match serving.await {
        Ok((session, running)) => Ok((client, session, running)),
        Err(error) => {
            client.close().await;
            Err(Attempt::Later(error.to_string()))
        }
    }
}
