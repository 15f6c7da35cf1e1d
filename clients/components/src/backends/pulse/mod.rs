//! The volume of the desktop's output, by PulseAudio's native protocol, which PipeWire's stand-in for PulseAudio
//! speaks as well.
//!
//! Always the server's default output is meant; the server tells when another one becomes that.

mod client;
mod place;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use pulseaudio::protocol::{
    self, ChannelVolume, Command, GetSinkInfo, PulseError, SetDeviceMuteParams, SetDeviceVolumeParams, SinkInfo, Volume,
};
use tokio::sync::{Mutex, watch};
use tokio::time::sleep;

use super::lazy::Lazy;
use super::sound::{Loudness, Sound};
use super::thread::blocking;
use super::{Failure, Missing, RECONNECT_EVERY};
use client::{Client, Error};

pub use place::{Place, session_runtime};

/// The output is read at most so often, whatever the server tells: a slider that is drawn makes a hundred events.
const READ_EVERY: Duration = Duration::from_millis(50);

/// The sound server of one user.
#[derive(Debug)]
pub struct Pulse {
    place: Place,
    client: Mutex<Lazy<Arc<Client>>>,
    told: watch::Sender<Option<Loudness>>,
}

impl Pulse {
    /// The server at that place.
    pub(super) fn new(place: Place) -> Self {
        Self {
            place,
            client: Mutex::new(Lazy::Unopened),
            told: watch::Sender::new(None),
        }
    }

    /// The connection, made anew if there is none or it broke.
    async fn client(&self) -> Result<Arc<Client>, Missing> {
        let mut lazy = self.client.lock().await;
        if matches!(&*lazy, Lazy::Open(client) if client.is_closed()) {
            lazy.lose();
        }
        lazy.get(async || self.connect().await).await.cloned()
    }

    async fn connect(&self) -> Result<Arc<Client>, Missing> {
        let place = self.place.clone();
        let server = blocking(move || place.server()).await;
        let server = server.map_err(|reason| absent(&reason))?;
        let client = Client::connect(&server.socket, server.cookie).await;
        client
            .map(Arc::new)
            .map_err(|error| absent(&format!("{}: {error}", server.socket.display())))
    }

    async fn loudness(&self) -> Result<Loudness, Failure> {
        let client = self.client().await?;
        let sink = default_sink(&client).await?;
        let now = loudness_of(&sink);
        self.tell(Some(now));
        Ok(now)
    }

    async fn set_percent(&self, percent: u8) -> Result<Loudness, Failure> {
        let client = self.client().await?;
        let sink = default_sink(&client).await?;
        let volume = scaled(&sink.cvolume, percent.min(100));
        if volume != sink.cvolume {
            let set = SetDeviceVolumeParams {
                device_index: Some(sink.index),
                device_name: None,
                volume,
            };
            client.tell(&Command::SetSinkVolume(set)).await.map_err(failure)?;
        }
        self.loudness().await
    }

    async fn mute(&self, mute: bool) -> Result<Loudness, Failure> {
        let client = self.client().await?;
        let sink = default_sink(&client).await?;
        if sink.muted != mute {
            let set = SetDeviceMuteParams {
                device_index: Some(sink.index),
                device_name: None,
                mute,
            };
            client.tell(&Command::SetSinkMute(set)).await.map_err(failure)?;
        }
        self.loudness().await
    }

    fn tell(&self, now: Option<Loudness>) {
        self.told.send_if_modified(|told| std::mem::replace(told, now) != now);
    }

    async fn follow(&self) {
        loop {
            if let Ok(client) = self.client().await {
                self.follow_server(&client).await;
            }
            self.tell(None);
            sleep(RECONNECT_EVERY).await;
        }
    }

    async fn follow_server(&self, client: &Client) {
        while !client.is_closed() {
            // Without an output there is nothing to tell, until the server tells of one.
            if self.loudness().await.is_err() {
                self.tell(None);
            }
            sleep(READ_EVERY).await;
            client.changed().await;
        }
    }
}

async fn default_sink(client: &Client) -> Result<SinkInfo, Failure> {
    let question = Command::GetSinkInfo(GetSinkInfo {
        index: None,
        name: Some(protocol::DEFAULT_SINK.into()),
    });
    client.ask(&question).await.map_err(failure)
}

