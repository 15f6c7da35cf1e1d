//! The statuses of Close frames (RFC 6455 §7.4).

/// An ordinary end.
pub(crate) const NORMAL: u16 = 1000;
/// The peer breaks RFC 6455, or ends a message where none can end.
pub(crate) const PROTOCOL_ERROR: u16 = 1002;
/// Text where binary was agreed, or the other way round.
pub(crate) const UNSUPPORTED_DATA: u16 = 1003;
/// No status in a Close frame; it is not sent but stands for nothing.
pub(crate) const NONE: u16 = 1005;
/// A message that is not of the agreed form, text that is not UTF-8.
pub(crate) const INVALID_DATA: u16 = 1007;
/// A message that is too long.
pub(crate) const TOO_BIG: u16 = 1009;

/// Whether a peer may send this one.
pub(crate) const fn may_be_sent(status: u16) -> bool {
    matches!(status, 1000..=1003 | 1007..=1014 | 3000..=4999)
}
