//! Lines that a person types, or a program writes into the standard input: bounded, and wiped when they are done with.
//!
//! It asks nothing and understands nothing.

use std::io::{self, BufRead, IsTerminal as _, Read as _};

use tokio::sync::mpsc;
use zeroize::Zeroizing;

pub(crate) use crate::system::forget_typed as forget_early;

/// Bytes of a line that are kept: the longest that means anything is a pairing link of 400.
const MAX_LINE: usize = 1_024;
/// Lines that wait. Whoever writes more waits too.
const WAITING: usize = 4;

/// What is typed from now on. A thread reads it, which ends with the program.
#[derive(Debug)]
pub(crate) struct Typed(mpsc::Receiver<Zeroizing<String>>);

impl Typed {
    /// Begins to read.
    pub(crate) fn begin() -> Self {
        let (sender, lines) = mpsc::channel(WAITING);
        std::thread::spawn(move || {
            let mut stdin = io::stdin().lock();
            while let Ok(Some(line)) = line(&mut stdin) {
                if sender.blocking_send(line).is_err() {
                    return;
                }
            }
        });
        Self(lines)
    }

    /// The next line without its end; `None` when no more can come.
    pub(crate) async fn next(&mut self) -> Option<Zeroizing<String>> {
        self.0.recv().await
    }

    /// The next line, once reading has begun; waits for ever before.
    pub(crate) async fn next_of(typed: &mut Option<Self>) -> Option<Zeroizing<String>> {
        match typed {
            Some(typed) => typed.next().await,
            None => std::future::pending().await,
        }
    }

    /// Throws away what was typed before it was asked for: a key that was hit too early is no answer. What a program
    /// wrote stays, since it cannot see when it is asked.
    pub(crate) fn forget_early(&mut self) {
        forget_early();
        if io::stdin().is_terminal() {
            while self.0.try_recv().is_ok() {}
        }
    }
}

/// A line; of one that is too long the beginning. `None` at the end.
fn line(from: &mut impl BufRead) -> io::Result<Option<Zeroizing<String>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_LINE));
    let count = from.by_ref().take(MAX_LINE as u64).read_until(b'\n', &mut bytes)?;
    if count == 0 {
        return Ok(None);
    }
    if bytes.last() != Some(&b'\n') {
        skip_line(from)?;
    }
    let text = String::from_utf8_lossy(&bytes);
    Ok(Some(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned())))
}

fn skip_line(from: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = from.fill_buf()?;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let (count, is_last) = end.map_or((buffer.len(), buffer.is_empty()), |end| (end + 1, true));
        from.consume(count);
        if is_last {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        let mut from = text.as_bytes();
        let next = || line(&mut from).unwrap().map(|line| line.to_string());
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn lines_come_without_their_ends() {
        assert_eq!(lines("y\r\n\n slides \nlast"), ["y", "", " slides ", "last"]);
        assert!(lines("").is_empty());
    }

    #[test]
    fn a_line_of_the_limit_is_whole_and_of_a_longer_one_the_rest_is_skipped() {
        let whole = "x".repeat(MAX_LINE);
        for longer in [
            whole.clone(),
            format!("{whole}y"),
            format!("{whole}{}", "y".repeat(100_000)),
        ] {
            assert_eq!(lines(&format!("{longer}\nnext\n")), [whole.as_str(), "next"]);
        }
        let short = "x".repeat(MAX_LINE - 1);
        assert_eq!(lines(&format!("{short}\nnext")), [short.as_str(), "next"]);
    }
}
