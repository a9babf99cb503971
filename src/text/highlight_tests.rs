//! Tests of highlighting.

use super::*;
use proptest::prelude::*;

/// The tokens of a block as `kind:text`, plain text left out.
fn tokens(lang: &str, code: &str) -> Vec<String> {
    let mut highlighter = Highlighter::new(language(lang).unwrap());
    let mut out = Vec::new();
    let mut shown = Vec::new();
    for line in code.lines() {
        highlighter.line(line, &mut out);
        let mut start = 0;
        for &(end, kind) in &out {
            let text = line[start..end].trim();
            start = end;
            if !matches!(kind, TokenKind::Plain | TokenKind::Punctuation) && !text.is_empty() {
                shown.push(format!("{kind:?}:{text}"));
            }
        }
    }
    shown
}

#[test]
fn rust_lifetimes_characters_raw_strings_and_nested_comments() {
    assert_eq!(
        tokens(
            "rust",
            "fn f<'a>(x: &'a str) -> char { 'x' } /* a /* b */ c */ let s = r#\"a\"b\"#; // e"
        ),
        [
            "Keyword:fn",
            "Attribute:'a",
            "Attribute:'a",
            "Type:str",
            "Type:char",
            "Text:'x'",
            "Comment:/* a /* b */ c */",
            "Keyword:let",
            "Text:r#\"a\"b\"#",
            "Comment:// e"
        ]
    );
    assert_eq!(
        tokens("rs", "#[derive(Debug)]\nprintln!(\"{}\", 0x1f_u8 + 1.5e-3);"),
        [
            "Attribute:#[derive(Debug)]",
            "Function:println!",
            "Text:\"{}\"",
            "Number:0x1f_u8",
            "Number:1.5e-3"
        ]
    );
}

#[test]
fn strings_and_comments_go_on_in_the_next_line() {
    assert_eq!(
        tokens("python", "x = \"\"\"a\nb\"\"\" # c\ndef f(): return None"),
        [
            "Text:\"\"\"a",
            "Text:b\"\"\"",
            "Comment:# c",
            "Keyword:def",
            "Keyword:return",
            "Constant:None"
        ]
        .map(str::to_owned)
        .into_iter()
        .flat_map(|token| if token == "Keyword:def" {
            vec![token, "Function:f".into()]
        } else {
            vec![token]
        })
        .collect::<Vec<_>>()
    );
    assert_eq!(tokens("c", "/* a\n b */ int x;"), ["Comment:/* a", "Comment:b */", "Type:int"]);
    assert_eq!(tokens("js", "`a\n${b}`"), ["Text:`a", "Text:${b}`"]);
}

#[test]
fn keys_are_told_from_values() {
    assert_eq!(
        tokens("json", "{\"a\": \"b\", \"c\": 1}"),
        ["Attribute:\"a\"", "Text:\"b\"", "Attribute:\"c\"", "Number:1"]
    );
    assert_eq!(
        tokens("toml", "[a.b]\nc = \"d\" # e"),
        ["Type:[a.b]", "Attribute:c", "Text:\"d\"", "Comment:# e"]
    );
    assert_eq!(
        tokens("yaml", "- a: true\n  b: \"c\"\n  - http://x"),
        ["Attribute:a", "Constant:true", "Attribute:b", "Text:\"c\""]
    );
    assert_eq!(
        tokens("css", "a { color: #fff; margin: 4px }"),
        ["Attribute:color", "Number:#fff", "Attribute:margin", "Number:4px"]
    );
}

#[test]
fn shells_sql_markup_and_patches_are_read() {
    assert_eq!(
        tokens("bash", "for i in $(ls); do echo \"$i\" ${x}#1; done # c"),
        [
            "Keyword:for",
            "Keyword:in",
            "Keyword:do",
            "Keyword:echo",
            "Text:\"$i\"",
            "Attribute:${x}",
            "Number:1",
            "Keyword:done",
            "Comment:# c"
        ]
    );
    assert_eq!(
        tokens("SQL", "select count(*) FROM t -- x"),
        ["Keyword:select", "Function:count", "Keyword:FROM", "Comment:-- x"]
    );
    assert_eq!(
        tokens("html", "<p class=\"a\">x &amp; y</p><!-- a\nb -->"),
        [
            "Keyword:p",
            "Attribute:class",
            "Text:\"a\"",
            "Constant:&amp;",
            "Keyword:p",
            "Comment:<!-- a",
            "Comment:b -->"
        ]
    );
    assert_eq!(
        tokens("diff", "@@ -1 +1 @@\n-a\n+b\n c"),
        ["Attribute:@@ -1 +1 @@", "Deleted:-a", "Inserted:+b"]
    );
}

#[test]
fn very_long_lines_stay_plain() {
    let line = "let ".repeat(1000);
    let mut out = Vec::new();
    Highlighter::new(language("rust").unwrap()).line(&line, &mut out);
    assert_eq!(out, [(line.len(), TokenKind::Plain)]);
}

#[test]
fn names_are_known_in_any_case_and_once() {
    assert!(language("Rust").is_some());
    assert!(language("no-such-language").is_none());
    let mut names: Vec<&str> =
        LANGUAGES.iter().flat_map(|language| language.names).copied().collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}

proptest! {
    #[test]
    fn tokens_cover_any_line_in_any_language(
        which in 0..LANGUAGES.len(),
        lines in prop::collection::vec("[ -~日é'\"`#/*<>{}\\[\\]$@:!=-]{0,40}", 0..6),
    ) {
        let mut highlighter = Highlighter::new(&LANGUAGES[which]);
        let mut out = Vec::new();
        for line in &lines {
            highlighter.line(line, &mut out);
            let mut start = 0;
            for &(end, _) in &out {
                prop_assert!(end > start && line.is_char_boundary(end));
                start = end;
            }
            prop_assert_eq!(start, line.len());
        }
    }
}
