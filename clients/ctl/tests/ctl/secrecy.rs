//! That nobody else on the machine can read a code or a link while two machines pair: not in the process list, and not in
//! what is logged.

use std::fs;

use crate::home::{Desk, Home};
use crate::logged;

/// Whether these bytes hold a secret in any of its forms.
fn has(bytes: &[u8], secrets: &[String]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    secrets.iter().any(|secret| text.contains(secret))
}

/// Every argument and variable of every process that can be seen.
fn processes(mut see: impl FnMut(&str, &[u8])) -> usize {
    let mut count = 0;
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        for name in ["cmdline", "environ"] {
            // Some end meanwhile, and some are others'.
            if let Ok(bytes) = fs::read(entry.path().join(name)) {
                count += usize::from(name == "cmdline");
                see(&format!("{}/{name}", entry.path().display()), &bytes);
            }
        }
    }
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_code_nor_link_is_in_the_process_list_or_in_a_log() {
    logged::begin();
    let (desk, home) = (Desk::start("Attic").await, Home::new());
    for by_link in [false, true] {
        let (mut pair, open) = desk.pair(&[]).await;
        let [code, link] = ["code", "link"].map(|key| open[key].as_str().unwrap().to_owned());
        let secrets = [
            code.replace('-', ""),
            code.clone(),
            link.rsplit_once('.').unwrap().1.to_owned(),
        ];
        let place = if by_link { "-".to_owned() } else { desk.address() };
        let mut join = home.start(&["join", "--json", &place]);
        join.type_line(if by_link { &link } else { &code }).await;
        assert_eq!(join.json().await["event"], "waiting");
        assert_eq!(pair.json().await["event"], "asked");
        // Both run now.
        let count = processes(|place, bytes| assert!(!has(bytes, &secrets), "{place} shows a secret"));
        assert!(count >= 3, "both programs and this one are seen");
        pair.type_line("y").await;
        let (join, pair) = tokio::join!(join.ended(), pair.ended());
        assert_eq!((join.status, pair.status), (Some(0), Some(0)));
        for (place, text) in [
            ("join", join.result + &join.remarks),
            ("pair", pair.result + &pair.remarks),
        ] {
            assert!(!has(text.as_bytes(), &secrets), "{place} repeats a secret: {text}");
        }
        let log = logged::by_all();
        assert!(!log.is_empty() && !has(&log, &secrets), "a secret was logged");
        for entry in fs::read_dir(desk.state.path().join("state")).unwrap().flatten() {
            assert!(!has(&fs::read(entry.path()).unwrap(), &secrets), "{:?}", entry.path());
        }
    }
}
