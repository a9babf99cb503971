//! What slash commands do.
//!
//! Invariant: a command that cannot be carried out says why and leaves the draft as it is.

use crate::console::command::{self, Line, Name, Scope};
use crate::console::composer::{self, Draft};
use crate::domain::{Audience, ModelName, PinScope, is_private, nearest, parse_span};
use crate::engine::{Command, Veto};

use super::super::{AppState, Cell, Effect, Focus, Panel, PrivateChat, Recall, Scroll, Tone, View};
use super::{
    Effects, branches, budget, cache, chaos, costs, mouse, notes, overlays, picker, private, read,
    routes, send, sessions,
};

/// Runs the draft as a command. On success it goes into history and out of the draft.
pub(super) fn run_draft(state: &mut AppState, fx: &mut Effects) {
    let draft = state.composer.draft();
    state.completion = None;
    let line = draft.expanded();
    // Taken out first, since a command may put something in its place.
    state.composer.set(Draft::default());
    match run(state, fx, line.trim()) {
        Ok(()) => state.composer.history.push(draft),
        Err(why) => {
            state.composer.set(draft);
            notes::toast(state, Tone::Warn, why);
        }
    }
}

/// Runs a line from the palette; one that wants an argument is begun in the draft.
pub(super) fn run_or_begin(state: &mut AppState, fx: &mut Effects, line: &str) {
    let bare = line.ends_with(' ');
    let needs = command::TABLE
        .iter()
        .find(|info| line.trim_end() == format!("/{}", info.name))
        .is_some_and(|info| !info.args.is_empty());
    if bare && needs {
        send::take_up(state, Draft { text: line.to_owned(), ..Draft::default() });
        state.view = View::Chat;
        state.focus = Focus::Composer;
        super::complete::refresh(state);
        return;
    }
    if let Err(why) = run(state, fx, line.trim_end()) {
        notes::toast(state, Tone::Warn, why);
    }
}

fn run(state: &mut AppState, fx: &mut Effects, line: &str) -> Result<(), String> {
    let line = command::read(line)?;
    let cells = state.transcript.cells.len();
    carry_out(state, fx, line)?;
    // What is answered is answered at the end of the chat, now or in a moment.
    let later = matches!(line.id, Name::Cache | Name::Export | Name::Replay);
    if later || state.transcript.cells.len() > cells {
        state.transcript.scroll = Scroll::Follow;
        state.transcript.selected = None;
    }
    Ok(())
}

fn carry_out(state: &mut AppState, fx: &mut Effects, line: Line<'_>) -> Result<(), String> {
    let Line { id, first, rest } = line;
    match id {
        Name::Use => {
            let model = model(state, first)?;
            if rest.is_empty() {
                state.composer.set_chip(Some(model));
            } else {
                private::refuse_doubtful(state, rest)?;
                send::say(state, fx, rest, Some(model));
            }
        }
        Name::Pin => pin(state, fx, first, rest)?,
        Name::Auto => {
            picker::back_to_auto(state, fx);
            if !first.is_empty() {
                policy(state, fx, first)?;
            }
        }
        Name::Policy if first.is_empty() => {
            let snapshot = state.snapshot.as_ref().ok_or(STARTING)?;
            let names: Vec<&str> = snapshot.config.policies.keys().map(String::as_str).collect();
            let text = format!("policy {}; there are {}", snapshot.policy, names.join(", "));
            notes::note(state, Tone::Info, text);
        }
        Name::Policy => policy(state, fx, first)?,
        Name::Avoid => avoid(state, fx, first, rest)?,
        Name::Allow => {
            let snapshot = state.snapshot.as_ref().ok_or(STARTING)?;
            let names = snapshot.overrides.vetoes.iter().map(|veto| veto.name.as_str());
            let name = named(first, &names, "model or provider avoided now:")?.to_owned();
            notes::toast(state, Tone::Good, format!("{name} may be used again"));
            fx.push(Effect::Command(Command::Allow(name)));
        }
        Name::Why => why(state, fx, first)?,
        Name::Test => {
            send::test(state, fx, Draft { text: first.to_owned(), ..Draft::default() });
        }
        Name::Retry => {
            let model = if first.is_empty() { None } else { Some(model(state, first)?) };
            let cell = last_question(state).ok_or("nothing was asked yet")?;
            send::again(state, fx, cell, model);
        }
        Name::Edit => {
            let cell = last_question(state).ok_or("nothing was asked yet")?;
            send::edit(state, cell);
        }
        Name::Copy => match first {
            "" => read::copy_reply(state, fx),
            "all" => read::copy_all(state, fx),
            n => {
                let label = n.parse().map_err(|_| format!("{n:?} is not a number or all"))?;
                read::copy_block(state, fx, label);
            }
        },
        Name::New => send::new_chat(state, fx),
        Name::System => match first {
            "" => {
                let text = match (&state.system, state.system_for) {
                    (None, _) => "no system prompt".to_owned(),
                    (Some(text), Audience::Anybody) => text.clone(),
                    (Some(text), Audience::Here) => {
                        format!("{text}\n\n(given in private: goes along only with #private)")
                    }
                };
                notes::note(state, Tone::Info, text);
            }
            "off" => {
                (state.system, state.system_for) = (None, Audience::Anybody);
                notes::toast(state, Tone::Good, "no system prompt from here on");
            }
            text => {
                // What is written in private stays so, should it not be private any more.
                let marked = is_private(&composer::parse(text).tags);
                let private = marked || state.private != PrivateChat::Off;
                state.system_for = if private { Audience::Here } else { Audience::Anybody };
                state.system = Some(text.to_owned());
                state.system_given = false;
                let words = if marked {
                    "system prompt set from here on; it goes along only with #private"
                } else {
                    "system prompt set from here on"
                };
                notes::toast(state, Tone::Good, words);
            }
        },
        Name::Fault => chaos::fault(state, fx, format!("{first} {rest}").trim())?,
        Name::Drill => chaos::drill(state, fx, first, rest)?,
        Name::Cache => cache::run(state, fx, first, rest)?,
        Name::Budget => budget::run(state, fx, first, rest)?,
        Name::Private => private::run(state, fx, first)?,
        Name::Routes => routes::enter(state, fx),
        Name::Costs => costs::enter(state, fx),
        Name::Sessions => sessions::open(state, fx, ""),
        Name::Search => sessions::open(state, fx, first),
        Name::Rename => sessions::rename(state, fx, first)?,
        Name::Fork => sessions::fork(state, fx)?,
        Name::Tree => branches::ask(state, fx)?,
        Name::Export => sessions::export(state, fx, first)?,
        Name::Delete => sessions::delete(state, fx, first)?,
        Name::Replay => replay(state, fx, first, rest)?,
        Name::Theme => theme(state, fx, first)?,
        Name::Mouse => mouse::set(state, fx, first)?,
        Name::Panel => toggle_panel(state),
        Name::Help => overlays::help(state),
        Name::Quit => super::quit(state, fx),
    }
    Ok(())
}

