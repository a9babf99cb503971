//! What is read off a request, locally and in microseconds, before deciding.
//!
//! Owns: the kind of work, its difficulty, language, scripts, sizes and needs. Must not know:
//! models, prices, health. Invariant: the cost is bounded for texts of any length (long ones are read
//! at their ends), and the same request always gives the same features.

mod cues;
mod difficulty;
mod numbers;
mod reading;
mod scripts;

use crate::domain::{Lang, Message, Needs, Part, Request, RequestFeatures, Role, Script, TaskKind};

pub use difficulty::{Surface, difficulty};
pub use scripts::tokens_per_char;

use cues::TABLE;
use reading::{Reading, kind_index};
use scripts::Tally;

/// What everything else weighs against: a text without any cue is chat.
const CHAT_BASE: f32 = 1.0;

/// How much the system prompt's cues count beside the newest message's.
const SYSTEM_SHARE: f32 = 0.4;

/// How much the message before counts when the newest one says little (`now in Python`).
const EARLIER_SHARE: f32 = 0.4;

/// Below so many words the newest message leans on the one before.
const SAYS_LITTLE: u32 = 20;

/// A question that begins so and refers to nothing stands on its own, however short it is.
const ASKS: [&str; 18] = [
    "what", "who", "where", "when", "which", "how", "why", "is", "are", "does", "was", "qué",
    "quién", "wer", "welche", "quel", "quelle", "qui",
];

/// Words that point at what was said before.
const REFERS: [&str; 20] = [
    "it", "its", "this", "that", "these", "those", "them", "they", "he", "she", "same", "above",
    "instead", "again", "else", "other", "second", "first", "das", "cela",
];

/// Does a short message ask something whole, rather than lean on the one before?
fn stands_alone(newest: &str) -> bool {
    let mut words = newest
        .split(|c: char| !c.is_alphanumeric() && c != '\'')
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase);
    let asks = words.next().is_some_and(|first| ASKS.contains(&first.as_str()));
    let rest: Vec<String> = words.collect();
    asks && rest.len() >= 3 && !rest.iter().any(|word| REFERS.contains(&word.as_str()))
}

/// Tokens the frame around one message costs.
const PER_MESSAGE: u64 = 4;

/// Tokens an image costs, roughly, with most providers.
const PER_IMAGE: u64 = 1_000;

/// Reads a request.
pub fn features(request: &Request) -> RequestFeatures {
    let mut users = request.messages.iter().rev().filter(|message| message.role == Role::User);
    let newest = users.next().map(text_of).unwrap_or_default();
    let reading = Reading::of(&newest);
    let mut kinds = kind_scores(&reading, request);
    if reading.words < SAYS_LITTLE
        && !stands_alone(&newest)
        && let Some(earlier) = users.next()
    {
        let earlier = Reading::of(&text_of(earlier));
        add_scaled(&mut kinds, &earlier, EARLIER_SHARE);
    }
    if let Some(system) = &request.system {
        add_scaled(&mut kinds, &Reading::of(system), SYSTEM_SHARE);
    }
    let tasks = shares(&kinds);
    let task = tasks.first().map_or(TaskKind::Chat, |(kind, _)| *kind);
    let surface = surface(&reading, &tasks);
    let difficulty = difficulty(&surface);
    let size = Size::of(request);
    let output_tokens = expected_output(&reading, task, difficulty, request);
    RequestFeatures {
        task,
        tasks,
        difficulty,
        lang: language(&reading, task),
        scripts: size.scripts,
        chars: size.chars,
        input_tokens: size.tokens,
        output_tokens,
        needs: needs(request),
        tags: request.tags.clone(),
    }
}

fn text_of(message: &Message) -> std::borrow::Cow<'_, str> {
    match message.parts.as_slice() {
        [Part::Text { text }] => text.into(),
        _ => message.plain().into(),
    }
}

/// Scores per kind of the newest message, its structure and the request's form included.
fn kind_scores(reading: &Reading, request: &Request) -> [f32; 8] {
    let mut kinds = reading.kinds;
    let mut add = |kind, points: f32| kinds[kind_index(kind)] += points;
    let some = |count: u32, each: f32, most: f32| (count as f32 * each).min(most);
    add(TaskKind::Code, some(reading.fences, 1.5, 3.0));
    add(TaskKind::Code, some(reading.code_marks, 0.5, 4.0));
    add(TaskKind::Code, some(reading.identifiers.saturating_sub(1), 0.3, 2.0));
    add(TaskKind::Reasoning, some(reading.math, 0.5, 3.5));
    if reading.questions > 0 && reading.code_marks == 0 {
        // Several numbers and a question: a word problem.
        add(TaskKind::Reasoning, some(reading.numbers.saturating_sub(2), 0.6, 2.4));
    }
    if reading.asks_about_material && reading.code_marks < 3 {
        add(TaskKind::Extraction, 2.5);
    }
    if request.params.response_format.as_ref().is_some_and(wants_json) {
        add(TaskKind::Structured, 4.0);
    }
    if reading.chars > 700 {
        // The text to work on is in the message.
        for kind in [TaskKind::Summary, TaskKind::Extraction, TaskKind::Translation] {
            if kinds[kind_index(kind)] >= 3.0 {
                kinds[kind_index(kind)] += 2.5;
            }
        }
    }
    kinds
}

