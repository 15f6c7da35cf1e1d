//! Serving calls: what a handler gets and what it may answer.

use std::future::Future;
use std::pin::Pin;

use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use wamp::codec::Serializer;
use wamp::error::Unconvertible;
use wamp::id::RequestId;
use wamp::message::{Message, Origin, Yield, YieldOptions};
use wamp::payload::ArgumentsError;
use wamp::uri::Uri;
use wamp::value::{Dict, Value};

use crate::args::{Args, to};
use crate::credit::Credit;
use crate::error::RequestError;
use crate::parts::PartReceiver;

/// A call that a handler serves.
#[derive(Debug)]
pub struct Invocation {
    /// Positional arguments.
    pub args: Vec<Value>,
    /// Keyword arguments.
    pub kwargs: Dict,
    /// Who called, where that is disclosed.
    pub caller: Option<Origin>,
    /// The procedure, for registrations by pattern.
    pub procedure: Option<Uri>,
    /// Where intermediate results go, if the caller takes them.
    pub progress: Option<Progress>,
    /// The further parts of a call that comes in parts, for a handler of [`Session::register_in_parts`]; `args` and `kwargs`
    /// are its first one.
    ///
    /// [`Session::register_in_parts`]: crate::Session::register_in_parts
    pub parts: Option<PartReceiver>,
}

impl Invocation {
    /// The positional arguments as the program's own type, usually a tuple. What they are not, the caller is told with `?`.
    ///
    /// ```no_run
    /// # async fn example(session: deskconn_client::Session) -> Result<(), deskconn_client::Error> {
    /// session.register("com.example.add", |call| async move {
    ///     let (a, b): (i64, i64) = call.to()?;
    ///     Ok(deskconn_client::Value::from(a + b).into())
    /// }).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// The arguments are of other types, or fewer, or more.
    pub fn to<T: DeserializeOwned>(&self) -> Result<T, ArgumentsError> {
        to(&self.args)
    }
}

/// Sends intermediate results.
#[derive(Debug)]
pub struct Progress {
    pub(crate) request: RequestId,
    pub(crate) serializer: Serializer,
    pub(crate) outgoing: mpsc::WeakSender<Message>,
    pub(crate) credit: Option<Credit>,
}

impl Progress {
    /// Sends one, as soon as the caller takes it, if it says how many it takes ([`Flow`](crate::Flow)). When the session has
    /// ended it goes nowhere: the handler is about to be stopped.
    ///
    /// # Errors
    /// The result cannot be sent in this session's serializer.
    pub async fn send(&self, result: impl Into<Args>) -> Result<(), Unconvertible> {
        let payload = result.into().encode(self.serializer)?;
        if let Some(credit) = &self.credit {
            credit.spend().await;
        }
        let options = YieldOptions {
            progress: true,
            ..YieldOptions::default()
        };
        if let Some(outgoing) = self.outgoing.upgrade() {
            let _ = outgoing
                .send(Message::Yield(Yield {
                    request: self.request,
                    options,
                    payload,
                }))
                .await;
        }
        Ok(())
    }
}

/// What a handler answers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reply(pub Args);

impl<T: Into<Args>> From<T> for Reply {
    fn from(args: T) -> Self {
        Self(args.into())
    }
}

/// The future of a handler.
pub(crate) type Serving = Pin<Box<dyn Future<Output = Result<Reply, RequestError>> + Send>>;

/// A function that serves calls.
pub(crate) trait Handler: Send + Sync {
    fn serve(&self, invocation: Invocation) -> Serving;

    /// Whether it takes the arguments of a call in parts.
    fn takes_parts(&self) -> bool {
        false
    }
}

/// A function that takes the arguments of calls in parts.
pub(crate) struct InParts<F>(pub(crate) F);

impl<F: Handler> Handler for InParts<F> {
    fn serve(&self, invocation: Invocation) -> Serving {
        self.0.serve(invocation)
    }

    fn takes_parts(&self) -> bool {
        true
    }
}

impl std::fmt::Debug for dyn Handler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handler")
    }
}

impl<F, R> Handler for F
where
    F: Fn(Invocation) -> R + Send + Sync,
    R: Future<Output = Result<Reply, RequestError>> + Send + 'static,
{
    fn serve(&self, invocation: Invocation) -> Serving {
        Box::pin(self(invocation))
    }
}
