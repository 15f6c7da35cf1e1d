//! What is said of names that do not exist: what there is, and what was probably meant; and how what is there is shown. Against
//! the daemon itself.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::distance::CONFIGURATION;
use crate::home::{Desk, Home};
use crate::screen::Terminal;
use crate::stage::{ended, soon};

/// What was typed, what is said, and what is hinted at.
const MISTYPED: [(&[&str], &str, &str); 10] = [
    (
        &["brightness", "set", "40", "--display", "panle"],
        "there is no display \"panle\"; there are \"panel\" and \"monitor\"",
        "did you mean \"panel\"?",
    ),
    (
        &["media", "next", "--player", "tap"],
        "there is no player \"tap\"; there",
        "hint",
    ),
    (
        &["gpio", "set", "lmap", "on"],
        "there is no line \"lmap\"; there is \"lamp\"",
        "did you mean \"lamp\"?",
    ),
    (
        &["command", "run", "gret"],
        "there is no command \"gret\"; there is \"greet\"",
        "did you mean \"greet\"?",
    ),
    (
        &["keyboard", "press", "entr"],
        "one of escape",
        "did you mean \"enter\"?",
    ),
    (
        &["call", "org.deskconn.slide.next"],
        "no_such_procedure",
        "did you mean \"org.deskconn.slides.next\"?",
    ),
    (
        &["call", "com.example.nothing"],
        "no_such_procedure",
        "`deskconnctl call org.deskconn.info.get` shows what",
    ),
    (
        &["devices", "role", "Laptop", "slidse"],
        "there is no role slidse; the roles are bus, full",
        "did you mean \"slides\"?",
    ),
    (
        &["devices", "show", "Labtop"],
        "there is no device \"Labtop\"; there is \"Laptop\"",
        "did you mean \"Laptop\"?",
    ),
    (
        &["pair", "--role", "remotte"],
        "there is no role remotte",
        "did you mean \"remote\"?",
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_does_not_exist_is_answered_with_those_that_do() {
    let (desk, home) = (Desk::with("Attic", CONFIGURATION).await, Home::new());
    home.pair(&desk, &[]).await;
    for (arguments, sentence, hint) in MISTYPED {
        let ended = desk.run(arguments).await;
        ended.failed(1, sentence);
        ended.failed(1, hint);
    }
    let ended = home.run(&["--desktop", "Atic", "status"]).await;
    ended.failed(
        3,
        "no desktop named \"Atic\" is paired with this command line; there is \"Attic\"",
    );
    ended.failed(3, "did you mean \"Attic\"?");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_is_told_what_would_let_them() {
    let (desk, home) = (Desk::start("Attic").await, Home::new());
    home.pair(&desk, &["--role", "slides"]).await;
    let listed = desk.run(&["devices"]).await.result;
    let id = listed.split('\t').next().unwrap();
    for (arguments, uri) in [
        (&["screen", "lock"][..], "org.deskconn.screen.lock"),
        (&["publish", "com.example.x"], "com.example.x --allow publish"),
        (&["subscribe", "com.example.x"], "com.example.x --allow subscribe"),
        (&["register", "com.example.x", "true"], "com.example.x --allow register"),
    ] {
        let ended = home.run(&[&["--desktop", "Attic"], arguments].concat()).await;
        ended.failed(1, "wamp.error.not_authorized");
        ended.failed(
            1,
            &format!("has the role slides there; at the desktop, `deskconnctl devices grant {id} {uri}`"),
        );
    }
    for command in ["devices", "log", "reload"] {
        let ended = home.run(&["--desktop", "Attic", command]).await;
        ended.failed(1, "that is for the owner of the desktop: run this at it");
    }
    for command in ["pair", "approve"] {
        let ended = home.run(&["--desktop", "Attic", command]).await;
        ended.failed(1, "whom a desktop trusts is decided at it: run this there");
    }
    // What is hinted at helps.
    let grant = ["devices", "grant", id, "org.deskconn.screen.lock"];
    assert_eq!(desk.run(&grant).await.status, Some(0));
    home.run(&["--desktop", "Attic", "screen", "lock"])
        .await
        .gave("locked\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_realm_of_a_configuration_no_owner_is_promised() {
    const PLAIN: &str = "[desktop]\nenabled = false\n[[realm]]\nname = \"home\"\n\
        [[realm.role]]\nname = \"anonymous\"\nrules = []\n";
    let (desk, home) = (Desk::with("Attic", PLAIN).await, Home::new());
    let address = desk.address();
    let run = |arguments: &'static [&'static str]| {
        let at = ["--at", &address, "--realm", "home", "--anonymous"];
        home.command(&[&at, arguments].concat())
    };
    for command in [&["publish", "com.example.x"][..], &["call", "com.example.x"]] {
        let refused = ended(run(command)).await;
        refused.failed(1, "wamp.error.not_authorized");
        refused.failed(
            1,
            "the role anonymous of the realm home does not allow it; a rule of that role",
        );
        refused.failed(1, "[[realm.role]]");
        assert!(!refused.remarks.contains("desktop"), "{refused:?}");
    }
    let commands: [&[&str]; 8] = [
        &["status"],
        &["reload"],
        &["top"],
        &["log"],
        &["actions"],
        &["devices"],
        &["host"],
        &["pair"],
    ];
    for command in commands {
        let refused = ended(run(command)).await;
        refused.failed(1, "home is a realm of a router's configuration");
        assert!(!refused.remarks.contains("owner"), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_router_without_a_place_is_not_taken_for_another_program() {
    let (desk, home) = (
        Desk::with("Attic", "[limits]\nunauthenticated = 1\n").await,
        Home::new(),
    );
    let address = desk.address();
    let mut holder = TcpStream::connect(&address).await.unwrap();
    // A handshake of RawSocket, whose answer says that the connection has its place.
    holder.write_all(&[0x7f, 0xf1, 0, 0]).await.unwrap();
    soon(holder.read_exact(&mut [0; 4])).await.unwrap();
    for at in [address.clone(), format!("rs://{address}")] {
        let refused = home.run(&["--at", &at, "--anonymous", "status"]).await;
        refused.failed(1, "has no place for another connection");
        refused.failed(1, "try again in a moment; `[limits]` in the router's configuration");
        assert!(!refused.remarks.contains("port is the right one"), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_is_shown_by_names_that_people_read_and_times_to_the_second() {
    let (desk, home) = (Desk::start("Attic").await, Home::new());
    home.pair(&desk, &["--role", "slides"]).await;
    let grant = ["devices", "grant", "Laptop", "org.deskconn.screen.lock", "--for", "8h"];
    assert_eq!(desk.run(&grant).await.status, Some(0));
    let shown = desk.run(&["devices", "show", "Laptop"]).await.result;
    let names: Vec<&str> = shown.lines().filter_map(|line| line.split("  ").next()).collect();
    let expected = [
        "name",
        "id",
        "role",
        "kind",
        "fingerprint",
        "address",
        "paired",
        "last seen",
        "sessions",
        "grant",
    ];
    assert_eq!(names, expected, "{shown}");
    let grant = shown.lines().last().unwrap();
    let end = grant
        .strip_prefix("grant        call org.deskconn.screen.lock, until ")
        .unwrap();
    assert_eq!(end.find('Z'), Some("2026-11-21T12:00:00".len()), "{grant}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_value_goes_on_below_itself() {
    let desk = Desk::start("Attic").await;
    let mut narrow = Terminal::sized(desk.command(&["status"]), 40, 24);
    assert_eq!(narrow.ended().await, Some(0));
    let text = narrow.text();
    let (_, desktop) = text.split_once("desktop      Attic (").unwrap();
    assert_eq!(
        desktop.lines().nth(1).map(|line| line.rfind(' ')),
        Some(Some(12)),
        "{text}"
    );
}
