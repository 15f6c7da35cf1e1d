//! The code a person carries from the desktop to the device: eight digits, drawn evenly, compared in constant
//! time, wiped when dropped.
//!
//! It does not know when a code is valid or how often it may be tried: that is [`crate::window`].

use std::fmt;
use std::str::FromStr;

use rand::TryCryptoRng;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::random::NoRandom;

/// The smallest code. Older clients send the code as an integer, so it never has a leading zero.
pub const SMALLEST: u32 = 10_000_000;

/// The largest code of eight digits.
pub const LARGEST: u32 = 99_999_999;

/// How many codes there are: one guess hits with a chance of 1 in 90 million.
const COUNT: u32 = LARGEST - SMALLEST + 1;

/// 27 bits, the smallest power of two that covers [`COUNT`]; larger draws are thrown away, because a remainder
/// would make some codes likelier than others.
const DRAW_MASK: u32 = (1 << 27) - 1;

/// Draws before the source is declared broken. A healthy one is refused 128 times with a chance of 2⁻²⁰⁰.
const DRAWS: usize = 128;

/// A pairing code. Its `Debug` form hides the digits, so that no log line can contain them.
#[derive(Clone)]
pub struct Code(Zeroizing<u32>);

impl Code {
    /// Draws a code from `random`, which must be fit for secrets.
    ///
    /// # Errors
    /// When the source fails, or gives nothing usable in 128 draws.
    pub fn generate<R: TryCryptoRng + ?Sized>(random: &mut R) -> Result<Self, NoRandom> {
        for _ in 0..DRAWS {
            let draw = random.try_next_u32().map_err(|error| NoRandom(error.to_string()))? & DRAW_MASK;
            if draw < COUNT {
                return Ok(Self(Zeroizing::new(SMALLEST + draw)));
            }
        }
        Err(NoRandom(format!("{DRAWS} draws in a row were unusable")))
    }

    /// The code as a number, the form in which older clients send it.
    ///
    /// # Errors
    /// When the number does not have eight digits.
    pub fn from_number(number: u64) -> Result<Self, NotACode> {
        match u32::try_from(number) {
            Ok(number) if (SMALLEST..=LARGEST).contains(&number) => Ok(Self(Zeroizing::new(number))),
            Ok(_) | Err(_) => Err(NotACode),
        }
    }

    /// The number, for the owner who asked for the code and nobody else.
    #[must_use]
    pub fn number(&self) -> u32 {
        *self.0
    }

    /// The eight digits in ASCII, as the key exchange takes them.
    pub(crate) fn digits(&self) -> Zeroizing<[u8; 8]> {
        let mut digits = Zeroizing::new([b'0'; 8]);
        let mut rest = Zeroizing::new(*self.0);
        for digit in digits.iter_mut().rev() {
            *digit += u8::try_from(*rest % 10).unwrap_or(0);
            *rest /= 10;
        }
        digits
    }

    /// Whether the two are the same code; takes the same time for every pair.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&*other.0).into()
    }
}

impl fmt::Display for Code {
    /// `1234-5678`, the form that is read aloud.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:04}-{:04}", *self.0 / 10_000, *self.0 % 10_000)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Code(hidden)")
    }
}

impl FromStr for Code {
    type Err = NotACode;

    /// Accepts `12345678`, `1234-5678` and `1234 5678`, with spaces around them.
    fn from_str(text: &str) -> Result<Self, NotACode> {
        let mut digits = Zeroizing::new([0_u8; 8]);
        let mut count = 0;
        for (position, byte) in text.trim().bytes().enumerate() {
            match byte {
                b'0'..=b'9' if count < 8 => {
                    digits[count] = byte - b'0';
                    count += 1;
                }
                b'-' | b' ' if position == 4 => {}
                _ => return Err(NotACode),
            }
        }
        if count != 8 {
            return Err(NotACode);
        }
        let number = digits
            .iter()
            .fold(0_u64, |number, digit| number * 10 + u64::from(*digit));
        Self::from_number(number)
    }
}

