//! Families of models: the priors a model starts from before anything is known of it.
//!
//! Owns: the shipped table and the guess which family an id belongs to. Must not know providers.
//! Invariant: there is always a family; what comes from one is a guess and shown as such.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::domain::{Lang, TaskKind, TaskTable, Tokenizer};

use super::model::Latency;
use super::preset;
use super::read::languages;
use super::reader::{Ctx, Fields, Names};
use super::schema::{FAMILY, LATENCY, QUALITY, Section};
use super::source::Sources;
use super::tree::{self, Table, Value};

/// What is assumed of a remote model that no pattern knows.
const UNKNOWN_REMOTE: &str = "light";
/// What is assumed of a local model whose size its name does not tell.
const UNKNOWN_LOCAL: &str = "local-medium";

/// Priors.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Family {
    /// Ids that contain one of these belong to it; the longest match of all families wins.
    ids: Vec<String>,
    pub(super) quality: TaskTable,
    pub(super) latency: Latency,
    pub(super) languages: Vec<Lang>,
    /// Local models of no known family belong to the smallest that holds their size.
    upto_billions: Option<f64>,
}

impl Default for Family {
    /// What is assumed of a model of which nothing at all is known.
    fn default() -> Self {
        Self {
            ids: Vec::new(),
            quality: TaskTable::flat(0.5),
            latency: Latency { ttft_ms: 800, cold_extra_ms: 0, tokens_per_s: 50.0 },
            languages: Vec::new(),
            upto_billions: None,
        }
    }
}

/// All families by name.
#[derive(Debug, Default)]
pub(super) struct Families {
    by_name: BTreeMap<String, Family>,
    fallback: Family,
    /// What ids that contain a text are counted with; the longest match wins.
    tokenizers: Vec<(String, Tokenizer)>,
}

/// The shipped families, read once.
pub(super) fn shipped() -> &'static Families {
    static SHIPPED: OnceLock<Families> = OnceLock::new();
    SHIPPED.get_or_init(|| read().0)
}

const ROOT: Section = Section {
    path: "",
    fields: &[
        super::schema::Field {
            name: "families",
            expects: "tables by name",
            doc: "priors by family",
        },
        super::schema::Field {
            name: "tokenizers",
            expects: "lists of texts by vocabulary",
            doc: "model ids that contain one of these are counted with it",
        },
    ],
};

/// The families, and what is wrong with their file (nothing, or a test fails).
fn read() -> (Families, Vec<super::ConfigError>) {
    let (name, text) = preset::FAMILIES;
    let mut sources = Sources::default();
    let layer = sources.push_shipped(name, text);
    let ctx = Ctx::new(&sources, Names::default());
    let mut families = Families::default();
    match tree::parse(text, layer) {
        Err(error) => ctx.error(error.at, "", error.message),
        Ok(tree) => {
            families.tokenizers = tokenizers(&ctx, &tree);
            let root = Fields::root(&ctx, &tree, &ROOT);
            let mut waiting: Vec<_> = root.named("families", &FAMILY);
            // A family is read once the one it is like has been.
            while !waiting.is_empty() {
                let before = waiting.len();
                waiting.retain(|(name, fields)| {
                    let base = match fields.text("like") {
                        None => Some(Family::default()),
                        Some(like) => families.by_name.get(like).cloned(),
                    };
                    let Some(base) = base else { return true };
                    families.by_name.insert((*name).to_owned(), family(fields, base));
                    false
                });
                if waiting.len() == before {
                    for (_, fields) in &waiting {
                        fields.wrong("like", "there is no such family");
                    }
                    break;
                }
            }
        }
    }
    let errors = ctx.finish().0;
    (families, errors)
}

fn tokenizers(ctx: &Ctx<'_>, tree: &Table) -> Vec<(String, Tokenizer)> {
    let mut all = Vec::new();
    for (name, entry) in tree.table("tokenizers").into_iter().flat_map(|table| &table.entries) {
        let tokenizer = match name.parse::<Tokenizer>() {
            Ok(tokenizer) => tokenizer,
            Err(error) => {
                ctx.error(entry.key_at, &format!("tokenizers.{name}"), error.to_string());
                continue;
            }
        };
        let Value::List(ids) = &entry.node.value else { continue };
        for id in ids {
            if let Value::Text(id) = &id.value {
                all.push((id.clone(), tokenizer));
            }
        }
    }
    all
}

fn family(fields: &Fields<'_>, base: Family) -> Family {
    let mut quality = base.quality;
    let figures = fields.section("quality", &QUALITY);
    let adjust = fields.section("adjust", &QUALITY);
    for kind in TaskKind::ALL {
        let figure = figures.number(kind.name(), 0.0, 1.0).map(|figure| figure as f32);
        let by = adjust.number(kind.name(), -1.0, 1.0).unwrap_or(0.0) as f32;
        quality.set(kind, (figure.unwrap_or(quality.get(kind)) + by).clamp(0.0, 1.0));
    }
    let speeds = fields.section("latency", &LATENCY);
    Family {
        ids: fields.strings("ids").unwrap_or_default(),
        quality,
        latency: Latency {
            ttft_ms: speeds.whole("ttft_ms").unwrap_or(base.latency.ttft_ms),
            cold_extra_ms: speeds.whole("cold_extra_ms").unwrap_or(base.latency.cold_extra_ms),
            tokens_per_s: speeds
                .number("tokens_per_s", 0.1, 1e6)
                .unwrap_or(base.latency.tokens_per_s),
        },
        languages: languages(fields, "languages").unwrap_or(base.languages),
        upto_billions: fields.number("upto_billions", 0.0, 1e6),
    }
}

