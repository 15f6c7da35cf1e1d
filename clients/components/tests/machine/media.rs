//! Media players: real ones where they are installed, and mocks of those that behave badly.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use deskconn_components::backends::players::{Player, PlayerCommand, PlayerStatus};
use deskconn_components::backends::{Failure, Machine};
use tokio::time::timeout;
use zbus::Variant;

use super::stage::{Mock, PATIENCE, Process, Stage, Which, eventually};

const PATH: &str = "/org/mpris/MediaPlayer2";
const ROOT: &str = "org.mpris.MediaPlayer2";
const PLAYER: &str = "org.mpris.MediaPlayer2.Player";

/// The beginning of a PNG, which is enough to be one.
const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n...";

/// mpv with two tracks of a minute, both silent, and nothing to show or hear them with.
fn mpv(stage: &Stage) -> Option<Process> {
    let tracks: Vec<_> = ["first", "second"]
        .map(|name| stage.path(&format!("{name}.wav")))
        .to_vec();
    for track in &tracks {
        fs::write(track, silence(60)).unwrap();
    }
    let mut mpv = stage.program("mpv", "mpv mpv-mpris")?;
    mpv.args(["--no-config", "--ao=null", "--vo=null", "--no-terminal", "--pause"])
        .arg("--script=/usr/lib/mpv-mpris/mpris.so")
        .args(tracks);
    Some(Process::start(mpv))
}

/// So many seconds of nothing as a WAVE file: 8,000 samples of one byte each second.
fn silence(seconds: u32) -> Vec<u8> {
    const RATE: u32 = 8_000;
    let samples = vec![128; (RATE * seconds) as usize];
    let mut wave = b"RIFF".to_vec();
    wave.extend((36 + RATE * seconds).to_le_bytes());
    wave.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wave.extend(RATE.to_le_bytes());
    wave.extend(RATE.to_le_bytes());
    wave.extend(b"\x01\0\x08\0data");
    wave.extend((RATE * seconds).to_le_bytes());
    wave.extend(samples);
    wave
}

/// A player whose properties are these.
async fn mock(stage: &Stage, id: &str, status: &str, title: &str) -> Mock {
    let name = format!("{ROOT}.{id}");
    let mock = stage.mock(Which::Session, &name, &[&name, PATH, PLAYER]).await;
    let code = "self.AddProperty('org.mpris.MediaPlayer2.Player', 'PlaybackStatus', args[0]); \
                self.AddProperty('org.mpris.MediaPlayer2.Player', 'Metadata', \
                dbus.Dictionary({'xesam:title': args[1]}, signature='sv')); \
                self.AddProperty('org.mpris.MediaPlayer2.Player', 'CanGoPrevious', False); \
                self.AddProperty('org.mpris.MediaPlayer2', 'Identity', 'Browser')";
    mock.add_method(PATH, PLAYER, "Setup", "ss", "", code).await;
    mock.call(PATH, PLAYER, "Setup", &(status, title)).await;
    for method in ["Play", "Pause", "PlayPause", "Next", "Previous", "Stop"] {
        mock.add_method(PATH, PLAYER, method, "", "", "pass").await;
    }
    mock
}

/// The player changes, and says so as players do.
async fn update(mock: &Mock, property: &str, value: impl Into<Variant<'_>>) {
    let code = "self.UpdateProperties('org.mpris.MediaPlayer2.Player', {args[0]: args[1]})";
    mock.add_method(PATH, PLAYER, "Change", "sv", "", code).await;
    mock.call(PATH, PLAYER, "Change", &(property, value.into())).await;
}

async fn ids(machine: &Machine) -> Vec<String> {
    let players = machine.players.players().await.unwrap();
    players.into_iter().map(|player| player.id).collect()
}

/// Waits until what is told of the players is so, by announcements alone.
async fn told(machine: &Machine, what: &str, is_so: impl Fn(&[Player]) -> bool) -> Vec<Player> {
    let mut changes = machine.players.changes();
    let seen = timeout(PATIENCE, changes.wait_for(|players| is_so(players))).await;
    match seen {
        Ok(players) => players.unwrap().clone(),
        Err(_) => panic!("not told: {what}, but {:?}", *machine.players.changes().borrow()),
    }
}

fn follow(machine: &Machine) -> tokio::task::JoinHandle<()> {
    let players = std::sync::Arc::clone(&machine.players);
    tokio::spawn(async move { players.follow().await })
}

