//! Text as terminals need it: sanitising untrusted text, cell widths, wrapping, Markdown to styled
//! lines, streaming render, highlighting, the scripts of a text, and the program's own words in the
//! user's language.
//!
//! Owns: everything between a provider's characters and lines of spans that say what they *mean*.
//! Must not know: colours, the app, providers, clocks. Invariants: no line that leaves here is wider
//! than it was asked to be, and none holds a control character, whatever went in.

mod highlight;
mod holds;
mod line;
mod markdown;
mod sanitize;
mod scripts;
mod stream;
mod tongue;
mod vocabulary;
mod width;
mod wrap;

pub use highlight::{Highlighter, Language, TokenKind, language};
pub use holds::holds;
pub use line::{Line, Role, Span, TextStyle};
pub use markdown::{CodeBlock, Glyphs, RenderOptions, Rendered, render};
pub use sanitize::{Sanitizer, Tabs, sanitize, sanitize_line};
pub use scripts::{SCRIPTS, script_index, script_shares};
pub use stream::StreamingText;
pub use tongue::Tongue;
pub use vocabulary::{count_tokens, is_loaded};
pub use width::{
    Side, clip, clip_end, ellipsis, grapheme_width, graphemes, middle_ellipsis, pad, width,
};
pub use wrap::{wrap_spans, wrap_text};
