//! Calls: made, listened to while they are served, cancelled.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use wamp::error::TIMEOUT;
use wamp::id::RequestId;
use wamp::message::{self, CallOptions, Cancel, CancelMode, CancelOptions, Message};
use wamp::payload::Payload;
use wamp::uri::Uri;

use crate::args::Args;
use crate::credit::{Credit, Open, Window};
use crate::error::{Error, RequestError};
use crate::session::{Answer, Session};
use crate::table::{Table, WaitingCall};

/// Progressive results that wait for their caller.
const PROGRESS: usize = 64;

/// A call under way. Dropping it cancels it.
///
/// ```no_run
/// # async fn example(session: deskconn_client::Session) -> Result<(), deskconn_client::Error> {
/// use deskconn_client::{CallOptions, CancelMode};
///
/// let options = CallOptions { receive_progress: true, ..CallOptions::default() };
/// let mut call = session.start_call("com.example.search", ["needle".into()], options).await?;
/// let first = call.next().await;              // an intermediate result; `None` after the last
/// let enough = first.is_some();
/// let result = if enough { call.cancel(CancelMode::Kill).await } else { call.result().await };
/// # drop(result); Ok(()) }
/// ```
#[derive(Debug)]
pub struct Call {
    session: Session,
    request: RequestId,
    progress: mpsc::Receiver<Args>,
    result: Answer<Args>,
    /// Set when intermediate results are not taken in time.
    left_out: Arc<AtomicBool>,
    /// What was granted, for a call that says how many intermediate results it takes.
    window: Option<(Window, Uri)>,
}

impl Call {
    /// The next intermediate result, for a call with `receive_progress`; `None` when the last has come, and the result can
    /// be had. Whoever asks for them must take them in time, after two seconds without room the rest is left out, as
    /// [`Call::has_left_out`] says; unless the call says by its `flow` how many it takes. Then its callee sends no more, and gets
    /// room for more from here.
    pub async fn next(&mut self) -> Option<Args> {
        self.grant().await;
        let result = self.progress.recv().await?;
        if let Some((window, _)) = &mut self.window {
            window.take();
        }
        Some(result)
    }

    /// Whether intermediate results were left out, because those before them were not taken in time. It is known when
    /// [`Call::next`] has given `None`.
    #[must_use]
    pub fn has_left_out(&self) -> bool {
        self.left_out.load(Ordering::Acquire)
    }

    pub(crate) const fn request(&self) -> RequestId {
        self.request
    }

    /// Grants what is due. A session that has ended needs none.
    async fn grant(&mut self) {
        let Some((window, procedure)) = &mut self.window else {
            return;
        };
        let Some(flow) = window.due() else { return };
        let call = message::Call {
            request: self.request,
            options: CallOptions {
                flow: Some(Box::new(flow)),
                ..CallOptions::default()
            },
            procedure: procedure.clone(),
            payload: Payload::EMPTY,
        };
        let granted = self.session.request(|_| Ok((Message::Call(call), ()))).await;
        if granted.is_ok() {
            window.granted(flow.credit);
        }
    }

    /// The result.
    ///
    /// # Errors
    /// The call failed, or the session has ended.
    pub async fn result(mut self) -> Result<Args, Error> {
        // Nobody looks at them any more, and nobody is to wait for that.
        self.progress.close();
        let session = self.session.clone();
        session.wait(&mut self.result).await
    }

    /// Cancels the call in this way, and gives its end: the error `wamp.error.canceled`, or the result if that was faster.
    ///
    /// # Errors
    /// The call failed, which it does in the ordinary case, or the session has ended.
    pub async fn cancel(self, mode: CancelMode) -> Result<Args, Error> {
        let request = self.request;
        let cancel = Message::Cancel(Cancel {
            request,
            options: CancelOptions { mode },
        });
        self.session.request(|_| Ok((cancel, ()))).await?;
        self.result().await
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let was_open = self.session.table().drop_call(self.request);
        if was_open {
            let options = CancelOptions {
                mode: CancelMode::KillNoWait,
            };
            self.session.send_soon(Message::Cancel(Cancel {
                request: self.request,
                options,
            }));
        }
    }
}

impl Session {
    /// Calls a procedure and waits for its result. Dropping the future cancels the call.
    ///
    /// # Errors
    /// The call failed, or the session has ended.
    pub async fn call(&self, procedure: &str, args: impl Into<Args>) -> Result<Args, Error> {
        self.call_with(procedure, args, CallOptions::default()).await
    }

