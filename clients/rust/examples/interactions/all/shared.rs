//! Work for one of several: a shared registration. MQTT's shared subscriptions do the same for messages that nobody answers.

use deskconn_client::{Invoke, RegisterOptions, Value};

use super::{Seen, join};

pub(crate) async fn run(router: &str) -> Seen {
    let caller = join(router).await?;
    let workers = [join(router).await?, join(router).await?, join(router).await?];
    for (number, worker) in workers.iter().enumerate() {
        let options = RegisterOptions {
            invoke: Invoke::RoundRobin,
            ..RegisterOptions::default()
        };
        let name = format!("worker {number}");
        let work = move |_| {
            let name = name.clone();
            async move { Ok(Value::from(name).into()) }
        };
        worker.register_with("com.example.work", options, work).await?;
    }
    let mut seen = Vec::new();
    for _ in 0..4 {
        let who = caller.call("com.example.work", ()).await?.into_value();
        seen.push(who.as_str().unwrap_or("?").to_owned());
    }
    Ok(seen)
}
