//! What `[[realm.link]]` accepts, and in which words it refuses the rest.

use std::path::Path;

use super::*;
use crate::config::Config;

/// A realm with this role, this link and this row of what it forwards.
fn parse(role: &str, link: &str, forward: &str) -> Result<Link, String> {
    let text = format!(
        "[[realm]]\nname = \"home\"\n[[realm.role]]\nname = \"anonymous\"\n{role}\n[[realm.link]]\nname = \"office\"\n{link}\n\
         [[realm.link.forward]]\n{forward}\n"
    );
    let config = Config::parse(Path::new("test.toml"), &text).map_err(|error| error.to_string())?;
    Ok(config.realms[0].links[0].clone())
}

const TICKET: &str = "to = [\"ws://127.0.0.1:1/ws\", \"rs://127.0.0.1:2\"]\nauthid = \"home\"\nmethod = \"ticket\"\n\
                      secret = \"open\"";
const FORWARD: &str = "uri = \"com.example.\"\nmatch = \"prefix\"\ndirection = \"both\"";

#[test]
fn a_link_is_read_with_its_defaults() {
    let link = parse("", TICKET, FORWARD).unwrap();
    assert_eq!((link.name.as_str(), link.realm.as_str()), ("office", "home"));
    let to: Vec<_> = link.to.iter().map(ToString::to_string).collect();
    assert_eq!(to, ["ws://127.0.0.1:1/ws", "rs://127.0.0.1:2"]);
    assert_eq!(link.secret, Some(Secret::Ticket("open".to_owned())));
    let [forward] = &link.forward[..] else { panic!() };
    assert!(forward.is_in && forward.is_out && forward.events && forward.calls && !forward.keep);
    assert!(!format!("{link:?}").contains("open"), "a secret is not shown");
}

#[test]
fn a_link_logs_in_with_a_key_or_a_password_too() {
    let pin = "ab".repeat(32);
    let key = format!(
        "to = [\"wss://127.0.0.1:1/ws\"]\npin = \"{pin}\"\nmethod = \"cryptosign\"\nkey = \"{}\"",
        "01".repeat(32)
    );
    let link = parse("", &key, FORWARD).unwrap();
    assert_eq!((link.key.unwrap().to_bytes(), link.pin), ([1; 32], Some([0xab; 32])));
    for method in ["wampcra", "wamp-scram"] {
        let link = parse("", &TICKET.replace("ticket", method), FORWARD).unwrap();
        assert_eq!(link.secret, Some(Secret::Password("open".to_owned())));
    }
}

#[test]
fn what_a_link_cannot_be_is_said_in_words() {
    let refused = |link: &str, forward: &str, word: &str| {
        let error = parse("", link, forward).unwrap_err();
        assert!(error.contains(word) && error.contains("test.toml, line"), "{error}");
    };
    refused(&TICKET.replace("ticket", "anonymous"), FORWARD, "wamp-scram");
    refused(&TICKET.replace("authid = \"home\"\n", ""), FORWARD, "no `authid`");
    refused(&TICKET.replace("ws://", "wss://"), FORWARD, "no `pin`");
    refused(
        &format!("{TICKET}\npin = \"{}\"", "00".repeat(32)),
        FORWARD,
        "wss://, rss:// and quic:// alone",
    );
    refused(
        &TICKET.replace("ws://127.0.0.1:1/ws", "http://x"),
        FORWARD,
        "unix:/PATH",
    );
    refused("to = []\nmethod = \"ticket\"", FORWARD, "at least one");
    refused(TICKET, "uri = \"com.x\"", "direction");
    refused(TICKET, &FORWARD.replace("com.example.", "wamp."), "never forwarded");
    refused(TICKET, &format!("{FORWARD}\nwhat = []"), "at least one");
    refused(
        TICKET,
        &format!("{}\nkeep = true", FORWARD.replace("both", "in")),
        "no events go out",
    );
    refused(
        TICKET,
        &format!("{FORWARD}\nkeep = true\nwhat = [\"calls\"]"),
        "no events go out",
    );
}

#[test]
fn what_one_row_forwards_another_one_does_not_forward_again() {
    let with = |second: &str| parse("", TICKET, &format!("{FORWARD}\n[[realm.link.forward]]\n{second}"));
    for second in [
        FORWARD.to_owned(),
        FORWARD.replace("both", "in"),
        format!("{FORWARD}\nwhat = [\"calls\"]"),
    ] {
        let error = with(&second).unwrap_err();
        assert!(error.contains("say it once") && error.contains("line 17"), "{error}");
    }
    // A part of it, or the same for something else, is another row.
    let parted = |direction: &str, what: &str| format!("{}\nwhat = [\"{what}\"]", FORWARD.replace("both", direction));
    let rows = [("in", "events"), ("out", "events"), ("both", "calls")];
    let rows = rows.map(|(direction, what)| parted(direction, what));
    assert!(parse("", TICKET, &rows.join("\n[[realm.link.forward]]\n")).is_ok());
    assert!(with(&FORWARD.replace("example.", "example.door.")).is_ok());
    assert!(with("uri = \"com.example.x\"\ndirection = \"both\"").is_ok());
}

#[test]
fn who_proves_nothing_does_not_speak_for_a_router() {
    let error = parse("link = true", TICKET, FORWARD).unwrap_err();
    assert!(error.contains("prove"), "{error}");
}

#[test]
fn as_many_links_addresses_and_rows_as_may_be_are_read_and_no_more() {
    let link =
        |number: usize| format!("[[realm.link]]\nname = \"{number}\"\n{TICKET}\n[[realm.link.forward]]\n{FORWARD}\n");
    let realm = "[[realm]]\nname = \"home\"\n[[realm.role]]\nname = \"anonymous\"\n";
    let read = |text: String| Config::parse(Path::new("test.toml"), &text);
    let links = |number: usize| (0..number).map(link).collect::<String>();
    assert!(read(format!("{realm}{}", links(MAX_LINKS))).is_ok());
    assert!(read(format!("{realm}{}", links(MAX_LINKS + 1))).is_err());
    let to = |number: usize| format!("to = [{}]", vec!["\"rs://127.0.0.1:2\""; number].join(", "));
    let ticket = |number| TICKET.replace("to = [\"ws://127.0.0.1:1/ws\", \"rs://127.0.0.1:2\"]", &to(number));
    assert!(parse("", &ticket(MAX_ADDRESSES), FORWARD).is_ok());
    assert!(parse("", &ticket(MAX_ADDRESSES + 1), FORWARD).is_err());
    let row = |number: usize| FORWARD.replace("example", &format!("example{number}"));
    let rows = |number: usize| {
        (0..number)
            .map(row)
            .collect::<Vec<_>>()
            .join("\n[[realm.link.forward]]\n")
    };
    assert!(parse("", TICKET, &rows(MAX_FORWARDS)).is_ok());
    assert!(parse("", TICKET, &rows(MAX_FORWARDS + 1)).is_err());
}
