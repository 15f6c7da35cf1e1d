//! Tests of the configuration: the examples are read, and every kind of mistake gets a sentence that helps.

use super::http::read_origin;
use super::*;

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(Path::new("config.toml"), text)
}

/// The error of a text, as a person sees it.
fn told(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

fn example(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)).unwrap()
}

#[test]
fn an_empty_file_and_no_file_are_the_defaults() {
    let config = parse("").unwrap();
    assert_eq!(config, Config::default());
    assert_eq!(
        config.listen.tcp,
        ["0.0.0.0:5020".parse().unwrap(), "[::]:5020".parse().unwrap()]
    );
    assert!(config.listen.quic.is_empty());
    assert_eq!((config.listen.unix, config.discovery.enabled), (Unix::Auto, true));
    assert_eq!(config.pairing.attempts, 3);
    let missing = Path::new("/nonexistent/config.toml");
    assert_eq!(Config::load(missing, false).unwrap(), Config::default());
    let error = Config::load(missing, true).unwrap_err().to_string();
    assert!(
        error.contains("/nonexistent/config.toml") && error.contains("cannot be read"),
        "{error}"
    );
}

#[test]
fn the_documented_file_states_the_defaults() {
    assert_eq!(parse(&example("deskconn.toml")).unwrap(), Config::default());
}

#[test]
fn the_lines_of_the_documented_file_that_are_not_in_force_work() {
    let config = parse(&reference::in_force(&example("deskconn.toml"))).unwrap();
    assert_eq!(config.discovery.name.as_deref(), Some("Living room"));
    assert_eq!((config.advertise.len(), config.realms.len()), (1, 1));
    assert_eq!(
        (config.realms[0].roles.len(), config.realms[0].principals.len()),
        (4, 5)
    );
    assert_eq!(config.realms[0].anonymous.as_deref(), Some("anonymous"));
}

#[test]
fn every_example_is_read() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut count = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            Config::load(&path, true).unwrap();
            count += 1;
        }
    }
    assert!(count >= 2, "{count}");
}

