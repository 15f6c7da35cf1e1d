//! `deskconnctl join`: pairs this command line with another desktop by a code or a link, and remembers it.

mod place;

use std::time::Duration;

use client::pairing::{Attempt, PairError, Step};
use client::{Dict, PairingChannel, dict};
use pairing::Kind;
use pairing::exchange::{self, Introduction, Joined, Secret};

use self::place::{Place, Wanted};
use super::desktops::row;
use crate::args::{Global, Join};
use crate::failure::Failure;
use crate::joined::{Desktops, Keys};
use crate::output::Output;
use crate::system;
use crate::typed::Typed;

/// How long a desktop may take to be connected to.
const CONNECT_TIME: Duration = Duration::from_secs(10);

pub(super) async fn run(global: &Global, join: &Join, output: &Output) -> Result<(), Failure> {
    if global.at.is_some() {
        return Err(Failure::Usage(
            "give the address behind `join`, without --at".to_owned(),
        ));
    }
    let wanted = Wanted::parse(join.place.as_deref())?;
    // Before anybody is asked for anything: what cannot be stored need not be typed.
    let desktops = Desktops::of_this_user()?;
    desktops.list()?;
    let keys = desktops.keys()?;
    let (place, secret) = place::ask(&wanted, global, output, &mut Typed::begin()).await?;
    let words = format!("connecting to {}", place.name);
    let channel = output.while_waiting(&words, connect(&place)).await?;
    let joining = Joining {
        place: &place,
        desktops: &desktops,
        output,
    };
    let joined = joining.exchange(channel, introduction(join, keys), secret).await?;
    let details = row(&joined).as_dict().cloned().unwrap_or_default();
    output.result(&event("joined", details), || {
        format!(
            "paired with {} as {} with the role {}",
            joined.name, joined.device_id, joined.role
        )
    })?;
    let try_it = format!("try it: deskconnctl --desktop {:?} status", joined.name);
    output.remark(&try_it);
    Ok(())
}

/// Who this command line says it is.
fn introduction(join: &Join, keys: Keys) -> Introduction {
    Introduction {
        identity: keys.identity,
        noise: keys.noise,
        name: join.name.clone().unwrap_or_else(system::host_name),
        kind: Kind::Cli,
        want: join.want.clone().unwrap_or_default(),
    }
}

/// Something that happened, as programs read it.
fn event(name: &str, mut details: Dict) -> Dict {
    details.insert("event".to_owned(), name.into());
    details
}

/// Connects to the first host that answers.
async fn connect(place: &Place) -> Result<PairingChannel, Failure> {
    let nowhere = || Failure::NotFound(format!("{} has no address to connect to", place.name));
    let opened = PairingChannel::open_any(&place.hosts, CONNECT_TIME).await;
    Ok(opened.ok_or_else(nowhere)??)
}

/// Where a pairing is going on.
struct Joining<'a> {
    place: &'a Place,
    desktops: &'a Desktops,
    output: &'a Output,
}

impl Joining<'_> {
    /// Goes through the exchange, and stores what comes of it.
    async fn exchange(&self, channel: PairingChannel, me: Introduction, secret: Secret) -> Result<Joined, Failure> {
        let attempt = Attempt::begin(channel, secret, me);
        let mut attempt = attempt.map_err(|error| Failure::Usage(error.to_string()))?;
        let mut words = "proving the code";
        loop {
            let step = self.output.while_waiting(words, attempt.next()).await;
            match step.map_err(|error| self.failed(&error))? {
                Step::Waiting { desktop, fingerprint } => {
                    words = "waiting for a yes at the desktop";
                    self.waiting(&desktop, &fingerprint)?;
                }
                Step::Accepted(joined) => {
                    self.finish(attempt, &joined).await?;
                    return Ok(*joined);
                }
            }
        }
    }

    fn waiting(&self, desktop: &str, fingerprint: &str) -> Result<(), Failure> {
        if self.output.is_json() {
            let details = dict([("desktop", desktop.into()), ("fingerprint", fingerprint.into())]);
            return self.output.result(&event("waiting", details), String::new);
        }
        self.output.remark(&format!(
            "waiting for approval at {desktop}; your fingerprint is {fingerprint}"
        ));
        Ok(())
    }

    /// Stores the desktop, then says so, so that it never trusts a device that has forgotten it. If it then cannot take
    /// this device, what was known before is known again.
    async fn finish(&self, attempt: Attempt, joined: &Joined) -> Result<(), Failure> {
        let before = self.desktops.put(joined)?;
        let Err(error) = attempt.confirm().await else {
            return Ok(());
        };
        match before {
            Some(before) => drop(self.desktops.put(&before)?),
            None => self.desktops.forget(joined)?,
        }
        Err(self.failed(&error))
    }

    fn failed(&self, error: &PairError) -> Failure {
        let name = &self.place.name;
        match error {
            PairError::Lost(why) => Failure::failed(format!("the connection to {name} was lost: {why}")),
            PairError::Connect(error) => Failure::failed(error.to_string()),
            PairError::Exchange(failure) => {
                if matches!(
                    failure,
                    exchange::Failure::OtherCertificate | exchange::Failure::OtherDesktop
                ) {
                    self.output.alarm(&failure.to_string());
                }
                Failure::failed(format!("not paired with {name}: {failure}"))
            }
        }
    }
}