    /// The same with options: with a `timeout`, in milliseconds, it fails with `wamp.error.timeout` when that is over, and
    /// the router stops the callee.
    ///
    /// # Errors
    /// The call failed, or the session has ended.
    pub async fn call_with(&self, procedure: &str, args: impl Into<Args>, options: CallOptions) -> Result<Args, Error> {
        let limit = options.timeout;
        let call = async { self.start_call(procedure, args, options).await?.result().await };
        within(limit, call).await
    }

    /// The same for a procedure that sends intermediate results: `progress` gets those.
    ///
    /// # Errors
    /// The call failed, or the session has ended.
    pub async fn call_progressively(
        &self,
        procedure: &str,
        args: impl Into<Args>,
        mut progress: impl FnMut(Args),
    ) -> Result<Args, Error> {
        let options = CallOptions {
            receive_progress: true,
            ..CallOptions::default()
        };
        let mut call = self.start_call(procedure, args, options).await?;
        while let Some(result) = call.next().await {
            progress(result);
        }
        call.result().await
    }

    /// The same with a channel of the caller's own. Intermediate results that find it full are waited with for two seconds.
    ///
    /// # Errors
    /// The call failed, or the session has ended.
    pub async fn call_into(
        &self,
        procedure: &str,
        args: impl Into<Args>,
        results: mpsc::Sender<Args>,
    ) -> Result<Args, Error> {
        let options = CallOptions {
            receive_progress: true,
            ..CallOptions::default()
        };
        let (_, nothing) = mpsc::channel(1);
        let call = self.begin(procedure, args.into(), options, (Some(results), nothing), None);
        call.await?.result().await
    }

    /// Makes a call, and gives it while it is under way: for intermediate results one at a time, and to cancel it.
    ///
    /// # Errors
    /// The session has ended, or the arguments cannot be sent.
    pub async fn start_call(
        &self,
        procedure: &str,
        args: impl Into<Args>,
        options: CallOptions,
    ) -> Result<Call, Error> {
        self.begin_with(procedure, args.into(), options, None).await
    }

    /// The same for a call whose further parts need this credit.
    pub(crate) async fn begin_with(
        &self,
        procedure: &str,
        args: Args,
        options: CallOptions,
        parts: Option<Credit>,
    ) -> Result<Call, Error> {
        let room = Window::of(&options).map_or(PROGRESS, |window| window.room());
        let (results, progress) = mpsc::channel(if options.receive_progress { room } else { 1 });
        let results = options.receive_progress.then_some(results);
        self.begin(procedure, args, options, (results, progress), parts).await
    }

    async fn begin(
        &self,
        procedure: &str,
        args: Args,
        options: CallOptions,
        (results, progress): (Option<mpsc::Sender<Args>>, mpsc::Receiver<Args>),
        parts: Option<Credit>,
    ) -> Result<Call, Error> {
        let payload = args.encode(self.0.serializer)?;
        let window = Window::of(&options).filter(|_| options.receive_progress);
        let window = window.map(|window| (window, Uri::from(procedure)));
        let (answer, result) = oneshot::channel();
        let is_in_parts = options.progress;
        let left_out = Arc::<AtomicBool>::default();
        let left_out_there = Arc::clone(&left_out);
        let call = |table: &mut Table| {
            let request = table.call(WaitingCall {
                answer,
                progress: results,
                parts: parts.map(Open),
                is_in_parts,
                left_out: left_out_there,
            })?;
            let call = message::Call {
                request,
                options,
                procedure: procedure.into(),
                payload,
            };
            Ok((Message::Call(call), request))
        };
        let request = self.request(call).await?;
        Ok(Call {
            session: self.clone(),
            request,
            progress,
            result,
            left_out,
            window,
        })
    }
}

/// What a call gives, unless so many milliseconds pass before; 0 is any time. The router counts too, but where the
/// connection is away nobody hears it.
pub(crate) async fn within(limit: u32, call: impl Future<Output = Result<Args, Error>>) -> Result<Args, Error> {
    if limit == 0 {
        return call.await;
    }
    let late = || RequestError::new(TIMEOUT, format!("there was no result within {limit} ms"));
    let called = timeout(Duration::from_millis(limit.into()), call).await;
    called.unwrap_or_else(|_| Err(late().into()))
}
