//! A whole component: `cargo run -p deskconn-client --example hello` while the daemon runs.

use deskconn_client::{Options, Session, Value};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let socket = format!("unix:{}/deskconn/deskconn.sock", std::env::var("XDG_RUNTIME_DIR")?);
    let session = Session::connect(&socket.parse()?, Options::new("deskconn")).await?;
    session
        .register("org.deskconn.app.hello", |_| async { Ok(Value::from("hello").into()) })
        .await?;
    Err(session.closed().await.into())
}
