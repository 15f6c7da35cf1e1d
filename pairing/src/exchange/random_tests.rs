//! Garbage and half-garbage into both machines at every stage: no panic, no pairing, no window left in between.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::testing::*;
use super::*;

/// Frames of an honest exchange.
fn frames() -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    run(&mut Desk::new(), &mut Phone::new(CODE), tls(), 5, &mut |_, frame| {
        frames.push(frame.clone());
        frame
    });
    frames
}

/// Something that begins like a message, or not.
fn garbage(random: &mut StdRng, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = match random.random_range(0..4) {
        0 => {
            let mut bytes = vec![0; random.random_range(0..MAX_FRAME_BYTES + 2)];
            random.fill(bytes.as_mut_slice());
            return bytes;
        }
        _ => seeds[random.random_range(0..seeds.len())].clone(),
    };
    for _ in 0..random.random_range(1..4) {
        let at = random.random_range(0..bytes.len());
        match random.random_range(0..4) {
            0 => bytes[at] = random.random(),
            1 => bytes.insert(at, random.random()),
            2 => bytes.truncate(at.max(1)),
            _ => bytes[at] ^= 1 << random.random_range(0..8),
        }
    }
    bytes
}

#[test]
fn no_garbage_makes_a_machine_panic_or_a_pairing() {
    let seeds = frames();
    let mut random = StdRng::seed_from_u64(2026);
    for round in 0..2_000 {
        let mut desk = Desk::new();
        let mut phone = Phone::new(CODE);
        let spoilt = random.random_range(0..7);
        let end = run(&mut desk, &mut phone, tls(), 5, &mut |at, frame| {
            let garbage = garbage(&mut random, &seeds);
            // The dice may fall on the frame that is due.
            if at == spoilt && garbage != frame {
                garbage
            } else {
                frame
            }
        });
        let is_honest = end.why.is_none() && end.failure.is_none();
        assert_eq!(end.stored.is_some(), is_honest, "round {round}");
        assert!(
            desk.machine.deadline().is_none(),
            "round {round}: an exchange was left open"
        );
    }
}

#[test]
fn garbage_alone_is_only_ever_an_error() {
    let mut random = StdRng::seed_from_u64(3);
    for _ in 0..20_000 {
        let bytes = garbage(&mut random, &[vec![0xa1, 0x62, b'y', b'b', 0x58, 0x20, 0]]);
        assert!(matches!(Phone::new(CODE).receive(&bytes), Progress::Failed(_)));
    }
}
