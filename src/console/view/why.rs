//! Why an entry went where it did: the pipeline, the contest, the attempts, other policies, and what
//! would flip it.

use ratatui::layout::Rect;

use super::case::{self, Case};
use super::paint::Ink;
use super::sheet::Sheet;
use super::words;
use crate::console::app::{AppState, Contest, Looks};
use crate::console::theme::{GlyphSet, Token};
use crate::domain::{Candidate, Decision, Money, Outcome};
use crate::engine::{self, LogEntry};
use crate::text::{self, Tongue};

/// From so many columns on, the pipeline stands beside the contest.
const BESIDE: u16 = 112;
/// Columns of the pipeline then.
const PIPELINE: u16 = 45;

pub(super) fn draw(ink: &mut Ink<'_>, state: &AppState, entry: &LogEntry, title: Rect, area: Rect) {
    let case = Case::of_entry(state, entry);
    let name = words::brief(case.answered().unwrap_or("nobody"), 40).to_uppercase();
    let heading = if case.failed() {
        "WHY NOBODY ANSWERED THIS".to_owned()
    } else if case.outcome.is_none() {
        format!("WHY {name} ANSWERS THIS")
    } else {
        format!("WHY {name} ANSWERED THIS")
    };
    let room = usize::from(title.width).saturating_sub(text::width(&heading) + 12);
    let about = about(&case, title.width, room);
    ink.rule(title, &[(&heading, Token::Strong)], &[(&about, Token::Dim)]);
    let contest = state.routes.contest.as_ref().filter(|c| c.request == entry.request);
    let sheets = sheets(&case, contest, area.width, &state.looks);
    let top = state.routes.detail_top.min(sheets.scroll_most(area.height));
    match sheets {
        Sheets::One(sheet) => sheet.draw(ink, area, top),
        Sheets::Beside(one, two) => {
            one.draw(ink, Rect { width: PIPELINE, ..area }, top);
            let right = Rect { x: area.x + PIPELINE + 1, width: area.width - PIPELINE - 1, ..area };
            two.draw(ink, right, top);
            ink.bar(area.x + PIPELINE, area.y, area.bottom());
        }
    }
}

/// How far the explanation of an entry can be scrolled in its area.
pub(super) fn scroll_most(state: &AppState, entry: &LogEntry, area: Rect) -> usize {
    let case = Case::of_entry(state, entry);
    let contest = state.routes.contest.as_ref().filter(|c| c.request == entry.request);
    sheets(&case, contest, area.width, &state.looks).scroll_most(area.height)
}

/// The explanation as it is laid out: in one column, or the pipeline beside the contest.
enum Sheets {
    One(Sheet),
    Beside(Sheet, Sheet),
}

impl Sheets {
    fn scroll_most(&self, rows: u16) -> usize {
        let lines = match self {
            Self::One(sheet) => sheet.len(),
            Self::Beside(one, two) => one.len().max(two.len()),
        };
        lines.saturating_sub(usize::from(rows))
    }
}

fn sheets(case: &Case<'_>, contest: Option<&Contest>, width: u16, looks: &Looks) -> Sheets {
    let (glyphs, tongue) = (GlyphSet::of(looks.glyphs), looks.tongue);
    if width >= BESIDE {
        let right = width - PIPELINE - 1;
        let mut one = pipeline(case, tongue);
        one.append(policies(contest, &case.decision.policy, glyphs));
        one.append(scripts(case));
        let mut two = candidates(case, right, glyphs);
        two.append(attempts(case, right, (glyphs, tongue)));
        two.append(kept(case, right));
        two.append(trouble(case, right, tongue));
        two.append(flips(case, contest, right));
        return Sheets::Beside(one, two);
    }
    let mut sheet = pipeline(case, tongue);
    sheet.line();
    sheet.append(candidates(case, width, glyphs));
    sheet.append(attempts(case, width, (glyphs, tongue)));
    sheet.append(kept(case, width));
    sheet.append(trouble(case, width, tongue));
    sheet.append(flips(case, contest, width));
    sheet.append(policies(contest, &case.decision.policy, glyphs));
    sheet.append(scripts(case));
    Sheets::One(sheet)
}

/// What is known of the decision, as far as it fits beside the heading.
fn about(case: &Case<'_>, width: u16, room: usize) -> String {
    let mut parts = vec![format!("request …{}", case.request.short())];
    if width >= 100 {
        parts.push(format!("policy {}", case.decision.policy));
    }
    if let Some(took) = case.decided_in {
        let micros = took.as_micros();
        parts.push(if micros < 1000 {
            format!("decided in {micros}µs")
        } else {
            format!("decided in {}.{}ms", micros / 1000, micros % 1000 / 100)
        });
    }
    if width >= 110 {
        parts.push("no network used to decide".to_owned());
    }
    while parts.len() > 1 && text::width(&parts.join(" · ")) > room {
        parts.pop();
    }
    parts.join(" · ")
}

