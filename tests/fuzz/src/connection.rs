//! A connection whose one end sends the input, in two parts, and the other end reads it.

use std::future::Future;
use std::thread_local;

use link::{Link, ReadError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::runtime::Runtime;
use wamp::message::Message;

thread_local! {
    static RUNTIME: Runtime =
        tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime can be made");
}

/// How reading ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// In order.
    Closed,
    /// The input broke a rule.
    Violation,
    /// The input broke off.
    Lost,
}

/// What became of an input.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) messages: Vec<Message>,
    /// Nothing if there was not even a link.
    pub(crate) end: Option<End>,
    /// What was sent back.
    pub(crate) answers: Vec<u8>,
}

/// Sends `data` and reads it with the link that `open` makes. The first byte says where the input is cut in two.
pub(crate) fn serve<F, O>(data: &[u8], open: O) -> Outcome
where
    F: Future<Output = Option<Link>>,
    O: FnOnce(UnixStream) -> F,
{
    let (cut, data) = data
        .split_first()
        .map_or((0, data), |(cut, data)| (usize::from(*cut).min(data.len()), data));
    RUNTIME.with(|runtime| runtime.block_on(exchange(data.split_at(cut), open)))
}

async fn exchange<F, O>((first, second): (&[u8], &[u8]), open: O) -> Outcome
where
    F: Future<Output = Option<Link>>,
    O: FnOnce(UnixStream) -> F,
{
    let (mut peer, stream) = UnixStream::pair().expect("a pair of sockets can be made");
    let send = async {
        // The other end may have had enough.
        let _ = peer.write_all(first).await;
        tokio::task::yield_now().await;
        let _ = peer.write_all(second).await;
        let _ = peer.shutdown().await;
        let mut answers = Vec::new();
        let mut chunk = [0; 4096];
        // An end that closes with unread input resets the connection.
        while let Ok(count @ 1..) = peer.read(&mut chunk).await {
            answers.extend_from_slice(&chunk[..count]);
        }
        answers
    };
    let receive = async {
        let mut messages = Vec::new();
        let Some(mut link) = open(stream).await else {
            return (messages, None);
        };
        let end = loop {
            match link.reader.next().await {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break End::Closed,
                Err(ReadError::Violation(violation)) => {
                    assert!(!violation.sentence.is_empty());
                    break End::Violation;
                }
                Err(ReadError::Io(_)) => break End::Lost,
            }
        };
        assert!(
            matches!(link.reader.next().await, Ok(None)),
            "nothing comes after the end"
        );
        // What was answered is to be seen: it is sent, and nothing stays unread, which would destroy it.
        let _ = link.writer.close().await;
        link.reader.drain().await;
        (messages, Some(end))
    };
    let (answers, (messages, end)) = tokio::join!(send, receive);
    Outcome { messages, end, answers }
}
