//! What real shells offer when somebody presses Tab: bash and fish by their own words for it, zsh at a terminal.

use std::fs;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::home::{Desk, Home};
use crate::screen::Terminal;
use crate::stage::{ended, program};

/// Somebody who sits at a desktop, and has the completions of a shell in a file.
struct Person<'a> {
    desk: &'a Desk,
    home: &'a Home,
    script: PathBuf,
}

impl<'a> Person<'a> {
    async fn with(shell: &str, desk: &'a Desk, home: &'a Home) -> Self {
        let printed = ended(program(&["completions", shell])).await;
        assert_eq!(printed.status, Some(0), "{printed:?}");
        let script = desk.state.path().join(shell);
        fs::write(&script, printed.result).unwrap();
        Self { desk, home, script }
    }

    /// A shell with the program on its path, which finds the desktop as a program of root or of anybody does.
    fn shell(&self, shell: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(shell);
        let programs = Path::new(env!("CARGO_BIN_EXE_deskconnctl")).parent().unwrap();
        command
            .args(arguments)
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", programs.display()))
            .env("LC_ALL", "C.UTF-8")
            .env("HOME", self.desk.state.path())
            .env("SNAP_COMMON", self.desk.state.path())
            .env("XDG_DATA_HOME", self.home.state().parent().unwrap())
            .stdin(std::process::Stdio::null());
        command
    }

    /// What bash would put on the line in place of the last of these words.
    async fn bash(&self, words: &[&str]) -> Vec<String> {
        let words: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        let script = format!(
            "source {}; COMP_WORDS=(deskconnctl {}); COMP_CWORD={}; COMP_TYPE=9; \
             _clap_complete_deskconnctl deskconnctl \"${{COMP_WORDS[COMP_CWORD]}}\" ''; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            self.script.display(),
            words.join(" "),
            words.len(),
        );
        lines(&ended(self.shell("bash", &["--norc", "-c", &script])).await.result)
    }

    /// What fish would offer behind this line, with what it says of it.
    async fn fish(&self, line: &str) -> Vec<String> {
        let script = format!("source {}; complete -C '{line}'", self.script.display());
        lines(&ended(self.shell("fish", &["--no-config", "-c", &script])).await.result)
    }
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

/// A desktop with a paired device, which knows the desktop in turn.
async fn paired() -> (Desk, Home) {
    let action = "[[action]]\nname = \"boiler\"\nwhen = { every = \"1d\" }\nthen = { notify = \"x\" }\n";
    let (desk, home) = (Desk::with("Attic", action).await, Home::new());
    home.pair(&desk, &["--role", "remote"]).await;
    (desk, home)
}

async fn device(desk: &Desk) -> String {
    let listed = desk.run(&["devices"]).await.result;
    listed.split('\t').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bash_completes_commands_options_and_the_names_that_the_desktop_knows() {
    let (desk, home) = paired().await;
    let person = Person::with("bash", &desk, &home).await;
    assert_eq!(person.bash(&["stat"]).await, ["status"]);
    assert!(person.bash(&["pair", "--no"]).await.contains(&"--no-qr".to_owned()));
    assert_eq!(person.bash(&["devices", "show", "d_"]).await, [device(&desk).await]);
    assert_eq!(person.bash(&["--desktop", ""]).await, ["Attic"]);
    assert_eq!(person.bash(&["devices", "role", "d_1", "sl"]).await, ["slides"]);
    assert_eq!(person.bash(&["actions", "run", "bo"]).await, ["boiler"]);
    assert_eq!(
        person.bash(&["call", "org.deskconn.slides.n"]).await,
        ["org.deskconn.slides.next"]
    );
    // The desktop of the line is the one that is asked: over TLS, as a device that may not see others.
    assert_eq!(
        person
            .bash(&["--desktop", "Attic", "call", "org.deskconn.volume.g"])
            .await,
        ["org.deskconn.volume.get"]
    );
    assert!(
        person
            .bash(&["--desktop", "Attic", "devices", "show", "d_"])
            .await
            .concat()
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fish_shows_what_each_name_is() {
    let (desk, home) = paired().await;
    let person = Person::with("fish", &desk, &home).await;
    let id = device(&desk).await;
    assert_eq!(
        person.fish("deskconnctl devices revoke d_").await,
        [format!("{id}\tLaptop")]
    );
    assert_eq!(
        person.fish("deskconnctl call org.deskconn.screen.l").await,
        ["org.deskconn.screen.lock\tLock the screen; true once the desktop reports it as locked"]
    );
    assert_eq!(person.fish("deskconnctl to").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn zsh_completes_at_a_terminal() {
    let (desk, home) = paired().await;
    let person = Person::with("zsh", &desk, &home).await;
    let mut terminal = Terminal::sized(person.shell("zsh", &["-f", "-i"]), 120, 24);
    let script = person.script.display();
    terminal.press(&format!(
        "PS1='ready> '; autoload -Uz compinit && compinit -u -D; source {script}; clear\n"
    ));
    terminal
        .until("the prompt", |screen| screen.contents().trim() == "ready>")
        .await;
    terminal.press("deskconnctl --desktop At\t");
    terminal.shows("ready> deskconnctl --desktop Attic").await;
    terminal.press("\u{15}deskconnctl devices show d_\t");
    terminal.shows(&format!("devices show {}", device(&desk).await)).await;
    terminal.press("\u{15}deskconnctl call org.deskconn.slides.ne\t");
    terminal.shows("call org.deskconn.slides.next").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_a_shell_would_run_is_completed_by_its_id() {
    let (desk, home) = (Desk::start("$(touch owned)").await, Home::new());
    home.pair(&desk, &[]).await;
    let person = Person::with("bash", &desk, &home).await;
    let offered = person.bash(&["--desktop", ""]).await;
    assert_eq!(offered.len(), 1);
    assert!(offered[0].bytes().all(|byte| byte.is_ascii_hexdigit()), "{offered:?}");
}

#[tokio::test]
async fn the_other_shells_get_their_lines_too() {
    for shell in ["elvish", "powershell"] {
        let printed = ended(program(&["completions", shell])).await;
        assert_eq!(printed.status, Some(0));
        assert!(printed.result.contains("_DESKCONNCTL_COMPLETE"), "{printed:?}");
    }
    ended(program(&["completions", "tcsh"]))
        .await
        .failed(2, "invalid value");
}
