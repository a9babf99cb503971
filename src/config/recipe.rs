//! How a configuration came about, so that it can be made again when one of its files changes.
//!
//! Owns: the layers of a running program and the pure `reload`. Must not know files, clocks or who
//! watches. Invariant: a text that cannot be read changes nothing: the recipe stays what it was.

use super::error::ConfigError;
use super::load::{Loaded, load, load_demo};
use super::source::{Layer, LayerKind};

/// Which of the configured providers are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// All.
    #[default]
    Everywhere,
    /// Those on this machine.
    ThisMachine,
}

/// The layers a configuration is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recipe {
    fleet: Option<String>,
    layers: Vec<Layer>,
    reach: Reach,
}

impl Recipe {
    /// These layers over what is shipped.
    pub fn new(layers: Vec<Layer>) -> Self {
        Self { layers, ..Self::default() }
    }

    /// The simulated fleet, with what these layers say that a demonstration takes.
    pub fn demo(fleet: impl Into<String>, layers: Vec<Layer>) -> Self {
        Self { fleet: Some(fleet.into()), layers, reach: Reach::Everywhere }
    }

    /// The same with only these providers.
    #[must_use]
    pub fn reaching(mut self, reach: Reach) -> Self {
        self.reach = reach;
        self
    }

    /// The text of the layer of this kind, if there is one.
    pub fn text(&self, kind: LayerKind) -> Option<&str> {
        self.layers.iter().find(|layer| layer.kind == kind).map(|layer| layer.text.as_str())
    }

    /// The names of its layers, lowest first.
    pub fn names(&self) -> Vec<String> {
        let mut layers: Vec<&Layer> = self.layers.iter().collect();
        layers.sort_by_key(|layer| layer.kind);
        layers.into_iter().map(|layer| layer.name.clone()).collect()
    }

    /// Makes the configuration. Synced prices that cannot be read are left out, which becomes a
    /// warning: they are nothing a person wrote.
    ///
    /// # Errors
    /// Everything that is wrong in the other layers.
    pub fn load(&self) -> Result<Loaded, Vec<ConfigError>> {
        let mut loaded = match &self.fleet {
            Some(fleet) => load_demo(fleet, &self.layers)?,
            None => self.load_real()?,
        };
        if self.reach == Reach::ThisMachine {
            let config = &mut loaded.config;
            config.providers.retain(|_, provider| provider.local);
            let providers = &config.providers;
            config.models.retain(|_, model| providers.contains_key(&model.provider));
        }
        Ok(loaded)
    }

    fn load_real(&self) -> Result<Loaded, Vec<ConfigError>> {
        let errors = match load(&self.layers) {
            Ok(loaded) => return Ok(loaded),
            Err(errors) => errors,
        };
        let synced = self.layers.iter().filter(|layer| layer.kind == LayerKind::Synced);
        let theirs = |error: &ConfigError| synced.clone().any(|layer| layer.name == error.file);
        if errors.is_empty() || !errors.iter().all(theirs) {
            return Err(errors);
        }
        let others = self.layers.iter().filter(|layer| layer.kind != LayerKind::Synced);
        let mut loaded = load(&others.cloned().collect::<Vec<_>>())?;
        loaded.warnings.extend(errors);
        Ok(loaded)
    }

    /// The recipe and its configuration with one layer's text replaced, or the layer taken out.
    /// Pure.
    ///
    /// # Errors
    /// Everything that is wrong with the new text, or with the others over it.
    pub fn reload(
        &self,
        kind: LayerKind,
        name: &str,
        text: Option<String>,
    ) -> Result<(Self, Loaded), Vec<ConfigError>> {
        let mut next = self.clone();
        next.layers.retain(|layer| layer.kind != kind);
        if let Some(text) = text {
            next.layers.push(Layer { kind, name: name.to_owned(), text });
        }
        let loaded = next.load()?;
        Ok((next, loaded))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(text: &str) -> Recipe {
        Recipe::new(vec![
            Layer::user("config.toml", text),
            Layer::flag("--policy", "routing.policy", "fastest"),
        ])
    }

    fn changed(recipe: &Recipe, text: &str) -> Result<(Recipe, Loaded), Vec<ConfigError>> {
        recipe.reload(LayerKind::User, "config.toml", Some(text.to_owned()))
    }

    #[test]
    fn a_changed_file_keeps_the_layers_above_it() {
        let recipe = user("[console]\ntheme = \"dark\"");
        let (recipe, loaded) = changed(&recipe, "[console]\ntheme = \"light\"").unwrap();
        assert_eq!(loaded.config.console.theme, "light");
        assert_eq!(loaded.config.routing.policy, "fastest");
        assert_eq!(recipe.text(LayerKind::User), Some("[console]\ntheme = \"light\""));
    }

    #[test]
    fn a_broken_file_says_where_what_and_what_was_meant() {
        let errors = changed(&user(""), "[console]\nthem = \"light\"").unwrap_err();
        let words = errors[0].to_string();
        assert!(words.starts_with("config.toml:2:1: console.them"), "{words}");
        assert!(words.ends_with("did you mean `theme`?"), "{words}");
    }

    #[test]
    fn a_demonstration_keeps_what_was_in_force_too() {
        let layers = vec![Layer::user("config.toml", "[console]\ntheme = \"dark\"")];
        let recipe = Recipe::demo("", layers);
        assert_eq!(recipe.load().unwrap().config.console.theme, "dark");
        assert!(changed(&recipe, "[console]\nthem = 1").is_err());
        let (_, loaded) = changed(&recipe, "[console]\ntheme = \"light\"").unwrap();
        assert_eq!(loaded.config.console.theme, "light");
    }

    #[test]
    fn synced_prices_that_cannot_be_read_are_left_out_and_said() {
        let layer = |text: &str| Layer {
            kind: LayerKind::Synced,
            name: "synced.toml".to_owned(),
            text: text.to_owned(),
        };
        let recipe = Recipe::new(vec![layer("[models.sonnet]\nprise = 1")]);
        let loaded = recipe.load().unwrap();
        assert!(loaded.warnings.iter().any(|warning| warning.file == "synced.toml"));
        let text = "[models.sonnet.price]\ninput = 7\noutput = 8";
        let loaded = Recipe::new(vec![layer(text)]).load().unwrap();
        let rates = loaded.config.models["sonnet"].prices.base.unwrap();
        assert_eq!(rates.input.to_string(), "7");
        let both = vec![layer("x"), Layer::user("config.toml", "y")];
        assert!(Recipe::new(both).load().is_err());
    }

    #[test]
    fn only_this_machine_stays_so_after_a_change() {
        let recipe = user("").reaching(Reach::ThisMachine);
        let (_, loaded) = changed(&recipe, "[console]\ntheme = \"dark\"").unwrap();
        assert!(loaded.config.providers.values().all(|provider| provider.local));
        assert!(!loaded.config.providers.is_empty());
    }
}