#[test]
fn the_open_router_is_open_and_nothing_else() {
    let config = parse(&example("open-router.toml")).unwrap();
    assert_eq!(config.listen.tcp, ["127.0.0.1:8080".parse().unwrap()]);
    assert_eq!(
        (config.desktop.enabled, config.discovery.enabled, config.listen.unix),
        (false, false, Unix::Off)
    );
    let realm = &config.realms[0];
    assert_eq!(
        (realm.name.as_str(), realm.anonymous.as_deref()),
        ("realm1", Some("anonymous"))
    );
    let rule = &realm.roles[0].rules[0];
    assert_eq!(
        (rule.uri.as_str(), rule.matching, rule.disclose, rule.take_over),
        ("", Match::Prefix, Disclose::OnRequest, true)
    );
    assert_eq!(
        rule.allow,
        [Action::Call, Action::Register, Action::Publish, Action::Subscribe]
    );
    assert_eq!(
        (config.limits.message_bytes, config.limits.sessions),
        (8 << 20, Some(100_000))
    );
    assert_eq!(
        (config.limits.unauthenticated, config.limits.sessions_per_ip),
        (None, None)
    );
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_nearest_known_one() {
    assert_eq!(
        told("log = \"info\"\n[listen]\ntpc = []\n"),
        "config.toml, line 3: there is no key `listen.tpc`; did you mean `tcp`?"
    );
    assert_eq!(
        told("[discover]\n"),
        "config.toml, line 1: there is no key `discover`; did you mean `discovery`?"
    );
    assert!(told("[pairing]\nattempt = 3").contains("did you mean `attempts`?"));
    assert!(told("[pairing]\nzzz = 3").contains("known here are: ttl_s, attempts"));
    assert!(
        told("[[realm]]\nname='a'\n[[realm.role]]\nname='anonymous'\nrules=[{uri='',match='prefix',alow=[]}]")
            .contains("line 5")
    );
}

#[test]
fn of_several_unknown_keys_the_first_is_named() {
    assert!(told("[pairing]\nzebra = 1\napple = 2\n").contains("line 2: there is no key `pairing.zebra`"));
}

#[test]
fn what_is_not_toml_is_an_error_with_its_line() {
    assert!(
        told("log = \"info\"\n\nports = [1,\n").starts_with("config.toml, line 3: this is not TOML"),
        "{}",
        told("log = \"info\"\n\nports = [1,\n")
    );
    assert!(told("log = \"a\"\nlog = \"b\"\n").starts_with("config.toml, line 2: this is not TOML: duplicate key"));
}

#[test]
fn a_wrong_value_is_named_with_what_is_accepted() {
    for (text, key, accepted) in [
        ("log = 3", "log", "levels by target like \"info,deskconn_router=debug\""),
        ("listen = 3", "listen", "a table"),
        ("[desktop]\nenabled = \"yes\"", "desktop.enabled", "true or false"),
        (
            "[desktop]\ncomponents = \"none\"",
            "desktop.components",
            "\"all\" or a list of names",
        ),
        (
            "[listen]\ntcp = \"0.0.0.0:5020\"",
            "listen.tcp",
            "a list of at most 64 texts, each an address with a port",
        ),
        ("[listen]\ntcp = [5020]", "listen.tcp", "an address with a port"),
        ("[listen]\ntcp = [\"localhost\"]", "listen.tcp", "like \"0.0.0.0:5020\""),
        ("[listen]\ntcp = [\"localhost\"]", "listen.tcp", "not \"localhost\""),
        (
            "[listen]\nunix = \"run/sock\"",
            "listen.unix",
            "\"auto\", \"off\" or an absolute path",
        ),
        ("[discovery]\nname = \"\"", "discovery.name", "1 to 57 bytes"),
        ("[discovery]\ndeny = [\"a*b\"]", "discovery.deny", "a beginning with *"),
        ("[discovery]\nweight = 65536", "discovery.weight", "from 0 to 65535"),
        (
            "[limits]\nhello_s = 1.5",
            "limits.hello_s",
            "a whole number from 1 to 86400",
        ),
        ("[compat]\nsockets = [\"x\"]", "compat.sockets", "an absolute path"),
        (
            "[http]\nallowed_origins = [\"example.org\"]",
            "http.allowed_origins",
            "an origin as browsers send it",
        ),
        ("[limits]\nsessions = -1", "limits.sessions", "or \"unlimited\""),
        (
            "[limits]\ndepth = \"unlimited\"",
            "limits.depth",
            "a whole number from 4 to 128",
        ),
        (
            "[[advertise]]\ntype = \"http\"\nport = 80",
            "advertise.type",
            "like \"_http._tcp\"",
        ),
        (
            "[[advertise]]\ntype = \"_http._tcp\"\nport = 0",
            "advertise.port",
            "1 to 65535",
        ),
        (
            "[[advertise]]\ntype = \"_http._tcp\"\nport = 80\ntxt = [\"path\"]",
            "advertise.txt",
            "\"key=value\"",
        ),
        ("[advertise]\n", "advertise", "[[advertise]]"),
    ] {
        let line = 1 + text
            .lines()
            .position(|line| line.contains(key.rsplit('.').next().unwrap()))
            .unwrap();
        let told = told(text);
        assert!(
            told.starts_with(&format!("config.toml, line {line}: `{key}` must be ")),
            "{told}"
        );
        assert!(told.contains(accepted), "{told}");
    }
}

#[test]
fn a_number_is_read_in_every_form_of_toml() {
    for number in ["16384", "16_384", "0x4000", "0o40000"] {
        assert_eq!(
            parse(&format!("[limits]\nmessage_bytes = {number}"))
                .unwrap()
                .limits
                .message_bytes,
            16_384,
            "{number}"
        );
    }
}

#[test]
fn values_are_taken_at_their_limits_and_refused_past_them() {
    for (key, least, most) in [
        ("limits.message_bytes", 512_u64, 256 << 20),
        ("limits.depth", 4, 128),
        ("limits.sessions", 1, 1 << 24),
        ("limits.resume_s", 0, 86_400),
        ("limits.ping_s", 0, 86_400),
        ("pairing.attempts", 1, 10),
        ("pairing.ttl_s", 1, 600),
        ("discovery.priority", 0, 65_535),
    ] {
        for good in [least, most] {
            assert!(parse(&format!("{key} = {good}")).is_ok(), "{key} = {good}");
        }
        assert!(parse(&format!("{key} = {}", most + 1)).is_err(), "{key} past {most}");
        if let Some(less) = least.checked_sub(1) {
            assert!(parse(&format!("{key} = {less}")).is_err(), "{key} below {least}");
        }
    }
    let list = |count: usize| format!("[http]\nallowed_origins = [{}]", "\"https://a.b\", ".repeat(count));
    assert!(parse(&list(MAX_LIST)).is_ok() && parse(&list(MAX_LIST + 1)).is_err());
    let name = |bytes: usize| format!("[discovery]\nname = \"{}\"", "x".repeat(bytes));
    assert!(parse(&name(MAX_INSTANCE)).is_ok() && parse(&name(MAX_INSTANCE + 1)).is_err());
    let services = |count: usize| "[[advertise]]\ntype = \"_http._tcp\"\nport = 80\n".repeat(count);
    assert!(parse(&services(16)).is_ok() && parse(&services(17)).is_err());
    let txt = |bytes: usize| {
        format!(
            "[[advertise]]\ntype=\"_a._tcp\"\nport=1\ntxt = [\"k={}\"]",
            "x".repeat(bytes - 2)
        )
    };
    assert!(parse(&txt(255)).is_ok() && parse(&txt(256)).is_err());
    let all = |strings: usize| {
        let strings: String = (0..strings)
            .map(|n| format!("\"k{n}={}\", ", "x".repeat(240)))
            .collect();
        format!("[[advertise]]\ntype=\"_a._tcp\"\nport=1\ntxt = [{strings}]")
    };
    assert!(parse(&all(5)).is_ok());
    assert!(told(&all(6)).contains("at most 1300 bytes in all"));
}

#[test]
fn a_socket_path_the_kernel_does_not_take_is_refused_here_already() {
    let path = |bytes: usize| format!("[listen]\nunix = \"/{}\"", "x".repeat(bytes - 1));
    assert!(matches!(parse(&path(107)).unwrap().listen.unix, Unix::At(_)));
    assert!(told(&path(108)).contains("at most 107 bytes"));
}

#[test]
fn origins_are_taken_as_browsers_send_them() {
    for good in [
        "https://example.org",
        "http://localhost:8000",
        "http://[::1]:80",
        "chrome-extension://abc",
    ] {
        assert!(read_origin(good).is_some(), "{good}");
    }
    for bad in [
        "",
        "https://",
        "https://example.org/",
        "https://Example.org",
        "null",
        "*",
        "https://a b",
        "https://u@h",
    ] {
        assert!(read_origin(bad).is_none(), "{bad}");
    }
}

#[test]
fn a_file_that_is_no_text_or_no_configuration_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config.toml");
    std::fs::write(&file, b"\xff\xfe").unwrap();
    assert!(Config::load(&file, false).unwrap_err().to_string().contains("UTF-8"));
    let limit = usize::try_from(MAX_FILE).unwrap();
    std::fs::write(&file, "#".repeat(limit)).unwrap();
    assert!(Config::load(&file, false).is_ok());
    std::fs::write(&file, "#".repeat(limit + 1)).unwrap();
    assert!(
        Config::load(&file, false)
            .unwrap_err()
            .to_string()
            .contains("more than 1048576 bytes")
    );
    assert!(
        Config::load(directory.path(), false)
            .unwrap_err()
            .to_string()
            .contains("cannot be read")
    );
}

#[test]
fn deep_nesting_is_an_error_and_not_a_crash() {
    for text in [
        format!("a = {}", "[".repeat(100_000)),
        format!("a{} = 1", ".b".repeat(100_000)),
        "a = {b = ".repeat(50_000),
    ] {
        assert!(parse(&text).is_err());
    }
}

#[path = "authenticator_tests.rs"]
mod authenticators;

#[path = "principal_tests.rs"]
mod principals;

#[path = "realm_tests.rs"]
mod realms;

#[path = "tls_tests.rs"]
mod tls;
