//! `deskconnctl join`: pairs this command line with another desktop by a code or a link, and remembers it.

mod place;

use std::time::Duration;

use client::{ConnectError, Dict, PairingChannel};
use pairing::Kind;
use pairing::exchange::{self, CRYPTO_TIME, DONE_TIME, Introduction, Joined, Joiner, Progress, Secret, Sight};
use pairing::question::APPROVAL_TIME;
use rand::rngs::SysRng;
use tokio::time::timeout;

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
/// What a message may take on its way beside the time that the desktop has for it.
const ON_THE_WAY: Duration = Duration::from_secs(5);

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
    let mut last = None;
    for host in &place.hosts {
        match PairingChannel::open(host, CONNECT_TIME).await {
            Ok(channel) => return Ok(channel),
            Err(error @ (ConnectError::Unreachable(..) | ConnectError::TooSlow(..))) => last = Some(error),
            Err(error) => return Err(error.into()),
        }
    }
    let nowhere = || Failure::NotFound(format!("{} has no address to connect to", place.name));
    Err(last.map_or_else(nowhere, Failure::from))
}

/// Where a pairing is going on.
struct Joining<'a> {
    place: &'a Place,
    desktops: &'a Desktops,
    output: &'a Output,
}

impl Joining<'_> {
    /// Carries the frames of the exchange, and stores what comes of it.
    async fn exchange(&self, mut channel: PairingChannel, me: Introduction, secret: Secret) -> Result<Joined, Failure> {
        let sight = Sight {
            spki: Some(channel.spki()),
            exporter: Some(channel.exporter()),
        };
        let mut joiner = Joiner::begin(secret, me, sight).map_err(|failure| Failure::Usage(failure.to_string()))?;
        let mut patience = CRYPTO_TIME + ON_THE_WAY;
        let mut words = "proving the code";
        loop {
            let next = self.next(&mut channel, patience);
            let frame = self.output.while_waiting(words, next).await?;
            let frame = frame.ok_or_else(|| self.lost("it was closed"))?;
            match joiner.receive(&frame, &mut SysRng) {
                Progress::Send(frame) => self.send(&mut channel, &frame).await?,
                Progress::Waiting { desktop, fingerprint } => {
                    words = "waiting for a yes at the desktop";
                    patience = APPROVAL_TIME + DONE_TIME + ON_THE_WAY;
                    self.waiting(&desktop, &fingerprint)?;
                }
                Progress::Paired(joined, frame) => {
                    self.finish(&mut channel, &mut joiner, &joined, &frame).await?;
                    channel.close().await;
                    return Ok(*joined);
                }
                Progress::Failed(failure) => {
                    if let Some(frame) = failure.frame() {
                        // Whether the desktop hears it or not: it is over.
                        let _ = channel.send(&frame).await;
                    }
                    channel.close().await;
                    return Err(self.failed(&failure));
                }
            }
        }
    }

    fn waiting(&self, desktop: &str, fingerprint: &str) -> Result<(), Failure> {
        if self.output.is_json() {
            let details = [("desktop", desktop), ("fingerprint", fingerprint)];
            let details = details.map(|(key, value)| (key.to_owned(), value.into())).into();
            return self.output.result(&event("waiting", details), String::new);
        }
        self.output.remark(&format!(
            "waiting for approval at {desktop}; your fingerprint is {fingerprint}"
        ));
        Ok(())
    }

    /// Stores the desktop, then says so, so that it never trusts a device that has forgotten it. If it then cannot take
    /// this device, what was known before is known again.
    async fn finish(
        &self,
        channel: &mut PairingChannel,
        joiner: &mut Joiner,
        joined: &Joined,
        done: &[u8],
    ) -> Result<(), Failure> {
        let before = self.desktops.put(joined)?;
        self.send(channel, done).await?;
        let Some(frame) = self.next(channel, DONE_TIME + ON_THE_WAY).await? else {
            return Ok(());
        };
        match before {
            Some(before) => drop(self.desktops.put(&before)?),
            None => self.desktops.forget(joined)?,
        }
        match joiner.receive(&frame, &mut SysRng) {
            Progress::Failed(failure) => Err(self.failed(&failure)),
            Progress::Send(_) | Progress::Waiting { .. } | Progress::Paired(..) => {
                Err(self.lost("it said more than it should"))
            }
        }
    }

    async fn send(&self, channel: &mut PairingChannel, frame: &[u8]) -> Result<(), Failure> {
        channel.send(frame).await.map_err(|error| self.lost(&error.to_string()))
    }

    async fn next(&self, channel: &mut PairingChannel, patience: Duration) -> Result<Option<Vec<u8>>, Failure> {
        match timeout(patience, channel.next()).await {
            Ok(frame) => frame.map_err(|error| self.lost(&error.to_string())),
            Err(_) => Err(self.lost(&format!("nothing came for {} s", patience.as_secs()))),
        }
    }

    fn failed(&self, failure: &exchange::Failure) -> Failure {
        if matches!(
            failure,
            exchange::Failure::OtherCertificate | exchange::Failure::OtherDesktop
        ) {
            self.output.alarm(&failure.to_string());
        }
        Failure::failed(format!("not paired with {}: {failure}", self.place.name))
    }

    fn lost(&self, why: &str) -> Failure {
        Failure::failed(format!("the connection to {} was lost: {why}", self.place.name))
    }
}
