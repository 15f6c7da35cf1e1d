//! A whole component: `cargo run -p deskconn-client --example hello` while the daemon runs.

use deskconn_client::{Client, Options, Value};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let socket = format!("unix:{}/deskconn/deskconn.sock", std::env::var("XDG_RUNTIME_DIR")?);
    let client = Client::builder(Options::new("deskconn")).at(socket.parse()?);
    let client = client.open().await?;
    let hello = |_| async { Ok(Value::from("hello").into()) };
    client.register("org.deskconn.app.hello", hello).await?;
    client.closed().await;
    Ok(())
}
