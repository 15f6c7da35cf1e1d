//! How often something may happen: so many at once, and from then on one each period. (The generic cell rate algorithm:
//! one moment is all there is to remember.)

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

/// A bound on how often something may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many may happen at once after a pause. At least one.
    pub burst: u32,
    /// The time each costs from then on.
    pub period: Duration,
}

impl Rate {
    /// So many each second, and so many at once. No rate for zero each second: nothing would ever happen.
    #[must_use]
    pub fn per_second(number: u32, burst: u32) -> Option<Self> {
        let period = Duration::from_secs(1).checked_div(number)?;
        Some(Self { burst, period })
    }

    fn span(self) -> Duration {
        self.period * self.burst
    }
}

/// What has happened so far, as far as it still counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Meter {
    rate: Rate,
    /// When all that has happened is paid for.
    paid: Instant,
}

impl Meter {
    pub(crate) fn new(rate: Rate, now: Instant) -> Self {
        Self { rate, paid: now }
    }

    /// Counts what has happened, and says how long to wait until the rate is kept again.
    pub(crate) fn count(&mut self, number: u32, now: Instant) -> Duration {
        self.paid = self.paid.max(now) + self.rate.period * number;
        self.excess(now)
    }

    /// How long to wait until the next may happen.
    fn excess(&self, now: Instant) -> Duration {
        (self.paid - now).saturating_sub(self.rate.span())
    }
}

/// Addresses that failed to log in, each with its own meter.
#[derive(Debug, Default)]
pub(crate) struct Failures(HashMap<IpAddr, Meter>);

/// Addresses that are remembered. Beyond that new ones go uncounted: a key cannot be guessed however often somebody
/// tries, so this only keeps the log and the processor quiet.
const MOST_ADDRESSES: usize = 4_096;

/// What each failed login beyond the free ones costs: a script that goes on is slowed down.
const FAILED_LOGIN: Duration = Duration::from_secs(10);

/// The rate at which logins may fail.
fn allowance(free: u32) -> Rate {
    Rate {
        burst: free,
        period: FAILED_LOGIN,
    }
}

impl Failures {
    /// Counts a failed login of an address that has so many free.
    pub(crate) fn count(&mut self, address: IpAddr, free: u32, now: Instant) {
        if self.0.len() >= MOST_ADDRESSES && !self.0.contains_key(&group(address)) {
            self.0.retain(|_, meter| meter.paid > now);
            if self.0.len() >= MOST_ADDRESSES {
                return;
            }
        }
        let meter = self
            .0
            .entry(group(address))
            .or_insert_with(|| Meter::new(allowance(free), now));
        meter.count(1, now);
    }

    /// How long an address must wait until it may try again, if it must.
    pub(crate) fn wait(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        let meter = self.0.get(&group(address))?;
        // One more would be too many.
        let excess = (meter.paid.max(now) + FAILED_LOGIN - now).saturating_sub(meter.rate.span());
        (!excess.is_zero()).then_some(excess)
    }
}

/// Who has one IPv6 address has its whole network of 2^64 (RFC 4291 §2.5.1).
fn group(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_last_of_a_burst_is_free_and_the_next_waits() {
        let now = Instant::now();
        let mut meter = Meter::new(Rate::per_second(10, 3).unwrap(), now);
        assert_eq!(meter.count(3, now), Duration::ZERO);
        assert_eq!(meter.count(1, now), SECOND / 10);
        assert_eq!(meter.count(1, now), SECOND / 5);
        assert_eq!(meter.count(1, now + SECOND / 5), SECOND / 10);
        let later = now + 60 * SECOND;
        assert_eq!(
            meter.count(3, later),
            Duration::ZERO,
            "a pause is not saved up beyond the burst"
        );
        assert_eq!(meter.count(1, later), SECOND / 10);
        assert_eq!(Rate::per_second(0, 3), None);
    }

    #[test]
    fn after_five_failed_logins_an_address_waits_ten_seconds_for_each_more() {
        let now = Instant::now();
        let mut failures = Failures::default();
        let address = IpAddr::from([192, 0, 2, 1]);
        for _ in 0..5 {
            assert_eq!(failures.wait(address, now), None);
            failures.count(address, 5, now);
        }
        assert_eq!(failures.wait(address, now), Some(10 * SECOND));
        assert_eq!(failures.wait(address, now + 10 * SECOND), None);
        assert_eq!(failures.wait(IpAddr::from([192, 0, 2, 2]), now), None);
        failures.count(address, 5, now + 10 * SECOND);
        assert_eq!(failures.wait(address, now + 10 * SECOND), Some(10 * SECOND));
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address() {
        let now = Instant::now();
        let mut failures = Failures::default();
        for last in 0..5 {
            failures.count(format!("2001:db8::{last}").parse().unwrap(), 5, now);
        }
        assert!(failures.wait("2001:db8::ffff".parse().unwrap(), now).is_some());
        assert!(failures.wait("2001:db8:0:1::1".parse().unwrap(), now).is_none());
    }

    #[test]
    fn no_more_addresses_are_remembered_than_the_bound_and_old_ones_make_room() {
        let now = Instant::now();
        let mut failures = Failures::default();
        let address = |number: u32| IpAddr::from((0x0a00_0000 + number).to_be_bytes());
        let most = u32::try_from(MOST_ADDRESSES).unwrap();
        for number in 0..=most {
            failures.count(address(number), 5, now);
        }
        assert_eq!(failures.0.len(), MOST_ADDRESSES);
        failures.count(address(most), 5, now + 60 * SECOND);
        assert_eq!(failures.0.len(), 1);
    }
}
