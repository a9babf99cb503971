//! Which known name was probably meant by one that is not known.
//!
//! Owns: how near is near enough to ask "did you mean …?". Must not know: which names there are.
//! Invariant: a name is never suggested for one that merely is as short.

use strsim::osa_distance;

/// Letters compared at most: what is longer was never a name.
const LONGEST: usize = 64;

/// The nearest of `names` to `text`, if one is near enough to be worth asking about: a third of its
/// letters wrong at most (two neighbours swapped count as one), or the same but for case and `-`
/// against `_`, or one that contains it. Simulated names are compared without their `sim-`, as they
/// are shown. Between equals the first in the alphabet.
#[must_use]
pub fn nearest<'a>(text: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = plain(text);
    let limit = (wanted.chars().count() / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    let mut holder: Option<&str> = None;
    for name in names {
        let candidate = plain(name);
        if wanted.len() >= 3 && candidate.contains(&wanted) {
            holder = holder.or(Some(name));
        }
        if candidate.chars().count().abs_diff(wanted.chars().count()) > limit {
            continue;
        }
        let found = (osa_distance(&wanted, &candidate), name);
        if found.0 <= limit && best.is_none_or(|best| found < best) {
            best = Some(found);
        }
    }
    best.map(|(_, name)| name).or(holder)
}

fn plain(text: &str) -> String {
    let letters = text.strip_prefix("sim-").unwrap_or(text).chars().take(LONGEST);
    letters.map(|c| if c == '-' { '_' } else { c.to_ascii_lowercase() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not() {
        let names = ["base_url", "dialect", "passthrough", "max_output"];
        let near = |text| nearest(text, names.into_iter());
        assert_eq!(near("base_ur"), Some("base_url"));
        assert_eq!(near("bsae_url"), Some("base_url"));
        assert_eq!(near("Base-URL"), Some("base_url"));
        assert_eq!(near("output"), Some("max_output"));
        assert_eq!(near("weather"), None);
        assert_eq!(near(""), None);
    }

    #[test]
    fn a_simulated_name_is_found_by_its_short_name_too() {
        let near = |text| nearest(text, ["sim-deepseek-pro", "sim-gpt-4o"].into_iter());
        assert_eq!(near("deepsek-pro"), Some("sim-deepseek-pro"));
        assert_eq!(near("sim-deepseek-v4-pro"), Some("sim-deepseek-pro"));
        assert_eq!(near("sim-llama"), None);
    }
}
