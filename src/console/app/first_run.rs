//! The first screen: what was found on this machine, and the choices it leaves.
//!
//! Owns: its own state. Must not know how things are found. Invariant: nothing is written or sent
//! by anything here; the choices are data that the shell acts upon.

use std::fmt::Write as _;

use crate::domain::Money;

use super::LineInput;

/// A provider's place on the first screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundProvider {
    /// The preset's name: `openai`.
    pub name: String,
    /// Its name for people: `OpenAI`.
    pub label: String,
    /// The variable a key is expected in: `OPENAI_API_KEY`.
    pub variable: String,
    /// Whether it is there.
    pub key: FoundKey,
}

/// What is known of a key. Its value is never here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundKey {
    /// Not set.
    Missing,
    /// Set in this variable; not used yet.
    Present {
        /// Which of its variables.
        variable: String,
    },
    /// Given for this run only.
    ForThisRun,
}

/// A server found on a loopback port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundServer {
    /// The preset's name: `ollama`, or `local` for one that no preset names.
    pub name: String,
    /// Its name for people: `Ollama`.
    pub label: String,
    /// `127.0.0.1:11434`.
    pub address: String,
    /// How many models it lists.
    pub models: usize,
}

/// What was found. Nothing left this machine to find it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Detection {
    /// Local servers that answer.
    pub servers: Vec<FoundServer>,
    /// Providers by preset, those with keys first.
    pub providers: Vec<FoundProvider>,
}

impl Detection {
    /// Providers whose key is there.
    pub fn ready(&self) -> impl Iterator<Item = &FoundProvider> {
        self.providers.iter().filter(|provider| provider.key != FoundKey::Missing)
    }
}

/// What the user can choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StartChoice {
    /// Start with everything found.
    Found,
    /// Start with local servers only.
    LocalOnly,
    /// Show what to set.
    AddKey,
    /// The simulated fleet.
    Demo,
}

/// How far looking has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Looking {
    /// Ports are being tried (a third of a second at most).
    Now,
    /// All was tried.
    Done,
}

/// What the first screen shows.
#[derive(Debug, Clone, PartialEq)]
pub enum FirstRunPage {
    /// What was found and the choices.
    Choose,
    /// Choose a provider to add a key for.
    AddKey {
        /// Which of the providers without a key.
        selected: usize,
    },
    /// What to set for one provider; a key may be pasted for this run only.
    KeyFor {
        /// Index into the detection's providers.
        provider: usize,
        /// What is pasted; drawn as dots.
        field: LineInput,
    },
    /// The file that would be written.
    ViewFile {
        /// First line shown.
        top: usize,
    },
}

/// Where the caret is on the first screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FirstRunField {
    /// The list of choices.
    Choices,
    /// The daily budget.
    Budget,
}

/// The first screen.
#[derive(Debug, Clone, PartialEq)]
pub struct FirstRun {
    /// Whether looking goes on.
    pub looking: Looking,
    /// What was found so far.
    pub found: Detection,
    /// What it shows.
    pub page: FirstRunPage,
    /// Which of [`FirstRun::choices`].
    pub selected: usize,
    /// Where the caret is.
    pub field: FirstRunField,
    /// Dollars a day, as typed.
    pub budget: LineInput,
    /// The file that would be written, as shown to people: `~/.config/wheelhouse/config.toml`.
    pub path: String,
    /// It was written.
    pub written: bool,
    /// Why it could not be written, or what is wrong with the budget.
    pub problem: Option<String>,
}

impl FirstRun {
    /// The first screen before anything was found.
    pub fn new(path: String) -> Self {
        Self {
            looking: Looking::Now,
            found: Detection::default(),
            page: FirstRunPage::Choose,
            selected: 0,
            field: FirstRunField::Choices,
            budget: LineInput::with("2.00"),
            path,
            written: false,
            problem: None,
        }
    }

