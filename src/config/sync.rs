//! What a price feed says otherwise than what is in force, and the layer it is kept in.
//!
//! Owns: the comparison and the text of the synced layer. Must not know: how feeds are written,
//! files. Invariants: a price a person set is never replaced; a row without a price changes none;
//! every price kept has its day and its source.

use toml_edit::{DocumentMut, InlineTable, Item, Table, Value};

use crate::domain::{ModelName, Price, Rates};

use super::load::Loaded;
use super::model::Model;

/// A price that is so many times another at once is more likely a feed's mistake: a unit, or a row that
/// was filled in with zeros. The greatest cuts and rises of providers were under tenfold.
const APART: i64 = 20;

/// One model as a feed tells of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FeedRow {
    /// Our name of its provider.
    pub provider: String,
    /// The provider's id for it.
    pub id: String,
    /// Another id of the same.
    pub also: Option<String>,
    /// Per prompt token; with `output`, or neither.
    pub input: Option<Price>,
    /// Per answer token.
    pub output: Option<Price>,
    /// Per cached prompt token.
    pub cached_input: Option<Price>,
    /// Per prompt token written to the cache.
    pub cache_write: Option<Price>,
    /// Its window in tokens.
    pub context: Option<u64>,
    /// Its greatest answer in tokens.
    pub max_output: Option<u64>,
}

impl FeedRow {
    fn is(&self, model: &Model) -> bool {
        model.provider.as_str() == self.provider
            && (model.id == self.id || self.also.as_deref() == Some(model.id.as_str()))
    }

    /// Does its name or id have this in it?
    pub fn matches(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.own_name().to_lowercase().contains(&text)
    }

    /// The name a new model gets.
    pub fn own_name(&self) -> String {
        format!("{}/{}", self.provider, self.id)
    }
}

/// A model that is configured, and what the feed says otherwise of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    /// Its name.
    pub name: ModelName,
    /// What the feed says.
    pub row: FeedRow,
    /// The price in force, and the feed's, where they differ.
    pub price: Option<(Option<Rates>, Rates)>,
    /// The window in force, and the feed's.
    pub context: Option<(u64, u64)>,
    /// Why the price in force stays, if it does.
    pub stays: Option<String>,
}

/// All that a feed says otherwise.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Diff {
    /// Models that are configured and differ.
    pub changed: Vec<Changed>,
    /// How many are configured and do not.
    pub same: usize,
    /// Models that are not configured.
    pub new: Vec<FeedRow>,
    /// Configured models of the feed's providers that it does not list.
    pub gone: Vec<ModelName>,
}

impl Loaded {
    /// Holds a feed against what is in force.
    pub fn diff(&self, rows: &[FeedRow]) -> Diff {
        let mut diff = Diff::default();
        let models = &self.config.models;
        for row in rows {
            let mut known = models.values().filter(|model| row.is(model)).peekable();
            if known.peek().is_none() {
                diff.new.push(row.clone());
            }
            for model in known {
                match self.changed(model, row) {
                    Some(changed) => diff.changed.push(changed),
                    None => diff.same += 1,
                }
            }
        }
        let listed =
            |model: &&Model| rows.iter().any(|row| row.provider == model.provider.as_str());
        let missing = models.values().filter(listed).filter(|m| m.retired.is_none());
        let missing = missing.filter(|model| !rows.iter().any(|row| row.is(model)));
        diff.gone = missing.map(|model| model.name.clone()).collect();
        diff.changed.sort_by(|a, b| a.name.cmp(&b.name));
        diff.new.sort_by_key(FeedRow::own_name);
        diff
    }

