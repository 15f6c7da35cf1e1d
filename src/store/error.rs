//! Why the state cannot be used, or a change not kept: each sentence says what to do.

use std::io;
use std::path::PathBuf;

use pairing::NoRandom;
use pairing::trust::TrustError;

/// Why the state cannot be used, or a change not kept. Every sentence says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A system call failed.
    #[error("cannot {what} {}: {error}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The group or others have access.
    #[error("{} is open to other users (mode {mode:03o}); close it with: chmod {mend} {}", path.display(), path.display())]
    OpenToOthers {
        /// The file or directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// The mode it should have.
        mend: &'static str,
    },
    /// It belongs to somebody else.
    #[error("{} belongs to user {owner} and this daemon runs as user {own}; if it is yours, run: sudo chown {own} {}",
            path.display(), path.display())]
    ForeignOwner {
        /// The file or directory.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// The daemon's user.
        own: u32,
    },
    /// The directory is the daemon's own, and closed to it all the same.
    #[error("{} cannot be looked into by its own user; open it with: chmod 700 {}", .0.display(), .0.display())]
    Closed(PathBuf),
    /// A directory above it lets nobody through, so that nobody knows what is there.
    #[error("{path} cannot be looked at, since {above} does not let user {own} through; if this desktop's keys are there, \
             new ones would make it another desktop. Let this user through {above}, or give the daemon a state directory \
             of its own by XDG_DATA_HOME", path = path.display(), above = above.display())]
    OutOfSight {
        /// The state directory.
        path: PathBuf,
        /// The directory above it that is closed.
        above: PathBuf,
        /// The daemon's user.
        own: u32,
    },
    /// A link, directory or device where a file belongs.
    #[error("{} is not an ordinary file; deskconn follows no links for its keys: put the file itself there", .0.display())]
    NotAFile(PathBuf),
    /// More than can be right.
    #[error("{path} has more than {limit} bytes, which deskconn never writes. It was left as it is. Restore it from a backup, \
             or begin anew with `mv {path} {path}.damaged`", path = path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The bound.
        limit: u64,
    },
    /// Another daemon holds the directory.
    #[error("another deskconnd is using {}; stop it first, or give this one a state directory of its own by XDG_DATA_HOME", .0.display())]
    InUse(PathBuf),
    /// A key file is no key.
    #[error("{path} holds no key: {expected} expected. It was left as it is. Restore it from a backup; without one, \
             `mv {path} {path}.damaged{others}` makes a new one at the next start, and {loss} to be paired again",
            path = path.display())]
    DamagedKey {
        /// The file.
        path: PathBuf,
        /// What belongs there, with its verb.
        expected: &'static str,
        /// Who loses by a new key, with its verb.
        loss: &'static str,
        /// What moves away the files that are of no use without it, each command with ` && ` before it.
        others: String,
    },
    /// The identity is not there, and something that was made after it is.
    #[error("{path} is missing, though {others} of the same desktop are there: with a new one this would be another \
             desktop, which no paired device knows. Restore it from a backup; without one, `{begin}` begins anew as \
             another desktop at the next start, and every device has to be paired again",
            path = path.display())]
    LostIdentity {
        /// The file that is not there.
        path: PathBuf,
        /// The names of those that are.
        others: String,
        /// The command line that moves them away.
        begin: String,
    },
    /// A file stands where a realm's journal belongs, and is none.
    #[error("{path} is no journal of events. It was left as it is. `mv {path} {path}.damaged` begins a new one at the next \
             start", path = .0.display())]
    NoJournal(PathBuf),
    /// The certificate cannot be read, or belongs to another key.
    #[error("{path} {what}. It was left as it is. `mv {path} {path}.damaged` makes a new one of the same key at the next \
             start, and no device notices",
            path = path.display())]
    DamagedCertificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The certificate is there and its key is not.
    #[error("{key} is missing, though {certificate} is there. Restore it from a backup; without one, \
             `mv {certificate} {certificate}.damaged` begins anew with another key at the next start, and every device that \
             comes by TLS has to be paired again",
            key = key.display(), certificate = certificate.display())]
    LostKey {
        /// The key that is not there.
        key: PathBuf,
        /// Its certificate.
        certificate: PathBuf,
    },
    /// The system's cryptography refuses to work.
    #[error("no certificate can be made: {0}")]
    NoCertificate(String),
    /// A JSON file that cannot be understood.
    #[error("{path} is damaged: {what}. It was left as it is. Mend it, {mend}or begin anew with `mv {path} {path}.damaged`",
            path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        what: String,
        /// The way back to the backup, if there is one.
        mend: String,
    },
    /// A JSON file of a later version of this program, which is as it should be.
    #[error("{path} has version {version}, and this program knows version {known}: a later one has written it. It was left as it is. \
             Install that one again, or put back the copy of the state directory from before it",
            path = path.display())]
    Later {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u64,
        /// The latest that is known.
        known: u32,
    },
    /// Nothing can be kept.
    #[error("nothing can be stored, so this is refused: {0}")]
    ReadOnly(String),
    /// The list refused the change.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// No secret could be drawn.
    #[error(transparent)]
    NoRandom(#[from] NoRandom),
}
