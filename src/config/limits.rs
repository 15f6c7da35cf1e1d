//! `[limits]`: how much the daemon takes from anybody. Each default has its reason beside it.
//!
//! The bounds are kept by the router and the daemon; here are only their names and values.

use std::time::Duration;

use router::WhenFull;

use super::ConfigError;
use super::kept::read_when_full;
use super::read::Section;

/// A bound as those take it who keep it.
pub(crate) fn size(bound: u64) -> usize {
    usize::try_from(bound).unwrap_or(usize::MAX)
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// Longest time in seconds that any limit takes: a day.
const DAY: u64 = 86_400;

/// The bounds. `None` is no bound, written `"unlimited"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one message of a session that has joined: a megabyte holds an icon or a page of text.
    pub message_bytes: u64,
    /// The same before: HELLO and AUTHENTICATE are far smaller.
    pub message_bytes_before_auth: u64,
    /// Nesting of arrays and dictionaries, so that no reader runs out of stack.
    pub depth: u64,
    /// The same before.
    pub depth_before_auth: u64,
    /// Elements of one message, since a million tiny ones cost more than their bytes.
    pub elements: u64,
    /// The same before.
    pub elements_before_auth: u64,
    /// Time for the HTTP or RawSocket handshake: an honest peer on a slow network needs less than one second.
    pub handshake_time: Duration,
    /// Time from the handshake to WELCOME.
    pub hello_time: Duration,
    /// How long a peer may be silent until its connection is lost.
    pub dead_time: Option<Duration>,
    /// After how much silence it is asked for a sign of life: often enough that the box between home and internet does not
    /// forget the connection, seldom enough for a phone. `None`: never.
    pub ping_time: Option<Duration>,
    /// How long a session waits for its client to return: a phone that changes its network needs seconds, and what waits
    /// for it holds memory. `None`: not at all.
    pub resume_time: Option<Duration>,
    /// Connections that have not joined, in all.
    pub unauthenticated: Option<u64>,
    /// The same of one address, so that one stranger cannot keep the others out.
    pub unauthenticated_per_ip: Option<u64>,
    /// Sessions in all: a desktop with its phones, tablets and scripts.
    pub sessions: Option<u64>,
    /// Sessions of one address, behind which several devices may be.
    pub sessions_per_ip: Option<u64>,
    /// Sessions of one device: an app, its reconnects, and a script beside it.
    pub sessions_per_device: Option<u64>,
    /// Messages of one session each second, once its burst is used up; who is faster is read more slowly.
    pub messages_per_s: Option<u64>,
    /// The same of a session that may move the pointer, each step of which is a message.
    pub input_messages_per_s: Option<u64>,
    /// Messages at once after a pause: an app that starts asks for much.
    pub messages_burst: u64,
    /// Logins of one address that may fail at once: a person mistypes some. Each one more costs ten seconds.
    pub failed_logins_per_ip: Option<u64>,
    /// Registrations of one session.
    pub registrations: u64,
    /// Subscriptions of one session.
    pub subscriptions: u64,
    /// Calls of one session that wait for their result.
    pub pending_calls: u64,
    /// Bytes waiting to be sent to one session; a peer that reads too slowly loses events, then its session.
    pub queue_bytes: u64,
    /// What happens to the events of a session that reads too slowly, in the desktop's own realm.
    pub when_full: WhenFull,
    /// Bytes of an HTTP head.
    pub header_bytes: u64,
    /// Lines of an HTTP head.
    pub headers: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: MIB,
            message_bytes_before_auth: 8 * KIB,
            depth: 32,
            depth_before_auth: 16,
            elements: 65_536,
            elements_before_auth: 256,
            handshake_time: Duration::from_secs(5),
            hello_time: Duration::from_secs(5),
            dead_time: Some(Duration::from_secs(60)),
            ping_time: Some(Duration::from_secs(20)),
            resume_time: Some(Duration::from_secs(120)),
            unauthenticated: Some(64),
            unauthenticated_per_ip: Some(16),
            sessions: Some(64),
            sessions_per_ip: Some(16),
            sessions_per_device: Some(8),
            failed_logins_per_ip: Some(5),
            messages_per_s: Some(200),
            input_messages_per_s: Some(1_000),
            messages_burst: 400,
            registrations: 64,
            subscriptions: 256,
            pending_calls: 128,
            queue_bytes: 4 * MIB,
            when_full: WhenFull::DropNewest,
            header_bytes: 8 * KIB,
            headers: 64,
        }
    }
}

