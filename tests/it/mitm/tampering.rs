//! Units that are altered, repeated, left out, moved or cut off, one at a time and each of them.

use client::Value;

use super::{Act, CALLS, CANARY, From, PROCEDURE, STALLED, Scene, Tamper, Units, honest};
use crate::support::{PATIENCE, Way, soon};

/// What is done to one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trick {
    FlipFirstBit,
    FlipLastBit,
    Repeat,
    LeaveOut,
    CutBefore,
    CutWithin,
}

impl Trick {
    const ALL: [Self; 6] = [
        Self::FlipFirstBit,
        Self::FlipLastBit,
        Self::Repeat,
        Self::LeaveOut,
        Self::CutBefore,
        Self::CutWithin,
    ];

    /// Does it to the unit with this number in this direction.
    fn on(self, victim: From, number: usize) -> Tamper {
        Box::new(move |from, count, mut unit| {
            if (from, count) != (victim, number) {
                return Act::Send(unit);
            }
            let last = unit.len() - 1;
            match self {
                Self::FlipFirstBit => unit[0] ^= 0x80,
                Self::FlipLastBit => unit[last] ^= 1,
                Self::Repeat => unit.extend_from_within(..),
                Self::LeaveOut => unit.clear(),
                Self::CutBefore => return Act::Cut(Vec::new()),
                Self::CutWithin => return Act::Cut(unit[..last].to_vec()),
            }
            Act::Send(unit)
        })
    }

    /// The second TLS record of either side is a ChangeCipherSpec that means nothing and is there for old middleboxes
    /// (RFC 8446 §D.4): one more or less of it harms nobody.
    fn is_harmless(self, units: Units, number: usize) -> bool {
        units == Units::Records && number == 1 && matches!(self, Self::Repeat | Self::LeaveOut)
    }
}

/// How many units pass in each direction until all calls of this size are answered.
async fn count(scene: &Scene, way: Way, units: Units, size: usize) -> [(From, usize); 2] {
    let proxy = scene.proxy(units, honest()).await;
    let run = scene.run(way, proxy.address, (size, PATIENCE)).await;
    assert_eq!(run.answered, CALLS);
    let counts = [From::Client, From::Router].map(|from| (from, proxy.count(from)));
    drop(run.session);
    counts
}

/// Plays one trick on every unit of a session, each time in a new one.
async fn play(trick: Trick, way: Way, units: Units) {
    let scene = Scene::start().await;
    for (from, count) in count(&scene, way, units, 10).await {
        assert!(count > CALLS + 1, "{count}");
        for number in 0..count {
            let proxy = scene.proxy(units, trick.on(from, number)).await;
            let run = scene.run(way, proxy.address, (10, STALLED)).await;
            let what = format!("{trick:?} on {from:?} {number} of {count} over {way:?}");
            match run.session {
                // The last answer came, and then what ends the session.
                Some(session) if run.answered == CALLS && !trick.is_harmless(units, number) => {
                    soon(&what, session.closed()).await;
                }
                _ => assert!(run.answered < CALLS || trick.is_harmless(units, number), "{what}"),
            }
        }
    }
}

async fn play_all(way: Way, units: Units) {
    let plays = Trick::ALL.map(|trick| tokio::spawn(play(trick, way, units)));
    for play in plays {
        play.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_session_survives_a_trick_on_any_record_of_websocket_in_tls() {
    play_all(Way::Wss, Units::Records).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_session_survives_a_trick_on_any_record_of_rawsocket_in_tls() {
    play_all(Way::Rss, Units::Records).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_session_survives_a_trick_on_any_frame_of_noise() {
    play_all(Way::Noise, Units::Frames).await;
}

/// Sends the unit with this number behind the one that follows it.
fn swap(victim: From, number: usize) -> Tamper {
    let mut held = Vec::new();
    Box::new(move |from, count, mut unit| {
        if from != victim {
            return Act::Send(unit);
        }
        if count == number {
            held = unit;
            return Act::Send(Vec::new());
        }
        unit.append(&mut held);
        Act::Send(unit)
    })
}

/// Long enough that a call has several records, and several Noise messages.
const LONG: usize = 100_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_session_survives_units_in_another_order() {
    for (way, units) in super::SECURE {
        let scene = Scene::start().await;
        for (from, count) in count(&scene, way, units, LONG).await {
            // The last call alone has at least two, which are sent without waiting for an answer between them.
            for number in [count - 2, count / 2] {
                let proxy = scene.proxy(units, swap(from, number)).await;
                let run = scene.run(way, proxy.address, (LONG, STALLED * 3)).await;
                assert!(run.answered < CALLS, "{from:?} {number} of {count} over {way:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_plain_can_be_altered_which_shows_that_the_man_in_the_middle_can_do_it() {
    for (way, units) in [(Way::WebSocket, Units::Frames), (Way::RawSocket, Units::Bytes)] {
        let scene = Scene::start().await;
        let mut is_done = false;
        let tamper: Tamper = Box::new(move |from, _, mut unit| {
            // The answer; what goes the other way is as easy, behind the mask that stands beside it.
            if from == From::Router && !is_done {
                let found = unit.windows(CANARY.len()).position(|part| part == CANARY.as_bytes());
                if let Some(at) = found {
                    is_done = true;
                    unit[at] ^= 1;
                }
            }
            Act::Send(unit)
        });
        let proxy = scene.proxy(units, tamper).await;
        let session = scene.join(way, proxy.address, PATIENCE).await.unwrap();
        let call = session.call(PROCEDURE, [CANARY.into()]);
        let answer = soon("the answer", call).await.unwrap().into_value();
        assert_eq!(answer, Value::from("banary-in-the-payload"));
    }
}
