//! Keys as text and back: `ctrl-o`, `alt-enter`, `shift-f2`, `y y`. Owns the normal form of a key,
//! so that terminals of every kind agree. Invariant: what is printed is parsed back to the same.

use std::fmt;
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// One key with its modifiers, in normal form: letters carry their case and never `SHIFT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Hash)]
pub struct Chord {
    /// The key.
    pub code: KeyCode,
    /// Control, Alt and, for keys that are not characters, Shift.
    pub mods: KeyModifiers,
}

/// One key, or two in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sequence {
    /// The first key.
    pub first: Chord,
    /// The second.
    pub second: Option<Chord>,
}

/// Why a text is not a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseChordError(String);

impl fmt::Display for ParseChordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a key; write for example \"ctrl-o\", \"alt-enter\", \"y y\"", self.0)
    }
}

impl std::error::Error for ParseChordError {}

const NAMED: [(&str, KeyCode); 16] = [
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("space", KeyCode::Char(' ')),
    ("minus", KeyCode::Char('-')),
];

impl Chord {
    /// The normal form of a key.
    pub fn new(code: KeyCode, mods: KeyModifiers) -> Self {
        let mut mods = mods & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
        let code = match code {
            // Shift+Tab arrives under a name of its own, with or without the modifier.
            KeyCode::BackTab => {
                mods |= KeyModifiers::SHIFT;
                KeyCode::Tab
            }
            KeyCode::Char(c) => {
                let shifted = mods.contains(KeyModifiers::SHIFT);
                mods -= KeyModifiers::SHIFT;
                if mods.contains(KeyModifiers::CONTROL) {
                    match c.to_ascii_lowercase() {
                        // Without the kitty protocol these bytes are the same key.
                        'h' if !shifted && mods == KeyModifiers::CONTROL => {
                            return Self { code: KeyCode::Backspace, mods: KeyModifiers::CONTROL };
                        }
                        lower => KeyCode::Char(lower),
                    }
                } else if shifted && c.is_ascii_lowercase() {
                    KeyCode::Char(c.to_ascii_uppercase())
                } else {
                    KeyCode::Char(c)
                }
            }
            other => other,
        };
        Self { code, mods }
    }

    /// The character it types, if it types one.
    pub fn typed(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if self.mods.is_empty() => Some(c),
            _ => None,
        }
    }

    /// Short form for hints: `^O`, `⏎`, `⇧⏎`, `F2`, `Esc`.
    pub fn short(self) -> String {
        let mut out = String::new();
        if self.mods.contains(KeyModifiers::CONTROL) {
            out.push('^');
        }
        if self.mods.contains(KeyModifiers::ALT) {
            out.push('⌥');
        }
        if self.mods.contains(KeyModifiers::SHIFT) {
            out.push('⇧');
        }
        let name = match self.code {
            KeyCode::Enter => "⏎".to_owned(),
            KeyCode::Up => "↑".to_owned(),
            KeyCode::Down => "↓".to_owned(),
            KeyCode::Left => "←".to_owned(),
            KeyCode::Right => "→".to_owned(),
            KeyCode::Esc => "Esc".to_owned(),
            KeyCode::Tab => "Tab".to_owned(),
            KeyCode::Backspace => "⌫".to_owned(),
            KeyCode::Delete => "Del".to_owned(),
            KeyCode::PageUp => "PgUp".to_owned(),
            KeyCode::PageDown => "PgDn".to_owned(),
            KeyCode::Home => "Home".to_owned(),
            KeyCode::End => "End".to_owned(),
            KeyCode::F(n) => format!("F{n}"),
            KeyCode::Char(' ') => "Space".to_owned(),
            KeyCode::Char(c) if self.mods.contains(KeyModifiers::CONTROL) => {
                c.to_ascii_uppercase().to_string()
            }
            KeyCode::Char(c) => c.to_string(),
            other => other.to_string(),
        };
        out.push_str(&name);
        out
    }

    /// The same in ASCII: `Ctrl+O`, `Enter`, `Shift+Enter`.
    pub fn words(self) -> String {
        let mut out = String::new();
        for (flag, name) in [
            (KeyModifiers::CONTROL, "Ctrl+"),
            (KeyModifiers::ALT, "Alt+"),
            (KeyModifiers::SHIFT, "Shift+"),
        ] {
            if self.mods.contains(flag) {
                out.push_str(name);
            }
        }
        match self.code {
            KeyCode::Char(' ') => out.push_str("Space"),
            KeyCode::Char(c) if !self.mods.is_empty() => out.push(c.to_ascii_uppercase()),
            KeyCode::Char(c) => out.push(c),
            KeyCode::F(n) => out.push_str(&KeyCode::F(n).to_string()),
            KeyCode::PageUp => out.push_str("PageUp"),
            KeyCode::PageDown => out.push_str("PageDown"),
            code => {
                let name = NAMED.iter().find(|(_, named)| *named == code).map_or("?", |(n, _)| n);
                let mut chars = name.chars();
                out.extend(chars.next().map(|c| c.to_ascii_uppercase()));
                out.push_str(chars.as_str());
            }
        }
        out
    }
}

