//! Desktops on the network, by mDNS. What is found is an address to try and a name to show, and nothing is trusted for it.

use std::time::Duration;

use client::discovery::{DESKCONN, Found, Interfaces, browse_for};

use crate::args::Global;
use crate::failure::Failure;

/// How long desktops are looked for: questions are sent at 0, 1 and 3 s (RFC 6762 §5.2), and most answer the first.
const PATIENCE: Duration = Duration::from_secs(3);

/// The desktops that are `wanted`, at most so many, in the order in which they should be tried. None when nothing is to be
/// looked for.
pub(crate) async fn desktops(
    global: &Global,
    max: usize,
    wanted: impl Fn(&Found) -> bool,
) -> Result<Vec<Found>, Failure> {
    if global.no_discovery {
        return Ok(Vec::new());
    }
    Ok(browse_for(DESKCONN, max, PATIENCE, &Interfaces::default(), wanted).await?)
}

/// Where to connect to, the likeliest first.
pub(crate) fn hosts(found: &Found) -> Vec<String> {
    let with_port = |address: &client::discovery::Address| address.with_port(found.port).to_string();
    found.addresses.iter().map(with_port).collect()
}
