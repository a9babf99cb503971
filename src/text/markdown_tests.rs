//! Tests of rendering Markdown.
