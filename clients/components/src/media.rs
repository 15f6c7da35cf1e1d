//! Media players: what plays, and what plays next.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use client::Value;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::backends::players::{Picture, Player, PlayerCommand, PlayerStatus, Players};
use crate::shape::{seconds, text_or_null};
use crate::{Announce, Arguments, Component, Entry, Home, Missing, Procedure, Refusal, Topic};

/// The component's row.
pub const ENTRY: Entry = Entry {
    name: "media",
    procedures: PROCEDURES,
    topics: &[ON_CHANGED],
    home: Home::Session,
    make: |machine, _| Arc::new(Media::new(Arc::clone(&machine.players))),
};

/// The longest way in one step: nothing that is played is longer than a day, and its microseconds fit into the number
/// that players take.
pub const MAX_SEEK_S: f64 = 86_400.0;

const ROLES: &[&str] = &["media", "remote", "full"];

const PLAYERS: Procedure = Procedure::new(
    "org.deskconn.media.players",
    "() → [player]",
    "The players that run, the one that is meant when none is named first",
    ROLES,
);
const PLAY: Procedure = Procedure::new("org.deskconn.media.play", "(player?) → null", "Play, or go on", ROLES);
const PAUSE: Procedure = Procedure::new("org.deskconn.media.pause", "(player?) → null", "Stand still", ROLES);
const PLAY_PAUSE: Procedure = Procedure::new(
    "org.deskconn.media.play_pause",
    "(player?) → null",
    "Play what stands still, and the other way round",
    ROLES,
);
const NEXT: Procedure = Procedure::new("org.deskconn.media.next", "(player?) → null", "The next track", ROLES);
const PREVIOUS: Procedure = Procedure::new(
    "org.deskconn.media.previous",
    "(player?) → null",
    "The previous track",
    ROLES,
);
const STOP: Procedure = Procedure::new("org.deskconn.media.stop", "(player?) → null", "Stop", ROLES);
const SEEK: Procedure = Procedure::new(
    "org.deskconn.media.seek",
    "(seconds, player?) → null",
    "Forwards by so many seconds, or backwards",
    ROLES,
);
const ART: Procedure = Procedure::new(
    "org.deskconn.media.art",
    "(player?) → text or null",
    "The picture of what is played, if it is on this machine",
    ROLES,
);
/// What the name is called with and answers at older desktops; its players are named by their names on the bus, which
/// the other procedures take too.
const NAMES: Procedure = Procedure::new(
    "io.xconn.deskconn.deskconnd.mpris.players",
    "() → {bus name: name}",
    "The players that run, as older clients expect them",
    ROLES,
);

/// Every procedure of the players.
pub const PROCEDURES: &[Procedure] = &[
    PLAYERS,
    PLAY,
    PAUSE,
    PLAY_PAUSE,
    NEXT,
    PREVIOUS,
    STOP,
    SEEK,
    ART,
    NAMES,
    PLAY.also("io.xconn.deskconn.deskconnd.mpris.play"),
    PAUSE.also("io.xconn.deskconn.deskconnd.mpris.pause"),
    PLAY_PAUSE.also("io.xconn.deskconn.deskconnd.mpris.playpause"),
    NEXT.also("io.xconn.deskconn.deskconnd.mpris.next"),
    PREVIOUS.also("io.xconn.deskconn.deskconnd.mpris.previous"),
];

/// Told when a player or its track changes, comes or goes.
pub const ON_CHANGED: Topic = Topic::new(
    "org.deskconn.media.on_changed",
    "[player] or [{id, gone: true}]",
    "A player or what it plays changed, or it is gone",
    ROLES,
);

/// The media players of the desktop.
#[derive(Debug)]
pub struct Media {
    players: Arc<dyn Players>,
}

impl Media {
    /// These players.
    #[must_use]
    pub fn new(players: Arc<dyn Players>) -> Self {
        Self { players }
    }

    async fn answer(&self, procedure: &'static Procedure, mut arguments: Arguments) -> Result<Value, Refusal> {
        let command = match procedure.canonical() {
            uri if uri == PLAYERS.uri => return self.list(arguments).await,
            uri if uri == NAMES.uri => return self.names(arguments).await,
            uri if uri == ART.uri => return self.art(arguments).await,
            uri if uri == PLAY.uri => PlayerCommand::Play,
            uri if uri == PAUSE.uri => PlayerCommand::Pause,
            uri if uri == PLAY_PAUSE.uri => PlayerCommand::PlayPause,
            uri if uri == NEXT.uri => PlayerCommand::Next,
            uri if uri == PREVIOUS.uri => PlayerCommand::Previous,
            uri if uri == STOP.uri => PlayerCommand::Stop,
            uri if uri == SEEK.uri => PlayerCommand::Seek(distance(arguments.number("seconds")?)?),
            other => unreachable!("{other} is no procedure of the players"),
        };
        let player = player(&mut arguments)?;
        arguments.end()?;
        self.players.command(player, command).await?;
        Ok(Value::Null)
    }

