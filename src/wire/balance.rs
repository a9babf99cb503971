//! What an account has left, where its provider publishes that with an ordinary key. Pure.
//!
//! Owns: where each provider answers, and the shape of its answer. Must not know: what we spent.
//! Invariant: an amount is in the provider's own currency and is never converted.
//!
//! Sources: DeepSeek's API reference (`GET /user/balance`), OpenRouter's (`/credits`, `/key`), Moonshot's
//! (`/users/me/balance`) and SiliconFlow's (`/user/info`).

use std::fmt;

use secrecy::SecretString;
use serde_json::Value;

use super::{HttpCall, address, call};
use crate::config::{BalanceApi, Provider};
use crate::domain::Money;

/// An amount in an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balance {
    /// In units of its currency, to twelve decimals.
    pub amount: Money,
    /// The currency's code: `USD`, `CNY`.
    pub currency: String,
}

impl fmt::Display for Balance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amount = self.amount.dollars();
        match self.currency.as_str() {
            "USD" => write!(f, "${amount:.2}"),
            "CNY" => write!(f, "¥{amount:.2}"),
            other => write!(f, "{amount:.2} {other}"),
        }
    }
}

/// The calls that tell an account's balance, best first: where one is refused the next may not be.
pub fn balance_calls(
    provider: &Provider,
    api: BalanceApi,
    key: Option<&SecretString>,
) -> Vec<HttpCall> {
    let paths: &[&str] = match api {
        BalanceApi::DeepSeek => &["/user/balance"],
        BalanceApi::OpenRouter => &["/credits", "/key"],
        BalanceApi::Moonshot => &["/users/me/balance"],
        BalanceApi::SiliconFlow => &["/user/info"],
    };
    // DeepSeek answers at its root alone, whatever base its models are called at.
    let base = match api {
        BalanceApi::DeepSeek => {
            let base = provider.base_url.trim_end_matches('/');
            base.strip_suffix("/v1").or_else(|| base.strip_suffix("/beta")).unwrap_or(base)
        }
        BalanceApi::OpenRouter | BalanceApi::Moonshot | BalanceApi::SiliconFlow => {
            &provider.base_url
        }
    };
    paths
        .iter()
        .map(|path| {
            let url = match api {
                BalanceApi::DeepSeek => format!("{base}{path}"),
                BalanceApi::OpenRouter | BalanceApi::Moonshot | BalanceApi::SiliconFlow => {
                    address::endpoint(base, provider.dialect, path)
                }
            };
            let mut call = call::headed("GET", url, provider, key);
            call.headers.push(("accept".to_owned(), "application/json".to_owned()));
            call
        })
        .collect()
}

/// Reads an answer; empty where it tells no balance (a key without a limit, an error, another shape).
pub fn read_balance(api: BalanceApi, body: &[u8]) -> Vec<Balance> {
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return Vec::new() };
    let data = value.get("data").unwrap_or(&value);
    match api {
        BalanceApi::DeepSeek => {
            let entries = value.get("balance_infos").and_then(Value::as_array);
            entries
                .into_iter()
                .flatten()
                .filter_map(|entry| {
                    let currency = entry.get("currency")?.as_str()?;
                    one(amount(entry.get("total_balance")?)?, currency)
                })
                .collect()
        }
        BalanceApi::OpenRouter => {
            let number = |name: &str| data.get(name).and_then(amount);
            let left = match (number("total_credits"), number("total_usage")) {
                (Some(bought), Some(used)) => Some(bought - used),
                _ => number("limit_remaining"),
            };
            left.and_then(|left| one(left, "USD")).into_iter().collect()
        }
        BalanceApi::Moonshot => {
            let left = data.get("available_balance").and_then(amount);
            left.and_then(|left| one(left, "CNY")).into_iter().collect()
        }
        BalanceApi::SiliconFlow => {
            let left = data.get("totalBalance").and_then(amount);
            left.and_then(|left| one(left, "CNY")).into_iter().collect()
        }
    }
}

fn one(amount: Money, currency: &str) -> Option<Balance> {
    let plain = currency.len() <= 8 && currency.bytes().all(|b| b.is_ascii_alphanumeric());
    plain.then(|| Balance { amount, currency: currency.to_ascii_uppercase() })
}

/// A text or a number; what is finer than a trillionth is rounded.
fn amount(value: &Value) -> Option<Money> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    if let Ok(amount) = text.parse() {
        return Some(amount);
    }
    let number: f64 = text.parse().ok()?;
    (number.is_finite() && number.abs() < 9e6).then(|| Money::from_pico((number * 1e12) as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(api: BalanceApi, body: &str) -> Vec<String> {
        read_balance(api, body.as_bytes()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_published_balance_is_read_in_its_own_currency() {
        let deepseek = r#"{"is_available":true,"balance_infos":[
            {"currency":"USD","total_balance":"3.27","granted_balance":"0.00","topped_up_balance":"3.27"},
            {"currency":"CNY","total_balance":"110.00","granted_balance":"10.00","topped_up_balance":"100.00"}]}"#;
        assert_eq!(read(BalanceApi::DeepSeek, deepseek), ["$3.27", "¥110.00"]);
        let credits = r#"{"data":{"total_credits":10.5,"total_usage":4.25}}"#;
        assert_eq!(read(BalanceApi::OpenRouter, credits), ["$6.25"]);
        let key = r#"{"data":{"label":"a","limit":5,"limit_remaining":1.5,"usage":3.5}}"#;
        assert_eq!(read(BalanceApi::OpenRouter, key), ["$1.50"]);
        let moonshot = r#"{"code":0,"data":{"available_balance":49.58894,"voucher_balance":46.6,
            "cash_balance":3.0},"scode":"0x0","status":true}"#;
        assert_eq!(read(BalanceApi::Moonshot, moonshot), ["¥49.59"]);
        let silicon = r#"{"code":20000,"data":{"id":"u","balance":"0.88","totalBalance":"88.88"}}"#;
        assert_eq!(read(BalanceApi::SiliconFlow, silicon), ["¥88.88"]);
    }

    #[test]
    fn what_tells_no_balance_is_none() {
        let unlimited = r#"{"data":{"label":"a","limit":null,"limit_remaining":null,"usage":3.5}}"#;
        assert!(read(BalanceApi::OpenRouter, unlimited).is_empty());
        let hostile = r#"{"balance_infos":[{"currency":"\u001b[31mUSD","total_balance":"1"},
            {"currency":"USD","total_balance":"NaN"},{"currency":"USD"},7]}"#;
        assert!(read(BalanceApi::DeepSeek, hostile).is_empty());
        assert!(read(BalanceApi::DeepSeek, "<html>").is_empty());
    }

    #[test]
    fn deepseek_is_asked_at_its_root() {
        let mut provider = crate::config::sample::provider("deepseek");
        for base in ["https://api.deepseek.com", "https://api.deepseek.com/v1"] {
            base.clone_into(&mut provider.base_url);
            let calls = balance_calls(&provider, BalanceApi::DeepSeek, None);
            assert_eq!(calls[0].url, "https://api.deepseek.com/user/balance");
        }
        "https://openrouter.ai/api/v1".clone_into(&mut provider.base_url);
        let calls = balance_calls(&provider, BalanceApi::OpenRouter, None);
        assert_eq!(calls[1].url, "https://openrouter.ai/api/v1/key");
    }
}
