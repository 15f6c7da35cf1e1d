//! Another configuration while the daemon runs: what holds for whom afterwards.

use client::{Closed, ConnectError, Options, Secret, Session, Value};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::links;
use crate::support::{Desk, Way, refusal, soon, until};

/// A realm with a role, and principals of it with tickets.
fn realm(name: &str, role: &str, principals: &[(&str, &str)]) -> String {
    let mut text = format!(
        "[[realm]]\nname = \"{name}\"\n[[realm.role]]\nname = \"anonymous\"\nrules = [{{ uri = \"open.\", match = \"prefix\", allow = [\"call\"] }}]\n\
         [[realm.role]]\nname = \"worker\"\nrules = [{{ uri = \"work.\", match = \"prefix\", allow = [{role}] }}]\n"
    );
    for (authid, ticket) in principals {
        text += &format!(
            "[[realm.principal]]\nauthid = \"{authid}\"\nrole = \"worker\"\nmethod = \"ticket\"\nsecret = \"{ticket}\"\n"
        );
    }
    text
}

async fn join(desk: &Desk, realm: &str, who: Option<(&str, &str)>) -> Result<Session, ConnectError> {
    let options = Options {
        authid: who.map(|(authid, _)| authid.to_owned()),
        secret: who.map(|(_, ticket)| Secret::Ticket(ticket.to_owned())),
        ..Options::new(realm)
    };
    soon("the login", desk.try_join(Way::RawSocket, options)).await
}

/// With which URI the router has closed a session.
async fn closed(session: &Session) -> String {
    match soon("the end", session.closed()).await {
        Closed::ByRouter(reason, _) => reason.to_string(),
        other @ (Closed::Left | Closed::Violation(_) | Closed::Lost(_) | Closed::Refused(_)) => panic!("{other}"),
    }
}

