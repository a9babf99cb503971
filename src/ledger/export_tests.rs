//! What a conversation looks like as a document, and that nothing hostile in it is more than text.

use super::*;
use crate::domain::{Audience, Cost, Heard, Message, Money, SessionId};
use crate::ledger::SessionRow;
use uuid::Uuid;

const HOSTILE: &str =
    "</pre><script>alert('x')</script>\u{1b}]0;title\u{7}\u{202e}\"&'\n```\nfence";

fn session() -> SessionDetail {
    let id = |n| MessageId(Uuid::from_u128(n));
    let kept = |n, parent: Option<u128>, message, model: Option<&str>| KeptMessage {
        id: id(n),
        parent: parent.map(id),
        message,
        at: UnixMs(0),
        request: None,
        model: model.map(str::to_owned),
        provider: None,
        finish: model.map(|_| "interrupted".to_owned()),
        seams: Vec::new(),
        tags: Vec::new(),
        heard: Heard::Sent,
    };
    let tool = Message {
        role: Role::Assistant,
        parts: vec![
            Part::Reasoning { text: HOSTILE.into(), signature: None },
            Part::ToolCall { id: "1".into(), name: HOSTILE.into(), arguments: HOSTILE.into() },
        ],
    };
    SessionDetail {
        row: SessionRow {
            id: SessionId(Uuid::from_u128(9)),
            title: HOSTILE.into(),
            created: UnixMs(0),
            updated: UnixMs(0),
            origin: "chat".into(),
            messages: 4,
            cost: Cost { amount: Money::from_pico(1_500_000_000), exact: false },
            forked_from: None,
        },
        system: Some(HOSTILE.into()),
        system_for: Audience::Anybody,
        messages: vec![
            kept(1, None, Message::user("first"), None),
            kept(2, Some(1), Message::assistant("left branch"), Some("a")),
            kept(3, Some(1), Message::assistant(HOSTILE), Some("<b>")),
            kept(4, Some(3), tool, Some("c")),
        ],
    }
}

#[test]
fn a_private_question_and_its_answer_are_both_marked() {
    let mut session = session();
    session.messages[0].tags = vec!["Private".to_owned()];
    for text in [markdown(&session, None, &TimeZone::UTC), html(&session, None, &TimeZone::UTC)] {
        assert_eq!(text.matches(" · private").count(), 3, "{text}");
    }
    let value = json(&session, &BTreeMap::new());
    let private = value["messages"].as_array().unwrap().iter().map(|one| &one["private"]);
    assert!(private.clone().all(|one| *one == true) && private.count() == 4, "on every way");
    session.messages[0].tags.clear();
    let value = json(&session, &BTreeMap::new());
    assert_eq!(value["messages"][1]["private"], false);
}

#[test]
fn words_of_its_own_are_written_otherwise_and_what_was_said_is_not() {
    let mut session = session();
    session.messages[0].message = Message::user("a · b");
    let own = |words: &str| words.replace('·', "-");
    let text = markdown_in(&session, None, &TimeZone::UTC, own);
    assert!(text.contains("a · b") && text.matches('·').count() == 1, "{text}");
}

#[test]
fn hostile_text_is_data_in_html() {
    let page = html(&session(), None, &TimeZone::UTC);
    assert!(!page.contains("<script") && !page.contains("<b>"), "{page}");
    // In what thought or called, and in what was said.
    assert!(page.contains("&lt;/pre&gt;&lt;script&gt;alert(&#39;x&#39;)"), "{page}");
    assert!(page.contains("&lt;/pre&gt;&lt;script&gt;alert('x')&lt;/script&gt;"), "{page}");
    assert!(page.contains("default-src 'none'"));
    assert_eq!(page.matches("<pre").count(), page.matches("</pre>").count());
}

/// The page of one answer.
fn page(answer: &str) -> String {
    let mut session = session();
    session.messages.truncate(2);
    session.messages[1].message = Message::assistant(answer);
    html(&session, None, &TimeZone::UTC)
}

