//! Calls that take their time.

use std::fmt::Write as _;
use std::time::Duration;

use client::{Invocation, RequestError};
use serde_json::json;

use super::{BEARER, CONFIGURATION, ask, call, program};
use crate::support::{Desk, soon, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_ends_when_its_time_is_over_or_its_client_is_gone() {
    let desk = Desk::with(CONFIGURATION).await;
    let program = program(&desk).await;
    let (begun, mut begins) = tokio::sync::mpsc::unbounded_channel();
    let (ended, mut ends) = tokio::sync::mpsc::unbounded_channel::<()>();
    let hangs = move |_: Invocation| {
        begun.send(()).unwrap();
        let ended = ended.clone();
        async move {
            /// Says when it is dropped.
            struct Told(tokio::sync::mpsc::UnboundedSender<()>);
            impl Drop for Told {
                fn drop(&mut self) {
                    let _ = self.0.send(());
                }
            }
            let _told = Told(ended);
            std::future::pending::<Result<client::Reply, RequestError>>().await
        }
    };
    program.register("com.example.hangs", hangs).await.unwrap();
    let answer = call(
        &desk,
        json!({ "procedure": "com.example.hangs", "options": { "timeout": 200 } }),
    )
    .await;
    assert_eq!(
        (answer.status, &answer.body["error"]),
        (504, &json!("wamp.error.timeout"))
    );
    begins.recv().await.unwrap();
    soon("the first to be stopped", ends.recv()).await.unwrap();
    let body = json!({ "procedure": "com.example.hangs" }).to_string();
    let gone = tokio::time::timeout(Duration::from_secs(20), async {
        tokio::select! {
            _ = ask(&desk, "/api/home/call", BEARER, &body) => panic!("it was answered"),
            _ = begins.recv() => {}
        }
    });
    gone.await.unwrap();
    soon("the second to be stopped", ends.recv()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_of_one_token_are_served_beside_each_other() {
    const CALLS: usize = 10;
    let desk = Desk::with(CONFIGURATION).await;
    let program = program(&desk).await;
    let all = std::sync::Arc::new(tokio::sync::Barrier::new(CALLS));
    let meets = move |_: Invocation| {
        let all = std::sync::Arc::clone(&all);
        async move {
            all.wait().await;
            Ok(client::Value::Null.into())
        }
    };
    program.register("com.example.meet", meets).await.unwrap();
    let calls = (0..CALLS).map(|_| call(&desk, json!({ "procedure": "com.example.meet" })));
    let answers = soon("all of them", futures_util::future::join_all(calls)).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_are_kept_for_so_many_tokens_and_the_one_unused_for_longest_ends() {
    const KEPT: usize = 32;
    let mut configuration = CONFIGURATION.to_owned();
    for number in 0..=KEPT {
        write!(
            configuration,
            "[[realm.principal]]\nauthid = \"p{number}\"\nrole = \"program\"\nmethod = \"ticket\"\nsecret = \"t{number}\"\n"
        )
        .unwrap();
    }
    let desk = Desk::with(&configuration).await;
    let realm = desk.daemon.router().realm("home").unwrap();
    let body = json!({ "procedure": "com.example.nobody" }).to_string();
    for number in 0..=KEPT {
        let token = format!("Authorization: Bearer t{number}\r\n");
        assert_eq!(ask(&desk, "/api/home/call", &token, &body).await.status, 404);
        assert!(realm.session_count() <= KEPT + 1);
    }
    until("the first to end", || realm.session_count() == KEPT).await;
    let report = realm.report(100).sessions;
    assert!(report.iter().all(|session| &*session.origin.authid != "p0"));
}
