//! Where the writers of all formats put their bytes.

use bytes::{BufMut as _, BytesMut};

/// Bytes that are gathered before they are put behind the rest: the most that a small message has without its arguments,
/// and these too if they are short.
const FEW: usize = 128;

/// The end of a buffer, with the last few bytes beside it: a message is written in ten pieces of a few bytes, and each
/// piece that is put into a [`BytesMut`] costs as much as forty bytes do.
#[derive(Debug)]
pub(super) struct Sink<'a> {
    out: &'a mut BytesMut,
    few: [u8; FEW],
    used: usize,
}

impl<'a> Sink<'a> {
    pub(super) const fn new(out: &'a mut BytesMut) -> Self {
        Self {
            out,
            few: [0; FEW],
            used: 0,
        }
    }

    /// Puts bytes whose number is known when this is compiled.
    #[inline]
    pub(super) fn put_array<const N: usize>(&mut self, bytes: [u8; N]) {
        if FEW - self.used < N {
            self.settle();
        }
        self.few[self.used..self.used + N].copy_from_slice(&bytes);
        self.used += N;
    }

    /// A place for the next `length` bytes, which are few.
    #[inline]
    pub(super) fn place(&mut self, length: usize) -> &mut [u8] {
        if FEW - self.used < length {
            self.settle();
        }
        self.used += length;
        &mut self.few[self.used - length..self.used]
    }

    #[inline]
    pub(super) fn put(&mut self, bytes: &[u8]) {
        let Some(place) = self.few.get_mut(self.used..self.used + bytes.len()) else {
            return self.put_many(bytes);
        };
        place.copy_from_slice(bytes);
        self.used += bytes.len();
    }

    /// Puts what has no place among the few.
    #[inline(never)]
    fn put_many(&mut self, bytes: &[u8]) {
        self.settle();
        self.out.put_slice(bytes);
    }

    /// The bytes of the whole buffer so far, of which none is missing from it then.
    pub(super) fn settled(&mut self) -> &mut BytesMut {
        self.settle();
        self.out
    }

    /// How many bytes there are.
    pub(super) fn len(&self) -> usize {
        self.out.len() + self.used
    }

    fn settle(&mut self) {
        self.out.put_slice(&self.few[..self.used]);
        self.used = 0;
    }
}

impl Drop for Sink<'_> {
    fn drop(&mut self) {
        self.settle();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_in_their_order_wherever_the_few_end() {
        for before in 0..=FEW {
            for long in [0, 1, FEW - 1, FEW, FEW + 1] {
                let mut out = BytesMut::from(&b"before"[..]);
                let mut sink = Sink::new(&mut out);
                (0..before).for_each(|_| sink.put_array([b'a']));
                sink.put(&vec![b'b'; long]);
                sink.put_array(*b"cc");
                sink.place(3).copy_from_slice(b"ddd");
                assert_eq!(sink.len(), 6 + before + long + 5);
                sink.settled()[0] = b'B';
                sink.put_array([b'e']);
                drop(sink);
                let expected = ["Before", &"a".repeat(before), &"b".repeat(long), "ccddde"].concat();
                assert_eq!(out, expected.as_bytes());
            }
        }
    }
}
