//! Tests of `[tls]`.

use std::path::Path;

use super::{parse, told};

#[test]
fn a_certificate_has_a_key_and_revoked_ones_have_an_authority() {
    for (keys, expected) in [
        ("certificate = '/c'", "`tls.key` is missing"),
        ("key = '/k'", "`tls.certificate` is missing"),
        ("client_crl = '/r'", "`tls.client_ca` is missing"),
        ("certificate = 'c'\nkey = '/k'", "must be an absolute path"),
        ("cert = '/c'", "there is no key `tls.cert`"),
    ] {
        let told = told(&format!("[tls]\n{keys}\n"));
        assert!(told.contains(expected), "{keys}: {told}");
    }
    let whole = "[tls]\ncertificate = '/c'\nkey = '/k'\nclient_ca = '/a'\nclient_crl = '/r'\n";
    let tls = parse(whole).unwrap().tls;
    let files: Vec<_> = tls.files().collect();
    assert_eq!(
        files,
        [Path::new("/c"), Path::new("/k"), Path::new("/a"), Path::new("/r")]
    );
}
