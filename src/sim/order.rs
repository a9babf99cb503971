//! An order to the fleet as a person types it: `deepseek cut 40 for 60s`, `clear`.
//!
//! Owns: the order's words. Must not know: who types them. Invariant: an order that is not wholly
//! understood changes nothing.

use std::time::Duration;

use crate::domain::{format_span, nearest, parse_span};

use super::control::{Control, Until};
use super::fault::Fault;
use super::words;

/// A fault, where and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strike {
    /// The provider.
    pub provider: String,
    /// Only for this model of it.
    pub model: Option<String>,
    /// What goes wrong.
    pub fault: Fault,
    /// For how long.
    pub until: Until,
}

/// What is ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Put a fault in force.
    Strike(Strike),
    /// Lift all faults of a provider, or of all.
    Clear(Option<String>),
}

/// How an order is written.
const USAGE: &str = "PROVIDER[/MODEL] KIND [for 60s | once | 3 times], or clear [PROVIDER]";

impl Order {
    /// Reads an order to this fleet.
    pub fn read(line: &str, fleet: &Control) -> Result<Self, String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (first, rest) = words.split_first().ok_or_else(|| USAGE.to_owned())?;
        if *first == "clear" {
            return match rest {
                [] => Ok(Self::Clear(None)),
                [name] => Ok(Self::Clear(Some(provider(name, fleet)?.to_owned()))),
                [..] => Err(USAGE.to_owned()),
            };
        }
        let (name, model) = match first.split_once('/') {
            Some((name, model)) => (name, Some(model)),
            None => (*first, None),
        };
        let provider = provider(name, fleet)?.to_owned();
        let model = match model {
            Some(model) => Some(self::model(&provider, model, fleet)?),
            None => None,
        };
        let (fault, took) = words::read(rest)?;
        let until = until(rest.get(took..).unwrap_or_default())?;
        Ok(Self::Strike(Strike { provider, model, fault, until }))
    }

    /// Carries it out; what was done, in words.
    pub fn run(&self, fleet: &Control) -> Result<String, String> {
        match self {
            Self::Strike(strike) => {
                fleet.strike(strike).map_err(|error| error.to_string())?;
                Ok(strike.words())
            }
            Self::Clear(only) => {
                let names: Vec<String> = match only {
                    Some(name) => vec![name.clone()],
                    None => fleet.providers().map(str::to_owned).collect(),
                };
                for name in &names {
                    fleet.clear(name).map_err(|error| error.to_string())?;
                }
                Ok(match only {
                    Some(name) => format!("{name} works again"),
                    None => "all simulated providers work again".to_owned(),
                })
            }
        }
    }
}

impl Strike {
    /// `sim-deepseek cut 40 for 60s`.
    pub fn words(&self) -> String {
        let place = match &self.model {
            Some(model) => format!("{}/{model}", self.provider),
            None => self.provider.clone(),
        };
        let span = match self.until {
            Until::Times(1) => " once".to_owned(),
            Until::Times(times) => format!(" {times} times"),
            Until::For(span) => format!(" for {}", format_span(span)),
            Until::Cleared => String::new(),
        };
        format!("{place} {}{span}", self.fault.words())
    }
}

/// The provider a name means: its own, or that without `sim-`.
pub(super) fn provider<'a>(name: &str, fleet: &'a Control) -> Result<&'a str, String> {
    let short = |known: &&str| known.strip_prefix("sim-") == Some(name);
    if let Some(known) = fleet.providers().find(|known| *known == name || short(known)) {
        return Ok(known);
    }
    let all: Vec<&str> = fleet.providers().collect();
    let hint = nearest(name, fleet.providers()).map_or_else(
        || format!("there are {}", all.join(", ")),
        |near| format!("did you mean {near}?"),
    );
    Err(format!("no simulated provider is called {name:?}; {hint}"))
}

/// The model of a provider a name means: its id, or that without `sim-`.
pub(super) fn model(provider: &str, name: &str, fleet: &Control) -> Result<String, String> {
    let models = || fleet.models(provider).iter().map(String::as_str);
    let short = |known: &&str| known.strip_prefix("sim-") == Some(name);
    if let Some(known) = models().find(|known| *known == name || short(known)) {
        return Ok(known.to_owned());
    }
    let all: Vec<&str> = models().collect();
    let hint = nearest(name, models()).map_or_else(
        || format!("it has {}", all.join(", ")),
        |near| format!("did you mean {near}?"),
    );
    Err(format!("{provider} has no model {name:?}; {hint}"))
}

fn until(words: &[&str]) -> Result<Until, String> {
    let span = |text: &str| parse_span(text).map_err(|error| format!("{text:?}: {error}"));
    match words {
        [] => Ok(Until::Cleared),
        ["once"] => Ok(Until::Times(1)),
        ["for", text] | [text] => span(text).and_then(positive),
        [times, "times" | "time"] => match times.parse::<u32>() {
            Ok(times @ 1..) => Ok(Until::Times(times)),
            _ => Err(format!("{times:?} is not a number of times")),
        },
        [..] => Err(format!("{:?} is not: for 60s, once, 3 times", words.join(" "))),
    }
}

fn positive(span: Duration) -> Result<Until, String> {
    if span.is_zero() { Err("it would last no time".to_owned()) } else { Ok(Until::For(span)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Order, String> {
        Order::read(line, &Control::idle().unwrap())
    }

    fn words(line: &str) -> String {
        match read(line).unwrap() {
            Order::Strike(strike) => strike.words(),
            Order::Clear(only) => format!("clear {only:?}"),
        }
    }

    #[test]
    fn an_order_says_where_what_and_for_how_long() {
        assert_eq!(words("deepseek cut for 60s"), "sim-deepseek cut 40 for 1m");
        assert_eq!(words("sim-openai 429 30s 3 times"), "sim-openai 429 30s 3 times");
        assert_eq!(words("qwen slow 4s once"), "sim-qwen slow 4s once");
        assert_eq!(
            words("deepseek/deepseek-pro silence 2m"),
            "sim-deepseek/sim-deepseek-pro silence for 2m"
        );
        assert_eq!(read("clear"), Ok(Order::Clear(None)));
        assert_eq!(read("clear qwen"), Ok(Order::Clear(Some("sim-qwen".to_owned()))));
    }

    #[test]
    fn an_order_that_is_not_understood_says_what_it_could_have_meant() {
        for (line, word) in [
            ("", "PROVIDER"),
            ("depseek cut", "did you mean sim-deepseek?"),
            ("pluto cut", "there are sim-deepseek"),
            ("deepseek", "say what goes wrong"),
            ("deepseek cutt", "did you mean cut?"),
            ("deepseek cut until tomorrow", "is not: for 60s"),
            ("deepseek 503 0 times", "not a number of times"),
            ("deepseek 503 for 0s", "no time"),
            ("deepseek/opus 503", "has no model"),
        ] {
            let why = read(line).unwrap_err();
            assert!(why.contains(word), "{line}: {why}");
        }
    }

    #[test]
    fn lifting_faults_leaves_none_in_force() {
        let fleet = Control::idle().unwrap();
        for line in ["qwen 503", "openai reset once"] {
            Order::read(line, &fleet).unwrap().run(&fleet).unwrap();
        }
        assert_eq!(fleet.all().len(), 2);
        Order::read("clear qwen", &fleet).unwrap().run(&fleet).unwrap();
        assert_eq!(fleet.all().len(), 1);
        Order::read("clear", &fleet).unwrap().run(&fleet).unwrap();
        assert_eq!(fleet.all(), []);
    }
}
