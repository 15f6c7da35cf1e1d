//! The settings of single functions, as they stand in the file.

use std::path::Path;

use components::Settings;
use components::backends::gpio::{Bias, Direction, LineId};

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

const LAMP_LINE: &str =
    "[[components.gpio.line]]\nname = \"lamp\"\nchip = \"pinctrl\"\nline = 17\ndirection = \"out\"\n";

#[test]
fn a_line_is_named_by_chip_and_number_or_by_its_own_name() {
    let settings = parse(&format!(
        "{LAMP_LINE}active_low = true\ninitial = true\n[[components.gpio.line]]\nname = \"door\"\nline = \"GPIO4\"\n\
         direction = \"in\"\nbias = \"pull-up\"\n"
    ))
    .unwrap();
    let [lamp, door] = &settings.gpio.lines[..] else {
        panic!("two lines")
    };
    assert_eq!(
        (lamp.name.as_str(), lamp.wanted.chip.as_deref()),
        ("lamp", Some("pinctrl"))
    );
    assert_eq!(
        (&lamp.wanted.line, lamp.wanted.direction),
        (&LineId::Offset(17), Direction::Out)
    );
    assert!(lamp.wanted.active_low && lamp.wanted.initial && lamp.wanted.bias.is_none());
    assert_eq!(
        (&door.wanted.line, door.wanted.bias),
        (&LineId::Name("GPIO4".into()), Some(Bias::PullUp))
    );
    assert!(door.wanted.chip.is_none() && !door.wanted.active_low);
}

#[test]
fn what_is_wrong_with_a_line_is_named() {
    for (text, expected) in [
        (
            LAMP_LINE.replace("chip = \"pinctrl\"\n", ""),
            "`components.gpio.line.chip` is missing; it is the chip's label",
        ),
        (
            LAMP_LINE.replace("line = 17\n", ""),
            "`components.gpio.line.line` is missing",
        ),
        (LAMP_LINE.replace("17", "65536"), "a whole number from 0 to 65535"),
        (
            LAMP_LINE.replace("\"out\"", "\"output\""),
            "line 5: `components.gpio.line.direction` must be \"in\" or \"out\"",
        ),
        (
            format!("{LAMP_LINE}bias = \"up\""),
            "\"pull-up\", \"pull-down\" or \"disabled\"",
        ),
        (
            format!("{LAMP_LINE}{LAMP_LINE}"),
            "line 6: there is a line \"lamp\" already",
        ),
        (
            format!("{LAMP_LINE}{}", LAMP_LINE.replace("lamp", "light")),
            "line 6: the line \"lamp\" is the same line of that chip",
        ),
        (
            format!("{LAMP_LINE}value = 1"),
            "there is no key `components.gpio.line.value`",
        ),
    ] {
        let told = told(&text);
        assert!(told.contains(expected), "{told}");
    }
    let most = |count: usize| {
        let one = |number: usize| {
            let named = LAMP_LINE.replace("\"lamp\"", &format!("\"l{number}\""));
            named.replace("17", &number.to_string())
        };
        (0..count).map(one).collect::<String>()
    };
    assert_eq!(parse(&most(64)).unwrap().gpio.lines.len(), 64);
    assert!(told(&most(65)).contains("at most 64 tables"));
}

#[test]
fn the_layout_is_named_with_its_variant() {
    assert_eq!(parse("").unwrap().keyboard.layout, None);
    let settings = parse("[components.keyboard]\nlayout = \"de\"\nvariant = \"neo\"\n").unwrap();
    let names = settings.keyboard.layout.unwrap();
    assert_eq!((names.layout.as_str(), names.variant.as_str()), ("de", "neo"));
    for (text, expected) in [
        (
            "layout = \"../../etc/shadow\"",
            "line 2: `components.keyboard.layout` must be the name of a layout",
        ),
        ("layout = \"\"", "must be the name of a layout"),
        ("variant = \"neo\"", "`components.keyboard.layout` is missing"),
    ] {
        let told = told(&format!("[components.keyboard]\n{text}\n"));
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn a_lock_command_is_read_up_to_its_limits_and_not_past_them() {
    let words = |count: usize, length: usize| {
        let words = vec![format!("\"{}\"", "a".repeat(length)); count];
        format!("[components.screen]\nlock_command = [{}]", words.join(", "))
    };
    assert_eq!(parse(&words(32, 4_096)).unwrap().screen.lock_command.len(), 32);
    for wrong in [words(33, 1), words(1, 4_097), words(1, 0)] {
        assert!(
            told(&wrong).contains("components.screen.lock_command"),
            "{}",
            told(&wrong)
        );
    }
    let text = told("[components.screen]\nlock_command = \"swaylock\"");
    assert!(text.contains("a list of at most 32 texts"), "{text}");
}

#[test]
fn reports_of_the_machine_come_as_often_as_is_said() {
    let interval =
        |text: &str| parse(&format!("[components.host]\ninterval_s = {text}\n")).map(|it| it.host.interval_s);
    assert_eq!(parse("").unwrap().host.interval_s, Some(60));
    assert_eq!(interval("5"), Ok(Some(5)));
    assert_eq!(interval("86400"), Ok(Some(86_400)));
    assert_eq!(interval("\"off\""), Ok(None));
    for wrong in ["4", "86401", "\"never\"", "true"] {
        let told = interval(wrong).unwrap_err().to_string();
        assert!(told.contains("from 5 to 86400, or \"off\""), "{told}");
    }
}
