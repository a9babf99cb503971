//! Models that only their endpoint knows, and finding a model by what a person types.
//!
//! Owns: registry entries made from a listing, and name lookup. Must not know how a listing is
//! fetched. Invariant: what was configured is never replaced by what was listed, and an unknown
//! price stays unknown.

use crate::domain::{ModelName, ProviderName, Rates, nearest};

use super::family;
use super::model::{KeepWarm, Model, PriceList, QualitySource};
use super::provider::{Mention, Provider};
use super::read::model::{UNKNOWN_CONTEXT, UNKNOWN_MAX_OUTPUT, default_capabilities};
use super::settings::{Config, LimitOverrides};

/// How many names a failed lookup offers.
const MAX_NEAR: usize = 5;

/// A model an endpoint lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovered {
    /// The provider's id.
    pub id: String,
    /// Its window, if told.
    pub context: Option<u64>,
    /// Its greatest answer, if told.
    pub max_output: Option<u64>,
}

impl Config {
    /// This configuration with what a provider lists: each becomes `provider/id`, in place of what
    /// it listed before. Ids that a configured model of that provider has are left alone.
    #[must_use]
    pub fn with_discovered(&self, provider: &str, listed: Vec<Discovered>) -> Self {
        let mut config = self.clone();
        let Some(provider) = self.providers.get(provider) else { return config };
        config
            .models
            .retain(|_, m| m.mention != Mention::Discovered || m.provider != provider.name);
        for found in listed {
            let known = config.models.values();
            if known.into_iter().any(|m| m.provider == provider.name && m.id == found.id) {
                continue;
            }
            let model = entry(provider, &found);
            config.models.insert(model.name.clone(), model);
        }
        config
    }

    /// This configuration with what endpoints told and people named while `old` was in force, where
    /// the endpoint is still the same: it is not forgotten until it has been asked again.
    #[must_use]
    pub fn carrying(mut self, old: &Self) -> Self {
        let told = old.models.values().filter(|model| model.mention == Mention::Discovered);
        for model in told {
            let same = |provider: &Provider| {
                old.providers.get(&model.provider).is_some_and(|o| o.base_url == provider.base_url)
            };
            let Some(provider) = self.providers.get(&model.provider).filter(|p| same(p)) else {
                continue;
            };
            let (quirks, service_tier) = (provider.quirks.clone(), provider.service_tier);
            // One that is configured by now has another name: both would be the same model.
            let configured = |m: &Model| {
                m.mention != Mention::Discovered && m.provider == model.provider && m.id == model.id
            };
            if !self.models.values().any(configured) {
                self.models
                    .insert(model.name.clone(), Model { quirks, service_tier, ..model.clone() });
            }
        }
        self
    }

    /// For `provider/any-id` where the provider passes any id on: this configuration with that
    /// model added, and its name. `None` where the provider does not, or the model is there already.
    pub fn with_passthrough(&self, text: &str) -> Option<(Self, ModelName)> {
        let (provider, id) = text.split_once('/')?;
        let provider = self.providers.get(provider).filter(|provider| provider.passthrough)?;
        if id.is_empty() || self.models.contains_key(text) {
            return None;
        }
        let found = Discovered { id: id.to_owned(), context: None, max_output: None };
        let model = entry(provider, &found);
        let name = model.name.clone();
        let mut config = self.clone();
        config.models.insert(name.clone(), model);
        Some((config, name))
    }

