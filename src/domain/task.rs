//! What kind of work a request is, and the writing systems a text can be in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A kind of request. Models carry a quality prior per kind.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// Writing, reading or mending programs.
    Code,
    /// An answer in a fixed form: JSON, a table, a schema.
    Structured,
    /// Picking facts out of a given text.
    Extraction,
    /// Making a text shorter.
    Summary,
    /// Stories, poems, copy: where voice matters.
    Prose,
    /// Mathematics, logic, planning: several steps that must all be right.
    Reasoning,
    /// From one language to another.
    Translation,
    /// Everything else.
    #[default]
    Chat,
}

impl TaskKind {
    /// Every kind, in the order tables list them.
    pub const ALL: [Self; 8] = [
        Self::Code,
        Self::Structured,
        Self::Extraction,
        Self::Summary,
        Self::Prose,
        Self::Reasoning,
        Self::Translation,
        Self::Chat,
    ];

    /// The name used in configuration, logs and on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Structured => "structured",
            Self::Extraction => "extraction",
            Self::Summary => "summary",
            Self::Prose => "prose",
            Self::Reasoning => "reasoning",
            Self::Translation => "translation",
            Self::Chat => "chat",
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::Code => 0,
            Self::Structured => 1,
            Self::Extraction => 2,
            Self::Summary => 3,
            Self::Prose => 4,
            Self::Reasoning => 5,
            Self::Translation => 6,
            Self::Chat => 7,
        }
    }
}

impl fmt::Display for TaskKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for TaskKind {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or(())
    }
}

/// One number per task kind.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct TaskTable([f32; 8]);

impl TaskTable {
    /// The same number for every kind.
    pub const fn flat(value: f32) -> Self {
        Self([value; 8])
    }

    /// The number for a kind.
    pub const fn get(&self, kind: TaskKind) -> f32 {
        self.0[kind.index()]
    }

    /// Sets the number for a kind.
    pub const fn set(&mut self, kind: TaskKind, value: f32) {
        self.0[kind.index()] = value;
    }
}

/// A writing system, as far as token prices depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Script {
    /// Latin letters.
    Latin,
    /// Han characters.
    Han,
    /// Hiragana and katakana.
    Kana,
    /// Korean.
    Hangul,
    /// Cyrillic.
    Cyrillic,
    /// Arabic and Hebrew.
    Arabic,
    /// Devanagari and the other Indic scripts.
    Indic,
    /// Digits, punctuation, symbols, spaces.
    Common,
    /// Any other.
    Other,
}

impl Script {
    /// Every one, in a fixed order.
    pub const ALL: [Self; 9] = [
        Self::Latin,
        Self::Han,
        Self::Kana,
        Self::Hangul,
        Self::Cyrillic,
        Self::Arabic,
        Self::Indic,
        Self::Common,
        Self::Other,
    ];

    /// Its name in files, as in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Latin => "latin",
            Self::Han => "han",
            Self::Kana => "kana",
            Self::Hangul => "hangul",
            Self::Cyrillic => "cyrillic",
            Self::Arabic => "arabic",
            Self::Indic => "indic",
            Self::Common => "common",
            Self::Other => "other",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|script| script.name() == name)
    }
}

/// A language as an ISO 639-1 code (`"en"`, `"zh"`), guessed from script and common words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lang([u8; 2]);

impl Lang {
    /// English, the default where nothing says otherwise.
    pub const EN: Self = Self(*b"en");

    /// From a two-letter lower-case code.
    pub fn new(code: &str) -> Option<Self> {
        match code.as_bytes() {
            [a, b] if a.is_ascii_lowercase() && b.is_ascii_lowercase() => Some(Self([*a, *b])),
            _ => None,
        }
    }

    /// The code.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("en")
    }
}

impl Serialize for Lang {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Lang {
    fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        Self::new(&text).ok_or_else(|| serde::de::Error::custom("not a two-letter language code"))
    }
}