pub(super) const STARTING: &str = "still starting";

fn last_question(state: &AppState) -> Option<usize> {
    state.transcript.cells.iter().rposition(|cell| matches!(cell, Cell::User(_)))
}

/// Is this what a name is called? Simulated ones go by their short names too, as they are shown.
pub(super) fn is_named(name: &str, text: &str) -> bool {
    name == text || name.strip_prefix("sim-") == Some(text)
}

/// One name out of many: itself, or the only one it begins, or the only one it is part of.
pub(super) fn named<'a>(
    text: &str,
    names: &(impl Iterator<Item = &'a str> + Clone),
    what: &str,
) -> Result<&'a str, String> {
    let by =
        |fits: &dyn Fn(&str) -> bool| names.clone().filter(|name| fits(name)).collect::<Vec<_>>();
    let attempts: [Vec<&'a str>; 4] = [
        by(&|name| name == text),
        by(&|name| is_named(name, text)),
        by(&|name| name.starts_with(text)),
        by(&|name| name.contains(text)),
    ];
    for hits in attempts {
        match hits.as_slice() {
            [] => {}
            [one] => return Ok(one),
            [..] => return Err(format!("{text:?} could be {}", hits.join(", "))),
        }
    }
    let hint = nearest(text, names.clone()).map(|name| format!("; did you mean {name}?"));
    Err(format!("no {what} {text:?}{}", hint.unwrap_or_default()))
}

fn model(state: &AppState, text: &str) -> Result<ModelName, String> {
    let snapshot = state.snapshot.as_ref().ok_or(STARTING)?;
    let text = text.strip_prefix('@').unwrap_or(text);
    named(text, &snapshot.models.keys().map(ModelName::as_str), "model").map(ModelName::from)
}

fn pin(state: &mut AppState, fx: &mut Effects, name: &str, scope: &str) -> Result<(), String> {
    let model = model(state, name)?;
    let (scope, until, words) = match command::scope(scope)? {
        Scope::Chat => (PinScope::Session, None, "for this chat, in this run".to_owned()),
        Scope::For(span) => {
            let words = format!("for {}", crate::domain::format_span(span));
            (PinScope::All, Some(state.now + span), words)
        }
        Scope::Always => (PinScope::All, None, "until undone".to_owned()),
    };
    picker::pin(state, fx, &model, scope, until, &words);
    Ok(())
}

fn policy(state: &mut AppState, fx: &mut Effects, text: &str) -> Result<(), String> {
    let snapshot = state.snapshot.as_ref().ok_or(STARTING)?;
    let names = snapshot.config.policies.keys().map(String::as_str);
    let name = named(text, &names, "policy")?.to_owned();
    state.undo = vec![Command::Policy(snapshot.policy.clone())];
    notes::toast(state, Tone::Good, format!("policy {name}"));
    fx.push(Effect::Command(Command::Policy(name)));
    Ok(())
}

/// Days that are decided again unless it is said how many.
const REPLAYED: &str = "7d";

