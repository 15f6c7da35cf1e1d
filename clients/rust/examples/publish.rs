//! A publisher: `cargo run -p deskconn-client --example publish -- ws://127.0.0.1:8080/ws realm1 com.example.news '"hello"'`.

#![allow(clippy::print_stderr, reason = "an example shows what it gets")]

use deskconn_client::{Options, Session, Value};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let session = Session::connect(&args[1].parse()?, Options::new(&args[2])).await?;
    let arguments: Vec<Value> = args[4..]
        .iter()
        .map(|text| serde_json::from_str(text))
        .collect::<Result<_, _>>()?;
    let publication = session.publish_acknowledged(&args[3], arguments).await?;
    eprintln!("published as {publication}");
    session.leave().await;
    Ok(())
}
