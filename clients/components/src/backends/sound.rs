//! How loud the desktop is, as the functions above see it.

use std::fmt::Debug;

use futures_util::future::BoxFuture;
use tokio::sync::watch;

use super::{Failure, Missing};

/// How loud an output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loudness {
    /// Of the output's own full volume; above 100 where somebody amplifies beyond it.
    pub percent: u16,
    /// Whether nothing is heard all the same.
    pub is_muted: bool,
}

/// Makes the output that the desktop plays to louder and quieter: always the default one, whichever that is now.
pub trait Sound: Debug + Send + Sync {
    /// How loud it is.
    fn loudness(&self) -> BoxFuture<'_, Result<Loudness, Failure>>;

    /// Sets the volume, 0 to 100, keeps the balance between its channels, and says how loud it is then. What is muted
    /// stays so.
    fn set_percent(&self, percent: u8) -> BoxFuture<'_, Result<Loudness, Failure>>;

    /// Silences it, or lets it be heard again.
    fn mute(&self, is_muted: bool) -> BoxFuture<'_, Result<Loudness, Failure>>;

    /// Follows what others change, for as long as it is polled.
    fn follow(&self) -> BoxFuture<'_, ()>;

    /// How loud it was last; `None` while nobody can tell.
    fn changes(&self) -> watch::Receiver<Option<Loudness>>;

    /// What is missing for it right now.
    fn missing(&self) -> BoxFuture<'_, Option<Missing>>;
}
