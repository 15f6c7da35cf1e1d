//! Pairing by key exchange over `/pair`, with a real daemon: what is right, and everything that is not.

use std::net::SocketAddr;
use std::sync::Arc;

use client::tls::{self, Trust, spki_hash};
use client::{Args, Membership, PairingChannel, Value};
use pairing::exchange::{Code, Failure, Joiner, Progress, Secret, Sight};
use rand::rngs::SysRng;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::phone::{Phone, exchange, exchange_at, introduction};
use crate::support::{Desk, PATIENCE, Way, soon};
use crate::vault::Identity;
use crate::window::Window;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_with_the_code_is_asked_about_stored_and_let_in() {
    let desk = Desk::start().await;
    let mut window = Window::open(&desk, Args::default().with("role", "slides")).await;
    let me = introduction(1);
    let secret = window.secret();
    let (joined, (question, device)) = tokio::join!(exchange(&desk, me, secret), window.answer(true));
    let (joined, device) = (joined.unwrap(), device.unwrap());
    assert_eq!(question["name"], Value::from("phone 1"));
    assert_eq!(question["kind"], Value::from("android"));
    assert_eq!(question["address"], Value::from("127.0.0.1"));
    let device = device.as_dict().unwrap();
    assert_eq!(device["id"].as_str(), Some(joined.device_id.as_str()));
    assert_eq!(device["fingerprint"], question["fingerprint"]);
    assert_eq!((joined.role.as_str(), joined.realm.as_str()), ("slides", "deskconn"));
    assert_eq!(joined.port, desk.address().port());
    assert_eq!(joined.hosts, ["127.0.0.1"], "it listens there alone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_with_the_link_is_let_in_too() {
    let desk = Desk::start().await;
    let mut window = Window::open(&desk, Args::default()).await;
    let link = window.link.clone().unwrap();
    assert!(link.starts_with(&format!("http://{}/#p=1.", desk.address())), "{link}");
    let secret = Secret::Link(link.parse().unwrap());
    let (joined, _) = tokio::join!(exchange(&desk, introduction(1), secret), window.answer(true));
    assert_eq!(joined.unwrap().role, "remote");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_pairs_itself_and_logs_in_from_its_file_from_then_on() {
    let desk = Desk::start().await;
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("lamp.json");
    let address = desk.address().to_string();
    // First its owner says no: nothing is kept, here or there. The second time there is a file already, the third it is kept.
    for is_welcome in [false, true, false] {
        let before = std::fs::read(&file).ok();
        let mut window = Window::open(&desk, Args::default()).await;
        let code = window.number().to_string();
        let mut told = String::new();
        let pairing = Membership::pair(&file, &address, &code, "Lamp", |sentence| told = sentence.to_owned());
        let (paired, answered) = tokio::join!(pairing, window.answer(is_welcome));
        let question = answered.0;
        assert_eq!(question["name"], Value::from("Lamp"));
        assert!(told.contains(question["fingerprint"].as_str().unwrap()), "{told}");
        assert_eq!(paired.is_ok(), is_welcome);
        if !is_welcome {
            assert_eq!(std::fs::read(&file).ok(), before);
        }
    }
    let membership = Membership::read(&file).unwrap().unwrap();
    let client = soon("the lamp", membership.client().open()).await.unwrap();
    let info = client.call("org.deskconn.info.get", ()).await.unwrap().into_value();
    assert_eq!(info.as_dict().unwrap()["role"], Value::from("remote"));
    client.close().await;
    assert_eq!(devices(&desk).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_wrong_codes_burn_the_window_and_the_right_one_comes_too_late() {
    let desk = Desk::start().await;
    let window = Window::open(&desk, Args::default()).await;
    let mut closed = window.owner.subscribe("org.deskconn.pairing.on_closed").await.unwrap();
    let number = window.number();
    let wrong = if number == 99_999_999 { 10_000_000 } else { number + 1 };
    for _ in 0..3 {
        let secret = Secret::Code(pairing::Code::from_number(wrong).unwrap());
        let failed = exchange(&desk, introduction(1), secret).await.unwrap_err();
        assert_eq!(failed, Failure::Told(Code::Mismatch));
    }
    let why = soon("the end of the window", closed.next())
        .await
        .unwrap()
        .args
        .into_value();
    assert_eq!(why.as_str(), Some("too many wrong codes were tried"));
    // There is no such place any more.
    assert!(
        PairingChannel::open(&desk.address().to_string(), PATIENCE)
            .await
            .is_err()
    );
    assert_eq!(devices(&desk).await, 0);
}

async fn devices(desk: &Desk) -> usize {
    let list = desk.owner().await.call("org.deskconn.devices.list", ()).await.unwrap();
    list.into_value().as_list().unwrap().len()
}

/// What the desktop answers to a plain request for a page.
async fn get(desk: &Desk, path: &str) -> String {
    let mut stream = TcpStream::connect(desk.address()).await.unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        desk.address()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon("the answer", stream.read_to_string(&mut answer)).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_is_no_such_place_but_while_a_window_is_open() {
    let desk = Desk::start().await;
    let (closed, nothing) = (get(&desk, "/pair").await, get(&desk, "/nothing").await);
    let body = |answer: &str| answer.split_once("\r\n\r\n").unwrap().1.to_owned();
    assert!(closed.starts_with("HTTP/1.1 404"), "{closed}");
    assert_eq!(body(&closed), body(&nothing));
    let window = Window::open(&desk, Args::default()).await;
    assert!(get(&desk, "/pair").await.starts_with("HTTP/1.1 426"), "only WebSocket");
    window.owner.call("org.deskconn.pairing.close", ()).await.unwrap();
    assert!(get(&desk, "/pair").await.starts_with("HTTP/1.1 404"));
    let _legacy = Window::open(&desk, Args::default().with("legacy", true)).await;
    assert!(
        get(&desk, "/pair").await.starts_with("HTTP/1.1 404"),
        "that window is for the other form"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_device_is_told_that_the_desk_is_busy() {
    let desk = Desk::start().await;
    let mut window = Window::open(&desk, Args::default()).await;
    let first = exchange(&desk, introduction(1), window.secret());
    let secret = window.secret();
    let second = async {
        let question = window.question().await;
        let failed = exchange(&desk, introduction(2), secret).await.unwrap_err();
        assert_eq!(failed, Failure::Told(Code::Busy));
        let arguments = [question["request"].clone(), false.into()];
        let refused = window.owner.call("org.deskconn.pairing.answer", arguments).await;
        assert_eq!(refused.unwrap().into_value(), Value::Null);
    };
    let (first, ()) = tokio::join!(first, second);
    assert_eq!(first.unwrap_err(), Failure::Told(Code::Refused));
    assert_eq!(devices(&desk).await, 0);
}

/// A device that has connected and waits for `hello`.
async fn begin(desk: &Desk, secret: Secret) -> (PairingChannel, Joiner) {
    let channel = PairingChannel::open(&desk.address().to_string(), PATIENCE)
        .await
        .unwrap();
    let sight = Sight {
        spki: Some(channel.spki()),
        exporter: None,
    };
    (channel, Joiner::begin(secret, introduction(1), sight).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_goes_after_the_grant_is_not_stored_and_the_owner_learns_it() {
    let desk = Desk::start().await;
    let mut window = Window::open(&desk, Args::default()).await;
    let (mut channel, mut joiner) = begin(&desk, window.secret()).await;
    let device = async {
        loop {
            let frame = soon("a frame", channel.next()).await.unwrap().unwrap();
            match joiner.receive(&frame, &mut SysRng) {
                Progress::Send(frame) => channel.send(&frame).await.unwrap(),
                Progress::Waiting { .. } => {}
                // Between `grant` and `done` its battery is empty.
                Progress::Paired(..) => return drop(channel),
                Progress::Failed(failure) => panic!("{failure}"),
            }
        }
    };
    let ((), (_, answered)) = tokio::join!(device, window.answer(true));
    let told = answered.unwrap_err().to_string();
    assert!(told.contains("not paired"), "{told}");
    assert_eq!(devices(&desk).await, 0);
    // The desk is free again.
    Phone::pair(&desk, 2, Args::default()).await;
}

/// Takes the desktop's answer and hangs up; `false` when the desk is still busy with the last one.
async fn ask_for_pake_b(desk: &Desk, secret: Secret) -> bool {
    let (mut channel, mut joiner) = begin(desk, secret).await;
    let hello = soon("hello", channel.next()).await.unwrap().unwrap();
    match joiner.receive(&hello, &mut SysRng) {
        Progress::Send(pake_a) => channel.send(&pake_a).await.unwrap(),
        Progress::Failed(Failure::Told(Code::Busy)) => return false,
        other @ (Progress::Waiting { .. } | Progress::Paired(..) | Progress::Failed(_)) => panic!("{other:?}"),
    }
    soon("pake_b", channel.next()).await.unwrap().unwrap();
    channel.close().await;
    true
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_hangs_up_after_the_answer_has_used_up_an_attempt() {
    let desk = Desk::start().await;
    let window = Window::open(&desk, Args::default()).await;
    let mut closed = window.owner.subscribe("org.deskconn.pairing.on_closed").await.unwrap();
    for _ in 0..3 {
        let attempt = async { while !ask_for_pake_b(&desk, window.secret()).await {} };
        soon("an attempt", attempt).await;
    }
    let why = soon("the end of the window", closed.next())
        .await
        .unwrap()
        .args
        .into_value();
    assert_eq!(why.as_str(), Some("too many wrong codes were tried"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paired_device_is_known_to_every_kind_of_protected_session() {
    let desk = Desk::start().await;
    let phone = Phone::pair(&desk, 1, Args::default()).await;
    for way in [Way::Wss, Way::Rss, Way::Quic, Way::Noise, Way::WebSocket] {
        let session = phone.try_log_in(&desk, way).await.unwrap();
        assert_eq!(session.detail("authid"), Some(phone.id()), "{way:?}");
        assert_eq!(session.detail("authrole"), Some("remote"), "{way:?}");
        session.call("org.deskconn.slides.next", ()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_code_nor_secret_stands_anywhere_on_the_disk() {
    let desk = Desk::start().await;
    let mut window = Window::open(&desk, Args::default()).await;
    let secret = window.secret();
    let (joined, _) = tokio::join!(exchange(&desk, introduction(1), secret), window.answer(true));
    joined.unwrap();
    let link = window.link.clone().unwrap();
    let fragment = link.split_once("#p=1.").unwrap().1;
    let digits = window.code.replace('-', "");
    let mut files = 0;
    for entry in std::fs::read_dir(desk.home.path().join("state")).unwrap() {
        let text = String::from_utf8_lossy(&std::fs::read(entry.unwrap().path()).unwrap()).into_owned();
        for secret in [window.code.as_str(), &digits, fragment] {
            assert!(!text.contains(secret));
        }
        files += 1;
    }
    assert!(files > 3, "there is a state to look through");
}

/// Somebody in between with a certificate of his own: he reads what passes, and hands it on.
async fn intercept(desk: &Desk) -> SocketAddr {
    let own = Identity::new().config;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (here, there) = (listener.local_addr().unwrap(), desk.address());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let own = Arc::clone(&own);
            tokio::spawn(async move {
                let mut near = tls::accept(stream, own).await.unwrap().stream;
                let far = TcpStream::connect(there).await.unwrap();
                let mut far = tls::connect(far, Trust::Anybody).await.unwrap().stream;
                // On a real network he would have the desktop's own address.
                let mut head = vec![0; 4096];
                let length = near.read(&mut head).await.unwrap();
                let head = String::from_utf8(head[..length].to_vec()).unwrap();
                let head = head.replace(&here.to_string(), &there.to_string());
                far.write_all(head.as_bytes()).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    here
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_in_between_with_his_own_certificate_is_found_out_and_the_owner_is_alarmed() {
    let desk = Desk::start().await;
    let window = Window::open(&desk, Args::default()).await;
    let mut alarms = window.owner.subscribe("org.deskconn.pairing.on_alarm").await.unwrap();
    let between = intercept(&desk).await;
    let failed = exchange_at(between, introduction(1), window.secret())
        .await
        .unwrap_err();
    assert_eq!(failed, Failure::OtherCertificate, "the device sees it first");
    // A device that does not look is stopped by the desktop.
    let mut channel = PairingChannel::open(&between.to_string(), PATIENCE).await.unwrap();
    let blind = Sight {
        spki: Some(spki_hash(&desk.daemon.store().tls().0).unwrap()),
        exporter: Some(channel.exporter()),
    };
    let mut joiner = Joiner::begin(window.secret(), introduction(1), blind).unwrap();
    let hello = soon("hello", channel.next()).await.unwrap().unwrap();
    let Progress::Send(pake_a) = joiner.receive(&hello, &mut SysRng) else {
        panic!("hello was not taken")
    };
    channel.send(&pake_a).await.unwrap();
    let answer = soon("the answer", channel.next()).await.unwrap().unwrap();
    let told = joiner.receive(&answer, &mut SysRng);
    assert_eq!(told, Progress::Failed(Failure::Told(Code::Mismatch)));
    let alarm = soon("the alarm", alarms.next()).await.unwrap().args.into_value();
    assert!(alarm.as_str().unwrap().contains("SOMEBODY IS IN BETWEEN"), "{alarm:?}");
    assert_eq!(devices(&desk).await, 0);
}
