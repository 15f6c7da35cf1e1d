//! How two programs can speak with each other, one file for each way; docs/FEATURES.md has the table, for people who know
//! RSocket or MQTT. Each plays all its parts itself, against a router that lets everybody into its realm `realm1`:
//! `deskconnd --config examples/open-router.toml`, then
//! `cargo run -p deskconn-client --example interactions -- 127.0.0.1:8080 [NAME…]`.

#![allow(clippy::print_stdout, reason = "an example shows what happens")]

mod all;

#[tokio::main]
async fn main() -> Result<(), all::Failure> {
    let mut arguments = std::env::args().skip(1);
    let router = arguments.next().ok_or("usage: interactions HOST:PORT [NAME…]")?;
    let names: Vec<String> = arguments.collect();
    for (name, seen) in all::run(&router, &names).await? {
        println!("{name}");
        for line in seen {
            println!("    {line}");
        }
    }
    Ok(())
}
