//! The examples of docs/FEATURES.md for people who know RSocket or MQTT do what they say.

use crate::interactions_example::run;
use crate::support::{Stage, soon};

const EXPECTED: [(&str, &[&str]); 11] = [
    (
        "request_response",
        &[
            "half of 42 is 21",
            "half of 7: it is no even number (com.example.error.odd)",
        ],
    ),
    ("fire_and_forget", &["heard: good morning"]),
    (
        "request_stream",
        &["the numbers to 1000, ten at a time, add up to 500500", "that is all"],
    ),
    ("channel", &["ONE", "TWO", "THREE"]),
    ("cancel", &["tick", "wamp.error.canceled", "the callee has stopped"]),
    ("interrupted", &["this was said meanwhile", "in the same session"]),
    (
        "qos",
        &[
            "1 waits on disk, before there is a connection",
            "1 delivered, 0 wait",
            "at most once",
            "at least once",
            "exactly once",
        ],
    ),
    ("retained", &["the lamp is on (kept)"]),
    ("will", &["the sensor is gone"]),
    (
        "wildcards",
        &[
            "..temperature: com.example.home.kitchen.temperature 21",
            "..temperature: com.example.home.hall.temperature 18",
            "prefix: com.example.home.kitchen.light on",
            "prefix: com.example.home.kitchen.temperature 21",
            "prefix: com.example.home.hall.temperature 18",
        ],
    ),
    ("shared", &["worker 0", "worker 1", "worker 2", "worker 0"]),
];

#[tokio::test]
async fn every_interaction_of_the_table_does_what_it_says() {
    let stage = Stage::new();
    let seen = soon(run(&stage.address.to_string(), &[])).await.unwrap();
    let seen: Vec<_> = seen
        .iter()
        .map(|(name, lines)| (*name, lines.iter().map(String::as_str).collect::<Vec<_>>()))
        .collect();
    let expected: Vec<_> = EXPECTED.iter().map(|(name, lines)| (*name, lines.to_vec())).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn those_that_are_named_are_played_alone() {
    let stage = Stage::new();
    let names = ["will".to_owned()];
    let seen = soon(run(&stage.address.to_string(), &names)).await.unwrap();
    assert_eq!(seen, [("will", vec!["the sensor is gone".to_owned()])]);
}
