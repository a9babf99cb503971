//! A terminal with the program in it: keys go in, a screen comes out.
//!
//! Owns: the pseudo-terminal, the child, a screen of what it drew and every byte it wrote. Invariant:
//! nothing waits without a deadline, and a deadline that passes shows the screen.

use std::io::{ErrorKind, Read, Write};
use std::num::NonZeroU16;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use portable_pty::{
    Child, CommandBuilder, ExitStatus, MasterPty, PtySize, SlavePty, native_pty_system,
};

use super::bytes::Modes;

/// How long anything may take on a machine that is busy with something else.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often a condition that makes no output is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// What kind of terminal the program meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It answers no question.
    Mute,
    /// It has the kitty keyboard protocol and synchronized updates, and says so.
    Modern,
}

/// How the program is started.
pub struct Start {
    args: Vec<String>,
    env: Vec<(String, String)>,
    config: Option<String>,
    size: (u16, u16),
    kind: Kind,
    parent: Parent,
}

/// Who starts the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parent {
    /// The terminal itself, as a window opened for it does: the program leads its session.
    Window,
    /// A shell with job control. Where the program is stopped, Enter brings it back, once.
    Shell,
}

/// The shell: the program in a job of its own; stopped, it comes back with Enter.
const SHELL: [&str; 4] = ["sh", "-mc", "\"$@\"; read _; fg", "sh"];

impl Start {
    /// With these arguments, in a home with nothing in it, on 100 columns and 30 rows.
    pub fn with(args: &[&str]) -> Self {
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        Self {
            args,
            env: Vec::new(),
            config: None,
            size: (100, 30),
            kind: Kind::Modern,
            parent: Parent::Window,
        }
    }

    /// The demo.
    pub fn demo() -> Self {
        Self::with(&["--demo"])
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With this in its configuration file.
    pub fn config(mut self, text: &str) -> Self {
        self.config = Some(text.to_owned());
        self
    }

    pub fn size(mut self, cols: u16, rows: u16) -> Self {
        self.size = (cols, rows);
        self
    }

    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// As a job of a shell.
    pub fn under_a_shell(mut self) -> Self {
        self.parent = Parent::Shell;
        self
    }

    /// Starts it.
    pub fn open(self) -> Terminal {
        let pair = native_pty_system().openpty(pty_size(self.size)).unwrap();
        let home = tempfile::tempdir().unwrap();
        let program = env!("CARGO_BIN_EXE_wheelhouse");
        let mut command = match self.parent {
            Parent::Window => CommandBuilder::new(program),
            Parent::Shell => {
                let mut command = CommandBuilder::new(SHELL[0]);
                command.args(&SHELL[1..]);
                command.arg(program);
                command
            }
        };
        command.args(&self.args);
        command.env_clear();
        command.cwd(home.path());
        command.env("HOME", home.path());
        command.env("TMPDIR", home.path());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        for (name, value) in &self.env {
            command.env(name, value);
        }
        if let Some(text) = &self.config {
            let path = home.path().join("config.toml");
            std::fs::write(&path, text).unwrap();
            command.env("WHEELHOUSE_CONFIG", path);
        }
        let before = termios(&*pair.master);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let writer = pair.master.take_writer().unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        let (sender, output) = channel();
        let unplugged = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&unplugged);
        std::thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            while !stop.load(Ordering::SeqCst) {
                match reader.read(&mut buffer) {
                    Ok(n) if n > 0 => {
                        if sender.send(buffer[..n].to_vec()).is_err() {
                            return;
                        }
                    }
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Ok(_) | Err(_) => return,
                }
            }
        });
        let (cols, rows) = self.size;
        Terminal {
            ends: Some(Ends { master: pair.master, _slave: pair.slave, writer }),
            child,
            output,
            unplugged,
            kind: self.kind,
            parent: self.parent,
            answered: 0,
            bytes: Vec::new(),
            parser: vt100::Parser::new(cells(rows), cells(cols), 0),
            before,
            home,
        }
    }

    /// Starts it and waits until it can be typed into.
    pub fn ready(self) -> Terminal {
        let mut terminal = self.open();
        terminal.wait("the providers in the top line", |t| t.rows()[0].contains(" up"));
        terminal
    }
}

/// Our ends of the pseudo-terminal. The slave's is kept so that its modes can be read when the child
/// is gone.
struct Ends {
    master: Box<dyn MasterPty + Send>,
    _slave: Box<dyn SlavePty + Send>,
    writer: Box<dyn Write + Send>,
}

/// The program and the terminal it is in. Dropping it ends the program.
pub struct Terminal {
    ends: Option<Ends>,
    child: Box<dyn Child + Send + Sync>,
    output: Receiver<Vec<u8>>,
    unplugged: Arc<AtomicBool>,
    kind: Kind,
    parent: Parent,
    answered: usize,
    bytes: Vec<u8>,
    parser: vt100::Parser,
    before: String,
    home: tempfile::TempDir,
}

