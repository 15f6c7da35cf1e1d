//! Opening pages: by a mock of the portal, and by the real `xdg-open` with a browser that writes down what it gets.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use deskconn_components::backends::opener::{OPEN_WITHIN, Program};
use deskconn_components::backends::{Failure, Machine};
use url::Url;

use super::stage::{Mock, Stage, Which, eventually};

const PORTAL: &str = "org.freedesktop.portal.Desktop";
const PATH: &str = "/org/freedesktop/portal/desktop";
const OPEN_URI: &str = "org.freedesktop.portal.OpenURI";

/// What a shell or a careless program would make more of.
const ADDRESS: &str = "https://example.org/?a=$(touch%20x);b&c=|d";

/// A portal whose answer to the request is this.
async fn portal(stage: &Stage, answer: &str) -> Mock {
    let mock = stage.mock(Which::Session, PORTAL, &[PORTAL, PATH, OPEN_URI]).await;
    let code = format!(
        "path = '/org/freedesktop/portal/desktop/request/1_2/t'\n\
         self.AddObject(path, 'org.freedesktop.portal.Request', {{}}, []) if path not in objects else None\n\
         ret = dbus.ObjectPath(path)\n\
         {answer}"
    );
    mock.add_method(PATH, OPEN_URI, "OpenURI", "ssa{sv}", "o", &code).await;
    mock
}

fn answers(code: u32) -> String {
    format!(
        "objects[path].EmitSignal('org.freedesktop.portal.Request', 'Response', 'ua{{sv}}', \
         [dbus.UInt32({code}), dbus.Dictionary({{}}, signature='sv')])"
    )
}

/// A program that writes its arguments into a file, a line each, and goes on as this command.
struct Listener {
    told: PathBuf,
    environment: BTreeMap<String, String>,
}

impl Listener {
    const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/machine/opener.sh");

    fn new(stage: &Stage, then: &str) -> Self {
        let told = stage.path("told");
        let environment = [("TOLD", told.display().to_string()), ("THEN", then.to_owned())];
        let environment = environment.map(|(name, value)| (name.to_owned(), value)).into();
        Self { told, environment }
    }

    fn machine(&self, stage: &Stage) -> Machine {
        machine(stage, Self::PATH, &self.environment)
    }

    fn was_told(&self) -> Option<String> {
        fs::read_to_string(&self.told).ok()
    }
}

fn machine(stage: &Stage, path: &str, environment: &BTreeMap<String, String>) -> Machine {
    let program = Program {
        path: path.into(),
        is_graphical: true,
        environment: environment.clone(),
    };
    stage.machine_with(|places| places.opener = program)
}

async fn open(machine: &Machine) -> Result<(), Failure> {
    machine.opener.open(Url::parse(ADDRESS).unwrap()).await
}

#[tokio::test]
async fn the_portal_opens_a_page_and_says_so() {
    let Some(stage) = Stage::new() else { return };
    let _bus = stage.bus(Which::Session);
    let portal = portal(&stage, &answers(0)).await;
    let listener = Listener::new(&stage, "true");
    let machine = listener.machine(&stage);
    assert_eq!(machine.opener.missing().await, None);
    let asked = Instant::now();
    assert_eq!(open(&machine).await, Ok(()));
    assert!(asked.elapsed() < OPEN_WITHIN, "the answer was not heard but awaited");
    assert!(portal.calls("OpenURI").concat().contains(ADDRESS));
    assert_eq!(listener.was_told(), None, "one browser for one page");
}

