//! The connection on which a device is paired: a WebSocket on `/pair` inside TLS, frames in and out.
//!
//! Nothing is trusted yet: any certificate is taken, and what was seen is told, so that it can be compared inside the
//! exchange. What the frames say is not known here.

use std::io;
use std::time::Duration;

use ::pairing::exchange::{MAX_FRAME_BYTES, SUBPROTOCOL};
use link::ReadError;
use link::tls::{self, Connected, Trust};
use link::websocket::{self, Frames};
use tokio::time::{Instant, timeout};

use crate::connect::{Target, tcp};
use crate::error::ConnectError;
use crate::race::{HEAD_START, Race, Since};

/// Where a desktop has it.
const PATH: &str = "/pair";
/// The HTTP status while no window is open (docs/PAIRING.md).
const NO_WINDOW: u16 = 404;
/// How long the desktop may take to close, once this end has.
const FAREWELL: Duration = Duration::from_secs(2);

/// A connection to a desktop that this device is not paired with yet.
#[derive(Debug)]
pub struct PairingChannel {
    frames: Frames,
    spki: [u8; 32],
    exporter: [u8; 32],
}

impl PairingChannel {
    /// Connects to the desktop at `host`, a name or address with a port. It may take as long as `patience`.
    ///
    /// # Errors
    /// Nobody answers, or it is no desktop, or no pairing window is open there: its answer says so.
    pub async fn open(host: &str, patience: Duration) -> Result<Self, ConnectError> {
        let host = host.to_owned();
        let opening = async { Self::over(secured(host.clone()).await?, &host).await };
        within(patience, &host, opening).await
    }

    /// The same at the first of several that answers: each has a lead of 250 ms over the next.
    ///
    /// # Errors
    /// As of [`PairingChannel::open`]: what somebody said who answers, or where nobody does, what came of the last. `None` when
    /// there are no hosts.
    pub async fn open_any(hosts: &[String], patience: Duration) -> Option<Result<Self, ConnectError>> {
        // Only connections are made side by side: several may lead to one desktop, which pairs one device at a time.
        let mut race = Race::new(hosts.to_vec(), Some(HEAD_START));
        let connect = |host: String| async move {
            let (began, shown) = (Instant::now(), host.clone());
            let secured = within(patience, &shown, secured(host)).await;
            (secured, Since::now(), patience.saturating_sub(began.elapsed()))
        };
        let (mut said, mut absent) = (None, None);
        while let Some((host, (secured, since, left))) = race.next(connect).await {
            let opened = match secured {
                Ok(stale) if since.is_stale() => {
                    drop(stale);
                    Self::open(&host, patience).await
                }
                Ok(secured) => within(left, &host, Self::over(secured, &host)).await,
                Err(error) => Err(error),
            };
            match opened {
                Ok(channel) => return Some(Ok(channel)),
                Err(error @ (ConnectError::Unreachable(..) | ConnectError::TooSlow(..))) => absent = Some(error),
                // It may be another machine; a likelier host that is slower may be the desktop.
                Err(error) => {
                    race.begin_no_more();
                    said.get_or_insert(error);
                }
            }
        }
        said.or(absent).map(Err)
    }

    async fn over(connected: Connected, host: &str) -> Result<Self, ConnectError> {
        let frames = websocket::connect_frames(connected.stream, host, PATH, SUBPROTOCOL, MAX_FRAME_BYTES).await;
        let refused = |error: websocket::ConnectError| {
            if matches!(error, websocket::ConnectError::Refused(NO_WINDOW, _)) {
                return ConnectError::PairingClosed(host.to_owned());
            }
            ConnectError::NotWamp(target(host).to_string(), error.to_string())
        };
        Ok(Self {
            frames: frames.map_err(refused)?,
            spki: connected.spki,
            exporter: connected.exporters.pair,
        })
    }

    /// SHA-256 of the `SubjectPublicKeyInfo` of the certificate that the other end showed and has the key of.
    #[must_use]
    pub const fn spki(&self) -> [u8; 32] {
        self.spki
    }

    /// The exporter value of this connection with the label `EXPORTER-deskconn-pair/1`.
    #[must_use]
    pub const fn exporter(&self) -> [u8; 32] {
        self.exporter
    }

    /// Sends a frame of at most [`MAX_FRAME_BYTES`] bytes.
    ///
    /// # Errors
    /// It is longer, or the connection failed or was closed.
    pub async fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        self.frames.send(frame).await
    }

    /// The next frame; `None` when the desktop has closed the connection in order. It may be dropped and called again.
    ///
    /// # Errors
    /// The desktop sent what is no frame, or too long a one, or the connection failed.
    pub async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        match self.frames.next().await {
            Ok(frame) => Ok(frame.map(|frame| frame.to_vec())),
            Err(ReadError::Io(error)) => Err(error),
            Err(ReadError::Violation(violation)) => Err(io::Error::new(io::ErrorKind::InvalidData, violation)),
        }
    }

    /// Closes the connection in order, when everything has been said.
    pub async fn close(mut self) {
        let _ = timeout(FAREWELL, self.frames.close()).await;
    }
}

/// The place where the desktop at this host pairs devices.
fn target(host: &str) -> Target {
    Target::SecureWebSocket {
        host: host.to_owned(),
        path: PATH.to_owned(),
    }
}

/// A connection inside TLS, with whoever is there.
async fn secured(host: String) -> Result<Connected, ConnectError> {
    let target = target(&host);
    let connected = tls::connect(tcp(&target, &host).await?, Trust::Anybody).await;
    connected.map_err(|error| ConnectError::Tls(target.to_string(), error))
}

async fn within<T>(
    patience: Duration,
    host: &str,
    opening: impl Future<Output = Result<T, ConnectError>>,
) -> Result<T, ConnectError> {
    let late = |_| Err(ConnectError::TooSlow(target(host).to_string(), patience.as_secs()));
    timeout(patience, opening).await.unwrap_or_else(late)
}