/// The nine steps.
fn pipeline(case: &Case<'_>, tongue: Tongue) -> Sheet {
    let decision = case.decision;
    let features = &decision.features;
    let all = decision.candidates.len();
    let able = decision.candidates.iter().filter(|c| !case::unable(c)).count();
    let healthy = decision.ranked().count();
    let sick = decision
        .candidates
        .iter()
        .find(|c| !c.usable() && !case::unable(c))
        .map(|c| {
            format!(
                ", {} {}",
                words::brief(c.model.as_str(), 40),
                c.filtered.first().map_or("", |r| r.code.name())
            )
        })
        .unwrap_or_default();
    let tried: Vec<String> = {
        let mut groups: Vec<(String, u32)> = Vec::new();
        for attempt in case.attempts {
            let name = words::brief(attempt.provider.as_str(), 40);
            match groups.last_mut() {
                Some((last, n)) if *last == name => *n += 1,
                _ => groups.push((name, 1)),
            }
        }
        groups
            .into_iter()
            .map(|(name, n)| if n > 1 { format!("{name} x{n}") } else { name })
            .collect()
    };
    let tried = match case.outcome {
        _ if !tried.is_empty() => tried.join(", then "),
        None => "not yet".to_owned(),
        Some(Outcome { cached: Some(_), .. }) => "nobody: no call was needed".to_owned(),
        Some(Outcome { model: None, .. }) => "nobody".to_owned(),
        Some(_) => "not kept any more".to_owned(),
    };
    let answer = match case.outcome {
        None => "running".to_owned(),
        Some(outcome) => match (&outcome.error, outcome.wait_ms, outcome.cached_words()) {
            (_, _, Some(words)) => words,
            (Some(error), _, _) => tongue.say(&error.message),
            (None, Some(ms), _) => {
                let name = words::brief(case.answered().unwrap_or(""), 20);
                format!("{name}, first token {}", words::seconds(ms))
            }
            (None, None, _) => outcome.finish.name().to_owned(),
        },
    };
    let mut sheet = Sheet::default();
    for (n, (name, value)) in [
        ("asked", case::asked(decision)),
        ("rules", case::rules(decision)),
        ("task", case::tasks(features, true)),
        ("needs", case::needs(features)),
        ("able", format!("{able} of {all} models fit")),
        ("healthy", format!("{healthy} of {able}{sick}")),
        ("score", case::weights(decision)),
        ("tried", tried),
        ("answer", answer),
    ]
    .into_iter()
    .enumerate()
    {
        let bad = name == "answer" && case.failed();
        sheet.line().at(1, (n + 1).to_string(), Token::Dim).at(3, name, Token::Dim).at(
            12,
            value,
            if bad { Token::Bad } else { Token::Fg },
        );
    }
    sheet
}

/// What the cache did, and why.
fn kept(case: &Case<'_>, width: u16) -> Sheet {
    let mut sheet = Sheet::default();
    let Some(note) = case.outcome.and_then(|outcome| outcome.cache_note.as_ref()) else {
        return sheet;
    };
    sheet.line();
    let room = usize::from(width.saturating_sub(2));
    for line in text::wrap_text(&format!("cache: {note}"), room, text::Role::Body) {
        sheet.line().at(1, line.text(), Token::Dim);
    }
    sheet
}

/// What went wrong, told in the user's language; nothing when nothing did.
fn trouble(case: &Case<'_>, width: u16, tongue: Tongue) -> Sheet {
    let mut sheet = Sheet::default();
    let Some(error) = case.outcome.and_then(|outcome| outcome.error.as_ref()) else {
        return sheet;
    };
    let told = engine::tell(error, case.attempts, tongue);
    sheet.line();
    let room = usize::from(width.saturating_sub(2));
    let rows = std::iter::once((told.cause, Token::Bad)).chain(
        told.facts.into_iter().map(|(label, words)| (format!("{label}: {words}"), Token::Fg)),
    );
    for (row, token) in rows {
        for line in text::wrap_text(&row, room, text::Role::Body) {
            sheet.line().at(1, line.text(), token);
        }
    }
    sheet
}

