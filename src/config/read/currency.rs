//! `currency`: what amounts are shown in, and at which rates.
//!
//! Must not know: who shows them. Invariant: a currency that is shown has a rate a person set; there is
//! none for the dollar.

use std::collections::BTreeMap;

use crate::config::reader::Fields;
use crate::config::schema::CURRENCY;
use crate::config::settings::CurrencySettings;
use crate::config::source::join_path;
use crate::config::tree::Value;
use crate::domain::{Currency, ExchangeRate, nearest};

/// `currency`
pub(in crate::config) fn currency(root: &Fields<'_>) -> CurrencySettings {
    let fields = root.section("currency", &CURRENCY);
    let (rates, whole) = rates(&fields);
    let show = fields.text("show").and_then(|text| match text.parse::<Currency>() {
        Ok(currency) => Some(currency),
        Err(why) => {
            fields.wrong("show", why);
            None
        }
    });
    if let Some(currency) = show
        && whole
        && currency != Currency::USD
        && !rates.contains_key(&currency)
    {
        let known = rates.keys().map(Currency::code).chain(["USD"]);
        let near = nearest(currency.code(), known).map(str::to_owned);
        let message = format!("{currency} has no rate, such as currency.rates.{currency} = 7.12");
        fields.ctx.error_near(fields.place("show"), &fields.path_of("show"), message, near);
    }
    let as_of = fields.dates("as_of").first().map(|(day, _)| (*day).to_owned());
    if as_of.as_ref().is_some_and(|day| day.parse::<jiff::civil::Date>().is_err()) {
        fields.wrong("as_of", "expected a day such as \"2026-11-20\"");
    }
    CurrencySettings { show, rates, as_of }
}

/// `currency.rates`, and whether every one of them could be read.
fn rates(fields: &Fields<'_>) -> (BTreeMap<Currency, ExchangeRate>, bool) {
    let mut out = BTreeMap::new();
    let mut whole = true;
    let Some(node) = fields.node("rates") else { return (out, whole) };
    let Value::Table(table) = &node.value else {
        fields.wrong("rates", format!("expected {{ CNY = 7.12 }}, found {}", node.value.what()));
        return (out, false);
    };
    for (key, entry) in &table.entries {
        let path = join_path(&fields.path_of("rates"), key);
        let currency: Currency = match key.parse() {
            Ok(Currency::USD) => {
                let message = "money is counted in US dollars; rates are of other currencies";
                fields.ctx.error(entry.key_at, &path, message);
                continue;
            }
            Ok(currency) => currency,
            Err(why) => {
                fields.ctx.error(entry.key_at, &path, why);
                whole = false;
                continue;
            }
        };
        let rate = match &entry.node.value {
            Value::Whole(number) => number.to_string().parse(),
            Value::Float(_, raw) => raw.parse(),
            other => Err(format!(
                "expected a number of units per US dollar, such as 7.12, found {}",
                other.what()
            )),
        };
        match rate {
            Ok(rate) if out.insert(currency, rate).is_some() => {
                fields.ctx.error(entry.key_at, &path, format!("{currency} is there twice"));
            }
            Ok(_) => {}
            Err(why) => {
                fields.ctx.error(entry.node.at, &path, why);
                whole = false;
            }
        }
    }
    (out, whole)
}
