//! A locker that the person has configured, for desktops whose own one no bus reaches: `swaylock`, `hyprlock`, `i3lock`.
//!
//! Such a locker tells nobody that it locks. One that ends with success says that it has locked (`swaylock -f`); one
//! that goes on locks for as long as it runs (`hyprlock`). Nothing here ends a locker: that would unlock.

use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;

use super::Missing;

/// How long a locker has to run to count as locking: one without a display, or of a wrong name, ends sooner.
pub const HOLDS_AFTER: Duration = Duration::from_secs(1);

/// The command, if there is one.
#[derive(Debug)]
pub(super) struct LockCommand {
    words: Mutex<Vec<String>>,
    /// Whether one of its processes locks.
    holds: Arc<watch::Sender<bool>>,
}

impl LockCommand {
    /// None.
    pub(super) fn none() -> Self {
        Self {
            words: Mutex::default(),
            holds: Arc::new(watch::Sender::new(false)),
        }
    }

    /// This program with its arguments; none if there is no word.
    pub(super) fn set(&self, words: Vec<String>) {
        *self.words.lock().unwrap_or_else(PoisonError::into_inner) = words;
    }

    /// Whether there is one.
    pub(super) fn is_set(&self) -> bool {
        !self.words.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Whether it locks at this moment, as it changes.
    pub(super) fn holds(&self) -> watch::Receiver<bool> {
        self.holds.subscribe()
    }

    /// Locks with it, if there is one.
    pub(super) async fn lock(&self) -> Option<Result<(), Missing>> {
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (program, arguments) = words.split_first()?;
        if *self.holds.borrow() {
            return Some(Ok(()));
        }
        Some(self.run(program, arguments).await)
    }

    async fn run(&self, program: &str, arguments: &[String]) -> Result<(), Missing> {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C is for the daemon, and must not unlock.
            .process_group(0);
        let mut locker = command.spawn().map_err(|error| failed(program, &error.to_string()))?;
        match timeout(HOLDS_AFTER, locker.wait()).await {
            Err(_) => {
                self.hold(locker);
                Ok(())
            }
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(failed(program, &format!("it ended with {status}"))),
            Ok(Err(error)) => Err(failed(program, &error.to_string())),
        }
    }

    /// Notes that it locks until it ends.
    fn hold(&self, mut locker: Child) {
        self.holds.send_replace(true);
        let holds = Arc::clone(&self.holds);
        tokio::spawn(async move {
            // However it ended, it locks no more.
            let _ = locker.wait().await;
            holds.send_replace(false);
        });
    }
}

fn failed(program: &str, reason: &str) -> Missing {
    Missing {
        what: "the configured screen locker",
        reason: format!("{program}: {reason}"),
        mend: "try it in a terminal of the desktop; it is lock_command in [components.screen] of the configuration"
            .into(),
    }
}
