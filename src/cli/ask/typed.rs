//! What a prompt says besides its text, read as the console reads a draft: `@model` in front, tags
//! before it or not, `#tag` anywhere, `:floor` or `:nitro` at an end.
//!
//! Must not know: how a request is asked. Invariant: only what was typed is read so; what came
//! through standard input is text and nothing else.

use crate::cli::{Stop, names};
use crate::config::Config;
use crate::console::composer;
use crate::domain::{Part, Request, Role, Route, is_private};

/// A prompt, read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Typed {
    /// What is sent.
    pub(super) text: String,
    /// Marks for rules, without the `#`.
    pub(super) tags: Vec<String>,
    /// Those that are nearly `#private`.
    pub(super) doubtful: Vec<String>,
    /// The policy named for it.
    pub(super) policy: Option<&'static str>,
    /// A model named in front, if it is one.
    pub(super) mention: Option<Mention>,
    /// What is to be said of it, a line each.
    pub(super) said: Vec<String>,
}

/// `@name` in front of a prompt. Whether it is a model only the configuration knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mention {
    name: String,
    /// The prompt as it was typed.
    with: String,
    /// And as it is sent where that is a model; the command where nothing is left to send.
    without: Result<String, String>,
}

/// Reads words that were typed, and puts what was piped in below them, an empty line between.
pub(super) fn read(words: &[String], piped: Option<&str>, command: &str) -> Result<Typed, Stop> {
    let words = words.join(" ");
    let piped = piped.unwrap_or_default();
    let parsed = composer::parse(&words);
    let words = if parsed.policy.is_some() { parsed.text } else { words };
    // Marks alone ask nothing.
    let asks = |words: &str| !words[composer::behind_tags(words)..].trim().is_empty();
    let whole = |words: &str| match (words.trim().is_empty(), piped.trim().is_empty()) {
        (false, false) => Some(format!("{words}\n\n{piped}")),
        (false, true) => asks(words).then(|| words.to_owned()),
        (true, false) => Some(piped.to_owned()),
        (true, true) => None,
    };
    let text = whole(&words).ok_or_else(|| no_prompt(command))?;
    let (before, behind) = words.split_at(composer::behind_tags(&words));
    let named = behind.strip_prefix('@').map(|rest| {
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        rest.split_at(end)
    });
    let mention = named.filter(|(name, _)| !name.is_empty()).map(|(name, rest)| Mention {
        name: name.to_owned(),
        with: text.clone(),
        without: whole(&format!("{before}{}", rest.trim_start())).ok_or_else(|| command.to_owned()),
    });
    let mut said = Vec::new();
    if !is_private(&parsed.tags) && is_private(&composer::parse(piped).tags) {
        let words = "#private in what is piped in is text and marks nothing: --tag private does";
        said.push(words.to_owned());
    }
    let (tags, doubtful) = (parsed.tags, parsed.doubtful);
    Ok(Typed { text, tags, doubtful, policy: parsed.policy, mention, said })
}

fn no_prompt(command: &str) -> Stop {
    Stop::usage(format!(
        "there is no prompt: write one after the command, as in\n  \
         wheelhouse {command} \"why is the sky blue\"\nor pipe it in"
    ))
}

