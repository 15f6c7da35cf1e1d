//! A question and its answer: CALL and RESULT. The same is MQTT's response topic with correlation data.

use deskconn_client::{Error, RequestError, Value};

use super::{Seen, join};

pub(crate) async fn run(router: &str) -> Seen {
    let (callee, caller) = (join(router).await?, join(router).await?);
    callee
        .register("com.example.half", |call| async move {
            match call.args.first().and_then(Value::as_u64) {
                Some(number) if number % 2 == 0 => Ok(Value::from(number / 2).into()),
                _ => Err(RequestError::new("com.example.error.odd", "it is no even number")),
            }
        })
        .await?;
    let half = caller.call("com.example.half", Value::from(42_u64)).await?.into_value();
    let mut seen = vec![format!("half of 42 is {}", half.as_u64().unwrap_or_default())];
    if let Err(Error::Request(error)) = caller.call("com.example.half", Value::from(7_u64)).await {
        seen.push(format!("half of 7: {error}"));
    }
    Ok(seen)
}
