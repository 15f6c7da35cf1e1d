//! `deskconnctl reload` against a stand-in that gives its answers.

use client::{RequestError, Value};

use crate::stage::Stage;

#[tokio::test]
async fn what_could_not_be_had_is_said_and_fails_the_command() {
    let stage = Stage::new();
    let session = stage.session().await;
    let mut failed = ["[metrics] listen: taken"; 3].as_slice();
    let answers: Vec<Value> = (0..3)
        .map(|_| {
            failed = &failed[1..];
            let answer = serde_json::json!({
                "taken": ["metrics"], "restart": [], "failed": failed, "warnings": ["/none is not there"],
                "sessions_changed": 0, "sessions_ended": 0,
            });
            serde_json::from_value(answer).unwrap()
        })
        .collect();
    let answers = std::sync::Mutex::new(answers);
    let reload = move |_| {
        let answer = answers.lock().unwrap().remove(0);
        async move { Ok(answer.into()) }
    };
    session.register("org.deskconn.router.reload", reload).await.unwrap();
    let two = stage.run(&["reload"]).await;
    assert_eq!(
        two.result.matches("failed: [metrics] listen: taken\n").count(),
        2,
        "{two:?}"
    );
    two.failed(1, "2 things of the configuration could not be had");
    stage.run(&["reload", "--json"]).await.failed(1, "one thing");
    stage
        .run(&["reload"])
        .await
        .gave("taken: metrics\nwarning: /none is not there\n");
}

#[tokio::test]
async fn each_mistake_has_its_line() {
    let stage = Stage::new();
    let session = stage.session().await;
    let reload = |_| async {
        let error = RequestError::new("org.deskconn.error.refused", "line 1: a; line 2: b");
        Err(error.with("mistakes", Value::List(vec!["line 1: a".into(), "line 2: b".into()])))
    };
    session.register("org.deskconn.router.reload", reload).await.unwrap();
    let ended = stage.run(&["reload"]).await;
    assert!(
        ended.remarks.starts_with("line 1: a\nline 2: b\ndeskconnctl: "),
        "{ended:?}"
    );
    ended.failed(
        1,
        "the configuration has 2 mistakes, and the one from before stays in force",
    );
}
