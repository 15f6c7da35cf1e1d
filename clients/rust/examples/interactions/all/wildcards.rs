//! Many topics in one subscription. MQTT's `home/+/temperature` is `home..temperature` with `match: wildcard`; its `home/#` is
//! `home` with `match: prefix`, which is a prefix of characters: `home.` leaves out `homework`.

use deskconn_client::{Match, SubscribeOptions, Value};

use super::{Seen, join};

pub(crate) async fn run(router: &str) -> Seen {
    let (listener, speaker) = (join(router).await?, join(router).await?);
    let by = |policy| SubscribeOptions {
        policy,
        ..SubscribeOptions::default()
    };
    let mut temperatures = listener
        .subscribe_with("com.example.home..temperature", by(Match::Wildcard))
        .await?;
    let mut everything = listener.subscribe_with("com.example.home.", by(Match::Prefix)).await?;
    for (topic, value) in [("kitchen.light", "on"), ("kitchen.temperature", "21"), ("hall.temperature", "18")] {
        let topic = format!("com.example.home.{topic}");
        speaker.publish(&topic, Value::from(value)).await?;
    }
    let mut seen = Vec::new();
    for (what, events, count) in [("..temperature", &mut temperatures, 2), ("prefix", &mut everything, 3)] {
        for _ in 0..count {
            let event = events.next().await.ok_or("the session has ended")?;
            let topic = event.topic.ok_or("a pattern's event has its topic")?;
            seen.push(format!("{what}: {topic} {}", event.args.into_value().as_str().unwrap_or("?")));
        }
    }
    Ok(seen)
}
