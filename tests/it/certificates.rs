//! Certificates of the configuration: what is shown to whom, reloading, and clients that are known by theirs.

use std::path::Path;

use client::tls::{self, Chain, Trust};
use client::{Args, Dict, Options, Secret, Session};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType, IsCa, KeyIdMethod,
    KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
};
use time::{Duration, OffsetDateTime};
use tokio::net::TcpStream;

use crate::support::{Desk, Way, refusal, soon};

/// An authority, and the files of a configuration.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(parameters, key).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate with this common name that ends in so many days.
    fn issue(&self, name: &str, days: i64) -> (String, String) {
        let mut parameters = CertificateParams::new([name.to_owned()]).unwrap();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.not_before = OffsetDateTime::now_utc() - Duration::days(10);
        parameters.not_after = OffsetDateTime::now_utc() + Duration::days(days);
        parameters.serial_number = Some(SerialNumber::from(serial(name)));
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&key, &self.0).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    fn client(&self, name: &str, days: i64) -> Chain {
        let (certificate, key) = self.issue(name, days);
        Chain::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap()
    }

    fn revoking(&self, name: &str) -> String {
        let now = OffsetDateTime::now_utc();
        let revoked = RevokedCertParams {
            serial_number: SerialNumber::from(serial(name)),
            revocation_time: now,
            reason_code: None,
            invalidity_date: None,
        };
        let parameters = CertificateRevocationListParams {
            this_update: now - Duration::days(1),
            next_update: now + Duration::days(1),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: vec![revoked],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        parameters.signed_by(&self.0).unwrap().pem().unwrap()
    }
}

fn serial(name: &str) -> u64 {
    name.bytes().fold(1, |sum, byte| sum * 31 % 1_000_003 + u64::from(byte))
}

fn put(home: &Path, name: &str, text: &str) {
    let new = home.join(format!("{name}.new"));
    std::fs::write(&new, text).unwrap();
    std::fs::rename(new, home.join(name)).unwrap();
}

const REALM: &str = r#"
    [[realm]]
    name = "home"
    [[realm.role]]
    name = "guest"
    rules = []
    [[realm.role]]
    name = "sensor"
    rules = []
    [[realm.principal]]
    authid = "kitchen"
    role = "sensor"
    method = "tls"
    [[realm.principal]]
    role = "guest"
    method = "tls"
    [[realm.principal]]
    authid = "joe"
    role = "sensor"
    method = "ticket"
    secret = "open"
"#;

/// A desktop that takes certificates of one authority, has one of its own from it, and knows that "lost" was revoked.
async fn desk(authority: &Authority) -> Desk {
    let home = tempfile::tempdir().unwrap();
    let (certificate, key) = authority.issue("desk.example.org", 30);
    put(home.path(), "desk.pem", &certificate);
    put(home.path(), "desk.key", &key);
    put(home.path(), "ca.pem", &authority.pem());
    put(home.path(), "crl.pem", &authority.revoking("lost"));
    let configuration = format!(
        "[tls]\ncertificate = \"{0}/desk.pem\"\nkey = \"{0}/desk.key\"\nclient_ca = \"{0}/ca.pem\"\nclient_crl = \"{0}/crl.pem\"\n{REALM}",
        home.path().display()
    );
    Desk::at(home, &configuration).await
}

fn pin(desk: &Desk) -> [u8; 32] {
    tls::spki_hash(&desk.daemon.store().tls().0).unwrap()
}

fn with(desk: &Desk, certificate: Option<Chain>) -> Options {
    Options {
        certificate,
        ..Options::new("home").pin(pin(desk))
    }
}

