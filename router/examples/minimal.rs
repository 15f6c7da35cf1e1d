//! A router for one realm that lets everybody in: `cargo run -p deskconn-router --example minimal`.

#![allow(clippy::print_stderr, reason = "it is a program")]

use std::sync::Arc;

use deskconn_router::{Limits, OpenGate, Origins, RealmSettings, Role, Router};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let gate = OpenGate::new(Role::unrestricted("anonymous"));
    let router = Router::new(Arc::new(gate), Arc::new(Origins::default()), Limits::default());
    router.open_realm("realm1", RealmSettings::default());
    let listening = router.listen_tcp(&["127.0.0.1:8080".parse()?])?;
    eprintln!("ws://{}/ws, realm1; Ctrl-C ends it", listening.addresses()[0]);
    tokio::signal::ctrl_c().await?;
    router.stop(std::time::Duration::from_secs(1)).await;
    Ok(())
}
