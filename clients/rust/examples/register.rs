//! A callee: `cargo run -p deskconn-client --example register -- ws://127.0.0.1:8080/ws realm1`.

#![allow(clippy::print_stderr, reason = "an example shows what it gets")]

use deskconn_client::{Options, Session, Value};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let session = Session::connect(&args[1].parse()?, Options::new(&args[2])).await?;
    let double = |call: deskconn_client::Invocation| async move {
        let number = call.args.first().and_then(Value::as_u64).unwrap_or(0);
        Ok(Value::from(2 * number).into())
    };
    session.register("com.example.double", double).await?;
    eprintln!("{}", session.closed().await);
    Ok(())
}