impl From<KeyEvent> for Chord {
    fn from(event: KeyEvent) -> Self {
        Self::new(event.code, event.modifiers)
    }
}

impl FromStr for Chord {
    type Err = ParseChordError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseChordError(text.to_owned());
        let mut mods = KeyModifiers::NONE;
        let mut rest = text;
        loop {
            let lower = rest.to_ascii_lowercase();
            let (flag, len) = if lower.starts_with("ctrl-") && rest.len() > 5 {
                (KeyModifiers::CONTROL, 5)
            } else if lower.starts_with("alt-") && rest.len() > 4 {
                (KeyModifiers::ALT, 4)
            } else if lower.starts_with("shift-") && rest.len() > 6 {
                (KeyModifiers::SHIFT, 6)
            } else {
                break;
            };
            mods |= flag;
            rest = &rest[len..];
        }
        let lower = rest.to_ascii_lowercase();
        let mut chars = rest.chars();
        let code = match (chars.next(), chars.next()) {
            (Some(c), None) if !c.is_control() && !c.is_whitespace() => KeyCode::Char(c),
            _ => match NAMED.iter().find(|(name, _)| *name == lower) {
                Some((_, code)) => *code,
                None => lower
                    .strip_prefix('f')
                    .and_then(|n| n.parse::<u8>().ok())
                    .filter(|n| (1..=24).contains(n))
                    .map(KeyCode::F)
                    .ok_or_else(error)?,
            },
        };
        Ok(Self::new(code, mods))
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (flag, name) in [
            (KeyModifiers::CONTROL, "ctrl-"),
            (KeyModifiers::ALT, "alt-"),
            (KeyModifiers::SHIFT, "shift-"),
        ] {
            if self.mods.contains(flag) {
                f.write_str(name)?;
            }
        }
        match self.code {
            KeyCode::F(n) => write!(f, "f{n}"),
            KeyCode::Char(' ') => f.write_str("space"),
            KeyCode::Char('-') => f.write_str("minus"),
            KeyCode::Char(c) => write!(f, "{c}"),
            code => f.write_str(
                NAMED.iter().find(|(_, named)| *named == code).map_or("?", |(name, _)| name),
            ),
        }
    }
}

impl FromStr for Sequence {
    type Err = ParseChordError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            [one] => Ok(Self { first: one.parse()?, second: None }),
            [one, two] => Ok(Self { first: one.parse()?, second: Some(two.parse()?) }),
            _ => Err(ParseChordError(text.to_owned())),
        }
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.fmt(f)?;
        match &self.second {
            Some(second) => write!(f, " {second}"),
            None => Ok(()),
        }
    }
}

impl Sequence {
    /// Short form for hints: `^X p`, `yy`.
    pub fn short(&self) -> String {
        match &self.second {
            None => self.first.short(),
            Some(second) if self.first.typed().is_some() => {
                format!("{}{}", self.first.short(), second.short())
            }
            Some(second) => format!("{} {}", self.first.short(), second.short()),
        }
    }

    /// The same in words: `Ctrl+X p`.
    pub fn words(&self) -> String {
        match &self.second {
            None => self.first.words(),
            Some(second) => format!("{} {}", self.first.words(), second.words()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_and_write_back() {
        for text in [
            "ctrl-o",
            "alt-enter",
            "shift-f2",
            "y y",
            "ctrl-x 1",
            "G",
            "?",
            "shift-tab",
            "space",
            "ctrl-_",
        ] {
            let sequence: Sequence = text.parse().unwrap();
            assert_eq!(sequence.to_string(), text);
        }
        assert!("ctrl-".parse::<Sequence>().is_err());
        assert!("hyper-x".parse::<Sequence>().is_err());
        assert!("a b c".parse::<Sequence>().is_err());
    }

    #[test]
    fn terminals_that_name_shift_differently_agree() {
        let a = Chord::new(KeyCode::BackTab, KeyModifiers::NONE);
        let b = Chord::new(KeyCode::Tab, KeyModifiers::SHIFT);
        assert_eq!(a, b);
        let a = Chord::new(KeyCode::Char('G'), KeyModifiers::SHIFT);
        let b = Chord::new(KeyCode::Char('g'), KeyModifiers::SHIFT);
        assert_eq!(a, b);
        assert_eq!(a.typed(), Some('G'));
    }

    #[test]
    fn hints_are_short() {
        let short = |text: &str| text.parse::<Sequence>().unwrap().short();
        assert_eq!(short("ctrl-o"), "^O");
        assert_eq!(short("shift-enter"), "⇧⏎");
        assert_eq!(short("ctrl-x p"), "^X p");
        assert_eq!(short("y y"), "yy");
    }
}
