//! `when`: what has to happen.

use std::time::Duration;

use super::read_condition;
use super::units::{Clock, Days, Number, read_any_span, read_clock, read_days, read_number, read_span};
use crate::actions::expression::Expression;
use crate::config::read::{ConfigError, Section};
use crate::config::realm::{MAX_NAME, Match, read_match, read_uri};

/// Things of which any triggers an action; more belong to several actions.
pub const MAX_WHENS: usize = 8;

/// The shortest interval: what is wanted more often is a program of its own.
const MIN_EVERY: Duration = Duration::from_secs(1);

/// How late a time of day is made up for when nothing is said.
const DEFAULT_LATE: Duration = Duration::from_secs(3_600);
/// The most: after that the next day's is near.
const MAX_LATE: Duration = Duration::from_secs(24 * 3_600);

/// A thing that triggers an action, if its condition holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct When {
    /// What happens.
    pub event: Event,
    /// What must hold of it.
    pub condition: Option<Expression>,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An event of WAMP.
    Topic(Topic),
    /// A time of day.
    At {
        /// In local time.
        time: Clock,
        /// On which days.
        days: Days,
        /// How late it is still made up for.
        late: Duration,
    },
    /// Time and again.
    Every(Duration),
    /// A paired device comes or goes.
    Device {
        /// Its name or id.
        device: String,
        /// Whether it has to be there.
        is_present: bool,
        /// For how long.
        held: Duration,
    },
    /// A figure of this machine passes a threshold.
    Host {
        /// Which figure.
        reading: Reading,
        /// To which side.
        side: Side,
        /// The threshold.
        threshold: Number,
        /// How far it has to come back before it can pass again.
        hysteresis: Number,
        /// How long it has to stay there.
        held: Duration,
    },
}

/// An event of WAMP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// The topic, or a pattern.
    pub uri: String,
    /// How it is compared.
    pub matching: Match,
    /// Whether only a change of the condition triggers, from not holding to holding.
    pub crossing: bool,
    /// How long the condition has to hold; zero triggers at once.
    pub held: Duration,
    /// Without an event for so long the condition counts as not holding.
    pub stale: Option<Duration>,
}

impl Topic {
    /// Whether it follows a state, and not single events.
    #[must_use]
    pub const fn is_state(&self) -> bool {
        self.crossing || !self.held.is_zero()
    }
}

/// To which side of its threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Over it.
    Above,
    /// Under it.
    Below,
}

/// A figure of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// The load over 1, 5 or 15 minutes, by its place.
    Load(u8),
    /// Memory in use, in percent.
    MemoryPercent,
    /// Memory that programs can have, in bytes.
    MemoryAvailable,
    /// A disk's space in use, in percent.
    DiskPercent(String),
    /// A disk's free space, in bytes.
    DiskFree(String),
    /// The highest temperature of all sensors, or that of one, in degrees.
    Temperature(Option<String>),
}

impl Reading {
    fn of(text: &str) -> Option<Self> {
        let mount = |rest: &str| Some(rest.to_owned()).filter(|mount| mount.starts_with('/'));
        match text {
            "load" => Some(Self::Load(0)),
            "load.5" => Some(Self::Load(1)),
            "load.15" => Some(Self::Load(2)),
            "memory.percent" => Some(Self::MemoryPercent),
            "memory.available" => Some(Self::MemoryAvailable),
            "temperature" => Some(Self::Temperature(None)),
            _ => {
                if let Some(sensor) = text.strip_prefix("temperature.") {
                    return Some(Self::Temperature(Some(sensor.to_owned()).filter(|it| !it.is_empty())));
                }
                let disk = text.strip_prefix("disk.")?;
                let percent = disk.strip_suffix(".percent").and_then(mount).map(Self::DiskPercent);
                percent.or_else(|| disk.strip_suffix(".free").and_then(mount).map(Self::DiskFree))
            }
        }
    }

    const fn is_bytes(&self) -> bool {
        matches!(self, Self::MemoryAvailable | Self::DiskFree(_))
    }
}

/// As it is written.
impl std::fmt::Display for Reading {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Load(0) => out.write_str("load"),
            Self::Load(1) => out.write_str("load.5"),
            Self::Load(_) => out.write_str("load.15"),
            Self::MemoryPercent => out.write_str("memory.percent"),
            Self::MemoryAvailable => out.write_str("memory.available"),
            Self::DiskPercent(mount) => write!(out, "disk.{mount}.percent"),
            Self::DiskFree(mount) => write!(out, "disk.{mount}.free"),
            Self::Temperature(None) => out.write_str("temperature"),
            Self::Temperature(Some(sensor)) => write!(out, "temperature.{sensor}"),
        }
    }
}

