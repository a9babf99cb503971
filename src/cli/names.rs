//! Names as people type them: resolved where only one thing can be meant, else refused with what is
//! near. Sending a prompt to the wrong model costs money, so nothing is guessed.

use crate::config::Config;
use crate::domain::{ModelName, Request, Route, is_private, nearest};

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

/// Refuses to send what was probably to stay on this machine: a mark of it is nearly `#private`, and no
/// rule names that one.
///
/// # Errors
/// What was probably meant.
pub fn marks(tags: &[String], doubtful: &[String], config: &Config) -> Result<(), Stop> {
    match config.unruled(doubtful).filter(|_| !is_private(tags)) {
        None => Ok(()),
        Some(tag) => Err(Stop::usage(format!(
            "not sent: did you mean #private? #{tag} keeps nothing on this machine\n  \
             try: #private or --tag private; where #{tag} is meant, a rule for it says so"
        ))),
    }
}

fn model(typed: &str, config: &Config) -> Result<ModelName, Stop> {
    mentioned(typed, config).map_err(|near| no_model(typed, &near))
}

/// The model this names, or what is near where it names none or several.
pub fn mentioned(typed: &str, config: &Config) -> Result<ModelName, Vec<String>> {
    if passes_through(typed, config) {
        return Ok(typed.into());
    }
    config.model_named(typed).map(|model| model.name.clone())
}

/// The model that what was spent is compared with: one that `kept` requests were compared with
/// before, or one that is configured, where the configuration can be read.
///
/// # Errors
/// What is near, where it is neither.
pub fn baseline(
    typed: &str,
    config: Option<&Config>,
    kept: &[ModelName],
) -> Result<ModelName, Stop> {
    if let Some(same) = kept.iter().find(|name| name.as_str() == typed.trim()) {
        return Ok(same.clone());
    }
    let mut near = match config.map(|config| config.model_named(typed)) {
        Some(Ok(model)) => return Ok(model.name.clone()),
        Some(Err(near)) => near,
        None => Vec::new(),
    };
    let kept_near = nearest(typed, kept.iter().map(ModelName::as_str)).map(str::to_owned);
    near.extend(kept_near.filter(|name| !near.contains(name)));
    Err(no_model(typed, &near))
}

fn no_model(typed: &str, near: &[String]) -> Stop {
    let near = match near {
        [] => "wheelhouse models list shows all".to_owned(),
        names => format!("did you mean {}?", names.join(", ")),
    };
    Stop::usage(format!("{typed:?} is not one model: {near}"))
}

/// `provider/any-id`, where the provider takes any.
fn passes_through(typed: &str, config: &Config) -> bool {
    config.model_named(typed).is_err()
        && typed
            .split_once('/')
            .and_then(|(provider, _)| config.providers.get(provider))
            .is_some_and(|provider| provider.passthrough)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_baseline_is_a_model_that_is_configured_or_was_compared_with() {
        let config = crate::config::load(&[]).unwrap().config;
        let kept = ["sim-opus", "gone-since"].map(ModelName::from);
        let named =
            |typed, config| baseline(typed, config, &kept).map_err(|stop| stop.story().1.unwrap());
        assert_eq!(named("opus", Some(&config)).unwrap().as_str(), "opus");
        for config in [Some(&config), None] {
            assert_eq!(named("gone-since", config).unwrap().as_str(), "gone-since");
            let refused = named("gone-sinse", config).unwrap_err();
            assert_eq!(refused, "\"gone-sinse\" is not one model: did you mean gone-since?");
        }
        assert_eq!(
            named("zzzzzz", None).unwrap_err(),
            "\"zzzzzz\" is not one model: wheelhouse models list shows all"
        );
    }
}
