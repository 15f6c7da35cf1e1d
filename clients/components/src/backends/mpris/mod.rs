//! Media players on the session bus (MPRIS D-Bus Interface Specification 2.2).
//!
//! A player is a name on the bus that begins with [`PREFIX`]; each is asked anew for every answer, side by side, and
//! one that hangs keeps what it said last. Signals only say that something changed: what, is read.
//!
//! Positions are not signalled by players, but run on by themselves; see [`Players::changes`].

mod art;
mod track;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use futures_util::{FutureExt, StreamExt};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use zbus::{Connection, MatchRule, MessageStream, message};

use super::bus::{self, Bus};
use super::players::{Abilities, Picture, Player, PlayerCommand, PlayerStatus, Players};
use super::thread::blocking;
use super::{Failure, Missing, RECONNECT_EVERY};
use track::{Properties, Seen};

pub use art::MAX_PICTURE_BYTES;
pub use track::MAX_TEXT_CHARS;

/// Where players' names begin.
pub const PREFIX: &str = "org.mpris.MediaPlayer2.";

/// A stand-in for whichever player was used last, which would be seen twice.
const STAND_IN: &str = "playerctld";

const NAMESPACE: &str = "org.mpris.MediaPlayer2";
const PATH: &str = "/org/mpris/MediaPlayer2";
const ROOT: &str = "org.mpris.MediaPlayer2";
const PLAYER: &str = "org.mpris.MediaPlayer2.Player";

/// How many players are looked at: a browser may have one for each page that plays, a person does not look at more.
pub const MAX_PLAYERS: usize = 32;

/// How long one player gets to say what it plays, so that one that hangs does not hide the others.
const TELL_WITHIN: Duration = Duration::from_secs(1);

/// Players are read at most so often, whatever they signal: some tell each step of their position.
const READ_EVERY: Duration = Duration::from_millis(100);

/// The players of one session bus.
#[derive(Debug)]
pub struct Mpris {
    bus: Arc<Bus>,
    state: Mutex<State>,
    told: watch::Sender<Vec<Player>>,
}

#[derive(Debug, Default)]
struct State {
    /// As last told, the one that changed last first.
    seen: Vec<Seen>,
    /// How many readings have begun, and which of them was the last that counted: a slow one must not undo a later one.
    begun: u64,
    counted: u64,
}

