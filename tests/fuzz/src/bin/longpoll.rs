//! What is posted to a transport of long-poll; see the module of this name.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| deskconn_fuzz::longpoll(data));