    fn changed(&self, model: &Model, row: &FeedRow) -> Option<Changed> {
        let old = model.prices.base;
        let price = row.input.zip(row.output).and_then(|(input, output)| {
            // What the feed does not tell stays as it is, but for what would be dearer than no cache.
            let rest = |told: Option<Price>, old: Option<Price>| {
                told.or(old.filter(|old| *old < input)).unwrap_or(input)
            };
            let cached_input = rest(row.cached_input, old.map(|old| old.cached_input));
            let cache_write = row.cache_write.or(old.map(|old| old.cache_write)).unwrap_or(input);
            let cache_write_1h = old.and_then(|old| old.cache_write_1h);
            let new = Rates { input, cached_input, cache_write, cache_write_1h, output };
            (old != Some(new)).then_some((old, new))
        });
        let context = row.context.filter(|context| *context != model.context);
        let context = context
            .filter(|_| self.set_by_user(&model.name, &["context"]).is_none())
            .map(|context| (model.context, context));
        if price.is_none() && context.is_none() {
            return None;
        }
        let set = self.set_by_user(&model.name, &["price", "prices"]);
        let stays = price.and_then(|(old, new)| match (set, model.prices.schedules.is_empty()) {
            (Some(place), _) => Some(format!("set in {place}")),
            (None, false) => {
                Some("it has prices by time, size or tier, which a feed does not tell".into())
            }
            (None, true) => old.filter(|old| far_apart(old, &new)).map(|_| {
                format!("over {APART} times apart is more likely a mistake; set it if it is right")
            }),
        });
        Some(Changed { name: model.name.clone(), row: row.clone(), price, context, stays })
    }

    /// Where a person set one of these fields of a model.
    fn set_by_user(&self, model: &ModelName, fields: &[&str]) -> Option<String> {
        let table = self.tree.table("models")?.table(model.as_str())?;
        let nodes = fields.iter().filter_map(|field| table.get(field)).flat_map(|node| {
            let inner = match &node.value {
                super::tree::Value::Table(inner) => {
                    inner.entries.values().map(|e| e.node.at).collect()
                }
                _ => vec![node.at],
            };
            inner.into_iter()
        });
        let mut users = nodes.filter(|at| self.sources.kind(*at).is_users());
        users.next().map(|at| self.sources.position(at).to_string())
    }
}

/// Is one of the prices many times the other, or nothing at once? What was free may get any price.
fn far_apart(old: &Rates, new: &Rates) -> bool {
    let apart = |old: Price, new: Price| {
        let (old, new) = (old.pico_per_token(), new.pico_per_token());
        old > 0 && (new.saturating_mul(APART) < old || old.saturating_mul(APART) < new)
    };
    apart(old.input, new.input) || apart(old.output, new.output)
}

/// What is written above the synced layer.
const HEAD: &str = "# Prices taken from feeds by `wheelhouse models sync --write`; your own file is over them.\n\
                    # Delete this file to go back to the shipped ones.\n\n";

/// The synced layer with these taken in: changed models, and new ones. `as_of` is the day, `source`
/// where the figures were read.
///
/// # Errors
/// The layer as it is cannot be read; it can be deleted.
pub fn merged(
    old: &str,
    changed: &[&Changed],
    new: &[&FeedRow],
    (as_of, source): (&str, &str),
) -> Result<String, String> {
    let head = if old.trim().is_empty() { HEAD } else { "" };
    let mut document: DocumentMut =
        old.parse().map_err(|error: toml_edit::TomlError| error.message().to_owned())?;
    let mut implicit = Table::new();
    implicit.set_implicit(true);
    let models = document.entry("models").or_insert(Item::Table(implicit));
    let models = models.as_table_mut().ok_or("models is not a table")?;
    for changed in changed {
        let table = table_of(models, changed.name.as_str())?;
        if let Some((_, rates)) = changed.price.filter(|_| changed.stays.is_none()) {
            table.insert("price", price(&rates, as_of, source));
        }
        if let Some((_, context)) = changed.context {
            table.insert("context", whole(context));
        }
    }
    for row in new {
        let table = table_of(models, &row.own_name())?;
        table.insert("provider", Item::Value(row.provider.as_str().into()));
        table.insert("id", Item::Value(row.id.as_str().into()));
        if let Some(context) = row.context {
            table.insert("context", whole(context));
            let most = row.max_output.filter(|most| *most <= context);
            if let Some(most) = most {
                table.insert("max_output", whole(most));
            }
        }
        if let Some((input, output)) = row.input.zip(row.output) {
            let cached_input = row.cached_input.unwrap_or(input);
            let cache_write = row.cache_write.unwrap_or(input);
            let cache_write_1h = None;
            let rates = Rates { input, cached_input, cache_write, cache_write_1h, output };
            table.insert("price", price(&rates, as_of, source));
        }
    }
    Ok(format!("{head}{document}"))
}

