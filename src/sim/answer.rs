//! What a simulated model says to a request, and how many tokens that takes.
//!
//! Owns: lengths and voices, the test prompts (`sim:tokens=5000`, `sim:echo …`, `sim:escape`,
//! `sim:cjk`, `sim:topic=NAME`), continuing a partial answer, caps and stop texts. Must not know:
//! frames, sockets, time. Invariant: the same request to the same model gives the same answer.

use serde_json::{Value, json};

use super::ask::{Ask, Said, Who};
use super::habits::{Continuing, Length, ModelHabits, Thinks};
use super::library::{self, Reply};
use super::tokens;

/// Why an answer ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ends {
    /// It is whole.
    Stop,
    /// One of the caller's stop texts came up.
    StopText(String),
    /// The cap was reached.
    Length,
    /// A content filter stepped in.
    Filter,
    /// A tool is called.
    Tool,
}

/// An answer, ready to be sent in any dialect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Thinking.
    pub reasoning: String,
    /// Text.
    pub text: String,
    /// A tool call: its name and its arguments as JSON text.
    pub tool: Option<(String, String)>,
    /// Why it ends.
    pub ends: Ends,
    /// Prompt tokens.
    pub prompt_tokens: u64,
    /// Those of them read from the server's prompt cache: the conversation up to the newest message,
    /// in blocks of 64.
    pub cached_tokens: u64,
}

impl Answer {
    /// Tokens of thinking.
    pub fn thought_tokens(&self) -> u64 {
        tokens::count(&self.reasoning)
    }

    /// Tokens generated, thinking included.
    pub fn output_tokens(&self) -> u64 {
        let tool =
            self.tool.as_ref().map_or(0, |(name, args)| tokens::count(name) + tokens::count(args));
        self.thought_tokens() + tokens::count(&self.text) + tool
    }

    /// Cuts thinking and text together to so many tokens; `true` if anything was cut.
    pub fn cut_to(&mut self, cap: u64) -> bool {
        let before = self.output_tokens();
        let thought = self.thought_tokens().min(cap);
        self.reasoning = first(&self.reasoning, thought);
        self.text = first(&self.text, cap - thought);
        self.output_tokens() < before
    }
}

/// Tokens a message costs beside its text: role and separators.
const PER_MESSAGE: u64 = 4;
/// Tokens a server's prompt cache keeps together.
const CACHE_BLOCK: u64 = 64;

/// Tokens of a prompt.
pub fn prompt_tokens(ask: &Ask) -> u64 {
    ask.said.iter().map(said_tokens).sum::<u64>() + 3
}

fn said_tokens(said: &Said) -> u64 {
    tokens::count(&said.text) + PER_MESSAGE
}

/// What a model of these habits says.
pub fn answer(ask: &Ask, model: &ModelHabits, continuing: Continuing) -> Answer {
    let turns = ask.said.iter().rposition(|said| said.who == Who::Assistant).map_or(0, |at| at + 1);
    let seen: u64 = ask.said[..turns].iter().map(said_tokens).sum();
    let mut answer = Answer {
        reasoning: String::new(),
        text: String::new(),
        tool: None,
        ends: Ends::Stop,
        prompt_tokens: prompt_tokens(ask),
        cached_tokens: seen / CACHE_BLOCK * CACHE_BLOCK,
    };
    let resume = partial(ask, continuing);
    if let Some(call) = tool_call(ask) {
        answer.tool = Some(call);
        answer.ends = Ends::Tool;
        return answer;
    }
    let thinks = match model.thinks {
        Thinks::Never => false,
        Thinks::Asked => ask.think == Some(true),
        Thinks::Always => ask.think != Some(false),
    };
    if let Some(resume) = resume {
        // A voice that would have said what is written goes on to its own end; one that is already past
        // it says all there is.
        let (_, own) = compose(ask, resume.prompt, model.length);
        let goes_on = own.len() > resume.written.len() && own.starts_with(resume.written);
        let whole = if goes_on { own } else { compose(ask, resume.prompt, Length::Full).1 };
        let rest = rest_of(&whole, resume.written);
        answer.text = if resume.repeats { format!("{}{rest}", resume.written) } else { rest };
    } else {
        let (think, text) = compose(ask, ask.prompt(), model.length);
        answer.text = text;
        if answer.text.len() > LONGER && may_close(ask) {
            answer.text = join(&[&answer.text, &model.closing]);
        }
        if thinks {
            answer.reasoning = think;
        }
    }
    if let Some((at, stop)) =
        ask.stops.iter().filter_map(|stop| Some((answer.text.find(&**stop)?, stop))).min()
    {
        answer.text.truncate(at);
        answer.ends = Ends::StopText(stop.clone());
    }
    let cap = ask.cap.unwrap_or(model.max_output).min(model.max_output);
    if answer.cut_to(cap) {
        answer.ends = Ends::Length;
    }
    answer
}

