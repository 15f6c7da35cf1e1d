//! Packets of mDNS; see the module of this name.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| deskconn_fuzz::mdns(data));
