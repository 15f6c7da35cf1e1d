//! A subscriber: `cargo run -p deskconn-client --example subscribe -- ws://127.0.0.1:8080/ws realm1 com.example.news`.

#![allow(clippy::print_stderr, reason = "an example shows what it gets")]

use deskconn_client::{Options, Session};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let session = Session::connect(&args[1].parse()?, Options::new(&args[2])).await?;
    let mut events = session.subscribe(&args[3]).await?;
    while let Some(event) = events.next().await {
        eprintln!("{:?} {:?}", event.args.args, event.args.kwargs);
    }
    eprintln!("{}", session.closed().await);
    Ok(())
}
