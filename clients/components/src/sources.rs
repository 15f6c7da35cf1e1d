//! Whether this program runs where it was built: then what mends the machine is one command of the sources.

use std::path::{Path, PathBuf};

/// The command that lets whoever sits at the machine use `/dev/uinput`, for good: `sudo /…/packaging/uinput.sh`. `None` for a
/// program that is installed, whose package did that, and where the path would need quotes in a shell.
#[must_use]
pub fn uinput_command() -> Option<String> {
    command_beside(&std::env::current_exe().ok()?)
}

/// Only of `SOURCES/target/PROFILE/PROGRAM`, as cargo lays it: a person shall not be told to run, as root, a script that
/// somebody else put into a directory further up.
fn command_beside(program: &Path) -> Option<String> {
    let target = program.parent()?.parent()?;
    if target.file_name()? != "target" {
        return None;
    }
    let script: PathBuf = target.parent()?.join("packaging/uinput.sh");
    let shown = script.to_str()?;
    let is_plain = shown
        .chars()
        .all(|it| it.is_ascii_alphanumeric() || "/._-+@".contains(it));
    (is_plain && script.is_file()).then(|| format!("sudo {shown}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_in_its_sources_names_their_script_and_one_elsewhere_none() {
        let sources = tempfile::tempdir().unwrap();
        let program = sources.path().join("target/release/deskconnd");
        assert_eq!(command_beside(&program), None, "there is no script");
        std::fs::create_dir(sources.path().join("packaging")).unwrap();
        let script = sources.path().join("packaging/uinput.sh");
        std::fs::write(&script, "").unwrap();
        assert_eq!(command_beside(&program), Some(format!("sudo {}", script.display())));
        for elsewhere in [
            "bin/release/deskconnd",
            "target/deskconnd",
            "usr/target/x/deskconnd",
            "deskconnd",
        ] {
            assert_eq!(command_beside(&sources.path().join(elsewhere)), None, "{elsewhere}");
        }
    }

    #[test]
    fn a_path_that_needs_quotes_is_no_command() {
        let sources = tempfile::Builder::new().prefix("two words; ").tempdir().unwrap();
        std::fs::create_dir(sources.path().join("packaging")).unwrap();
        std::fs::write(sources.path().join("packaging/uinput.sh"), "").unwrap();
        assert_eq!(command_beside(&sources.path().join("target/release/deskconnd")), None);
    }

    #[test]
    fn the_script_is_there() {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/uinput.sh");
        assert!(script.is_file());
    }
}
