//! The decoder of `MessagePack`; see `decoding`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| deskconn_fuzz::decoding(wamp::codec::Serializer::MessagePack, data));