fn loudness_of(sink: &SinkInfo) -> Loudness {
    let percent = (u64::from(loudest(&sink.cvolume)) * 100 + u64::from(full()) / 2) / u64::from(full());
    Loudness {
        percent: u16::try_from(percent).unwrap_or(u16::MAX),
        is_muted: sink.muted,
    }
}

fn loudest(volume: &ChannelVolume) -> u32 {
    volume.channels().iter().map(Volume::as_u32).max().unwrap_or_default()
}

fn full() -> u32 {
    Volume::NORM.as_u32()
}

/// These channels with the loudest at so many percent, and the others in proportion to it.
fn scaled(volume: &ChannelVolume, percent: u8) -> ChannelVolume {
    let goal = (u64::from(full()) * u64::from(percent) + 50) / 100;
    let loudest = u64::from(loudest(volume));
    let mut scaled = ChannelVolume::empty();
    for channel in volume.channels() {
        // What is silent has no proportions.
        let raw = (u64::from(channel.as_u32()) * goal)
            .checked_div(loudest)
            .unwrap_or(goal);
        scaled.push(Volume::from_u32_clamped(u32::try_from(raw).unwrap_or(u32::MAX)));
    }
    scaled
}

fn failure(error: Error) -> Failure {
    match error {
        Error::Server(PulseError::NoEntity) => Failure::Missing(Missing {
            what: "a sound output",
            reason: "the sound server has none".into(),
            mend: "plug one in, or look at the desktop's sound settings".into(),
        }),
        Error::Server(error) => Failure::Refused(format!("the sound server does not do that: {error}")),
        error @ (Error::Io(_) | Error::Protocol(_) | Error::Closed | Error::TimedOut) => {
            Failure::Missing(absent(&error.to_string()))
        }
    }
}

fn absent(reason: &str) -> Missing {
    Missing {
        what: "the sound server",
        reason: reason.into(),
        mend: "start it inside the desktop session: systemctl --user start pipewire-pulse (or pulseaudio)".into(),
    }
}

impl Sound for Pulse {
    fn loudness(&self) -> BoxFuture<'_, Result<Loudness, Failure>> {
        Self::loudness(self).boxed()
    }

    fn set_percent(&self, percent: u8) -> BoxFuture<'_, Result<Loudness, Failure>> {
        Self::set_percent(self, percent).boxed()
    }

    fn mute(&self, is_muted: bool) -> BoxFuture<'_, Result<Loudness, Failure>> {
        Self::mute(self, is_muted).boxed()
    }

    fn follow(&self) -> BoxFuture<'_, ()> {
        Self::follow(self).boxed()
    }

    fn changes(&self) -> watch::Receiver<Option<Loudness>> {
        self.told.subscribe()
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        async { self.client().await.err() }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channels(raw: &[u32]) -> ChannelVolume {
        let mut volume = ChannelVolume::empty();
        for raw in raw {
            volume.push(Volume::from_u32_clamped(*raw));
        }
        volume
    }

    fn percent(volume: ChannelVolume) -> u16 {
        let sink = SinkInfo {
            cvolume: volume,
            ..SinkInfo::new_dummy(0)
        };
        loudness_of(&sink).percent
    }

    #[test]
    fn every_percentage_comes_back() {
        for wanted in 0..=100 {
            let set = scaled(&channels(&[full(), full()]), wanted);
            assert_eq!(percent(set), u16::from(wanted));
        }
        assert_eq!(percent(channels(&[full() * 3 / 2])), 150, "amplified by somebody");
        assert_eq!(percent(channels(&[u32::MAX])), u16::MAX);
    }

    #[test]
    fn the_balance_stays_as_it_is_and_silence_has_none() {
        let half_left = channels(&[full() / 2, full()]);
        assert_eq!(scaled(&half_left, 50), channels(&[full() / 4, full() / 2]));
        assert_eq!(scaled(&channels(&[0, 0]), 100), channels(&[full(), full()]));
        assert_eq!(scaled(&half_left, 0), channels(&[0, 0]));
    }
}
