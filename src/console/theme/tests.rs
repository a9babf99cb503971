//! Themes are readable at every depth, in every sense of the word.

use super::*;
use ratatui::style::Modifier;

const DEPTHS: [ColorDepth; 4] =
    [ColorDepth::True, ColorDepth::Indexed, ColorDepth::Named, ColorDepth::Mono];

/// Relative luminance as WCAG 2.2 defines it.
fn luminance(color: Color) -> f64 {
    let (r, g, b) = match color {
        Color::Rgb(r, g, b) => (r, g, b),
        Color::Indexed(n @ 16..=231) => {
            let level = |i: u8| if i == 0 { 0 } else { 55 + 40 * i };
            (level((n - 16) / 36), level((n - 16) / 6 % 6), level((n - 16) % 6))
        }
        Color::Indexed(n) => (8 + 10 * (n - 232), 8 + 10 * (n - 232), 8 + 10 * (n - 232)),
        other => panic!("{other:?} has no fixed luminance"),
    };
    let linear = |c: u8| {
        let c = f64::from(c) / 255.0;
        if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}

fn contrast(a: Color, b: Color) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn every_shipped_theme_reads_at_every_depth() {
    for (name, text) in SHIPPED {
        for depth in DEPTHS {
            let theme = Theme::parse(text, depth).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(theme.name, name);
        }
    }
}

#[test]
fn text_stands_out_from_its_background() {
    for (name, least) in [("dark", 4.5), ("light", 4.5), ("high-contrast", 7.0)] {
        for depth in [ColorDepth::True, ColorDepth::Indexed] {
            let theme = Theme::named(name, depth).unwrap();
            for (token, _, key) in Token::ALL {
                // Rules carry no words; the background is what the others stand on.
                if matches!(token, Token::Rule | Token::Bg) {
                    continue;
                }
                let style = theme.style(token);
                let bg = style.bg.unwrap_or_else(|| theme.background());
                let ratio = contrast(style.fg.unwrap(), bg);
                assert!(ratio >= least, "{name} {depth:?} {key}: {ratio:.2}");
            }
        }
    }
}

#[test]
fn the_default_theme_paints_nothing_behind_text_and_needs_no_answer() {
    for depth in DEPTHS {
        let theme = Theme::terminal(depth);
        assert_eq!(theme.background(), Color::Reset);
        for (token, _, key) in Token::ALL {
            let style = theme.style(token);
            assert!(
                !matches!(style.fg, Some(Color::Rgb(..) | Color::Indexed(_))),
                "{key} has a colour of its own"
            );
        }
    }
}

#[test]
fn without_colours_states_still_differ_by_weight() {
    for (name, _) in SHIPPED {
        let theme = Theme::named(name, ColorDepth::Mono).unwrap();
        for (token, _, key) in Token::ALL {
            let style = theme.style(token);
            assert_eq!((style.fg, style.bg), (None, None), "{name} {key} has a colour");
        }
        assert!(theme.style(Token::Sel).add_modifier.contains(Modifier::REVERSED));
        assert_ne!(theme.style(Token::Bad), theme.style(Token::Ok));
    }
}

#[test]
fn depth_follows_what_the_terminal_says_of_itself() {
    let depth = |vars: &[(&str, &str)]| {
        let vars: Vec<(String, String)> =
            vars.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        color_depth(&move |name| vars.iter().find(|(k, _)| k == name).map(|(_, v)| v.clone()))
    };
    assert_eq!(depth(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]), ColorDepth::True);
    assert_eq!(depth(&[("TERM", "xterm-kitty")]), ColorDepth::True);
    assert_eq!(depth(&[("TERM", "xterm-256color")]), ColorDepth::Indexed);
    assert_eq!(depth(&[("TERM", "linux")]), ColorDepth::Named);
    assert_eq!(depth(&[("TERM", "dumb"), ("COLORTERM", "truecolor")]), ColorDepth::Mono);
    assert_eq!(
        depth(&[("TERM", "xterm"), ("COLORTERM", "truecolor"), ("NO_COLOR", "1")]),
        ColorDepth::Mono
    );
}

#[test]
fn a_theme_with_a_missing_token_says_which() {
    let text = SHIPPED[1].1.replace("accent ", "accnt ");
    let error = Theme::parse(&text, ColorDepth::True).unwrap_err().to_string();
    assert!(error.contains("tokens.accent"), "{error}");
}