/// The first `n` tokens of a text.
pub fn first(text: &str, n: u64) -> String {
    tokens::pieces(text).take(n as usize).collect()
}

/// Bytes from which an answer is long enough for a closing word.
const LONGER: usize = 300;

/// Whether a closing word would be in place: not behind JSON, a translation or a poem.
fn may_close(ask: &Ask) -> bool {
    !ask.json && library::topic(ask.prompt()).is_some_and(|topic| !topic.bare)
}

struct Resume<'a> {
    prompt: &'a str,
    written: &'a str,
    repeats: bool,
}

/// Whether the request asks to go on with a partial answer, and with which.
fn partial(ask: &Ask, continuing: Continuing) -> Option<Resume<'_>> {
    if let Some(last) = ask.trailing() {
        let taken = match continuing {
            Continuing::Prefix | Continuing::Repeats => last.mark == Some("prefix"),
            Continuing::Partial => last.mark == Some("partial"),
            Continuing::Continues => true,
            Continuing::StartsOver | Continuing::Refuses => false,
        };
        let repeats = continuing == Continuing::Repeats;
        return taken.then(|| Resume { prompt: ask.prompt(), written: &last.text, repeats });
    }
    // In words: an assistant message, then a person who says to continue where it stopped.
    let [.., asked, written, last] = ask.said.as_slice() else { return None };
    let words = last.text.to_lowercase();
    let told = words.contains("continue")
        && ["exactly", "where", "left off", "cut off", "stopped"].iter().any(|w| words.contains(w));
    (told && written.who == Who::Assistant && asked.who == Who::User).then(|| Resume {
        prompt: &asked.text,
        written: &written.text,
        repeats: false,
    })
}

/// What follows `written` in `whole`: right after it, or after the end of it that `whole` also has,
/// or else from the next paragraph on.
fn rest_of(whole: &str, written: &str) -> String {
    if let Some(rest) = whole.strip_prefix(written) {
        return rest.to_owned();
    }
    for len in [160, 80, 40, 24] {
        let start = written.char_indices().rev().nth(len - 1).map(|(at, _)| at);
        if let Some(tail) = start.map(|at| &written[at..])
            && let Some((_, rest)) = whole.rsplit_once(tail)
        {
            return rest.to_owned();
        }
    }
    let mut at = written.len().min(whole.len());
    while !whole.is_char_boundary(at) {
        at -= 1;
    }
    match whole[at..].split_once("\n\n") {
        Some((_, rest)) => format!("\n\n{rest}"),
        None => "\n\nThat is all there is to it.".to_owned(),
    }
}

/// Thinking and text for a prompt.
fn compose(ask: &Ask, prompt: &str, length: Length) -> (String, String) {
    if let Some(text) = special(prompt) {
        return (String::new(), text);
    }
    if let Some(result) = ask.said.last().filter(|said| said.tool_result) {
        return (String::new(), format!("The tool says: {}", result.text.trim()));
    }
    let Some(topic) = library::topic(prompt) else {
        return follow_up(ask, prompt, length).unwrap_or_else(|| generic(ask, prompt, length));
    };
    let reply = library::reply(&topic.file).unwrap_or_default();
    (reply.think.to_owned(), say(&reply, length))
}

