//! A camera for the devices of a desktop: runs a program for each picture and answers with what it prints. It comes from
//! another computer, paired there by `deskconnctl join` with the role `bus`, and opens no port.
//!
//! usage: camera HOST:PORT PIN DEVICE KEYFILE PROGRAM [ARGUMENT]…

#![allow(clippy::print_stdout, reason = "it says when it is there")]

use deskconn_client::{Client, Dict, Error, Options, RequestError, SigningKey, Value};
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

const PICTURE: &str = "org.deskconn.app.camera.picture";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |name: &str| arguments.next().ok_or(format!("there is no {name}"));
    let target = format!("wss://{}/ws", next("HOST:PORT")?).parse()?;
    let pin = key(&next("PIN")?).ok_or("PIN is 64 hexadecimal digits")?;
    let device = next("DEVICE")?;
    let keys = std::fs::read_to_string(next("KEYFILE")?)?;
    let seed = keys.lines().find_map(|line| key(line.strip_prefix("sign ")?));
    let command: Vec<String> = arguments.collect();

    let options = Options {
        authid: Some(device),
        key: Some(SigningKey::from_bytes(
            &seed.ok_or("KEYFILE has no line that begins with sign")?,
        )),
        ..Options::new("deskconn").pin(pin)
    };
    let client = Client::builder(options).at(target).open().await?;
    client
        .register(PICTURE, move |_| {
            let command = command.clone();
            async move { picture(&command).await.map(|bytes| Value::Bytes(bytes).into()) }
        })
        .await?;
    let item = [("uri", PICTURE), ("title", "Camera"), ("kind", "button")];
    let item: Dict = item.map(|(key, text)| (key.to_owned(), text.into())).into();
    let items = Value::List(vec![item.into()]);
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        refused = describe(&client, items) => refused?,
        _ = terminated.recv() => {}
    }
    // Without a goodbye the desktop would keep the session for two minutes, and let callers wait.
    client.close().await;
    Ok(())
}

/// Says what it is in each session: that survives its connection, but not the desktop's program.
async fn describe(client: &Client, items: Value) -> Result<(), Error> {
    loop {
        let session = client.session().await?;
        let described = session.call("org.deskconn.components.describe", [items.clone()]).await;
        if let Err(error @ Error::Request(_)) = described {
            return Err(error);
        }
        println!("the camera is there");
        session.closed().await;
    }
}

/// What the program prints.
async fn picture(command: &[String]) -> Result<Vec<u8>, RequestError> {
    let failed = |why: String| RequestError::new("org.deskconn.error.unavailable", why);
    let (program, arguments) = command
        .split_first()
        .ok_or_else(|| failed("there is no program".into()))?;
    let output = Command::new(program).args(arguments).kill_on_drop(true).output().await;
    match output {
        Ok(output) if output.status.success() => Ok(output.stdout),
        Ok(output) => Err(failed(format!("the camera ended with {}", output.status))),
        Err(error) => Err(failed(format!("{program} cannot be started: {error}"))),
    }
}

/// 32 bytes as hexadecimal digits.
fn key(digits: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(digits.trim(), &mut bytes).ok()?;
    Some(bytes)
}
