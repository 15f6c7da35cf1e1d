//! Both sides send as long as they like: a call whose arguments come in parts (progressive call invocations), with
//! intermediate results between them. Each side sends no more than the other takes.

use deskconn_client::{CallOptions, Flow, RegisterOptions, Value};

use super::{Seen, join};

pub(crate) async fn run(router: &str) -> Seen {
    let (callee, caller) = (join(router).await?, join(router).await?);
    callee
        .register_in_parts("com.example.shout", RegisterOptions::default(), |mut call| async move {
            let loud = |args: &[Value]| args.first().and_then(Value::as_str).unwrap_or("").to_uppercase();
            let mut last = loud(&call.args);
            while let Some(parts) = &mut call.parts
                && let Some(part) = parts.next().await
            {
                if let Some(progress) = &call.progress {
                    let _ = progress.send(Value::from(last)).await;
                }
                last = loud(&part.args);
            }
            Ok(Value::from(last).into())
        })
        .await?;
    let options = CallOptions {
        receive_progress: true,
        flow: Some(Box::new(Flow {
            credit: 8,
            await_credit: false,
        })),
        ..CallOptions::default()
    };
    let started = caller.start_call_in_parts("com.example.shout", Value::from("one"), options);
    let (mut parts, mut call) = started.await?;
    parts.send(Value::from("two")).await?;
    parts.finish(Value::from("three")).await?;
    let mut heard = Vec::new();
    while let Some(part) = call.next().await {
        heard.push(part.into_value());
    }
    heard.push(call.result().await?.into_value());
    Ok(heard.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}