impl Families {
    /// The family of this name.
    pub(super) fn named(&self, name: &str) -> Option<&Family> {
        self.by_name.get(name)
    }

    /// Every name.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// The family a model probably belongs to. Local models are small copies of big names, so for
    /// them the size in the id says more than the name.
    pub(super) fn guess(&self, id: &str, local: bool) -> &Family {
        let id = id.to_ascii_lowercase();
        let found = if local { self.by_size(&id) } else { self.by_id(&id) };
        let unknown = if local { UNKNOWN_LOCAL } else { UNKNOWN_REMOTE };
        found.or_else(|| self.named(unknown)).unwrap_or(&self.fallback)
    }

    /// What a model of this id is counted with, where that is known.
    pub(super) fn tokenizer(&self, id: &str) -> Option<Tokenizer> {
        let id = id.to_ascii_lowercase();
        let hits = self.tokenizers.iter().filter(|(part, _)| id.contains(part.as_str()));
        hits.max_by_key(|(part, _)| part.len()).map(|(_, tokenizer)| *tokenizer)
    }

    fn by_id(&self, id: &str) -> Option<&Family> {
        self.by_name
            .values()
            .filter_map(|family| {
                let longest = family.ids.iter().filter(|part| id.contains(part.as_str()));
                Some((longest.map(String::len).max()?, family))
            })
            .max_by_key(|(length, _)| *length)
            .map(|(_, family)| family)
    }

    fn by_size(&self, id: &str) -> Option<&Family> {
        let size = billions(id)?;
        let by_size = |family: &&Family| family.upto_billions.unwrap_or(f64::MAX);
        self.by_name
            .values()
            .filter(|family| family.upto_billions.is_some_and(|most| size <= most))
            .min_by(|a, b| by_size(a).total_cmp(&by_size(b)))
    }
}

/// The number of parameters in an id, in billions: `smollm2-135m`, `llama3.1:8b`, `mixtral-8x7b`.
/// Where several are given (`30b-a3b`), the first counts.
fn billions(id: &str) -> Option<f64> {
    id.split(|c: char| !c.is_ascii_alphanumeric() && c != '.').find_map(|word| {
        let (number, scale) = match (word.strip_suffix('b'), word.strip_suffix('m')) {
            (Some(number), _) => (number, 1.0),
            (_, Some(number)) => (number, 0.001),
            _ => return None,
        };
        let number = number.strip_prefix('e').unwrap_or(number);
        let size: f64 = match number.split_once('x') {
            Some((experts, each)) => experts.parse::<f64>().ok()? * each.parse::<f64>().ok()?,
            None => number.parse().ok()?,
        };
        (size > 0.0).then_some(size * scale)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_what_its_tokens_are_counted_with() {
        let told = |id: &str| shipped().tokenizer(id).map(|tokenizer| tokenizer.to_string());
        assert_eq!(told("gpt-4o-2024-08-06").as_deref(), Some("o200k_base"));
        assert_eq!(told("gpt-4-turbo").as_deref(), Some("cl100k_base"));
        assert_eq!(told("qwen2.5:7b-instruct").as_deref(), Some("qwen3"));
        // Small models taught by a large one have the vocabulary they were made with.
        assert_eq!(told("deepseek-r1-distill-qwen-7b").as_deref(), Some("qwen3"));
        assert_eq!(told("anthropic/claude-sonnet-5-5").as_deref(), Some("~o200k_base"));
        assert_eq!(told("smollm2:135m"), None);
    }

    #[test]
    fn the_shipped_families_read_without_an_error() {
        let (families, errors) = read();
        assert!(errors.is_empty(), "{errors:?}");
        assert!(families.named(UNKNOWN_REMOTE).is_some());
        assert!(families.named(UNKNOWN_LOCAL).is_some());
    }

    #[test]
    fn a_size_is_read_from_an_id() {
        for (id, size) in [
            ("smollm2-135m", Some(0.135)),
            ("gemma3:270m-it-q8_0", Some(0.27)),
            ("llama3.1:8b", Some(8.0)),
            ("qwen2.5-0.5b-instruct", Some(0.5)),
            ("mixtral-8x7b", Some(56.0)),
            ("qwen3-30b-a3b", Some(30.0)),
            ("gemma3n:e4b", Some(4.0)),
            ("mistral:latest", None),
            ("llm", None),
        ] {
            assert_eq!(billions(id), size, "{id}");
        }
    }

    #[test]
    fn a_local_model_is_judged_by_its_size_and_a_remote_one_by_its_name() {
        let families = shipped();
        let code = |family: &Family| family.quality.get(TaskKind::Code);
        assert!(code(families.guess("smollm2-135m", true)) < 0.2);
        assert!(code(families.guess("llama3.1:8b", true)) > 0.5);
        assert_eq!(
            families.guess("anthropic/claude-sonnet-5-5", false),
            families.named("claude-sonnet").unwrap()
        );
        // The longest pattern wins: mini is not the big one.
        assert_eq!(
            families.guess("openai/gpt-4o-mini", false),
            families.named("gpt-4o-mini").unwrap()
        );
        assert_eq!(families.guess("who-knows", false), families.named(UNKNOWN_REMOTE).unwrap());
    }

    #[test]
    fn an_adjustment_is_added_to_the_tier_it_starts_from() {
        let families = shipped();
        let tier = families.named("standard").unwrap();
        let flash = families.named("deepseek-flash").unwrap();
        let by = |kind| flash.quality.get(kind) - tier.quality.get(kind);
        assert!((by(TaskKind::Code) - 0.03).abs() < 1e-6);
        assert!((by(TaskKind::Prose) + 0.05).abs() < 1e-6);
        assert!(by(TaskKind::Chat).abs() < 1e-6);
    }
}