pub(super) fn read(mut section: Section<'_>) -> Result<When, ConfigError> {
    let condition = read_condition(&mut section)?;
    let kinds = ["topic", "at", "every", "device", "host"];
    let mut found = kinds.into_iter().filter(|kind| section.has(kind));
    let (kind, other) = (found.next(), found.next());
    if let (Some(kind), Some(other)) = (kind, other) {
        let what = format!(
            "`{kind}` and `{other}` are two things: put each into a table of its own, `when = [{{ … }}, {{ … }}]`"
        );
        return Err(section.error(what));
    }
    let event = match kind {
        Some("topic") => read_topic(&mut section, condition.is_some())?,
        Some("at") => read_at(&mut section)?,
        Some("every") => {
            let field = section.need("every", "an interval")?;
            let every = read_any_span(&field)?;
            if every < MIN_EVERY {
                return Err(field.error("a second at least"));
            }
            Event::Every(every)
        }
        Some("device") => read_device(&mut section)?,
        Some("host") => read_host(&mut section)?,
        _ => {
            let what = "`when` has none of `topic`, `at`, `every`, `device` and `host`, which say what has to happen";
            return Err(section.error(what.to_owned()));
        }
    };
    section.finish()?;
    Ok(When { event, condition })
}

fn read_topic(section: &mut Section<'_>, is_conditional: bool) -> Result<Event, ConfigError> {
    let matching = match section.get("match") {
        Some(field) => field.text("\"exact\", \"prefix\" or \"wildcard\"", read_match)?,
        None => Match::Exact,
    };
    let uri = read_uri(&section.need("topic", "a topic")?, matching)?;
    let held = match section.get("for") {
        Some(field) if !is_conditional => {
            return Err(field.error("left out where there is no `if`, which could hold for so long"));
        }
        Some(field) => read_any_span(&field)?,
        None => Duration::ZERO,
    };
    let crossing = match section.get("crossing") {
        Some(field) => match field.boolean()? {
            true if !is_conditional => {
                return Err(field.error("false where there is no `if`, which could begin to hold"));
            }
            crossing => crossing,
        },
        None => false,
    };
    let stale = match section.get("stale") {
        Some(field) if held.is_zero() => return Err(field.error("left out where there is no `for`")),
        Some(field) => Some(read_any_span(&field)?),
        None => None,
    };
    Ok(Event::Topic(Topic {
        uri,
        matching,
        crossing,
        held,
        stale,
    }))
}

fn read_at(section: &mut Section<'_>) -> Result<Event, ConfigError> {
    let time = read_clock(&section.need("at", "a time of day")?)?;
    let days = section.get("days").map(|field| read_days(&field)).transpose()?;
    let late = section
        .get("late")
        .map(|field| read_span(&field, MAX_LATE))
        .transpose()?;
    Ok(Event::At {
        time,
        days: days.unwrap_or(Days::ALL),
        late: late.unwrap_or(DEFAULT_LATE),
    })
}

fn read_device(section: &mut Section<'_>) -> Result<Event, ConfigError> {
    let device = section
        .need("device", "the name or id of a paired device")?
        .short(MAX_NAME)?;
    let accepted = "\"present\" or \"absent\"";
    let is_present = section.need("is", accepted)?.text(accepted, |word| match word {
        "present" => Some(true),
        "absent" => Some(false),
        _ => None,
    })?;
    let held = read_held(section)?;
    Ok(Event::Device {
        device,
        is_present,
        held,
    })
}

fn read_held(section: &mut Section<'_>) -> Result<Duration, ConfigError> {
    let held = section.get("for").map(|field| read_any_span(&field)).transpose()?;
    Ok(held.unwrap_or_default())
}

fn read_host(section: &mut Section<'_>) -> Result<Event, ConfigError> {
    let accepted = "\"load\", \"load.5\", \"load.15\", \"memory.percent\", \"memory.available\", \"disk./.percent\" or \
                    \"disk./.free\" with any mount point, \"temperature\" or \"temperature.SENSOR\"";
    let reading = section.need("host", accepted)?.text(accepted, Reading::of)?;
    let (above, below) = (section.get("above"), section.get("below"));
    let (side, field) = match (above, below) {
        (Some(field), None) => (Side::Above, field),
        (None, Some(field)) => (Side::Below, field),
        _ => {
            return Err(section.lacks(format!(
                "`host` needs either `above` or `below`, the threshold of {reading}"
            )));
        }
    };
    let threshold = read_number(&field, reading.is_bytes())?;
    let hysteresis = match section.get("hysteresis") {
        Some(field) => {
            let number = read_number(&field, reading.is_bytes())?;
            if number.0 < 0.0 {
                return Err(field.error("0 or more"));
            }
            number
        }
        // A twentieth is more than a figure trembles.
        None => Number(threshold.0.abs() / 20.0),
    };
    let held = read_held(section)?;
    Ok(Event::Host {
        reading,
        side,
        threshold,
        hysteresis,
        held,
    })
}
