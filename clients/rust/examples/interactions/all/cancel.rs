//! Enough of a stream: CANCEL. The handler is stopped where it waits, its locals are dropped.

use std::sync::Arc;

use deskconn_client::{CallOptions, CancelMode, Error, Flow, Value};
use tokio::sync::Notify;

use super::{Seen, join};

pub(crate) async fn run(router: &str) -> Seen {
    let (callee, caller) = (join(router).await?, join(router).await?);
    let stopped = Arc::new(Notify::new());
    let stop = Arc::clone(&stopped);
    callee
        .register("com.example.ticks", move |call| {
            let says = SaysWhenDropped(Arc::clone(&stop));
            async move {
                let _says = says;
                let progress = call.progress.ok_or_else(no_progress)?;
                loop {
                    let _ = progress.send(Value::from("tick")).await;
                }
            }
        })
        .await?;
    let options = CallOptions {
        receive_progress: true,
        flow: Some(Box::new(Flow {
            credit: 1,
            await_credit: false,
        })),
        ..CallOptions::default()
    };
    let mut call = caller.start_call("com.example.ticks", (), options).await?;
    let first = call.next().await.ok_or("there was no tick")?.into_value();
    let mut seen = vec![first.as_str().unwrap_or("?").to_owned()];
    if let Err(Error::Request(error)) = call.cancel(CancelMode::Kill).await {
        seen.push(error.uri.to_string());
    }
    stopped.notified().await;
    seen.push("the callee has stopped".to_owned());
    Ok(seen)
}

fn no_progress() -> deskconn_client::RequestError {
    deskconn_client::RequestError::new("wamp.error.invalid_argument", "this procedure ticks: ask for progress")
}

struct SaysWhenDropped(Arc<Notify>);

impl Drop for SaysWhenDropped {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}