/// What was given cannot be a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a pairing code has eight digits and does not begin with 0, like 1234-5678")]
pub struct NotACode;

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use rand::rngs::StdRng;
    use rand::{SeedableRng, TryRng};

    use super::*;

    /// Gives the listed numbers over and over.
    struct Dice(Vec<u32>, usize);

    impl TryRng for Dice {
        type Error = Infallible;
        fn try_next_u32(&mut self) -> Result<u32, Infallible> {
            self.1 += 1;
            Ok(self.0[(self.1 - 1) % self.0.len()])
        }
        fn try_next_u64(&mut self) -> Result<u64, Infallible> {
            Ok(u64::from(self.try_next_u32()?))
        }
        fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
            out.fill(0);
            Ok(())
        }
    }
    impl TryCryptoRng for Dice {}

    #[derive(Debug)]
    struct Broken;
    impl fmt::Display for Broken {
        fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str("no entropy")
        }
    }
    impl std::error::Error for Broken {}
    impl TryRng for Broken {
        type Error = Self;
        fn try_next_u32(&mut self) -> Result<u32, Self> {
            Err(Self)
        }
        fn try_next_u64(&mut self) -> Result<u64, Self> {
            Err(Self)
        }
        fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Self> {
            Err(Self)
        }
    }
    impl TryCryptoRng for Broken {}

    #[test]
    fn the_first_and_the_last_draw_give_the_first_and_the_last_code() {
        assert_eq!(Code::generate(&mut Dice(vec![0], 0)).unwrap().number(), SMALLEST);
        assert_eq!(Code::generate(&mut Dice(vec![COUNT - 1], 0)).unwrap().number(), LARGEST);
    }

    #[test]
    fn a_draw_past_the_last_code_is_thrown_away_and_not_folded_back() {
        let mut dice = Dice(vec![COUNT, DRAW_MASK, 5], 0);
        assert_eq!(Code::generate(&mut dice).unwrap().number(), SMALLEST + 5);
        assert_eq!(dice.1, 3);
    }

    #[test]
    fn a_source_that_is_stuck_or_broken_gives_an_error_and_not_a_hang() {
        assert!(
            Code::generate(&mut Dice(vec![DRAW_MASK], 0))
                .unwrap_err()
                .0
                .contains("128 draws")
        );
        assert_eq!(Code::generate(&mut Broken).unwrap_err().0, "no entropy");
    }

    #[test]
    fn codes_are_spread_evenly_over_all_first_digits() {
        let mut random = StdRng::seed_from_u64(7);
        let mut first = [0_u32; 9];
        for _ in 0..90_000 {
            let code = Code::generate(&mut random).unwrap();
            first[(code.number() / SMALLEST - 1) as usize] += 1;
        }
        // 10 000 are expected; six standard deviations (of about 94) are 566.
        assert!(first.iter().all(|count| count.abs_diff(10_000) < 566), "{first:?}");
    }

    #[test]
    fn a_code_is_read_with_and_without_its_dash() {
        for text in ["12345678", "1234-5678", "1234 5678", "  1234-5678\n"] {
            let code: Code = text.parse().unwrap();
            assert_eq!(code.to_string(), "1234-5678", "{text:?}");
            assert!(code.matches(&Code::from_number(12_345_678).unwrap()));
        }
    }

    #[test]
    fn anything_else_is_not_a_code() {
        let bad = [
            "",
            "1234567",
            "123456789",
            "02345678",
            "1234--5678",
            "123-45678",
            "-12345678",
            "+1234567",
            "１２３４５６７８",
            "12345678-",
            "1234 -5678",
        ];
        for text in bad {
            assert_eq!(text.parse::<Code>().unwrap_err(), NotACode, "{text:?}");
        }
        for number in [
            0,
            u64::from(SMALLEST) - 1,
            u64::from(LARGEST) + 1,
            u64::MAX,
            (1 << 32) + u64::from(SMALLEST),
        ] {
            assert!(Code::from_number(number).is_err(), "{number}");
        }
    }

    #[test]
    fn the_digits_of_a_code_are_its_number_in_ascii() {
        assert_eq!(Code::from_number(10_203_040).unwrap().digits().as_slice(), b"10203040");
        assert_eq!(Code::from_number(99_999_999).unwrap().digits().as_slice(), b"99999999");
    }

    #[test]
    fn a_neighbour_does_not_match() {
        let code = Code::from_number(55_555_555).unwrap();
        assert!(!code.matches(&Code::from_number(55_555_556).unwrap()));
        assert!(!code.matches(&Code::from_number(95_555_555).unwrap()));
        assert!(code.matches(&code.clone()));
    }

    #[test]
    fn the_debug_form_hides_the_digits() {
        let code = Code::from_number(48_319_027).unwrap();
        assert_eq!(format!("{code:?}"), "Code(hidden)");
    }
}
