//! The settings of single functions, as they stand in the file.

use std::path::Path;

use components::Settings;

use crate::config::{Config, ConfigError};

fn parse(text: &str) -> Result<Settings, ConfigError> {
    Config::parse(Path::new("config.toml"), text).map(|config| config.components)
}

fn told(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

const LAMP: &str = "[[components.command]]\nname = \"lamp\"\nrun = [\"/usr/bin/lamp\", \"on\"]\n";

#[test]
fn a_command_has_a_name_a_program_and_defaults_for_the_rest() {
    let settings = parse(LAMP).unwrap();
    let lamp = &settings.command.commands[0];
    assert_eq!((lamp.name.as_str(), lamp.title.as_str()), ("lamp", "lamp"));
    assert_eq!(lamp.run, ["/usr/bin/lamp", "on"]);
    assert_eq!(
        (lamp.timeout_s, lamp.output_bytes, &lamp.directory),
        (60, 262_144, &None)
    );
    let text = format!("{LAMP}title = \"The lamp\"\ndirectory = \"/tmp\"\ntimeout_s = 3600\noutput_bytes = 524288\n");
    let settings = parse(&text).unwrap();
    let lamp = &settings.command.commands[0];
    assert_eq!((lamp.timeout_s, lamp.output_bytes), (3600, 524_288));
    assert_eq!(lamp.directory.as_deref(), Some(Path::new("/tmp")));
}

#[test]
fn what_is_wrong_with_a_command_is_named() {
    for (text, expected) in [
        (
            "[[components.command]]\nname = \"lamp\"\n",
            "line 1: `components.command.run` is missing",
        ),
        (
            "[[components.command]]\nrun = [\"a\"]\n",
            "`components.command.name` is missing",
        ),
        (
            &LAMP.replace("\"lamp\"", "\"my lamp\""),
            "line 2: `components.command.name` must be 1 to 64 letters",
        ),
        (
            &LAMP.replace("[\"/usr/bin/lamp\", \"on\"]", "\"lamp on\""),
            "line 3: `components.command.run` must be a list",
        ),
        (
            &LAMP.replace("[\"/usr/bin/lamp\", \"on\"]", "[]"),
            "`components.command.run` must be a list of the program",
        ),
        (&format!("{LAMP}timeout_s = 0"), "a whole number from 1 to 3600"),
        (&format!("{LAMP}timeout_s = 3601"), "a whole number from 1 to 3600"),
        (
            &format!("{LAMP}output_bytes = 524289"),
            "a whole number from 0 to 524288",
        ),
        (&format!("{LAMP}directory = \"here\""), "must be an absolute path"),
        (&format!("{LAMP}{LAMP}"), "line 4: there is a command \"lamp\" already"),
        (
            &format!("{LAMP}shell = true"),
            "there is no key `components.command.shell`",
        ),
    ] {
        let told = told(text);
        assert!(told.contains(expected), "{told}");
    }
    let most = |count: usize| {
        let one = |number: usize| format!("[[components.command]]\nname = \"c{number}\"\nrun = [\"true\"]\n");
        (0..count).map(one).collect::<String>()
    };
    assert_eq!(parse(&most(64)).unwrap().command.commands.len(), 64);
    assert!(told(&most(65)).contains("at most 64 tables"));
}
