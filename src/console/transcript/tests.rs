//! The layout agrees with itself, costs what changed, and never moves what is read.

use super::*;
use crate::console::app::{NoteCell, ReplyCell, ReplyPhase, Scroll, Tone, UserCell};
use crate::domain::{ModelName, RequestId, Seam, SeamHow, UnixMs};
use uuid::Uuid;

fn note(text: &str) -> Cell {
    Cell::Note(NoteCell { at: UnixMs(0), tone: Tone::Info, text: text.to_owned() })
}

fn user(text: &str) -> Cell {
    Cell::User(UserCell {
        id: crate::domain::MessageId(uuid::Uuid::nil()),
        at: UnixMs(0),
        text: text.to_owned(),
        draft: crate::console::composer::Draft::default(),
        model: None,
        policy: None,
        tags: Vec::new(),
        heard: crate::domain::Heard::Sent,
    })
}

fn reply(text: &str) -> Cell {
    let mut reply = ReplyCell::new(RequestId(Uuid::nil()), 0, UnixMs(0));
    reply.reply.text = text.to_owned();
    Cell::Reply(Box::new(reply))
}

fn grow(cell: &mut Cell, delta: &str) {
    if let Cell::Reply(reply) = cell {
        reply.reply.text.push_str(delta);
    }
}

fn texts(layout: &Layout, cell: usize) -> Vec<String> {
    let rows = layout.rows(cell).unwrap();
    (0..rows.height())
        .filter_map(|line| match rows.row(line) {
            Row::Text(line) | Row::Joined(line) => Some(line.text()),
            _ => None,
        })
        .collect()
}

fn conversation(turns: usize) -> Vec<Cell> {
    (0..turns)
        .flat_map(|n| {
            [user(&format!("question {n}")), reply(&format!("answer {n} ").repeat(n % 40 + 1))]
        })
        .collect()
}

fn laid_out(cells: &[Cell], width: u16) -> Layout {
    let mut layout = Layout::new(width);
    for cell in cells {
        layout.push(cell);
    }
    layout
}

#[test]
fn every_row_belongs_to_the_cell_and_line_that_say_so() {
    let cells = conversation(30);
    let layout = laid_out(&cells, 60);
    let mut line = 0;
    for (index, _) in cells.iter().enumerate() {
        assert_eq!(layout.top_of(index), line);
        for n in 0..layout.rows(index).unwrap().height() {
            assert_eq!(layout.locate(line), (index, n));
            line += 1;
        }
    }
    assert_eq!(layout.lines(), line);
}

#[test]
fn a_streamed_reply_ends_as_if_it_had_come_at_once() {
    let text = "One paragraph that is long enough to wrap at this width, twice.\n\nAnother one.";
    let mut cells = vec![user("q"), reply("")];
    let mut layout = laid_out(&cells, 40);
    for c in text.chars() {
        grow(&mut cells[1], &c.to_string());
        layout.update(1, &cells[1]);
    }
    assert_eq!(texts(&layout, 1), texts(&laid_out(&[user("q"), reply(text)], 40), 1));
    assert_eq!(layout.lines(), layout.top_of(1) + layout.rows(1).unwrap().height());
}

#[test]
fn a_restart_takes_the_old_text_away() {
    let mut cells = vec![reply("half an ans")];
    let mut layout = laid_out(&cells, 40);
    if let Cell::Reply(reply) = &mut cells[0] {
        reply.reply.text = "a whole answer".to_owned();
        reply.restarts = 1;
    }
    layout.update(0, &cells[0]);
    assert_eq!(texts(&layout, 0), ["a whole answer"]);
    assert_eq!(layout.rows(0).unwrap().row(1), Row::Restarted);
}

#[test]
fn a_seam_stands_where_the_other_model_took_over() {
    let mut cells = vec![reply("first half")];
    let mut layout = laid_out(&cells, 40);
    if let Cell::Reply(reply) = &mut cells[0] {
        reply.reply.seams.push(Seam {
            at_char: 10,
            from: ModelName::from("a"),
            to: ModelName::from("b"),
            how: SeamHow::Prefix,
        });
        reply.reply.text.push_str("second half");
        reply.phase = ReplyPhase::Done;
    }
    layout.update(0, &cells[0]);
    assert_eq!(texts(&layout, 0), ["first halfsecond half"]);
    assert_eq!(seams(&layout), [Mark::Joined("first halfsecond half".to_owned()), Mark::Seam(0)]);
}

