//! What must hold for any input, beyond that nothing panics. The targets in `src/bin` only choose the input's kind.

mod acceptor;
mod connection;
mod decoding;
mod longpoll;
mod mdns;
mod noise;
mod pair;
mod rawsocket;
mod realm;
mod websocket;

pub use acceptor::acceptor;
pub use decoding::decoding;
pub use longpoll::longpoll;
pub use mdns::mdns;
pub use noise::noise;
pub use pair::pair;
pub use rawsocket::rawsocket;
pub use realm::realm;
pub use websocket::websocket;