const ALL: &str = "\"call\", \"register\"";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roles_principals_and_realms_are_taken_at_once_and_whoever_is_not_concerned_stays() {
    let before = realm("home", ALL, &[("ann", "a"), ("joe", "j"), ("eve", "e")]) + &realm("old", ALL, &[]);
    let desk = Desk::with(&before).await;
    let ann = join(&desk, "home", Some(("ann", "a"))).await.unwrap();
    let joe = join(&desk, "home", Some(("joe", "j"))).await.unwrap();
    let eve = join(&desk, "home", Some(("eve", "e"))).await.unwrap();
    let anybody = join(&desk, "home", None).await.unwrap();
    let old = join(&desk, "old", None).await.unwrap();
    let owner = desk.owner().await;
    ann.register("work.ann", |_| async { Ok(().into()) }).await.unwrap();
    // Nothing has changed, so nothing happens.
    let unchanged = deskconnd::daemon::Reloaded {
        warnings: vec!["realm \"old\": nobody has the role \"worker\"".to_owned()],
        ..Default::default()
    };
    assert_eq!(desk.reload(&before).await.unwrap(), unchanged);
    ann.call("work.ann", ()).await.unwrap();

    // The role may register no more; joe has another ticket; eve is gone; a realm goes, and one comes.
    let after = realm("home", "\"call\"", &[("ann", "a"), ("joe", "new")]) + &realm("new", ALL, &[]);
    let reloaded = desk.reload(&after).await.unwrap();
    assert_eq!(
        reloaded.taken,
        ["realm (added)", "realm (removed)", "realm.role", "realm.principal"]
    );
    assert_eq!((reloaded.sessions_changed, reloaded.sessions_ended), (1, 3));
    assert_eq!(closed(&joe).await, "wamp.close.killed");
    assert_eq!(closed(&eve).await, "wamp.close.killed");
    assert_eq!(closed(&old).await, "wamp.close.close_realm");
    let error = ann.call("work.ann", ()).await.unwrap_err().to_string();
    assert!(error.contains("no_such_procedure"), "{error}");
    let error = ann
        .register("work.ann", |_| async { Ok(().into()) })
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("not_authorized"), "{error}");
    for session in [&anybody, &owner] {
        assert!(!session.has_ended());
    }
    assert_eq!(
        refusal(join(&desk, "home", Some(("joe", "j"))).await),
        "wamp.error.authentication_failed"
    );
    assert_eq!(
        refusal(join(&desk, "home", Some(("eve", "e"))).await),
        "wamp.error.authentication_failed"
    );
    assert_eq!(refusal(join(&desk, "old", None).await), "wamp.error.no_such_realm");
    join(&desk, "home", Some(("joe", "new"))).await.unwrap();
    join(&desk, "new", None).await.unwrap();
    // The realm that went can come again.
    desk.reload(&before).await.unwrap();
    join(&desk, "old", None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_configuration_changes_nothing_and_all_that_is_wrong_is_told() {
    let before = realm("home", ALL, &[("ann", "a")]);
    let desk = Desk::with(&before).await;
    let ann = join(&desk, "home", Some(("ann", "a"))).await.unwrap();
    let wrong = realm("home", "\"fly\"", &[]) + "[limits]\nsessions = 0\n";
    let errors = desk.reload(&wrong).await.unwrap_err();
    assert!(
        errors.len() == 2 && errors.iter().all(|error| error.contains("line")),
        "{errors:?}"
    );
    // What is wrong for this machine alone is told as well.
    let ca = desk.home.path().join("nowhere.pem");
    let missing = format!("{before}[tls]\nclient_ca = {ca:?}\n");
    let errors = desk.reload(&missing).await.unwrap_err();
    assert!(errors.len() == 1 && errors[0].contains("nowhere.pem"), "{errors:?}");
    // The owner is told the same.
    let owner = desk.owner().await;
    let error = owner
        .call("org.deskconn.router.reload", ())
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("nowhere.pem") && error.contains("refused"), "{error}");
    std::fs::write(desk.home.path().join("config.toml"), &wrong).unwrap();
    let error = owner.call("org.deskconn.router.reload", ()).await.unwrap_err();
    let client::Error::Request(error) = error else {
        panic!("{error}")
    };
    assert_eq!(error.kwargs["mistakes"].as_list().unwrap().len(), 2);
    assert!(!ann.has_ended());
    join(&desk, "home", Some(("ann", "a"))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_owner_is_told_what_was_taken_and_what_needs_a_restart() {
    let desk = Desk::with("").await;
    let text = "log = \"debug\"\n[http]\nbridge = true\n[pairing]\nttl_s = 7\n[discovery]\nname = \"Attic\"\n\
                [components.screen]\nlock_command = [\"/nowhere/lock\"]\n";
    std::fs::write(desk.home.path().join("config.toml"), text).unwrap();
    let owner = desk.owner().await;
    let told = soon("the reload", owner.call("org.deskconn.router.reload", ()))
        .await
        .unwrap();
    let told = told.into_value();
    let told = told.as_dict().unwrap();
    let taken: Vec<_> = told["taken"]
        .as_list()
        .unwrap()
        .iter()
        .map(|it| it.as_str().unwrap())
        .collect();
    assert_eq!(taken, ["log", "discovery", "pairing", "components.screen"]);
    let warnings = told["warnings"].as_list().unwrap();
    let warning = warnings[0].as_str().unwrap();
    assert!(
        warnings.len() == 1 && warning.contains("there is no program /nowhere/lock"),
        "{warning}"
    );
    let restart = told["restart"].as_list().unwrap();
    let restart = restart[0].as_dict().unwrap();
    assert_eq!(restart["key"].as_str(), Some("http.bridge"));
    assert!(restart["why"].as_str().is_some_and(|why| !why.is_empty()));
    let info = owner.call("org.deskconn.info.get", ()).await.unwrap().into_value();
    assert_eq!(info.as_dict().unwrap()["name"].as_str(), Some("Attic"));
    let opened = owner.call("org.deskconn.pairing.open", ()).await.unwrap().into_value();
    assert_eq!(opened.as_dict().unwrap()["ttl"].as_u64(), Some(7));
    // What waits for a restart is told each time.
    let again = desk.reload(text).await.unwrap();
    assert_eq!((again.taken, again.restart.len()), (Vec::new(), 1));
}

/// The status of a request from a page of this origin.
async fn status(desk: &Desk, origin: &str) -> String {
    let mut stream = TcpStream::connect(desk.address()).await.unwrap();
    let request = format!(
        "GET /healthz HTTP/1.1\r\nhost: {}\r\norigin: {origin}\r\nconnection: close\r\n\r\n",
        desk.address()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon("the answer", stream.read_to_string(&mut answer)).await.unwrap();
    answer.split(' ').nth(1).unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn origins_and_limits_hold_for_those_who_come_and_quotas_for_those_who_are_there() {
    let open = crate::support::OPEN_REALM;
    let desk = Desk::with(open).await;
    assert_eq!(status(&desk, "https://pages.example").await, "403");
    let session = desk.join(Way::RawSocket, client::Serializer::Json, "realm1").await;
    let long = "x".repeat(4_000);
    let args = || [Value::from(long.as_str())];
    session.register("com.p", |_| async { Ok(().into()) }).await.unwrap();
    let after = format!(
        "{open}[http]\nallowed_origins = [\"https://pages.example\"]\n[limits]\nmessage_bytes = 2000\nregistrations = 1\n"
    );
    let reloaded = desk.reload(&after).await.unwrap();
    assert_eq!(reloaded.taken, ["http.allowed_origins", "limits"]);
    assert_eq!(status(&desk, "https://pages.example").await, "200");
    // A connection keeps what it began with; what it may hold is as it is now.
    session.call("com.p", args()).await.unwrap();
    assert!(session.register("com.q", |_| async { Ok(().into()) }).await.is_err());
    let later = desk.join(Way::RawSocket, client::Serializer::Json, "realm1").await;
    assert!(later.call("com.p", args()).await.is_err());
}

/// A frame of RawSocket.
fn framed(text: &str) -> Vec<u8> {
    let mut frame = u32::try_from(text.len()).unwrap().to_be_bytes().to_vec();
    frame.extend_from_slice(text.as_bytes());
    frame
}

/// The next one.
async fn answer(stream: &mut TcpStream) -> Vec<u8> {
    let mut length = [0; 4];
    soon("an answer", stream.read_exact(&mut length)).await.unwrap();
    let mut answer = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut answer).await.unwrap();
    answer
}

/// A client that has said it is ann, and was asked for the ticket.
async fn challenged(desk: &Desk) -> TcpStream {
    let mut stream = TcpStream::connect(desk.address()).await.unwrap();
    stream.write_all(&[0x7f, 0xf1, 0, 0]).await.unwrap();
    stream.read_exact(&mut [0; 4]).await.unwrap();
    let hello = r#"[1,"home",{"roles":{"caller":{}},"authid":"ann","authmethods":["ticket"]}]"#;
    stream.write_all(&framed(hello)).await.unwrap();
    let challenge = answer(&mut stream).await;
    assert!(challenge.starts_with(b"[4,"), "{challenge:?}");
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_a_change_overtakes_is_closed_so_that_its_client_tries_again() {
    let desk = Desk::with(&realm("home", ALL, &[("ann", "a")])).await;
    let mut stream = challenged(&desk).await;
    desk.reload(&realm("home", ALL, &[("ann", "other")])).await.unwrap();
    // It proves the ticket that it was asked for, which nobody takes any more.
    stream.write_all(&framed(r#"[5,"a",{}]"#)).await.unwrap();
    let mut rest = Vec::new();
    soon("the end", stream.read_to_end(&mut rest)).await.unwrap();
    assert_eq!(rest, b"");
    assert_eq!(desk.daemon.router().realm("home").unwrap().session_count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_goes_on_when_the_same_configuration_is_read_again() {
    let words = realm("home", ALL, &[("ann", "a")]);
    let desk = Desk::with(&words).await;
    let mut stream = challenged(&desk).await;
    desk.reload(&words).await.unwrap();
    stream.write_all(&framed(r#"[5,"a",{}]"#)).await.unwrap();
    let welcome = answer(&mut stream).await;
    assert!(welcome.starts_with(b"[2,"), "{welcome:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_come_go_and_change() {
    let there = Desk::with(&links::realm("")).await;
    let address = [links::address(&there)];
    let here = Desk::with(&links::realm("")).await;
    assert_eq!(links::links(&here.owner().await).await.len(), 0);
    let with_link = |forward: &str| links::realm(&links::link("up", &address, forward));
    here.reload(&with_link(links::ALL)).await.unwrap();
    links::links_when(&here, "up", |links| links[0]["state"].as_str() == Some("up")).await;
    let callee = there.join(Way::RawSocket, client::Serializer::Json, "home").await;
    callee
        .register("com.p", |_| async { Ok(Value::from(7).into()) })
        .await
        .unwrap();
    let caller = here.join(Way::RawSocket, client::Serializer::Json, "home").await;
    let answers = async || caller.call("com.p", ()).await.is_ok();
    let served = async {
        while !answers().await {
            links::look_again().await;
        }
    };
    soon("the call through the link", served).await;
    // It forwards other things now.
    let reloaded = here
        .reload(&with_link(
            "uri = \"com.other.\"\nmatch = \"prefix\"\ndirection = \"both\"",
        ))
        .await;
    assert_eq!(reloaded.unwrap().taken, ["realm.link"]);
    links::links_when(&here, "up again", |links| links[0]["state"].as_str() == Some("up")).await;
    assert!(!answers().await);
    here.reload(&links::realm("")).await.unwrap();
    assert_eq!(links::links(&here.owner().await).await.len(), 0);
    until("the sessions of the link are gone", || {
        here.daemon
            .router()
            .realm("home")
            .is_some_and(|realm| realm.session_count() == 1)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_single_functions_are_told_counts_at_once() {
    let desk = Desk::with("").await;
    let owner = desk.owner().await;
    let told = "[[components.command]]\nname = \"greet\"\nrun = [\"/bin/echo\", \"hello\"]\n\
        [components.screen]\nlock_command = [\"swaylock\"]\n\
        [[action]]\nname = \"greeting\"\nwhen = { every = \"1h\" }\nthen = { command = \"greet\" }\n";
    let reloaded = desk.reload(told).await.unwrap();
    assert_eq!(reloaded.taken, ["components.command", "components.screen", "action"]);
    assert_eq!(desk.machine.lock_command(), ["swaylock"]);
    let run = owner.call("org.deskconn.actions.run", ["greeting".into()]).await;
    let run = run.unwrap().into_value();
    assert_eq!(run.as_dict().unwrap()["ok"], Value::Bool(true), "{run:?}");
    let lines = "[[components.gpio.line]]\nname = \"lamp\"\nline = \"line4\"\ndirection = \"out\"\n";
    let reloaded = desk.reload(lines).await.unwrap();
    assert_eq!(
        reloaded.taken,
        ["components.command", "components.gpio", "components.screen", "action"]
    );
    let set = owner.call("org.deskconn.gpio.set", ["lamp".into(), true.into()]).await;
    assert_eq!(set.unwrap().into_value(), Value::Bool(true));
    // Written as before, it is held on.
    let two = format!("{lines}[[components.gpio.line]]\nname = \"door\"\nline = \"line2\"\ndirection = \"in\"\n");
    assert_eq!(desk.reload(&two).await.unwrap().taken, ["components.gpio"]);
    let listed = owner.call("org.deskconn.gpio.list", ()).await.unwrap().into_value();
    let values = listed
        .as_list()
        .unwrap()
        .iter()
        .map(|row| row.as_dict().unwrap()["value"].clone());
    assert_eq!(values.collect::<Vec<_>>(), [Value::Bool(true), Value::Bool(false)]);
    let gone = owner.call("org.deskconn.command.run", ["greet".into()]).await;
    assert!(gone.unwrap_err().to_string().contains("greet"));
}
