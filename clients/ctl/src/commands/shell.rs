//! Runs a shell command for one call: arguments in, result out, bounded in time and length.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use client::{Invocation, Reply, RequestError, Value};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::ChildStdin;
use tokio::time::timeout;

use crate::system::{Group, shell};
use crate::values;

/// Bytes of a result. A router takes messages of 1 MiB unless it is told otherwise.
const MAX_RESULT: usize = 1 << 20;
/// Bytes of what a failing command says that go to the caller.
const MAX_COMPLAINT: usize = 4 << 10;

const FAILED: &str = "org.deskconn.error.refused";

/// A command and how it is run.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) line: String,
    /// `$1`, `$2` …
    pub(super) arguments: Vec<String>,
    pub(super) limit: Duration,
}

/// What a command has left behind.
struct Ended {
    status: ExitStatus,
    result: Vec<u8>,
    complaint: Vec<u8>,
}

impl Command {
    pub(super) async fn run(&self, procedure: &str, call: Invocation) -> Result<Reply, RequestError> {
        let input = serde_json::to_vec(&values::row((call.args, call.kwargs).into()))
            .map_err(|error| RequestError::new(FAILED, format!("the arguments have no form in JSON: {error}")))?;
        let ended = match timeout(self.limit, self.perform(procedure, &input)).await {
            Ok(ended) => {
                ended.map_err(|error| RequestError::new(FAILED, format!("the command did not run: {error}")))?
            }
            Err(_) => {
                let sentence = format!("the command took longer than {} s", self.limit.as_secs_f64());
                return Err(RequestError::new(FAILED, sentence));
            }
        };
        if ended.result.len() > MAX_RESULT {
            return Err(RequestError::new(
                FAILED,
                format!("the command's result has more than {MAX_RESULT} bytes"),
            ));
        }
        if ended.status.success() {
            return Ok(value(ended.result).into());
        }
        Err(complaint(&ended))
    }

    async fn perform(&self, procedure: &str, input: &[u8]) -> io::Result<Ended> {
        let mut child = shell(&self.line, &self.arguments)
            .env("WAMP_PROCEDURE", procedure)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let _group = Group::of(&child);
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (_, result, complaint) = tokio::join!(
            feed(stdin, input),
            gather(stdout, MAX_RESULT + 1),
            gather(stderr, MAX_COMPLAINT)
        );
        Ok(Ended {
            status: child.wait().await?,
            result: result?,
            complaint: complaint?,
        })
    }
}

/// A command need not read its arguments.
async fn feed(stdin: Option<ChildStdin>, input: &[u8]) {
    if let Some(mut stdin) = stdin {
        let _ = stdin.write_all(input).await;
    }
}

/// Keeps the first `most` bytes and reads the rest too, so that the command is not held up by a full pipe.
async fn gather(pipe: Option<impl AsyncRead + Unpin>, most: usize) -> io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    if let Some(mut pipe) = pipe {
        (&mut pipe).take(most as u64).read_to_end(&mut kept).await?;
        tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await?;
    }
    Ok(kept)
}

