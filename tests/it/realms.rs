//! Realms of the configuration: a plain router beside the desktop.

use client::{Options, SigningKey};

use crate::support::{Desk, Way, key, public, refusal};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn realms_of_the_configuration_have_their_own_principals() {
    let phone = key(7);
    let desk = Desk::with(&format!(
        r#"
        [[realm]]
        name = "home"
        [[realm.role]]
        name = "reader"
        rules = [{{ uri = "com.", match = "prefix", allow = ["subscribe"] }}]
        [[realm.principal]]
        authid = "joe"
        role = "reader"
        method = "cryptosign"
        pubkey = "{}"
        "#,
        public(&phone)
    ))
    .await;
    let options = |key: Option<SigningKey>| Options {
        key,
        ..Options::new("home")
    };
    let session = desk.try_join(Way::WebSocket, options(Some(phone))).await.unwrap();
    assert_eq!(
        (session.detail("authid"), session.detail("authrole")),
        (Some("joe"), Some("reader"))
    );
    session.subscribe("com.x").await.unwrap();
    assert!(session.publish_acknowledged("com.x", ()).await.is_err());
    let stranger = desk.try_join(Way::WebSocket, options(Some(key(8)))).await;
    assert_eq!(refusal(stranger), "wamp.error.authentication_failed");
    let anonymous = desk.try_join(Way::WebSocket, options(None)).await;
    assert_eq!(refusal(anonymous), "wamp.error.no_matching_auth_method");
    let nowhere = desk.try_join(Way::WebSocket, Options::new("nowhere")).await;
    assert_eq!(refusal(nowhere), "wamp.error.no_such_realm");
}
