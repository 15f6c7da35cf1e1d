//! Players that play nothing.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

use crate::backends::players::{Abilities, Picture, Player, PlayerCommand, PlayerStatus, Players};
use crate::backends::{Failure, Missing};

/// A list of players that remembers what was asked of them.
#[derive(Debug)]
pub struct FakePlayers {
    told: watch::Sender<Vec<Player>>,
    asked: Mutex<Vec<(String, PlayerCommand)>>,
    picture: Mutex<Picture>,
}

impl Default for FakePlayers {
    fn default() -> Self {
        let player = |id: &str, status, title: &str| Player {
            id: id.into(),
            name: format!("Player {id}"),
            status,
            title: title.into(),
            artist: String::new(),
            album: String::new(),
            length: Some(Duration::from_secs(90)),
            position: Some(Duration::from_millis(1_500)),
            art: None,
            can: Abilities {
                play: true,
                pause: true,
                next: true,
                previous: false,
                seek: true,
                stop: true,
            },
        };
        Self {
            told: watch::Sender::new(vec![
                player("tape", PlayerStatus::Playing, "Side A"),
                player("radio", PlayerStatus::Paused, ""),
            ]),
            asked: Mutex::default(),
            picture: Mutex::new(Picture {
                media_type: "image/gif",
                bytes: b"GIF89a".to_vec(),
            }),
        }
    }
}

impl FakePlayers {
    /// What was asked so far, with the player.
    pub fn asked(&self) -> Vec<(String, PlayerCommand)> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The players change by themselves.
    pub fn change(&self, change: impl FnOnce(&mut Vec<Player>)) {
        self.told.send_modify(change);
    }

    /// The picture of every track that has one.
    pub fn paint(&self, picture: Picture) {
        *self.picture.lock().unwrap_or_else(PoisonError::into_inner) = picture;
    }

    fn choose(&self, asked: Option<&str>) -> Result<Player, Failure> {
        let players = self.told.borrow().clone();
        let is_it = |player: &&Player| asked.is_none_or(|id| player.id == id);
        players.iter().find(is_it).cloned().ok_or_else(|| {
            let known = players.iter().map(|player| player.id.clone());
            Failure::no_such("player", asked, known)
        })
    }
}

impl Players for FakePlayers {
    fn players(&self) -> BoxFuture<'_, Result<Vec<Player>, Failure>> {
        async { Ok(self.told.borrow().clone()) }.boxed()
    }

    fn command(&self, player: Option<String>, command: PlayerCommand) -> BoxFuture<'_, Result<(), Failure>> {
        async move {
            let player = self.choose(player.as_deref())?;
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            asked.push((player.id, command));
            Ok(())
        }
        .boxed()
    }

    fn picture(&self, player: Option<String>) -> BoxFuture<'_, Result<Option<Picture>, Failure>> {
        async move {
            let has_picture = self.choose(player.as_deref())?.art.is_some();
            let picture = self.picture.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(has_picture.then(|| picture.clone()))
        }
        .boxed()
    }

    fn follow(&self) -> BoxFuture<'_, ()> {
        std::future::pending().boxed()
    }

    fn changes(&self) -> watch::Receiver<Vec<Player>> {
        self.told.subscribe()
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        async { None }.boxed()
    }
}
