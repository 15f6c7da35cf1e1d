//! The elements of a message, written one after the other: what every message is encoded with.

use super::{Apart, Serializer, Write, cbor, json, msgpack, transcode, values};
use crate::error::Unconvertible;
use crate::payload::Payload;
use crate::uri::Uri;
use crate::value::Dict;

/// The elements of a message, written one after the other.
pub(super) struct Elements<'a, W> {
    pub(super) writer: &'a mut W,
    serializer: Serializer,
    /// From how many bytes on arguments are not copied.
    least: usize,
    /// What was not copied.
    pub(super) apart: Option<Apart>,
}

impl<'a, W: Write> Elements<'a, W> {
    pub(super) const fn new(writer: &'a mut W, serializer: Serializer, least: usize) -> Self {
        Self {
            writer,
            serializer,
            least,
            apart: None,
        }
    }

    /// A message of `elements` elements behind its code.
    pub(super) fn write(
        &mut self,
        elements: usize,
        code: u64,
        rest: impl FnOnce(&mut Self) -> Result<(), Unconvertible>,
    ) -> Result<(), Unconvertible> {
        self.with_payload(elements, code, &Payload::EMPTY, rest)
    }

    pub(super) fn with_payload(
        &mut self,
        elements: usize,
        code: u64,
        payload: &Payload,
        rest: impl FnOnce(&mut Self) -> Result<(), Unconvertible>,
    ) -> Result<(), Unconvertible> {
        let mark = self.writer.array(Some(1 + elements + usize::from(payload.elements)));
        self.writer.uint(code);
        rest(self)?;
        self.payload(payload)?;
        self.writer.end_array(mark, None);
        Ok(())
    }

    /// A message of ids alone.
    pub(super) fn ids(&mut self, code: u64, ids: &[u64]) -> Result<(), Unconvertible> {
        self.write(ids.len(), code, |out| {
            for &id in ids {
                out.id(id);
            }
            Ok(())
        })
    }

    pub(super) fn id(&mut self, id: u64) {
        self.writer.uint(id);
    }

    pub(super) fn uri(&mut self, uri: &Uri) -> Result<(), Unconvertible> {
        self.writer.argument(uri.as_str())
    }

    pub(super) fn dict(&mut self, dict: &Dict) -> Result<(), Unconvertible> {
        values::write_dict(self.writer, dict)
    }

    fn payload(&mut self, payload: &Payload) -> Result<(), Unconvertible> {
        if payload.elements == 0 {
            return Ok(());
        }
        let bytes = &payload.bytes;
        if payload.serializer == self.serializer {
            if bytes.len() < self.least {
                self.writer.raw(bytes);
            } else {
                self.apart = Some(Apart {
                    at: self.writer.gap(),
                    bytes: bytes.clone(),
                });
            }
            return Ok(());
        }
        match payload.serializer {
            Serializer::Json => transcode::elements(json::Reader::of_checked(bytes), self.writer, payload.elements),
            Serializer::MessagePack => transcode::elements(
                msgpack::Reader::new(bytes, &super::CHECKED),
                self.writer,
                payload.elements,
            ),
            Serializer::Cbor => {
                transcode::elements(cbor::Reader::new(bytes, &super::CHECKED), self.writer, payload.elements)
            }
        }
    }
}
