//! What must hold for any input, beyond that nothing panics. The targets in `src/bin` only choose the input's kind.

mod connection;
mod decoding;
mod noise;
mod pair;
mod rawsocket;
mod websocket;

pub use decoding::decoding;
pub use noise::noise;
pub use pair::pair;
pub use rawsocket::rawsocket;
pub use websocket::websocket;