    async fn list(&self, arguments: Arguments) -> Result<Value, Refusal> {
        arguments.end()?;
        let players = self.players.players().await?;
        Ok(Value::List(players.iter().map(describe).collect()))
    }

    async fn names(&self, arguments: Arguments) -> Result<Value, Refusal> {
        arguments.end()?;
        let players = self.players.players().await?;
        let named = players.into_iter().map(|player| {
            (
                format!("{}{}", crate::backends::mpris::PREFIX, player.id),
                player.name.into(),
            )
        });
        Ok(Value::Dict(named.collect()))
    }

    async fn art(&self, mut arguments: Arguments) -> Result<Value, Refusal> {
        let player = player(&mut arguments)?;
        arguments.end()?;
        Ok(Value::from(self.players.picture(player).await?.map(|it| data_uri(&it))))
    }
}

fn player(arguments: &mut Arguments) -> Result<Option<String>, Refusal> {
    arguments.optional_text("player", "an id that media.players lists")
}

fn distance(seconds: f64) -> Result<f64, Refusal> {
    if seconds.abs() <= MAX_SEEK_S {
        return Ok(seconds);
    }
    Err(Refusal::BadArgument(format!(
        "argument 1 (seconds) has to be between -{MAX_SEEK_S} and {MAX_SEEK_S}"
    )))
}

/// The picture as an address that holds it (RFC 2397).
fn data_uri(picture: &Picture) -> String {
    let data = BASE64_STANDARD.encode(&picture.bytes);
    format!("data:{};base64,{data}", picture.media_type)
}

fn describe(player: &Player) -> Value {
    let status = match player.status {
        PlayerStatus::Playing => "playing",
        PlayerStatus::Paused => "paused",
        PlayerStatus::Stopped => "stopped",
    };
    let can = Value::dict([
        ("play", player.can.play.into()),
        ("pause", player.can.pause.into()),
        ("next", player.can.next.into()),
        ("previous", player.can.previous.into()),
        ("seek", player.can.seek.into()),
        ("stop", player.can.stop.into()),
    ]);
    Value::dict([
        ("id", player.id.as_str().into()),
        ("name", player.name.as_str().into()),
        ("status", status.into()),
        ("title", text_or_null(&player.title)),
        ("artist", text_or_null(&player.artist)),
        ("album", text_or_null(&player.album)),
        ("length_s", seconds(player.length)),
        ("position_s", seconds(player.position)),
        ("art", player.art.as_deref().into()),
        ("can", can),
    ])
}

/// What is told of the way from one list to the next.
fn changes(before: &[Player], now: &[Player]) -> Vec<Value> {
    let gone = before
        .iter()
        .filter(|old| now.iter().all(|player| player.id != old.id))
        .map(|old| Value::dict([("id", old.id.as_str().into()), ("gone", true.into())]));
    let changed = now.iter().filter(|player| !before.contains(player)).map(describe);
    gone.chain(changed).collect()
}

