//! The volume, on a real sound server with outputs that nobody hears.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::time::{Duration, Instant};

use deskconn_components::backends::sound::Loudness;
use deskconn_components::backends::{Failure, Machine, Missing};
use tokio::time::timeout;

use super::stage::{PATIENCE, Process, Stage, Which, eventually};

/// A sound server with two outputs, the first of which is the default.
struct Server {
    /// The server itself comes first, and ends last.
    processes: Vec<Process>,
    address: String,
}

impl Server {
    /// PulseAudio, which has no output but these.
    async fn start(stage: &Stage) -> Option<Self> {
        let socket = stage.pulse().join("native");
        std::fs::create_dir_all(stage.pulse()).unwrap();
        let mut server = stage.program("pulseaudio", "pulseaudio")?;
        server
            .args([
                "-n",
                "--daemonize=no",
                "--use-pid-file=no",
                "--exit-idle-time=-1",
                "--log-target=stderr",
            ])
            .arg(format!("-Lmodule-native-protocol-unix socket={}", socket.display()));
        Some(Self::with_outputs(stage, vec![Process::start(server)]).await)
    }

    /// PipeWire with its stand-in for PulseAudio, and with a session manager that leaves this machine's devices alone.
    async fn pipewire(stage: &Stage) -> Option<Self> {
        let packages = "pipewire pipewire-pulse wireplumber";
        let settings = stage.path("wireplumber/main.lua.d");
        std::fs::create_dir_all(&settings).unwrap();
        let monitors = ["alsa", "v4l2", "libcamera"].map(|kind| format!("{kind}_monitor.enabled = false\n"));
        std::fs::write(settings.join("51-no-devices.lua"), monitors.concat()).unwrap();
        let mut processes = Vec::new();
        for name in ["pipewire", "wireplumber", "pipewire-pulse"] {
            let program = stage.program(name, packages)?;
            processes.push(Process::start(program));
            eventually("PipeWire listens", || async { stage.path("pipewire-0").exists() }).await;
        }
        Some(Self::with_outputs(stage, processes).await)
    }

    async fn with_outputs(stage: &Stage, processes: Vec<Process>) -> Self {
        let server = Self {
            processes,
            address: format!("unix:{}", stage.pulse().join("native").display()),
        };
        eventually("the sound server listens", || async { server.runs(&["info"]) }).await;
        server.control(&["load-module", "module-null-sink", "sink_name=first"]);
        server.control(&[
            "load-module",
            "module-null-sink",
            "sink_name=second",
            "channel_map=mono",
        ]);
        eventually("the first output is the default", || async {
            server.runs(&["set-default-sink", "first"]) && server.says(&["get-default-sink"]).trim() == "first"
        })
        .await;
        server
    }

    /// Another hand at the same server.
    fn control(&self, args: &[&str]) {
        assert!(self.runs(args), "pactl {args:?}");
    }

    fn runs(&self, args: &[&str]) -> bool {
        let mut control = Command::new("pactl");
        let control = control.env("PULSE_SERVER", &self.address).args(args);
        control.output().unwrap().status.success()
    }

    fn says(&self, args: &[&str]) -> String {
        let mut control = Command::new("pactl");
        let control = control.env("PULSE_SERVER", &self.address).args(args);
        String::from_utf8(control.output().unwrap().stdout).unwrap()
    }
}

const fn is(percent: u16, is_muted: bool) -> Loudness {
    Loudness { percent, is_muted }
}

async fn told(machine: &Machine, now: Option<Loudness>) {
    let mut changes = machine.sound.changes();
    let seen = timeout(PATIENCE, changes.wait_for(|told| *told == now)).await;
    assert!(
        seen.is_ok(),
        "{now:?} was not told, but {:?}",
        *machine.sound.changes().borrow()
    );
}

fn follow(machine: &Machine) -> tokio::task::JoinHandle<()> {
    let sound = std::sync::Arc::clone(&machine.sound);
    tokio::spawn(async move { sound.follow().await })
}

async fn missing(machine: &Machine) -> Missing {
    match machine.sound.loudness().await {
        Err(Failure::Missing(missing)) => missing,
        other => panic!("it is not missing: {other:?}"),
    }
}

async fn is_made_louder_and_quieter(stage: &Stage, server: &Server) {
    let machine = stage.machine();
    assert_eq!(machine.sound.set_percent(30).await, Ok(is(30, false)));
    assert_eq!(machine.sound.mute(true).await, Ok(is(30, true)));
    let louder = machine.sound.set_percent(60).await;
    assert_eq!(louder, Ok(is(60, true)), "what is muted stays so");
    assert_eq!(machine.sound.mute(false).await, Ok(is(60, false)));
    eventually("the output is as loud", || async {
        server.says(&["get-sink-volume", "first"]).contains("60%")
    })
    .await;
    let other = server.says(&["get-sink-volume", "second"]);
    assert!(other.contains("100%"), "the other one is left alone: {other}");

    server.control(&["set-sink-volume", "first", "20%", "80%"]);
    // PipeWire says that it has done what it is about to do.
    eventually("the louder side counts", || async {
        machine.sound.loudness().await == Ok(is(80, false))
    })
    .await;
    assert_eq!(machine.sound.set_percent(40).await, Ok(is(40, false)));
    eventually("both sides are half as loud", || async {
        let volume = server.says(&["get-sink-volume", "first"]);
        volume.contains("10%") && volume.contains("40%")
    })
    .await;
    assert_eq!(machine.sound.missing().await, None);
}

