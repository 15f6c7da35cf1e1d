//! `deskconnctl`: the command line of deskconn. It reads the arguments, runs one command and turns its end into an exit
//! status: 0 done, 1 refused or failed, 2 wrong usage, 3 no desktop found.

mod args;
mod blocks;
mod commands;
mod complete;
mod connect;
mod distant;
mod explain;
mod failure;
mod here;
mod joined;
mod key;
mod login;
mod manual;
mod mistyped;
mod nearby;
mod output;
mod system;
mod times;
mod typed;
mod values;
mod welcome;

use std::process::ExitCode;

use clap::FromArgMatches as _;
use clap_complete::CompleteEnv;

use args::Arguments;
use failure::Failure;
use output::Output;

fn main() -> ExitCode {
    // A shell asks what may stand behind the words that were typed: then nothing else is done.
    CompleteEnv::with_factory(args::command)
        .var(complete::VARIABLE)
        .complete();
    if std::env::args_os().len() < 2 {
        return welcome::show();
    }
    let matches = args::command().get_matches();
    let arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let output = Output::new(arguments.global.json, arguments.global.quiet, arguments.global.color);
    let result = runtime().and_then(|runtime| {
        let result = runtime.block_on(commands::run(&arguments, &output));
        // A question at the terminal may still wait for its line: nobody waits for that.
        runtime.shutdown_background();
        result
    });
    match result {
        Ok(()) | Err(Failure::NobodyReads) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Failure::Impostor(sentence) = &failure {
                output.alarm(sentence);
            } else {
                output.failure(&failure);
            }
            failure.exit_code()
        }
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::failed(format!("the program cannot start: {error}")))
}
