//! When the next frame is drawn. Producers ask for frames; many requests become one deadline.
//!
//! Pure: it takes `now` and never sleeps. Invariants: a key is drawn at once (only repeats are held
//! apart), streamed text at most thirty times a second, and nothing at all when nobody asked.

use std::time::{Duration, Instant};

/// Least time between two frames of streamed text. Shorter costs bytes and CPU on slow links,
/// longer makes text visibly step.
pub const FRAME_GAP: Duration = Duration::from_millis(33);

/// Least time between two frames for keys: it only bites when a key repeats or text is pasted as
/// keys, and keeps a held key from being drawn more often than a screen can show.
const KEY_GAP: Duration = Duration::from_millis(7);

/// How soon a change must be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// The user did something and waits for its echo.
    Now,
    /// Text of a reply arrived. Its frames keep their own pace, so that frames for anything else do
    /// not put the newest words off.
    Text,
    /// Figures moved by themselves.
    Stream,
}

/// The next frame's deadline.
#[derive(Debug, Default)]
pub struct Frames {
    due: Option<Instant>,
    last: Option<Instant>,
    /// The last frame that a key waited for. Frames of streamed text never hold a key back.
    last_key: Option<Instant>,
    key_waits: bool,
    /// The last frame that text waited for.
    last_text: Option<Instant>,
    text_waits: bool,
}

impl Frames {
    /// Asks for a frame.
    pub fn request(&mut self, now: Instant, urgency: Urgency) {
        let (last, gap) = match urgency {
            Urgency::Now => (self.last_key, KEY_GAP),
            Urgency::Text => (self.last_text, FRAME_GAP),
            Urgency::Stream => (self.last, FRAME_GAP),
        };
        self.key_waits |= urgency == Urgency::Now;
        self.text_waits |= urgency == Urgency::Text;
        let at = last.map_or(now, |last| now.max(last + gap));
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    /// Asks for a frame at a moment: a counter that moves by itself, a toast that goes.
    pub fn request_at(&mut self, at: Instant) {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    /// When the next frame is due; `None` while nobody asked, and then nothing is drawn.
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Is a frame due?
    pub fn ready(&self, now: Instant) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    /// A frame was drawn.
    pub fn drawn(&mut self, now: Instant) {
        self.due = None;
        self.last = Some(now);
        if std::mem::take(&mut self.key_waits) {
            self.last_key = Some(now);
        }
        if std::mem::take(&mut self.text_waits) {
            self.last_text = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn nothing_is_due_until_somebody_asks() {
        let frames = Frames::default();
        assert_eq!(frames.due(), None);
        assert!(!frames.ready(Instant::now()));
    }

    #[test]
    fn a_thousand_deltas_in_a_second_become_thirty_frames() {
        let start = Instant::now();
        let mut frames = Frames::default();
        let mut drawn = 0;
        for ms in 0..1000 {
            let now = start + MS(ms);
            frames.request(now, Urgency::Text);
            if frames.ready(now) {
                frames.drawn(now);
                drawn += 1;
            }
        }
        assert!((29..=31).contains(&drawn), "{drawn}");
    }

    #[test]
    fn text_is_not_put_off_by_a_figure_that_was_just_drawn() {
        let start = Instant::now();
        let mut frames = Frames::default();
        frames.request(start, Urgency::Text);
        frames.drawn(start);
        frames.request(start + MS(33), Urgency::Stream);
        frames.drawn(start + MS(33));
        frames.request(start + MS(34), Urgency::Text);
        assert!(frames.ready(start + MS(34)));
    }

    #[test]
    fn a_key_is_drawn_at_once_even_while_text_streams() {
        let start = Instant::now();
        let mut frames = Frames::default();
        frames.drawn(start);
        frames.request(start + MS(1), Urgency::Stream);
        assert!(!frames.ready(start + MS(1)));
        frames.request(start + MS(1), Urgency::Now);
        assert!(frames.ready(start + MS(1)));
    }

    #[test]
    fn a_held_key_does_not_draw_faster_than_a_screen_can_show() {
        let start = Instant::now();
        let mut frames = Frames::default();
        frames.request(start, Urgency::Now);
        frames.drawn(start);
        frames.request(start + MS(1), Urgency::Now);
        assert!(!frames.ready(start + MS(1)));
        assert!(frames.ready(start + MS(7)));
    }
}
