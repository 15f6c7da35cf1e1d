//! `deskconnctl completions`: the lines by which a shell asks this program what may stand in a place.

use clap_complete::env::Shells;

use crate::args::Shell;
use crate::complete::VARIABLE;
use crate::failure::Failure;
use crate::output;

const PROGRAM: &str = "deskconnctl";

pub(super) fn run(shell: Shell) -> Result<(), Failure> {
    let failed = |why: String| Failure::failed(format!("the completions cannot be made: {why}"));
    let shells = Shells::builtins();
    let shell = shells
        .completer(shell.name())
        .ok_or_else(|| failed("the shell is not known".to_owned()))?;
    let mut script = Vec::new();
    shell
        .write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script)
        .map_err(|error| failed(error.to_string()))?;
    output::bytes(&script)
}
