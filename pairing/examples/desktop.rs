//! A desktop that pairs over standard input and output, in hexadecimal lines: what clients in other languages are
//! tested against. It opens no port, keeps nothing, and its secrets come from a number, so it is of no other use.
//!
//! ```text
//! usage: desktop SEED              prints `ready CODE LINK DID SIGN NOISE SPKI`, then answers each line with one line
//!
//! open                             a new window                    opened
//! connect tls|plain                a device connects               send HELLO | end WHY ERROR
//! frame HEX                        a frame from it                 send FRAME | ask FINGERPRINT CONF_B | store ID SIGN NOISE | end …
//! allow [ROLE], deny               the owner answers               send GRANT | end …
//! hangup                           the connection goes             gone
//! later SECONDS                    time passes                     now SECONDS | end …
//! ```

use std::error::Error;
use std::io::{self, BufRead, Write};
use std::time::Duration;

use deskconn_pairing::exchange::{Channel, Desktop, Facts, Own, Place, Step, Verdict, Why};
use deskconn_pairing::question::Request;
use deskconn_pairing::{Identity, Link, NoiseKey, Secrets, Terms, Trust, Windows};
use rand::SeedableRng;
use rand::rngs::StdRng;
use time::OffsetDateTime;

/// The hash of a certificate that nobody has.
const SPKI: [u8; 32] = [0x51; 32];

struct Desk {
    identity: Identity,
    machine: Desktop,
    windows: Windows,
    secrets: Secrets,
    trust: Trust,
    request: Request,
    now: Duration,
    random: StdRng,
}

impl Desk {
    fn answer(&mut self, line: &str) -> Result<String, Box<dyn Error>> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "open" => {
                let terms = Terms {
                    lesser_roles: vec!["slides".into()],
                    ..Terms::for_role("remote")
                };
                self.windows.close();
                self.windows.open(self.secrets.clone(), terms, true, self.now)?;
                Ok("opened".into())
            }
            "connect" => {
                let channel = Channel {
                    is_tls: rest == "tls",
                    exporter: None,
                    address: Some("192.168.1.34".into()),
                };
                let begun = self
                    .machine
                    .begin(&mut self.windows, channel, self.now, &mut self.random);
                Ok(match begun {
                    Ok((request, hello)) => {
                        self.request = request;
                        format!("send {}", hex::encode(hello))
                    }
                    Err(why) => ended(&why),
                })
            }
            "frame" => {
                let own = Own {
                    identity: &self.identity,
                    trust: &self.trust,
                };
                let frame = hex::decode(rest)?;
                let step =
                    self.machine
                        .receive(&mut self.windows, self.request, &frame, own, self.now, &mut self.random);
                self.step(step)
            }
            "allow" | "deny" => self.verdict(word == "allow", Some(rest).filter(|role| !role.is_empty())),
            "hangup" => {
                self.machine.abandon(&mut self.windows, self.request, self.now);
                Ok("gone".into())
            }
            "later" => {
                self.now += Duration::from_secs(rest.parse()?);
                let expired = self.machine.expire(&mut self.windows, self.now);
                Ok(expired.map_or_else(|| format!("now {}", self.now.as_secs()), |(_, why)| ended(&why)))
            }
            _ => Err(format!("no such command: {word}").into()),
        }
    }

    fn verdict(&mut self, allow: bool, role: Option<&str>) -> Result<String, Box<dyn Error>> {
        let hosts = ["192.168.1.20".to_owned(), "fd00::1".to_owned()];
        let place = Place::new("deskconn", &hosts, 5020, "/ws")?;
        let verdict = if allow {
            Verdict::Allow {
                role,
                trust: &self.trust,
                place: &place,
                at: OffsetDateTime::UNIX_EPOCH,
            }
        } else {
            Verdict::Deny
        };
        let step = self
            .machine
            .answer(&mut self.windows, self.request, verdict, self.now, &mut self.random)?;
        self.step(step)
    }

    fn step(&mut self, step: Step) -> Result<String, Box<dyn Error>> {
        Ok(match step {
            Step::Send(frame) => format!("send {}", hex::encode(frame)),
            Step::Ask(question, frame) => format!("ask {} {}", question.fingerprint, hex::encode(frame)),
            Step::Store(device) => {
                let device = self.trust.insert(*device)?;
                let noise = device
                    .keys
                    .noise
                    .map(|key| hex::encode(key.bytes()))
                    .unwrap_or_default();
                format!("store {} {} {noise}", device.id, device.keys.sign.to_hex())
            }
            Step::End(why) => ended(&why),
        })
    }
}

fn ended(why: &Why) -> String {
    let word = format!("{why:?}");
    let word = word.split(['(', ' ']).next().unwrap_or_default().to_owned();
    format!("end {word} {}", hex::encode(why.frame()))
}

fn main() -> Result<(), Box<dyn Error>> {
    let seed = std::env::args().nth(1).ok_or("usage: desktop SEED")?.parse()?;
    let mut random = StdRng::seed_from_u64(seed);
    let identity = Identity::generate(&mut random)?;
    let noise = NoiseKey::generate(&mut random)?;
    let secrets = Secrets::generate(&mut random)?;
    let facts = Facts::new(&identity, noise.public(), Some(SPKI), "Example desktop");
    let link = secrets.link.clone().ok_or("no link")?;
    let link = Link::new("192.168.1.20", 5020, link, &identity.did(), u32::MAX);
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "ready {} {} {} {} {} {}",
        secrets.code,
        link.url().as_str(),
        hex::encode(identity.did()),
        hex::encode(identity.public()),
        hex::encode(noise.public()),
        hex::encode(SPKI)
    )?;
    out.flush()?;
    let mut desk = Desk {
        identity,
        machine: Desktop::new(facts),
        windows: Windows::default(),
        secrets,
        trust: Trust::default(),
        request: 0,
        now: Duration::ZERO,
        random,
    };
    for line in io::stdin().lock().lines() {
        writeln!(out, "{}", desk.answer(line?.trim())?)?;
        out.flush()?;
    }
    Ok(())
}
