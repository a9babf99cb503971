//! A conversation as a page that needs nothing else and runs nothing.
//!
//! Must not know: files. Invariant: what people and models wrote is never markup of this page. Of the
//! Markdown models write, its own elements are all there is: HTML in it stays text, a link leads to the
//! web or nowhere, and nothing is loaded.

use std::fmt::Write as _;

use jiff::tz::TimeZone;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, html::push_html};

use crate::domain::{MessageId, Part, Role};

use super::super::SessionDetail;
use super::{clean, counted, heading, line, marked, moment, paid, part};

/// Extensions models use. Formulas are told from emphasis and stay as they were written.
const EXTENSIONS: Options = Options::ENABLE_TABLES
    .union(Options::ENABLE_STRIKETHROUGH)
    .union(Options::ENABLE_TASKLISTS)
    .union(Options::ENABLE_MATH);

/// As HTML shows it, whatever it holds.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for letter in clean(text).chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

const STYLE: &str = "body{max-width:46rem;margin:2rem auto;padding:0 1rem;font:16px/1.5 system-ui,\
sans-serif;color:#222;background:#fff}h1{font-size:1.4rem}h2{font-size:.85rem;color:#666;\
margin:1.6rem 0 .3rem}pre{white-space:pre-wrap;overflow-wrap:anywhere;font:inherit;margin:0}\
.said pre{background:#8881;padding:.6rem .8rem}code{font:.9em/1.4 ui-monospace,monospace}\
.said{overflow-wrap:anywhere}table{border-collapse:collapse}td,th{border:1px solid #8886;\
padding:.2rem .6rem}\
.user{border-left:3px solid #59c;padding-left:.8rem}.aside{color:#666;font-size:.9rem}\
@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}h2,.aside{color:#999}}";

/// One branch as a page that needs nothing else and runs nothing.
pub fn html(session: &SessionDetail, leaf: Option<MessageId>, zone: &TimeZone) -> String {
    let row = &session.row;
    let title = escaped(&line(&row.title));
    let mut out = format!(
        "<!doctype html>\n<html><head><meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'\">\n<meta name=\"referrer\" content=\"no-referrer\">\n<title>{title}</title>\n<style>{STYLE}</style></head>\n\
         <body>\n<h1>{title}</h1>\n"
    );
    let branch = session.branch(leaf);
    let _ = writeln!(
        out,
        "<p class=\"aside\">{} · {} · {}</p>",
        moment(row.created, zone),
        counted(session, branch.len()),
        paid(session, branch.len())
    );
    if let Some(system) = &session.system {
        let _ = writeln!(out, "<h2>System</h2>\n<pre class=\"aside\">{}</pre>", escaped(system));
    }
    for (kept, private) in marked(session, &branch) {
        let _ = writeln!(out, "<h2>{}</h2>", escaped(&heading((kept, private), zone)));
        for piece in &kept.message.parts {
            let class = match (piece, kept.message.role) {
                (Part::Text { .. }, Role::User) => "user",
                (Part::Text { .. }, Role::System | Role::Assistant | Role::Tool) => "said",
                (
                    Part::Image { .. }
                    | Part::ToolCall { .. }
                    | Part::ToolResult { .. }
                    | Part::Reasoning { .. }
                    | Part::Other { .. },
                    _,
                ) => "aside",
            };
            let words = part(piece);
            let _ = match class {
                // What models write is Markdown; what people write is as they wrote it.
                "said" => writeln!(out, "<div class=\"said\">{}</div>", rendered(&words)),
                class => writeln!(out, "<pre class=\"{class}\">{}</pre>", escaped(&words)),
            };
        }
    }
    out.push_str("</body></html>\n");
    out
}

/// Markdown as HTML.
fn rendered(source: &str) -> String {
    let source = clean(source);
    let mut kept = Vec::new();
    let events =
        Parser::new_ext(&source, EXTENSIONS).filter_map(|event| harmless(event, &mut kept));
    let mut out = String::with_capacity(source.len() + source.len() / 4);
    push_html(&mut out, events);
    out
}

/// What is left of an event: HTML is text, an image a link to it, a link to anything but the web its
/// words. `links` tells of each link that is open whether it is kept.
fn harmless<'a>(event: Event<'a>, links: &mut Vec<bool>) -> Option<Event<'a>> {
    Some(match event {
        Event::Html(raw) | Event::InlineHtml(raw) => Event::Text(raw),
        Event::Start(Tag::HtmlBlock) => Event::Start(Tag::Paragraph),
        Event::End(TagEnd::HtmlBlock) => Event::End(TagEnd::Paragraph),
        Event::InlineMath(formula) => Event::Text(format!("${formula}$").into()),
        Event::DisplayMath(formula) => Event::Text(format!("$${formula}$$").into()),
        Event::Start(
            Tag::Link { link_type, dest_url, title, id }
            | Tag::Image { link_type, dest_url, title, id },
        ) => {
            let web = ["https://", "http://", "mailto:"];
            links.push(web.iter().any(|scheme| starts_with(&dest_url, scheme)));
            if links.last() != Some(&true) {
                return None;
            }
            Event::Start(Tag::Link { link_type, dest_url, title, id })
        }
        Event::End(TagEnd::Link | TagEnd::Image) => {
            return (links.pop() == Some(true)).then_some(Event::End(TagEnd::Link));
        }
        other => other,
    })
}

/// Does it begin so, in capitals or small letters?
fn starts_with(text: &str, begin: &str) -> bool {
    text.get(..begin.len()).is_some_and(|head| head.eq_ignore_ascii_case(begin))
}