fn table_of<'a>(models: &'a mut Table, name: &str) -> Result<&'a mut Table, String> {
    let item = models.entry(name).or_insert(Item::Table(Table::new()));
    item.as_table_mut().ok_or_else(|| format!("models.{name} is not a table"))
}

fn whole(number: u64) -> Item {
    Item::Value(i64::try_from(number).unwrap_or(i64::MAX).into())
}

fn price(rates: &Rates, as_of: &str, source: &str) -> Item {
    let mut table = InlineTable::new();
    let figures = [
        ("input", Some(rates.input)),
        ("cached_input", Some(rates.cached_input)),
        ("cache_write", Some(rates.cache_write)),
        ("cache_write_1h", rates.cache_write_1h),
        ("output", Some(rates.output)),
    ];
    for (name, figure) in figures.into_iter().filter_map(|(name, figure)| Some((name, figure?))) {
        // As it is written, never through a float.
        let text = figure.to_string();
        let text = if text.contains('.') { text } else { format!("{text}.0") };
        if let Ok(value) = text.parse::<Value>() {
            table.insert(name, value);
        }
    }
    table.insert("as_of", as_of.into());
    table.insert("source", source.into());
    Item::Value(Value::InlineTable(table))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Layer, LayerKind, Recipe};

    fn row(provider: &str, id: &str, input: &str, output: &str) -> FeedRow {
        FeedRow {
            provider: provider.to_owned(),
            id: id.to_owned(),
            input: input.parse().ok(),
            output: output.parse().ok(),
            ..FeedRow::default()
        }
    }

    fn loaded(user: &str) -> Loaded {
        let user = Layer::user("config.toml", user);
        Recipe::new(vec![user]).load().unwrap_or_else(|errors| panic!("{errors:?}"))
    }

    const LAB: &str = "[providers.lab]\nbase_url = \"http://127.0.0.1:1/v1\"\n";

    #[test]
    fn what_is_new_changed_the_same_and_gone_is_told_apart() {
        let rates = |loaded: &Loaded| loaded.config.models["sonnet"].prices.base.unwrap();
        let loaded = loaded("");
        let same = rates(&loaded);
        let model = &loaded.config.models["sonnet"];
        let mut rows = vec![
            FeedRow {
                input: Some(same.input),
                output: Some(same.output),
                ..row("anthropic", &model.id, "", "")
            },
            row("anthropic", "claude-nova-9", "1", "5"),
        ];
        let diff = loaded.diff(&rows);
        assert_eq!((diff.same, diff.changed.len()), (1, 0));
        assert_eq!(diff.new[0].own_name(), "anthropic/claude-nova-9");
        assert!(diff.gone.iter().any(|name| name.as_str() == "haiku"), "{:?}", diff.gone);
        assert!(!diff.gone.iter().any(|name| name.as_str() == "deepseek-flash"));
        rows[0].input = Some("1.5".parse().unwrap());
        rows[0].context = Some(123);
        let diff = loaded.diff(&rows);
        let changed = &diff.changed[0];
        assert_eq!(changed.price.unwrap().1.input.to_string(), "1.5");
        assert_eq!((changed.context.unwrap().1, &changed.stays), (123, &None));
    }

    #[test]
    fn a_price_a_person_set_stays_and_says_where() {
        let user = "[models.sonnet.price]\ninput = 9\noutput = 9\n";
        let loaded = loaded(user);
        let id = loaded.config.models["sonnet"].id.clone();
        let diff = loaded.diff(&[row("anthropic", &id, "1", "5")]);
        assert_eq!(diff.changed[0].stays.as_deref(), Some("set in config.toml:2"));
        let changed: Vec<&Changed> = diff.changed.iter().collect();
        let text = merged("", &changed, &[], ("2026-11-26", "models.dev")).unwrap();
        assert!(!text.contains("price"), "{text}");
    }

    #[test]
    fn prices_by_the_hour_are_not_flattened_by_a_feed_that_does_not_know_them() {
        let loaded = loaded("");
        let diff = loaded.diff(&[row("deepseek", "deepseek-flash", "0.1", "0.5")]);
        assert!(diff.changed[0].stays.as_deref().unwrap().contains("by time, size or tier"));
    }

    #[test]
    fn what_is_kept_is_in_force_with_its_day_and_source_and_a_second_look_finds_it_the_same() {
        let before = loaded(LAB);
        let id = before.config.models["sonnet"].id.clone();
        let rows = [
            FeedRow { context: Some(777_000), ..row("anthropic", &id, "1.5", "7.25") },
            FeedRow {
                max_output: Some(9),
                context: Some(5),
                ..row("lab", "odd \"one\"", "0.000001", "12")
            },
        ];
        let diff = before.diff(&rows);
        let changed: Vec<&Changed> = diff.changed.iter().collect();
        let new: Vec<&FeedRow> = diff.new.iter().collect();
        let text = merged("", &changed, &new, ("2026-11-26", "models.dev")).unwrap();
        assert!(text.starts_with("# Prices taken from feeds"), "{text}");
        let synced =
            Layer { kind: LayerKind::Synced, name: "synced.toml".to_owned(), text: text.clone() };
        let after = Recipe::new(vec![synced, Layer::user("config.toml", LAB)]).load().unwrap();
        assert!(after.warnings.is_empty(), "{:?}\n{text}", after.warnings);
        let sonnet = &after.config.models["sonnet"];
        assert_eq!(sonnet.prices.base.unwrap().output.to_string(), "7.25");
        assert_eq!(sonnet.prices.as_of.as_deref(), Some("2026-11-26"));
        assert_eq!(sonnet.prices.source.as_deref(), Some("models.dev"));
        assert_eq!(sonnet.context, 777_000);
        let odd = &after.config.models["lab/odd \"one\""];
        assert_eq!(odd.prices.base.unwrap().input.to_string(), "0.000001");
        let again = after.diff(&rows);
        assert_eq!((again.changed.len(), again.new.len(), again.same), (0, 0, 2), "{again:?}");
        // Kept again over what is there, the rest stays.
        let more =
            merged(&text, &[], &[&row("lab", "two", "1", "2")], ("2026-12-01", "x")).unwrap();
        assert!(more.contains("777000") && more.contains("lab/two"), "{more}");
    }

    #[test]
    fn a_row_without_a_price_changes_none() {
        let loaded = loaded("");
        let id = loaded.config.models["sonnet"].id.clone();
        let diff = loaded.diff(&[row("anthropic", &id, "", "")]);
        assert_eq!((diff.same, diff.changed.len()), (1, 0));
        let text = merged("", &[], &[&row("lab", "bare", "", "")], ("d", "s")).unwrap();
        assert!(!text.contains("price"), "{text}");
    }

    #[test]
    fn a_price_that_is_many_times_another_at_once_is_shown_and_not_taken() {
        let loaded = loaded("");
        let model = &loaded.config.models["sonnet"];
        let (id, base) = (model.id.clone(), model.prices.base.unwrap());
        let stays = |input: &str, output: &str| {
            let diff = loaded.diff(&[row("anthropic", &id, input, output)]);
            let changed = &diff.changed[0];
            assert!(changed.price.is_some());
            changed.stays.clone()
        };
        // Told per token where it is read per million, the other way round, and not filled in.
        for (input, output) in
            [("0.000002", "0.00001"), ("2000", "10000"), ("0", "0"), ("2", "0"), ("0.02", "10")]
        {
            let why = stays(input, output).unwrap_or_else(|| panic!("{input} {output} is taken"));
            assert!(why.contains("mistake"), "{why}");
        }
        let tenth = base.output.dollars_per_million() / 10.0;
        assert_eq!(stays("1.5", &format!("{tenth:.4}")), None);
    }
}
