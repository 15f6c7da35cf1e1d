//! Calls whose arguments come in parts, at both ends (WAMP specification, "Progressive Call Invocations"); how fast they may
//! come is in `docs/BACKPRESSURE.md`.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::mpsc;
use wamp::error::CANCELED;
use wamp::id::{RegistrationId, RequestId};
use wamp::message::{
    self, CallOptions, Cancel, CancelMode, CancelOptions, Flow, Message, RegisterOptions, Yield, YieldOptions,
};
use wamp::payload::Payload;
use wamp::uri::Uri;

use crate::args::Args;
use crate::call::Call;
use crate::credit::{Credit, Window};
use crate::error::{Error, RequestError};
use crate::invocation::{InParts, Invocation, Reply};
use crate::session::Session;
use crate::table::Table;

/// Parts that wait at a callee: what it grants ahead of what its handler has taken.
pub(crate) const PARTS: u32 = 64;

/// Sends the further parts of a call. Dropping it before the last one cancels the call.
///
/// ```no_run
/// # async fn example(session: deskconn_client::Session) -> Result<(), deskconn_client::Error> {
/// use deskconn_client::CallOptions;
///
/// let options = CallOptions::default();
/// let (mut parts, call) = session.start_call_in_parts("com.example.store", ["first".into()], options).await?;
/// parts.send(["second".into()]).await?;
/// parts.finish(["last".into()]).await?;
/// let stored = call.result().await?;
/// # drop(stored); Ok(()) }
/// ```
#[derive(Debug)]
pub struct PartSender {
    session: Session,
    request: RequestId,
    procedure: Uri,
    /// What the callee takes, where the router sees to that.
    credit: Option<Credit>,
    is_finished: bool,
}

impl PartSender {
    /// Sends one more, as soon as the callee takes it.
    ///
    /// # Errors
    /// The call has ended: what came of it is at its [`Call`]. Or the part cannot be sent in this session's serializer.
    pub async fn send(&mut self, part: impl Into<Args>) -> Result<(), Error> {
        self.pass(part.into(), true).await
    }

    /// Sends the last one.
    ///
    /// # Errors
    /// As [`PartSender::send`].
    pub async fn finish(mut self, part: impl Into<Args>) -> Result<(), Error> {
        self.pass(part.into(), false).await?;
        self.is_finished = true;
        Ok(())
    }

    async fn pass(&self, part: Args, progress: bool) -> Result<(), Error> {
        let payload = part.encode(self.session.0.serializer)?;
        if let Some(credit) = &self.credit
            && !credit.spend().await
        {
            return Err(over());
        }
        let call = |table: &mut Table| {
            if !table.has_call(self.request) {
                return Err(table.closed().map_or_else(over, |closed| Error::Closed(closed.clone())));
            }
            let call = message::Call {
                request: self.request,
                options: CallOptions {
                    progress,
                    ..CallOptions::default()
                },
                procedure: self.procedure.clone(),
                payload,
            };
            Ok((Message::Call(call), ()))
        };
        self.session.request(call).await
    }
}

fn over() -> Error {
    RequestError::new(CANCELED, "the call has ended, it takes no further parts").into()
}

impl Drop for PartSender {
    fn drop(&mut self) {
        if !self.is_finished && self.session.table().has_call(self.request) {
            self.session.send_soon(stop(self.request));
        }
    }
}

/// What ends a call in parts of which no more come.
pub(crate) const fn stop(request: RequestId) -> Message {
    Message::Cancel(Cancel {
        request,
        options: CancelOptions {
            mode: CancelMode::KillNoWait,
        },
    })
}

impl Session {
    /// Makes a call whose arguments come in parts, with the first of them; results may come between them. Where the router
    /// announces `x_progress_credit`, parts go no faster than the callee takes them.
    ///
    /// # Errors
    /// The session has ended, or the part cannot be sent.
    pub async fn start_call_in_parts(
        &self,
        procedure: &str,
        first: impl Into<Args>,
        mut options: CallOptions,
    ) -> Result<(PartSender, Call), Error> {
        options.progress = true;
        let credit = self.router_does("dealer", "x_progress_credit").then(Credit::default);
        if credit.is_some() {
            let flow = options.flow.get_or_insert_default();
            flow.await_credit = true;
        }
        let call = self
            .begin_with(procedure, first.into(), options, credit.clone())
            .await?;
        let parts = PartSender {
            session: self.clone(),
            request: call.request(),
            procedure: Uri::from(procedure),
            credit,
            is_finished: false,
        };
        Ok((parts, call))
    }
}

impl Session {
    /// Offers procedures that take the arguments of a call in parts, too: [`Invocation::parts`] has those after the first. A
    /// call in parts for any other procedure of this session is refused.
    ///
    /// # Errors
    /// The router refuses, or the session has ended.
    pub async fn register_in_parts<F, R>(
        &self,
        procedure: &str,
        options: RegisterOptions,
        handler: F,
    ) -> Result<RegistrationId, Error>
    where
        F: Fn(Invocation) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Reply, RequestError>> + Send + 'static,
    {
        let handler = Arc::new(InParts(handler));
        let registered = self.ask_to_register(procedure, options, handler).await?;
        self.wait(registered).await
    }
}

/// The further parts of a call that a handler serves, in their order.
#[derive(Debug)]
pub struct PartReceiver {
    request: RequestId,
    outgoing: mpsc::WeakSender<Message>,
    parts: mpsc::Receiver<Args>,
    /// What was granted, where the caller waits for that.
    window: Option<Window>,
}

impl PartReceiver {
    /// For an invocation that begins; and where its further parts go.
    pub(crate) fn new(
        request: RequestId,
        outgoing: mpsc::WeakSender<Message>,
        awaits_credit: bool,
    ) -> (mpsc::Sender<Args>, Self) {
        let (sender, parts) = mpsc::channel(PARTS as usize);
        // All of the room is to be granted, as if it had just been taken.
        let window = awaits_credit.then(|| Window::empty(PARTS));
        let receiver = Self {
            request,
            outgoing,
            parts,
            window,
        };
        (sender, receiver)
    }

    /// The next part; `None` after the last. May be dropped and called again.
    pub async fn next(&mut self) -> Option<Args> {
        self.grant().await;
        let part = self.parts.recv().await?;
        if let Some(window) = &mut self.window {
            window.take();
        }
        Some(part)
    }

    async fn grant(&mut self) {
        let Some(window) = &mut self.window else { return };
        let Some(Flow { credit, .. }) = window.due() else {
            return;
        };
        let options = YieldOptions {
            progress: true,
            credit,
            ..YieldOptions::default()
        };
        let grant = Message::Yield(Yield {
            request: self.request,
            options,
            payload: Payload::EMPTY,
        });
        // Of a session that has ended nothing comes any more.
        if let Some(outgoing) = self.outgoing.upgrade()
            && outgoing.send(grant).await.is_ok()
        {
            window.granted(credit);
        }
    }
}
