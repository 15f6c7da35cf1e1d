//! Logging in at a router by its address, with what its principals have: tickets, passwords, keys and certificates, inside TLS or not.

use std::os::unix::fs::PermissionsExt as _;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio::process::Command;

use crate::home::Desk;
use crate::stage::{Ended, Running, ended, program};

const REALM: &str = r#"
[[realm]]
name = "home"
[[realm.role]]
name = "user"
rules = [{ uri = "", match = "prefix", allow = ["call", "publish", "subscribe"] }]
[[realm.principal]]
authid = "joe"
role = "user"
method = "ticket"
secret = "let me in "
[[realm.principal]]
authid = "ann"
role = "user"
method = "wamp-scram"
secret = "correct horse"
[[realm.principal]]
authid = "kitchen"
role = "user"
method = "tls"
"#;

/// A desktop that is a router for a realm of its configuration too, and files beside it.
struct Scene {
    desk: Desk,
    files: tempfile::TempDir,
    pin: String,
}

impl Scene {
    async fn new() -> Self {
        let files = tempfile::tempdir().unwrap();
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap();
        let mut parameters = CertificateParams::new(["kitchen".to_owned()]).unwrap();
        parameters.distinguished_name.push(DnType::CommonName, "kitchen");
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&key, &authority).unwrap();
        let ca = files.path().join("ca.pem");
        std::fs::write(&ca, authority.pem()).unwrap();
        let desk = Desk::with("Attic", &format!("[tls]\nclient_ca = {ca:?}\n{REALM}")).await;
        let status = desk.run(&["--json", "status"]).await;
        let status: serde_json::Value = serde_json::from_str(&status.result).unwrap();
        let scene = Self {
            desk,
            files,
            pin: status["info"]["pin"]
                .as_str()
                .unwrap_or_else(|| panic!("{status}"))
                .to_owned(),
        };
        scene.file("ticket", "let me in \n");
        scene.file("password", "correct horse\r\n");
        scene.file("kitchen", &(certificate.pem() + &key.serialize_pem()));
        scene
    }

    /// Writes a file for nobody else, and says where it is.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.files.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path.display().to_string()
    }

    /// A program of somebody with these files, at this desktop's address; a name with an @ before it is that of a file.
    fn command(&self, scheme: &str, arguments: &str) -> Command {
        let daemon = &self.desk.daemon;
        let addresses = if scheme == "quic://" {
            daemon.quic_addresses()
        } else {
            daemon.addresses()
        };
        let mut command = program(&["--at", &format!("{scheme}{}", addresses[0]), "--realm", "home"]);
        for word in arguments.split(' ') {
            match word.strip_prefix('@') {
                Some(name) => command.arg(self.files.path().join(name)),
                None => command.arg(word),
            };
        }
        command
    }

    async fn pinned(&self, scheme: &str, arguments: &str) -> Ended {
        let mut command = self.command(scheme, arguments);
        command.args(["--pin", &self.pin]);
        ended(command).await
    }

    async fn plain(&self, arguments: &str) -> Ended {
        ended(self.command("", arguments)).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_principal_of_a_realm_logs_in_with_what_it_has() {
    let scene = Scene::new().await;
    for login in [
        "--authid joe --ticket @ticket",
        "--authid ann --password @password",
        "--certificate @kitchen",
    ] {
        for scheme in ["", "wss://", "rss://", "quic://"] {
            let counted = scene.pinned(scheme, &format!("{login} call wamp.session.count")).await;
            assert_eq!(counted.status, Some(0), "{scheme} {login}: {counted:?}");
        }
    }
    // A password is not told, and so needs no TLS.
    let called = scene
        .plain("--authid ann --password @password call wamp.session.count")
        .await;
    called.gave("1\n");
    // Commands that go on log in as single ones do.
    let mut command = scene.command(
        "wss://",
        "--authid joe --ticket @ticket subscribe org.example.x --count 1",
    );
    command.args(["--pin", &scene.pin]);
    let mut subscribed = Running::of(command);
    subscribed.remark("subscribed to").await;
    let published = scene
        .plain("--authid ann --password @password publish org.example.x 7")
        .await;
    assert_eq!(published.status, Some(0), "{published:?}");
    let heard = subscribed.ended().await;
    assert_eq!((heard.status, heard.result.contains('7')), (Some(0), true), "{heard:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_another_secret_or_meets_another_router_is_told() {
    let scene = Scene::new().await;
    scene.file("wrong", "let me in");
    for login in [
        "--authid joe --ticket @wrong",
        "--authid nobody --ticket @ticket",
        "--authid ann --password @wrong",
    ] {
        let refused = scene.pinned("", &format!("{login} call wamp.session.count")).await;
        refused.failed(1, "see whether the authid and the secret are those of a principal");
        assert!(!refused.remarks.contains("paired"), "{refused:?}");
    }
    let refused = scene.plain("call wamp.session.count").await;
    refused.failed(1, "--ticket, --password, --key, --certificate");
    let other = "ab".repeat(32);
    let call = "--authid joe --ticket @ticket call wamp.session.count";
    let alarm = ended(scene.command("", &format!("--pin {other} {call}"))).await;
    alarm.failed(1, "another");
    let plain = ended(scene.command("ws://", &format!("--pin {other} {call}"))).await;
    plain.failed(2, "is not encrypted");
    let unknown = ended(scene.command("wss://", call)).await;
    unknown.failed(2, "--pin SHA256 says which certificate is the right one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_makes_no_sense_is_wrong_usage() {
    let scene = Scene::new().await;
    let call = "call wamp.session.count";
    for (login, status, words) in [
        ("--ticket @ticket", 2, "say whose with --authid"),
        ("--password @password", 2, "say whose with --authid"),
        (
            "--authid joe --ticket @ticket --password @password",
            2,
            "cannot be used with",
        ),
        ("--authid joe --ticket @ticket --anonymous", 2, "cannot be used with"),
        ("--pin 12", 2, "64 hexadecimal digits"),
        ("--authid joe --ticket @none", 1, "the ticket at"),
        (
            "--authid joe --ticket @empty",
            1,
            "holds no ticket: one line is expected",
        ),
        (
            "--authid joe --password @two",
            1,
            "holds no password: one line is expected",
        ),
        ("--authid joe --password @open", 1, "chmod 600"),
        ("--authid joe --password @long", 1, "more than 65536 bytes"),
        ("--certificate @kitchen", 2, "a certificate is shown inside TLS"),
        ("--certificate @kitchen --anonymous", 2, "cannot be used with"),
    ] {
        scene.file("empty", "\n");
        scene.file("two", "one\ntwo\n");
        scene.file("long", &"x".repeat((64 << 10) + 1));
        let open = scene.file("open", "correct horse\n");
        std::fs::set_permissions(open, std::fs::Permissions::from_mode(0o644)).unwrap();
        scene.plain(&format!("{login} {call}")).await.failed(status, words);
    }
    // Nothing is connected to.
    let told = "--at hub:8080 --realm home --authid joe --ticket /none call wamp.session.count";
    let told = ended(program(&told.split(' ').collect::<Vec<_>>())).await;
    told.failed(2, "everybody on the way to ws://hub:8080/ws would hear it");
    let unusable = scene.pinned("", &format!("--certificate @ticket {call}")).await;
    unusable.failed(1, "cannot be used");
    for (place, words) in [
        (&["status"][..], "here the socket says who you are"),
        (
            &["--desktop", "Attic", "status"],
            "the keys of the pairing say who you are",
        ),
    ] {
        for option in ["--authid", "--ticket", "--password", "--key", "--certificate"] {
            // Before the command's own words: there the definitions do not see both.
            let arguments = [place, &[option, "/none"]].concat();
            let refused = ended(program(&arguments)).await;
            assert_eq!(refused.status, Some(2), "{refused:?}");
            let is_told = refused.remarks.contains(words) || refused.remarks.contains("cannot be used with");
            assert!(is_told, "{refused:?}");
        }
    }
}