/// What every policy makes of the same prompt.
fn policies(contest: Option<&Contest>, policy: &str, glyphs: &GlyphSet) -> Sheet {
    let mut sheet = Sheet::default();
    let Some(contest) = contest.filter(|contest| !contest.policies.is_empty()) else {
        return sheet;
    };
    sheet.line();
    sheet.heading("SAME PROMPT, OTHER POLICIES");
    for other in &contest.policies {
        let chosen = other.decision.chosen();
        let who = chosen.map_or("none".to_owned(), |c| {
            words::who_in(c.model.as_str(), c.provider.as_str(), 22)
        });
        let cost = chosen.and_then(|c| c.estimate.cost).map_or("---".to_owned(), words::tight);
        sheet
            .line()
            .at(1, if other.policy == policy { glyphs.pick } else { " " }, Token::Accent)
            .cell(3, 10, &other.policy, Token::Fg)
            .cell(14, 22, &who, Token::Dim)
            .to(43, &cost, Token::Dim);
    }
    sheet
}

/// What the scripts of the text cost with the model that answered.
fn scripts(case: &Case<'_>) -> Sheet {
    let mut sheet = Sheet::default();
    if case.scripts.is_empty() {
        return sheet;
    }
    sheet.line();
    sheet.heading("TOKENS BY SCRIPT");
    sheet.at(20, "per char", Token::Dim).at(31, "1k chars in", Token::Dim);
    for price in &case.scripts {
        let mark = if price.guessed() { "~" } else { "" };
        let cost = price.input_per_1000.map_or("---".to_owned(), words::fine);
        sheet
            .line()
            .at(3, engine::script_name(price.script), Token::Dim)
            .to(28, &format!("{mark}{:.2}", price.tokens_per_char), Token::Fg)
            .to(42, &format!("{mark}{cost}"), Token::Fg);
    }
    sheet
}

/// The candidates, best first, each with its parts as figures and bars.
fn candidates(case: &Case<'_>, width: u16, glyphs: &GlyphSet) -> Sheet {
    let decision = case.decision;
    let bars = width >= 70;
    let who = if bars { (width - 54).min(34) } else { width.saturating_sub(42).clamp(12, 24) };
    let mut sheet = Sheet::default();
    sheet.line().at(3, "candidate", Token::Dim);
    let heads: &[(u16, &str)] = if bars {
        &[(1, "quality"), (13, "cost"), (23, "speed"), (32, "score")]
    } else {
        &[(0, "qual"), (8, "cost"), (15, "TTFT"), (22, "score")]
    };
    for (x, name) in heads {
        sheet.at(3 + who + x, *name, Token::Dim);
    }
    let dearest = most(decision, |c| c.estimate.cost.map_or(0.0, Money::dollars));
    let slowest = most(decision, |c| c.estimate.ttft_ms as f64);
    let (able, unable): (Vec<&Candidate>, Vec<&Candidate>) =
        decision.candidates.iter().partition(|c| !case::unable(c));
    for candidate in able {
        let used = case.answered() == Some(candidate.model.as_str());
        let token = if candidate.usable() { Token::Fg } else { Token::Dim };
        let verdict = case.verdict(candidate);
        let verdict = if used && case.outcome.is_some() && !case.failed() {
            "used".to_owned()
        } else {
            verdict
        };
        let bad = verdict.starts_with("failed");
        let name = words::who_in(
            candidate.model.as_str(),
            candidate.provider.as_str(),
            usize::from(who - 1),
        );
        let guess = if candidate.quality_guess { "~" } else { "" };
        let cost = candidate.estimate.cost.map_or("---".to_owned(), words::tight);
        let score = if candidate.usable() {
            format!("{:.2}", candidate.score.total)
        } else {
            "---".to_owned()
        };
        let x = 3 + who;
        sheet
            .line()
            .at(1, if used { glyphs.pick } else { " " }, Token::Accent)
            .cell(3, who - 1, &name, if used { Token::Strong } else { token })
            .to(x + 5, &format!("{guess}{:.2}", candidate.quality), token);
        if bars {
            let quality = f64::from(candidate.quality);
            let cents = candidate.estimate.cost.map_or(0.0, Money::dollars);
            sheet
                .at(x + 6, bar(glyphs, quality, 5), Token::Accent)
                .to(x + 18, &cost, token)
                .at(x + 19, bar(glyphs, log_share(cents, dearest, 1e-5), 4), Token::Dim)
                .to(x + 28, &words::bare_seconds(candidate.estimate.ttft_ms), token)
                .at(
                    x + 29,
                    bar(glyphs, log_share(candidate.estimate.ttft_ms as f64, slowest, 50.0), 3),
                    Token::Dim,
                )
                .to(x + 37, &score, token)
                .at(x + 38, verdict, if bad { Token::Bad } else { Token::Dim });
        } else {
            sheet
                .to(x + 13, &cost, token)
                .to(x + 20, &words::bare_seconds(candidate.estimate.ttft_ms), token)
                .to(x + 27, &score, token)
                .at(x + 29, verdict, if bad { Token::Bad } else { Token::Dim });
        }
    }
    if !unable.is_empty() {
        let mut reasons: Vec<&str> = Vec::new();
        for candidate in &unable {
            let name = candidate.filtered.first().map_or("", |reason| reason.code.name());
            if !reasons.contains(&name) {
                reasons.push(name);
            }
        }
        let models = words::count(unable.len(), "model");
        sheet.line().at(3, format!("not able: {models}  {}", reasons.join(", ")), Token::Dim);
    }
    sheet
}