/// The result from what was printed: JSON, or text where it is none, or bytes where it is no text.
fn value(printed: Vec<u8>) -> Value {
    let text = match String::from_utf8(printed) {
        Ok(text) => text,
        Err(error) => return Value::Bytes(error.into_bytes()),
    };
    let text = text.strip_suffix('\n').unwrap_or(&text);
    if text.is_empty() {
        return Value::Null;
    }
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

fn complaint(ended: &Ended) -> RequestError {
    let said = String::from_utf8_lossy(&ended.complaint);
    let sentence = match said.trim() {
        "" => format!("the command failed: {}", ended.status),
        said => said.to_owned(),
    };
    let error = RequestError::new(FAILED, sentence);
    match ended.status.code() {
        Some(code) => error.with("exit", i64::from(code)),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use client::Args;

    use super::*;

    async fn run_for(line: &str, limit: Duration, args: Args) -> Result<Value, RequestError> {
        let command = Command {
            line: line.to_owned(),
            arguments: vec!["first".to_owned()],
            limit,
        };
        let Args { args, kwargs } = args;
        let call = Invocation {
            args,
            kwargs,
            caller: None,
            procedure: None,
            progress: None,
            parts: None,
        };
        command
            .run("com.example.x", call)
            .await
            .map(|reply| reply.0.into_value())
    }

    async fn run(line: &str) -> Result<Value, RequestError> {
        run_for(
            line,
            Duration::from_secs(20),
            Args::from(vec!["a".into()]).with("k", 1_u64),
        )
        .await
    }

    #[tokio::test]
    async fn a_command_gets_the_call_and_its_output_is_the_result() {
        let input = Value::from(r#"{"args":["a"],"kwargs":{"k":1}}"#);
        let wrapped = run("printf '\"'; sed 's/\"/\\\\\"/g' | tr -d '\\n'; printf '\"'")
            .await
            .unwrap();
        assert_eq!(wrapped, input);
        assert_eq!(
            run("echo $WAMP_PROCEDURE $1").await.unwrap(),
            "com.example.x first".into()
        );
        assert_eq!(
            run("echo '[1, {\"a\": null}]'").await.unwrap().as_list().unwrap().len(),
            2
        );
        assert_eq!(run("true").await.unwrap(), Value::Null);
        assert_eq!(run("printf '\\377'").await.unwrap(), Value::Bytes(vec![255]));
    }

    #[tokio::test]
    async fn a_command_that_fails_is_an_error_with_what_it_said() {
        let error = run("echo 'no such lamp' >&2; exit 4").await.unwrap_err();
        assert_eq!(
            (error.sentence(), error.kwargs["exit"].as_u64()),
            (Some("no such lamp"), Some(4))
        );
        assert!(
            run("exit 4")
                .await
                .unwrap_err()
                .sentence()
                .unwrap()
                .contains("exit status: 4")
        );
        assert!(
            run("kill -9 $$")
                .await
                .unwrap_err()
                .sentence()
                .unwrap()
                .contains("signal: 9")
        );
    }

    #[tokio::test]
    async fn a_command_that_takes_too_long_is_stopped_with_all_it_started() {
        let directory = tempfile::tempdir().unwrap();
        let line = format!("sleep 600 & echo $! > {}/pid; wait", directory.path().display());
        let begin = Instant::now();
        let error = run_for(&line, Duration::from_millis(500), Args::default())
            .await
            .unwrap_err();
        assert!(error.sentence().unwrap().contains("longer than 0.5 s") && begin.elapsed() < Duration::from_secs(10));
        let pid: i32 = std::fs::read_to_string(directory.path().join("pid"))
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while is_running(pid) {
            assert!(Instant::now() < deadline, "the child of the command goes on");
            tokio::task::yield_now().await;
        }
    }

    /// Whether a process is there and has not ended (proc_pid_stat(5)).
    fn is_running(pid: i32) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(") ")
            .next()
            .is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['Z', 'X']))
    }

    #[tokio::test]
    async fn the_longest_result_is_taken_and_one_byte_more_is_refused() {
        let print = |count: usize| format!("head -c {count} /dev/zero | tr '\\0' x");
        assert_eq!(
            run(&print(MAX_RESULT)).await.unwrap().as_str().unwrap().len(),
            MAX_RESULT
        );
        assert!(
            run(&print(MAX_RESULT + 1))
                .await
                .unwrap_err()
                .sentence()
                .unwrap()
                .contains("more than")
        );
        let error = run("head -c 100000 /dev/zero | tr '\\0' x >&2; exit 1")
            .await
            .unwrap_err();
        assert_eq!(error.sentence().unwrap().len(), MAX_COMPLAINT);
    }

    #[tokio::test]
    async fn a_command_that_does_not_read_its_arguments_is_not_held_up() {
        let long = Args::from(vec!["x".repeat(1 << 20).into()]);
        assert_eq!(
            run_for("echo done", Duration::from_secs(20), long).await.unwrap(),
            "done".into()
        );
    }
}
