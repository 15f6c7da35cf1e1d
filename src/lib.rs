//! deskconnd: the only place where the crates of this repository meet.
//!
//! | module | what it does |
//! |---|---|
//! | [`daemon`] | starts everything in order and stops it in the reverse order |
//! | [`config`], [`paths`] | what the user says, and where things are |
//! | [`store`] | identity, devices and switches on disk |
//! | [`audit`] | who came, who was kept out, what was denied: the log of it |
//! | [`access`] | who may join and as what: the router's gate |
//! | [`consent`] | calls that the owner is asked about each time |
//! | [`links`] | other routers, with which realms exchange events and calls |
//! | [`actions`] | what is done when something happens |
//! | [`check`] | `--check`: whether the configuration is right |
//! | [`logging`] | the form of the log, and what of it is written |
//! | [`metrics`] | the daemon in figures |
//! | [`watchdog`] | says to systemd that the daemon is alive, as long as it is |
//! | [`described`] | what programs of others say they offer |
//! | `clock` | whether the clock was set while the daemon runs |
//! | `bridge` | calls and publications by single HTTP requests |
//! | `front_door` | what browsers get beside WAMP |
//! | `site` | the files of the phone app, built in |
//! | `inside` | this process's own sessions in its realms |
//! | `notice` | questions to the owner as desktop notifications |
//! | [`pair`] | the pairing desk: codes, windows, questions to the owner |
//! | `procedures` | the daemon's own procedures: pairing, devices, discovery, info |
//! | [`discovery`], [`advertiser`] | mDNS, and switching it |

pub mod access;
pub mod actions;
pub mod advertiser;
pub mod audit;
mod bridge;
pub mod certificates;
pub mod check;
mod clock;
pub mod config;
pub mod consent;
pub mod daemon;
pub mod described;
pub mod discovery;
mod front_door;
mod inside;
pub mod links;
pub mod logging;
pub mod metrics;
mod notice;
pub mod pair;
pub mod paths;
mod procedures;
mod site;
pub mod store;
pub mod watchdog;
