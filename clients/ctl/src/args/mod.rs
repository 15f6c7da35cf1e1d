//! What can be typed. The texts here are the manual: `deskconnctl help` and `deskconnctl help COMMAND` show them.

mod actions;
#[cfg(test)]
mod documents;
pub(crate) mod examples;
mod functions;
mod login;
mod messages;
mod secret;
mod trusted;

use std::path::PathBuf;

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
use clap_complete::ArgValueCandidates;

pub(crate) use self::actions::{Actions, Occasion};
pub(crate) use self::functions::{
    Brightness, BrightnessCommand, Button, Gpio, Keyboard, Media, MediaCommand, Notify, Open, Pointer, Power, Programs,
    Screen, Slides, Switch, Volume,
};
pub(crate) use self::login::Login;
pub(crate) use self::messages::{Call, Policy, Publish, Register, Subscribe};
pub(crate) use self::secret::{Secret, SecretKdf, SecretMethod};
pub(crate) use self::trusted::{Approve, Desktops, Devices, Expiry, Grant, Join, Pair};
use crate::commands::top::figures::Sort;
use crate::complete;
use crate::output::Color;
use crate::values::decimal;

/// Talks to the desktop: the one on this machine, or another by its address.
///
/// Without --desktop and --at it looks for the desktop of this user, then for that of the system. A person at a terminal gets tables
/// and colours, a pipe gets plain lines with tabs between the fields.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The definitions with their examples, as help, completions and the manual need them.
pub(crate) fn command() -> clap::Command {
    const STATUS: &str = "Exit status: 0 done, 1 refused or failed, 2 wrong usage, 3 no desktop found.";
    let command = with_examples(Arguments::command(), &[]);
    command.after_help(format!("{STATUS}\n\n{}", examples::text(&examples::of(&[]))))
}

/// The command with these words, and all below it, with examples in their help.
fn with_examples(command: clap::Command, path: &[&str]) -> clap::Command {
    let names: Vec<String> = command.get_subcommands().map(|it| it.get_name().to_owned()).collect();
    let command = command.after_help(examples::text(&examples::of(path)));
    names.into_iter().fold(command, |command, name| {
        let path = [path, &[name.as_str()]].concat();
        command.mut_subcommand(&name, |sub| with_examples(sub, &path))
    })
}

/// What holds for every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// The desktop or router at this address: HOST, HOST:PORT, ws://…, rs://… or unix:/PATH, and with --pin wss://…, rss://…
    /// or quic://…. With --desktop: where that desktop is, by TLS
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub(crate) at: Option<String>,
    /// A desktop that this command line was paired with by `join`: its name, or the beginning of its id
    #[arg(long, global = true, value_name = "NAME", conflicts_with_all = ["key", "anonymous", "authid", "ticket", "password", "certificate", "pin"],
        add = ArgValueCandidates::new(complete::desktops))]
    pub(crate) desktop: Option<String>,
    #[command(flatten)]
    pub(crate) login: Login,
    /// Look for no desktop by mDNS: go to addresses that are known or given alone
    #[arg(long, global = true, hide_short_help = true)]
    pub(crate) no_discovery: bool,
    /// The realm to join [default: deskconn]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) realm: Option<String>,
    /// How messages are encoded
    #[arg(long, global = true, value_name = "NAME", hide_short_help = true)]
    pub(crate) serializer: Option<Serializer>,
    /// Print one JSON value a line, in a form that stays
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// When colours are used
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value_t,
        value_enum,
        hide_short_help = true
    )]
    pub(crate) color: Color,
    /// Print results and errors only
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Serializer {
    Json,
    Msgpack,
    Cbor,
}