/// What of the rows of the first cell says that another attempt took over.
#[derive(Debug, PartialEq)]
enum Mark {
    Joined(String),
    Seam(usize),
}

fn seams(layout: &Layout) -> Vec<Mark> {
    let rows = layout.rows(0).unwrap();
    (0..rows.height())
        .filter_map(|line| match rows.row(line) {
            Row::Joined(line) => Some(Mark::Joined(line.text())),
            Row::Seam(n) => Some(Mark::Seam(n)),
            _ => None,
        })
        .collect()
}

#[test]
fn a_seam_within_code_leaves_the_block_whole_and_is_told_behind_it() {
    let text = "Use it:\n\n```rust\nlet a = 1;\nlet b = 2;\nlet c = 3;\n```\n\nThat is all.";
    let at = text.find(" = 2").unwrap();
    let mut cells = vec![reply("")];
    let mut layout = laid_out(&cells, 60);
    for end in 1..=text.len() {
        if let Cell::Reply(reply) = &mut cells[0] {
            if end > at && reply.reply.seams.is_empty() {
                reply.reply.seams.push(Seam {
                    at_char: at as u64,
                    from: ModelName::from("a"),
                    to: ModelName::from("b"),
                    how: SeamHow::Instruct,
                });
            }
            reply.reply.text = text[..end].to_owned();
            if end == text.len() {
                reply.phase = ReplyPhase::Done;
            }
        }
        layout.update(0, &cells[0]);
    }
    let whole = laid_out(&[reply_done(text)], 60);
    assert_eq!(
        texts(&layout, 0),
        texts(&whole, 0),
        "the text is drawn as if nobody had broken off"
    );
    let marked = seams(&layout);
    assert!(matches!(&marked[0], Mark::Joined(line) if line.contains("let b")), "{marked:?}");
    let rows = layout.rows(0).unwrap();
    let seam = (0..rows.height()).find(|line| rows.row(*line) == Row::Seam(0)).unwrap();
    let after = |line: usize| match rows.row(line) {
        Row::Text(line) => line.text(),
        _ => String::new(),
    };
    assert!((seam..rows.height()).any(|line| after(line).contains("That is all")));
    assert!((seam..rows.height()).all(|line| !after(line).contains("let c")));
    // The same at another width.
    layout.set_width(40, &cells, 0);
    assert_eq!(texts(&layout, 0), texts(&laid_out(&[reply_done(text)], 40), 0));
    assert!(matches!(&seams(&layout)[0], Mark::Joined(line) if line.contains("let b")));
}

#[test]
fn a_seam_is_told_at_the_same_place_whether_the_text_came_in_bits_or_at_once() {
    let text =
        "1. *One.* It has a\n2. *Two.* So q is a prime.\n\n**Why.** Multiply.\n\nA check.\n\nEnd.";
    let at = text.find("has").unwrap();
    let seam = || Seam {
        at_char: at as u64,
        from: ModelName::from("a"),
        to: ModelName::from("b"),
        how: SeamHow::Instruct,
    };
    let seam_row = |layout: &Layout| {
        let rows = layout.rows(0).unwrap();
        (0..rows.height()).find(|line| rows.row(*line) == Row::Seam(0)).unwrap()
    };
    let mut cells = vec![reply("")];
    let mut streamed = laid_out(&cells, 60);
    for end in 1..=text.len() {
        if let Cell::Reply(reply) = &mut cells[0] {
            if end > at && reply.reply.seams.is_empty() {
                reply.reply.seams.push(seam());
            }
            reply.reply.text = text[..end].to_owned();
            if end == text.len() {
                reply.phase = ReplyPhase::Done;
            }
        }
        streamed.update(0, &cells[0]);
    }
    let mut opened = reply_done(text);
    if let Cell::Reply(reply) = &mut opened {
        reply.reply.seams.push(seam());
    }
    assert_eq!(seam_row(&laid_out(&[opened], 60)), seam_row(&streamed));
}

