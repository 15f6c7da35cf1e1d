//! Programs of others say what they offer, and whoever may use it sees it.

use client::{Args, Error, Options, Reply, Serializer, Session, Value};

use crate::phone::Phone;
use crate::support::{Desk, Way, soon};

const DESCRIBE: &str = "org.deskconn.components.describe";

fn item(pairs: &[(&str, &str)]) -> Value {
    let pairs = pairs.iter().map(|(key, text)| ((*key).to_owned(), Value::from(*text)));
    Value::Dict(pairs.collect())
}

fn lamp() -> Value {
    item(&[
        ("uri", "org.deskconn.component.lamp.set"),
        ("title", "Lamp"),
        ("kind", "toggle"),
        ("topic", "org.deskconn.component.lamp.on_changed"),
    ])
}

fn camera() -> Value {
    item(&[
        ("uri", "org.deskconn.app.camera.picture"),
        ("title", "Camera"),
        ("kind", "button"),
    ])
}

async fn component(desk: &Desk, name: &str) -> Session {
    let options = Options {
        authrole: Some("component".to_owned()),
        authid: Some(name.to_owned()),
        ..Options::new("deskconn")
    };
    desk.try_join(Way::Unix, options).await.unwrap()
}

/// The titles of what a session is told it may use.
async fn titles(session: &Session) -> Vec<String> {
    let info = session.call("org.deskconn.info.get", ()).await.unwrap().into_value();
    let described = info.as_dict().unwrap()["described"].as_list().unwrap().to_vec();
    let title = |row: &Value| row.as_dict().unwrap()["title"].as_str().unwrap().to_owned();
    described.iter().map(title).collect()
}

async fn phone(desk: &Desk, seed: u64, role: &str) -> Session {
    let phone = Phone::pair(desk, seed, Args::default().with("role", role)).await;
    phone.log_in(desk).await
}

async fn describe(session: &Session, items: Vec<Value>) -> Result<Args, Error> {
    session.call(DESCRIBE, [Value::List(items)]).await
}

fn sentence(result: Result<Args, Error>) -> String {
    match result {
        Err(Error::Request(error)) => {
            assert_eq!(error.uri, "org.deskconn.error.bad_argument");
            error.args[0].as_str().unwrap().to_owned()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_is_seen_by_whoever_may_use_it_as_long_as_it_is_there() {
    let desk = Desk::start().await;
    let owner = desk.owner().await;
    let lamp_of = component(&desk, "lamp").await;
    lamp_of
        .register("org.deskconn.component.lamp.set", async |_| Ok(Reply::default()))
        .await
        .unwrap();
    let mut changes = owner.subscribe("org.deskconn.components.on_changed").await.unwrap();
    describe(&lamp_of, vec![lamp()]).await.unwrap();
    assert!(soon("the news", changes.next()).await.is_some());
    assert_eq!(titles(&owner).await, ["Lamp"]);

    let remote = Phone::pair(&desk, 1, Args::default()).await;
    let session = remote.log_in(&desk).await;
    assert_eq!(
        titles(&session).await,
        Vec::<String>::new(),
        "nobody allowed it the lamp"
    );
    let grant = Args::from([remote.id().into(), "org.deskconn.component.lamp.set".into()]);
    owner.call("org.deskconn.devices.grant", grant).await.unwrap();
    assert_eq!(titles(&session).await, ["Lamp"]);
    session
        .call("org.deskconn.component.lamp.set", [Value::Bool(true)])
        .await
        .unwrap();

    lamp_of.leave().await;
    assert!(soon("the news of its end", changes.next()).await.is_some());
    assert_eq!(titles(&owner).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_of_the_bus_offers_a_picture_and_another_one_gets_it() {
    let desk = Desk::start().await;
    let pi = phone(&desk, 1, "bus").await;
    let laptop = phone(&desk, 2, "bus").await;
    let picture: Vec<u8> = (0..=255).cycle().take(200_000).collect();
    let sent = picture.clone();
    let serve = move |_| {
        let sent = sent.clone();
        async move { Ok(Reply::from(Value::Bytes(sent))) }
    };
    pi.register("org.deskconn.app.camera.picture", serve).await.unwrap();
    describe(&pi, vec![camera()]).await.unwrap();
    assert_eq!(titles(&laptop).await, ["Camera"]);
    let got = laptop.call("org.deskconn.app.camera.picture", ()).await.unwrap();
    assert_eq!(got.into_value(), Value::Bytes(picture));
    // A phone that is not on the bus sees none of it.
    assert_eq!(titles(&phone(&desk, 3, "remote").await).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_describes_what_is_not_theirs_and_a_wrong_item_changes_nothing() {
    let desk = Desk::start().await;
    let owner = desk.owner().await;
    let session = component(&desk, "lamp").await;
    describe(&session, vec![lamp()]).await.unwrap();
    let foreign = item(&[
        ("uri", "org.deskconn.slides.next"),
        ("title", "Free beer"),
        ("kind", "button"),
    ]);
    let refused = sentence(describe(&session, vec![lamp(), foreign]).await);
    assert!(refused.starts_with("item 2: you may offer nothing under"), "{refused}");
    assert!(sentence(describe(&session, vec![Value::Null]).await).contains("no dictionary"));
    assert_eq!(titles(&owner).await, ["Lamp"]);
    describe(&session, vec![]).await.unwrap();
    assert_eq!(titles(&owner).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_describes_sixty_four_items_and_not_one_more() {
    let desk = Desk::start().await;
    let session = desk.join(Way::Unix, Serializer::Json, "deskconn").await;
    let most = deskconnd::described::MAX_ITEMS;
    describe(&session, vec![lamp(); most]).await.unwrap();
    let refused = sentence(describe(&session, vec![lamp(); most + 1]).await);
    assert!(refused.contains("at most 64 items"), "{refused}");
    assert_eq!(titles(&session).await.len(), most);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_desktop_that_is_kept_off_mdns_does_not_look_for_others() {
    let desk = Desk::start().await;
    let owner = desk.owner().await;
    match owner.call("org.deskconn.discovery.browse", ()).await {
        Err(Error::Request(error)) => {
            assert_eq!(error.uri, "org.deskconn.error.refused");
            assert!(error.args[0].as_str().unwrap().contains("[discovery] enabled"));
        }
        other => panic!("{other:?}"),
    }
    for timeout in [0.05, 10.5] {
        let refused = owner
            .call("org.deskconn.discovery.browse", [Value::Float(timeout)])
            .await;
        assert!(sentence(refused).contains("0.1 to 10 seconds"));
    }
}
