//! The key file of this command line, with which it logs in at a desktop that it is paired with: 64 hexadecimal
//! digits, readable by nobody else.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use client::SigningKey;
use pairing::Identity;
use rand::rngs::SysRng;

use crate::failure::Failure;
use crate::system;

/// The file in the state directory.
const NAME: &str = "ctl.key";
/// 64 digits and a line end; more cannot be a key.
const MAX_LENGTH: u64 = 80;

/// Where the key is unless somebody says otherwise, as far as this user has a home.
pub(crate) fn default_path() -> Option<PathBuf> {
    directory().map(|directory| directory.join(NAME))
}

/// The state directory, as far as this user has a home.
pub(crate) fn directory() -> Option<PathBuf> {
    let absolute = |path: PathBuf| path.is_absolute().then_some(path);
    let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).and_then(absolute);
    let data = data.or_else(|| Some(std::env::home_dir().and_then(absolute)?.join(".local/share")));
    Some(data?.join("deskconn"))
}

/// Reads a key.
pub(crate) fn read(path: &Path) -> Result<SigningKey, Failure> {
    let shown = path.display();
    if matches!(path.try_exists(), Ok(false)) {
        return Err(Failure::failed(format!(
            "there is no key at {shown}; make one with `deskconnctl keygen --key {shown}`"
        )));
    }
    let text = read_private(path, "key", MAX_LENGTH)?;
    let mut seed = [0; 32];
    hex::decode_to_slice(text.trim_ascii(), &mut seed)
        .map_err(|_| Failure::failed(format!("{shown} holds no key: 64 hexadecimal digits are expected")))?;
    Ok(SigningKey::from_bytes(&seed))
}

/// The text of a file that nobody else may read: of it as many bytes as what it holds may have, and one.
pub(crate) fn read_private(path: &Path, what: &str, most: u64) -> Result<String, Failure> {
    let shown = path.display();
    let failed = |error: io::Error| Failure::failed(format!("the {what} at {shown} cannot be read: {error}"));
    let file = File::open(path).map_err(failed)?;
    if system::is_open_to_others(&file.metadata().map_err(failed)?) {
        return Err(Failure::failed(format!(
            "others may read the {what} at {shown}; mend it with `chmod 600 {shown}`"
        )));
    }
    let mut text = String::new();
    file.take(most + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > most {
        return Err(Failure::failed(format!(
            "{shown} holds no {what}: it has more than {most} bytes"
        )));
    }
    Ok(text)
}

/// Makes a key and writes it where none is.
pub(crate) fn generate(path: &Path) -> Result<Identity, Failure> {
    let shown = path.display();
    let key = Identity::generate(&mut SysRng).map_err(|error| Failure::failed(error.to_string()))?;
    let write = || {
        if let Some(directory) = path.parent() {
            system::private_directories().create(directory)?;
        }
        let mut file = system::private_file().open(path)?;
        file.write_all(format!("{}\n", hex::encode(*key.seed())).as_bytes())?;
        file.sync_all()
    };
    write().map_err(|error: io::Error| {
        Failure::failed(if error.kind() == io::ErrorKind::AlreadyExists {
            format!("there is a key at {shown} already; remove it first, or choose another place with --key")
        } else {
            format!("the key cannot be written to {shown}: {error}")
        })
    })?;
    Ok(key)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_that_is_made_can_be_read_by_its_owner_and_is_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b/ctl.key");
        let made = generate(&path).unwrap();
        assert_eq!(read(&path).unwrap().verifying_key().to_bytes(), made.public());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(generate(&path).unwrap_err().to_string().contains("already"));
        assert_eq!(read(&path).unwrap().verifying_key().to_bytes(), made.public());
    }

    #[test]
    fn what_is_wrong_with_a_key_file_is_said() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        let sentence = || read(&path).unwrap_err().to_string();
        assert!(sentence().contains("keygen"));
        std::fs::write(&path, "ab".repeat(32)).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(sentence().contains("chmod 600"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(read(&path).is_ok());
        for text in ["", "xyz", &"ab".repeat(31), &"ab".repeat(33)] {
            std::fs::write(&path, text).unwrap();
            assert!(sentence().contains("64 hexadecimal digits"), "{text}");
        }
    }
}
