//! A question with many answers, no faster than they are taken: CALL with `receive_progress`, and `_credit`, which is what
//! RSocket calls request-n. The handler waits in `send` until there is room.

use deskconn_client::{CallOptions, Flow, Value};

use super::{Seen, join};

pub(crate) async fn run(router: &str) -> Seen {
    let (callee, caller) = (join(router).await?, join(router).await?);
    callee
        .register("com.example.count", |call| async move {
            let to = call.args.first().and_then(Value::as_u64).unwrap_or(0);
            if let Some(progress) = &call.progress {
                for number in 1..=to {
                    // It can be sent: numbers are in every serializer.
                    let _ = progress.send(Value::from(number)).await;
                }
            }
            Ok(Value::from("that is all").into())
        })
        .await?;
    let options = CallOptions {
        receive_progress: true,
        flow: Some(Box::new(Flow {
            credit: 10,
            await_credit: false,
        })),
        ..CallOptions::default()
    };
    let mut call = caller.start_call("com.example.count", Value::from(1_000_u64), options).await?;
    let mut sum = 0;
    while let Some(number) = call.next().await {
        sum += number.into_value().as_u64().unwrap_or_default();
    }
    let end = call.result().await?.into_value();
    Ok(vec![
        format!("the numbers to 1000, ten at a time, add up to {sum}"),
        end.as_str().unwrap_or("?").to_owned(),
    ])
}
