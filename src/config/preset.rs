//! The shipped data files, in the order they are laid over each other.
//!
//! Owns: which files there are. Must not know what is in them: a preset is data, in the same schema
//! as a user's file and read by the same reader. Invariant: all of them load without a warning (a
//! test says so).

/// Settings of everything that is neither an endpoint nor a model.
pub(super) const DEFAULTS: (&str, &str) =
    ("shipped/defaults.toml", include_str!("../../assets/defaults.toml"));

/// Priors by family, in a schema of their own.
pub(super) const FAMILIES: (&str, &str) =
    ("shipped/families.toml", include_str!("../../assets/families.toml"));

/// Endpoints and their models.
pub(super) const PRESETS: &[(&str, &str)] = &[
    ("shipped/deepseek.toml", include_str!("../../assets/presets/deepseek.toml")),
    ("shipped/qwen.toml", include_str!("../../assets/presets/qwen.toml")),
    ("shipped/mistral.toml", include_str!("../../assets/presets/mistral.toml")),
    ("shipped/anthropic.toml", include_str!("../../assets/presets/anthropic.toml")),
    ("shipped/openai.toml", include_str!("../../assets/presets/openai.toml")),
    ("shipped/gemini.toml", include_str!("../../assets/presets/gemini.toml")),
    ("shipped/aggregators.toml", include_str!("../../assets/presets/aggregators.toml")),
    ("shipped/local.toml", include_str!("../../assets/presets/local.toml")),
];
