//! The program at a terminal of 80 by 24: what a camera reads there, and keys that are hit too early.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::Stdio;

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use crate::home::{Desk, Home};
use crate::stage::soon;

/// A terminal with a program on it.
struct Terminal {
    child: Child,
    keys: File,
    shown: mpsc::UnboundedReceiver<Vec<u8>>,
    /// All that was shown.
    screen: String,
}

impl Terminal {
    fn of(mut command: Command) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let size = Winsize {
            ws_row: 24,
            ws_col: 80,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&master, size).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let slave = rustix::fs::open(ptsname(&master, Vec::new()).unwrap(), flags, Mode::empty()).unwrap();
        let end = || Stdio::from(slave.try_clone().unwrap());
        let child = command.stdin(end()).stdout(end()).stderr(end());
        let child = child.kill_on_drop(true).spawn().unwrap();
        let master = File::from(master);
        let mut screen = master.try_clone().unwrap();
        let (sender, shown) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // When the program has ended, reading fails.
            while let Ok(count @ 1..) = screen.read(&mut bytes) {
                if sender.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            keys: master,
            shown,
            screen: String::new(),
        }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until this is shown.
    async fn shows(&mut self, words: &str) {
        let mut bytes = Vec::new();
        while !self.screen.contains(words) {
            bytes.extend(soon(self.shown.recv()).await.expect("it ended before it showed that"));
            if let Ok(text) = std::str::from_utf8(&bytes) {
                self.screen.push_str(text);
                bytes.clear();
            }
        }
    }

    /// What stands behind this word on its line.
    fn behind(&self, word: &str) -> String {
        let (_, rest) = self.screen.split_once(word).unwrap();
        let text: String = rest
            .chars()
            .take_while(|c| !c.is_whitespace() && *c != '\u{1b}')
            .collect();
        text
    }
}

/// The squares of the QR code that is shown: everything black on white.
fn squares(screen: &str) -> Vec<Vec<bool>> {
    let mut rows = Vec::new();
    for line in screen.lines() {
        let Some((_, rest)) = line.split_once("\u{1b}[38;5;16;48;5;231m") else {
            continue;
        };
        let (drawn, _) = rest.split_once("\u{1b}[0m").unwrap();
        rows.push(drawn.chars().map(|c| matches!(c, '█' | '▀')).collect());
        rows.push(drawn.chars().map(|c| matches!(c, '█' | '▄')).collect());
    }
    rows
}

/// What a camera reads.
fn photographed(squares: &[Vec<bool>]) -> String {
    const SCALE: usize = 5;
    let (width, height) = (squares[0].len() * SCALE, squares.len() * SCALE);
    let shade = |x: usize, y: usize| if squares[y / SCALE][x / SCALE] { 0 } else { 255 };
    let mut photo = rqrr::PreparedImage::prepare_from_greyscale(width, height, shade);
    let grids = photo.detect_grids();
    assert_eq!(grids.len(), 1, "one QR code is seen");
    grids[0].decode().unwrap().1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_camera_reads_the_link_from_the_terminal_and_the_picture_fits_its_lines() {
    let desk = Desk::start("Attic").await;
    let mut terminal = Terminal::of(desk.command(&["pair"]));
    terminal.shows("left, Ctrl-C").await;
    assert_eq!(photographed(&squares(&terminal.screen)), terminal.behind("Link: "));
    let (_, picture) = terminal.screen.split_once("Link: ").unwrap();
    let lines: Vec<_> = picture.lines().skip(1).collect();
    assert!(lines.len() <= 24, "{} lines", lines.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_was_hit_before_the_question_is_no_answer() {
    let (desk, home) = (Desk::start("Attic").await, Home::new());
    let mut terminal = Terminal::of(desk.command(&["pair", "--no-qr"]));
    terminal.press("y\n");
    terminal.shows("left, Ctrl-C").await;
    assert!(squares(&terminal.screen).is_empty());
    let code = terminal.behind("Code: ");
    let join = home.join(&desk, &code).await;
    terminal.shows("[y/N/role]").await;
    terminal.press("n\n");
    join.ended().await.failed(1, "was not approved at the desktop");
    terminal.shows("no device was paired").await;
    assert_eq!(soon(terminal.child.wait()).await.unwrap().code(), Some(1));
}
