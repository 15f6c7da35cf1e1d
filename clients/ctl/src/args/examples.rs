//! An example or more for each command, for its help and its page of the manual.

/// A command line without the program's name, and what it does where that is not plain.
pub(crate) type Example = (&'static str, &'static str);

/// The columns of a narrow terminal.
const WIDTH: usize = 80;

/// The examples by the name of the command; those without are of the program itself.
pub(crate) const EXAMPLES: &[(&str, &[Example])] = &[
    (
        "",
        &[
            ("pair --role slides", "let a device in, by a code or a QR code"),
            ("slides next", ""),
            ("call org.deskconn.brightness.set 40", ""),
            ("subscribe --match prefix org.deskconn. --json", "see all that happens"),
            ("join", "pair with another desktop that runs `deskconnctl pair`"),
            ("--desktop Attic slides next", "do it there"),
        ],
    ),
    ("status", &[("status", ""), ("--desktop Attic status", "")]),
    (
        "top",
        &[
            ("top", "look, until q"),
            ("top --sort events", ""),
            (
                "top --json --count 2 --interval 5",
                "two snapshots, the second with the rates of 5 s",
            ),
        ],
    ),
    ("reload", &[("reload", "after the configuration was changed")]),
    (
        "doctor",
        &[("doctor", ""), ("doctor --json --no-discovery", "for a script")],
    ),
    (
        "pair",
        &[
            ("pair", "a device that may do what a remote does"),
            ("pair --role slides --ttl 5m", ""),
            ("pair --expires 12h --name Guest", "a guest for today"),
            (
                "pair --grant org.deskconn.power.suspend",
                "and may let the machine sleep",
            ),
        ],
    ),
    (
        "join",
        &[
            ("join", "the desktop on the network that waits for a device"),
            ("join 192.0.2.7", "the one at this address"),
            ("join -", "by a link, which is pasted"),
        ],
    ),
    ("desktops", &[("desktops", ""), ("desktops forget Attic", "")]),
    (
        "devices",
        &[
            ("devices", "who is paired, and who is there"),
            ("devices role Pixel slides", ""),
            ("devices grant Pixel org.deskconn.power.suspend --for 2h", ""),
            (
                "devices grant Pixel org.deskconn.command.run --confirm",
                "ask each time; see `approve`",
            ),
            ("devices expire Pixel 30d", ""),
            ("devices revoke Pixel", ""),
        ],
    ),
    (
        "approve",
        &[
            ("approve", ""),
            ("approve --yes-to Pixel", "do not ask about this device"),
        ],
    ),
    (
        "log",
        &[
            ("log", ""),
            ("log --follow", ""),
            ("log --device d_7f3a --limit 1000 --json", ""),
        ],
    ),
    (
        "actions",
        &[
            ("actions", "what is done when, and what became of it"),
            ("actions show backup", ""),
            (
                "actions test boiler-on 1700",
                "what it would do on an event with this argument",
            ),
            ("actions test backup --time 2027-01-31T21:30:00Z", "at that time"),
            ("actions run backup", "now"),
            ("actions off backup", ""),
        ],
    ),
    (
        "discover",
        &[
            ("discover", "the desktops on the network"),
            (
                "discover --max 1 --json",
                "the first one, the lowest priority of its SRV record first",
            ),
            ("discover --type _ipp._tcp", "printers"),
            ("discover --watch --write desktops.json", "keep a file of who is there"),
        ],
    ),
    ("discovery", &[("discovery", ""), ("discovery off", "")]),
    (
        "call",
        &[
            ("call org.deskconn.info.get --json", ""),
            (
                "call org.deskconn.brightness.set 40 duration_ms=2000",
                "with a keyword argument",
            ),
            (
                "call com.example.add 2 3 --at hub:8080 --realm realm1 --anonymous",
                "any router",
            ),
            (
                "call com.example.add 2 3 --at hub:8080 --realm home --authid joe --password joe.txt",
                "as a principal of it",
            ),
        ],
    ),
    (
        "publish",
        &[
            ("publish org.deskconn.app.lamp true", ""),
            (
                "publish --retain org.deskconn.app.lamp true",
                "for those who come later, too",
            ),
            (
                "publish --will --retain org.deskconn.app.lamp false",
                "when this connection ends",
            ),
        ],
    ),
    (
        "subscribe",
        &[
            ("subscribe org.deskconn.screen.on_locked", ""),
            ("subscribe --match prefix org.deskconn.app. --retained -v", ""),
            (
                "subscribe --count 1 --json org.deskconn.battery.on_changed",
                "wait for one event",
            ),
        ],
    ),
    (
        "register",
        &[
            ("register org.deskconn.app.uptime uptime", ""),
            (
                "register org.deskconn.app.say 'jq -r .args[0] | espeak'",
                "with the arguments of the call",
            ),
        ],
    ),
    ("slides", &[("slides start", ""), ("slides next", "")]),
    ("screen", &[("screen lock", ""), ("screen status --json", "")]),
    (
        "brightness",
        &[
            ("brightness", ""),
            ("brightness set 40 --fade 3", ""),
            ("brightness up --display DP-1", ""),
        ],
    ),
    ("agent", &[("agent", "packages start it with the desktop session")]),
    (
        "media",
        &[
            ("media", "what plays"),
            ("media toggle", ""),
            ("media seek -10 --player mpv", ""),
        ],
    ),
    ("pointer", &[("pointer move 10 -5", ""), ("pointer click right", "")]),
    (
        "keyboard",
        &[
            ("keyboard press ctrl+t", ""),
            ("keyboard type 'Hello'", ""),
            ("keyboard type -", "the standard input"),
        ],
    ),
    ("host", &[("host", ""), ("--desktop Attic host --json", "")]),
    ("gpio", &[("gpio", ""), ("gpio set lamp on", "")]),
    ("command", &[("command", ""), ("command run backup", "")]),
    ("volume", &[("volume", ""), ("volume set 30", ""), ("volume mute", "")]),
    ("notify", &[("notify Tea 'It is ready'", "")]),
    ("open", &[("open https://example.org", "")]),
    ("battery", &[("battery", "")]),
    (
        "power",
        &[("power", "what the machine would do"), ("power suspend", "")],
    ),
    ("keygen", &[("keygen", ""), ("keygen --key robot.key", "")]),
    (
        "secret",
        &[
            ("secret joe", "asks for the password"),
            ("secret --method wampcra --role sensor garage", ""),
        ],
    ),
    (
        "completions",
        &[
            (
                "completions bash > ~/.local/share/bash-completion/completions/deskconnctl",
                "",
            ),
            ("completions zsh > ~/.zfunc/_deskconnctl", "a directory of $fpath"),
            ("completions fish > ~/.config/fish/completions/deskconnctl.fish", ""),
        ],
    ),
    (
        "man",
        &[
            ("man | man -l -", "read it"),
            ("man devices grant | man -l -", ""),
            ("man --write /usr/local/share/man/man1", "for packages"),
        ],
    ),
];

