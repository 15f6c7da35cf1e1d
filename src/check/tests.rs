//! What `--check` says of good, bad and strange configurations.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;

fn checked(text: &str) -> (Result<Checked, Vec<String>>, TempDir) {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("c.toml");
    fs::write(&file, text).unwrap();
    (check(&Origin::new(file, true, |_| {}), true), home)
}

fn errors(text: &str) -> Vec<String> {
    let (checked, home) = checked(text);
    let file = home.path().join("c.toml").display().to_string();
    let errors = checked.unwrap_err();
    errors.iter().map(|error| error.replace(&file, "FILE")).collect()
}

fn warnings(text: &str) -> Vec<String> {
    checked(text).0.unwrap().warnings
}

#[test]
fn a_right_file_is_told_with_what_it_contains() {
    let (checked, home) = checked(include_str!("../../examples/deskconn.toml"));
    let file = home.path().join("c.toml");
    assert_eq!(
        checked.unwrap().contents,
        format!("{} is right: the desktop, 2 TCP addresses", file.display())
    );
    let realms = "[desktop]\nenabled = false\n[listen]\ntcp = [\"127.0.0.1:1\"]\n[[realm]]\nname = \"a\"\n[[realm.role]]\nname = \"r\"\n\
        [[realm.principal]]\nauthid = \"joe\"\nrole = \"r\"\nmethod = \"ticket\"\nsecret = \"x\"\n";
    let contents = self::checked(realms).0.unwrap().contents;
    assert!(
        contents.ends_with(": 1 TCP address, 1 further realm, 1 role, 1 principal"),
        "{contents}"
    );
    let missing = check(&Origin::new(home.path().join("gone.toml"), false, |_| {}), false).unwrap();
    assert!(missing.contents.starts_with("there is no "), "{}", missing.contents);
    assert!(check(&Origin::new(home.path().join("gone.toml"), true, |_| {}), false).is_err());
}

#[test]
fn every_mistake_is_told_at_once_with_its_line() {
    let text = "logg = \"info\"\n[listen]\ntcp = [\"nowhere\", \"127.0.0.1:1\", \"neither\"]\n[pairing]\nttl_s = 0\nattempts = 99\n\
        [[realm]]\nname = \"a b\"\n[[realm]]\nname = \"c\"\n[[realm.role]]\nname = \"anonymous\"\n\
        rules = [{ uri = \"x.y\", allow = [\"fly\"] }]\n";
    let errors = errors(text);
    let begins: Vec<_> = errors
        .iter()
        .map(|it| it.split_inclusive(": ").take(1).collect::<String>())
        .collect();
    let lines = [
        "FILE, line 3: ",
        "FILE, line 3: ",
        "FILE, line 5: ",
        "FILE, line 6: ",
        "FILE, line 8: ",
        "FILE, line 13: ",
    ];
    let lines: Vec<_> = lines.into_iter().chain(["FILE, line 1: "]).collect();
    assert_eq!(begins, lines, "{errors:#?}");
    assert!(errors[6].contains("did you mean `log`?"), "{errors:#?}");
}

#[test]
fn a_mistake_that_follows_from_another_is_not_told() {
    let errors = errors("[[realm]]\nname = 7\n[[realm.role]]\nname = \"anonymous\"\n");
    assert_eq!(errors.len(), 1, "{errors:#?}");
}

#[test]
fn a_text_that_is_no_toml_has_every_place_where_it_is_none() {
    let errors = errors("log = \n[listen\ntcp = []\n");
    assert!(
        errors.len() >= 2 && errors.iter().all(|it| it.contains("this is not TOML")),
        "{errors:#?}"
    );
}