impl From<Serializer> for client::Serializer {
    fn from(serializer: Serializer) -> Self {
        match serializer {
            Serializer::Json => Self::Json,
            Serializer::Msgpack => Self::MessagePack,
            Serializer::Cbor => Self::Cbor,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// How the desktop is: name, version, devices, what is missing
    Status,
    /// Who is connected and what each does, as it goes on: sessions, calls and events a second, queues
    ///
    /// On a terminal it draws the whole screen anew every --interval, until q or Ctrl-C: c, e, b, d, n and t sort, r turns the
    /// order round, i shows the sessions of the daemon itself. A peer that takes its messages too slowly is marked with !.
    /// In a pipe, with --json or with --count it prints a line each time. For the owner of the desktop alone.
    Top(Top),
    /// Look, step by step, at all that a phone and each function need, and say what mends it
    ///
    /// It changes nothing, and works without a daemon. As root it sees the firewall's rules too. The command fails if a
    /// check failed; a warning is something that will not work, or not for everybody. With --no-discovery it does not
    /// listen for the desktop on the network.
    #[cfg(target_os = "linux")]
    Doctor,
    /// Show a code by which a device is let in, and ask before it is
    Pair(Pair),
    /// Pair this command line with another desktop, at which `deskconnctl pair` shows a code
    ///
    /// It asks for the code, and waits until somebody at the desktop says yes; from then on --desktop NAME reaches it,
    /// encrypted, and sure to be that one. Neither code nor link is taken as an argument, because every user of this
    /// machine can see the arguments of programs.
    Join(Join),
    /// The other desktops that this command line is paired with
    Desktops {
        #[command(subcommand)]
        command: Option<Desktops>,
    },
    /// The devices that are paired
    Devices {
        #[command(subcommand)]
        command: Option<Devices>,
    },
    /// Ask here about each call that a device may make only with somebody's consent, until Ctrl-C
    ///
    /// Such calls come of `devices grant --confirm`. Without an answer they are refused after a minute.
    Approve(Approve),
    /// Who came, who was kept out, what was denied, what actions did: the audit log
    ///
    /// With --follow it goes on until Ctrl-C. When the desktop ends it waits until that is back, and shows what was
    /// written meanwhile.
    Log(Log),
    /// What the desktop does when something happens
    ///
    /// Each stands in its configuration, as an action.
    Actions {
        #[command(subcommand)]
        command: Option<Actions>,
    },
    /// Have the desktop read its configuration again, and say what it takes and what needs a restart
    Reload,
    /// Look for desktops on the network, or for any other DNS-SD service
    Discover(Discover),
    /// Whether this desktop shows itself on the network
    Discovery {
        #[command(subcommand)]
        command: Option<Discovery>,
    },
    /// Call a procedure
    ///
    /// Arguments are JSON (7, true, '["a"]', '{"k": 1}'); what is no JSON is text. KEY=VALUE is a keyword argument.
    Call(Call),
    /// Publish an event
    ///
    /// Arguments are written as for `call`. The command fails if the router refuses the event.
    Publish(Publish),
    /// Show the events of a topic as they come, until Ctrl-C
    Subscribe(Subscribe),
    /// Offer a shell command as a procedure, until Ctrl-C
    ///
    /// For each call the command is run by /bin/sh. It gets {"args": […], "kwargs": {…}} on its standard input and the
    /// procedure's URI in $WAMP_PROCEDURE. What it prints is the result: JSON, or text where it is none. If it fails,
    /// the call fails with what it printed on its standard error.
    Register(Register),
    /// Steer a presentation
    Slides {
        #[command(subcommand)]
        command: Slides,
    },
    /// The lock of the screen
    Screen {
        #[command(subcommand)]
        command: Screen,
    },
    /// The brightness of a display, in percent
    Brightness(Brightness),
    /// Serve, inside a desktop session, what the system's desktop cannot serve from outside, until Ctrl-C
    ///
    /// Where deskconnd is a service of the system, it has no way to players, sound, notifications and the like of
    /// whoever is logged in. This has, and works whenever its session is the one in front. Packages start it at login.
    #[cfg(target_os = "linux")]
    Agent,
    /// Music and films: what plays, and what plays next
    Media(Media),
    /// Move the pointer, click and scroll
    Pointer {
        #[command(subcommand)]
        command: Pointer,
    },
    /// Press keys and type
    Keyboard {
        #[command(subcommand)]
        command: Keyboard,
    },
    /// How the desktop is: load, memory, disks, temperatures
    Host,
    /// The GPIO lines of the desktop
    ///
    /// They are those of [[components.gpio.line]] in its configuration.
    Gpio {
        #[command(subcommand)]
        command: Option<Gpio>,
    },
    /// The programs that the desktop runs by name
    ///
    /// They are those of [[components.command]] in its configuration.
    #[command(name = "command")]
    Programs {
        #[command(subcommand)]
        command: Option<Programs>,
    },
    /// How loud it is, in percent
    Volume {
        #[command(subcommand)]
        command: Option<Volume>,
    },
    /// Show a message on the desktop
    Notify(Notify),
    /// Open a page of the web in the browser of the desktop
    Open(Open),
    /// How full the battery is, and for how long
    Battery,
    /// Let the machine sleep, start it anew, switch it off
    Power {
        #[command(subcommand)]
        command: Option<Power>,
    },
    /// Make a key with which this command line can be paired with other desktops
    Keygen,
    /// Print what the configuration keeps of a password, so that it need not keep the password
    ///
    /// The password is asked for, or is the first line of the standard input.
    Secret(Secret),
    /// Print completions for a shell
    ///
    /// The shell then asks this program what may stand in a place, so that names of desktops, devices, displays, players
    /// and procedures are completed too; it asks the desktop, which has a second to answer.
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print a page of the manual, for a formatter such as `man -l -`
    Man(Man),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

impl Shell {
    /// Its name where completions are made.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Elvish => "elvish",
            Self::Fish => "fish",
            Self::Powershell => "powershell",
            Self::Zsh => "zsh",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Man {
    /// The command, such as `devices grant`; without it the program itself
    pub(crate) command: Vec<String>,
    /// Write every page into this directory, as deskconnctl.1, deskconnctl-pair.1 and so on
    #[arg(long, value_name = "DIRECTORY", conflicts_with = "command")]
    pub(crate) write: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Top {
    /// Look so often
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0, value_parser = decimal)]
    pub(crate) interval: f64,
    /// Print a line each time, and end after so many
    #[arg(long, value_name = "COUNT")]
    pub(crate) count: Option<u64>,
    /// By what sessions are sorted
    #[arg(long, value_name = "KEY", value_enum, default_value_t)]
    pub(crate) sort: Sort,
}

#[derive(Debug, Args)]
pub(crate) struct Log {
    /// Go on and show entries as they are written
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Of this device only, by its id or the name that it had then, or of this address
    #[arg(long, value_name = "DEVICE", add = ArgValueCandidates::new(complete::devices))]
    pub(crate) device: Option<String>,
    /// So many of the newest entries
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    pub(crate) limit: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Discover {
    /// The type of service
    #[arg(long = "type", value_name = "TYPE", default_value = client::discovery::DESKCONN)]
    pub(crate) service_type: String,
    /// End as soon as so many are found
    #[arg(long, value_name = "COUNT", default_value_t = client::discovery::MAX_FOUND)]
    pub(crate) max: usize,
    /// Look for so long
    #[arg(long, value_name = "SECONDS", default_value_t = 3.0, conflicts_with = "watch", value_parser = decimal)]
    pub(crate) timeout: f64,
    /// Go on, and show what appears and what goes, until Ctrl-C
    #[arg(long)]
    pub(crate) watch: bool,
    /// Write what is there into this file too, as a JSON list
    #[arg(long, value_name = "FILE")]
    pub(crate) write: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Discovery {
    /// Show this desktop on the network, from now on
    On,
    /// Do not show it, from now on
    Off,
    /// Whether it is shown, and as what
    Status,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        command().debug_assert();
    }

    #[test]
    fn negative_numbers_and_options_can_be_arguments_of_a_call() {
        let arguments = Arguments::try_parse_from(["deskconnctl", "call", "com.x", "-7", "--", "--json"]).unwrap();
        let Command::Call(call) = arguments.command else {
            panic!()
        };
        assert_eq!(call.arguments, ["-7", "--json"]);
        assert!(!arguments.global.json);
    }

    #[test]
    fn global_options_may_stand_behind_the_command() {
        let arguments = Arguments::try_parse_from(["deskconnctl", "slides", "next", "--json", "--at", "desk"]).unwrap();
        assert!(arguments.global.json && arguments.global.at.as_deref() == Some("desk"));
    }
}
