//! The free call that lists an endpoint's models, and its answer in every shape seen. Pure.

use secrecy::SecretString;
use serde_json::Value;

use super::{Headers, HttpCall, address, call, clean, error};
use crate::config::Provider;
use crate::domain::{ErrorReport, OutcomeClass, UnixMs};

/// A model an endpoint says it serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedModel {
    /// The provider's id for it.
    pub id: String,
    /// Its window in tokens, where told.
    pub context: Option<u64>,
    /// Its greatest answer in tokens, where told.
    pub max_output: Option<u64>,
}

/// The call that lists an endpoint's models; it costs nothing.
pub fn models_call(provider: &Provider, key: Option<&SecretString>) -> HttpCall {
    let url = address::endpoint(&provider.base_url, provider.dialect, "/models");
    let mut call = call::headed("GET", url, provider, key);
    call.headers.push(("accept".to_owned(), "application/json".to_owned()));
    call
}

/// Reads the list.
///
/// # Errors
/// The body is an error, or no list of models.
pub fn read_models(body: &[u8]) -> Result<Vec<ListedModel>, ErrorReport> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|_| error::read_error(200, &Headers::default(), body, UnixMs::default()))?;
    let list = ["data", "models"]
        .iter()
        .find_map(|name| value.get(*name).and_then(Value::as_array))
        .or_else(|| value.as_array());
    let Some(list) = list else {
        if error::looks_like_error(&value) {
            return Err(error::in_band(&value));
        }
        let message = "The endpoint's model list could not be read";
        let mut report = ErrorReport::new(OutcomeClass::Provider, "models", message);
        report.original = clean::clean(&value.to_string(), clean::ORIGINAL_CAP);
        return Err(report);
    };
    Ok(list.iter().filter_map(listed).collect())
}

fn listed(entry: &Value) -> Option<ListedModel> {
    if let Value::String(id) = entry {
        return Some(ListedModel { id: call::shown(id), context: None, max_output: None });
    }
    let id = ["id", "model", "name"].iter().find_map(|name| entry.get(*name)?.as_str())?;
    let number = |path: &str| {
        let found = path.split('/').try_fold(entry, |value, name| value.get(name))?;
        found.as_u64().filter(|n| *n > 0)
    };
    let first = |paths: &[&str]| paths.iter().find_map(|path| number(path));
    Some(ListedModel {
        id: call::shown(id),
        context: first(&[
            "meta/n_ctx",
            "loaded_context_length",
            "context_length",
            "max_model_len",
            "max_context_length",
            "context_window",
            "max_input_tokens",
            "inputTokenLimit",
            "meta/n_ctx_train",
        ]),
        max_output: first(&[
            "top_provider/max_completion_tokens",
            "max_completion_tokens",
            "max_output_tokens",
            "outputTokenLimit",
        ]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_every_shape_are_read() {
        let body = br#"{"data":[
            {"id":"a","max_model_len":4096},
            {"id":"b","context_length":1000,"top_provider":{"max_completion_tokens":50}},
            {"id":"c","meta":{"n_ctx_train":8192}},
            {"object":"nameless"}]}"#;
        let models = read_models(body).unwrap();
        let short: Vec<_> =
            models.iter().map(|m| (m.id.as_str(), m.context, m.max_output)).collect();
        assert_eq!(
            short,
            [("a", Some(4096), None), ("b", Some(1000), Some(50)), ("c", Some(8192), None)]
        );
        assert_eq!(read_models(br#"["x"]"#).unwrap()[0].id, "x");
        assert_eq!(read_models(br#"{"models":[{"name":"llama"}]}"#).unwrap()[0].id, "llama");
        assert_eq!(read_models(br#"{"data":[]}"#).unwrap(), []);
    }

    #[test]
    fn an_error_instead_of_a_list_is_reported() {
        let report = read_models(br#"{"error":{"message":"Invalid API Key","code":401}}"#);
        assert_eq!(report.unwrap_err().class, OutcomeClass::Account);
        assert_eq!(read_models(b"{}").unwrap_err().code, "models");
        assert_eq!(read_models(b"<html>").unwrap_err().code, "html");
    }
}
