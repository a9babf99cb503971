//! Entering and leaving the terminal's modes.
//!
//! Invariants: the alternate screen is entered before keyboard flags are pushed and left after they
//! are popped, because terminals keep one stack of flags per screen; [`restore`] undoes everything,
//! any number of times, from any thread, and is what drop, the panic hook, signals and suspension
//! all call.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once};
use std::thread::ThreadId;

use super::job::{self, Keeper};
use super::screen::output;
use crate::console::app::Mouse;

/// Alternate screen; bracketed paste; focus events; wheel as arrow keys.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?2004h\x1b[?1004h\x1b[?1007h\x1b[2J\x1b[H";
/// The same undone, and whatever a broken frame can have left: a held frame, a hidden or reshaped
/// cursor, colours.
const LEAVE: &[u8] =
    b"\x1b[?2026l\x1b[?1007l\x1b[?1004l\x1b[?2004l\x1b[0m\x1b[0 q\x1b[?25h\x1b[?1049l";
/// Tell keys apart, and tell the key under a shifted one.
const PUSH_KEYS: &[u8] = b"\x1b[>5u";
const POP_KEYS: &[u8] = b"\x1b[<u";
/// Presses and the wheel, told with decimal places.
const TAKE_MOUSE: &[u8] = b"\x1b[?1000h\x1b[?1006h";
const FREE_MOUSE: &[u8] = b"\x1b[?1006l\x1b[?1000l";
/// Kitty keys? Synchronized updates? And a question every terminal answers, which ends the batch.
const ASK: &[u8] = b"\x1b[?u\x1b[?2026$p\x1b[c";

static ENTERED: AtomicBool = AtomicBool::new(false);
static KEYS_PUSHED: AtomicBool = AtomicBool::new(false);
static MOUSE_TAKEN: AtomicBool = AtomicBool::new(false);
static OWNER: Mutex<Option<ThreadId>> = Mutex::new(None);

/// The terminal in the console's modes. Dropping it restores the terminal.
#[derive(Debug)]
pub struct Guard {
    _private: (),
}

impl Guard {
    /// Enters raw mode and the alternate screen, and makes sure a panic restores them.
    pub fn enter() -> io::Result<Self> {
        hook_panics();
        if let Ok(mut owner) = OWNER.lock() {
            *owner = Some(std::thread::current().id());
        }
        ENTERED.store(true, Ordering::SeqCst);
        let guard = Self { _private: () };
        crossterm::terminal::enable_raw_mode()?;
        output()?.write_all(ENTER)?;
        Ok(guard)
    }

    /// Asks the terminal what it can do. The answers come through the input stream, or never.
    pub fn ask_capabilities(&self) -> io::Result<()> {
        if matches!(std::env::var("TERM").as_deref(), Ok("dumb" | "linux")) {
            return Ok(());
        }
        output()?.write_all(ASK)
    }

    /// Tells modified keys apart from now on; for terminals that said they can.
    pub fn push_keyboard_flags(&self) -> io::Result<()> {
        if KEYS_PUSHED.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        output()?.write_all(PUSH_KEYS)
    }

    /// Takes the mouse from the terminal, or gives it back.
    pub fn set_mouse(&self, mouse: Mouse) -> io::Result<()> {
        match mouse {
            Mouse::Off if MOUSE_TAKEN.swap(false, Ordering::SeqCst) => {
                output()?.write_all(FREE_MOUSE)
            }
            Mouse::Off => Ok(()),
            Mouse::Wheel | Mouse::Full => {
                MOUSE_TAKEN.store(true, Ordering::SeqCst);
                output()?.write_all(TAKE_MOUSE)
            }
        }
    }

    /// Gives the terminal back for a while: to the shell, or to an editor.
    pub fn leave(&self) -> Paused {
        let keys = KEYS_PUSHED.load(Ordering::SeqCst);
        let mouse = MOUSE_TAKEN.load(Ordering::SeqCst);
        restore();
        Paused { keys, mouse }
    }

    /// Takes the terminal again. The next frame must be drawn whole.
    pub fn re_enter(&self, paused: &Paused) -> io::Result<()> {
        ENTERED.store(true, Ordering::SeqCst);
        crossterm::terminal::enable_raw_mode()?;
        output()?.write_all(ENTER)?;
        if paused.mouse {
            MOUSE_TAKEN.store(true, Ordering::SeqCst);
            output()?.write_all(TAKE_MOUSE)?;
        }
        if paused.keys { self.push_keyboard_flags() } else { Ok(()) }
    }

    /// Suspends the program as Ctrl+Z does, and comes back when it is continued: the whole job stops,
    /// the program that started this one in the foreground (`cargo run`, a script) included, or the
    /// shell would never get its terminal back. Where nobody would continue it, nothing happens.
    pub fn suspend(&self) -> io::Result<Suspended> {
        match job::keeper() {
            Keeper::Shell => {}
            Keeper::Nobody => return Ok(Suspended::Refused),
        }
        let paused = self.leave();
        // The signal a handler cannot take: ours would only ask for another stop.
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(0), nix::sys::signal::Signal::SIGSTOP)?;
        self.re_enter(&paused)?;
        Ok(Suspended::CameBack)
    }
}

/// What came of suspending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suspended {
    /// It was stopped and continued. The next frame must be drawn whole.
    CameBack,
    /// It was not stopped: nobody would have continued it.
    Refused,
}

impl Drop for Guard {
    fn drop(&mut self) {
        restore();
    }
}

/// What was on when the terminal was given back.
#[derive(Debug)]
pub struct Paused {
    keys: bool,
    mouse: bool,
}

/// Puts the terminal back as it was. Safe to call from anywhere, as often as one likes; errors are
/// swallowed because there is nobody left to tell.
pub fn restore() {
    let keys = KEYS_PUSHED.swap(false, Ordering::SeqCst);
    let mouse = MOUSE_TAKEN.swap(false, Ordering::SeqCst);
    if !ENTERED.swap(false, Ordering::SeqCst) {
        return;
    }
    if let Ok(mut out) = output() {
        let mut bytes = Vec::with_capacity(POP_KEYS.len() + FREE_MOUSE.len() + LEAVE.len());
        if keys {
            bytes.extend_from_slice(POP_KEYS);
        }
        if mouse {
            bytes.extend_from_slice(FREE_MOUSE);
        }
        bytes.extend_from_slice(LEAVE);
        let _ = out.write_all(&bytes);
        let _ = out.flush();
    }
    let _ = crossterm::terminal::disable_raw_mode();
}

/// A panic on the console's own thread restores the terminal and is then printed as usual. One on
/// another thread ends only its task: it is logged, because printing it would tear the screen.
fn hook_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let owner = OWNER.lock().map_or(None, |owner| *owner);
            let elsewhere = owner.is_some_and(|id| id != std::thread::current().id());
            if elsewhere && ENTERED.load(Ordering::SeqCst) {
                tracing::error!(target: "panic", "{panic}");
            } else {
                restore();
                previous(panic);
            }
        }));
    });
}
