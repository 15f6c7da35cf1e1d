//! What must hold for any input, beyond that nothing panics. The targets in `src/bin` only choose the input's kind.

mod connection;
mod decoding;
mod noise;
mod rawsocket;
mod websocket;

pub use decoding::decoding;
pub use noise::noise;
pub use rawsocket::rawsocket;
pub use websocket::websocket;