    /// The choices that lead somewhere, best first. The demo is always there.
    pub fn choices(&self) -> Vec<StartChoice> {
        let mut choices = Vec::new();
        let keys = self.found.ready().next().is_some();
        if keys {
            choices.push(StartChoice::Found);
        }
        if !self.found.servers.is_empty() {
            choices.push(StartChoice::LocalOnly);
        }
        if !keys && self.found.servers.is_empty() {
            choices.extend([StartChoice::Demo, StartChoice::AddKey]);
        } else {
            choices.extend([StartChoice::AddKey, StartChoice::Demo]);
        }
        choices
    }

    /// The names of everything found: `local and openai`.
    pub fn names(&self) -> String {
        let mut names: Vec<&str> =
            self.found.servers.iter().map(|server| server.name.as_str()).collect();
        names.extend(self.found.ready().map(|provider| provider.name.as_str()));
        match names.as_slice() {
            [] => String::new(),
            [one] => (*one).to_owned(),
            [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
        }
    }
}

impl FirstRun {
    /// The file as it is shown; what is wrong with what was typed stands in its place.
    pub fn file_text(&self) -> String {
        self.file().unwrap_or_else(|problem| format!("# {problem}\n"))
    }

    /// The file that would be written: references to keys, never keys; or what is wrong with what
    /// was typed.
    pub fn file(&self) -> Result<String, String> {
        let mut out = String::from(
            "# wheelhouse. `wheelhouse config show` prints every value and where it comes from.\n",
        );
        for server in &self.found.servers {
            let _ = write!(
                out,
                "\n# {} at {}, {} models. Found without any setting; nothing to write.\n",
                server.label, server.address, server.models
            );
        }
        for provider in self.found.ready() {
            let variable = match &provider.key {
                FoundKey::Present { variable } => variable,
                FoundKey::Missing | FoundKey::ForThisRun => &provider.variable,
            };
            let _ = write!(out, "\n[providers.{}]\napi_key = \"env:{variable}\"\n", provider.name);
        }
        let typed = self.budget.text().trim();
        if !typed.is_empty() {
            let amount: Money = typed
                .parse()
                .map_err(|_| format!("{typed:?} is not an amount of dollars, such as 2.00"))?;
            if amount <= Money::ZERO {
                return Err(
                    "a daily budget is more than nothing; leave it empty for none".to_owned()
                );
            }
            let _ = write!(out, "\n[budget]\nday = {{ limit = {amount}, at_limit = \"ask\" }}\n");
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_names_variables_and_never_a_key() {
        let mut first = FirstRun::new("config.toml".into());
        first.found.providers.push(FoundProvider {
            name: "openai".into(),
            label: "OpenAI".into(),
            variable: "OPENAI_API_KEY".into(),
            key: FoundKey::Present { variable: "OPENAI_API_KEY".into() },
        });
        let file = first.file().unwrap();
        assert!(file.contains("[providers.openai]\napi_key = \"env:OPENAI_API_KEY\""), "{file}");
        assert!(file.contains("limit = 2.00"), "{file}");
        assert!(file.parse::<toml_edit::DocumentMut>().is_ok(), "{file}");
    }

    #[test]
    fn a_budget_that_is_no_amount_is_said() {
        let mut first = FirstRun::new("config.toml".into());
        first.budget = LineInput::with("two");
        assert!(first.file().unwrap_err().contains("two"));
        first.budget.clear();
        assert!(!first.file().unwrap().contains("budget"));
    }

    #[test]
    fn the_best_choice_comes_first_and_the_demo_is_always_there() {
        let mut first = FirstRun::new("config.toml".into());
        assert_eq!(first.choices(), [StartChoice::Demo, StartChoice::AddKey]);
        first.found.servers.push(FoundServer {
            name: "local".into(),
            label: "Ollama".into(),
            address: "127.0.0.1:11434".into(),
            models: 3,
        });
        assert_eq!(first.choices()[0], StartChoice::LocalOnly);
        assert_eq!(first.names(), "local");
    }
}
