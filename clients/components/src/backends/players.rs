//! Media players as the functions above see them: what plays, and what can be asked of it.

use std::fmt::Debug;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::watch;

use super::{Failure, Missing};

/// Whether a player plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlayerStatus {
    /// It plays.
    Playing,
    /// It stands still, and goes on where it stands.
    Paused,
    /// It plays nothing.
    Stopped,
}

/// What a player says it would do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// Begin, or go on.
    pub play: bool,
    /// Stand still.
    pub pause: bool,
    /// Go to the next track.
    pub next: bool,
    /// Go to the previous track.
    pub previous: bool,
    /// Go to another place of the track.
    pub seek: bool,
    /// Stop.
    pub stop: bool,
}

/// A program that plays, and what it plays.
#[derive(Debug, Clone, PartialEq)]
pub struct Player {
    /// Names it in calls, for as long as it runs.
    pub id: String,
    /// A name a person recognises; two of them may have the same.
    pub name: String,
    /// Whether it plays.
    pub status: PlayerStatus,
    /// The track's title, empty where it has none.
    pub title: String,
    /// Its artists, with commas between them.
    pub artist: String,
    /// The album it is on.
    pub album: String,
    /// How long the track is.
    pub length: Option<Duration>,
    /// Where in the track the player stood when this was read.
    pub position: Option<Duration>,
    /// Names the picture of the track where there may be one: another track's has another name.
    pub art: Option<String>,
    /// What it would do now.
    pub can: Abilities,
}

/// What a player is asked to do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PlayerCommand {
    /// Begin, or go on.
    Play,
    /// Stand still.
    Pause,
    /// Whichever of both it does not do.
    PlayPause,
    /// The next track.
    Next,
    /// The previous track.
    Previous,
    /// Stop.
    Stop,
    /// Forwards by so many seconds, or backwards.
    Seek(f64),
}

/// A picture as its file holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Its media type, which is one of PNG, JPEG, WebP and GIF.
    pub media_type: &'static str,
    /// The file's content.
    pub bytes: Vec<u8>,
}

/// Asks players. Where none is named the first of [`Players::players`] is meant.
pub trait Players: Debug + Send + Sync {
    /// Those that run: one that plays before one that does not, then the one that changed last.
    fn players(&self) -> BoxFuture<'_, Result<Vec<Player>, Failure>>;

    /// Asks one to do something; ends when it has taken it.
    fn command(&self, player: Option<String>, command: PlayerCommand) -> BoxFuture<'_, Result<(), Failure>>;

    /// The picture of what one plays, if it has one on this machine.
    fn picture(&self, player: Option<String>) -> BoxFuture<'_, Result<Option<Picture>, Failure>>;

    /// Follows what players do by themselves, for as long as it is polled.
    fn follow(&self) -> BoxFuture<'_, ()>;

    /// The players as last told. A position is told anew only where the player is not where it would have come by
    /// itself.
    fn changes(&self) -> watch::Receiver<Vec<Player>>;

    /// What is missing for it right now.
    fn missing(&self) -> BoxFuture<'_, Option<Missing>>;
}
