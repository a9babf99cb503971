//! Code blocks of a reply's Markdown, for copying by number.
//!
//! Invariant: they are counted the way the renderer counts them, so that a label on screen and a
//! key mean the same block.

/// The text of every fenced code block, in order.
pub fn blocks(markdown: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<(char, usize, usize, String)> = None;
    for line in markdown.lines() {
        let body = line.trim_start_matches([' ', '>']);
        let indent = line.len() - body.len();
        let mark = body.chars().next().filter(|c| matches!(c, '`' | '~'));
        let run = mark.map_or(0, |mark| body.chars().take_while(|c| *c == mark).count());
        match (&mut open, mark) {
            (Some((fence, length, _, _)), Some(mark))
                if mark == *fence && run >= *length && body[run..].trim().is_empty() =>
            {
                if let Some((_, _, _, text)) = open.take() {
                    found.push(text);
                }
            }
            (Some((_, _, strip, text)), _) => {
                let strip = line
                    .char_indices()
                    .take(*strip)
                    .take_while(|(_, c)| matches!(c, ' ' | '>'))
                    .count();
                text.push_str(&line[strip..]);
                text.push('\n');
            }
            (None, Some(mark)) if run >= 3 && (mark == '~' || !body[run..].contains('`')) => {
                open = Some((mark, run, indent, String::new()));
            }
            (None, _) => {}
        }
    }
    if let Some((_, _, _, text)) = open {
        found.push(text);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fences_are_read_with_their_indent_and_length() {
        let text = "a\n```rust\nlet x = 1;\n```\n- item\n  ~~~~\n  ~~~\n    deep\n  ~~~~\nend";
        assert_eq!(blocks(text), ["let x = 1;\n", "~~~\n  deep\n"]);
    }

    #[test]
    fn an_open_fence_counts_while_it_streams() {
        assert_eq!(blocks("```\nhalf"), ["half\n"]);
        assert!(blocks("inline ``` is none").is_empty());
    }
}
