//! Finding by a few letters. Owns the order of hits: best first, equal ones as they were.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

/// Indices of what matches every word of the query, best first; all of them for an empty query.
pub fn rank<'a>(query: &str, items: impl Iterator<Item = &'a str>) -> Vec<usize> {
    if query.trim().is_empty() {
        return items.enumerate().map(|(index, _)| index).collect();
    }
    let pattern = Pattern::parse(query, CaseMatching::Ignore, Normalization::Smart);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut buffer = Vec::new();
    let mut hits: Vec<(u32, usize)> = items
        .enumerate()
        .filter_map(|(index, item)| {
            let text = Utf32Str::new(item, &mut buffer);
            pattern.score(text, &mut matcher).map(|score| (score, index))
        })
        .collect();
    hits.sort_by_key(|(score, index)| (std::cmp::Reverse(*score), *index));
    hits.into_iter().map(|(_, index)| index).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closer_match_comes_first_and_nothing_else_comes() {
        let items = ["opus anthropic", "sonnet anthropic", "son of a gun"];
        assert_eq!(rank("sonn", items.into_iter()), [1, 2]);
        assert_eq!(rank("anth son", items.into_iter()), [1]);
        assert_eq!(rank("", items.into_iter()), [0, 1, 2]);
    }
}