fn say(reply: &Reply, length: Length) -> String {
    let parts: &[&str] = match length {
        Length::Tiny if !reply.tiny.is_empty() => &[reply.tiny],
        Length::Tiny => &[reply.answer.split("\n\n").next().unwrap_or_default()],
        Length::Brief => &[reply.answer],
        Length::Usual => &[reply.answer, reply.more],
        Length::Full => &[reply.answer, reply.more, reply.most],
    };
    join(parts)
}

fn join(parts: &[&str]) -> String {
    parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("\n\n")
}

/// Letters up to which a message that names no topic can be about the one before.
const SHORT: usize = 60;

/// Words of a message that goes on from what was said.
const GOES_ON: &[&str] = &[
    "it",
    "its",
    "that",
    "this",
    "these",
    "those",
    "them",
    "there",
    "they",
    "more",
    "else",
    "again",
    "why",
    "how so",
    "really",
    "and",
    "but",
    "then",
    "so",
    "shorter",
    "longer",
    "simpler",
    "example",
    "go on",
    "continue",
    "explain",
    "detail",
    "details",
    "sure",
    "instead",
    "still",
    "thanks",
    "为什么",
    "继续",
    "例子",
    "更多",
    "详细",
    "那",
    "这",
    "还有",
];

/// More on the topic of an earlier message, when the newest one is short, names none and goes on from
/// what was said.
fn follow_up(ask: &Ask, prompt: &str, length: Length) -> Option<(String, String)> {
    let lower = prompt.to_lowercase();
    let goes_on = || GOES_ON.iter().any(|word| library::holds(&lower, word));
    if prompt.chars().count() > SHORT || length == Length::Tiny || !goes_on() {
        return None;
    }
    let mut earlier = ask.said.iter().rev().filter(|said| said.who == Who::User).skip(1);
    let topic = earlier.find_map(|said| library::topic(&said.text))?;
    let reply = library::reply(&topic.file)?;
    let text = join(&[reply.more, if length == Length::Full { reply.most } else { "" }]);
    (!text.is_empty() && !topic.bare).then(|| (reply.think.to_owned(), text))
}

/// A graceful answer to anything else: it restates the question and says what it is.
fn generic(ask: &Ask, prompt: &str, length: Length) -> (String, String) {
    let han = prompt.chars().filter(|c| ('\u{4e00}'..='\u{9fff}').contains(c)).count();
    let lower = prompt.to_lowercase();
    let codeish = prompt.contains("```")
        || ["code", "function", "bug", "compile", "script", "implement"]
            .iter()
            .any(|word| lower.contains(word));
    if ask.json {
        let value = json!({ "simulated": true, "question": restated(prompt), "answer": Value::Null,
            "note": "The simulated fleet has no reply on this topic." });
        return (String::new(), format!("{value:#}"));
    }
    let kind = if length == Length::Tiny {
        "tiny"
    } else if han * 4 > prompt.chars().count() {
        "zh"
    } else if codeish {
        "code"
    } else if prompt.trim_end().ends_with('?') {
        "question"
    } else {
        "statement"
    };
    let fill = |name: &str| library::part("generic", name).replace("{prompt}", &restated(prompt));
    let more = fill(if kind == "zh" { "zh-more" } else { "more" });
    let parts = [
        fill(kind),
        if matches!(length, Length::Usual | Length::Full) { more } else { String::new() },
    ];
    (fill("think"), join(&[&parts[0], &parts[1]]))
}

/// The first line of a prompt, short enough to be quoted.
fn restated(prompt: &str) -> String {
    const LONGEST: usize = 90;
    let line = prompt.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("(nothing)");
    let clean: String = line.chars().filter(|c| !c.is_control() && *c != '`').collect();
    if clean.chars().count() <= LONGEST {
        return clean;
    }
    let cut: String = clean.chars().take(LONGEST).collect();
    format!("{}…", cut.rsplit_once(' ').map_or(&*cut, |(head, _)| head))
}