fn add_scaled(kinds: &mut [f32; 8], other: &Reading, share: f32) {
    for (sum, points) in kinds.iter_mut().zip(other.kinds) {
        *sum += points.min(8.0) * share;
    }
}

/// The three likeliest kinds with their shares, greatest first; ties go to the earlier kind.
fn shares(kinds: &[f32; 8]) -> Vec<(TaskKind, f32)> {
    let mut kinds = kinds.map(|points| points.min(14.0));
    kinds[kind_index(TaskKind::Chat)] += CHAT_BASE;
    let total: f32 = kinds.iter().sum();
    let mut shares: Vec<(TaskKind, f32)> = TaskKind::ALL
        .into_iter()
        .zip(kinds)
        .filter(|(_, points)| *points > 0.0)
        .map(|(kind, points)| (kind, points / total))
        .collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    shares.truncate(3);
    shares
}

fn share(tasks: &[(TaskKind, f32)], kind: TaskKind) -> f32 {
    tasks.iter().find(|(k, _)| *k == kind).map_or(0.0, |(_, share)| *share)
}

fn surface(reading: &Reading, tasks: &[(TaskKind, f32)]) -> Surface {
    let chars = reading.chars.max(1) as f32;
    Surface {
        words: reading.words as f32,
        variety: reading.distinct / reading.words.max(1) as f32,
        digits: reading.digits as f32 / chars,
        numbers: reading.numbers as f32,
        punctuation: reading.punctuation as f32 / chars,
        math: reading.math as f32,
        code: (reading.code_marks + reading.identifiers + 3 * reading.fences) as f32,
        hard: reading.hard,
        musts: reading.musts,
        steps: reading.steps + reading.list_items as f32 * 0.5,
        reasoning: share(tasks, TaskKind::Reasoning),
        programming: share(tasks, TaskKind::Code),
        easy: reading.easy,
        greet: reading.greet,
    }
}

/// The language the answer has to be good in: the text's own, or, for a translation, the one it
/// names unless that is English.
fn language(reading: &Reading, task: TaskKind) -> Lang {
    let lang = |code: &str| Lang::new(code).unwrap_or(Lang::EN);
    if task == TaskKind::Translation
        && let Some(named) = reading.named.and_then(|index| TABLE.langs.get(usize::from(index)))
        && *named != Lang::EN
    {
        return *named;
    }
    let count = |script| reading.tally.count(script);
    let letters = reading.tally.total() - count(Script::Common);
    let over = |n: u64, percent: u64| n * 100 > letters * percent;
    let east = count(Script::Han) + count(Script::Kana);
    if over(count(Script::Kana), 4) && over(east, 15) {
        return lang("ja");
    }
    if over(count(Script::Han), 15) {
        return lang("zh");
    }
    if over(count(Script::Hangul), 15) {
        return lang("ko");
    }
    if over(count(Script::Cyrillic), 20) {
        return lang(if reading.marks[0] > 0 { "uk" } else { "ru" });
    }
    if over(count(Script::Arabic), 20) {
        let code = match (reading.marks[1] > 0, reading.marks[2] > 0) {
            (true, _) => "he",
            (_, true) => "fa",
            _ => "ar",
        };
        return lang(code);
    }
    if over(count(Script::Indic), 20) {
        return lang("hi");
    }
    if over(u64::from(reading.marks[3]), 20) {
        return lang("el");
    }
    if over(u64::from(reading.marks[4]), 20) {
        return lang("th");
    }
    let mut best = (0, Lang::EN);
    for (lang, hits) in TABLE.langs.iter().zip(reading.stops) {
        if hits > best.0 {
            best = (hits, *lang);
        }
    }
    best.1
}

