//! Pairing by key exchange with somebody in between: a device that knows the code, a desktop whose owner says yes, and an
//! input that says what happens to each message. Nobody is paired by a message that was changed, and no window takes more
//! tries than it has.

use std::time::Duration;

use pairing::exchange::{
    Channel, Desktop, Facts, Introduction, Joiner, MAX_FRAME_BYTES, Own, Place, Progress, Secret, Sight, Step, Verdict,
};
use pairing::window::Secrets;
use pairing::{Code, Identity, Kind, NoiseKey, Terms, Trust, Windows};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use time::OffsetDateTime;

/// Connections that one input may make.
const CONNECTIONS: usize = 8;

/// Checks one input: operations, each with an octet that says which, one for its length, and its content.
pub fn pair(data: &[u8]) {
    let mut random = StdRng::from_seed([7; 32]);
    let identity = Identity::from_seed(&[1; 32]);
    let noise = NoiseKey::from_bytes(&[2; 32]);
    let mut scene = Scene {
        machine: Desktop::new(Facts::new(&identity, noise.public(), None, "desk")),
        identity,
        windows: Windows::default(),
        trust: Trust::default(),
        now: Duration::from_secs(1),
        answered: 0,
    };
    let code = Code::from_number(12_345_678).expect("it has eight digits");
    let terms = Terms::for_role("remote");
    let attempts = usize::from(terms.attempts);
    scene
        .windows
        .open(Secrets::from(code.clone()), terms, false, scene.now)
        .expect("nothing was burned");
    let mut script = data;
    for _ in 0..CONNECTIONS {
        script = scene.connection(script, code.clone(), &mut random);
        if script.is_empty() {
            break;
        }
    }
    assert!(scene.answered <= attempts, "a window took {} tries", scene.answered);
}

struct Scene {
    machine: Desktop,
    identity: Identity,
    windows: Windows,
    trust: Trust,
    now: Duration,
    /// How often a device was given what it can try a code with.
    answered: usize,
}

impl Scene {
    /// One connection, as the script says; gives what is left of it.
    fn connection<'a>(&mut self, mut script: &'a [u8], code: Code, random: &mut StdRng) -> &'a [u8] {
        let me = Introduction {
            identity: Identity::from_seed(&[3; 32]),
            noise: NoiseKey::from_bytes(&[4; 32]),
            name: "phone".to_owned(),
            kind: Kind::Web,
            want: String::new(),
        };
        let mut device = Joiner::begin(Secret::Code(code), me, Sight::default()).expect("it wants nothing");
        let Ok((request, hello)) = self
            .machine
            .begin(&mut self.windows, Channel::default(), self.now, random)
        else {
            return &[];
        };
        let mut is_honest = true;
        let mut to_device = Some(hello);
        let mut is_first = true;
        while let [operation, length, rest @ ..] = script {
            let (content, rest) = rest.split_at(rest.len().min(usize::from(*length)));
            script = rest;
            let Some(frame) = to_device.take() else { break };
            // What happens on the way down …
            let down = change(frame, operation & 7, content, &mut is_honest);
            let up = match device.receive(&down, random) {
                Progress::Send(frame) => frame,
                Progress::Waiting { .. } => {
                    // The owner says yes, or the clock runs.
                    if operation & 0x80 != 0 {
                        self.now += Duration::from_secs(u64::from(*length));
                    }
                    to_device = self.answer(request, random);
                    continue;
                }
                Progress::Paired(_, frame) => frame,
                Progress::Failed(failure) => match failure.frame() {
                    Some(frame) => frame,
                    None => break,
                },
            };
            // … and up.
            let up = change(up, operation >> 3 & 7, content, &mut is_honest);
            let own = Own {
                identity: &self.identity,
                trust: &self.trust,
            };
            match self
                .machine
                .receive(&mut self.windows, request, &up, own, self.now, random)
            {
                Step::Send(frame) => {
                    self.answered += usize::from(is_first);
                    is_first = false;
                    assert!(frame.len() <= MAX_FRAME_BYTES);
                    to_device = Some(frame);
                }
                Step::Ask(question, frame) => {
                    assert!(
                        is_honest,
                        "the owner was asked about a message that was changed: {question:?}"
                    );
                    to_device = Some(frame);
                }
                Step::Store(stored) => {
                    assert!(is_honest, "a device was stored by a message that was changed");
                    self.trust.insert(*stored).expect("it was prepared for this list");
                    break;
                }
                Step::End(why) => {
                    assert!(why.frame().len() <= MAX_FRAME_BYTES);
                    break;
                }
            }
        }
        self.machine.abandon(&mut self.windows, request, self.now);
        script
    }

    fn answer(&mut self, request: u64, random: &mut StdRng) -> Option<Vec<u8>> {
        let place = Place::new("deskconn", &["192.0.2.1".to_owned()], 5020, "/ws").expect("it is whole");
        let verdict = Verdict::Allow {
            role: None,
            trust: &self.trust,
            place: &place,
            at: OffsetDateTime::UNIX_EPOCH,
        };
        match self
            .machine
            .answer(&mut self.windows, request, verdict, self.now, random)
        {
            Ok(Step::Send(frame)) => Some(frame),
            Ok(Step::Ask(..) | Step::Store(_) | Step::End(_)) | Err(_) => None,
        }
    }
}

/// What becomes of a message on its way.
fn change(frame: Vec<u8>, how: u8, content: &[u8], is_honest: &mut bool) -> Vec<u8> {
    let changed = match how {
        // Bits are turned over, from a place that the content gives.
        1 => {
            let mut changed = frame.clone();
            let start = content.first().map_or(0, |first| usize::from(*first) * 2) % frame.len().max(1);
            for (byte, mask) in changed.iter_mut().skip(start).zip(content.iter().skip(1)) {
                *byte ^= mask;
            }
            changed
        }
        // It is cut short, or something follows.
        2 => frame.iter().copied().take(content.len()).collect(),
        3 => [frame.as_slice(), content].concat(),
        // It is another message altogether.
        4 => content.to_vec(),
        _ => frame.clone(),
    };
    *is_honest &= changed == frame;
    changed
}