fn reply_done(text: &str) -> Cell {
    let mut cell = reply(text);
    if let Cell::Reply(reply) = &mut cell {
        reply.phase = ReplyPhase::Done;
    }
    cell
}

#[test]
fn after_a_resize_what_is_seen_is_right_at_once_and_the_rest_in_slices() {
    let cells = conversation(200);
    let mut layout = laid_out(&cells, 80);
    layout.set_width(50, &cells, 100);
    let whole = laid_out(&cells, 50);
    for index in 90..110 {
        assert_eq!(texts(&layout, index), texts(&whole, index));
    }
    assert!(layout.rows(10).is_none(), "far cells are only estimated");
    let mut slices = 0;
    while layout.refine(&cells, 4096) {
        slices += 1;
    }
    assert!(slices > 5, "{slices}");
    assert_eq!(layout.lines(), whole.lines());
    assert_eq!(layout.top_of(123), whole.top_of(123));
}

#[test]
fn measuring_what_a_resize_left_estimated_moves_nothing_on_screen() {
    let cells = conversation(200);
    let mut layout = laid_out(&cells, 80);
    layout.set_width(50, &cells, cells.len());
    let shown = |layout: &Layout| {
        let top = layout.follow_top(40);
        (0..40).map(|row| layout.locate(top + row)).collect::<Vec<_>>()
    };
    let before = shown(&layout);
    while layout.refine(&cells, 1024) {
        assert_eq!(shown(&layout), before);
    }
    assert_eq!(shown(&layout), before);
}

#[test]
fn following_never_hides_the_end_and_moves_in_jumps() {
    let mut cells = vec![user("q"), reply("")];
    let mut layout = laid_out(&cells, 40);
    let (rows, mut moves, mut last) = (20, 0, 0);
    for n in 0..200 {
        grow(&mut cells[1], &format!("line {n}\n\n"));
        layout.update(1, &cells[1]);
        let top = Scroll::Follow.top(&layout, rows);
        assert!(layout.lines() <= top + usize::from(rows), "the end is out of sight");
        assert!(layout.lines() + JUMP > top + usize::from(rows) || top == 0, "too much is blank");
        assert!(top >= last, "it went back");
        moves += usize::from(top != last);
        last = top;
    }
    assert!(moves <= layout.lines() / 5 + 1, "{moves} moves for {} lines", layout.lines());
}

#[test]
fn text_that_arrives_never_moves_what_is_being_read() {
    let mut cells = conversation(20);
    cells.push(reply("begin "));
    let mut layout = laid_out(&cells, 60);
    let scroll = Scroll::Follow.by(&layout, 20, -15);
    let before = scroll.top(&layout, 20);
    let last = cells.len() - 1;
    for _ in 0..50 {
        grow(&mut cells[last], "more text that wraps and wraps ");
        layout.update(last, &cells[last]);
        assert_eq!(scroll.top(&layout, 20), before);
    }
    assert!(scroll.new_below(&layout) > 10);
}

#[test]
fn find_names_the_row_that_holds_the_words() {
    let cells = vec![user("alpha"), reply("beta gamma"), note("Gamma ray")];
    let layout = laid_out(&cells, 40);
    assert_eq!(layout.find(&cells, "GAMMA"), [(1, 1), (2, 0)]);
    assert_eq!(layout.find(&cells, ""), []);
}

#[test]
fn a_doubt_about_an_answer_stands_above_its_footer() {
    let mut cell = reply_done("It stops in the");
    let doubts = |cell: &Cell| {
        let layout = laid_out(std::slice::from_ref(cell), 60);
        let rows = layout.rows(0).unwrap();
        (0..rows.height()).filter(|line| rows.row(*line) == Row::Doubt).count()
    };
    assert_eq!(doubts(&cell), 0);
    if let Cell::Reply(reply) = &mut cell {
        reply.reply.verdict = Some(crate::domain::Verdict {
            truncated: false,
            confidence: 0.4,
            evidence: vec![crate::domain::Evidence::MidSentence],
        });
    }
    assert_eq!(doubts(&cell), 1);
}
