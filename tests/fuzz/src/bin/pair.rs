//! Pairing by key exchange with somebody in between; see the module of this name.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| deskconn_fuzz::pair(data));