#[tokio::test]
async fn a_real_player_does_what_it_is_asked_and_tells_what_it_does() {
    let Some(stage) = Stage::new() else { return };
    let _bus = stage.bus(Which::Session);
    let machine = stage.machine();
    let _following = follow(&machine);
    let Some(mpv) = mpv(&stage) else { return };
    let is_first = |players: &[Player]| players.iter().any(|it| it.title == "first.wav" && it.length.is_some());
    let first = told(&machine, "mpv has its first track", is_first).await.remove(0);
    assert_eq!((first.id.as_str(), first.name.as_str()), ("mpv", "mpv"));
    assert_eq!(first.status, PlayerStatus::Paused);
    assert_eq!(first.length, Some(Duration::from_secs(60)));
    assert_eq!(first.art, None);

    let ask = async |command| machine.players.command(None, command).await.unwrap();
    let seen = async |what: &str, is_so: &dyn Fn(&Player) -> bool| {
        told(&machine, what, |players| players.iter().any(is_so)).await;
    };
    ask(PlayerCommand::Play).await;
    seen("it plays", &|it| it.status == PlayerStatus::Playing).await;
    ask(PlayerCommand::PlayPause).await;
    seen("it stands still", &|it| it.status == PlayerStatus::Paused).await;
    ask(PlayerCommand::Seek(20.0)).await;
    seen("it is further on", &|it| it.position > Some(Duration::from_secs(18))).await;
    ask(PlayerCommand::Seek(-10.0)).await;
    seen("and back", &|it| it.position < Some(Duration::from_secs(15))).await;
    ask(PlayerCommand::Next).await;
    seen("it is at the second", &|it| it.title == "second.wav").await;
    ask(PlayerCommand::Previous).await;
    seen("it is at the first", &|it| it.title == "first.wav").await;

    drop(mpv);
    told(&machine, "it is gone", <[Player]>::is_empty).await;
    let Err(Failure::Missing(missing)) = machine.players.command(None, PlayerCommand::Play).await else {
        panic!("nothing runs")
    };
    assert!(missing.mend.contains("start one"), "{missing}");
}

#[tokio::test]
async fn a_stand_in_for_a_player_is_not_a_second_one() {
    let Some(stage) = Stage::new() else { return };
    let _bus = stage.bus(Which::Session);
    let _browser = mock(&stage, "firefox.instance_1", "Playing", "Film").await;
    let Some(stand_in) = stage.program("playerctld", "playerctl") else {
        return;
    };
    let _stand_in = Process::start(stand_in);
    stage
        .has_name(Which::Session, "org.mpris.MediaPlayer2.playerctld")
        .await;
    assert_eq!(ids(&stage.machine()).await, ["firefox.instance_1"]);
}

#[tokio::test]
async fn the_one_that_plays_is_meant_and_else_the_one_that_changed_last() {
    let Some(stage) = Stage::new() else { return };
    let _bus = stage.bus(Which::Session);
    let first = mock(&stage, "browser.instance_1", "Paused", "a").await;
    let second = mock(&stage, "browser.instance_2", "Paused", "b").await;
    let third = mock(&stage, "tape", "Playing", "c").await;
    let machine = stage.machine();
    let _following = follow(&machine);
    told(&machine, "there are three", |players| players.len() == 3).await;
    assert_eq!(ids(&machine).await[0], "tape");

    update(&second, "PlaybackStatus", "Stopped").await;
    told(&machine, "the second changed", |players| {
        players[0].id == "browser.instance_2" && players[0].status == PlayerStatus::Stopped
    })
    .await;
    assert_eq!(
        ids(&machine).await,
        ["tape", "browser.instance_2", "browser.instance_1"]
    );
    update(&third, "PlaybackStatus", "Paused").await;
    update(&first, "PlaybackStatus", "Stopped").await;
    told(&machine, "both changed", |players| {
        players.iter().all(|it| it.status != PlayerStatus::Playing) && players[0].id == "browser.instance_1"
    })
    .await;
    assert_eq!(ids(&machine).await[0], "browser.instance_1");

    machine.players.command(None, PlayerCommand::Play).await.unwrap();
    let named = Some("org.mpris.MediaPlayer2.tape".to_owned());
    machine.players.command(named, PlayerCommand::Stop).await.unwrap();
    assert_eq!((first.calls("Play").len(), third.calls("Stop").len()), (1, 1));
    assert_eq!(second.calls("Play"), Vec::<String>::new());
}