impl Mpris {
    /// Those of that bus.
    pub(super) fn new(bus: Arc<Bus>) -> Self {
        Self {
            bus,
            state: Mutex::default(),
            told: watch::Sender::new(Vec::new()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads every player, tells what changed, and gives what was read, in the order of preference.
    async fn read(&self) -> Result<Vec<Seen>, Missing> {
        let turn = {
            let mut state = self.state();
            state.begun += 1;
            state.begun
        };
        let read = self.read_all().await;
        let mut state = self.state();
        let is_newest = turn > state.counted;
        if is_newest {
            state.counted = turn;
        }
        let Ok(read) = read else {
            if is_newest {
                state.seen.clear();
                self.tell(&state);
            }
            return read.map(|_| Vec::new());
        };
        let mut read: Vec<Seen> = read
            .into_iter()
            .filter_map(|(id, seen)| seen.or_else(|| state.seen.iter().find(|seen| seen.player.id == id).cloned()))
            .collect();
        if is_newest {
            state.take(&read);
            self.tell(&state);
        }
        let recency = |seen: &Seen| state.seen.iter().position(|told| told.player.id == seen.player.id);
        read.sort_by_key(|seen| {
            (
                seen.player.status != PlayerStatus::Playing,
                recency(seen).unwrap_or(usize::MAX),
            )
        });
        Ok(read)
    }

    /// Every player with what it said, if it said something in time.
    async fn read_all(&self) -> Result<Vec<(String, Option<Seen>)>, Missing> {
        let connection = self.bus.connection().await?;
        let names: Vec<String> = bus::call(&connection, bus::DBUS, bus::DBUS_PATH, bus::DBUS, "ListNames", &())
            .await
            .map_err(|error| missing(&error))?;
        let mut ids: Vec<&str> = names.iter().filter_map(|name| name.strip_prefix(PREFIX)).collect();
        ids.retain(|id| *id != STAND_IN);
        ids.sort_unstable();
        ids.truncate(MAX_PLAYERS);
        let answers = ids.into_iter().map(async |id| {
            let answer = timeout(TELL_WITHIN, ask(&connection, id)).await;
            (id.to_owned(), answer.ok().and_then(Result::ok))
        });
        Ok(join_all(answers).await)
    }

    fn tell(&self, state: &State) {
        self.told.send_if_modified(|told| {
            let now: Vec<Player> = state.seen.iter().map(|seen| seen.player.clone()).collect();
            let is_new = *told != now;
            *told = now;
            is_new
        });
    }

    async fn choose(&self, asked: Option<String>) -> Result<Seen, Failure> {
        let mut players = self.read().await?;
        if players.is_empty() && asked.is_none() {
            return Err(none_runs().into());
        }
        let index = match &asked {
            None => Some(0),
            Some(asked) => {
                let id = asked.strip_prefix(PREFIX).unwrap_or(asked);
                players.iter().position(|seen| seen.player.id == id)
            }
        };
        match index {
            Some(index) => Ok(players.swap_remove(index)),
            None => {
                let known = players.into_iter().map(|seen| seen.player.id);
                Err(Failure::no_such("player", asked.as_deref(), known))
            }
        }
    }

    async fn command(&self, asked: Option<String>, command: PlayerCommand) -> Result<(), Failure> {
        let player = self.choose(asked).await?.player;
        let (method, is_able) = method(command, player.can);
        if !is_able {
            let sentence = format!("\"{}\" ({}) cannot do that now: {method}", player.name, player.id);
            return Err(Failure::Refused(sentence));
        }
        let connection = self.bus.connection().await?;
        let name = format!("{PREFIX}{}", player.id);
        let asked = if let PlayerCommand::Seek(seconds) = command {
            let way = whole_microseconds(seconds);
            bus::call(&connection, &name, PATH, PLAYER, method, &way).await
        } else {
            bus::call(&connection, &name, PATH, PLAYER, method, &()).await
        };
        asked.map_err(|error| {
            let reason = bus::reason(&error);
            if bus::is_unanswered(&error) || bus::is_absent(&error) {
                let mend = "look at the player itself, or start it anew".to_owned();
                let what = "the media player";
                return Failure::Missing(Missing { what, reason, mend });
            }
            Failure::Refused(format!("\"{}\" ({}) says no: {reason}", player.name, player.id))
        })
    }

    /// Turns signals into wake-ups, and wake-ups into readings. The two are apart, because signals that are not taken
    /// would pile up in front of the answers on the same connection.
    async fn follow_once(&self) -> Result<(), Missing> {
        let connection = self.bus.connection().await?;
        let mut signals = signals(&connection).await.map_err(|error| missing(&error))?;
        let wake = Notify::new();
        let hear = async {
            while signals.next().await.is_some() {
                wake.notify_one();
            }
        };
        let read = async {
            // What fails here is read again when the bus is back.
            while self.read().await.is_ok() {
                sleep(READ_EVERY).await;
                wake.notified().await;
            }
        };
        tokio::select! {
            () = hear => {}
            () = read => {}
        }
        Ok(())
    }

    async fn follow(&self) {
        loop {
            let _ = self.follow_once().await;
            // Tells that all are gone, if they are.
            let _ = self.read().await;
            sleep(RECONNECT_EVERY).await;
        }
    }
}

impl State {
    /// Notes what was read: those that changed come to the front, those that are gone go.
    fn take(&mut self, read: &[Seen]) {
        let (changed, same): (Vec<&Seen>, Vec<&Seen>) = read.iter().partition(|seen| {
            let told = self.seen.iter().find(|told| told.player.id == seen.player.id);
            told.is_none_or(|told| !seen.follows(told))
        });
        self.seen
            .retain(|told| same.iter().any(|seen| seen.player.id == told.player.id));
        self.seen.splice(0..0, changed.into_iter().cloned());
    }
}

/// What one player says.
async fn ask(connection: &Connection, id: &str) -> zbus::Result<Seen> {
    let name = format!("{PREFIX}{id}");
    let of = async |interface: &'static str| -> zbus::Result<Properties> {
        bus::call(connection, &name, PATH, bus::PROPERTIES, "GetAll", &interface).await
    };
    let (root, player) = tokio::join!(of(ROOT), of(PLAYER));
    // Without a name of its own it is shown by its id.
    Ok(Seen::of(id, &root.unwrap_or_default(), player?))
}

/// Everything players signal, and their coming and going.
async fn signals(connection: &Connection) -> zbus::Result<impl futures_util::Stream + Unpin + use<>> {
    let signal = || MatchRule::builder().msg_type(message::Type::Signal);
    let of_players = signal().path(PATH).build()?;
    let of_names = signal()
        .sender(bus::DBUS)
        .member("NameOwnerChanged")
        .arg0ns(NAMESPACE)
        .build()?;
    let of_players = MessageStream::for_match_rule(of_players, connection, None).await?;
    let of_names = MessageStream::for_match_rule(of_names, connection, None).await?;
    Ok(futures_util::stream::select(of_players, of_names))
}

/// The method of a command, and whether the player says that it would do it.
const fn method(command: PlayerCommand, can: Abilities) -> (&'static str, bool) {
    match command {
        PlayerCommand::Play => ("Play", can.play),
        PlayerCommand::Pause => ("Pause", can.pause),
        PlayerCommand::PlayPause => ("PlayPause", can.play || can.pause),
        PlayerCommand::Next => ("Next", can.next),
        PlayerCommand::Previous => ("Previous", can.previous),
        PlayerCommand::Stop => ("Stop", can.stop),
        PlayerCommand::Seek(_) => ("Seek", can.seek),
    }
}

fn whole_microseconds(seconds: f64) -> i64 {
    #[allow(clippy::cast_possible_truncation, reason = "what is past the end is the end")]
    let whole = (seconds * 1e6).round() as i64;
    whole
}

fn missing(error: &zbus::Error) -> Missing {
    Missing {
        what: "media players on the session bus",
        reason: bus::reason(error),
        mend: "look at the session's D-Bus daemon".into(),
    }
}

fn none_runs() -> Missing {
    Missing {
        what: "a media player",
        reason: "none runs that can be asked (by MPRIS)".into(),
        mend: "start one, or a page that plays; most players and browsers can be asked".into(),
    }
}

impl Players for Mpris {
    fn players(&self) -> BoxFuture<'_, Result<Vec<Player>, Failure>> {
        async {
            let read = self.read().await?;
            Ok(read.into_iter().map(|seen| seen.player).collect())
        }
        .boxed()
    }

    fn command(&self, player: Option<String>, command: PlayerCommand) -> BoxFuture<'_, Result<(), Failure>> {
        Self::command(self, player, command).boxed()
    }

    fn picture(&self, player: Option<String>) -> BoxFuture<'_, Result<Option<Picture>, Failure>> {
        async move {
            let Some(url) = self.choose(player).await?.art_url else {
                return Ok(None);
            };
            Ok(blocking(move || art::read(&url)).await)
        }
        .boxed()
    }

    fn follow(&self) -> BoxFuture<'_, ()> {
        Self::follow(self).boxed()
    }

    fn changes(&self) -> watch::Receiver<Vec<Player>> {
        self.told.subscribe()
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        async { self.bus.connection().await.err() }.boxed()
    }
}
