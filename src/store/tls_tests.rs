//! Tests of the certificate: whose it is, for how long, and when it is made anew.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::store::Store;

fn state() -> (TempDir, std::path::PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let state = home.path().join("state");
    drop(Store::open(&state).unwrap());
    (home, state)
}

fn day(text: &str) -> OffsetDateTime {
    let format = &time::format_description::well_known::Rfc3339;
    OffsetDateTime::parse(&format!("{text}T00:00:00Z"), format).unwrap()
}

/// Looks at the directory as a start on that day does; gives the certificate and whether it is a new one.
fn start(state: &Path, today: &str) -> (Vec<u8>, bool) {
    let directory = StateDir::open(state).unwrap();
    let id8 = "01234567";
    let (tls, made) = Found::read(&directory).unwrap().complete(id8, day(today)).unwrap();
    assert!(made.key.is_none(), "the key stays");
    if let Some(certificate) = &made.certificate {
        directory.replace(CERTIFICATE, certificate.as_bytes(), false).unwrap();
    }
    (tls.certificate, made.certificate.is_some())
}

fn validity(der: &[u8]) -> (i64, i64) {
    let certificate = parse(der).unwrap();
    let validity = certificate.validity();
    (validity.not_before.timestamp(), validity.not_after.timestamp())
}

fn public_key(der: &[u8]) -> Vec<u8> {
    parse(der).unwrap().public_key().raw.to_vec()
}

#[test]
fn the_certificate_names_the_desktop_and_holds_ten_years() {
    let (_home, state) = state();
    let store = Store::open(&state).unwrap();
    let (der, key) = store.tls();
    let certificate = parse(&der).unwrap();
    let names = certificate.subject_alternative_name().unwrap().unwrap();
    let expected = format!("deskconn-{}.local", store.identity().id8());
    assert_eq!(
        names.value.general_names,
        [GeneralName::DNSName(&expected), GeneralName::DNSName("localhost")]
    );
    let now = OffsetDateTime::now_utc();
    let (begins, ends) = validity(&der);
    assert_eq!(begins, 0);
    let days = (ends - now.unix_timestamp()) / 86_400;
    assert!((3_650..=3_653).contains(&days), "{days}");
    assert!(!certificate.is_ca());
    let key = KeyPair::from_pkcs8_der_and_sign_algo(&key.as_slice().into(), &PKCS_ECDSA_P256_SHA256).unwrap();
    assert_eq!(key.subject_public_key_info(), public_key(&der));
}

#[test]
fn the_certificate_is_made_anew_of_the_same_key_within_a_year_of_its_end() {
    let (_home, state) = state();
    let (first, is_new) = start(&state, "2030-01-01");
    assert!(is_new, "it had the name of another desktop");
    let ends = validity(&first).1;
    assert_eq!(ends, day("2040-01-02").unix_timestamp());
    assert_eq!(start(&state, "2030-01-02"), (first.clone(), false));
    assert_eq!(
        start(&state, "2039-01-01"),
        (first.clone(), false),
        "a year and a day before"
    );
    let (second, is_new) = start(&state, "2039-01-02");
    assert!(is_new);
    assert_eq!(public_key(&second), public_key(&first));
    assert_eq!(validity(&second).1, day("2049-01-02").unix_timestamp());
    let serial = |der: &[u8]| parse(der).unwrap().raw_serial().to_vec();
    assert_ne!(serial(&first), serial(&second));
    // Dates from 2050 on have another form in a certificate.
    let (third, _) = start(&state, "2060-05-06");
    assert_eq!(validity(&third).1, day("2070-05-07").unix_timestamp());
}

#[test]
fn a_clock_that_lost_the_time_makes_no_certificate_that_is_over_when_it_is_set() {
    let (_home, state) = state();
    let (certificate, is_new) = start(&state, "1970-01-01");
    assert!(is_new);
    assert_eq!(validity(&certificate), (0, day("2036-01-02").unix_timestamp()));
    // And one that is far ahead makes one that holds when the clock is set back.
    let (ahead, _) = start(&state, "9999-06-01");
    let (begins, ends) = validity(&ahead);
    assert!(begins == 0 && ends > day("2026-01-01").unix_timestamp());
    assert_eq!(start(&state, "2030-01-01"), (ahead, false));
}

#[test]
fn a_damaged_certificate_stops_the_start_and_the_way_that_is_named_keeps_the_key() {
    let (_home, state) = state();
    let file = state.join(CERTIFICATE);
    let whole = fs::read(&file).unwrap();
    let key = public_key(&Store::open(&state).unwrap().tls().0);
    for damaged in [&b""[..], b"garbage", b"\xff\xfe", &whole[..whole.len() / 2]] {
        fs::write(&file, damaged).unwrap();
        let told = Store::open(&state).unwrap_err().to_string();
        assert!(told.contains("tls.crt is no certificate"), "{told}");
        assert_eq!(fs::read(&file).unwrap(), damaged);
    }
    let told = Store::open(&state).unwrap_err().to_string();
    crate::store::tests::follow(told.split('`').nth(1).unwrap());
    assert_eq!(public_key(&Store::open(&state).unwrap().tls().0), key);
}

#[test]
fn a_certificate_of_another_key_and_one_without_its_key_are_not_used() {
    let (_home, one) = state();
    let (_other_home, other) = state();
    fs::copy(other.join(CERTIFICATE), one.join(CERTIFICATE)).unwrap();
    let told = Store::open(&one).unwrap_err().to_string();
    assert!(told.contains("not the certificate of tls.key"), "{told}");
    fs::remove_file(other.join(KEY)).unwrap();
    let told = Store::open(&other).unwrap_err().to_string();
    assert!(
        told.contains("tls.key is missing") && told.contains("paired again"),
        "{told}"
    );
    assert!(!other.join(KEY).exists(), "no new key was made");
}

#[test]
fn a_start_that_was_cut_short_between_the_key_and_its_certificate_is_completed() {
    let (_home, state) = state();
    let key = public_key(&Store::open(&state).unwrap().tls().0);
    fs::remove_file(state.join(CERTIFICATE)).unwrap();
    assert_eq!(public_key(&Store::open(&state).unwrap().tls().0), key);
    assert!(state.join(CERTIFICATE).exists());
}