#[test]
fn nothing_is_said_to_be_missing_where_what_is_there_is_wrong() {
    let realm = "[[realm]]\nname = \"a\"\n";
    let role = "[[realm.role]]\nname = \"r\"\n";
    for (text, line) in [
        (
            format!(
                "{realm}{role}[[realm.principal]]\nauthid = \"x\"\nrole = \"q\"\nmethod = \"ticket\"\nsecret = \"s\"\n"
            ),
            7,
        ),
        (
            format!("{realm}[[realm.role]]\nname = \"anonymous\"\nrules = [{{ uri = \"a b\", allow = [] }}]\n"),
            5,
        ),
        (
            "[[action]]\nname = \"a\"\nwhen = { host = \"load\", above = \"much\" }\nthen = { notify = \"a\" }\n"
                .to_owned(),
            3,
        ),
        (
            "[[action]]\nname = \"a\"\nwhen = { at = \"07:00\", days = [\"monday\"] }\nthen = { notify = \"a\" }\n"
                .to_owned(),
            3,
        ),
    ] {
        let errors = errors(&text);
        assert_eq!(errors.len(), 1, "{errors:#?}");
        assert!(errors[0].starts_with(&format!("FILE, line {line}: ")), "{errors:#?}");
    }
}

#[test]
fn what_an_action_or_a_realm_lacks_elsewhere_is_told_at_its_line() {
    let action = |name: &str, then: &str| {
        format!("[[action]]\nname = \"{name}\"\nwhen = {{ every = \"1h\" }}\nthen = {{ {then} }}\n")
    };
    let actions = ["notify = \"a\"", "notfy = \"b\"", "command = \"c\"", "command = \"d\""];
    let text: String = actions
        .iter()
        .enumerate()
        .map(|(index, then)| action(&format!("a{index}"), then))
        .collect();
    let errors = errors(&text);
    let begins = ["FILE, line 8: ", "FILE, line 9: ", "FILE, line 13: "];
    assert!(
        errors.len() == 3 && errors.iter().zip(begins).all(|(error, begin)| error.starts_with(begin)),
        "{errors:#?}"
    );
}

#[test]
fn no_more_mistakes_are_told_than_anybody_mends_at_once() {
    let rules = "{ uri = \"x.y\", allow = [\"fly\"] },".repeat(50);
    let text = format!("[[realm]]\nname = \"c\"\n[[realm.role]]\nname = \"anonymous\"\nrules = [{rules}]\n");
    let errors = errors(&text);
    assert_eq!(errors.len(), 21);
    assert!(
        errors[20].ends_with("there are more mistakes, which are told when these are mended"),
        "{}",
        errors[20]
    );
}

#[test]
fn a_level_and_a_function_that_are_not_there_are_told_with_their_lines() {
    let errors = errors("log = \"verbose\"\n[desktop]\ncomponents = [\"slides\",\n \"slide\"]\n");
    assert_eq!(errors.len(), 2, "{errors:#?}");
    assert!(
        errors[0].starts_with("FILE, line 4: ") && errors[0].contains("slides, screen,"),
        "{errors:#?}"
    );
    assert!(
        errors[1].starts_with("FILE, line 1: ") && errors[1].contains("\"verbose\" is no level"),
        "{errors:#?}"
    );
}

#[test]
fn what_the_start_would_be_refused_for_is_a_mistake() {
    for (text, expected) in [
        ("owners = [\"nobody-of-that-name\"]\n", "nobody-of-that-name"),
        ("[tls]\nclient_ca = \"/nonexistent/ca.pem\"\n", "/nonexistent/ca.pem"),
        (
            "[listen]\ntcp = [\"0.0.0.0:5020\", \"0.0.0.0:5020\"]\n",
            "line 2: `listen.tcp` must be without 0.0.0.0:5020",
        ),
        (
            "[metrics]\nlisten = [\"127.0.0.1:5020\"]\n",
            "line 2: `metrics.listen` must be without 127.0.0.1:5020",
        ),
    ] {
        let errors = errors(text);
        assert!(errors.len() == 1 && errors[0].contains(expected), "{text}: {errors:#?}");
    }
    checked("[listen]\ntcp = [\"127.0.0.1:0\", \"127.0.0.1:0\", \"[::1]:5020\"]\n[metrics]\nlisten = [\"127.0.0.1:5020\"]\n").0.unwrap();
}

