//! Text as terminals need it: sanitising untrusted text, cell widths, wrapping, Markdown to styled lines, streaming render, highlighting, scripts of a text.
