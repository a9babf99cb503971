//! Names as people type them: resolved where only one thing can be meant, else refused with what is
//! near. Sending a prompt to the wrong model costs money, so nothing is guessed.

use crate::config::Config;
use crate::domain::{ModelName, Request, Route};

use super::Stop;

/// Resolves the model a request names.
pub fn resolve(request: &mut Request, config: &Config) -> Result<(), Stop> {
    let Some(typed) = request.route.model() else { return Ok(()) };
    let name = model(typed.as_str(), config)?;
    request.route = match &request.route {
        Route::Only(_) => Route::Only(name),
        Route::Prefer(_) | Route::Auto => Route::Prefer(name),
    };
    Ok(())
}

fn model(typed: &str, config: &Config) -> Result<ModelName, Stop> {
    mentioned(typed, config).map_err(|near| {
        let near = match near.as_slice() {
            [] => "wheelhouse models list shows all".to_owned(),
            names => format!("did you mean {}?", names.join(", ")),
        };
        Stop::usage(format!("{typed:?} is not one model: {near}"))
    })
}

/// The model this names, or what is near where it names none or several.
pub fn mentioned(typed: &str, config: &Config) -> Result<ModelName, Vec<String>> {
    if passes_through(typed, config) {
        return Ok(typed.into());
    }
    config.model_named(typed).map(|model| model.name.clone())
}

/// `provider/any-id`, where the provider takes any.
fn passes_through(typed: &str, config: &Config) -> bool {
    config.model_named(typed).is_err()
        && typed
            .split_once('/')
            .and_then(|(provider, _)| config.providers.get(provider))
            .is_some_and(|provider| provider.passthrough)
}
