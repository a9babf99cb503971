//! The text of a first configuration file.
//!
//! Owns: `config init` and what the first run writes. Must not know where it is written. Invariant:
//! the text loads without an error or a warning, whatever it is given.

use std::fmt::Write as _;

use crate::domain::{AtLimit, BudgetLimit};

const EXAMPLE: &str = include_str!("../../assets/starter.toml");

/// A commented file to start from: nothing in it is in force.
pub fn example() -> String {
    EXAMPLE.to_owned()
}

/// The same with a daily budget in force, as the first run offers it.
pub fn starter(day: Option<BudgetLimit>) -> String {
    let mut text = example();
    if let Some(day) = day {
        let at_limit = match day.at_limit {
            AtLimit::Warn => "warn",
            AtLimit::Ask => "ask",
            AtLimit::Stop => "stop",
        };
        let limit = day.limit;
        let set = format!("[budget]\nday = {{ limit = {limit}, at_limit = \"{at_limit}\" }}\n#");
        // In its place, so that what stays commented can be taken in beside it.
        match text.find("#[budget]") {
            Some(at) => text.insert_str(at, &set),
            None => {
                let _ = write!(text, "\n{set}");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Layer, load};

    /// The example with its `#` taken off: what a person gets who wants all of it.
    fn uncommented() -> String {
        let lines = EXAMPLE.lines().map(|line| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with([' ', '#']) => rest,
            _ => line,
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_example_loads_as_it_is() {
        let loaded = load(&[Layer::user("config.toml", example())]).unwrap();
        assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    }

    #[test]
    fn every_commented_setting_of_the_example_is_right() {
        let text = uncommented();
        assert!(text.contains("\n[routing]\n"), "{text}");
        let loaded = load(&[Layer::user("config.toml", text)]).unwrap_or_else(|e| panic!("{e:#?}"));
        assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
        assert_eq!(loaded.config.routing.rules.len(), 1);
    }

    #[test]
    fn a_chosen_budget_is_in_force() {
        let limit = BudgetLimit { limit: "2".parse().unwrap(), at_limit: AtLimit::Ask };
        let loaded = load(&[Layer::user("config.toml", starter(Some(limit)))]).unwrap();
        assert_eq!(loaded.config.budget.day, Some(limit));
    }
}