#[test]
fn owners_are_the_systems_and_who_looks_at_its_file_as_another_user_is_told_so() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("c.toml");
    fs::write(&file, "owners = [\"root\"]\n").unwrap();
    let of = |is_asked_for, is_system| check(&Origin::new(&file, is_asked_for, |_| {}), is_system);
    assert!(of(false, true).unwrap().warnings.is_empty());
    assert!(of(true, false).unwrap().warnings[0].contains("system service"));
    assert!(of(false, false).unwrap_err()[0].contains("system service"));
}

#[test]
fn what_is_legal_and_surely_not_meant_is_a_warning() {
    let realm =
        |rules: &str| format!("[[realm]]\nname = \"a\"\n[[realm.role]]\nname = \"anonymous\"\nrules = [{rules}]\n");
    let all = "{ uri = \"\", match = \"prefix\", allow = [\"call\", \"register\", \"publish\", \"subscribe\"] }";
    let one = "{ uri = \"a.b\", allow = [\"call\"] }";
    for (text, expected) in [
        ("[desktop]\nenabled = false\n".to_owned(), "serves nothing"),
        ("[listen]\ntcp = []\n".to_owned(), "nothing is shown"),
        ("[desktop]\ncomponents = []\n".to_owned(), "no functions"),
        (
            "[discovery]\nallow = [\"eth0\"]\ndeny = [\"eth0\"]\n".to_owned(),
            "eth0",
        ),
        (
            "[metrics]\nlisten = [\"0.0.0.0:9464\"]\n".to_owned(),
            "everybody who reaches it",
        ),
        ("[limits]\nping_s = 60\ndead_s = 60\n".to_owned(), "ping_s"),
        ("[limits]\nsessions_per_ip = 65\n".to_owned(), "sessions_per_ip"),
        (realm(all), "without proof"),
        (realm(&format!("{one}, {one}")), "two rules"),
        (realm(""), "may do nothing"),
        (
            format!("{}[[realm.role]]\nname = \"idle\"\nrules = [{one}]\n", realm(one)),
            "nobody has the role \"idle\"",
        ),
    ] {
        let warnings = warnings(&text);
        assert!(warnings.iter().any(|it| it.contains(expected)), "{text}: {warnings:#?}");
    }
    let authority = Config::parse(Path::new("c.toml"), "[tls]\nclient_ca = \"/etc/ca.pem\"\n").unwrap();
    let warnings_of_it = authority.warnings();
    assert!(
        warnings_of_it[0].contains("no certificate lets anybody in"),
        "{warnings_of_it:#?}"
    );
    let certified = format!(
        "{}[[realm.role]]\nname = \"plant\"\nrules = [{one}]\n[[realm.principal]]\nauthid = \"x\"\nrole = \"plant\"\nmethod = \"tls\"\n",
        realm(one)
    );
    let warnings_of_it = warnings(&certified);
    assert!(
        warnings_of_it.len() == 1 && warnings_of_it[0].contains("no [tls] client_ca"),
        "{warnings_of_it:#?}"
    );
    for file in ["deskconn.toml", "open-router.toml"] {
        let text = fs::read_to_string(format!("{}/examples/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        assert_eq!(warnings(&text), [""; 0], "{file}");
    }
}

fn action(when: &str, then: &str) -> String {
    format!("[[action]]\nname = \"lamp\"\nwhen = {when}\nthen = {then}\n")
}

#[test]
fn a_name_that_nothing_gives_where_it_stands_is_a_warning() {
    const TOPIC: &str = "{ topic = \"a.b\" }";
    for (when, then, expected) in [
        (
            "{ every = \"1h\", if = \"device.name == 'x'\" }",
            "{ notify = \"a\" }",
            vec!["action \"lamp\": in `device.name == 'x'` there is no `device`: nothing that triggers it gives that"],
        ),
        (
            TOPIC,
            "[{ notify = \"{{ result.value }}\" }, { notify = \"a\", body = \"{{ results[0] }}\" }]",
            vec!["action \"lamp\": in `result.value` there is no `result`: no step is done before it"],
        ),
        (
            "[{ topic = \"a.b\" }, { host = \"load\", above = 2, if = \"topic == 'a'\" }]",
            "{ call = \"a.{{ topic }}\", args = [[\"{{ present }}\"]], kwargs = { x = \"{{ reading }} {{ now.time }}\" } }",
            vec![
                "action \"lamp\": in `topic == 'a'` there is no `topic`: nothing that triggers it gives that",
                "action \"lamp\": in `present` there is no `present`: nothing that triggers it gives that",
            ],
        ),
        (
            "{ at = \"07:00\" }",
            "{ post = \"http://a/{{ args[0] }}\", headers = { X-Key = \"{{ topic }}\" }, json = { a = \"{{ kwargs }}\" }, if = \"present\" }",
            vec![
                "action \"lamp\": in `present` there is no `present`: nothing that triggers it gives that",
                "action \"lamp\": in `args[0]` there is no `args`: nothing that triggers it gives that",
                "action \"lamp\": in `topic` there is no `topic`: nothing that triggers it gives that",
                "action \"lamp\": in `kwargs` there is no `kwargs`: nothing that triggers it gives that",
            ],
        ),
        (
            TOPIC,
            "{ publish = \"b.{{ args[0] }}\", args = [\"{{ publisher.authid }} {{ kwargs }} {{ trigger }} {{ action }} {{ value }}\"] }",
            vec![],
        ),
        (
            "{ device = \"x\", is = \"present\", if = \"present\" }",
            "{ notify = \"{{ device.name }}\" }",
            vec![],
        ),
        (
            "{ device = \"x\", is = \"present\", if = \"now['hour'] > 6 and now.year | default(1) > 0\" }",
            "{ notify = \"{{ device.nam }} {{ now['day'] }} {{ value.x if value is defined else 1 }}\" }",
            vec![
                "action \"lamp\": in `device.nam` there is no `device.nam`: of device there are id, kind, name",
                "action \"lamp\": in `now['day']` there is no `now.day`: of now there are date, hour, iso, minute, time, weekday",
            ],
        ),
    ] {
        assert_eq!(warnings(&action(when, then)), expected, "{when} {then}");
    }
}

#[test]
fn a_file_or_program_that_is_not_there_is_a_warning_since_it_may_come_yet() {
    let home = tempfile::tempdir().unwrap();
    let there = home.path().join("token");
    fs::write(&there, "x").unwrap();
    let pipe = home.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
    let post = |key: &str, file: &Path| {
        let then = format!("{{ post = \"https://a/\", {key} = \"{}\" }}", file.display());
        warnings(&action("{ every = \"1h\" }", &then))
    };
    assert_eq!(post("token_file", &there), [""; 0]);
    for key in ["token_file", "ca"] {
        let gone = home.path().join("gone");
        let told = post(key, &gone);
        let begin = format!("action \"lamp\": {key} {} cannot be read: ", gone.display());
        assert!(told.len() == 1 && told[0].starts_with(&begin), "{told:?}");
    }
    assert!(post("ca", &pipe)[0].ends_with("it is no file"));
    let expected = format!(
        "action \"lamp\": ca {} has no authorities for certificates",
        there.display()
    );
    assert_eq!(post("ca", &there), [expected]);
    let command = |program: &str| {
        warnings(&format!(
            "[[components.command]]\nname = \"lamp\"\nrun = [\"{program}\"]\n"
        ))
    };
    for program in ["sh", "/bin/sh", "./of-its-directory"] {
        assert_eq!(command(program), [""; 0], "{program}");
    }
    for program in ["no-such-program", "/nonexistent/lamp", "/etc/passwd"] {
        let expected = format!("[[components.command]] \"lamp\": there is no program {program}");
        assert_eq!(command(program), [expected]);
    }
    let elsewhere = format!(
        "[[components.command]]\nname = \"lamp\"\nrun = [\"sh\"]\ndirectory = \"{}\"\n",
        there.display()
    );
    let expected = format!("[[components.command]] \"lamp\": {} is no directory", there.display());
    assert_eq!(warnings(&elsewhere), [expected]);
    let locker = warnings("[components.screen]\nlock_command = [\"no-such-locker\"]\n");
    assert_eq!(
        locker,
        ["[components.screen] lock_command: there is no program no-such-locker"]
    );
}
