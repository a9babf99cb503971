//! How each simulated server behaves: speed, warmth, what it refuses, how it continues an answer.
//!
//! Owns: the shape of `assets/sim/habits.toml`. Must not know: sockets. Invariant: the router is
//! never told what stands here; it must find out.

use serde::Deserialize;

use super::data;

/// The wire format a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaks {
    /// Chat completions.
    Openai,
    /// Messages.
    Anthropic,
}

/// What a server does with a trailing assistant message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Continuing {
    /// Continues it when it carries `prefix: true`.
    Prefix,
    /// Continues it when it carries `partial: true`.
    Partial,
    /// Continues it when it carries `prefix: true`, and repeats it first.
    Repeats,
    /// Continues it in any case.
    Continues,
    /// Begins a new answer.
    StartsOver,
    /// Answers 400.
    Refuses,
}

/// How much a model says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Length {
    /// A sentence or two, and not always the point.
    Tiny,
    /// The answer.
    Brief,
    /// The answer and what to watch for.
    Usual,
    /// All there is to say.
    Full,
}

/// When a model thinks before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Thinks {
    /// Never.
    #[default]
    Never,
    /// When the request says so.
    Asked,
    /// Unless the request says not to.
    Always,
}

/// Slowness after idling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cold {
    /// Idle seconds after which it is cold.
    pub after_s: u64,
    /// Least milliseconds a cold first token waits longer.
    pub least_ms: u64,
    /// Most milliseconds.
    pub most_ms: u64,
}

/// Slowness that comes by chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slow {
    /// One request in so many.
    pub one_in: u64,
    /// Least milliseconds to its first token.
    pub least_ms: u64,
    /// Most milliseconds.
    pub most_ms: u64,
}

/// One simulated server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderHabits {
    /// Its name in the configuration.
    pub name: String,
    /// What it speaks.
    pub dialect: Speaks,
    /// Whose frames it sends: a file under `assets/sim/frames`.
    pub frames: String,
    /// The share of the wait for the first token after which headers are sent.
    pub head_share: f64,
    /// A comment so often while the answer is queued.
    #[serde(default)]
    pub comment_every_ms: Option<u64>,
    /// Slowness after idling.
    #[serde(default)]
    pub cold: Option<Cold>,
    /// Slowness that comes by chance.
    #[serde(default)]
    pub slow: Option<Slow>,
    /// What it does with a trailing assistant message.
    pub continuing: Continuing,
    /// Tokens in one chunk.
    pub tokens_per_chunk: usize,
    /// Some of its streams use CRLF.
    #[serde(default)]
    pub crlf: bool,
    /// Requests a minute its headers speak of; 0 for none.
    pub requests_per_min: u64,
    /// Tokens a minute its headers speak of.
    pub tokens_per_min: u64,
    /// `max_tokens` counts against the window before anything is generated.
    #[serde(default)]
    pub counts_cap_at_admission: bool,
    /// Request fields it does not take.
    #[serde(default)]
    pub refuses: Vec<String>,
    /// Its models.
    pub model: Vec<ModelHabits>,
}

/// One simulated model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelHabits {
    /// Its id at the server.
    pub id: String,
    /// Its window in tokens.
    pub context: u64,
    /// Its greatest answer in tokens.
    pub max_output: u64,
    /// Median milliseconds to the first token, warm.
    pub ttft_ms: u64,
    /// Standard deviation of the logarithm of that.
    pub spread: f64,
    /// Tokens per second after the first.
    pub tokens_per_s: f64,
    /// How much it says.
    pub length: Length,
    /// When it thinks.
    #[serde(default)]
    pub thinks: Thinks,
    /// What it likes to end a longer answer with.
    #[serde(default)]
    pub closing: String,
    /// Request fields it does not take.
    #[serde(default)]
    pub refuses: Vec<String>,
    /// What an aggregator bills per million prompt tokens.
    #[serde(default)]
    pub price_in: f64,
    /// What an aggregator bills per million answer tokens.
    #[serde(default)]
    pub price_out: f64,
}

impl ProviderHabits {
    /// The model with this id.
    pub fn find(&self, id: &str) -> Option<&ModelHabits> {
        self.model.iter().find(|model| model.id == id)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    provider: Vec<ProviderHabits>,
}

/// The shipped fleet.
pub fn shipped() -> Result<Vec<ProviderHabits>, String> {
    data::read::<File>(include_str!("../../assets/sim/habits.toml")).map(|file| file.provider)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_router_is_told_the_windows_that_the_servers_hold_to() {
        let config: serde_json::Value =
            data::read(include_str!("../../assets/sim/fleet.toml")).unwrap();
        for provider in shipped().unwrap() {
            for model in provider.model {
                let told = config["models"].as_object().unwrap().values();
                let told = told.clone().find(|told| told["id"] == *model.id).unwrap();
                assert_eq!(told["provider"], *provider.name, "{}", model.id);
                assert_eq!(told["context"], model.context, "{}", model.id);
                assert_eq!(told["max_output"], model.max_output, "{}", model.id);
            }
        }
    }

    #[test]
    fn the_shipped_fleet_has_six_providers_and_eight_models_all_named_as_simulated() {
        let fleet = shipped().unwrap();
        assert!(fleet.len() >= 6 && fleet.iter().map(|p| p.model.len()).sum::<usize>() >= 8);
        for provider in &fleet {
            assert!(provider.name.starts_with("sim-"));
            assert!(provider.model.iter().all(|model| model.id.starts_with("sim-")));
        }
    }
}
