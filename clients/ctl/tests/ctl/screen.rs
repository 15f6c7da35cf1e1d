//! A terminal with a program on it, and what a person sees there: another's emulator obeys what the program sends.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::num::NonZero;
use std::process::Stdio;

use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use crate::stage::{PATIENCE, soon};

/// A terminal with a program on it.
pub(crate) struct Terminal {
    child: Child,
    keys: File,
    /// The program's end, held open so that what was set there can be looked at when the program has ended.
    slave: OwnedFd,
    shown: mpsc::UnboundedReceiver<Vec<u8>>,
    /// What a person sees.
    emulator: vt100::Parser,
    /// All that was sent.
    raw: Vec<u8>,
}

impl Terminal {
    /// The usual one, of 80 by 24.
    pub(crate) fn of(command: Command) -> Self {
        Self::sized(command, 80, 24)
    }

    pub(crate) fn sized(mut command: Command, columns: u16, lines: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        tcsetwinsize(&master, size(columns, lines)).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let slave = rustix::fs::open(ptsname(&master, Vec::new()).unwrap(), flags, Mode::empty()).unwrap();
        let end = || Stdio::from(slave.try_clone().unwrap());
        if !command.as_std().get_envs().any(|(name, _)| name == "TERM") {
            command.env("TERM", "xterm-256color");
        }
        let child = command.stdin(end()).stdout(end()).stderr(end());
        let child = child.kill_on_drop(true).spawn().unwrap();
        let master = File::from(master);
        let mut screen = master.try_clone().unwrap();
        let (sender, shown) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // When both ends of the program's side are closed, reading fails.
            while let Ok(count @ 1..) = screen.read(&mut bytes) {
                if sender.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            keys: master,
            slave,
            shown,
            emulator: vt100::Parser::new(some(lines), some(columns), 0),
            raw: Vec::new(),
        }
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Makes the terminal so large, as a person does with a window.
    pub(crate) fn resize(&mut self, columns: u16, lines: u16) {
        tcsetwinsize(&self.keys, size(columns, lines)).unwrap();
        self.emulator.screen_mut().set_size(some(lines), some(columns));
        // It is not the controlling terminal of the program: the kernel tells nobody.
        let pid = i32::try_from(self.child.id().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::WINCH).unwrap();
    }

    /// Waits until a person sees something like this.
    pub(crate) async fn until(&mut self, what: &str, is_so: impl Fn(&vt100::Screen) -> bool) {
        let seen = async {
            while !is_so(self.emulator.screen()) {
                let bytes = self.shown.recv().await?;
                self.take(&bytes);
            }
            Some(())
        };
        // Something moves all the time: the whole must end, not each step.
        let seen = tokio::time::timeout(PATIENCE, seen).await;
        assert_eq!(
            seen,
            Ok(Some(())),
            "this was not seen: {what}\n{}\n{:?}",
            self.text(),
            self.raw().chars().take(1500).collect::<String>()
        );
    }

    /// Waits until these words are seen.
    pub(crate) async fn shows(&mut self, words: &str) {
        self.until(words, |screen| screen.contents().contains(words)).await;
    }

    fn take(&mut self, bytes: &[u8]) {
        self.emulator.process(bytes);
        self.raw.extend_from_slice(bytes);
    }

    /// Waits until the program has ended; gives its exit status, and sees all that it left.
    pub(crate) async fn ended(&mut self) -> Option<i32> {
        let status = soon(self.child.wait()).await.unwrap();
        // A word of our own comes behind all that the program wrote.
        const END: &str = "<the end>";
        File::from(self.slave.try_clone().unwrap())
            .write_all(END.as_bytes())
            .unwrap();
        while !self.raw.ends_with(END.as_bytes()) {
            let bytes = soon(self.shown.recv()).await.unwrap();
            self.take(&bytes);
        }
        status.code()
    }

    /// The text that is seen.
    pub(crate) fn text(&self) -> String {
        self.emulator.screen().contents()
    }

    /// The lines that are seen, without those below the last.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.text().lines().map(|line| line.trim_end().to_owned()).collect()
    }

    pub(crate) fn screen(&self) -> &vt100::Screen {
        self.emulator.screen()
    }

    /// All that was sent, as it was.
    pub(crate) fn raw(&self) -> String {
        String::from_utf8_lossy(&self.raw).into_owned()
    }

    /// Whether keys are collected to lines and shown, as a shell leaves a terminal.
    pub(crate) fn is_cooked(&self) -> bool {
        let modes = tcgetattr(&self.slave).unwrap().local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
    }

    /// What stands behind this word on its line.
    pub(crate) fn behind(&self, word: &str) -> String {
        let text = self.text();
        let (_, rest) = text.split_once(word).unwrap();
        rest.chars().take_while(|c| !c.is_whitespace()).collect()
    }
}

fn some(number: u16) -> NonZero<u16> {
    NonZero::new(number).unwrap()
}

fn size(columns: u16, lines: u16) -> Winsize {
    Winsize {
        ws_row: lines,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}
