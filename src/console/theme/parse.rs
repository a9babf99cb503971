//! Theme files to styles. Owns: the file's form. Invariant: a missing token or an unknown word is an
//! error that names it; nothing falls back in silence.

use std::fmt;

use ratatui::style::{Color, Modifier, Style};

use super::{Theme, Token};
use crate::console::app::ColorDepth;

/// Why a text is not a theme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThemeError(String);

impl fmt::Display for ThemeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ThemeError {}

pub(super) fn theme(text: &str, depth: ColorDepth) -> Result<Theme, ThemeError> {
    let file = text.parse::<toml_edit::DocumentMut>().map_err(|e| ThemeError(e.to_string()))?;
    let name = file.get("name").and_then(toml_edit::Item::as_str).unwrap_or("unnamed").to_owned();
    let column = match depth {
        ColorDepth::True => 0,
        ColorDepth::Indexed => 1,
        ColorDepth::Named => 2,
        ColorDepth::Mono => 3,
    };
    let mut styles = [Style::new(); Token::ALL.len()];
    for (token, table, key) in Token::ALL {
        let values = file
            .get(table)
            .and_then(|table| table.get(key))
            .and_then(toml_edit::Item::as_array)
            .filter(|values| values.len() == 4)
            .ok_or_else(|| {
                ThemeError(format!("theme `{name}`: `{table}.{key}` wants four values"))
            })?;
        let value = values.get(column).and_then(toml_edit::Value::as_str).unwrap_or("");
        styles[token as usize] = style(value)
            .ok_or_else(|| ThemeError(format!("theme `{name}`: `{table}.{key}`: `{value}`?")))?;
    }
    Ok(Theme { name, styles })
}

/// `COLOUR [on COLOUR] [bold] [dim] [italic] [underline] [reverse]`.
fn style(text: &str) -> Option<Style> {
    let mut style = Style::new();
    let mut words = text.split_whitespace();
    let fg = colour(words.next()?)?;
    if fg != Color::Reset {
        style = style.fg(fg);
    }
    while let Some(word) = words.next() {
        style = match word {
            "on" => style.bg(colour(words.next()?)?),
            "bold" => style.add_modifier(Modifier::BOLD),
            "dim" => style.add_modifier(Modifier::DIM),
            "italic" => style.add_modifier(Modifier::ITALIC),
            "underline" => style.add_modifier(Modifier::UNDERLINED),
            "reverse" => style.add_modifier(Modifier::REVERSED),
            _ => return None,
        };
    }
    Some(style)
}

/// A colour; [`Color::Reset`] for the terminal's own.
fn colour(text: &str) -> Option<Color> {
    if text == "default" {
        return Some(Color::Reset);
    }
    if let Some(hex) = text.strip_prefix('#') {
        let value = (hex.len() == 6).then(|| u32::from_str_radix(hex, 16).ok()).flatten()?;
        return Some(Color::Rgb((value >> 16) as u8, (value >> 8) as u8, value as u8));
    }
    if let Ok(index) = text.parse::<u8>() {
        return Some(Color::Indexed(index));
    }
    Some(match text {
        "black" => Color::Black,
        "red" => Color::Red,
        "green" => Color::Green,
        "yellow" => Color::Yellow,
        "blue" => Color::Blue,
        "magenta" => Color::Magenta,
        "cyan" => Color::Cyan,
        "gray" => Color::Gray,
        "dark-gray" => Color::DarkGray,
        "light-red" => Color::LightRed,
        "light-green" => Color::LightGreen,
        "light-yellow" => Color::LightYellow,
        "light-blue" => Color::LightBlue,
        "light-magenta" => Color::LightMagenta,
        "light-cyan" => Color::LightCyan,
        "white" => Color::White,
        _ => return None,
    })
}