    /// The model a person means: its name; `provider/id`; an id, or the end of one after `/`, where
    /// only one model has it; a simulated one without its `sim-`; or the beginning of a name where only one begins so. Retired models
    /// give way to others, and shipped ones to those the user configured.
    ///
    /// # Errors
    /// The names it could have meant, best first; none if nothing is near.
    pub fn model_named(&self, text: &str) -> Result<&Model, Vec<String>> {
        let text = text.trim();
        if let Some(model) = self.models.get(text) {
            return Ok(model);
        }
        let lower = text.to_lowercase();
        let same = |other: &str| other.to_lowercase() == lower;
        let begins = |other: &str| !lower.is_empty() && other.to_lowercase().starts_with(&lower);
        let short = |id: &str| id.rsplit('/').next().unwrap_or_default().to_owned();
        let bare = |name: &str| name.strip_prefix("sim-").map(str::to_lowercase);
        let ways: [&dyn Fn(&Model) -> bool; 6] = [
            &|m| same(m.name.as_str()),
            &|m| bare(m.name.as_str()).as_deref() == Some(lower.as_str()),
            &|m| same(&format!("{}/{}", m.provider, m.id)),
            &|m| same(&m.id),
            &|m| same(&short(&m.id)),
            &|m| begins(m.name.as_str()) || begins(&short(&m.id)),
        ];
        for way in ways {
            let hits: Vec<&Model> = self.models.values().filter(|m| way(m)).collect();
            if let Some(one) = only(&hits) {
                return Ok(one);
            }
            if !hits.is_empty() {
                let names = hits.iter().map(|m| m.name.to_string());
                return Err(names.take(MAX_NEAR).collect());
            }
        }
        Err(self.near_models(text))
    }

    fn near_models(&self, text: &str) -> Vec<String> {
        let lower = text.to_lowercase();
        let mut out: Vec<String> = Vec::new();
        if lower.len() >= 3 {
            let holds = |m: &&Model| m.name.as_str().to_lowercase().contains(&lower);
            out.extend(self.models.values().filter(holds).map(|m| m.name.to_string()));
        }
        if let Some(near) = nearest(text, self.models.keys().map(ModelName::as_str))
            && !out.iter().any(|name| name == near)
        {
            out.insert(0, near.to_owned());
        }
        out.truncate(MAX_NEAR);
        out
    }

    /// The provider of this name.
    pub fn provider_of(&self, model: &Model) -> Option<&Provider> {
        self.providers.get(&model.provider)
    }

    /// Providers that list their own models and have to be asked.
    pub fn to_discover(&self) -> impl Iterator<Item = (&ProviderName, &Provider)> {
        self.providers.iter().filter(|(_, provider)| provider.discover)
    }
}

/// The one that is meant among several, if that can be told.
fn only<'a>(hits: &[&'a Model]) -> Option<&'a Model> {
    let narrower: [&dyn Fn(&Model) -> bool; 3] = [&|_| true, &|m| m.retired.is_none(), &|m| {
        m.retired.is_none() && m.mention != Mention::Shipped
    }];
    narrower.iter().find_map(|keep| {
        let mut left = hits.iter().filter(|m| keep(m));
        match (left.next(), left.next()) {
            (Some(one), None) => Some(*one),
            _ => None,
        }
    })
}