impl Mention {
    /// Has the model it names asked first, and takes its name out of the prompt. Where it names none it
    /// is text; gives what is to be said of that.
    pub(super) fn resolve(
        self,
        request: &mut Request,
        config: &Config,
    ) -> Result<Option<String>, Stop> {
        let Self { name, with, without } = self;
        let model = match names::mentioned(&name, config) {
            Ok(model) => model,
            Err(near) if near.is_empty() => {
                return Ok(Some(format!("@{name} is no model: sent as text")));
            }
            Err(near) => {
                let near = near.join(", ");
                return Ok(Some(format!("@{name} is sent as text: did you mean {near}?")));
            }
        };
        let without = without.map_err(|command| no_prompt(&command))?;
        if let Some(other) = request.route.model() {
            return Err(Stop::usage(format!("both -m {other} and @{name} name a model")));
        }
        request.route = Route::Prefer(model);
        let last = request.messages.last_mut().filter(|last| last.role == Role::User);
        // What nothing answered may stand before it.
        if let Some(Part::Text { text }) = last.and_then(|last| last.parts.last_mut())
            && let Some(before) = text.strip_suffix(&with)
        {
            *text = format!("{before}{without}");
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Exit;
    use crate::config::sample;
    use crate::domain::{Origin, ReaderKind, RequestId};

    fn typed(words: &[&str], piped: Option<&str>) -> Typed {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        read(&words, piped, "ask").unwrap()
    }

    #[test]
    fn standard_input_goes_below_the_words() {
        assert_eq!(typed(&["review", "this"], Some("+ a\n")).text, "review this\n\n+ a\n");
        assert_eq!(typed(&["review", "this"], Some("\n")).text, "review this");
        assert_eq!(typed(&[], Some("just this")).text, "just this");
        for command in ["ask", "explain", "cache why"] {
            let (exit, told) = read(&[], None, command).unwrap_err().story();
            assert_eq!(exit, Exit::Usage);
            assert!(told.unwrap().contains(&format!("wheelhouse {command} \"")), "{command}");
        }
    }

    #[test]
    fn tags_and_policies_are_read_from_words_and_never_from_what_is_piped_in() {
        let read = typed(&["#private", "my secret", ":floor"], Some("#eu :nitro"));
        assert_eq!((read.tags, read.policy), (vec!["private".to_owned()], Some("cheapest")));
        assert_eq!(read.text, "#private my secret\n\n#eu :nitro");
        let read = typed(&["what is this?"], Some("@opus\n#private key"));
        assert!(read.tags.is_empty() && read.mention.is_none());
        assert!(read.said[0].contains("--tag private"), "{:?}", read.said);
    }

    fn resolved(
        words: &[&str],
        before: &str,
        route: Route,
    ) -> Result<(Request, Option<String>), Stop> {
        let config = sample::config(
            [sample::provider("lab")],
            [sample::model("sonnet", "lab"), sample::model("opus", "lab")],
        );
        let read = typed(words, None);
        let text = format!("{before}{}", read.text);
        let id = RequestId(uuid::Uuid::nil());
        let mut request = Request::new(id, Origin::Ask, ReaderKind::AppendOnly, &text);
        request.route = route;
        let said = read.mention.unwrap().resolve(&mut request, &config)?;
        Ok((request, said))
    }

    #[test]
    fn a_model_named_in_front_is_asked_first_and_its_name_is_not_sent() {
        let (request, said) =
            resolved(&["@sonnet", "hi @opus"], "before\n\n", Route::Auto).unwrap();
        assert_eq!(request.route, Route::Prefer("sonnet".into()));
        assert_eq!((request.last_user_text().as_str(), said), ("before\n\nhi @opus", None));
    }

    #[test]
    fn a_model_is_named_behind_tags_too_and_they_stay() {
        let (request, said) =
            resolved(&["#private", "@sonnet", "my pin"], "", Route::Auto).unwrap();
        assert_eq!(request.route, Route::Prefer("sonnet".into()));
        assert_eq!((request.last_user_text().as_str(), said), ("#private my pin", None));
    }

    #[test]
    fn marks_and_a_model_alone_are_no_prompt() {
        let words = |typed: &str| vec![typed.to_owned()];
        for typed in ["#private", "#eu (#Private)", ":floor", "#eu :floor"] {
            assert_eq!(read(&words(typed), None, "ask").unwrap_err().story().0, Exit::Usage);
            assert!(read(&words(typed), Some("what is this?"), "ask").is_ok(), "{typed}");
        }
        for typed in ["@sonnet", "#private @sonnet"] {
            let (exit, told) = resolved(&[typed], "", Route::Auto).unwrap_err().story();
            assert_eq!(exit, Exit::Usage);
            assert!(told.unwrap().contains("there is no prompt"), "{typed}");
        }
        let (request, _) = resolved(&["@who"], "", Route::Auto).unwrap();
        assert_eq!(request.last_user_text(), "@who", "it is text");
    }

    #[test]
    fn what_names_no_model_is_text_and_what_nearly_does_is_said() {
        let (request, said) = resolved(&["@someone", "hi"], "", Route::Auto).unwrap();
        let told = said.as_deref();
        assert_eq!(
            (request.route, told),
            (Route::Auto, Some("@someone is no model: sent as text"))
        );
        let (request, said) = resolved(&["@sonet hi"], "", Route::Auto).unwrap();
        assert_eq!(request.route, Route::Auto);
        assert_eq!(request.last_user_text(), "@sonet hi");
        assert!(said.unwrap().contains("did you mean sonnet?"));
    }

    #[test]
    fn two_models_named_in_two_ways_are_an_error() {
        let both = resolved(&["@sonnet hi"], "", Route::Prefer("opus".into()));
        assert_eq!(both.unwrap_err().story().0, Exit::Usage);
    }
}
