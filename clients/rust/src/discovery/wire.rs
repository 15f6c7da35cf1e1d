//! The packets of mDNS (RFC 1035 §4, RFC 6762 §18): read with bounds, written without compression.
//!
//! It knows nothing of who asks or answers. What is malformed is refused as a whole.

use std::fmt;

/// The longest packet that is read (RFC 6762 §17).
pub const MAX_PACKET: usize = 9000;

/// The longest name and label (RFC 1035 §2.3.4).
pub const MAX_NAME: usize = 255;
/// The longest label.
pub const MAX_LABEL: usize = 63;

/// Record types: an IPv4 address, a pointer, a text, an IPv6 address, a server, and in questions any of them.
pub mod kind {
    /// An IPv4 address.
    pub const A: u16 = 1;
    /// A pointer to a name.
    pub const PTR: u16 = 12;
    /// Keys and values.
    pub const TXT: u16 = 16;
    /// An IPv6 address.
    pub const AAAA: u16 = 28;
    /// Priority, weight, port and host (RFC 2782).
    pub const SRV: u16 = 33;
    /// Questions only: whatever there is.
    pub const ANY: u16 = 255;
}

const IN: u16 = 1;
const CLASS_ANY: u16 = 255;

/// In a record's class: it replaces what is cached (RFC 6762 §10.2). In a question's: answer me alone (§5.4).
const TOP_BIT: u16 = 0x8000;

const RESPONSE: u8 = 0x80;
const AUTHORITATIVE: u8 = 0x04;
const TRUNCATED: u8 = 0x02;

/// Compression pointers followed in one name; an honest packet needs a handful.
const MAX_POINTERS: usize = 16;

/// A name in the form of the wire. Two names are equal when they differ in the case of ASCII letters only.
#[derive(Clone)]
pub struct Name(Vec<u8>);

impl Name {
    /// Puts labels together; `None` when one is empty or too long, or all of them are.
    pub fn new<'a>(labels: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut bytes = Vec::with_capacity(64);
        for label in labels {
            let length = u8::try_from(label.len())
                .ok()
                .filter(|_| (1..=MAX_LABEL).contains(&label.len()))?;
            bytes.push(length);
            bytes.extend_from_slice(label.as_bytes());
        }
        bytes.push(0);
        (bytes.len() <= MAX_NAME).then_some(Self(bytes))
    }

    /// `<instance>.<type>.local`, where the instance is one label whatever dots it has.
    #[must_use]
    pub fn of_instance(instance: &str, service_type: &str) -> Option<Self> {
        Self::new([instance].into_iter().chain(service_type.split('.')).chain(["local"]))
    }

    /// The bytes on the wire.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq for Name {
    /// Lengths of labels are below 64, so no length is mistaken for a letter.
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Name {}

impl fmt::Debug for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

/// A question of class IN or ANY.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// About which name.
    pub name: Name,
    /// For which type of record.
    pub kind: u16,
    /// Whether the answer may go to the asking host alone.
    pub wants_unicast: bool,
}

/// A record of class IN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The name it belongs to.
    pub name: Name,
    /// Its type.
    pub kind: u16,
    /// Whether one host alone has it, so that it replaces what is cached.
    pub is_unique: bool,
    /// Seconds it lives.
    pub ttl: u32,
    /// Its content, with names in it written out.
    pub data: Vec<u8>,
}

/// A packet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Zero, except in questions from other ports and their answers (RFC 6762 §6.7).
    pub id: u16,
    /// Whether it answers.
    pub is_response: bool,
    /// Whether more known answers follow (RFC 6762 §7.2).
    pub is_truncated: bool,
    /// What is asked.
    pub questions: Vec<Question>,
    /// Answers, or in a question what is known already.
    pub answers: Vec<Record>,
    /// In a probe, what is going to be claimed.
    pub authority: Vec<Record>,
    /// What may be asked for next.
    pub additional: Vec<Record>,
}

impl Message {
    /// Reads a packet; `None` when it is malformed or of another kind than a question or answer.
    #[must_use]
    pub fn read(packet: &[u8]) -> Option<Self> {
        let (high, low) = (*packet.get(2)?, *packet.get(3)?);
        // Other operations and error codes are ignored (RFC 6762 §18.3 and §18.11).
        if packet.len() > MAX_PACKET || high & 0x78 != 0 || low & 0x0f != 0 {
            return None;
        }
        let mut reader = Reader { packet, at: 12 };
        let mut message = Self {
            id: number(packet, 0)?,
            is_response: high & RESPONSE != 0,
            is_truncated: high & TRUNCATED != 0,
            ..Self::default()
        };
        for _ in 0..number(packet, 4)? {
            message.questions.extend(reader.question()?);
        }
        for (count_at, section) in [
            (6, &mut message.answers),
            (8, &mut message.authority),
            (10, &mut message.additional),
        ] {
            for _ in 0..number(packet, count_at)? {
                section.extend(reader.record()?);
            }
        }
        Some(message)
    }