/// The examples of the command with these words. Of one below another those that begin with its words, and where there
/// is none those of the one above.
pub(crate) fn of(path: &[&str]) -> Vec<Example> {
    let first = path.first().copied().unwrap_or_default();
    let found = EXAMPLES.iter().find(|(name, _)| *name == first);
    let all = found.map_or(&[][..], |(_, examples)| examples);
    let words = path.join(" ");
    let is_own = |(line, _): &&Example| {
        line.strip_prefix(&words)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    };
    let own: Vec<Example> = all.iter().filter(is_own).copied().collect();
    if path.len() < 2 || own.is_empty() {
        all.to_vec()
    } else {
        own
    }
}

/// As help shows them: what each does stands beside it, or below each where that would be too long for a terminal.
pub(super) fn text(examples: &[Example]) -> String {
    let line = |line: &str| format!("  deskconnctl {line}");
    let told = examples.iter().filter(|(_, what)| !what.is_empty());
    let beside = told.clone().map(|(it, _)| line(it).len() + 2).max().unwrap_or_default();
    let fits = told.clone().all(|(_, what)| beside + what.len() <= WIDTH);
    let lines = examples.iter().map(|(it, what)| match (*what, fits) {
        ("", _) => format!("\n{}", line(it)),
        (what, true) => format!("\n{:<beside$}{what}", line(it)),
        (what, false) => format!("\n{}\n      {what}", line(it)),
    });
    format!("Examples:{}", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::command;

    #[test]
    fn every_command_has_an_example_and_every_example_is_of_a_command() {
        for command in command().get_subcommands() {
            assert!(!of(&[command.get_name()]).is_empty(), "{}", command.get_name());
        }
        for (name, _) in EXAMPLES.iter().skip(1) {
            assert!(command().find_subcommand(name).is_some(), "{name}");
        }
    }

    #[test]
    fn what_is_said_of_an_example_fits_a_narrow_terminal() {
        for (name, examples) in EXAMPLES {
            let text = text(&of(if name.is_empty() {
                &[]
            } else {
                std::slice::from_ref(name)
            }));
            // A command that is longer stands alone, to be copied.
            let is_command = |line: &str| examples.iter().any(|(it, _)| line == format!("  deskconnctl {it}"));
            let long = text
                .lines()
                .find(|line| !is_command(line) && line.chars().count() > WIDTH);
            assert_eq!(long, None);
        }
    }

    #[test]
    fn a_command_below_another_has_its_own_examples_or_those_above() {
        let lines = |path: &[&str]| of(path).into_iter().map(|(line, _)| line).collect::<Vec<_>>();
        assert_eq!(lines(&["volume", "mute"]), ["volume mute"]);
        assert_eq!(lines(&["devices", "grant"]).len(), 2);
        assert_eq!(lines(&["volume", "down"]), lines(&["volume"]));
        let help = command()
            .find_subcommand_mut("devices")
            .and_then(|devices| devices.find_subcommand_mut("grant"))
            .map(|grant| grant.render_help().to_string());
        let help = help.unwrap();
        assert!(help.contains("Examples:\n  deskconnctl devices grant Pixel"), "{help}");
    }

    #[test]
    fn every_example_can_be_typed() {
        for (line, _) in EXAMPLES.iter().flat_map(|(_, examples)| *examples) {
            // What a shell does with a line: what is behind a pipe or an arrow is not ours.
            let line = line.split(" > ").next().unwrap();
            let line = line.split(" | man ").next().unwrap();
            let words = line.split('\'').enumerate().flat_map(|(place, part)| -> Vec<String> {
                if place % 2 == 1 {
                    return vec![part.to_owned()];
                }
                part.split_whitespace().map(str::to_owned).collect()
            });
            let words = std::iter::once("deskconnctl".to_owned()).chain(words);
            let parsed = command().try_get_matches_from(words);
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
        }
    }
}
