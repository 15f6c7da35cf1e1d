//! The decoder of CBOR; see `decoding`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| deskconn_fuzz::decoding(wamp::codec::Serializer::Cbor, data));