#[test]
fn what_a_model_writes_is_shown_as_it_was_meant() {
    let answer = "A **bold** word, 漢字, $a_b$.\n\n```rust\nlet a = &b<c>;\n```\n\n| x | y |\n|---|---|\n\
                  | 1 | 2 |\n\n1. one\n2. [two](https://example.org/a?b=1&c=2)\n";
    let page = page(answer);
    for part in [
        "<strong>bold</strong> word, 漢字, $a_b$.",
        "<pre><code class=\"language-rust\">let a = &amp;b&lt;c&gt;;",
        "<td>1</td>",
        "<ol>\n<li>one</li>",
        "<a href=\"https://example.org/a?b=1&amp;c=2\">two</a>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[test]
fn nothing_a_model_writes_loads_runs_or_leads_anywhere_but_to_the_web() {
    let answer = "<img src=x onerror=alert(1)>\n\n<div onclick='x()'>\n\na <b>b</b> c\n\n\
                  ![seen](https://example.org/pixel.png) ![gone](data:image/png;base64,AA) \
                  [one](javascript:alert(1)) [two](&#106;avascript:alert(2)) [three](JAVASCRIPT:x) \
                  [four](file:///etc/passwd) <javascript:alert(5)> [**six** <i>i</i>](vbscript:x) \
                  [seven](https://example.org/\"onmouseover=\"x)";
    let page = page(answer);
    let body = &page[page.find("class=\"said\"").unwrap()..];
    for tag in
        ["<img", "<div", "<b>", "<i>", "<script", "href=\"j", "href=\"J", "href=\"f", "href=\"v"]
    {
        assert!(!body.contains(tag), "{tag}: {body}");
    }
    assert!(body.contains("&lt;img src=x onerror=alert(1)&gt;"), "{body}");
    assert!(body.contains("<a href=\"https://example.org/pixel.png\">seen</a> gone"), "{body}");
    assert!(body.contains("<strong>six</strong>") && !body.contains("\"onmouseover=\""), "{body}");
    assert_eq!(body.matches("<a ").count(), body.matches("</a>").count());
}

#[test]
fn no_control_character_survives_in_a_document_for_people() {
    let session = session();
    for text in [html(&session, None, &TimeZone::UTC), markdown(&session, None, &TimeZone::UTC)] {
        let bad = |c: char| (c.is_control() && c != '\n' && c != '\t') || c == '\u{202e}';
        assert!(!text.contains(bad), "{text:?}");
    }
}

#[test]
fn no_control_character_stands_in_printed_json_and_none_is_lost() {
    let mut session = session();
    session.row.title = "\u{9b}31m \u{7f}\u{85}\u{202e} 今天 😀".to_owned();
    let value = json(&session, &BTreeMap::new());
    let text = printed(&value);
    assert!(!text.contains(|c: char| c.is_control() || c == '\u{202e}'), "{text:?}");
    assert!(text.contains("今天 😀"));
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
}

#[test]
fn a_document_follows_one_branch_and_json_holds_all() {
    let session = session();
    let newest = markdown(&session, None, &TimeZone::UTC);
    assert!(!newest.contains("left branch") && newest.contains("first"));
    assert!(newest.contains("at least 0.0015 USD") && newest.contains("interrupted"), "{newest}");
    let left = markdown(&session, Some(MessageId(Uuid::from_u128(2))), &TimeZone::UTC);
    assert!(left.contains("left branch") && !left.contains("(<b>)"));
    let value = json(&session, &BTreeMap::new());
    assert_eq!(value["messages"].as_array().unwrap().len(), 4);
    assert_eq!(value["messages"][2]["text"], HOSTILE);
    assert_eq!(value["messages"][3]["parent"], value["messages"][2]["id"]);
}

#[test]
fn a_fence_is_longer_than_any_in_the_text() {
    assert_eq!(fenced("plain"), "```\nplain\n```");
    assert!(fenced("a ```` b").starts_with("`````\n"));
}

#[test]
fn a_document_counts_the_messages_it_has_and_says_that_there_are_others() {
    let mut whole = session();
    for text in [markdown(&whole, None, &TimeZone::UTC), html(&whole, None, &TimeZone::UTC)] {
        assert!(text.contains(" · 3 of 4 messages, the rest on other branches · "), "{text}");
    }
    whole.messages.remove(1);
    for text in [markdown(&whole, None, &TimeZone::UTC), html(&whole, None, &TimeZone::UTC)] {
        assert!(text.contains(" · 3 messages · "), "{text}");
    }
}
