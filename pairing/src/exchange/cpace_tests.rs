//! The vectors of draft-irtf-cfrg-cpace-21, appendices A and B.3 (`testvectors.md` of its repository).

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;

const PRS: &[u8] = b"Password";
const CI: &str = "6f630b425f726573706f6e6465720b415f696e69746961746f72";
const SID: &str = "7e4b4791d6a8ef019b936c79fb7f2c57";
const YA_SECRET: &str = "da3d23700a9e5699258aef94dc060dfda5ebb61f02a5ea77fad53f4ff0976d08";
const YA: &str = "d40fb265a7abeaee7939d91a585fe59f7053f982c296ec413c624c669308f87a";
const YB_SECRET: &str = "d2316b454718c35362d83d69df6320f38578ed5984651435e2949762d900b80d";
const YB: &str = "08bcf6e9777a9c313a3db6daa510f2d398403319c2341bd506a92e672eb7e307";
const K: &str = "e22b1ef7788f661478f3cddd4c600774fc0f41e6b711569190ff88fa0e607e09";

fn bytes(text: &str) -> [u8; 32] {
    hex::decode(text).unwrap().try_into().unwrap()
}

fn scalar(text: &str) -> Zeroizing<Scalar> {
    Zeroizing::new(Scalar::from_canonical_bytes(bytes(text)).unwrap())
}

fn share(secret: &str) -> Share {
    Share::of(
        scalar(secret),
        PRS,
        &hex::decode(CI).unwrap(),
        &hex::decode(SID).unwrap(),
    )
}

#[test]
fn lengths_are_those_of_the_draft() {
    let count = |to: u8| (0..to).collect::<Vec<u8>>();
    assert_eq!(lv(&[b""]), [0]);
    assert_eq!(lv(&[b"1234"]), *b"\x041234");
    assert_eq!(lv(&[&count(127)]), [&[0x7f], count(127).as_slice()].concat());
    assert_eq!(lv(&[&count(128)]), [&[0x80, 0x01], count(128).as_slice()].concat());
    assert_eq!(
        hex::encode(lv(&[b"1234", b"5", b"", b"6789"])),
        "04313233340135000436373839"
    );
}

#[test]
fn the_generator_is_that_of_the_draft() {
    let found = generator(PRS, &hex::decode(CI).unwrap(), &hex::decode(SID).unwrap());
    let expected = "a6fc82c3b8968fbb2e06fee81ca858586dea50d248f0c7ca6a18b0902a30b36b";
    assert_eq!(hex::encode(found.compress().to_bytes()), expected);
}

#[test]
fn a_secret_longer_than_a_block_needs_no_padding_and_gives_a_generator_of_its_own() {
    let long = [7; 200];
    let one = generator(&long, b"", b"");
    let other = generator(&[7; 201], b"", b"");
    assert_ne!(one.compress(), other.compress());
}

#[test]
fn the_shares_are_those_of_the_draft() {
    assert_eq!(hex::encode(share(YA_SECRET).public()), YA);
    assert_eq!(hex::encode(share(YB_SECRET).public()), YB);
}

#[test]
fn both_sides_meet_at_the_point_of_the_draft() {
    assert_eq!(hex::encode(*share(YA_SECRET).meet(&bytes(YB)).unwrap()), K);
    assert_eq!(hex::encode(*share(YB_SECRET).meet(&bytes(YA)).unwrap()), K);
}

#[test]
fn both_sides_have_the_session_key_of_the_draft() {
    let sid = hex::decode(SID).unwrap();
    let initiator = share(YA_SECRET).initiate(&bytes(YB), b"ADa", b"ADb", &sid).unwrap();
    let responder = share(YB_SECRET).respond(&bytes(YA), b"ADa", b"ADb", &sid).unwrap();
    assert_eq!(
        hex::encode(*initiator),
        "4c5469a16b2364c4b944ebc1a79e51d1674ad47db26e8718154f59faebfaa52d\
         8346f30aa58377117eb20d527f2cbc5c76381f7fd372e89df8239f87f2e02ed1"
    );
    assert_eq!(initiator, responder);
}

#[test]
fn a_valid_point_is_multiplied_as_in_the_draft() {
    let share = Share {
        secret: scalar("7cd0e075fa7955ba52c02759a6c90dbbfc10e6d40aea8d283e407d88cf538a05"),
        public: [0; 32],
    };
    let point = bytes("2c3c6b8c4f3800e7aef6864025b4ed79bd599117e427c41bd47d93d654b4a51c");
    assert_eq!(
        hex::encode(*share.meet(&point).unwrap()),
        "7c13645fe790a468f62c39beb7388e541d8405d1ade69d1778c5fe3e7f6b600e"
    );
}

#[test]
fn the_drafts_invalid_points_are_refused_by_both_sides() {
    let not_on_the_curve = bytes("2b3c6b8c4f3800e7aef6864025b4ed79bd599117e427c41bd47d93d654b4a51c");
    let neutral = [0; 32];
    for point in [not_on_the_curve, neutral] {
        assert_eq!(share(YA_SECRET).initiate(&point, b"", b"", b"").unwrap_err(), BadPoint);
        assert_eq!(share(YB_SECRET).respond(&point, b"", b"", b"").unwrap_err(), BadPoint);
    }
}

#[test]
fn encodings_that_are_not_canonical_are_refused() {
    // RFC 9496, appendix A.3: non-canonical field elements, negative ones, and the largest of all.
    let bad = [
        "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ];
    for point in bad {
        assert_eq!(share(YA_SECRET).meet(&bytes(point)).unwrap_err(), BadPoint, "{point}");
    }
}

#[test]
fn another_secret_party_run_or_word_beside_it_gives_another_key() {
    let mut random = StdRng::seed_from_u64(1);
    let mut start = |prs: &[u8], ci: &[u8], sid: &[u8]| Share::generate(prs, ci, sid, &mut random).unwrap();
    let a = start(b"1", b"c", b"s");
    let key = |b: &Share, ad: &[u8], sid: &[u8]| {
        let mine = a.initiate(b.public(), b"a", b"b", b"s").unwrap();
        mine == b.respond(a.public(), ad, b"b", sid).unwrap()
    };
    let same = start(b"1", b"c", b"s");
    assert!(key(&same, b"a", b"s"));
    assert!(!key(&same, b"x", b"s"));
    assert!(!key(&same, b"a", b"x"));
    assert!(!key(&start(b"2", b"c", b"s"), b"a", b"s"));
    assert!(!key(&start(b"1", b"x", b"s"), b"a", b"s"));
    assert!(!key(&start(b"1", b"c", b"x"), b"a", b"s"));
}