impl Terminal {
    /// Waits until this holds.
    #[track_caller]
    pub fn wait(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self) {
            let now = Instant::now();
            assert!(now < deadline, "waited in vain for {what}; the screen:\n{}", self.text());
            self.take(LOOK.min(deadline - now));
        }
    }

    /// Waits until this text is on the screen.
    #[track_caller]
    pub fn see(&mut self, text: &str) {
        self.wait(text, |t| t.shows(text));
    }

    /// Waits until nothing was written for so long.
    #[track_caller]
    pub fn settle(&mut self, quiet: Duration) {
        let deadline = Instant::now() + PATIENCE;
        let mut last = Instant::now();
        while last.elapsed() < quiet {
            assert!(Instant::now() < deadline, "it never stops writing:\n{}", self.text());
            if self.take(quiet) {
                last = Instant::now();
            }
        }
    }

    /// What is written within a time.
    pub fn hear(&mut self, time: Duration) -> Vec<u8> {
        let from = self.bytes.len();
        let until = Instant::now() + time;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            self.take(left);
        }
        self.bytes[from..].to_vec()
    }

    /// Takes what was written, waiting at most so long for it. `false` when there was nothing.
    fn take(&mut self, wait: Duration) -> bool {
        match self.output.recv_timeout(wait) {
            Ok(bytes) => {
                self.parser.process(&bytes);
                self.bytes.extend_from_slice(&bytes);
                self.answer();
                true
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => {
                std::thread::sleep(wait);
                false
            }
        }
    }

    /// Answers what a terminal of this kind answers.
    fn answer(&mut self) {
        if self.kind == Kind::Mute {
            return;
        }
        let questions: [(&[u8], &[u8]); 3] = [
            (b"\x1b[?u", b"\x1b[?0u"),
            (b"\x1b[?2026$p", b"\x1b[?2026;2$y"),
            (b"\x1b[c", b"\x1b[?62;22c"),
        ];
        loop {
            let fresh = &self.bytes[self.answered..];
            let first = questions
                .iter()
                .filter_map(|(asked, answer)| {
                    let at = fresh.windows(asked.len()).position(|bytes| bytes == *asked)?;
                    Some((at + asked.len(), *answer))
                })
                .min_by_key(|(end, _)| *end);
            let Some((end, answer)) = first else { return };
            self.answered += end;
            self.write(answer);
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        let writer = &mut self.ends.as_mut().expect("the terminal is open").writer;
        writer.write_all(bytes).unwrap();
        writer.flush().unwrap();
    }

    /// Sends keys, as the terminal would.
    pub fn keys(&mut self, keys: &str) {
        self.write(keys.as_bytes());
    }

    /// Types a line into the draft and sends it.
    #[track_caller]
    pub fn ask(&mut self, text: &str) {
        self.keys(text);
        self.see(text);
        self.keys("\r");
    }

    /// Pastes.
    pub fn paste(&mut self, text: &str) {
        self.keys(&format!("\x1b[200~{text}\x1b[201~"));
    }

    /// Has the program repaint everything, and holds what was there to having been right.
    #[track_caller]
    pub fn assert_a_repaint_changes_nothing(&mut self) {
        let quiet = Duration::from_millis(150);
        self.settle(quiet);
        let (drawn, cursor) = (self.rows(), self.screen().cursor_position());
        let from = self.bytes.len();
        self.keys("\x0c");
        self.wait("a repaint", |t| t.bytes[from..].windows(4).any(|bytes| bytes == b"\x1b[2J"));
        self.settle(quiet);
        for (was, is) in drawn.iter().zip(self.rows()) {
            assert_eq!(*was, is);
        }
        assert_eq!(self.screen().cursor_position(), cursor);
    }

    /// Gives the terminal another size.
    pub fn resize(&mut self, cols: u16, rows: u16) {
        // What was written for the old size is drawn on the old size.
        while self.take(Duration::ZERO) {}
        self.parser.screen_mut().set_size(cells(rows), cells(cols));
        let ends = self.ends.as_ref().expect("the terminal is open");
        ends.master.resize(pty_size((cols, rows))).unwrap();
    }

    /// Closes the terminal, as closing its window does.
    pub fn unplug(&mut self) {
        self.unplugged.store(true, Ordering::SeqCst);
        // The thread that reads holds an end of its own; a new size makes the program write, which
        // lets that thread look up.
        let ends = self.ends.take().expect("the terminal is open");
        ends.master.resize(pty_size((90, 28))).unwrap();
        let deadline = Instant::now() + PATIENCE;
        while !matches!(self.output.recv_timeout(LOOK), Err(RecvTimeoutError::Disconnected)) {
            assert!(Instant::now() < deadline, "nothing was written for a new size");
        }
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status().unwrap();
        assert!(sent.success(), "kill -s {name} {pid}");
    }

    /// The program's.
    pub fn pid(&self) -> u32 {
        let child = self.child.process_id().unwrap();
        match self.parent {
            Parent::Window => child,
            Parent::Shell => {
                let told = Command::new("ps").args(["-A", "-o", "ppid=,pid="]).output().unwrap();
                let table = String::from_utf8_lossy(&told.stdout).into_owned();
                let mut rows = table.lines().map(|row| row.split_whitespace());
                let mine = rows.find_map(|mut row| {
                    (row.next()?.parse() == Ok(child)).then(|| row.next()?.parse().ok()).flatten()
                });
                mine.expect("the shell runs the program")
            }
        }
    }

    /// Is the child stopped, as Ctrl+Z does?
    pub fn stopped(&self) -> bool {
        let pid = self.pid().to_string();
        let told = Command::new("ps").args(["-o", "stat=", "-p", &pid]).output().unwrap();
        String::from_utf8_lossy(&told.stdout).trim_start().starts_with('T')
    }

    /// Ctrl+Q where something would be lost by it: it says so, and the second press quits.
    #[track_caller]
    pub fn leave_all_the_same(&mut self) {
        self.keys("\x11");
        self.see("once more quits");
        self.keys("\x11");
    }

    /// Waits for the end, and takes what was written before it.
    #[track_caller]
    pub fn gone(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                while self.take(Duration::from_millis(50)) {}
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end; the screen:\n{}", self.text());
            self.take(LOOK);
        }
    }

    /// Has it ended?
    pub fn ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// The screen as lines.
    pub fn text(&self) -> String {
        self.parser.screen().contents()
    }

    /// The rows of the screen, each as wide as it is; a blank is a space however it got there.
    pub fn rows(&self) -> Vec<String> {
        let screen = self.parser.screen();
        let (rows, cols) = screen.size();
        let cell = |y, x| screen.cell(y, x).filter(|cell| !cell.is_wide_continuation());
        let symbol = |cell: &vt100::Cell| match cell.contents() {
            "" => " ".to_owned(),
            symbol => symbol.to_owned(),
        };
        let row = |y| (0..cols.get()).filter_map(|x| cell(y, x)).map(symbol).collect();
        (0..rows.get()).map(row).collect()
    }

    pub fn shows(&self, text: &str) -> bool {
        self.text().contains(text)
    }

    /// The row and column where this text begins.
    pub fn find(&self, text: &str) -> Option<(u16, u16)> {
        let screen = self.parser.screen();
        self.rows().iter().zip(0..).find_map(|(row, y)| {
            let at = row.find(text)?;
            // Columns are counted cell by cell: a wide character has two.
            let mut seen = 0;
            (0..screen.size().1.get()).find_map(|x| {
                let cell = screen.cell(y, x)?;
                let here = seen;
                seen += if cell.is_wide_continuation() { 0 } else { cell.contents().len().max(1) };
                (here >= at && !cell.is_wide_continuation()).then_some((y, x))
            })
        })
    }

    pub fn screen(&self) -> &vt100::Screen {
        self.parser.screen()
    }

    /// Every byte written so far.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The modes that are on.
    pub fn modes(&self) -> Modes {
        Modes::after(&self.bytes)
    }

    /// The home the program runs in.
    pub fn home(&self) -> &std::path::Path {
        self.home.path()
    }

    /// Holds the terminal to being as it was found.
    #[track_caller]
    pub fn assert_restored(&self) {
        assert_eq!(self.modes(), Modes::fresh());
        let ends = self.ends.as_ref().expect("the terminal is open");
        assert_eq!(termios(&*ends.master), self.before);
        assert!(!self.screen().alternate_screen() && !self.screen().hide_cursor());
        assert!(!self.screen().bracketed_paste());
        assert_eq!(self.screen().mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    }

    /// Holds the terminal to being the program's.
    #[track_caller]
    pub fn assert_taken(&self) {
        assert!(self.screen().alternate_screen() && self.screen().bracketed_paste());
        let ends = self.ends.as_ref().expect("the terminal is open");
        assert_ne!(termios(&*ends.master), self.before);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _gone = self.child.kill();
            let _status = self.child.wait();
        }
    }
}

fn pty_size((cols, rows): (u16, u16)) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("a terminal has cells")
}

/// The line discipline's settings, as text to be compared.
fn termios(master: &(dyn MasterPty + Send)) -> String {
    format!("{:?}", master.get_termios().unwrap())
}