impl Component for Media {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn call(&self, procedure: &'static Procedure, arguments: Arguments) -> BoxFuture<'_, Result<Value, Refusal>> {
        self.answer(procedure, arguments).boxed()
    }

    fn announce<'a>(&'a self, publish: &'a Announce) -> BoxFuture<'a, ()> {
        let tell = async move {
            let mut told = self.players.changes();
            let mut last = told.borrow_and_update().clone();
            while told.changed().await.is_ok() {
                let now = told.borrow_and_update().clone();
                for event in changes(&last, &now) {
                    publish(ON_CHANGED.uri, vec![event]).await;
                }
                last = now;
            }
        };
        async move {
            tokio::select! {
                () = self.players.follow() => {}
                () = tell => {}
            }
        }
        .boxed()
    }

    fn missing(&self) -> BoxFuture<'_, Option<Missing>> {
        self.players.missing()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backends::fake::FakePlayers;
    use crate::testing::{Published, ask};

    fn stage() -> (Arc<FakePlayers>, Media) {
        let fake = Arc::new(FakePlayers::default());
        let media = Media::new(Arc::clone(&fake) as Arc<dyn Players>);
        (fake, media)
    }

    #[tokio::test]
    async fn every_command_reaches_the_player_that_is_meant_under_every_name() {
        let commands = [
            (&PLAY, PlayerCommand::Play),
            (&PAUSE, PlayerCommand::Pause),
            (&PLAY_PAUSE, PlayerCommand::PlayPause),
            (&NEXT, PlayerCommand::Next),
            (&PREVIOUS, PlayerCommand::Previous),
            (&STOP, PlayerCommand::Stop),
        ];
        for (procedure, command) in commands {
            let names = PROCEDURES.iter().filter(|it| it.canonical() == procedure.uri);
            for name in names {
                let (fake, media) = stage();
                assert_eq!(ask(&media, name, &[]).await, Ok(Value::Null), "{}", name.uri);
                assert_eq!(ask(&media, name, &["radio".into()]).await, Ok(Value::Null));
                assert_eq!(fake.asked(), [("tape".into(), command), ("radio".into(), command)]);
            }
        }
    }

    #[tokio::test]
    async fn a_way_is_sought_up_to_the_limit_and_no_further() {
        let (fake, media) = stage();
        for seconds in [-MAX_SEEK_S, -2.5, MAX_SEEK_S] {
            assert_eq!(ask(&media, &SEEK, &[seconds.into()]).await, Ok(Value::Null));
            assert_eq!(
                fake.asked().last(),
                Some(&("tape".into(), PlayerCommand::Seek(seconds)))
            );
        }
        let before = fake.asked().len();
        for wrong in [MAX_SEEK_S + 1.0, -MAX_SEEK_S - 1.0, f64::NAN] {
            let refusal = ask(&media, &SEEK, &[wrong.into()]).await.unwrap_err();
            assert_eq!(refusal.uri(), "org.deskconn.error.bad_argument", "{wrong}");
        }
        assert_eq!(fake.asked().len(), before);
    }

    #[tokio::test]
    async fn a_player_that_is_not_there_is_told_from_those_that_are() {
        let (_, media) = stage();
        let refusal = ask(&media, &PLAY, &["tv".into()]).await.unwrap_err();
        assert_eq!(refusal.uri(), "org.deskconn.error.bad_argument");
        assert_eq!(
            refusal.to_string(),
            "there is no player \"tv\"; there are \"tape\" and \"radio\""
        );
        let refusal = ask(&media, &PLAY, &[7_u64.into()]).await.unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "argument 1 (player) has to be an id that media.players lists, not such an integer"
        );
    }

    #[tokio::test]
    async fn players_are_listed_with_what_a_client_shows() {
        let (_, media) = stage();
        let Ok(Value::List(players)) = ask(&media, &PLAYERS, &[]).await else {
            panic!("it is a list")
        };
        let tape = players[0].as_dict().unwrap();
        assert_eq!(tape["status"], "playing".into());
        assert_eq!((&tape["title"], &tape["album"]), (&"Side A".into(), &Value::Null));
        assert_eq!((&tape["length_s"], &tape["position_s"]), (&90.0.into(), &1.5.into()));
        assert_eq!(tape["can"].as_dict().unwrap()["previous"], false.into());
        let names = ask(&media, &NAMES, &[]).await.unwrap();
        let expected = Value::dict([
            ("org.mpris.MediaPlayer2.tape", "Player tape".into()),
            ("org.mpris.MediaPlayer2.radio", "Player radio".into()),
        ]);
        assert_eq!(names, expected);
    }

    #[tokio::test]
    async fn a_picture_is_an_address_that_holds_it() {
        let (fake, media) = stage();
        assert_eq!(ask(&media, &ART, &[]).await, Ok(Value::Null));
        fake.change(|players| players[0].art = Some("0123".into()));
        assert_eq!(
            ask(&media, &ART, &[]).await,
            Ok("data:image/gif;base64,R0lGODlh".into())
        );
    }

    #[tokio::test]
    async fn each_change_is_told_and_so_is_who_is_gone() {
        let (fake, media) = stage();
        let mut published = Published::by(Arc::new(media));
        assert_eq!(published.next().await, None);
        fake.change(|players| players[1].title = "News".into());
        let (uri, event) = published.next().await.unwrap();
        assert_eq!(uri, ON_CHANGED.uri);
        assert_eq!(event[0].as_dict().unwrap()["title"], "News".into());
        assert_eq!(published.next().await, None, "the other one is as it was");
        fake.change(|players| players.truncate(1));
        let gone = Value::dict([("id", "radio".into()), ("gone", true.into())]);
        assert_eq!(published.next().await, Some((ON_CHANGED.uri, vec![gone])));
    }
}