/// `/replay cheapest`, `/replay 30d cheapest`: in either order.
fn replay(state: &mut AppState, fx: &mut Effects, one: &str, other: &str) -> Result<(), String> {
    let snapshot = state.snapshot.as_ref().ok_or(STARTING)?;
    let spans = |word: &str| word.starts_with(|c: char| c.is_ascii_digit());
    let (span, name) = match (spans(one), spans(other)) {
        (true, false) => (one, other),
        (false, true) => (other, one),
        (false, false) if other.is_empty() => (REPLAYED, one),
        (true, true) | (false, false) => ("", ""),
    };
    if name.is_empty() {
        return Err("/replay POLICY, or /replay 30d POLICY for another span than 7d".to_owned());
    }
    let span = parse_span(span).map_err(|error| error.to_string())?;
    let policy = named(name, &snapshot.config.policies.keys().map(String::as_str), "policy")?;
    let recall = Recall::Replay { policy: policy.to_owned(), since: state.now - span };
    fx.push(Effect::Recall(recall));
    Ok(())
}

/// `avoiding opus, groq for 9m; /allow NAME uses it again`.
fn avoided(state: &AppState, vetoes: &[Veto]) -> String {
    if vetoes.is_empty() {
        return "nothing is avoided; /avoid NAME leaves a model or provider out".to_owned();
    }
    let each: Vec<String> = vetoes
        .iter()
        .map(|veto| match veto.until {
            None => veto.name.clone(),
            Some(until) => {
                format!("{} for {}", veto.name, crate::domain::format_span(state.now.until(until)))
            }
        })
        .collect();
    format!("avoiding {}; /allow NAME uses it again", each.join(", "))
}

fn avoid(state: &mut AppState, fx: &mut Effects, name: &str, span: &str) -> Result<(), String> {
    let snapshot = state.snapshot.as_ref().ok_or(STARTING)?;
    if name.is_empty() {
        let words = avoided(state, &snapshot.overrides.vetoes);
        notes::toast(state, Tone::Good, words);
        return Ok(());
    }
    let models = snapshot.models.keys().map(ModelName::as_str);
    let providers = snapshot.providers.keys().map(crate::domain::ProviderName::as_str);
    let name = named(name, &models.chain(providers), "model or provider")?.to_owned();
    let span = match span {
        "" => None,
        text => Some(parse_span(text).map_err(|error| error.to_string())?),
    };
    let words = span.map_or("until undone".to_owned(), |span| {
        format!("for {}", crate::domain::format_span(span))
    });
    state.undo = vec![Command::Allow(name.clone())];
    notes::toast(state, Tone::Good, format!("avoiding {name} {words}; Ctrl+X u takes it back"));
    let until = span.map(|span| state.now + span);
    fx.push(Effect::Command(Command::Avoid(Veto { name, until })));
    Ok(())
}

fn why(state: &mut AppState, fx: &mut Effects, which: &str) -> Result<(), String> {
    let requests: Vec<_> = state
        .transcript
        .cells
        .iter()
        .filter_map(|cell| match cell {
            Cell::Reply(reply) => Some(reply.routed_as()),
            Cell::User(_) | Cell::Note(_) => None,
        })
        .collect();
    let request = if which.is_empty() {
        requests.last()
    } else {
        let n: usize = which
            .parse()
            .map_err(|_| format!("{which:?} is no reply's number; /routes lists every decision"))?;
        n.checked_sub(1).and_then(|n| requests.get(n))
    };
    let request = *request.ok_or_else(|| match requests.len() {
        0 => "nothing was answered yet".to_owned(),
        n => format!("there is no reply {which}: the last one is {n}"),
    })?;
    routes::show(state, fx, request);
    Ok(())
}

fn theme(state: &mut AppState, fx: &mut Effects, text: &str) -> Result<(), String> {
    if text.is_empty() {
        let text =
            format!("theme {}; there are {}", state.looks.theme, state.looks.themes.join(", "));
        notes::note(state, Tone::Info, text);
        return Ok(());
    }
    let name = named(text, &state.looks.themes.iter().map(String::as_str), "theme")?.to_owned();
    fx.push(Effect::SetTheme(name));
    Ok(())
}

/// Shows or hides the side panel; where it has no room beside the text, over it.
pub(super) fn toggle_panel(state: &mut AppState) {
    let shown = state.geometry().panel_shown;
    state.looks.panel = match (state.looks.panel, shown) {
        (Panel::Auto, true) | (Panel::Shown, _) => Panel::Hidden,
        (Panel::Auto, false) | (Panel::Hidden, _) => Panel::Shown,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simulated_name_may_be_said_as_it_is_shown() {
        let names = ["sim-mistral-small", "sim-mistral", "sim-sonnet"];
        assert_eq!(named("mistral", &names.into_iter(), "model"), Ok("sim-mistral"));
        assert_eq!(named("son", &names.into_iter(), "model"), Ok("sim-sonnet"));
        assert!(named("sim-mis", &names.into_iter(), "model").is_err());
    }
}