fn entry(provider: &Provider, found: &Discovered) -> Model {
    let family = family::shipped().guess(&found.id, provider.local);
    let context = found.context.filter(|tokens| *tokens > 0).unwrap_or(UNKNOWN_CONTEXT);
    // A local server's answer is bounded by its window alone.
    let assumed = if provider.local { context } else { UNKNOWN_MAX_OUTPUT };
    Model {
        name: format!("{}/{}", provider.name, found.id).into(),
        provider: provider.name.clone(),
        id: found.id.clone(),
        context,
        max_output: found.max_output.filter(|tokens| *tokens > 0).unwrap_or(assumed).min(context),
        prices: PriceList {
            base: provider.local.then(Rates::default),
            source: provider.local.then(|| "local".to_owned()),
            ..PriceList::default()
        },
        quality: family.quality,
        quality_set: Vec::new(),
        quality_source: QualitySource::Guess,
        latency: family.latency,
        capabilities: default_capabilities(provider.local),
        languages: family.languages.clone(),
        tokenizer: family::shipped().tokenizer(&found.id),
        thinks_silently: false,
        params: serde_json::Map::new(),
        quirks: provider.quirks.clone(),
        service_tier: provider.service_tier,
        keep_warm: KeepWarm::default(),
        limits: LimitOverrides::default(),
        retired: None,
        note: None,
        mention: Mention::Discovered,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Layer, load};

    fn config(text: &str) -> Config {
        load(&[Layer::user("config.toml", text)]).unwrap_or_else(|e| panic!("{e:?}")).config
    }

    fn listed(ids: &[&str]) -> Vec<Discovered> {
        let one =
            |id: &&str| Discovered { id: (*id).to_owned(), context: Some(2_048), max_output: None };
        ids.iter().map(one).collect()
    }

    #[test]
    fn a_listed_model_gets_a_name_a_free_price_if_local_and_a_guess_by_size() {
        let config = config("").with_discovered("ollama", listed(&["smollm2:135m", "llama3.1:8b"]));
        let small = config.model_named("ollama/smollm2:135m").unwrap();
        let large = config.model_named("ollama/llama3.1:8b").unwrap();
        assert_eq!(small.prices.base, Some(Rates::default()));
        assert_eq!((small.context, small.max_output), (2_048, 2_048));
        assert_eq!(
            (small.mention, small.quality_source),
            (Mention::Discovered, QualitySource::Guess)
        );
        let code = |m: &Model| m.quality.get(crate::domain::TaskKind::Code);
        assert!(code(small) < code(large));
    }

    #[test]
    fn a_remote_listed_model_has_no_price() {
        let text = "[providers.far]\nbase_url = \"https://far.example/v1\"";
        let config = config(text).with_discovered("far", listed(&["big"]));
        assert_eq!(config.model_named("big").unwrap().prices.base, None);
    }

    #[test]
    fn what_was_configured_is_not_replaced_and_what_is_gone_goes() {
        let text =
            "[models.mine]\nprovider = \"ollama\"\nid = \"a\"\ncontext = 100\nmax_output = 50";
        let first = config(text).with_discovered("ollama", listed(&["a", "b"]));
        assert!(first.models.contains_key("mine") && !first.models.contains_key("ollama/a"));
        assert!(first.models.contains_key("ollama/b"));
        let second = first.with_discovered("ollama", listed(&["c"]));
        assert!(!second.models.contains_key("ollama/b") && second.models.contains_key("ollama/c"));
    }

    #[test]
    fn what_an_endpoint_told_outlives_a_change_of_the_file() {
        let old = config("").with_discovered("ollama", listed(&["a", "b"]));
        let text = "[models.mine]\nprovider = \"ollama\"\nid = \"a\"\ncontext = 100";
        let new = config(text).carrying(&old);
        assert!(new.models.contains_key("ollama/b") && !new.models.contains_key("ollama/a"));
        let elsewhere = "[providers.ollama]\nbase_url = \"http://127.0.0.1:9/v1\"";
        assert!(!config(elsewhere).carrying(&old).models.contains_key("ollama/b"));
    }

    #[test]
    fn a_model_is_found_by_name_id_short_id_or_unique_beginning() {
        let config = config("").with_discovered("ollama", listed(&["org/tiny-9", "other"]));
        let name = |text: &str| config.model_named(text).map(|m| m.name.to_string());
        assert_eq!(name("sonnet"), Ok("sonnet".to_owned()));
        assert_eq!(name("claude-sonnet-5-5"), Ok("sonnet".to_owned()));
        assert_eq!(name("anthropic/claude-sonnet-5-5"), Ok("sonnet".to_owned()));
        assert_eq!(name("tiny-9"), Ok("ollama/org/tiny-9".to_owned()));
        assert_eq!(name("SONNET"), Ok("sonnet".to_owned()));
        assert_eq!(name("deepseek-fl"), Ok("deepseek-flash".to_owned()));
    }

    #[test]
    fn what_is_not_found_brings_what_is_near() {
        let config = config("");
        assert!(config.model_named("sonet").unwrap_err().contains(&"sonnet".to_owned()));
        assert!(config.model_named("gpt").unwrap_err().len() > 1);
        assert!(config.model_named("zzzzzz").unwrap_err().is_empty());
        assert!(config.model_named("").is_err());
    }

    #[test]
    fn only_a_provider_that_passes_ids_on_takes_any_id() {
        let config = config("");
        let (with, name) = config.with_passthrough("openrouter/some/new-model").unwrap();
        assert_eq!(with.models.get(&name).unwrap().id, "some/new-model");
        assert!(config.with_passthrough("anthropic/anything").is_none());
        assert!(config.with_passthrough("plain").is_none());
    }
}
