//! Calls, subscribes and registers at a desktop, and goes on when the connection is lost or the desktop is started anew.
//!
//! usage: greeter SOCKET                         on the desktop itself; $XDG_RUNTIME_DIR/deskconn/deskconn.sock
//!        greeter HOST:PORT PIN DEVICE KEYFILE   from elsewhere, as `deskconnctl join` has paired it

#![allow(clippy::print_stdout, reason = "it says what it hears")]

use deskconn_client::{Client, Options, SigningKey, Target, Value};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (target, options) = match arguments[..] {
        [socket] => (format!("unix:{socket}").parse()?, Options::new("deskconn")),
        [address, pin, device, keyfile] => elsewhere(address, pin, device, keyfile)?,
        _ => return Err("usage: greeter SOCKET, or greeter HOST:PORT PIN DEVICE KEYFILE".into()),
    };
    let client = Client::builder(options).at(target).open().await?;
    let info = client.call("org.deskconn.info.get", []).await?.into_value();
    let info = info.as_dict().ok_or("the desktop does not say what it is")?;
    let text = |key| info.get(key).and_then(Value::as_str).unwrap_or("?");
    println!("joined {} as {}", text("name"), text("role"));
    let mut news = client.subscribe("org.deskconn.app.news").await?;
    client
        .register("org.deskconn.app.greet", |call| async move {
            let name = call.args.first().and_then(Value::as_str).unwrap_or("stranger");
            Ok(Value::from(format!("Hello, {name}!")).into())
        })
        .await?;
    println!("ready");
    let mut terminated = signal(SignalKind::terminate())?;
    loop {
        let event = tokio::select! {
            event = news.next() => event,
            _ = terminated.recv() => None,
        };
        let Some(event) = event else { break };
        let text = event.args.args.first().and_then(Value::as_str);
        println!("news: {}", text.unwrap_or("?"));
    }
    // Without a goodbye the desktop would keep the session for two minutes, and let callers wait.
    client.close().await;
    Ok(())
}

/// Where the desktop is, and what `deskconnctl join` keeps: its pin, this device's id, and the key in its file.
fn elsewhere(
    address: &str,
    pin: &str,
    device: &str,
    keyfile: &str,
) -> Result<(Target, Options), Box<dyn std::error::Error>> {
    let keys = std::fs::read_to_string(keyfile)?;
    let seed = keys.lines().find_map(|line| line.strip_prefix("sign "));
    let seed = seed.ok_or("KEYFILE has no line that begins with sign")?;
    let (mut pinned, mut secret) = ([0; 32], [0; 32]);
    hex::decode_to_slice(pin, &mut pinned)?;
    hex::decode_to_slice(seed.trim(), &mut secret)?;
    let options = Options {
        authid: Some(device.to_owned()),
        key: Some(SigningKey::from_bytes(&secret)),
        ..Options::new("deskconn").pin(pinned)
    };
    Ok((format!("wss://{address}/ws").parse()?, options))
}
