//! Code blocks of a reply, for copying by number.
//!
//! Invariant: they are counted by the renderer itself, over the whole text whoever wrote its parts,
//! so that a label on screen and a key mean the same block.

use crate::text::{RenderOptions, render};

use super::ReplyCell;

/// Blocks do not depend on the width they are wrapped to.
const ANY_WIDTH: u16 = 80;

/// The text of every code block of a reply, in order.
pub fn blocks(reply: &ReplyCell) -> Vec<String> {
    let rendered = render(&reply.reply.text, ANY_WIDTH, &RenderOptions::default());
    rendered.code_blocks.into_iter().map(|block| block.text).collect()
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
    fn a_block_that_two_models_wrote_is_one_block() {
        let mut reply = reply("```\none\ntwo\n```\nmore");
        let seam = Seam { at_char: 7, from: "a".into(), to: "b".into(), how: SeamHow::Instruct };
        reply.reply.seams.push(seam);
        assert_eq!(blocks(&reply), ["one\ntwo"]);
    }
}
