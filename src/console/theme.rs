//! Colours by meaning, and the glyphs of the chrome. Themes are data in `themes/`.
//!
//! Owns: which colour a meaning has at every colour depth. Must not know: what is drawn. Invariant:
//! view code names meanings, never colours.

mod glyphs;
mod parse;

pub use glyphs::GlyphSet;
pub use parse::ThemeError;

use ratatui::style::{Color, Style};

use super::app::ColorDepth;

/// What a piece of the screen means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Token {
    /// The screen behind everything.
    Bg,
    /// Text.
    Fg,
    /// Text that stands out.
    Strong,
    /// Text that stands back: numbers, reasons, times.
    Dim,
    /// Where the focus is. The one accent.
    Accent,
    /// A state that is well.
    Ok,
    /// A state to watch.
    Warn,
    /// A state that is bad.
    Bad,
    /// A heading in an answer.
    Heading,
    /// Code in a line of text.
    Code,
    /// A quotation.
    Quote,
    /// A link.
    Link,
    /// What is selected.
    Sel,
    /// Lines between things.
    Rule,
    /// Code: a keyword.
    Keyword,
    /// Code: a string.
    String,
    /// Code: a comment.
    Comment,
    /// Code: a number or constant.
    Number,
    /// Code: a function.
    Function,
    /// Code: a type.
    Type,
    /// Code: punctuation and operators.
    Punct,
}

impl Token {
    /// Every token with its table and key in a theme file.
    pub const ALL: [(Self, &'static str, &'static str); 21] = [
        (Self::Bg, "tokens", "bg"),
        (Self::Fg, "tokens", "fg"),
        (Self::Strong, "tokens", "strong"),
        (Self::Dim, "tokens", "dim"),
        (Self::Accent, "tokens", "accent"),
        (Self::Ok, "tokens", "ok"),
        (Self::Warn, "tokens", "warn"),
        (Self::Bad, "tokens", "bad"),
        (Self::Heading, "tokens", "heading"),
        (Self::Code, "tokens", "code"),
        (Self::Quote, "tokens", "quote"),
        (Self::Link, "tokens", "link"),
        (Self::Sel, "tokens", "sel"),
        (Self::Rule, "tokens", "rule"),
        (Self::Keyword, "code", "keyword"),
        (Self::String, "code", "string"),
        (Self::Comment, "code", "comment"),
        (Self::Number, "code", "number"),
        (Self::Function, "code", "function"),
        (Self::Type, "code", "type"),
        (Self::Punct, "code", "punct"),
    ];
}

/// The shipped themes, the default first.
const SHIPPED: [(&str, &str); 4] = [
    ("terminal", include_str!("../../themes/terminal.toml")),
    ("dark", include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    ("high-contrast", include_str!("../../themes/high-contrast.toml")),
];

/// A theme at one colour depth: a style per token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    /// Its name.
    pub name: String,
    styles: [Style; Token::ALL.len()],
}

impl Theme {
    /// The names of the shipped themes, the default first.
    pub fn shipped() -> Vec<String> {
        SHIPPED.iter().map(|(name, _)| (*name).to_owned()).collect()
    }

    /// A shipped theme by name.
    pub fn named(name: &str, depth: ColorDepth) -> Option<Self> {
        let (_, text) = SHIPPED.iter().find(|(shipped, _)| *shipped == name)?;
        Self::parse(text, depth).ok()
    }

    /// The terminal's own colours: what is used until another is asked for, and whenever another
    /// cannot be read.
    pub fn terminal(depth: ColorDepth) -> Self {
        Self::named("terminal", depth).unwrap_or_else(|| Self {
            name: "terminal".to_owned(),
            styles: [Style::new(); Token::ALL.len()],
        })
    }

    /// A theme from its file's text.
    pub fn parse(text: &str, depth: ColorDepth) -> Result<Self, ThemeError> {
        parse::theme(text, depth)
    }

    /// The style of a meaning.
    pub fn style(&self, token: Token) -> Style {
        self.styles[token as usize]
    }

    /// What is painted behind everything; [`Color::Reset`] for nothing.
    pub fn background(&self) -> Color {
        self.style(Token::Bg).bg.unwrap_or(Color::Reset)
    }
}

/// How many colours the terminal shows, by what its environment says of it.
pub fn color_depth(env: &dyn Fn(&str) -> Option<String>) -> ColorDepth {
    let term = env("TERM").unwrap_or_default();
    if env("NO_COLOR").is_some_and(|value| !value.is_empty()) || term == "dumb" {
        return ColorDepth::Mono;
    }
    let color_term = env("COLORTERM").unwrap_or_default();
    if matches!(color_term.as_str(), "truecolor" | "24bit")
        || term.ends_with("-direct")
        || ["kitty", "ghostty", "alacritty", "foot", "wezterm"].iter().any(|t| term.contains(t))
    {
        ColorDepth::True
    } else if term.contains("256color") || !color_term.is_empty() {
        ColorDepth::Indexed
    } else if term.is_empty() {
        ColorDepth::Mono
    } else {
        ColorDepth::Named
    }
}

#[cfg(test)]
#[path = "theme/tests.rs"]
mod tests;