    /// Writes the packet.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let mut packet = Vec::with_capacity(512);
        packet.extend_from_slice(&self.id.to_be_bytes());
        let response = if self.is_response { RESPONSE | AUTHORITATIVE } else { 0 };
        packet.push(response | if self.is_truncated { TRUNCATED } else { 0 });
        packet.push(0);
        let sections = [&self.answers, &self.authority, &self.additional];
        for count in [self.questions.len()].into_iter().chain(sections.map(Vec::len)) {
            packet.extend_from_slice(&u16::try_from(count).unwrap_or(u16::MAX).to_be_bytes());
        }
        for question in &self.questions {
            packet.extend_from_slice(question.name.bytes());
            packet.extend_from_slice(&question.kind.to_be_bytes());
            let class = IN | if question.wants_unicast { TOP_BIT } else { 0 };
            packet.extend_from_slice(&class.to_be_bytes());
        }
        for record in sections.into_iter().flatten() {
            record.write(&mut packet);
        }
        packet
    }
}

impl Record {
    /// Bytes it takes in a packet.
    #[must_use]
    pub fn size(&self) -> usize {
        self.name.bytes().len() + 10 + self.data.len()
    }

    fn write(&self, packet: &mut Vec<u8>) {
        packet.extend_from_slice(self.name.bytes());
        packet.extend_from_slice(&self.kind.to_be_bytes());
        packet.extend_from_slice(&(IN | if self.is_unique { TOP_BIT } else { 0 }).to_be_bytes());
        packet.extend_from_slice(&self.ttl.to_be_bytes());
        packet.extend_from_slice(&u16::try_from(self.data.len()).unwrap_or(u16::MAX).to_be_bytes());
        packet.extend_from_slice(&self.data);
    }
}

struct Reader<'a> {
    packet: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    /// The next question; the outer `None` is malformed, the inner one of another class.
    fn question(&mut self) -> Option<Option<Question>> {
        let (name, kind, class) = self.start()?;
        let is_ours = matches!(class & !TOP_BIT, IN | CLASS_ANY);
        Some(is_ours.then_some(Question {
            name,
            kind,
            wants_unicast: class & TOP_BIT != 0,
        }))
    }

    /// The next record; the outer `None` is malformed, the inner one of another class.
    fn record(&mut self) -> Option<Option<Record>> {
        let (name, kind, class) = self.start()?;
        let ttl = (u32::from(self.number()?) << 16) | u32::from(self.number()?);
        let end = usize::from(self.number()?).checked_add(self.at)?;
        let raw = self.packet.get(self.at..end)?;
        // A name inside may point elsewhere in the packet; written out it can be compared.
        let data = match kind {
            kind::PTR => read_name(self.packet, self.at)?.0.0,
            kind::SRV => [raw.get(..6)?, read_name(self.packet, self.at + 6)?.0.bytes()].concat(),
            _ => raw.to_vec(),
        };
        self.at = end;
        let is_ours = class & !TOP_BIT == IN;
        Some(is_ours.then_some(Record {
            name,
            kind,
            is_unique: class & TOP_BIT != 0,
            ttl,
            data,
        }))
    }

    fn start(&mut self) -> Option<(Name, u16, u16)> {
        let (name, after) = read_name(self.packet, self.at)?;
        self.at = after;
        Some((name, self.number()?, self.number()?))
    }

    fn number(&mut self) -> Option<u16> {
        let number = number(self.packet, self.at)?;
        self.at += 2;
        Some(number)
    }
}

fn number(packet: &[u8], at: usize) -> Option<u16> {
    let bytes = packet.get(at..at.checked_add(2)?)?;
    Some(u16::from_be_bytes(bytes.try_into().ok()?))
}

/// A name with its pointers followed, and where the packet goes on behind it.
fn read_name(packet: &[u8], start: usize) -> Option<(Name, usize)> {
    let (mut name, mut at, mut end) = (Vec::new(), start, None);
    for _ in 0..MAX_POINTERS {
        while let length @ 1..=63 = *packet.get(at)? {
            let label = packet.get(at..=at + usize::from(length))?;
            name.extend_from_slice(label);
            at += label.len();
            if name.len() >= MAX_NAME {
                return None;
            }
        }
        match *packet.get(at)? {
            0 => {
                name.push(0);
                return Some((Name(name), end.unwrap_or(at + 1)));
            }
            length if length & 0xc0 == 0xc0 => {
                end = end.or(Some(at + 2));
                at = usize::from(number(packet, at)? & 0x3fff);
            }
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
