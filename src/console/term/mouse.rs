//! What a terminal tells of the mouse, in both spellings that are still around.
//!
//! Must not know: what is under it. Invariant: only what means something comes out: the left button
//! going down, and the wheel.

use crate::console::app::{Pointer, PointerDid};

/// Bytes that follow `ESC [ M` in the old spelling.
pub(super) const OLD: usize = 3;
/// What each of them is raised by, so that it is no control byte.
const RAISED: u8 = 32;

/// Shift, Alt and Control held meanwhile.
const MODIFIERS: u16 = 4 | 8 | 16;

/// `BUTTON;COLUMN;ROW`, places counted from 1.
pub(super) fn pressed(body: &str) -> Option<Pointer> {
    let mut numbers = body.split(';').map(|number| number.parse::<u16>().ok());
    let (button, col, row) = (numbers.next()??, numbers.next()??, numbers.next()??);
    pointer(button, col, row)
}

/// The same in three bytes. Where a place is too far for a byte, it is left out.
pub(super) fn old(bytes: &[u8]) -> Option<Pointer> {
    let number = |at: usize| bytes.get(at)?.checked_sub(RAISED).map(u16::from);
    pointer(number(0)?, number(1)?, number(2)?)
}

fn pointer(button: u16, col: u16, row: u16) -> Option<Pointer> {
    let did = match button & !MODIFIERS {
        0 => PointerDid::Click,
        64 => PointerDid::WheelUp,
        65 => PointerDid::WheelDown,
        _ => return None,
    };
    Some(Pointer { col: col.checked_sub(1)?, row: row.checked_sub(1)?, did })
}