#[tokio::test]
async fn what_a_player_cannot_do_is_refused_with_its_name() {
    let Some(stage) = Stage::new() else { return };
    let _bus = stage.bus(Which::Session);
    let tape = mock(&stage, "tape", "Playing", "c").await;
    tape.add_method(
        PATH,
        PLAYER,
        "Next",
        "",
        "",
        "raise dbus.exceptions.DBusException('jammed', name='a.b')",
    )
    .await;
    let machine = stage.machine();
    let refused = async |command| match machine.players.command(None, command).await {
        Err(Failure::Refused(sentence)) => sentence,
        other => panic!("{other:?}"),
    };
    let sentence = refused(PlayerCommand::Previous).await;
    assert_eq!(sentence, "\"Browser\" (tape) cannot do that now: Previous");
    assert_eq!(tape.calls("Previous"), Vec::<String>::new());
    assert_eq!(refused(PlayerCommand::Next).await, "\"Browser\" (tape) says no: jammed");
    let Err(Failure::NoSuch { known, .. }) = machine.players.command(Some("tv".into()), PlayerCommand::Play).await
    else {
        panic!("there is no such player")
    };
    assert_eq!(known, ["tape"]);
}

#[tokio::test]
async fn a_player_that_hangs_keeps_what_it_said_and_hides_no_other() {
    let Some(stage) = Stage::new() else { return };
    let _bus = stage.bus(Which::Session);
    let tape = mock(&stage, "tape", "Playing", "c").await;
    let _other = mock(&stage, "browser", "Paused", "a").await;
    let machine = stage.machine();
    assert_eq!(ids(&machine).await, ["tape", "browser"]);
    tape.stop();
    let asked = Instant::now();
    assert_eq!(ids(&machine).await, ["tape", "browser"]);
    let Err(Failure::Missing(missing)) = machine.players.command(Some("tape".into()), PlayerCommand::Pause).await
    else {
        panic!("it hangs")
    };
    assert_eq!(missing.reason, "no answer within 5 s");
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn a_picture_is_read_from_this_machine_and_never_fetched() {
    let Some(stage) = Stage::new() else { return };
    let _bus = stage.bus(Which::Session);
    let tape = mock(&stage, "tape", "Playing", "c").await;
    let cover = stage.path("cover.png");
    fs::write(&cover, PICTURE).unwrap();
    let machine = stage.machine();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let remote = format!("http://{}/cover.png", listener.local_addr().unwrap());
    let code = "self.props['org.mpris.MediaPlayer2.Player']['Metadata'] = \
                dbus.Dictionary({'mpris:artUrl': args[0]}, signature='sv')";
    tape.add_method(PATH, PLAYER, "Art", "s", "", code).await;

    tape.call(PATH, PLAYER, "Art", &format!("file://{}", cover.display()))
        .await;
    let picture = machine.players.picture(None).await.unwrap().unwrap();
    assert_eq!((picture.media_type, picture.bytes.as_slice()), ("image/png", PICTURE));
    assert!(machine.players.players().await.unwrap()[0].art.is_some());

    tape.call(PATH, PLAYER, "Art", &remote.as_str()).await;
    assert_eq!(machine.players.picture(None).await, Ok(None));
    assert_eq!(machine.players.players().await.unwrap()[0].art, None);
    let came = listener.accept().map(drop).map_err(|error| error.kind());
    assert_eq!(came, Err(std::io::ErrorKind::WouldBlock), "nobody came for it");
}

#[tokio::test]
async fn a_bus_that_dies_takes_its_players_along_and_the_next_one_is_used() {
    let Some(stage) = Stage::new() else { return };
    let bus = stage.bus(Which::Session);
    let tape = mock(&stage, "tape", "Playing", "c").await;
    let machine = stage.machine();
    let _following = follow(&machine);
    told(&machine, "it plays", |players| players.len() == 1).await;
    drop((bus, tape));
    told(&machine, "it is gone", <[Player]>::is_empty).await;
    assert!(machine.players.players().await.is_err());
    eventually("what is missing is said", || async {
        machine.players.missing().await.is_some()
    })
    .await;
    let _bus = stage.bus(Which::Session);
    let _radio = mock(&stage, "radio", "Paused", "d").await;
    let players = told(&machine, "the other is there", |players| !players.is_empty()).await;
    let ids: BTreeSet<&str> = players.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids, BTreeSet::from(["radio"]));
}
