//! Desktops on the network, by mDNS. What is found is an address to try and a name to show, and nothing is trusted for it.

use std::time::Duration;

use client::discovery::{Browser, Change, DESKCONN, Found, Interfaces, sort};
use tokio::time::{Instant, timeout_at};

use crate::args::Global;
use crate::failure::Failure;

/// How long desktops are looked for: questions are sent at 0, 1 and 3 s (RFC 6762 §5.2), and most answer the first.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long the first answer is waited upon for more: a desktop has several addresses, and the one that works need not
/// come first.
const SETTLING: Duration = Duration::from_millis(500);

/// The desktops that are `wanted`, in the order in which they should be tried; with `first` it is enough when
/// one answers. None when nothing is to be looked for.
pub(crate) async fn desktops(
    global: &Global,
    first: bool,
    wanted: impl Fn(&Found) -> bool,
) -> Result<Vec<Found>, Failure> {
    let mut found: Vec<Found> = Vec::new();
    if global.no_discovery {
        return Ok(found);
    }
    let mut until = Instant::now() + PATIENCE;
    let mut browser = Browser::start(DESKCONN, &Interfaces::default())?;
    while let Ok(change) = timeout_at(until, browser.next()).await {
        let instance = match &change {
            Change::Found(one) => one.instance.clone(),
            Change::Gone { instance } => instance.clone(),
        };
        found.retain(|it| !it.instance.eq_ignore_ascii_case(&instance));
        if let Change::Found(one) = change
            && wanted(&one)
        {
            found.push(*one);
            if first {
                until = until.min(Instant::now() + SETTLING);
            }
        }
    }
    sort(&mut found);
    Ok(found)
}

/// Where to connect to, the likeliest first.
pub(crate) fn hosts(found: &Found) -> Vec<String> {
    let with_port = |address: &client::discovery::Address| address.with_port(found.port).to_string();
    found.addresses.iter().map(with_port).collect()
}
