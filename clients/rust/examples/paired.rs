//! A program without a screen that pairs itself with a desktop once, and comes back by itself from then on.
//!
//! usage: paired FILE HOST:PORT     FILE keeps what pairing gives; without it the code is asked for, as `deskconnctl pair` shows it

#![allow(clippy::print_stdout, reason = "it says what it hears")]

use std::path::Path;

use deskconn_client::{Membership, Value};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, host] = &arguments[..] else {
        return Err("usage: paired FILE HOST:PORT".into());
    };
    let membership = match Membership::read(Path::new(file))? {
        Some(membership) => membership,
        None => {
            println!("Code:");
            let code = std::io::stdin().lines().next().ok_or("no code was typed")??;
            Membership::pair(Path::new(file), host, &code, "lamp", |waiting| println!("{waiting}")).await?
        }
    };
    let client = membership.client().open().await?;
    let info = client.call("org.deskconn.info.get", []).await?.into_value();
    let name = info.as_dict().and_then(|info| info.get("name")).and_then(Value::as_str);
    println!("connected to {} as {}", name.unwrap_or("?"), membership.desktop().role);
    client.close().await;
    Ok(())
}
