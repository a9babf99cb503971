//! Code blocks of a reply, for copying by number.
//!
//! Invariant: they are counted by the renderer itself, part by part as the transcript lays them
//! out, so that a label on screen and a key mean the same block.

use crate::text::{RenderOptions, render};

use super::ReplyCell;

/// Blocks do not depend on the width they are wrapped to.
const ANY_WIDTH: u16 = 80;

/// The text of every code block of a reply, in order.
pub fn blocks(reply: &ReplyCell) -> Vec<String> {
    let text = reply.reply.text.as_str();
    let mut cuts: Vec<usize> = reply
        .reply
        .seams
        .iter()
        .map(|seam| text.char_indices().nth(seam.at_char as usize).map_or(text.len(), |(at, _)| at))
        .collect();
    cuts.push(text.len());
    let mut found = Vec::new();
    let mut from = 0;
    for to in cuts {
        let part = text.get(from..to).unwrap_or("");
        let rendered = render(part, ANY_WIDTH, &RenderOptions::default());
        found.extend(rendered.code_blocks.into_iter().map(|block| block.text));
        from = to.max(from);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{RequestId, Seam, SeamHow, UnixMs};

    fn reply(text: &str) -> ReplyCell {
        let mut reply = ReplyCell::new(RequestId(uuid::Uuid::nil()), 0, UnixMs(0));
        reply.reply.text = text.to_owned();
        reply
    }

    #[test]
    fn fences_are_read_with_their_indent_and_length() {
        let text = "a\n```rust\nlet x = 1;\n```\n- item\n  ~~~~\n  ~~~\n    deep\n  ~~~~\nend";
        assert_eq!(blocks(&reply(text)), ["let x = 1;", "~~~\n  deep"]);
    }

    #[test]
    fn an_open_fence_counts_while_it_streams() {
        assert_eq!(blocks(&reply("```\nhalf")), ["half"]);
        assert!(blocks(&reply("inline ``` is none")).is_empty());
    }

    #[test]
    fn a_seam_parts_the_text_as_it_does_on_screen() {
        let mut reply = reply("```\none\n```\nmore\n```\ntwo\n```");
        let seam = Seam { at_char: 17, from: "a".into(), to: "b".into(), how: SeamHow::Instruct };
        reply.reply.seams.push(seam);
        assert_eq!(blocks(&reply), ["one", "two"]);
    }
}
