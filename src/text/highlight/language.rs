//! What there is to say about a language.
//!
//! Owns: the shape of a row of the table. Must not know: the rows, how a line is read. Invariant: all
//! of it is known when the program is built.

/// How the lines of a language are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Words, strings, comments.
    Code,
    /// Lines of a key, this separator and a value.
    Keyed(char),
    /// Tags and text.
    Markup,
    /// Lines that begin with what happens to them.
    Patch,
}

/// How a string ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quote {
    pub(super) open: &'static str,
    pub(super) close: &'static str,
    pub(super) escape: Escape,
    pub(super) span: Span,
}

/// Whether a backslash hides the character after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escape {
    Backslash,
    Never,
}

/// Whether a string may go on in the next line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Span {
    Line,
    Lines,
}

/// What a language has besides words, strings and comments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trait {
    /// Words match in any letter case.
    AnyCase,
    /// Names that begin with a capital are types.
    CapitalTypes,
    /// Lines that begin with `#` are directives.
    Directives,
    /// `@name` is a decorator or annotation.
    Decorators,
    /// A block comment may hold another.
    NestedComments,
    /// `#[…]` is an attribute, `'a` a lifetime, `name!` a call, `r#"…"#` a string.
    Rust,
    /// `$name` and `${name}` are variables.
    Dollars,
    /// `#` begins a comment only at the start of a word.
    SpacedHash,
    /// `-` is part of a name.
    DashedNames,
    /// A name or string before `:` is a key.
    ColonKeys,
    /// `:name` is a constant.
    Symbols,
}

/// A row of the table.
#[derive(Debug)]
pub struct Language {
    pub(super) names: &'static [&'static str],
    pub(super) shape: Shape,
    pub(super) line_comments: &'static [&'static str],
    pub(super) block_comment: Option<(&'static str, &'static str)>,
    pub(super) quotes: &'static [Quote],
    pub(super) traits: &'static [Trait],
    pub(super) keywords: &'static [&'static str],
    pub(super) types: &'static [&'static str],
    pub(super) constants: &'static [&'static str],
}

impl Language {
    /// The name it is best known by.
    pub fn name(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }

    pub(super) fn has(&self, what: Trait) -> bool {
        self.traits.contains(&what)
    }
}