async fn join(desk: &Desk, options: Options) -> Result<Session, client::ConnectError> {
    soon("the login", desk.try_join(Way::Wss, options)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_a_certificate_is_known_by_its_name() {
    let authority = Authority::new("Home");
    let desk = desk(&authority).await;
    for (name, role) in [("kitchen", "sensor"), ("garage", "guest")] {
        for way in [Way::Wss, Way::Rss, Way::Quic] {
            let options = with(&desk, Some(authority.client(name, 30)));
            let session = soon("the login", desk.try_join(way, options)).await.unwrap();
            let told = ["authid", "authrole", "authmethod"].map(|key| session.detail(key).unwrap());
            assert_eq!(told, [name, role, "tls"]);
        }
    }
    let other_name = Options {
        authid: Some("kitchen".to_owned()),
        ..with(&desk, Some(authority.client("garage", 30)))
    };
    assert_eq!(
        refusal(join(&desk, other_name).await),
        "wamp.error.authentication_failed"
    );
    // A name of somebody who proves it otherwise.
    let joe = with(&desk, Some(authority.client("joe", 30)));
    assert_eq!(refusal(join(&desk, joe).await), "wamp.error.authentication_failed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_certificate_other_methods_go_on_as_before() {
    let authority = Authority::new("Home");
    let desk = desk(&authority).await;
    for certificate in [None, Some(authority.client("garage", 30))] {
        let ticket = Options {
            authid: Some("joe".to_owned()),
            secret: Some(Secret::Ticket("open".to_owned())),
            ..with(&desk, certificate)
        };
        let session = join(&desk, ticket).await.unwrap();
        assert_eq!(session.detail("authmethod"), Some("ticket"));
    }
    let nothing = join(&desk, with(&desk, None)).await;
    assert_eq!(refusal(nothing), "wamp.error.no_matching_auth_method");
    // Outside of TLS there is none to show.
    let plain = Options {
        certificate: Some(authority.client("kitchen", 30)),
        ..Options::new("home")
    };
    let plain = soon("the login", desk.try_join(Way::WebSocket, plain)).await;
    assert_eq!(refusal(plain), "wamp.error.authentication_failed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_of_others_and_those_that_ended_or_were_revoked_are_refused_in_tls() {
    let authority = Authority::new("Home");
    let desk = desk(&authority).await;
    let others = Authority::new("Home");
    for (case, certificate) in [
        ("another authority", others.client("kitchen", 30)),
        ("ended", authority.client("kitchen", -1)),
        ("revoked", authority.client("lost", 30)),
    ] {
        let refused = join(&desk, with(&desk, Some(certificate))).await;
        assert!(
            !matches!(refused, Ok(_) | Err(client::ConnectError::Join(_))),
            "{case}: {refused:?}"
        );
    }
}

/// The pin of what is shown to whoever asks for this name.
async fn shown(desk: &Desk, name: Option<&str>) -> Vec<u8> {
    let stream = TcpStream::connect(desk.address()).await.unwrap();
    soon("the handshake", shown_by(stream, name)).await
}

async fn shown_by(stream: TcpStream, name: Option<&str>) -> Vec<u8> {
    let seen = tls::connect_by_name(stream, Trust::Anybody, name).await.unwrap();
    seen.spki.to_vec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_for_the_name_of_the_users_certificate_gets_it_and_everybody_else_the_desktops_own() {
    let authority = Authority::new("Home");
    let desk = desk(&authority).await;
    let own = pin(&desk).to_vec();
    assert_eq!(shown(&desk, None).await, own);
    assert_eq!(shown(&desk, Some("other.example.org")).await, own);
    assert_ne!(shown(&desk, Some("desk.example.org")).await, own);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_takes_the_new_certificate_and_authorities_and_ends_no_session() {
    let authority = Authority::new("Home");
    let desk = desk(&authority).await;
    let kitchen = authority.client("kitchen", 30);
    let session = join(&desk, with(&desk, Some(kitchen.clone()))).await.unwrap();
    let before = shown(&desk, Some("desk.example.org")).await;
    let next = Authority::new("Next");
    let (certificate, key) = next.issue("desk.example.org", 60);
    put(desk.home.path(), "desk.pem", &certificate);
    put(desk.home.path(), "desk.key", "broken");
    soon("the reload", desk.daemon.reload()).await.unwrap();
    assert_eq!(shown(&desk, Some("desk.example.org")).await, before);
    let owner = desk.owner().await;
    let told = owner.call("org.deskconn.router.certificate", ()).await.unwrap();
    let told = told.into_value();
    let told = told.as_dict().unwrap();
    assert!(told["refused"].as_str().unwrap().contains("desk.key"), "{told:?}");
    put(desk.home.path(), "desk.key", &key);
    put(desk.home.path(), "ca.pem", &next.pem());
    put(desk.home.path(), "crl.pem", &next.revoking("lost"));
    soon("the reload", desk.daemon.reload()).await.unwrap();
    assert_ne!(shown(&desk, Some("desk.example.org")).await, before);
    assert!(join(&desk, with(&desk, Some(kitchen))).await.is_err());
    join(&desk, with(&desk, Some(next.client("kitchen", 30))))
        .await
        .unwrap();
    // What was open goes on.
    let answer = soon("the answer", session.call("wamp.session.count", Args::default())).await;
    assert!(matches!(answer, Ok(_) | Err(client::Error::Request(_))), "{answer:?}");
    let told = owner.call("org.deskconn.router.certificate", ()).await.unwrap();
    let told = told.into_value();
    let told = told.as_dict().unwrap();
    assert_eq!(told["names"], client::Value::List(vec!["desk.example.org".into()]));
    assert_eq!(told["refused"], client::Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_router_speaks_tls_with_the_users_certificate_alone() {
    let authority = Authority::new("Home");
    let home = tempfile::tempdir().unwrap();
    let (certificate, key) = authority.issue("desk.example.org", 30);
    put(home.path(), "desk.pem", &certificate);
    put(home.path(), "desk.key", &key);
    let chain = Chain::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
    let configuration = format!(
        "[desktop]\nenabled = false\n[tls]\ncertificate = \"{0}/desk.pem\"\nkey = \"{0}/desk.key\"\n{REALM}",
        home.path().display()
    );
    let desk = Desk::at(home, &configuration).await;
    let own = tls::spki_hash(chain.certificate()).unwrap().to_vec();
    for name in [None, Some("desk.example.org"), Some("other.example.org")] {
        assert_eq!(shown(&desk, name).await, own);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proof_inside_tls_is_bound_to_the_connection() {
    let key = crate::support::key(7);
    let desk = Desk::with(&format!(
        "[[realm]]\nname = \"home\"\n[[realm.role]]\nname = \"r\"\nrules = []\n[[realm.principal]]\nauthid = \"joe\"\nrole = \"r\"\nmethod = \"cryptosign\"\npubkey = \"{}\"\n\
        [[realm.principal]]\nauthid = \"ann\"\nrole = \"r\"\nmethod = \"wamp-scram\"\nkdf = \"pbkdf2\"\niterations = 4096\nsecret = \"open\"\n",
        crate::support::public(&key)
    ))
    .await;
    let signer = Options {
        authid: Some("joe".to_owned()),
        key: Some(key),
        ..with(&desk, None)
    };
    let knower = Options {
        authid: Some("ann".to_owned()),
        secret: Some(Secret::Password("open".to_owned())),
        ..with(&desk, None)
    };
    for options in [signer, knower] {
        bound(&desk, &options).await;
    }
}

async fn bound(desk: &Desk, options: &Options) {
    let insisted = Dict::from([("channel_binding".to_owned(), "tls-exporter".into())]);
    for (way, is_tls) in [
        (Way::Wss, true),
        (Way::Rss, true),
        (Way::Quic, true),
        (Way::WebSocket, false),
    ] {
        for authextra in [Dict::new(), insisted.clone()] {
            let expected = is_tls || authextra.is_empty();
            let login = Options {
                pin: None,
                authextra,
                ..options.clone()
            };
            let session = soon("the login", desk.try_join(way, login)).await;
            let authid = session.as_ref().ok().and_then(|session| session.detail("authid"));
            assert_eq!(authid, options.authid.as_deref().filter(|_| expected), "{way:?}");
        }
    }
    // What the router says on one connection is worth nothing on another one.
    for (is_own, expected) in [(true, true), (false, false)] {
        let open = async || {
            let stream = TcpStream::connect(desk.address()).await.unwrap();
            tls::connect(stream, Trust::Pin(pin(desk))).await.unwrap()
        };
        let (connected, other) = (open().await, open().await);
        let exporters = if is_own { connected.exporters } else { other.exporters };
        let link = link::rawsocket::connect(connected.stream, client::Serializer::Json, options.bounds).await;
        let bound = Options {
            channel: Some(exporters.binding),
            ..options.clone()
        };
        let joined = soon("the login", Session::over(link.unwrap(), bound)).await;
        assert_eq!(joined.is_ok(), expected);
    }
}
