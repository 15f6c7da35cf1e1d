//! How sure it is that something arrives. QoS 0 is PUBLISH. QoS 1 is PUBLISH with `acknowledge`: when PUBLISHED is there the
//! router has it; who publishes again because it did not come may publish twice. QoS 2 is a queue on disk (docs/QUEUES.md): it
//! arrives once, whoever is killed on the way.

use deskconn_client::{PublishOptions, Queue, Value};

use super::{Seen, join};

pub(crate) async fn run(router: &str) -> Seen {
    let listener = join(router).await?;
    let mut heard = listener.subscribe("com.example.level").await?;

    let folder = std::env::temp_dir().join(format!("interactions-{}", std::process::id()));
    let queue = Queue::open(&folder)?;
    queue.push("com.example.level", Value::from("exactly once"), PublishOptions::default())?;
    let mut seen = vec![format!("{} waits on disk, before there is a connection", queue.len())];

    let speaker = join(router).await?;
    speaker.publish("com.example.level", Value::from("at most once")).await?;
    let taken = speaker.publish_acknowledged("com.example.level", Value::from("at least once"));
    taken.await?;
    let delivered = queue.flush(&speaker, |refused| seen.push(refused.to_string())).await?;
    seen.push(format!("{} delivered, {} wait", delivered.taken, queue.len()));
    drop(queue);
    std::fs::remove_dir_all(folder)?;
    for _ in 0..3 {
        let event = heard.next().await.ok_or("the session has ended")?;
        seen.push(event.args.into_value().as_str().unwrap_or("?").to_owned());
    }
    Ok(seen)
}
