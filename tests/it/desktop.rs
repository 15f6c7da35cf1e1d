//! The desktop's functions through the whole daemon. How they behave on machines is the components' own tests' matter.

use std::os::unix::net::UnixListener;
use std::sync::Arc;

use client::{Args, Serializer, Session, Value};

use crate::apart::Apart;
use crate::rights::{grant, presenter};
use crate::support::{Desk, Way, over_every_link, soon, until};

over_every_link!(the_owner_reaches_every_function);

async fn the_owner_reaches_every_function(way: Way, serializer: Serializer) {
    // The network gives nobody the owner's rights.
    let way = if way == Way::Local { way } else { Way::Unix };
    let desk = Desk::start().await;
    let session = desk.join(way, serializer, "deskconn").await;
    let mut changes = session.subscribe("org.deskconn.brightness.on_changed").await.unwrap();
    let mut locked = session.subscribe("org.deskconn.screen.on_locked").await.unwrap();
    for key in ["next", "previous", "start", "end", "blank"] {
        session.call(&format!("org.deskconn.slides.{key}"), ()).await.unwrap();
    }
    assert_eq!(desk.machine.taps(), components::backends::Key::ALL);
    let set = session
        .call("org.deskconn.brightness.set", [40_u64.into()])
        .await
        .unwrap();
    assert_eq!(set.into_value(), Value::from(40_u64));
    let event = soon("the new brightness", changes.next()).await.unwrap();
    assert_eq!(event.args.args.first(), Some(&Value::from(40_u64)));
    session.call("org.deskconn.screen.lock", ()).await.unwrap();
    desk.machine.report_lock(Some(true));
    assert_eq!(
        soon("the lock", locked.next()).await.unwrap().args.into_value(),
        Value::Bool(true)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_missing_is_told_with_the_step_that_mends_it() {
    let desk = Desk::start().await;
    let owner = desk.owner().await;
    let missing = components::Missing {
        what: "the keyboard",
        reason: "it is away".into(),
        mend: "fetch it".into(),
    };
    desk.machine.miss(Some(missing));
    let Err(client::Error::Request(error)) = owner.call("org.deskconn.slides.next", ()).await else {
        panic!()
    };
    assert_eq!(error.uri, "org.deskconn.error.unavailable");
    assert_eq!(error.kwargs["mend"], Value::from("fetch it"));
    let info = owner.call("org.deskconn.info.get", ()).await.unwrap().into_value();
    assert!(!info.as_dict().unwrap()["missing"].as_dict().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_is_told_of_the_functions_that_it_may_use_and_what_those_lack() {
    let desk = Desk::start().await;
    let (phone, session, owner) = presenter(&desk).await;
    desk.machine.miss(Some(components::Missing {
        what: "the keyboard",
        reason: "it is away".into(),
        mend: "fetch it".into(),
    }));
    let told = async |session: &Session| {
        let info = session.call("org.deskconn.info.get", ()).await.unwrap().into_value();
        let info = info.as_dict().unwrap();
        let missing = info["missing"].as_dict().unwrap().keys().cloned().collect::<Vec<_>>();
        (info["components"].as_list().unwrap().to_vec(), missing)
    };
    assert_eq!(told(&session).await, (vec!["slides".into()], vec!["slides".to_owned()]));
    grant(&owner, &phone, "org.deskconn.screen.is_locked", Args::default()).await;
    assert_eq!(told(&session).await.0, ["slides".into(), "screen".into()]);
    let (components, missing) = told(&owner).await;
    assert!(components.len() > 5 && missing.len() > 2, "{components:?} {missing:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_desktop_says_by_which_key_others_know_it() {
    let desk = Desk::with("").await;
    let info = desk
        .owner()
        .await
        .call("org.deskconn.info.get", ())
        .await
        .unwrap()
        .into_value();
    let pin = info.as_dict().unwrap()["pin"].as_str().unwrap().to_owned();
    let mut bytes = [0; 32];
    hex::decode_to_slice(pin, &mut bytes).unwrap();
    let connect = async |pin| {
        let stream = tokio::net::TcpStream::connect(desk.address()).await.unwrap();
        client::tls::connect(stream, client::tls::Trust::Pin(pin)).await
    };
    assert!(connect(bytes).await.is_ok());
    bytes[0] ^= 1;
    assert!(connect(bytes).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_functions_of_the_configuration_are_offered() {
    let desk = Desk::with("[desktop]\ncomponents = [\"screen\"]\n").await;
    let owner = desk.owner().await;
    owner.call("org.deskconn.screen.is_locked", ()).await.unwrap();
    let Err(client::Error::Request(error)) = owner.call("org.deskconn.slides.next", ()).await else {
        panic!()
    };
    assert_eq!(error.uri, "wamp.error.no_such_procedure");
}

#[tokio::test]
async fn a_plain_router_has_nothing_to_do_with_a_persons_bus() {
    let home = Arc::new(tempfile::tempdir().unwrap());
    let bus = UnixListener::bind(home.path().join("bus")).unwrap();
    bus.set_nonblocking(true).unwrap();
    let address = format!("unix:path={}", home.path().join("bus").display());
    let environment = [("DBUS_SESSION_BUS_ADDRESS", &*address)];
    let desktop = Apart::start_with(Arc::clone(&home), "", &environment);
    until("a desktop comes to the bus", || bus.accept().is_ok()).await;
    desktop.ended();
    while bus.accept().is_ok() {}
    Apart::start_with(home, "[desktop]\nenabled = false\n", &environment).ended();
    assert!(bus.accept().is_err());
}