fn most(decision: &Decision, of: impl Fn(&Candidate) -> f64) -> f64 {
    decision.candidates.iter().map(of).fold(0.0, f64::max)
}

/// A share on a logarithmic scale from `least` to `most`: prices and waits differ by orders.
fn log_share(value: f64, most: f64, least: f64) -> f64 {
    if value <= 0.0 || most <= least {
        return 0.0;
    }
    ((value.max(least) / least).ln() / (most / least).ln()).clamp(0.15, 1.0)
}

fn bar(glyphs: &GlyphSet, share: f64, cells: usize) -> String {
    glyphs.full.repeat((share * cells as f64).round().clamp(0.0, cells as f64) as usize)
}

/// The attempts as bars over the time of the whole request.
fn attempts(case: &Case<'_>, width: u16, (glyphs, tongue): (&GlyphSet, Tongue)) -> Sheet {
    let mut sheet = Sheet::default();
    if case.attempts.is_empty() {
        return sheet;
    }
    sheet.line();
    let total = case
        .attempts
        .iter()
        .map(|attempt| attempt.started_ms + attempt.ms)
        .max()
        .unwrap_or(0)
        .max(case.outcome.map_or(0, |outcome| outcome.total_ms))
        .max(1);
    let room = u64::from(width.saturating_sub(9)).saturating_sub(34).clamp(12, 60);
    let column = |ms: u64| ms.min(total) * room / total;
    for attempt in case.attempts {
        let (from, to) = (column(attempt.started_ms), column(attempt.started_ms + attempt.ms));
        let inner = usize::try_from(to.saturating_sub(from).saturating_sub(1)).unwrap_or(0);
        let first = attempt.stamps.first_text.map(|ms| column(attempt.started_ms + ms) - from);
        let mut body = glyphs.rule.repeat(inner);
        if let Some(first) = first.filter(|_| inner > 0) {
            let first = usize::try_from(first).unwrap_or(0).min(inner);
            body = format!("{}{}", glyphs.rule.repeat(first), glyphs.full.repeat(inner - first));
        }
        let ends = if glyphs.bar == "|" { ("|", "|") } else { ("├", "┤") };
        let picture = format!("{}{body}{}", ends.0, ends.1);
        let ok = attempt.outcome.is_none();
        let detail = match (attempt.outcome, attempt.stamps.first_text) {
            (None, Some(first)) => format!(
                "{} + {}{}",
                words::bare_seconds(first),
                words::short_seconds(attempt.ms.saturating_sub(first)),
                // What was pretended while it answered.
                attempt.detail.strip_prefix("answered").unwrap_or_default(),
            ),
            _ if attempt.detail.is_empty() => {
                attempt.outcome.map_or(String::new(), |class| class.name().to_owned())
            }
            _ => tongue.say(&attempt.detail),
        };
        let at = 9 + from as u16;
        let label = at + text::width(&picture) as u16 + 1;
        sheet
            .line()
            .to(7, &words::bare_seconds(attempt.started_ms), Token::Dim)
            .at(at, picture, if ok { Token::Ok } else { Token::Bad })
            .at(
                label,
                format!("{}  {detail}", words::brief(attempt.provider.as_str(), 16)),
                Token::Dim,
            );
    }
    for doubt in case.doubts {
        sheet.line().at(9, format!("of the prompt, {doubt}"), Token::Warn);
    }
    sheet
}

fn flips(case: &Case<'_>, contest: Option<&Contest>, width: u16) -> Sheet {
    let mut sheet = Sheet::default();
    let flips = contest.map_or(&[][..], |contest| contest.flips.as_slice());
    if !flips.is_empty() {
        sheet.line();
        let words = format!("what would flip it: {}", flips.join(", or "));
        sheet.wrapped(3, width.saturating_sub(5), &words, Token::Fg);
    }
    if case.decision.candidates.iter().any(|candidate| candidate.quality_guess) {
        if flips.is_empty() {
            sheet.line();
        }
        sheet.line().at(
            3,
            "Quality with ~ is a family's usual figure, not a measurement.",
            Token::Dim,
        );
    }
    sheet
}