#[tokio::test]
async fn a_no_of_the_person_is_one_and_a_question_is_not_waited_for() {
    let Some(stage) = Stage::new() else { return };
    let _bus = stage.bus(Which::Session);
    let listener = Listener::new(&stage, "true");
    let machine = listener.machine(&stage);
    let no = portal(&stage, &answers(1)).await;
    assert!(matches!(open(&machine).await, Err(Failure::Refused(_))));
    drop(no);
    stage.has_no_name(Which::Session, PORTAL).await;
    let _silent = portal(&stage, "").await;
    let asked = Instant::now();
    assert_eq!(open(&machine).await, Ok(()));
    assert!(asked.elapsed() >= OPEN_WITHIN);
    assert_eq!(listener.was_told(), None);
}

#[tokio::test]
async fn where_the_portal_fails_or_is_not_there_a_program_gets_the_address_as_one_argument() {
    let Some(stage) = Stage::new() else { return };
    let listener = Listener::new(&stage, "true");
    let machine = listener.machine(&stage);
    let opens = async |why: &str| {
        assert_eq!(open(&machine).await, Ok(()), "{why}");
        assert_eq!(listener.was_told(), Some(format!("{ADDRESS}\n")), "{why}");
        fs::remove_file(&listener.told).unwrap();
        assert_eq!(machine.opener.missing().await, None, "{why}");
    };
    opens("there is no bus").await;
    let _bus = stage.bus(Which::Session);
    eventually("the bus is found", || async {
        machine.players.missing().await.is_none()
    })
    .await;
    opens("nobody is on it").await;
    let portal = portal(&stage, &answers(2)).await;
    opens("the portal failed").await;
    portal
        .add_method(
            PATH,
            OPEN_URI,
            "OpenURI",
            "ssa{sv}",
            "o",
            "raise dbus.exceptions.DBusException('broken')",
        )
        .await;
    opens("the portal is broken").await;
}

#[tokio::test]
async fn the_real_xdg_open_starts_the_browser_of_the_person() {
    let Some(stage) = Stage::new() else { return };
    if stage.program("xdg-open", "xdg-utils").is_none() {
        return;
    }
    // It goes on until somebody writes there, as a browser goes on.
    let end = stage.path("end");
    rustix::fs::mkfifoat(rustix::fs::CWD, &end, rustix::fs::Mode::RWXU).unwrap();
    let listener = Listener::new(&stage, &format!("timeout 60 cat {}", end.display()));
    let home = stage.path("").display().to_string();
    let of_browser = [
        ("BROWSER", Listener::PATH),
        ("DISPLAY", ":0"),
        ("XDG_CURRENT_DESKTOP", "X-Generic"),
        ("HOME", &home),
        ("XDG_DATA_HOME", &home),
        ("XDG_DATA_DIRS", &home),
        ("XDG_CONFIG_DIRS", &home),
    ];
    let mut environment = listener.environment.clone();
    environment.extend(of_browser.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let machine = machine(&stage, "xdg-open", &environment);
    assert_eq!(machine.opener.missing().await, None);
    let asked = Instant::now();
    assert_eq!(open(&machine).await, Ok(()));
    assert!(asked.elapsed() < OPEN_WITHIN * 2, "a browser that runs was waited for");
    assert_eq!(listener.was_told(), Some(format!("{ADDRESS}\n")));
    assert!(!stage.path("x").exists());
    fs::write(&end, "").unwrap();
}

#[tokio::test]
async fn what_opens_nothing_says_what_is_missing() {
    let Some(stage) = Stage::new() else { return };
    let mend = async |machine: &Machine| match open(machine).await {
        Err(Failure::Missing(missing)) => missing.mend,
        other => panic!("{other:?}"),
    };
    let absent = machine(&stage, "/nowhere/xdg-open", &BTreeMap::new());
    assert!(mend(&absent).await.contains("xdg-utils"));
    assert!(absent.opener.missing().await.unwrap().mend.contains("xdg-utils"));
    let failing = Listener::new(&stage, "false").machine(&stage);
    assert!(mend(&failing).await.contains("default-web-browser"));
    let headless = stage.machine();
    assert!(mend(&headless).await.contains("import-environment"));
    assert!(headless.opener.missing().await.is_some());
}
