//! Text: what a rich reply looks like, and what streaming it costs.

use std::fmt::Write as _;

use wheelhouse::text::{Line, RenderOptions, StreamingText, render};

const REPLY: &str = include_str!("data/reply.md");

fn drawn(lines: &[Line]) -> String {
    lines.iter().map(|line| line.text() + "\n").collect()
}

#[test]
fn a_rich_reply_is_drawn_at_the_usual_widths() {
    for width in [20, 40, 76, 120] {
        let rendered = render(REPLY, width, &RenderOptions::default());
        for line in &rendered.lines {
            assert!(line.width() <= usize::from(width), "{line:?}");
        }
        insta::assert_snapshot!(format!("reply_{width}"), drawn(&rendered.lines));
    }
}

#[test]
fn a_rich_reply_carries_its_meanings() {
    let rendered = render(REPLY, 76, &RenderOptions::default());
    let mut out = String::new();
    for line in &rendered.lines {
        for span in &line.spans {
            let style = span.style;
            let marks: String = [(style.strong, '*'), (style.emphasis, '/'), (style.strike, '~')]
                .into_iter()
                .filter_map(|(on, mark)| on.then_some(mark))
                .collect();
            let _ = write!(out, "{:?}{marks}({}) ", style.role, span.text);
        }
        out.push('\n');
    }
    insta::assert_snapshot!("reply_meanings", out.replace(" \n", "\n"));
}

#[test]
fn code_blocks_are_numbered_and_given_back_as_sent() {
    let rendered = render(REPLY, 76, &RenderOptions::default());
    let langs: Vec<&str> = rendered.code_blocks.iter().map(|block| block.lang.as_str()).collect();
    assert_eq!(langs, ["rust", "sh", ""]);
    assert!(rendered.code_blocks[0].text.starts_with("let first = v[0].clone();"));
    assert_eq!(rendered.code_blocks[2].text, "indented code");
    for (index, block) in rendered.code_blocks.iter().enumerate() {
        assert!(rendered.lines[block.line].text().ends_with(&format!("[{}]", index + 1)));
    }
}

#[test]
fn every_byte_of_a_rich_reply_may_be_a_delta() {
    let mut text = StreamingText::new(76, RenderOptions::default());
    for c in REPLY.chars() {
        text.push(c.encode_utf8(&mut [0; 4]));
    }
    text.finish();
    let whole = render(REPLY, 76, &RenderOptions::default());
    assert_eq!(text.lines().cloned().collect::<Vec<_>>(), whole.lines);
    assert_eq!(text.code_blocks(), whole.code_blocks);
}