/// Greatest number of tokens `sim:tokens=` gives.
const MOST_TOKENS: u64 = 1_000_000;

/// The answer to a test prompt.
fn special(prompt: &str) -> Option<String> {
    let order = prompt.trim_start().strip_prefix("sim:")?;
    let (word, rest) = order.split_once(char::is_whitespace).unwrap_or((order, ""));
    if let Some(n) = word.strip_prefix("tokens=") {
        return Some(document(n.parse().unwrap_or(100).min(MOST_TOKENS)));
    }
    if let Some(name) = word.strip_prefix("topic=") {
        return library::reply(name).map(|reply| say(&reply, Length::Full));
    }
    match word {
        "echo" => Some(rest.to_owned()),
        "escape" => Some(library::part("generic", "escape").replace("{esc}", ESCAPES)),
        "cjk" => Some(library::part("generic", "cjk").to_owned()),
        _ => None,
    }
}

/// Everything a terminal might obey: colours, cursor moves, titles, clipboard (OSC 52), links,
/// device queries, alternate screen, DCS, C1 controls, bidi overrides, zero-width and control bytes.
const ESCAPES: &str = "\u{1b}[31mred\u{1b}[0m \u{1b}[2J\u{1b}[H\u{1b}[10A\u{1b}]0;stolen title\u{7} \
    \u{1b}]52;c;c3RvbGVu\u{7} \u{1b}]8;;https://example.com/\u{1b}\\link\u{1b}]8;;\u{1b}\\ \
    \u{1b}[c\u{1b}[6n \u{1b}[?1049h \u{1b}P$qm\u{1b}\\ \u{9b}32mgreen\u{9b}0m \u{90}q\u{9c} \
    \u{202e}desrever\u{202c} \u{2066}isolated\u{2069} a\u{200b}b\u{feff}c \u{8}\u{8}\u{7f}\u{0}\r\
    overwritten? \u{e000} \u{fffd}";

/// A Markdown document of exactly `n` tokens.
fn document(n: u64) -> String {
    let page = library::part("generic", "document");
    let mut text = String::new();
    let (mut left, mut number) = (n, 1_u64);
    while left > 0 {
        let part = format!("{}\n\n", page.replace("{n}", &number.to_string()));
        let count = tokens::count(&part);
        if count <= left {
            text.push_str(&part);
        } else {
            text.push_str(&first(&part, left));
        }
        left = left.saturating_sub(count);
        number += 1;
    }
    text
}

/// A call of the first tool offered, where one must be used or the prompt says `sim:tool`.
fn tool_call(ask: &Ask) -> Option<(String, String)> {
    let (tool, forced) = ask.tool.as_ref()?;
    let wanted = *forced || ask.prompt().trim_start().starts_with("sim:tool");
    if !wanted || ask.said.last().is_some_and(|said| said.tool_result) {
        return None;
    }
    let function = tool.get("function").unwrap_or(tool);
    let name = function["name"].as_str()?.to_owned();
    let schema = function.get("parameters").or_else(|| function.get("input_schema"));
    let fields = schema.and_then(|schema| schema["properties"].as_object());
    let arguments: serde_json::Map<String, Value> = fields
        .into_iter()
        .flatten()
        .map(|(name, field)| (name.clone(), sample(field, ask.prompt())))
        .collect();
    Some((name, Value::Object(arguments).to_string()))
}

fn sample(field: &Value, prompt: &str) -> Value {
    if let Some(first) = field["enum"].as_array().and_then(|options| options.first()) {
        return first.clone();
    }
    match field["type"].as_str() {
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(true),
        Some("array") => json!([]),
        Some("object") => json!({}),
        _ => json!(restated(prompt)),
    }
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
