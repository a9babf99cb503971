//! Whether a path is a setting that there could be, though nothing sets it.
//!
//! Must not know: what any setting means. Invariant: what is suggested for a path that is none is one
//! that is known. Providers and models that are nowhere mentioned are not known.

use std::collections::BTreeSet;

use toml_edit::Key;

use crate::domain::nearest;

use super::load::Loaded;
use super::schema::{BUDGET_LIMIT, Field, SECTIONS, Section};
use super::source::join_path;

/// What there is under a path that nothing sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Nothing {
    /// It may be set; where it is a table, by these fields.
    Unset(Vec<&'static str>),
    /// There is no such setting; what was probably meant.
    Unknown(Option<String>),
}

/// A name of the user's in the path of a section.
const NAME: &str = "<name>";

/// Where limits of budgets stand besides `budget.day`.
const LIMITS: [&str; 4] =
    ["budget.month", "budget.session", "budget.providers.<name>", "budget.models.<name>"];

impl Loaded {
    /// What a path is that [`Self::show`] has nothing of.
    pub fn nothing_at(&self, path: &str) -> Nothing {
        let path = path.trim().trim_end_matches('.');
        let plain = || path.split('.').map(str::to_owned).collect();
        let keys = |keys: Vec<Key>| keys.iter().map(|key| key.get().to_owned()).collect();
        let steps: Vec<String> = Key::parse(path).map_or_else(|_| plain(), keys);
        let Some(wrong) = (0..steps.len()).find(|at| !self.below(&steps[..*at]).has(&steps[*at]))
        else {
            return Nothing::Unset(self.below(&steps).fields.iter().map(|f| f.name).collect());
        };
        let (way, typed) = (&steps[..wrong], &steps[wrong]);
        let below = self.below(way);
        if below.names().next().is_none() {
            // Below a field that takes names of the user's own: a currency, a header.
            return Nothing::Unset(Vec::new());
        }
        let near = nearest(typed, below.names()).map(|near| {
            way.iter()
                .chain([&near.to_owned()])
                .fold(String::new(), |path, step| join_path(&path, step))
        });
        // Of a model or provider people may write the name alone.
        let alone = || {
            ["models", "providers"].into_iter().find_map(|table| {
                let below = self.below(&[table.to_owned()]);
                nearest(typed, below.names()).map(|near| join_path(table, near))
            })
        };
        Nothing::Unknown(near.or_else(|| if wrong == 0 { alone() } else { None }))
    }

    /// What there may be below a path.
    fn below(&self, way: &[String]) -> Below<'_> {
        let budgets = LIMITS.iter().map(|path| (*path, &BUDGET_LIMIT));
        let sections = SECTIONS.iter().map(|section| (section.path, *section)).chain(budgets);
        let mut below = Below::default();
        for (path, section) in sections {
            let path = path.replace("[]", "");
            let steps: Vec<&str> = path.split('.').filter(|step| !step.is_empty()).collect();
            let Some((first, rest)) = steps.split_at_checked(way.len()) else { continue };
            if !first.iter().zip(way).all(|(step, given)| *step == NAME || step == given) {
                continue;
            }
            match rest.first() {
                None => below.add(section),
                Some(&NAME) => below.named.extend(self.names_at(way)),
                Some(_) => {}
            }
        }
        below
    }

    /// The names a table of named tables has.
    fn names_at(&self, way: &[String]) -> Vec<&str> {
        let table = match way.last().map(String::as_str) {
            Some(table @ ("providers" | "models" | "policies")) => self.tree.table(table),
            _ => None,
        };
        table.map(|table| table.entries.keys().map(String::as_str).collect()).unwrap_or_default()
    }
}

/// What there may be below a path.
#[derive(Default)]
struct Below<'a> {
    fields: &'static [Field],
    named: BTreeSet<&'a str>,
}

impl Below<'_> {
    fn add(&mut self, section: &Section) {
        self.fields = section.fields;
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|field| field.name).chain(self.named.iter().copied())
    }

    fn has(&self, step: &str) -> bool {
        self.names().any(|name| name == step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load;

    #[test]
    fn what_could_be_set_is_told_apart_from_what_is_no_setting() {
        let loaded = load(&[]).unwrap();
        for (path, fields) in [
            ("budget", 6),
            ("budget.day", 2),
            ("budget.month.limit", 0),
            ("budget.models.sonnet.at_limit", 0),
            ("cache.redis", 2),
            ("currency.rates", 0),
            ("currency.rates.CNY", 0),
            ("models.sonnet.price", 0),
            ("providers.deepseek.headers", 0),
        ] {
            match loaded.nothing_at(path) {
                Nothing::Unset(there) if fields > 0 => assert_eq!(there.len(), fields, "{path}"),
                Nothing::Unset(_) => {}
                unknown @ Nothing::Unknown(_) => panic!("{path}: {unknown:?}"),
            }
        }
        for (path, near) in [
            ("budgte", Some("budget")),
            ("routing.polcy", Some("routing.policy")),
            ("models.sonet.price", Some("models.sonnet")),
            ("budget.dya.limit", Some("budget.day")),
            ("sonet", Some("models.sonnet")),
            ("zzzzzz", None),
        ] {
            let unknown = Nothing::Unknown(near.map(str::to_owned));
            assert_eq!(loaded.nothing_at(path), unknown, "{path}");
        }
    }
}
