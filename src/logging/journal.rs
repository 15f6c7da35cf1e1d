//! Entries for systemd's journal with their fields, in its own protocol (systemd, "Native Journal Protocol").
//!
//! The message is the line that the text form has, so that `journalctl` shows all of it; the same fields stand beside it,
//! to look for: `journalctl DESKCONN_AUTHID=d_…`.

use std::fmt::{self, Write as _};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixDatagram;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

const SOCKET: &str = "/run/systemd/journal/socket";

/// What the names of our fields begin with, as the journal has names of its own.
const PREFIX: &str = "DESKCONN_";

/// Bytes of a value; longer ones are cut. A datagram takes 200 KiB, and no sentence of ours comes near this.
const MAX_VALUE: usize = 8 << 10;

/// Fields of an entry beyond which none is added: we have no more than a dozen.
const MAX_FIELDS: usize = 32;

/// Whether the standard error leads to the journal already (systemd.exec(5), `$JOURNAL_STREAM`).
pub(super) fn is_standard_error() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else {
        return false;
    };
    std::fs::metadata("/proc/self/fd/2").is_ok_and(|it| stream == format!("{}:{}", it.dev(), it.ino()))
}

/// The way to the journal.
#[derive(Debug)]
pub(super) struct Journal(UnixDatagram);

impl Journal {
    /// # Errors
    /// There is no journal here, or it is not to be reached.
    pub(super) fn open() -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.connect(SOCKET)?;
        // Who logs must not wait for the journal.
        socket.set_nonblocking(true)?;
        Ok(Self(socket))
    }
}

/// The fields of a span or an event.
#[derive(Debug, Default)]
struct Fields {
    message: String,
    others: Vec<(&'static str, String)>,
}

impl Fields {
    fn put(&mut self, name: &'static str, value: String) {
        if name == "message" {
            self.message = value;
        } else if let Some(known) = self.others.iter_mut().find(|(known, _)| *known == name) {
            known.1 = value;
        } else if self.others.len() < MAX_FIELDS {
            self.others.push((name, value));
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field.name(), format!("{value:?}"));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Journal {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut line = std::mem::take(&mut fields.message);
        for (name, value) in &fields.others {
            let _ = write!(line, " {name}={value}");
        }
        for span in context.event_scope(event).into_iter().flatten() {
            let extensions = span.extensions();
            let Some(outer) = extensions.get::<Fields>() else {
                continue;
            };
            for (name, value) in &outer.others {
                if !fields.others.iter().any(|(known, _)| known == name) {
                    let _ = write!(line, " {name}={value}");
                    fields.put(name, value.clone());
                }
            }
        }
        let metadata = event.metadata();
        let entry = entry(*metadata.level(), metadata.target(), &line, &fields.others);
        // What the journal does not take is lost: there is nowhere to tell that.
        let _ = self.0.send(&entry);
    }
}

/// An entry as the journal takes it.
fn entry(level: Level, target: &str, line: &str, fields: &[(&'static str, String)]) -> Vec<u8> {
    let mut entry = Vec::new();
    append(&mut entry, "PRIORITY", priority(level));
    append(&mut entry, "SYSLOG_IDENTIFIER", "deskconnd");
    append(&mut entry, "TARGET", target);
    append(&mut entry, "MESSAGE", line);
    for (name, value) in fields {
        let letter = |byte: u8| match byte {
            b'a'..=b'z' | b'0'..=b'9' => byte.to_ascii_uppercase() as char,
            _ => '_',
        };
        let name: String = PREFIX.chars().chain(name.bytes().map(letter)).collect();
        append(&mut entry, &name, value);
    }
    entry
}

/// What the levels are to syslog (RFC 5424, section 6.2.1).
const fn priority(level: Level) -> &'static str {
    match level {
        Level::ERROR => "3",
        Level::WARN => "4",
        Level::INFO => "6",
        Level::DEBUG | Level::TRACE => "7",
    }
}

/// A field; one whose value has several lines has its length before it.
fn append(entry: &mut Vec<u8>, name: &str, value: &str) {
    let value = &value.as_bytes()[..value.floor_char_boundary(MAX_VALUE)];
    entry.extend_from_slice(name.as_bytes());
    if value.contains(&b'\n') {
        entry.push(b'\n');
        entry.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        entry.push(b'=');
    }
    entry.extend_from_slice(value);
    entry.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_the_line_that_people_read_and_the_fields_that_are_looked_for() {
        let fields = [("authid", "d_abcdefgh".to_owned()), ("peer.name", "a\nb".to_owned())];
        let entry = entry(Level::WARN, "deskconnd", "kept out authid=d_abcdefgh", &fields);
        let expected = [
            b"PRIORITY=4\nSYSLOG_IDENTIFIER=deskconnd\nTARGET=deskconnd\nMESSAGE=kept out authid=d_abcdefgh\n"
                .as_slice(),
            b"DESKCONN_AUTHID=d_abcdefgh\nDESKCONN_PEER_NAME\n\x03\0\0\0\0\0\0\0a\nb\n",
        ];
        assert_eq!(entry, expected.concat());
    }

    #[test]
    fn a_value_is_cut_where_a_letter_ends() {
        let mut field = Vec::new();
        append(&mut field, "X", &"ä".repeat(MAX_VALUE));
        assert_eq!(field.len(), "X=\n".len() + MAX_VALUE);
        let mut field = Vec::new();
        append(&mut field, "X", &format!("a{}", "ä".repeat(MAX_VALUE)));
        assert_eq!(field.len(), "X=\n".len() + MAX_VALUE - 1);
    }

    #[test]
    fn a_field_that_is_recorded_later_takes_the_place_of_the_empty_one() {
        let mut fields = Fields::default();
        for (name, value) in [
            ("peer", "a"),
            ("realm", ""),
            ("realm", "deskconn"),
            ("message", "joined"),
        ] {
            fields.put(name, value.to_owned());
        }
        assert_eq!(fields.message, "joined");
        assert_eq!(
            fields.others,
            [("peer", "a".to_owned()), ("realm", "deskconn".to_owned())]
        );
        for number in 0..MAX_FIELDS {
            fields.put(Box::leak(format!("f{number}").into_boxed_str()), String::new());
        }
        assert_eq!(fields.others.len(), MAX_FIELDS);
    }
}