/// Expected answer tokens, by the kind of work and by how long the words ask it to be.
fn expected_output(reading: &Reading, task: TaskKind, difficulty: f32, request: &Request) -> u64 {
    let length = &reading.length;
    let own = scripts::tokens(u64::from(reading.chars), &reading.tally.shares()) as f32;
    let base = match task {
        TaskKind::Code => 300.0 + 900.0 * difficulty,
        TaskKind::Structured => 180.0 + 300.0 * difficulty,
        TaskKind::Extraction => (own / 6.0).clamp(60.0, 500.0),
        TaskKind::Summary => (own / 4.0).clamp(80.0, 450.0),
        TaskKind::Prose => 450.0 + 300.0 * difficulty,
        TaskKind::Reasoning => 250.0 + 1_200.0 * difficulty,
        TaskKind::Translation => (own * 1.15).clamp(12.0, 8_000.0),
        TaskKind::Chat if reading.greet > 0.0 && reading.words < 8 => 30.0,
        TaskKind::Chat if reading.easy > 0.0 && reading.words < 30 => 70.0,
        TaskKind::Chat => 130.0 + 600.0 * difficulty,
    };
    let asked = if let Some(tokens) = length.exact {
        tokens
    } else if length.word {
        8.0
    } else if length.sentence {
        40.0
    } else if length.paragraph {
        140.0
    } else if length.essay && matches!(task, TaskKind::Prose | TaskKind::Chat) {
        base.max(1_000.0)
    } else if length.long && task != TaskKind::Translation {
        base * 2.0
    } else if length.brief && task != TaskKind::Translation {
        base * 0.55
    } else {
        base
    };
    let asked = asked.clamp(1.0, 16_000.0) as u64;
    request.params.max_tokens.map_or(asked, |cap| asked.min(u64::from(cap).max(1)))
}

/// Every text that is sent, one after the other.
pub fn texts(request: &Request, read: &mut dyn FnMut(&str)) {
    if let Some(system) = &request.system {
        read(system);
    }
    for part in request.messages.iter().flat_map(|message| &message.parts) {
        match part {
            Part::Text { text } | Part::ToolResult { content: text, .. } => read(text),
            Part::Reasoning { text, .. } => read(text),
            Part::ToolCall { name, arguments, .. } => {
                read(name);
                read(arguments);
            }
            Part::Image { .. } => {}
            Part::Other { value } => read(&value.to_string()),
        }
    }
    for tool in &request.tools {
        read(&tool.name);
        read(tool.description.as_deref().unwrap_or_default());
        read(&tool.parameters.to_string());
    }
}

/// Tokens of what is sent besides texts, roughly: the frame around messages, and images.
pub fn frame_tokens(request: &Request) -> u64 {
    let parts = request.messages.iter().flat_map(|message| &message.parts);
    let images = parts.filter(|part| matches!(part, Part::Image { .. })).count() as u64;
    let framed = request.messages.len() as u64 + u64::from(request.system.is_some());
    PER_MESSAGE * framed + PER_IMAGE * images
}

/// Characters, scripts and tokens of everything sent.
struct Size {
    chars: u64,
    scripts: Vec<(Script, f32)>,
    tokens: u64,
}

impl Size {
    fn of(request: &Request) -> Self {
        let mut size = Self { chars: 0, scripts: Vec::new(), tokens: 0 };
        let mut tally = Tally::default();
        texts(request, &mut |text| size.add(&mut tally, text));
        size.scripts = tally.shares();
        size.tokens = scripts::tokens(size.chars, &size.scripts) + frame_tokens(request);
        size
    }

    /// Counts a text; of a long one the scripts are sampled and scaled to its length.
    fn add(&mut self, tally: &mut Tally, text: &str) {
        let chars = if text.is_ascii() { text.len() as u64 } else { text.chars().count() as u64 };
        self.chars += chars;
        let mut own = Tally::default();
        own.add_text(text);
        let sampled = own.total();
        for (index, script) in crate::text::SCRIPTS.iter().enumerate() {
            let count = u128::from(own.count(*script));
            if count > 0 {
                let scaled = count * u128::from(chars) / u128::from(sampled.max(1));
                tally.add_many(index, scaled as u64);
            }
        }
    }
}

fn wants_json(format: &serde_json::Value) -> bool {
    format.get("type").and_then(|kind| kind.as_str()).is_some_and(|kind| kind.starts_with("json"))
}

fn needs(request: &Request) -> Needs {
    let has = |wanted: fn(&Part) -> bool| {
        request.messages.iter().flat_map(|message| &message.parts).any(wanted)
    };
    Needs {
        tools: !request.tools.is_empty() || has(|part| matches!(part, Part::ToolCall { .. })),
        vision: has(|part| matches!(part, Part::Image { .. })),
        json: request.params.response_format.as_ref().is_some_and(wants_json),
    }
}

#[cfg(test)]
#[path = "features_tests.rs"]
mod tests;
