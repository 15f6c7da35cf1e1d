//! What is said when somebody goes, however it goes: a testament. MQTT calls it the will. In WAMP it is published after GOODBYE
//! too; whoever does not want that calls `wamp.session.flush_testaments` before it leaves.

use deskconn_client::Value;

use super::{Seen, join};

pub(crate) async fn run(router: &str) -> Seen {
    let (listener, sensor) = (join(router).await?, join(router).await?);
    let mut news = listener.subscribe("com.example.sensor").await?;
    let words: Vec<Value> = vec!["the sensor is gone".into()];
    let will = [Value::from("com.example.sensor"), words.into()];
    sensor.call("wamp.session.add_testament", will).await?;
    drop(sensor);
    let event = news.next().await.ok_or("the session has ended")?;
    Ok(vec![event.args.into_value().as_str().unwrap_or("?").to_owned()])
}
