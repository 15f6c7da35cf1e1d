//! What was said last, for who comes later: PUBLISH with `retain`, SUBSCRIBE with `get_retained`.

use deskconn_client::{SubscribeOptions, Value};

use super::{Seen, join};

pub(crate) async fn run(router: &str) -> Seen {
    let speaker = join(router).await?;
    speaker.publish_retained("com.example.lamp", Value::from("on")).await?;
    let latecomer = join(router).await?;
    let options = SubscribeOptions {
        get_retained: true,
        ..SubscribeOptions::default()
    };
    let mut lamp = latecomer.subscribe_with("com.example.lamp", options).await?;
    let event = lamp.next().await.ok_or("the session has ended")?;
    let when = if event.retained.is_some() { "kept" } else { "just now" };
    Ok(vec![format!("the lamp is {} ({when})", event.args.into_value().as_str().unwrap_or("?"))])
}