async fn is_followed(stage: &Stage, server: &Server) {
    let machine = stage.machine();
    let _following = follow(&machine);
    told(&machine, Some(is(100, false))).await;
    server.control(&["set-sink-volume", "first", "70%"]);
    told(&machine, Some(is(70, false))).await;
    server.control(&["set-sink-mute", "first", "1"]);
    told(&machine, Some(is(70, true))).await;
    server.control(&["set-sink-volume", "first", "150%"]);
    told(&machine, Some(is(150, true))).await;
    server.control(&["set-default-sink", "second"]);
    told(&machine, Some(is(100, false))).await;
    assert_eq!(machine.sound.set_percent(25).await, Ok(is(25, false)));
    eventually("the other output is as loud", || async {
        server.says(&["get-sink-volume", "second"]).contains("25%")
    })
    .await;
}

#[tokio::test]
async fn pulseaudio_is_made_louder_and_quieter_and_keeps_its_balance() {
    let Some(stage) = Stage::new() else { return };
    let Some(server) = Server::start(&stage).await else {
        return;
    };
    is_made_louder_and_quieter(&stage, &server).await;
}

#[tokio::test]
async fn what_others_change_at_pulseaudio_is_followed_and_so_is_the_output_that_is_played_to() {
    let Some(stage) = Stage::new() else { return };
    let Some(server) = Server::start(&stage).await else {
        return;
    };
    is_followed(&stage, &server).await;
}

#[tokio::test]
async fn pipewire_is_set_and_followed_just_the_same() {
    let Some(stage) = Stage::new() else { return };
    let _bus = stage.bus(Which::Session);
    let Some(server) = Server::pipewire(&stage).await else {
        return;
    };
    is_made_louder_and_quieter(&stage, &server).await;
    server.control(&["set-sink-volume", "first", "100%"]);
    is_followed(&stage, &server).await;
}

#[tokio::test]
async fn a_server_that_dies_and_comes_back_is_followed_without_a_restart() {
    let Some(stage) = Stage::new() else { return };
    let machine = stage.machine();
    let _following = follow(&machine);
    let absent = missing(&machine).await;
    assert!(absent.mend.contains("pipewire-pulse"), "{absent}");
    let Some(server) = Server::start(&stage).await else {
        return;
    };
    told(&machine, Some(is(100, false))).await;
    drop(server);
    told(&machine, None).await;
    assert_eq!(missing(&machine).await.what, "the sound server");
    assert!(machine.sound.missing().await.is_some());
    let Some(server) = Server::start(&stage).await else {
        return;
    };
    told(&machine, Some(is(100, false))).await;
    server.control(&["set-sink-volume", "first", "10%"]);
    told(&machine, Some(is(10, false))).await;
}

#[tokio::test]
async fn a_server_without_an_output_says_so_until_there_is_one() {
    let Some(stage) = Stage::new() else { return };
    let Some(server) = Server::start(&stage).await else {
        return;
    };
    server.control(&["unload-module", "module-null-sink"]);
    let machine = stage.machine();
    let _following = follow(&machine);
    assert_eq!(missing(&machine).await.what, "a sound output");
    server.control(&["load-module", "module-null-sink", "sink_name=third"]);
    told(&machine, Some(is(100, false))).await;
}

#[tokio::test]
async fn a_server_that_hangs_holds_nobody_up_for_longer_than_the_time_out() {
    let Some(stage) = Stage::new() else { return };
    let Some(server) = Server::start(&stage).await else {
        return;
    };
    let machine = stage.machine();
    assert!(machine.sound.loudness().await.is_ok());
    server.processes[0].stop();
    let asked = Instant::now();
    let (first, second) = tokio::join!(missing(&machine), missing(&machine));
    assert_eq!(first.reason, "no answer within 5 s");
    assert_eq!(first, second);
    assert!(asked.elapsed() < Duration::from_secs(9), "{:?}", asked.elapsed());
    server.processes[0].go_on();
    eventually("it answers again", || async { machine.sound.loudness().await.is_ok() }).await;
}

#[tokio::test]
async fn what_is_no_sound_server_is_told_from_one() {
    // A head that promises more than is read, a message of a stream, and one that is no message.
    let mut long = [0xff_u8; 20];
    long[..4].copy_from_slice(&((1_u32 << 20) + 1).to_be_bytes());
    let mut stream = [0_u8; 20];
    stream[3] = 1;
    let mut noise = [0xff_u8; 24];
    noise[..4].copy_from_slice(&4_u32.to_be_bytes());
    for said in [long.to_vec(), stream.to_vec(), noise.to_vec(), Vec::new()] {
        let Some(stage) = Stage::new() else { return };
        std::fs::create_dir_all(stage.pulse()).unwrap();
        let listener = UnixListener::bind(stage.pulse().join("native")).unwrap();
        let serving = std::thread::spawn(move || {
            let (mut peer, _) = listener.accept().unwrap();
            let _ = peer.read(&mut [0; 512]).unwrap();
            peer.write_all(&said).unwrap();
        });
        let asked = Instant::now();
        let missing = missing(&stage.machine()).await;
        assert!(missing.reason.ends_with("the sound server went away"), "{missing}");
        assert!(asked.elapsed() < Duration::from_secs(4), "its end was not noticed");
        serving.join().unwrap();
    }
}
