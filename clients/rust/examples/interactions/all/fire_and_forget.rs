//! Something that is said without waiting for anything: PUBLISH. Whoever has subscribed hears it, be it one or a thousand.

use deskconn_client::Value;

use super::{Seen, join};

pub(crate) async fn run(router: &str) -> Seen {
    let (listener, speaker) = (join(router).await?, join(router).await?);
    let mut heard = listener.subscribe("com.example.said").await?;
    speaker.publish("com.example.said", Value::from("good morning")).await?;
    let event = heard.next().await.ok_or("the session has ended")?;
    Ok(vec![format!("heard: {}", event.args.into_value().as_str().unwrap_or("?"))])
}