impl Limits {
    /// Reads the section. A bound may be raised to what one machine can hold and lowered to what still works. (A
    /// RawSocket announces at most 16 MiB for a message, whatever is said here.)
    pub(super) fn read(mut section: Section<'_>) -> Result<Self, ConfigError> {
        let mut limits = Self::default();
        limits.numbers(&mut section)?;
        limits.times(&mut section)?;
        limits.bounds(&mut section)?;
        limits.when_full = read_when_full(&mut section)?;
        section.finish()?;
        Ok(limits)
    }

    fn numbers(&mut self, section: &mut Section<'_>) -> Result<(), ConfigError> {
        let many = 1 << 24;
        for (key, value, range) in [
            ("message_bytes", &mut self.message_bytes, 512..=256 * MIB),
            (
                "message_bytes_before_auth",
                &mut self.message_bytes_before_auth,
                512..=16 * MIB,
            ),
            // Decoders and encoders recurse; 128 levels fit in every stack by a wide margin.
            ("depth", &mut self.depth, 4..=128),
            ("depth_before_auth", &mut self.depth_before_auth, 4..=128),
            ("elements", &mut self.elements, 64..=many),
            ("elements_before_auth", &mut self.elements_before_auth, 64..=many),
            ("messages_burst", &mut self.messages_burst, 1..=many),
            ("registrations", &mut self.registrations, 0..=many),
            ("subscriptions", &mut self.subscriptions, 0..=many),
            ("pending_calls", &mut self.pending_calls, 1..=many),
            ("queue_bytes", &mut self.queue_bytes, 4 * KIB..=1 << 32),
            ("header_bytes", &mut self.header_bytes, KIB..=MIB),
            ("headers", &mut self.headers, 8..=KIB),
        ] {
            if let Some(field) = section.get(key) {
                *value = field.number(range)?;
            }
        }
        Ok(())
    }

    fn times(&mut self, section: &mut Section<'_>) -> Result<(), ConfigError> {
        for (key, value) in [
            ("handshake_s", &mut self.handshake_time),
            ("hello_s", &mut self.hello_time),
        ] {
            if let Some(field) = section.get(key) {
                *value = Duration::from_secs(field.number(1..=DAY)?);
            }
        }
        Ok(())
    }

    fn bounds(&mut self, section: &mut Section<'_>) -> Result<(), ConfigError> {
        if let Some(field) = section.get("dead_s") {
            self.dead_time = field.bound(3..=DAY)?.map(Duration::from_secs);
        }
        for (key, value) in [("ping_s", &mut self.ping_time), ("resume_s", &mut self.resume_time)] {
            if let Some(field) = section.get(key) {
                let seconds = field.number(0..=DAY)?;
                *value = (seconds > 0).then_some(Duration::from_secs(seconds));
            }
        }
        for (key, value) in [
            ("unauthenticated", &mut self.unauthenticated),
            ("unauthenticated_per_ip", &mut self.unauthenticated_per_ip),
            ("sessions", &mut self.sessions),
            ("sessions_per_ip", &mut self.sessions_per_ip),
            ("sessions_per_device", &mut self.sessions_per_device),
            ("failed_logins_per_ip", &mut self.failed_logins_per_ip),
            ("messages_per_s", &mut self.messages_per_s),
            ("input_messages_per_s", &mut self.input_messages_per_s),
        ] {
            if let Some(field) = section.get(key) {
                *value = field.bound(1..=1 << 24)?;
            }
        }
        Ok(())
    }
}
